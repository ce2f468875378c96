"""Motifs, assembly, samples and the checks of a label; no electronic structure here."""

import numpy as np
import pytest
from ase.data import covalent_radii

from ase_bimetal.errors import BimetalError, LigandError
from ase_bimetal.reference import label
from ase_bimetal.reference.assemble import assemble
from ase_bimetal.reference.motifs import FAMILIES, Prototype
from ase_bimetal.reference.sample import sample

PET = Prototype("Au4M2", "Pd", {"thiolate": "PET"})
SHELLS = {
    "Au4M2": ({"thiolate": "SMe"}, "C8H24Au4Pd2S8"),
    "Au4M2-capped": ({"thiolate": "SPh", "axial": "PPh3"}, "C84H70Au4P2Pd2S8"),
    "M@Au8": ({"phosphine": "PPh3", "halide": "Cl"}, "C108H90Au8Cl2P6Pd"),
    "M@Au12": ({"phosphine": "PMe3", "halide": "Cl"}, "C24H72Au12Cl4P8Pd"),
}


@pytest.fixture(scope="module")
def pet_cluster():
    return assemble(PET)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_assembles_with_its_formula_and_no_overlap(family):
    shell, formula = SHELLS[family]
    atoms = assemble(Prototype(family, "Pd", shell))
    assert atoms.get_chemical_formula() == formula
    assert label.rejection(atoms, atoms) is None
    distances = atoms.get_all_distances() + 10 * np.eye(len(atoms))
    assert distances.min() > 0.9


def test_thiolates_bridge_a_gold_and_an_axial_metal(pet_cluster):
    symbols = np.array(pet_cluster.get_chemical_symbols())
    distances = pet_cluster.get_all_distances()
    limit = 1.25 * (covalent_radii[16] + covalent_radii[79])
    for sulfur in np.flatnonzero(symbols == "S"):
        assert (distances[sulfur][symbols == "Au"] < limit).sum() == 1
        assert (distances[sulfur][symbols == "Pd"] < limit).sum() == 1


def test_assembly_is_repeatable(pet_cluster):
    assert np.array_equal(assemble(PET).positions, pet_cluster.positions)


def test_unknown_family_names_what_is_allowed():
    with pytest.raises(BimetalError, match="allowed: Au4M2"):
        Prototype("Au5M3", "Pd", {}).core()


def test_pi_ligands_are_refused_by_sigma_sites():
    with pytest.raises(LigandError, match="π ligand"):
        assemble(Prototype("Au4M2-capped", "Pd", {"thiolate": "SMe", "axial": "Cp*"}))


def test_samples_depend_on_index_and_seed_alone(pet_cluster):
    assert np.array_equal(sample(pet_cluster, 0, 1).atoms.positions, pet_cluster.positions)
    for index in range(1, 7):
        first, again = sample(pet_cluster, index, 5), sample(pet_cluster, index, 5)
        assert first.kind == again.kind
        assert np.array_equal(first.atoms.positions, again.atoms.positions)
        assert not np.allclose(first.atoms.positions, sample(pet_cluster, index, 6).atoms.positions)


def test_metal_displacements_leave_ligands_alone(pet_cluster):
    drawn = next(s for s in (sample(pet_cluster, i, 0) for i in range(1, 4)) if s.kind == "metal displacement")
    ligand = pet_cluster.arrays["fragment"] > 0
    assert np.array_equal(drawn.atoms.positions[ligand], pet_cluster.positions[ligand])


def test_breathing_keeps_ligands_rigid(pet_cluster):
    drawn = next(s for s in (sample(pet_cluster, i, 0) for i in range(1, 4)) if s.kind == "breathing")
    one = pet_cluster.arrays["fragment"] == 3
    before, after = pet_cluster[one].get_all_distances(), drawn.atoms[one].get_all_distances()
    assert np.allclose(before, after)


def test_rejection_names_an_unbound_ligand(pet_cluster):
    moved = pet_cluster.copy()
    one = moved.arrays["fragment"] == 1
    outward = moved.positions[one].mean(axis=0)
    moved.positions[one] += 4 * outward / np.linalg.norm(outward)
    assert label.rejection(moved, pet_cluster) == "unbound ligand"


def test_rejection_names_a_broken_bond(pet_cluster):
    moved = pet_cluster.copy()
    last = int(np.flatnonzero(moved.arrays["fragment"] == 1)[-1])
    centre = moved.positions[moved.arrays["fragment"] == 0].mean(axis=0)
    outward = moved.positions[last] - centre
    moved.positions[last] += 1.5 * outward / np.linalg.norm(outward)
    assert label.rejection(moved, pet_cluster) == "broken bond inside a ligand"


def test_rejection_names_overlapping_ligands(pet_cluster):
    moved = pet_cluster.copy()
    fragment = moved.arrays["fragment"]
    moved.positions[np.flatnonzero(fragment == 1)[-1]] = moved.positions[fragment == 2][-1] + [0.5, 0, 0]
    assert label.rejection(moved, pet_cluster) == "ligands closer than 1.5 Å"


def test_rejection_names_ligands_that_react():
    """Silent chemistry seen in relaxed Au4Au2(SMe)8(PMe3)2: a phosphine that leaves its metal for two thiolates."""
    atoms = assemble(Prototype("Au4M2-capped", "Au", {"thiolate": "SMe", "axial": "PMe3"}))
    symbols = np.array(atoms.get_chemical_symbols())
    phosphorus, sulfur = np.flatnonzero(symbols == "P")[0], np.flatnonzero(symbols == "S")
    nearest = sulfur[atoms.get_distances(phosphorus, sulfur).argmin()]
    one = atoms.arrays["fragment"] == atoms.arrays["fragment"][phosphorus]
    gap = atoms.positions[nearest] - atoms.positions[phosphorus]
    moved = atoms.copy()
    moved.positions[one] += gap * (1 - 2.15 / np.linalg.norm(gap))
    assert label.rejection(moved, atoms) in ("bond between ligands", "ligands closer than 1.5 Å")


@pytest.mark.parametrize(("energy", "charge"), [(-589.0, -19.0), (-3.0, -19.0), (13.0, 0.1)])
def test_a_collapsed_scf_does_not_pass(energy, charge):
    """The Pt-centred Au8 collapse: a converged SCF with q = −19 and −589 eV/metal."""
    assert label.collapse(energy, np.array([charge, 0.2]))


def test_a_sound_label_passes():
    assert label.collapse(-3.6, np.array([0.3, -0.4])) is None
