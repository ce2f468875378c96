"""Ions beside a cluster: those without metal, complex ones of one metal atom, and clusters of few metals."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.io import read, write
from typer.testing import CliRunner

from ase_bimetal import predict
from ase_bimetal.cli.app import app
from ase_bimetal.errors import LigandMismatchError, PerceptionError, SeveralClustersError
from ase_bimetal.io.moiety import charge_without_ions, parse_moieties
from ase_bimetal.ions import COMPLEX_IONS, COUNTER_IONS, charge_of_ion
from ase_bimetal.system import as_system, split_clusters

CASES = Path(__file__).parent / "cases"
AXES = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
CORNERS = np.array([[1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]]) / np.sqrt(3)


def cluster() -> Atoms:
    """Au4Pd2(SMe)8 without a cell."""
    atoms = read(CASES / "Z1_Au4Pd2_SMe8.cif")
    return Atoms(atoms.symbols, atoms.positions)


def beside(*parts: Atoms) -> Atoms:
    """The parts in a row, six ångström and more apart."""
    row = Atoms()
    for part in parts:
        moved = part.copy()
        moved.positions[:, 0] += (row.positions[:, 0].max() if len(row) else 0.0) + 6.0 - part.positions[:, 0].min()
        row += moved
    return row


def halide_of(metal: str, halide: str, n: int, length: float = 2.3) -> Atoms:
    """A metal atom with two, four or six halides, linear, tetrahedral or octahedral."""
    return Atoms(metal + f"{halide}{n}", [[0, 0, 0], *length * (CORNERS if n == 4 else AXES[:n])])


def borate() -> Atoms:
    return Atoms("BF4", [[0, 0, 0], *1.4 * CORNERS])


def gold_phosphine_chloride() -> Atoms:
    return Atoms("AuCl", [[0, 0, 0], [0, 0, 2.26]]) + Atoms(
        "PH3", [[0, 0, -2.25], [1.2, 0, -2.8], [-0.6, 1.04, -2.8], [-0.6, -1.04, -2.8]]
    )


IONS = [
    ("Au", "Cl", 2, 1),
    ("Cu", "I", 2, 1),
    ("Ag", "Br", 2, 1),
    ("Zn", "Cl", 4, 2),
    ("Hg", "I", 4, 2),
    ("Au", "Br", 4, 1),
    ("Pt", "Cl", 4, 2),
    ("Ga", "Cl", 4, 1),
    ("Pt", "Cl", 6, 2),
    ("Sn", "Cl", 6, 2),
    ("Al", "Cl", 4, 1),
]


@pytest.mark.parametrize(("metal", "halide", "n", "charge"), IONS)
def test_a_complex_ion_is_left_out_and_its_charge_counted(metal, halide, n, charge):
    atoms = beside(cluster(), halide_of(metal, halide, n, 2.6 if halide == "I" else 2.3))
    formula = "".join(sorted((metal, f"{halide}{n}")))
    system = as_system(atoms)
    assert (system.composition_metals, system.ligand_counts) == ({"Au": 4, "Pd": 2}, {"CS": 8})
    assert system.notes == (
        f"left out, complex ions beside the cluster: 1 × {formula} (at {metal}46)",
        f"counter-ions left out ({formula}): the cluster has charge {charge:+d} in this compound and is taken as "
        "neutral, for eq. (1) has no charge term",
    )


def test_the_number_beside_a_complex_ion_is_that_of_the_cluster_alone():
    alone, with_ion = predict([cluster(), beside(cluster(), halide_of("Au", "Cl", 2))])
    assert with_ion.formation_energy_per_metal == pytest.approx(alone.formation_energy_per_metal, abs=1e-5)
    assert with_ion.flags[1].startswith("counter-ions left out (AuCl2): the cluster has charge +1")


def test_ions_of_both_kinds_add_up():
    system = as_system(beside(cluster(), halide_of("Zn", "Cl", 4), borate(), molecule("H2O")))
    assert system.notes[0] == "left out, more than a bond away from any metal: 1 × BF4, 1 × H2O (at B51, O56)"
    assert system.notes[1] == "left out, complex ions beside the cluster: 1 × Cl4Zn (at Zn46)"
    assert "counter-ions left out (BF4, Cl4Zn): the cluster has charge +3" in system.notes[2]


@pytest.mark.parametrize(
    ("other", "listed"),
    [
        (Atoms("Au2Cl2", [[0, 0, 0], [0, 0, 2.7], [0, 0, -2.26], [0, 0, 4.96]]), "1 × Au2Cl2"),
        (gold_phosphine_chloride(), "1 × AuClH3P"),
        (halide_of("Fe", "Cl", 4), "1 × Cl4Fe"),
        (Atoms("Ag"), "1 × Ag"),
    ],
)
def test_what_else_holds_metal_is_a_cluster_of_its_own(other, listed):
    with pytest.raises(SeveralClustersError, match=f"2 separate clusters .*{listed}"):
        as_system(beside(cluster(), other))
    assert len(split_clusters(beside(cluster(), other))) == 2


def test_ions_alone_are_no_counter_ions():
    with pytest.raises(SeveralClustersError, match="1 × AuCl2, 1 × AgCl2"):
        as_system(beside(halide_of("Au", "Cl", 2), halide_of("Ag", "Cl", 2)))
    assert as_system(halide_of("Au", "Cl", 2)).ligand_counts == {"Cl": 2}


def test_two_metal_atoms_with_ligands_are_a_cluster_beside_an_ion():
    pair = Atoms("AuPdSHSH", [[0, 0, 0], [0, 0, 2.7], [0, 0, -2.3], [1.3, 0, -2.5], [0, 0, 5.0], [1.3, 0, 5.2]])
    system = as_system(beside(pair, halide_of("Au", "Cl", 2)))
    assert (system.composition_metals, system.ligand_counts) == ({"Au": 1, "Pd": 1}, {"S": 2})


def test_an_annotation_names_the_ligands_of_the_cluster_alone():
    atoms = beside(cluster(), halide_of("Au", "Cl", 2))
    assert as_system(atoms, {"SMe": 8}).ligand_counts == {"CS": 8}
    with pytest.raises(LigandMismatchError):
        as_system(atoms, {"SMe": 8, "Cl": 2})


def test_what_two_clusters_of_a_cell_share_is_said_of_both():
    atoms = beside(cluster(), cluster(), borate(), borate(), halide_of("Au", "Cl", 2), molecule("H2O"))
    with pytest.raises(SeveralClustersError):
        as_system(atoms)
    systems = split_clusters(atoms)
    assert [s.ligand_counts for s in systems] == [{"CS": 8}] * 2
    for system in systems:
        assert system.notes[0].startswith("left out, more than a bond away from any metal: 2 × BF4, 1 × H2O")
        assert "the 2 clusters together have charge +3 in this compound and are taken as neutral" in system.notes[2]


def test_the_command_line_leaves_a_complex_ion_out(tmp_path):
    write(tmp_path / "a.xyz", beside(cluster(), halide_of("Au", "Cl", 2)))
    run = CliRunner().invoke(app, ["predict", str(tmp_path / "a.xyz")])
    assert run.exit_code == 0 and "complex ions beside the cluster: 1 × AuCl2 (at Au46)" in run.stdout


@pytest.mark.parametrize(
    ("formula", "atoms", "charge"),
    [
        ("Au25 S18 C36 1+, Au Cl2 1-", {"Au": 26, "S": 18, "C": 36, "Cl": 2}, 0),
        ("Au25 S18 C36 1+, Au Cl2 1-", {"Au": 25, "S": 18, "C": 36}, 1),
        ("Au25 S18 C36, Au Cl2", {"Au": 25, "S": 18, "C": 36}, 1),
        ("Au4 Pd2 S8 C8, Zn Cl4", {"Au": 8, "Pd": 4, "S": 16, "C": 16}, 4),
        ("Au4 Pd2 S8 C8, Zn Cl4", {"Au": 8, "Pd": 4, "S": 16, "C": 16, "Zn": 2, "Cl": 8}, 0),
        ("Au4 Pd2 S8 C8 3+, Zn Cl4 2-, B F4 1-", {"Au": 8, "Pd": 4, "S": 16, "C": 16, "Zn": 2, "Cl": 8}, 2),
        ("Au4 Pd2 S8 C8, Zn Cl4 2-", {"Au": 28, "Pd": 14, "S": 56, "C": 56}, 14),
        ("Au2 Cl4 P2 C3", {"Au": 2, "Cl": 4, "P": 2, "C": 3}, 0),
    ],
)
def test_a_formula_with_complex_ions(formula, atoms, charge):
    symbols = [symbol for symbol, n in atoms.items() for _ in range(n)]
    assert charge_without_ions(parse_moieties(formula), symbols) == charge


def test_no_ion_is_in_both_tables():
    assert not COUNTER_IONS.keys() & COMPLEX_IONS.keys()
    assert (charge_of_ion("C12AuF10"), charge_of_ion("C20H30Co"), charge_of_ion("BF4")) == (-1, 1, -1)
    assert (charge_of_ion("Cl4Fe"), charge_of_ion("C10H10Fe"), charge_of_ion("HgCl2")) == (None, None, None)
    assert (COMPLEX_IONS["C2AuN2"], COMPLEX_IONS["Cl4Pt"], COMPLEX_IONS["AuI4"]) == (-1, -2, -1)


@pytest.mark.parametrize(("height", "metals"), [(4.3, 4), (4.15, None), (3.7, 5)])
def test_an_ion_that_is_hardly_apart_is_refused(height, metals):
    """AuCl2 over a gold atom: left out, then neither, then a part of the cluster."""
    square = Atoms("Au2Pd2", [[0, 0, 0], [2.7, 0, 0], [0, 2.7, 0], [2.7, 2.7, 0]])
    ion = halide_of("Au", "Cl", 2)
    ion.rotate(90, "z")
    ion.translate([0, 0, height])
    if metals is None:
        with pytest.raises(PerceptionError, match=r"ion of atom 4 \(Au\) is neither bound nor free: 4.15 Å from"):
            as_system(square + ion)
    else:
        assert as_system(square + ion).n_metals == metals
