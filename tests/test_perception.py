"""Perception: every named ligand from coordinates, stretched bonds, bare ions, frameworks, cost."""

import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene, molecule

from ase_bimetal.errors import PerceptionError
from ase_bimetal.ligands import LIGAND_NAMES, Ligand
from ase_bimetal.structures.assembly import free_molecule
from ase_bimetal.system import as_system, split_clusters


def on_gold(name: str) -> Atoms:
    """A ligand as bound, its donor 2.3 Å from one gold atom."""
    ligand = Ligand.parse(name)
    atoms = free_molecule(ligand)[0]
    donor = ligand.donor_index
    away = atoms.positions[donor] - atoms.positions.mean(axis=0)
    if ligand.type == "X":
        bonded = [i for i in range(len(atoms)) if atoms.symbols[i] == "H"]
        lost = min(bonded, key=lambda i: atoms.get_distance(donor, i))
        away = atoms.positions[lost] - atoms.positions[donor]
        gold = atoms.positions[donor] + 2.3 * away / np.linalg.norm(away)
        del atoms[lost]
    else:
        # The lone pair points away from the donor's neighbours.
        near = [i for i in range(len(atoms)) if 0 < atoms.get_distance(donor, i) < 2.0]
        away = atoms.positions[donor] - atoms.positions[near].mean(axis=0)
        gold = atoms.positions[donor] + 2.1 * away / np.linalg.norm(away)
    return atoms + Atoms("Au", [gold])


# Of a dithiolate on one metal with the other hydrogen in place, tests/test_cases.py has the reading.
@pytest.mark.parametrize("name", [n for n in LIGAND_NAMES if n not in ("Cp", "Cp*") and "[S-]" not in LIGAND_NAMES[n]])
def test_every_named_ligand(name):
    system = as_system(on_gold(name))
    assert system.ligand_counts == {Ligand.parse(name).smiles: 1}
    assert {system.symbols[i] for i in system.donors} == {Ligand.parse(name).donor}


@pytest.mark.parametrize("name", ["Cp", "Cp*"])
def test_cyclopentadienyl_binds_through_its_five_carbons(name):
    system = as_system(cyclopentadienyl(name))
    assert system.ligand_counts == {Ligand.parse(name).smiles: 1}
    assert len(system.donors) == 5 and len(system.bonds) == 5


def cyclopentadienyl(name: str) -> Atoms:
    """A flat ring 1.85 Å over a rhodium atom."""
    angles = np.arange(5) * 2 * np.pi / 5
    directions = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    atoms = Atoms("Rh", [[0, 0, -1.85]]) + Atoms("C5", 1.21 * directions)
    if name == "Cp":
        return atoms + Atoms("H5", 2.29 * directions)
    tetrahedral = molecule("CH4")
    for direction, angle in zip(directions, angles, strict=True):
        methyl = tetrahedral.copy()
        methyl.rotate(methyl.positions[1], "x")
        del methyl[1]
        methyl.rotate(180, "y")
        methyl.rotate(np.degrees(angle), "z")
        methyl.translate(2.71 * direction)
        atoms += methyl
    return atoms


def test_mixed_shell_of_an_assembled_cluster(assembled):
    bare = Atoms(assembled.symbols, assembled.positions)
    system = as_system(bare)
    assert system.ligand_counts == assembled.info["ligand_smiles"]
    assert system.ligand_source == "perception" and system.kind == "cluster"
    donors = [system.symbols[i] for i in system.donors]
    assert (donors.count("S"), donors.count("P"), len(donors)) == (8, 2, 10)
    assert len(system.bonds) == 18  # eight μ2 thiolates and two phosphines


@pytest.mark.parametrize("seed", range(3))
def test_rattled_structures_keep_their_ligands(assembled, seed):
    rattled = Atoms(assembled.symbols, assembled.positions)
    rattled.rattle(0.05, seed=seed)
    assert as_system(rattled).ligand_counts == assembled.info["ligand_smiles"]


def test_close_phosphine_and_thiolate_stay_two_ligands():
    base = on_gold("PH3") + Atoms("SH", [[0, 0, 50.0], [0, 0, 51.3]])
    phosphorus = base.positions[0]
    gold = base.positions[4]
    side = np.cross(gold - phosphorus, [0.3, 0.5, 0.8])
    base.positions[5] = gold + 2.3 * side / np.linalg.norm(side)
    base.positions[6] = base.positions[5] + [0.0, 0.0, 1.35]
    assert as_system(base).ligand_counts == {"P": 1, "S": 1}


@pytest.mark.parametrize(("symbol", "words"), [("S", "sulfide"), ("O", "oxide"), ("Na", "Na atom")])
def test_bare_ions_are_named(symbol, words):
    with pytest.raises(PerceptionError, match=rf"atoms {symbol}1 \({symbol}\): a bare {words}"):
        as_system(Atoms(["Au", symbol], [[0, 0, 0], [0, 0, 2.2]]))


def test_sulfur_on_three_metals_is_a_sulfide_and_on_two_is_only_when_named():
    gold = np.array([[1.65, 0, 0], [-0.825, 1.43, 0], [-0.825, -1.43, 0]])
    on_three = Atoms("Au3S", [*gold, [0, 0, 1.7]])
    system = as_system(on_three)
    assert [(ligand.name, ligand.type, ligand.denticity, n) for ligand, n in system.ligands] == [("sulfide", "X", 2, 1)]
    assert (system.donors.tolist(), len(system.bonds)) == ([3], 3)
    with pytest.raises(PerceptionError, match="read on fewer than 3 metals, or the hydrogen atoms"):
        as_system(on_three[[0, 1, 3]])
    assert as_system(on_three[[0, 1, 3]], ligands={"sulfide": 1}).ligand_counts == {"[S-2]": 1}


def test_what_has_no_donor_is_an_error():
    with pytest.raises(PerceptionError, match="no donor.*ligand_smiles"):
        as_system(Atoms("Au") + _shifted(molecule("C2H4"), 2.9))


def _shifted(atoms: Atoms, distance: float) -> Atoms:
    atoms.translate([0, 0, distance])
    return atoms


def silicate() -> Atoms:
    """A periodic chain of SiO4 with a copper and an iridium on its oxygens."""
    positions = [[0, 0, 0], [1.6, 0, 0.3], [0, 1.3, 0.95], [0, -1.3, 0.95], [0, 3.1, 1.6], [0, -3.1, 1.6]]
    return Atoms("SiOOOCuIr", positions, cell=[3.2, 20, 20], pbc=[True, False, False])


def test_a_silicate_is_an_extended_host_bound_by_oxygen():
    system = as_system(silicate())
    assert (system.kind, system.ligands, system.ligand_source) == ("extended", (), "none")
    assert {system.symbols[i] for i in system.donors} == {"O"}


def nitrogen_doped_sheet(periodic: bool) -> Atoms:
    """Graphene with a divacancy that holds a gold atom by four nitrogens."""
    sheet = graphene(size=(5, 5, 1), vacuum=8.0)
    sheet.pbc = [periodic, periodic, False]
    middle = sheet.positions[np.argmin(np.linalg.norm(sheet.positions - sheet.positions.mean(axis=0), axis=1))]
    near = np.argsort(np.linalg.norm(sheet.positions - middle, axis=1))
    second = near[1]
    hole = (sheet.positions[near[0]] + sheet.positions[second]) / 2
    del sheet[[int(near[0]), int(second)]]
    rim = np.argsort(np.linalg.norm(sheet.positions - hole, axis=1))[:4]
    sheet.symbols[rim] = "N"
    return sheet + Atoms("AuNi", [hole, hole + [0, 0, 2.5]])


@pytest.mark.parametrize("periodic", [True, False])
def test_doped_carbon_is_an_extended_host_bound_by_nitrogen(periodic):
    system = as_system(nitrogen_doped_sheet(periodic))
    assert system.kind == "extended"
    assert [system.symbols[i] for i in system.donors] == ["N"] * 4


def test_a_thousand_atoms_take_well_below_a_second(assembled):
    copies = Atoms()
    for k in range(7):
        copies += _shifted(Atoms(assembled.symbols, assembled.positions), 40.0 * k)
    start = time.process_time()
    systems = split_clusters(copies)
    assert time.process_time() - start < 1.0
    assert len(copies) > 1400 and sum(sum(s.ligand_counts.values()) for s in systems) == 70


def test_an_element_that_is_no_donor_is_named():
    atoms = Atoms("Au2ArBe", [[0, 0, 0], [2.8, 0, 0], [0, 2.3, 0], [0, 4.0, 0]])
    with pytest.raises(PerceptionError, match="it touches metal through Ar, which is no donor"):
        as_system(atoms)
