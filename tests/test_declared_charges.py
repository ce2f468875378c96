"""Charges that a file declares in ways of its own: ORCA's input, the formula of a CIF."""

from pathlib import Path

import numpy as np
import pytest
from ase.units import Bohr

from ase_bimetal import predict
from ase_bimetal.errors import ChargedSystemError, FileFormatError
from ase_bimetal.io import known_formats, read_frames
from ase_bimetal.io.moiety import charge_without_ions, parse_moieties

CASES = Path(__file__).parent / "cases"
PAIR = "Au 0 0 0\nPd 0 0 2.7\n*\n"


def orca(text, tmp_path):
    path = tmp_path / "job.inp"
    path.write_text(text)
    return [frame.content for frame in read_frames(path)]


@pytest.mark.parametrize("format", [None, "orca-in"])
def test_orca_input_declares_a_charge(format):
    [frame] = read_frames(CASES / "anion.inp", format)
    assert frame.content.info["charge"] == -1 and "orca-in" in known_formats()
    np.testing.assert_allclose(frame.content.positions[2], [0, 1.6, -1.6])
    with pytest.raises(ChargedSystemError, match="charge -1"):
        predict([frame.content])
    [gaussian] = read_frames(CASES / "anion.com")
    ions = predict([frame.content, gaussian.content], charge="ignore")
    assert ions[0].formation_energy_per_metal == pytest.approx(ions[1].formation_energy_per_metal, abs=1e-6)


def test_orca_jobs_units_and_bad_blocks(tmp_path):
    one, two, three = orca(
        f"! PBE Bohrs\n*XYZ 0 1\n{PAIR}$new_job\n! PBE\n* xyz 2 1\n79 0 0 0 # gold\nPd(2) 0 0 2.7\n*\n"
        "$new_job\n! PBE\n* xyzfile 0 1 other.xyz\n", tmp_path,
    )
    assert one.positions[1, 2] == pytest.approx(2.7 * Bohr) and "charge" not in one.info
    assert two.positions[1, 2] == 2.7 and two.info["charge"] == 2 and list(two.symbols) == ["Au", "Pd"]
    assert isinstance(three, FileFormatError) and "Give the file with the coordinates" in str(three)


@pytest.mark.parametrize(
    ("block", "words"),
    [("* xyz 0\nAu 0 0 0\n*\n", "charge and multiplicity"), ("* xyz 0 1\nAu 0 0 0\n", "do not end"),
     ("* xyz 0 1\nAu: 0 0 0\n*\n", "no ghost atoms"), ("* xyz 0 1\nAu 0 0\n*\n", "three coordinates"),
     ("* xyz 0 1\nQq 0 0 0\n*\n", "'Qq 0 0 0' is no atom")],
)
def test_orca_blocks_that_are_none(block, words, tmp_path):
    [found] = orca(f"! PBE\n{block}", tmp_path)
    assert isinstance(found, FileFormatError) and words in str(found)


@pytest.mark.parametrize(
    ("formula", "atoms", "charge"),
    [
        ("C10 H20 Au, B F4", {"Au": 1, "C": 10, "H": 20}, 1),
        ("C10 H20 Au, B F4", {"Au": 1, "C": 10, "H": 20, "B": 1, "F": 4}, 0),
        ("C10 H20 Au +, B F4 -", {"Au": 2, "C": 20}, 2),
        ("C10 H20 Au 1+, C F3 O3 S 1-, C H2 Cl2", {"Au": 1, "C": 11, "H": 22, "Cl": 2}, 1),
        ("Au25 (C8 H9 S)18 1-, C32 H68 N 1+", {"Au": 25, "C": 144, "H": 162, "S": 18}, -1),
        ("Au13 P12 C24 Cl2 3+, 3(Cl 1-)", {"Au": 13, "P": 12, "C": 24, "Cl": 2}, 3),
        ("Au13 P12 C24 Cl2 3+, 3(Cl 1-)", {"Au": 13, "P": 12, "C": 24, "Cl": 5}, 0),
        ("(Au11 Cl2 P7 1+)2, S O4 2-", {"Au": 22, "Cl": 4, "P": 14, "S": 1, "O": 4}, 0),
        ("(Au11 Cl2 P7 1+)2, S O4 2-", {"Au": 22, "Cl": 4, "P": 14}, 2),
        ("Au11 Cl3 P7, 2(H2 O)", {"Au": 11, "Cl": 3, "P": 7}, 0),
        ("Au11 Cl2 P7 1+, Cl 1-", {"Au": 3}, 0),
        ("C60", {"Au": 1}, 0),
    ],
)
def test_the_charge_of_what_is_there(formula, atoms, charge):
    symbols = [symbol for symbol, n in atoms.items() for _ in range(n)]
    assert charge_without_ions(parse_moieties(formula), symbols) == charge


@pytest.mark.parametrize("text", ["Au25 (SR)18", "C10 H20 Au)", "(C10", "see text", "Au11 x"])
def test_what_is_no_formula_is_told_apart(text):
    with pytest.raises(ValueError, match="in|formula"):
        parse_moieties(text)


def test_a_cif_without_its_counter_ions_is_charged(tmp_path):
    [frame] = read_frames(CASES / "Z1_without_BF4.cif")
    assert frame.content.info["charge"] == 2
    with pytest.raises(ChargedSystemError, match=r"charge \+2"):
        predict([frame.content])
    [found] = predict([frame.content], charge="ignore")
    assert "the file lacks counter-ions" in " ".join(found.flags)
    text = (CASES / "Z1_without_BF4.cif").read_text()
    (tmp_path / "other.cif").write_text(text.replace("C8 H24 Au4 Pd2 S8, 2(B F4), C H2 Cl2", "see text"))
    [plain] = read_frames(tmp_path / "other.cif")
    assert "charge" not in plain.content.info
