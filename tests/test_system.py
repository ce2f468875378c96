"""The one door: every kind of input gives the same system, bad input is named."""

import pickle
from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from pymatgen.core import Composition, IMolecule, IStructure, Lattice, Molecule, Structure

from ase_bimetal import errors
from ase_bimetal.descriptors import all_descriptors
from ase_bimetal.system import BimetallicSystem, as_system


def in_box(atoms: Atoms) -> Structure:
    """A pymatgen Structure of a cluster in a vacuum-padded cell, across its boundary."""
    cell = np.ptp(atoms.positions, axis=0) + 16.0
    lattice = Lattice(np.diag(cell))
    return Structure(lattice, list(atoms.symbols), atoms.positions, coords_are_cartesian=True, to_unit_cell=True)


def same(a: BimetallicSystem, b: BimetallicSystem) -> bool:
    """Same chemistry and descriptors."""
    values, others = all_descriptors(a), all_descriptors(b)
    return (
        a.ligands == b.ligands
        and a.composition_metals == b.composition_metals
        and len(a.bonds) == len(b.bonds)
        and values == pytest.approx(others, abs=1e-8)
    )


@pytest.mark.parametrize("metal", ["Pd", "Ag", "Cu", "Hg", "Os"])
def test_a_real_cluster_is_read_whole(anchor, metal):
    system = as_system(anchor(metal))
    assert (system.host, system.dopant, system.n_metals) == ("Au", metal, 6)
    assert system.composition_metals == {"Au": 4, metal: 2}
    assert system.ligand_counts == {"S": 8}
    assert (system.kind, system.ligand_source, system.is_core_only) == ("cluster", "perception", False)
    assert len(system.donors) == 8
    assert all(len(metals) == 2 for metals in system.coordination.values())
    assert Counter(system.symbols[m] for m in system.bonds[:, 1]) == {"Au": 8, metal: 8}


@pytest.mark.parametrize("make", ["molecule", "imolecule", "structure", "istructure", "system"])
def test_pymatgen_objects_give_the_same_system(anchor, make):
    atoms = anchor("Pd")
    reference = as_system(atoms)
    molecule = Molecule(list(atoms.symbols), atoms.positions)
    objects = {
        "molecule": lambda: molecule,
        "imolecule": lambda: IMolecule.from_sites(molecule.sites),
        "structure": lambda: in_box(atoms),
        "istructure": lambda: IStructure.from_sites(in_box(atoms).sites),
        "system": lambda: reference,
    }
    assert same(as_system(objects[make]()), reference)


def test_rotation_translation_permutation_and_periodic_image(assembled):
    atoms = Atoms(assembled.symbols, assembled.positions)
    reference = as_system(atoms)
    turned = atoms.copy()
    turned.rotate(67.0, (1, 2, 3))
    turned.translate((3.1, -4.2, 0.7))
    assert same(as_system(turned), reference)
    shuffled = atoms[np.random.default_rng(0).permutation(len(atoms))]
    assert same(as_system(shuffled), reference)
    assert same(as_system(in_box(atoms)), reference)


def test_wrapped_pieces_in_a_skewed_and_partly_periodic_cell(anchor):
    atoms = anchor("Cu")
    reference = as_system(atoms)
    for pbc in (True, [True, True, False], [False, False, True]):
        boxed = atoms.copy()
        boxed.cell = [[22.0, 0, 0], [7.0, 21.0, 0], [-5.0, 4.0, 23.0]]
        boxed.pbc = pbc
        boxed.wrap()
        assert same(as_system(boxed), reference)


def test_a_cell_of_zeros_is_no_lattice_and_one_without_volume_is_refused(anchor):
    atoms = anchor("Cu")
    boxed = Atoms(atoms.symbols, atoms.positions, pbc=True)
    assert as_system(boxed).ligands == as_system(atoms).ligands
    boxed.cell = np.ones((3, 3))
    with pytest.raises(errors.GeometryError, match="span no volume"):
        as_system(boxed)


def test_annotation_wins_over_perception_and_contradicts_an_argument_loudly(anchor):
    atoms = anchor("Pd")
    assert as_system(atoms, {"S": 8}).ligand_source == "argument"
    atoms.info["ligand_smiles"] = {"[SH-]": 8}
    system = as_system(atoms, {"S": 8})  # another spelling of the same
    assert (system.ligand_source, system.ligand_counts) == ("annotation", {"S": 8})
    assert as_system(system, {"S": 8}) is system
    for item in (atoms, system):
        with pytest.raises(errors.LigandMismatchError, match=r"annotated with 8 × SH, but 1 × PET was asked for"):
            as_system(item, {"PET": 1})
    molecule = Molecule(list(atoms.symbols), atoms.positions, properties={"ligand_smiles": ["S"] * 8})
    assert as_system(molecule).ligand_source == "annotation"
    structure = in_box(atoms)
    structure.properties["ligand_smiles"] = {"S": 8}
    assert as_system(structure).ligand_source == "annotation"


def test_an_annotated_cluster_needs_no_perception(anchor):
    atoms = anchor("Pd")
    hydrogen = next(i for i, s in enumerate(atoms.symbols) if s == "H")
    other = [i for i, s in enumerate(atoms.symbols) if s == "S" and atoms.get_distance(i, hydrogen) > 2.0][0]
    atoms.positions[hydrogen] = atoms.positions[other] + [0.0, 1.0, 1.0]  # one S without hydrogen, one with two
    with pytest.raises(errors.PerceptionError):
        as_system(atoms)
    assert as_system(atoms, {"S": 8}).ligand_counts == {"S": 8}


def test_metal_core_with_annotation(anchor):
    whole = anchor("Pd")
    core = whole[[i for i, s in enumerate(whole.symbols) if s in ("Au", "Pd")]]
    core.info["ligand_smiles"] = {"PET": 8, "PPh3": 2}
    system = as_system(core)
    assert system.is_core_only and system.kind == "cluster"
    assert len(system.donors) == 0 and system.bonds.shape == (0, 2)


def test_ligand_order_and_spelling_do_not_matter():
    core = Atoms("Au2", [[0, 0, 0], [0, 0, 2.7]])
    keys = {
        as_system(core, spec).content_key()
        for spec in ({"PET": 2, "Cl": 1}, {"[Cl-]": 1, "[S-]CCc1ccccc1": 2}, ["PET", "Cl", "SCCc1ccccc1"])
    }
    assert len(keys) == 1
    assert as_system(core, {"PET": 1, "Cl": 2}).content_key() not in keys
    moved = core.copy()
    moved.positions[0, 0] += 1e-9
    assert as_system(moved, {"PET": 2, "Cl": 1}).content_key() not in keys


def test_composition():
    system = as_system(Composition("Au4Pd2S8C64H72"), {"PET": 8})
    assert (system.n_metals, system.kind, system.has_geometry) == (6, "cluster", False)
    assert as_system(Composition("Au4Pd2"), {"PET": 8}).is_core_only
    assert as_system(Composition("AuCu3")).kind == "alloy"
    assert as_system(Composition("CuIrSi94AlO192")).metal_symbols == ("Cu", "Ir")
    with pytest.raises(errors.UnsupportedSystemError, match="fractional amounts of Au"):
        as_system(Composition("Au0.5Cu1"))
    with pytest.raises(errors.LigandMismatchError, match="C64H72S8.*C8H24S8"):
        as_system(Composition("Au4Pd2S8C8H24"), {"PET": 8})


def test_host_is_the_majority_or_the_more_electronegative():
    line = [[0, 0, 2.8 * k] for k in range(4)]
    assert as_system(Atoms("AuCu3", line)).host == "Cu"
    assert as_system(Atoms("Ag2Au2", line)).host == "Au"
    pure = as_system(Atoms("Au4", line))
    assert (pure.host, pure.dopant, pure.kind) == ("Au", None, "alloy")
    ternary = as_system(Atoms("Au2AgPd", line))
    assert (ternary.host, ternary.dopants) == ("Au", ("Pd", "Ag"))


def test_bulk_alloy():
    crystal = bulk("Au", cubic=True)
    crystal.symbols[0] = "Cu"
    assert as_system(crystal).kind == "alloy"


def test_arrays_are_read_only_and_objects_pickle(anchor):
    atoms = anchor("Pd")
    system = as_system(atoms)
    for array in (system.positions, system.metals, system.donors, system.bonds, system.cell):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    before = system.positions.copy()
    atoms.positions += 1.0
    assert (system.positions == before).all()
    assert pickle.loads(pickle.dumps(system)).content_key() == system.content_key()
    assert as_system(system.to_atoms()).ligand_counts == system.ligand_counts


def test_charges_come_from_the_object(anchor):
    atoms = anchor("Pd")
    assert as_system(atoms).charges is None
    charges = np.linspace(-0.2, 0.2, len(atoms))
    atoms.set_initial_charges(charges)
    assert as_system(atoms).charges == pytest.approx(charges)
    molecule = Molecule(list(atoms.symbols), atoms.positions, site_properties={"charge": charges.tolist()})
    assert as_system(molecule).charges == pytest.approx(charges)


def pair(**info) -> Atoms:
    return Atoms("AuCu", [[0, 0, 0], [0, 0, 2.6]], info=info)


def with_charges(charges: list[float]) -> Atoms:
    atoms = pair()
    atoms.set_initial_charges(charges)
    return atoms


@pytest.mark.parametrize(
    ("obj", "ligands", "error", "words"),
    [
        (Atoms("AuCu", [[0, 0, 0], [0, np.nan, 2]]), None, errors.GeometryError, r"atom 1 \(Cu\)"),
        (Atoms("AuCu", [[0, 0, 0], [0, np.inf, 2]]), None, errors.GeometryError, "not a finite number"),
        (Atoms("AuCu", [[0, 0, 0], [0, 0, 0.1]]), None, errors.GeometryError, r"atoms 0 \(Au\) and 1 \(Cu\)"),
        (Atoms("AuCu", [[0, 0, 0], [0, 0, 9.9]], cell=[10] * 3, pbc=True), None, errors.GeometryError, "0.100 Å"),
        (Atoms("AuCu", [[0, 0, 0], [0, 0, 2]], cell=[np.nan] * 3, pbc=True), None, errors.GeometryError, "cell"),
        (Atoms("CH4", np.eye(5, 3) * 3), None, errors.NoMetalError, "CH4; allowed"),
        (Atoms(), None, errors.NoMetalError, "empty object"),
        (Atoms("AuX", [[0, 0, 0], [0, 0, 2]]), None, errors.UnknownElementError, "'X'"),
        (pair(charge=2), None, errors.ChargedSystemError, r"\+2.*eq. \(1\)"),
        (with_charges([0.6, 0.5]), None, errors.ChargedSystemError, "no charge term"),
        (
            Molecule(["Au", "Cl"], [[0, 0, 0], [0, 0, 2.3]], charge=-1, charge_spin_check=False),
            None,
            errors.ChargedSystemError,
            "-1",
        ),
        (
            Structure(Lattice.cubic(10), ["Au+", "Cl"], [[0, 0, 0], [0, 0, 0.23]]),
            None,
            errors.ChargedSystemError,
            r"\+1",
        ),
        (Structure(Lattice.cubic(10), [{"Au": 0.5, "Cu": 0.5}], [[0, 0, 0]]), None, errors.GeometryError, "disordered"),
        (pair(ligand_smiles={"C(C": 1}), None, errors.LigandError, "cannot read"),
        (pair(ligand_smiles={"CCCC": 1}), None, errors.LigandError, "no donor"),
        (
            Atoms("AuSH", [[0, 0, 0], [0, 0, 2.3], [0, 1.3, 2.4]]),
            {"Cl": 1},
            errors.LigandMismatchError,
            "1 × Cl.*HS beside",
        ),
        (Composition({"Au+": 2, "Cl-": 1}), None, errors.ChargedSystemError, r"\+1"),
        ("Au4Pd2", None, errors.UnsupportedSystemError, "type str; allowed: ase.Atoms"),
        (None, None, errors.UnsupportedSystemError, "NoneType"),
    ],
)
def test_bad_input_is_named(obj, ligands, error, words):
    with pytest.raises(error, match=words):
        as_system(obj, ligands)


def test_small_residual_charge_is_rounding_not_an_ion():
    assert as_system(with_charges([0.3, -0.2])).charges == pytest.approx([0.3, -0.2])


@pytest.mark.parametrize("name", [n for n in dir(errors) if n.endswith("Error") and n != "InputError"])
def test_every_error_is_made_of_one_string(name):
    kind = getattr(errors, name)
    assert issubclass(kind, errors.BimetalError) and str(kind("words")) == "words"


def test_equal_objects_make_equal_systems(cluster):
    one, same = as_system(cluster), as_system(cluster.copy())
    assert one == same and hash(one) == hash(same) and len({one, same}) == 1
    moved = cluster.copy()
    moved.positions[0, 0] += 1e-6
    charged = cluster.copy()
    charged.set_initial_charges([0.1, -0.1] + [0.0] * (len(cluster) - 2))
    for other in (as_system(moved), as_system(charged), cluster, None):
        assert one != other
    assert as_system(charged) == as_system(charged.copy())


def test_the_name_of_a_system_is_one_line(cluster):
    assert repr(as_system(cluster)) == "BimetallicSystem(Au4Pd2, 8 PET, cluster, 150 atoms)"
    assert repr(as_system(Composition("Au4Pd2"))) == "BimetallicSystem(Au4Pd2, alloy, 6 atoms)"
