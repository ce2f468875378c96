"""Particles of many sizes under one ligand: compositions, distances, and that they are the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from ase_bimetal import predict
from ase_bimetal.errors import BimetalError
from ase_bimetal.lab.labels.sampling import sample
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.cores import Core
from ase_bimetal.structures.motifs import FAMILIES, PARTICLES, Prototype
from ase_bimetal.structures.particles import SIZES, STAPLED, bridged_particle, stapled_particle
from ase_bimetal.system import as_system


@pytest.mark.parametrize("name", SIZES)
def test_each_particle_has_its_composition_and_sane_distances(name: str) -> None:
    n_metals, n_thiolates, *_ = SIZES[name]
    core = bridged_particle(name, "Pd")
    donors = np.array([site.anchor + site.distance * site.direction for site in core.sites])
    assert (core.symbols.count("Pd"), core.symbols.count("Au"), len(donors)) == (1, n_metals - 1, n_thiolates)
    assert (n_metals - n_thiolates) % 2 == 0
    metal_metal = np.linalg.norm(core.positions[:, None] - core.positions, axis=2)[np.triu_indices(n_metals, 1)]
    assert metal_metal.min() == pytest.approx(2.80, abs=0.15)
    to_metals = np.sort(np.linalg.norm(donors[:, None] - core.positions, axis=2), axis=1)
    np.testing.assert_allclose(to_metals[:, :2], 2.40, atol=1e-6)
    assert to_metals[:, 2].min() > 2.7
    between = np.linalg.norm(donors[:, None] - donors, axis=2)[np.triu_indices(n_thiolates, 1)]
    assert between.min() > 2.7


#: Compositions of known clusters, M22(SR)14 and M20(SR)12 but for their count of eight electrons.
_STAPLED_FORMULAS = {
    "M20-stapled": (20, 12),
    "M22-stapled": (22, 14),
    "M28-stapled": (28, 20),
    "M36-stapled": (36, 24),
    "M38-stapled": (38, 24),
}


@pytest.mark.parametrize("name", STAPLED)
def test_staples_hold_two_donors_on_a_line_and_stand_clear(name: str) -> None:
    core = stapled_particle(name, "Au")
    donors = np.array([site.anchor + site.distance * site.direction for site in core.sites])
    assert (len(core.symbols), len(donors)) == _STAPLED_FORMULAS[name]
    n_core, _, one, two, _ = STAPLED[name]
    to_donors = np.linalg.norm(core.positions[:, None] - donors, axis=2)
    for gold, near in zip(core.positions[n_core:], to_donors[n_core:].argsort(axis=1), strict=True):
        legs = donors[near[:2]] - gold
        lengths = np.linalg.norm(legs, axis=1)
        np.testing.assert_allclose(lengths, 2.36, atol=0.06)
        assert 155 < np.degrees(np.arccos(legs[0] @ legs[1] / lengths.prod())) < 180
    assert len(core.positions) == n_core + one + 2 * two
    assert np.sort(to_donors, axis=0)[2].min() > 2.7, "a donor near a third metal"
    gaps = np.linalg.norm(donors[:, None] - donors, axis=2)[np.triu_indices(len(donors), 1)]
    assert gaps.min() > 2.9
    metals = np.linalg.norm(core.positions[:, None] - core.positions, axis=2)[np.triu_indices(len(core.positions), 1)]
    assert metals.min() > 2.6


def test_two_icosahedra_share_a_face() -> None:
    metals = stapled_particle("M38-stapled", "Au").positions[:23]
    neighbors = np.sort((np.linalg.norm(metals[:, None] - metals, axis=2) < 3.0).sum(axis=1) - 1)
    assert neighbors.tolist() == [6] * 18 + [10] * 3 + [12] * 2


@pytest.mark.parametrize("core", [bridged_particle("M55-bridged", "Cu"), stapled_particle("M22-stapled", "Cu")])
def test_the_dopant_is_innermost(core: Core) -> None:
    assert np.linalg.norm(core.positions, axis=1).argmin() == core.symbols.index("Cu")


def test_a_particle_is_read_as_the_cluster_it_is() -> None:
    atoms = assemble(Prototype("M19-bridged", "Ag", {"thiolate": "SH"}, "Au", "random-50"))
    system = as_system(atoms)
    assert sorted(set(system.metal_symbols)) == ["Ag", "Au"]
    assert [(ligand.name, count) for ligand, count in system.ligands] == [("SH", 13)]


def test_a_hydride_sits_at_its_bond_length() -> None:
    atoms = assemble(Prototype("M@Au8", "Pd", {"phosphine": "PH3", "halide": "hydride"}))
    [first, second] = [k for k in set(atoms.arrays["fragment"]) if (atoms.arrays["fragment"] == k).sum() == 1]
    for k in (first, second):
        [row] = np.flatnonzero(atoms.arrays["fragment"] == k)
        assert atoms.get_distances(row, range(9)).min() == pytest.approx(1.65, abs=0.02)
    turned = sample(atoms, 1, seed=0, kind="ligand torsion")
    assert turned.kind == "ligand torsion"
    np.testing.assert_allclose(turned.atoms.positions[row], atoms.positions[row], atol=1e-9)


def test_the_formula_door_builds_a_hydride():
    [found] = predict("Au8Pd(PH3)6(hydride)2")
    assert found.formation_energy_per_metal == pytest.approx(-2.42, abs=0.05)
    assert not any("ligand never seen" in flag for flag in found.flags)


def test_particles_are_no_motifs_of_known_clusters() -> None:
    assert not set(PARTICLES) & set(FAMILIES)
    with pytest.raises(BimetalError, match="M38-bridged"):
        Prototype("M38", "Au", {"thiolate": "SH"}).core()
