"""Bond probes: what the model knows of elements and ligands that no label holds."""

import pytest
from ase import Atoms

from ase_bimetal import elements
from ase_bimetal.errors import LigandError, UnknownElementError
from ase_bimetal.ligands import LIGAND_NAMES, Ligand
from ase_bimetal.model.encode import BONDING, baseline_features, bonding_features, core_graph
from ase_bimetal.probes import LIGAND_PROBES, METAL_PROBES, ligand_probes, metal_probes
from ase_bimetal.reference.motifs import DOPANTS
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
def test_every_named_ligand_has_probes(name):
    assert len(ligand_probes(Ligand.parse(name))) == len(LIGAND_PROBES)


@pytest.mark.parametrize(("unseen", "alike"), [
    ("CCCCCCS", "SEt"), ("Sc1ccc(Br)cc1", "SPh"), ("C#Cc1ccc(C)cc1", "C≡CPh"), ("CCCCP(CCCC)CCCC", "CCP(CC)CC"),
])  # fmt: skip
def test_an_unseen_ligand_takes_after_those_with_the_same_donor(unseen, alike):
    assert ligand_probes(Ligand.parse(unseen)) == pytest.approx(ligand_probes(Ligand.parse(alike)), abs=0.08)


def test_a_donor_without_probes_is_refused(monkeypatch):
    monkeypatch.setattr("ase_bimetal.probes._tables", lambda: {"metals": {}, "ligands": {"CS": {"complex": -0.9}}})
    ligand_probes.cache_clear()
    with pytest.raises(LigandError, match="donor P"):
        ligand_probes(Ligand.parse("PPh3"))
    ligand_probes.cache_clear()


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


@pytest.mark.parametrize("symbol", ["Pd", "Zn"])
def test_the_table_is_what_its_command_makes(symbol):
    pytest.importorskip("tblite")
    from ase_bimetal.reference.probe_energies import metal_probe_energies

    again = metal_probe_energies(symbol)
    assert metal_probes(symbol) == pytest.approx([again[name] for name in METAL_PROBES], abs=2e-3)
