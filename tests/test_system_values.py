"""What a system says of itself, value by value: order of metals, equality, what is written and read again, parts."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from pymatgen.core import Composition

from ase_bimetal.errors import ChargedSystemError, LigandMismatchError
from ase_bimetal.system import BimetallicSystem, as_system, split_clusters


def hydrides(distance: float, first: str = "Au", second: str = "Pt") -> Atoms:
    """Two metal pairs with a hydride each, so far apart."""
    one = Atoms(f"{first}CuH", [[0, 0, 0], [0, 0, 2.6], [0, 1.1, 1.3]])
    other = Atoms(f"{second}CuH", one.positions + [distance, 0, 0])
    return one + other


def test_metals_are_ordered_by_count_then_electronegativity_then_name() -> None:
    # Pauling: Au 2.54, Pt 2.28, Pd 2.20, Ag 1.93, Cu 1.90.
    system = as_system(Composition("Cu3Ag3Au2Pd2Pt"))
    assert list(system.composition_metals.items()) == [("Ag", 3), ("Cu", 3), ("Au", 2), ("Pd", 2), ("Pt", 1)]
    assert (system.host, system.dopant, system.dopants) == ("Ag", "Cu", ("Cu", "Au", "Pd", "Pt"))
    assert as_system(Composition("Au4")).dopant is None


def test_systems_are_equal_with_equal_charges_alone() -> None:
    atoms = Atoms("AuCu", [[0, 0, 0], [0, 0, 2.6]])
    charged, other = atoms.copy(), atoms.copy()
    charged.set_initial_charges([0.25, -0.25])
    other.set_initial_charges([0.5, -0.5])
    bare, one, two = (as_system(each) for each in (atoms, charged, other))
    assert one == as_system(charged) and bare == as_system(atoms)
    assert bare != one and one != bare and one != two
    # The same charges on another geometry.
    charged.positions[1, 2] += 0.1
    assert as_system(charged) != one
    assert (bare == 3) is False


def test_a_charge_makes_another_system() -> None:
    atoms = Atoms("AuCu", [[0, 0, 0], [0, 0, 2.6]])
    ion = atoms.copy()
    ion.info["charge"] = 1
    kept = as_system(ion, charge="keep")
    assert kept.charge == 1 and kept != as_system(atoms)
    assert kept.content_key() != as_system(atoms).content_key()
    assert as_system(kept, charge="keep") == kept
    ignored = as_system(kept, charge="ignore")
    assert ignored.charge == 0 and any(note.startswith("declared charge +1 ignored") for note in ignored.notes)
    with pytest.raises(ChargedSystemError):
        as_system(kept)


@pytest.mark.parametrize(
    "make",
    [
        lambda: as_system(Atoms("AuCu", [[0, 0, 0], [0, 0, 2.6]])),
        lambda: as_system(Composition("Au4Pd2")),
        lambda: as_system(Composition("Au4Pd2"), {"PET": 8}),
        lambda: as_system(fcc111("Cu", (2, 2, 2), vacuum=8.0)),
        lambda: as_system(hydrides(0.0)[:3]),
    ],
    ids=["atoms", "composition", "composition with ligands", "slab", "hydride"],
)
def test_what_is_written_is_read_again(make) -> None:
    system = make()
    again = BimetallicSystem.from_dict(system.as_dict())
    assert again == system and again.has_geometry == system.has_geometry
    assert again.positions.shape == (len(system.symbols), 3) and again.bonds.shape == system.bonds.shape
    assert again.donors.tolist() == system.donors.tolist() and again.charges is None
    assert (again.ligand_source, again.kind, again.notes) == (system.ligand_source, system.kind, system.notes)
    older = {key: value for key, value in system.as_dict().items() if key not in ("charge", "notes")}
    assert BimetallicSystem.from_dict(older).charge == 0.0 and BimetallicSystem.from_dict(older).notes == ()


def test_charges_are_written_and_read_again() -> None:
    atoms = Atoms("AuCu", [[0, 0, 0], [0, 0, 2.6]])
    atoms.set_initial_charges([0.25, -0.25])
    again = BimetallicSystem.from_dict(as_system(atoms).as_dict())
    assert again.charges.tolist() == [0.25, -0.25]


def test_contacts_count_the_donor_first() -> None:
    system = as_system(hydrides(0.0)[:3])
    assert system.kind == "cluster" and system.ligand_source == "perception"
    assert system.bonds.tolist() == [[2, 0], [2, 1]] and system.donors.tolist() == [2]
    assert dict(system.coordination) == {2: (0, 1)}


@pytest.mark.parametrize("ligands", [None, {"hydride": 1}])
def test_solvent_far_from_any_metal_is_left_out_and_named(ligands) -> None:
    water = molecule("H2O")
    water.translate([8.0, 0, 0])
    system = as_system(hydrides(0.0)[:3] + water, ligands)
    assert system.symbols == ("Au", "Cu", "H") and system.ligand_counts == {"[H][H]": 1}
    assert system.notes[0] == "left out, more than a bond away from any metal: 1 × H2O (at O3)"


def test_only_a_core_with_ligands_is_core_only() -> None:
    core = Atoms("AuCu", [[0, 0, 0], [0, 0, 2.6]])
    assert as_system(core, {"PET": 2}).is_core_only and as_system(core, {"PET": 2}).ligand_source == "argument"
    assert not as_system(core).is_core_only and as_system(core).ligand_source == "none"
    assert not as_system(hydrides(0.0)[:3]).is_core_only


def test_ligands_given_to_a_system_are_read_or_refused() -> None:
    core = as_system(Atoms("AuCu", [[0, 0, 0], [0, 0, 2.6]]))
    assert as_system(core) is core
    assert as_system(core, {"PET": 2}).ligand_counts == {"SCCc1ccccc1": 2}
    annotated = Atoms("AuCu", [[0, 0, 0], [0, 0, 2.6]], info={"ligand_smiles": {"PET": 2}})
    system = as_system(annotated)
    assert as_system(system, {"PET": 2}) is system
    for obj in (annotated, system):
        with pytest.raises(LigandMismatchError, match="annotated with 2 × PET, but 3 × PET was asked for"):
            as_system(obj, {"PET": 3})


def test_separate_clusters_are_read_one_by_one() -> None:
    systems = split_clusters(hydrides(9.0))
    assert [system.metal_symbols for system in systems] == [("Au", "Cu"), ("Pt", "Cu")]
    assert [len(system.symbols) for system in systems] == [3, 3]
    assert [len(system.symbols) for system in split_clusters(systems[0])] == [3]
    ions = hydrides(9.0)
    ions.info["charge"] = -1
    for charge in ("keep", "ignore"):
        notes = [system.notes[0] for system in split_clusters(ions, charge=charge)]
        assert all(note.startswith("declared charge -1 ignored") for note in notes)
    with pytest.raises(ChargedSystemError):
        split_clusters(ions)


@pytest.mark.parametrize("obj", [Composition("Au4Pd2"), bulk("Cu") * (2, 2, 2), fcc111("Cu", (2, 2, 2), vacuum=8.0)])
def test_what_is_one_thing_is_not_split(obj) -> None:
    [system] = split_clusters(obj)
    assert system == as_system(obj)


def test_a_system_cannot_be_changed() -> None:
    system = as_system(hydrides(0.0)[:3])
    with pytest.raises(FrozenInstanceError):
        system.kind = "alloy"
    for array in (system.positions, system.cell, system.metals, system.donors, system.bonds):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = np.zeros_like(array)
