"""Motifs, assembly, samples and the checks of a label; no electronic structure here."""

import numpy as np
import pytest
from ase.data import covalent_radii

from ase_bimetal.errors import BimetalError, LigandError
from ase_bimetal.lab.labels import label
from ase_bimetal.lab.labels.sampling import sample
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.checks import rejection
from ase_bimetal.structures.motifs import FAMILIES, Prototype

PET = Prototype("Au4M2", "Pd", {"thiolate": "PET"})
SHELLS = {
    "Au4M2": ({"thiolate": "SMe"}, "C8H24Au4Pd2S8"),
    "Au4M2-capped": ({"thiolate": "SPh", "axial": "PPh3"}, "C84H70Au4P2Pd2S8"),
    "M@Au8": ({"phosphine": "PPh3", "halide": "Cl"}, "C108H90Au8Cl2P6Pd"),
    "M@Au8-diphosphine": ({"diphosphine": "dppm", "halide": "Cl"}, "C75H66Au8Cl2P6Pd"),
    "M@Au10": ({"phosphine": "PH3", "halide": "C≡CPh"}, "C24H36Au10P7Pd"),
    "M@Au11": ({"phosphine": "PH3", "halide": "SAdm"}, "C30H69Au11P8PdS3"),
    "M@Au12": ({"phosphine": "PMe3", "halide": "Cl"}, "C24H72Au12Cl4P8Pd"),
    "M@Au12-sulfide": ({"phosphine": "PH3", "sulfide": "sulfide"}, "H18Au12P6PdS2"),
    "M@Au24-centre": ({"thiolate": "SMe"}, "C18H54Au24PdS18"),
    "M@Au24-surface": ({"thiolate": "SMe"}, "C18H54Au24PdS18"),
    "M@Au24-staple": ({"thiolate": "SMe"}, "C18H54Au24PdS18"),
    "Au6M2-Cp": ({"phosphine": "PPh3", "halide": "Cl", "pi": "Cp*"}, "C92H90Au6Cl2P4Pd2"),
    "Au6M2-Cp-diphosphine": ({"diphosphine": "dhpm", "halide": "Cl", "pi": "Cp"}, "C12H22Au6Cl2P4Pd2"),
    "M13": ({"phosphine": "PH3", "halide": "Cl"}, "H24Au12Cl4P8Pd"),
    "M55": ({"phosphine": "PH3", "halide": "Br"}, "H36Au54Br6P12Pd"),
}


@pytest.fixture(scope="module")
def pet_cluster():
    return assemble(PET)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_assembles_with_its_formula_and_no_overlap(family):
    shell, formula = SHELLS[family]
    atoms = assemble(Prototype(family, "Pd", shell))
    assert atoms.get_chemical_formula() == formula
    assert rejection(atoms, atoms) is None
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


@pytest.mark.parametrize(
    "shell", [{"phosphine": "PH3", "halide": "Cl", "pi": "SMe"}, {"phosphine": "Cp*", "halide": "Cl", "pi": "Cp"}]
)
def test_pi_ligands_and_pi_sites_belong_together(shell):
    with pytest.raises(LigandError, match="does not fit a site of role"):
        assemble(Prototype("Au6M2-Cp", "Pd", shell))


def test_half_sandwich_rings_lie_flat_on_the_dopant():
    atoms = assemble(Prototype("Au6M2-Cp", "Ir", {"phosphine": "PH3", "halide": "Cl", "pi": "Cp"}))
    symbols = np.array(atoms.get_chemical_symbols())
    reach = atoms.get_all_distances()[symbols == "Ir"][:, symbols == "C"]
    assert ((reach < 2.3).sum(axis=1) == 5).all()


def test_staples_hold_each_gold_by_two_sulfurs_and_cap_the_core():
    atoms = assemble(Prototype("M@Au24-centre", "Pd", {"thiolate": "SMe"}))
    symbols, distances = np.array(atoms.get_chemical_symbols()), atoms.get_all_distances()
    assert ((distances[np.ix_(symbols == "S", symbols == "Au")] < 2.6).sum(axis=1) == 2).all()
    from_centre = np.sort(distances[symbols == "Pd"][0][symbols == "Au"])
    assert from_centre[:12] == pytest.approx(2.8, abs=0.05)
    assert from_centre[12:] == pytest.approx(4.8, abs=0.1)


def test_arrangements_put_the_metals_where_they_say():
    shell = {"phosphine": "PH3", "halide": "Cl"}
    inside = Prototype("M55", "Cu", shell, "Ag", "core-shell").core()
    from_centre = np.linalg.norm(inside.positions, axis=1)
    copper = np.array(inside.symbols) == "Cu"
    assert copper.sum() == 13 and from_centre[copper].max() < from_centre[~copper].min()
    assert Prototype("M13", "Cu", shell, "Ag", "random-70").core().symbols.count("Cu") == 9
    three = Prototype("Au4M2", "Pd", {"thiolate": "SMe"}, "Au", "third-Ag-2").core()
    assert sorted(three.symbols) == ["Ag", "Ag", "Au", "Au", "Pd", "Pd"]
    with pytest.raises(BimetalError, match="unknown arrangement 'stripes'; allowed"):
        Prototype("M13", "Cu", shell, "Ag", "stripes").core()


def test_samples_depend_on_index_and_seed_alone(pet_cluster):
    assert np.array_equal(sample(pet_cluster, 0, 1).atoms.positions, pet_cluster.positions)
    for index in range(1, 11):
        first, again = sample(pet_cluster, index, 5), sample(pet_cluster, index, 5)
        assert first.kind == again.kind
        assert np.array_equal(first.atoms.positions, again.atoms.positions)
        assert not np.allclose(first.atoms.positions, sample(pet_cluster, index, 6).atoms.positions)


def test_a_recorded_kind_makes_the_same_configuration_again(pet_cluster):
    for index in range(1, 11):
        drawn = sample(pet_cluster, index, 5)
        again = sample(pet_cluster, index, 5, drawn.kind)
        assert np.array_equal(drawn.atoms.positions, again.atoms.positions)


@pytest.mark.parametrize("kind", ["metal displacement", "dopant position"])
def test_moves_of_metals_leave_ligands_alone(pet_cluster, kind):
    drawn = sample(pet_cluster, 1, 0, kind)
    ligand = pet_cluster.arrays["fragment"] > 0
    assert np.array_equal(drawn.atoms.positions[ligand], pet_cluster.positions[ligand])
    assert not np.allclose(drawn.atoms.positions[~ligand], pet_cluster.positions[~ligand])


def test_dopant_positions_keep_the_composition(pet_cluster):
    drawn = sample(pet_cluster, 1, 0, "dopant position").atoms
    assert drawn.get_chemical_formula() == pet_cluster.get_chemical_formula()
    assert (drawn.numbers != pet_cluster.numbers).sum() == 2


@pytest.mark.parametrize("kind", ["breathing", "ligand torsion"])
def test_breathing_and_torsion_keep_ligands_rigid(pet_cluster, kind):
    drawn = sample(pet_cluster, 1, 0, kind)
    for k in range(1, 9):
        one = pet_cluster.arrays["fragment"] == k
        before, after = pet_cluster[one].get_all_distances(), drawn.atoms[one].get_all_distances()
        assert np.allclose(before, after)


def test_torsion_keeps_the_core_and_its_bonds(pet_cluster):
    drawn = sample(pet_cluster, 1, 0, "ligand torsion").atoms
    held = np.isin(pet_cluster.get_chemical_symbols(), ["Au", "Pd", "S"])
    assert np.allclose(drawn.positions[held], pet_cluster.positions[held], atol=1e-6)
    assert not np.allclose(drawn.positions, pet_cluster.positions, atol=0.2)


def test_rejection_names_an_unbound_ligand(pet_cluster):
    moved = pet_cluster.copy()
    one = moved.arrays["fragment"] == 1
    outward = moved.positions[one].mean(axis=0)
    moved.positions[one] += 4 * outward / np.linalg.norm(outward)
    assert rejection(moved, pet_cluster) == "unbound ligand"


def test_rejection_names_a_broken_bond(pet_cluster):
    moved = pet_cluster.copy()
    last = int(np.flatnonzero(moved.arrays["fragment"] == 1)[-1])
    centre = moved.positions[moved.arrays["fragment"] == 0].mean(axis=0)
    outward = moved.positions[last] - centre
    moved.positions[last] += 1.5 * outward / np.linalg.norm(outward)
    assert rejection(moved, pet_cluster) == "broken bond inside a ligand"


def test_rejection_names_overlapping_ligands(pet_cluster):
    moved = pet_cluster.copy()
    fragment = moved.arrays["fragment"]
    moved.positions[np.flatnonzero(fragment == 1)[-1]] = moved.positions[fragment == 2][-1] + [0.5, 0, 0]
    assert rejection(moved, pet_cluster) == "ligands closer than 1.5 Å"


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
    assert rejection(moved, atoms) in ("bond between ligands", "ligands closer than 1.5 Å")


@pytest.mark.parametrize(("energy", "charge"), [(-589.0, -19.0), (-3.0, -19.0), (13.0, 0.1)])
def test_a_collapsed_scf_does_not_pass(energy, charge):
    """The Pt-centred Au8 collapse: a converged SCF with q = −19 and −589 eV/metal."""
    assert label.collapse(energy, np.array([charge, 0.2]))


def test_a_sound_label_passes():
    assert label.collapse(-3.6, np.array([0.3, -0.4])) is None


def test_an_excited_state_does_not_pass_as_a_label():
    """M@Au8 with M = Zn under acetylides: a quiet SCF with small charges, 8 eV per metal too high."""
    calm = np.array([0.42, -0.24])
    assert "above +1" in label.collapse(6.15, calm)
    assert "above the parent" in label.collapse(-0.03, calm, parent_energy=-2.42)
    assert label.collapse(-1.0, calm, parent_energy=-2.42) is None


def test_a_collapsed_ligand_is_rejected_and_stops_nothing():
    parent = assemble(Prototype("M@Au8", "Pd", {"phosphine": "PH3", "halide": "Cl"}))
    first, second = np.flatnonzero(parent.numbers == 1)[:2]
    assert parent.arrays["fragment"][first] == parent.arrays["fragment"][second]
    collapsed = parent.copy()
    collapsed.set_distance(first, second, 0.3, fix=0)
    assert rejection(collapsed, parent) == "atoms on top of each other"
