"""Files as crystallographers and programs write them: disorder, partly empty sites, declared charges."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.db import connect
from ase.io import read
from pymatgen.core import Lattice, Structure

from ase_bimetal.errors import ChargedSystemError, FileFormatError, GeometryError
from ase_bimetal.io import known_formats, read_frames
from ase_bimetal.io.read import _blocks_by_pymatgen
from ase_bimetal.system import BimetallicSystem, as_system, split_clusters

CASES = Path(__file__).parent / "cases"
EDGE = 20.0
COLUMNS = [f"_atom_site_{column}" for column in ("label", "type_symbol", "fract_x", "fract_y", "fract_z")]
Row = tuple[str, np.ndarray, str, str]


def cluster() -> Atoms:
    """Au4Pd2(SMe)8 in the middle of the cell."""
    atoms = read(CASES / "Z1_Au4Pd2_SMe8.cif")
    return Atoms(atoms.symbols, atoms.positions - atoms.positions.mean(axis=0) + EDGE / 2)


def rows(atoms: Atoms, share: str = "1", group: str = ".") -> list[Row]:
    return [(symbol, xyz, share, group) for symbol, xyz in zip(atoms.symbols, atoms.positions, strict=True)]


def cif(path: Path, sites: list[Row], operations: tuple[str, ...] = ("x,y,z",), groups: bool = True) -> Path:
    lines = [
        "data_x",
        *(f"_cell_length_{axis} {EDGE}" for axis in "abc"),
        *(f"_cell_angle_{angle} 90" for angle in ("alpha", "beta", "gamma")),
        f"_space_group_name_H-M_alt 'P {'-1' if len(operations) == 2 else '1'}'",
        "loop_",
        "_space_group_symop_operation_xyz",
        *(f"'{operation}'" for operation in operations),
        "loop_",
        *COLUMNS,
        "_atom_site_occupancy",
        *(["_atom_site_disorder_group"] if groups else []),
    ]
    for number, (symbol, xyz, share, group) in enumerate(sites):
        place = " ".join(f"{x:.6f}" for x in xyz / EDGE)
        lines.append(f"{symbol}{number} {symbol} {place} {share}{f' {group}' if groups else ''}")
    path.write_text("\n".join(lines) + "\n")
    return path


def only(path: Path, format: str | None = None) -> object:
    [frame] = read_frames(path, format)
    return frame.content


def dichloromethane(*place: float) -> Atoms:
    shape = np.array([[0, 0, 0], [0.63, 0.63, -0.6], [-0.63, -0.63, -0.6], [1.0, -1.0, 1.05], [-1.0, 1.0, 1.05]])
    return Atoms("CH2Cl2", shape + np.array(place))


def methyl(atoms: Atoms, number: int) -> list[int]:
    """One methyl group: its carbon atom and the three hydrogen atoms."""
    carbon = atoms.symbols.search("C")[number]
    return [carbon, *(i for i in atoms.symbols.search("H") if atoms.get_distance(carbon, i) < 1.3)]


def turned(atoms: Atoms, group: list[int]) -> Atoms:
    """The same group in its other place, about the sulfur atom."""
    sulfur = min(atoms.symbols.search("S"), key=lambda i: atoms.get_distance(group[0], i))
    other = atoms[group]
    other.rotate(25, v=(0.3, 0.5, 0.8), center=atoms.positions[sulfur])
    return other


@pytest.mark.parametrize("shares", [("0.62(3)", "0.38(3)"), ("0.38", "0.62"), ("?", "0.3")])
def test_each_disordered_group_has_its_own_major_component(shares, tmp_path):
    atoms = cluster()
    one, two = methyl(atoms, 0), methyl(atoms, 5)
    place = {**dict.fromkeys(one, (shares[0], "1")), **dict.fromkeys(two, ("0.7", "3"))}
    sites = [(s, xyz, *place.get(i, ("1", "."))) for i, (s, xyz, *_) in enumerate(rows(atoms))]
    sites += rows(turned(atoms, one), shares[1], "2") + rows(turned(atoms, two), "0.3", "4")
    system = as_system(only(cif(tmp_path / "a.cif", sites)))
    assert system.ligand_counts == {"CS": 8} and len(system.symbols) == 46
    assert "disorder: kept component 3, of share 0.7, of 3 (0.7), 4 (0.3)" in system.notes
    from_other = np.linalg.norm(system.positions - turned(atoms, one).positions[0], axis=1).min()
    assert (from_other < 1e-3) == (shares[1] == "0.62")


def test_of_overlapping_copies_on_a_special_position_one_is_left_out_as_solvent(tmp_path):
    atoms = cluster()
    atoms.translate([-6.0, -5.0, -4.0])  # off all centres of inversion, so that the cell holds two clusters
    sites = rows(atoms) + rows(dichloromethane(10.3, 0.2, 0.1), "0.5", "-1")
    found = split_clusters(only(cif(tmp_path / "a.cif", sites, ("x,y,z", "-x,-y,-z"))))
    assert [s.ligand_counts for s in found] == [{"CS": 8}] * 2
    content = only(tmp_path / "a.cif")
    assert content.get_chemical_formula() == Atoms("C17H50Cl2Au8Pd4S16").get_chemical_formula()


def test_partly_occupied_solvent_is_left_out_through_every_door(tmp_path):
    sites = rows(cluster()) + rows(dichloromethane(2.0, 2.0, 2.0), "0.5")
    path = cif(tmp_path / "a.cif", sites, groups=False)
    with warnings.catch_warnings(action="ignore"):  # pymatgen misses the formula
        structure = Structure.from_file(path)
    for content in (only(path), read(path), structure):
        system = as_system(content)
        assert system.ligand_counts == {"CS": 8} and len(system.symbols) == 46
        assert system.notes == (
            "left out, partly occupied and more than a bond away from any metal: 1 × CH2Cl2; if it "
            "is an ion, the cluster is charged in this compound, and is taken as neutral",
        )


def two_settings(path: Path, shares: tuple[str, str], groups: bool = False) -> tuple[Path, np.ndarray]:
    """A cluster with one methyl group in two places, and where the carbon atom of the second is."""
    atoms = cluster()
    group = methyl(atoms, 0)
    sites = [
        (s, xyz, shares[0], "1") if i in group else (s, xyz, "1", ".") for i, (s, xyz, *_) in enumerate(rows(atoms))
    ]
    other = turned(atoms, group)
    return cif(path, sites + rows(other, shares[1], "2"), groups=groups), other.positions[0]


def by_pymatgen(path: Path) -> Structure:
    with warnings.catch_warnings(action="ignore"):  # pymatgen misses the formula
        return Structure.from_file(path)


def test_partly_occupied_sites_of_a_cluster_are_refused_with_the_way_out(tmp_path):
    path, _ = two_settings(tmp_path / "a.cif", ("0.5", "0.5"))
    for content in (only(path), read(path)):
        with pytest.raises(
            GeometryError,
            match=r"C 0\.5\): the site is disordered.*Read the CIF with "
            "ase_bimetal.io.read_frames, which takes the major component",
        ):
            as_system(content)


@pytest.mark.parametrize("shares", [("0.62(3)", "0.38(3)"), ("0.38", "0.62")])
def test_the_major_component_is_taken_by_its_share_through_every_door(shares, tmp_path):
    path, second = two_settings(tmp_path / "a.cif", shares)
    for content in (only(path), read(path), by_pymatgen(path)):
        system = as_system(content)
        assert (system.ligand_counts, len(system.symbols)) == ({"CS": 8}, 46)
        assert "disorder: kept sites of share 0.62, left out others in their place: " in system.notes[0]
        is_second = np.linalg.norm(system.positions - second, axis=1).min() < 1e-3
        assert is_second == (shares[1] == "0.62")


def test_three_components_without_a_majority_are_refused(tmp_path):
    atoms = cluster()
    group = methyl(atoms, 0)
    one = turned(atoms, group)
    two = one.copy()
    two.rotate(40, v=(0.8, 0.1, 0.3), center=one.positions[0])
    sites = [(s, xyz, "0.4" if i in group else "1", ".") for i, (s, xyz, *_) in enumerate(rows(atoms))]
    path = cif(tmp_path / "a.cif", sites + rows(one, "0.3") + rows(two, "0.3"), groups=False)
    with pytest.raises(GeometryError, match="disordered|partly occupied"):
        as_system(only(path))


def test_a_disordered_counter_ion_is_one_ion(tmp_path):
    ion = Atoms("BF4", np.array([[0, 0, 0], [1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]]) * 0.81)
    other = ion.copy()
    other.rotate(35, (0.2, 0.9, 0.4))
    for one in (ion, other):
        one.translate([2.5, 2.5, 2.5])
    sites = rows(cluster()) + rows(ion[:1]) + rows(ion[1:], "0.7") + rows(other[1:], "0.3")
    system = as_system(read(cif(tmp_path / "a.cif", sites, groups=False)))
    assert "1 × BF4" in system.notes[1] and "the cluster has charge +1" in system.notes[2]


@pytest.mark.parametrize("operations", ["loop_\n_space_group_symop_operation_xyz\n'x,y,z'\n", ""])
def test_disorder_is_read_without_the_name_of_a_space_group(operations, tmp_path):
    path, _ = two_settings(tmp_path / "a.cif", ("0.62", "0.38"), groups=True)
    named = "_space_group_name_H-M_alt 'P 1'\nloop_\n_space_group_symop_operation_xyz\n'x,y,z'\n"
    assert named in path.read_text()
    path.write_text(path.read_text().replace(named, operations))
    system = as_system(only(path))
    assert (system.ligand_counts, len(system.symbols)) == ({"CS": 8}, 46)
    assert system.notes[0] == "disorder: kept component 1, of share 0.62, of 1 (0.62), 2 (0.38)"
    assert ("the file has no space group: read as its symmetry operations" in system.notes) == bool(operations)


@pytest.mark.parametrize("name", ["", "_space_group_name_H-M_alt 'P -1 (no such setting)'\n"])
def test_operations_without_a_known_group_make_the_whole_cell(name, tmp_path):
    atoms = cluster()
    atoms.translate([-6.0, -5.0, -4.0])
    path = cif(tmp_path / "a.cif", rows(atoms), ("x,y,z", "-x,-y,-z"))
    path.write_text(path.read_text().replace("_space_group_name_H-M_alt 'P -1'\n", name))
    assert [s.ligand_counts for s in split_clusters(only(path))] == [{"CS": 8}] * 2


def test_alternate_locations_of_a_pdb_file(tmp_path):
    atoms = cluster()
    group = methyl(atoms, 0)
    other = turned(atoms, group)
    places = [(a.symbol, a.position, "A" if a.index in group else " ", 0.7 if a.index in group else 1.0) for a in atoms]
    places += [(a.symbol, a.position, "B", 0.3) for a in other]
    line = "HETATM{:5d} {:<4s}{}UNL A   1    {:8.3f}{:8.3f}{:8.3f}{:6.2f}  0.00          {:>2s}\n"
    text = "".join(line.format(n, s, place, *xyz, share, s) for n, (s, xyz, place, share) in enumerate(places, start=1))
    (tmp_path / "a.pdb").write_text(f"{text}END\n")
    system = as_system(only(tmp_path / "a.pdb"))
    assert (system.ligand_counts, len(system.symbols)) == ({"CS": 8}, 46)
    assert system.notes == ("disorder: kept sites of share 0.7, left out others in their place: C46, H47, H48, H49",)


def test_pymatgen_gives_every_block_of_a_cif_that_it_reads_for_us():
    found = _blocks_by_pymatgen(str(CASES / "two_blocks.cif"))
    assert [as_system(structure).ligand_counts for structure in found] == [{"CS": 8}] * 2


def test_elements_that_share_a_site_are_refused():
    structure = Structure(Lattice.cubic(EDGE), ["Au", "Pd"], [[0, 0, 0], [0, 0, 0.13]])
    structure.replace(1, {"Pd": 0.7, "Ag": 0.3})
    with pytest.raises(GeometryError, match=r"site 1 \(Pd 0.7, Ag 0.3\): the site is disordered"):
        as_system(structure)


def test_occupancies_of_a_pdb_file_count(tmp_path):
    atoms = cluster()
    shares = np.ones(len(atoms))
    shares[methyl(atoms, 0)] = 0.5
    atoms.set_array("occupancy", shares)
    with pytest.raises(GeometryError, match=r"atom 6 \(C 0.5\): the site is disordered"):
        as_system(atoms)
    atoms.set_array("occupancy", np.zeros(len(atoms)))  # a column that a program left empty
    assert as_system(atoms).ligand_counts == {"CS": 8}


class Charged(Calculator):
    implemented_properties = ["energy"]

    def calculate(self, atoms=None, properties=None, system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": 0.0}


def test_charges_of_a_database_are_declared(tmp_path):
    pair = Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]])
    by_calculator = pair.copy()
    by_calculator.calc = Charged(charge=-1)
    by_calculator.get_potential_energy()
    by_charges = pair.copy()
    by_charges.set_initial_charges([-0.4, -0.6])
    db = connect(tmp_path / "a.db")
    for atoms, more in (
        (pair, {}),
        (pair, {"data": {"charge": -1}}),
        (pair, {"total_charge": -1}),
        (pair, {"net_charge": -1}),
        (by_calculator, {}),
        (by_charges, {}),
        (pair, {"charge": 0}),
    ):
        db.write(atoms, **more)
    charges = [as_system(frame.content, charge="keep").charge for frame in read_frames(tmp_path / "a.db")]
    assert charges == pytest.approx([0, -1, -1, -1, -1, -1, 0])


@pytest.mark.parametrize("key", ["charge", "Charge", "CHARGE", "total_charge", "Net_Charge"])
def test_names_of_a_charge_in_info(key):
    pair = Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]], info={key: -1})
    with pytest.raises(ChargedSystemError, match="carries charge -1"):
        as_system(pair)


def test_a_charge_without_a_value_is_no_charge_of_one(tmp_path):
    path = tmp_path / "a.xyz"
    path.write_text("2\ncharge -1\nAu 0 0 0\nPd 0 0 2.7\n")
    with pytest.raises(ChargedSystemError, match=r"info\['charge'\] is True; allowed: a number"):
        as_system(only(path))


PAIR = "Au 0.0 0.0 0.0\nPd 0.0 0.0 2.7\n"
GAUSSIAN = """ Entering Gaussian System, Link 0=g16
 Gaussian 16:  ES64L-G16RevC.01  3-Jul-2019
 # pbepbe/lanl2dz sp

 Charge = {charge:2d} Multiplicity = 1
                         Standard orientation:
 ---------------------------------------------------------------------
 Center     Atomic      Atomic             Coordinates (Angstroms)
 Number     Number       Type             X           Y           Z
 ---------------------------------------------------------------------
      1         79           0        0.000000    0.000000    0.000000
      2         46           0        0.000000    0.000000    2.700000
 ---------------------------------------------------------------------
 SCF Done:  E(RPBE-PBE) =  -100.0     A.U. after   10 cycles
 Normal termination of Gaussian 16 at x.
"""


@pytest.mark.parametrize("charge", [0, -1, 2])
def test_the_output_of_gaussian_declares_its_charge(charge, tmp_path):
    path = tmp_path / "a.log"
    path.write_text(GAUSSIAN.format(charge=charge))
    assert as_system(only(path), charge="keep").charge == charge


def mol_block(charge: int) -> str:
    lines = ["pair", "  test", "", "  2  0  0  0  0  0  0  0  0  0999 V2000"]
    lines += [f"{0:10.4f}{0:10.4f}{z:10.4f} {s:<3}{' 0 ' * 12}".rstrip() for s, z in (("Au", 0), ("Pd", 2.7))]
    return "\n".join([*lines, *([f"M  CHG  1   1  {charge:2d}"] if charge else []), "M  END", ""])


def mol2_block(charges: tuple[float, float]) -> str:
    return (
        "@<TRIPOS>MOLECULE\npair\n2 1 0 0 0\nSMALL\nUSER_CHARGES\n\n@<TRIPOS>ATOM\n"
        f"1 AU1 0.0 0.0 0.0 Au 1 UNL1 {charges[0]}\n2 PD1 0.0 0.0 2.7 Pd 1 UNL1 {charges[1]}\n"
        "@<TRIPOS>BOND\n1 1 2 1\n"
    )


def test_sdf_and_mol2_hold_several_molecules_with_charges(tmp_path):
    (tmp_path / "a.sdf").write_text(f"{mol_block(0)}$$$$\nno molecule\n$$$$\n{mol_block(-1)}$$$$\n")
    first, bad, anion = (frame.content for frame in read_frames(tmp_path / "a.sdf"))
    assert isinstance(bad, FileFormatError) and "molecule 1 is no SDF record" in str(bad)
    (tmp_path / "a.mol").write_text(mol_block(1))
    (tmp_path / "a.mol2").write_text(mol2_block((0.0, 0.0)) + mol2_block((-0.4, -0.6)))
    neutral, charged = (frame.content for frame in read_frames(tmp_path / "a.mol2"))
    read_back = [as_system(a, charge="keep") for a in (first, anion, only(tmp_path / "a.mol"), neutral, charged)]
    assert [system.charge for system in read_back] == pytest.approx([0, -1, 1, 0, -1])
    assert {(system.metal_symbols, system.positions[1, 2]) for system in read_back} == {(("Au", "Pd"), 2.7)}
    assert "mol2" in known_formats()


def test_a_pdb_file_of_models_ends_with_its_last_model(tmp_path):
    atoms = cluster()
    line = "HETATM{:5d} {:<4s} UNL A   1    {:8.3f}{:8.3f}{:8.3f}  1.00  0.00          {:>2s}\n"
    model = "".join(line.format(a.index + 1, a.symbol, *a.position, a.symbol) for a in atoms)
    (tmp_path / "a.pdb").write_text(f"MODEL        1\n{model}ENDMDL\nMODEL        2\n{model}ENDMDL\nEND\n")
    found = [as_system(frame.content) for frame in read_frames(tmp_path / "a.pdb")]
    assert [system.ligand_counts for system in found] == [{"CS": 8}] * 2


def test_the_cations_of_a_sulfide_sheet_are_no_core():
    from ase.build import mx2

    sheet = mx2("MoS2", size=(3, 3, 1), vacuum=8.0)
    sheet.pbc = True
    top = sheet.positions[:, 2].max()
    sheet += Atoms("AuPd", [[3.0, 2.0, top + 2.0], [5.7, 2.0, top + 2.0]])
    system = as_system(sheet)
    assert (system.kind, system.composition_metals) == ("extended", {"Au": 1, "Pd": 1})


def test_one_oxygen_atom_on_a_slab_is_an_adsorbate():
    from ase.build import add_adsorbate, fcc111

    slab = fcc111("Pt", (2, 2, 3), vacuum=8.0)
    slab.symbols[0] = "Ni"
    add_adsorbate(slab, "O", 1.2, "fcc")
    system: BimetallicSystem = as_system(slab)
    assert system.kind == "extended" and system.notes[0].startswith("a slab or solid metal with other atoms")


def test_sites_without_coordinates_are_left_out_and_named(tmp_path):
    path = cif(tmp_path / "a.cif", rows(cluster()))
    path.write_text(f"{path.read_text()}H98 H ? ? ? 1 .\nH99 H . . . 1 .\n")
    system = as_system(only(path))
    assert (system.ligand_counts, len(system.symbols)) == ({"CS": 8}, 46)
    assert system.notes == ("left out, without coordinates in the file: H98, H99",)


@pytest.mark.parametrize("name", ["?", "."])
def test_an_empty_name_of_a_space_group_is_none(name, tmp_path):
    path = cif(tmp_path / "a.cif", rows(cluster()))
    path.write_text(path.read_text().replace("'P 1'", name))
    assert as_system(only(path)).notes == ("the file has no space group: read as its symmetry operations",)
