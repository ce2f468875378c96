"""Bond probes: what the model knows of elements and ligands that no label holds."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_bimetal import elements
from ase_bimetal.errors import LigandError, UnknownElementError
from ase_bimetal.ligands import LIGAND_NAMES, Ligand
from ase_bimetal.model.encode import (
    BONDING,
    DONOR_RADII,
    Graph,
    baseline_features,
    bonding_features,
    core_graph,
    donor_strain,
)
from ase_bimetal.neighbors import pairs_within
from ase_bimetal.probes import METAL_PROBES, TRIANGLE_METALS, _triangle_probes, ligand_probe, metal_probes
from ase_bimetal.structures.motifs import DOPANTS
from ase_bimetal.system import as_system


@pytest.mark.parametrize("symbol", [*DOPANTS, "Au", "Ag", "Cu"])
def test_every_dopant_has_bound_probes(symbol):
    values = dict(zip(METAL_PROBES, metal_probes(symbol), strict=True))
    shared = values.pop("Au4M2")  # of three atoms, half a square of gold among them; all others are one bond
    assert elements.is_metal(symbol) and min(values.values()) > -12 and -3 * 6 < shared < values["M-Au"] < 0


def test_probes_know_what_periodic_properties_do_not():
    palladium, platinum = metal_probes("Pd"), metal_probes("Pt")
    assert all(pd > pt + 0.5 for pd, pt in zip(palladium, platinum, strict=True))


def test_an_element_without_probes_is_named():
    with pytest.raises(UnknownElementError, match="'Na'"):
        metal_probes("Na")


@pytest.mark.parametrize("name", sorted(LIGAND_NAMES))
def test_every_named_ligand_binds_to_every_triangle(name):
    ligand = Ligand.parse(name)
    assert all(-5 < ligand_probe(ligand, [metal]) < 0.5 for metal in TRIANGLE_METALS)


@pytest.mark.parametrize(("unseen", "alike"), [
    ("CCCCCCS", "SEt"), ("Sc1ccc(Br)cc1", "SPh"), ("C#Cc1ccc(C)cc1", "C≡CPh"), ("CCCCP(CCCC)CCCC", "CCP(CC)CC"),
])  # fmt: skip
def test_an_unseen_ligand_takes_after_those_with_the_same_donor(unseen, alike):
    assert ligand_probe(Ligand.parse(unseen)) == pytest.approx(ligand_probe(Ligand.parse(alike)), abs=0.08)


def test_the_gap_between_halides_is_the_metals():
    chloride, bromide = Ligand.parse("Cl"), Ligand.parse("Br")
    gap = {m: ligand_probe(bromide, [m]) - ligand_probe(chloride, [m]) for m in TRIANGLE_METALS}
    assert gap["Ag"] > gap["Au"] + 0.3 > 0.6
    mixed = ligand_probe(chloride, ["Ag", "Au"])
    assert mixed == pytest.approx((ligand_probe(chloride, ["Ag"]) + ligand_probe(chloride, ["Au"])) / 2)
    assert ligand_probe(chloride, ["Pd"]) == ligand_probe(chloride, ["Au"])


def test_a_donor_without_probes_is_refused(monkeypatch):
    table = {"metals": {}, "ligands": {"CS": dict.fromkeys(TRIANGLE_METALS, -0.9)}}
    monkeypatch.setattr("ase_bimetal.probes._tables", lambda: table)
    _triangle_probes.cache_clear()
    with pytest.raises(LigandError, match="donor P"):
        ligand_probe(Ligand.parse("PPh3"))
    _triangle_probes.cache_clear()


def test_the_baseline_does_not_know_the_order_of_atoms():
    from ase_bimetal import load_example

    atoms = load_example("Au4Pd2(PET)8")
    turned = atoms[::-1]
    turned.info = atoms.info
    one, other = (baseline_features(system, core_graph(system)) for system in map(as_system, (atoms, turned)))
    assert one == pytest.approx(other)


def test_bonding_of_a_dimer_is_what_the_formulas_say():
    strength = -metal_probes("Ag")[METAL_PROBES.index("M-M")]
    silver = Atoms("Ag2", [[0, 0, 0], [0, 0, 2 * elements.metallic_radius("Ag") / 100]])
    silver.info["ligand_smiles"] = {"PET": 1}
    found = dict(zip(BONDING, bonding_features(("Ag", "Ag"), core_graph(as_system(silver))), strict=True))
    assert found["coordination"] == pytest.approx(1, abs=0.02)
    assert found["root coordination"] == pytest.approx(1, abs=0.01)
    assert found["band"] == pytest.approx(strength, rel=0.01)
    assert found["repulsion"] == pytest.approx(strength, rel=0.02)
    assert found["M-M per root bond"] == pytest.approx(-strength, rel=0.01)
    assert found["neighbourhood"] == pytest.approx(2 ** (-1 / 3), abs=1e-6)


def test_the_neighbourhood_of_a_crystal_is_three_shells():
    """Around an atom of fcc gold lie 12 + 6 + 24 others, and a tenth of the next 12; any cell gives the same."""
    fourth = 12 / (1 + np.exp((4.08 * np.sqrt(2) - 5.6) / 0.08))
    for atoms in (bulk("Au"), bulk("Au", cubic=True)):
        pairs = pairs_within(atoms.positions, atoms.cell.array, atoms.pbc, 6.0)
        n = len(atoms)
        graph = Graph(
            np.zeros((n, 1)),
            np.ones(n, bool),
            np.ones(n),
            np.stack([pairs.first, pairs.second]),
            pairs.distance,
            pairs.distance - 2.88,
            np.ones_like(pairs.distance),
        )
        found = dict(zip(BONDING, bonding_features(["Au"] * n, graph), strict=True))
        assert found["neighbourhood"] == pytest.approx((43 + fourth) ** (-1 / 3), rel=1e-4)
        assert found["coordination"] == pytest.approx(12, rel=0.04)


def test_a_bond_at_the_sum_of_the_radii_is_without_strain_and_a_short_one_is_not():
    length = elements.metallic_radius("Au") / 100 + DONOR_RADII["Cl"]
    repulsion = {}
    for scale in (1.0, 0.9, 1.1):
        chloride = Atoms("Au2Cl", [[0, 0, 0], [0, 0, -2.88], [0, 0, scale * length]])
        chloride.info["ligand_smiles"] = {"Cl": 1}
        repulsion[scale] = donor_strain(core_graph(as_system(chloride)))[0]
    assert repulsion[1.0] == pytest.approx(0, abs=1e-6)
    assert repulsion[0.9] > 0.5 > 0 > repulsion[1.1]


@pytest.mark.parametrize("symbol", ["Pd", "Zn"])
def test_the_table_is_what_its_command_makes(symbol):
    pytest.importorskip("tblite")
    from ase_bimetal.lab.labels.probe_energies import metal_probe_energies

    again = metal_probe_energies(symbol)
    assert metal_probes(symbol) == pytest.approx([again[name] for name in METAL_PROBES], abs=2e-3)


def test_the_bond_to_a_triangle_is_what_its_command_makes():
    pytest.importorskip("tblite")
    from ase_bimetal.lab.labels.probe_energies import ligand_probe_energies

    again = ligand_probe_energies("Cl")
    assert [ligand_probe(Ligand.parse("Cl"), [m]) for m in TRIANGLE_METALS] == pytest.approx(
        [again[m] for m in TRIANGLE_METALS], abs=2e-3
    )
