"""Charges that a file declares in ways of its own: ORCA's input, the formula of a CIF."""

from pathlib import Path

import numpy as np
import pytest
from ase.units import Bohr

from ase_bimetal import predict
from ase_bimetal.errors import ChargedSystemError, FileFormatError
from ase_bimetal.io import known_formats, read_frames
from ase_bimetal.io.declared import declared_charge
from ase_bimetal.io.moiety import charge_without_ions, parse_moieties
from ase_bimetal.system import as_system

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
        "$new_job\n! PBE\n* xyzfile 0 1 other.xyz\n",
        tmp_path,
    )
    assert one.positions[1, 2] == pytest.approx(2.7 * Bohr) and "charge" not in one.info
    assert two.positions[1, 2] == 2.7 and two.info["charge"] == 2 and list(two.symbols) == ["Au", "Pd"]
    assert isinstance(three, FileFormatError) and "Give the file with the coordinates" in str(three)


def test_a_coords_block_of_orca(tmp_path):
    block = "! PBE\n%coords\n  CTyp = xyz\n  Charge = -1\n  Mult = 1\n  Units = {}\n  coords\n{}  end\nend\n"
    [found] = orca(block.format("Angs", PAIR.removesuffix("*\n")), tmp_path)
    assert (found.info["charge"], list(found.symbols), found.positions[1, 2]) == (-1, ["Au", "Pd"], 2.7)
    [found] = orca(block.format("Bohrs", PAIR.removesuffix("*\n")), tmp_path)
    assert found.positions[1, 2] == pytest.approx(2.7 * Bohr)
    [internal] = orca(block.format("Angs", "").replace("xyz", "internal"), tmp_path)
    assert isinstance(internal, FileFormatError) and "allowed: '* xyz'" in str(internal)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("* xyz 0\nAu 0 0 0\n*\n", "charge and multiplicity"),
        ("* xyz 0 1\nAu 0 0 0\n", "do not end"),
        ("* xyz 0 1\nAu: 0 0 0\n*\n", "no ghost atoms"),
        ("* xyz 0 1\nAu 0 0\n*\n", "three coordinates"),
        ("* xyz 0 1\nQq 0 0 0\n*\n", "'Qq 0 0 0' is no atom"),
    ],
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


def pdb(charges: dict[int, str], *records: str) -> str:
    """Au2Pd2 with some charges in columns 79 and 80."""
    lines = [*records]
    places = [(0.0, 0.0), (2.8, 0.0), (0.0, 2.8), (2.8, 2.8)]
    for n, (symbol, (x, y)) in enumerate(zip(["AU", "AU", "PD", "PD"], places, strict=True), start=1):
        lines.append(
            f"HETATM{n:5d} {symbol:<4s} CLU A   1    {x:8.3f}{y:8.3f}{0:8.3f}  1.00  0.00          "
            f"{symbol}{charges.get(n, ''):<2s}"
        )
    return "\n".join([*lines, "END", ""])


@pytest.mark.parametrize(
    ("text", "charge"),
    [
        (pdb({}), 0),
        (pdb({1: "1-"}), -1),
        (pdb({1: "2+", 3: "1-"}), 1),
        (pdb({1: "+", 2: "-1"}), 0),
        (pdb({}, "REMARK   1 CHARGE -1"), -1),
        (pdb({}, "REMARK TOTAL CHARGE = 2+"), 2),
        (pdb({1: "1-"}, "REMARK   1 CHARGE: -1"), -1),
        (pdb({}, "REMARK   2 RESOLUTION. 0.80 ANGSTROMS."), 0),
        (pdb({}, "REMARK   3 PARTIAL CHARGES BY HAND"), 0),
    ],
)
def test_a_pdb_file_declares_a_charge(text, charge, tmp_path):
    (tmp_path / "a.pdb").write_text(text)
    [frame] = read_frames(tmp_path / "a.pdb")
    assert as_system(frame.content, charge="keep").charge == charge
    if charge:
        with pytest.raises(ChargedSystemError, match=f"charge {charge:+d}".replace("+", r"\+")):
            predict([frame.content])


def test_a_pdb_file_that_contradicts_itself_is_refused(tmp_path):
    (tmp_path / "a.pdb").write_text(pdb({1: "1-"}, "REMARK   1 CHARGE 2"))
    [frame] = read_frames(tmp_path / "a.pdb")
    assert isinstance(frame.content, FileFormatError) and "declares the charges +2, -1; allowed: one" in str(
        frame.content
    )


ORCA_OUTPUT = """                                 *****************
                                 * O   R   C   A *
                                 *****************
---------------------------------
CARTESIAN COORDINATES (ANGSTROEM)
---------------------------------
  Au     0.000000    0.000000    0.000000
  Pd     0.000000    0.000000    2.700000

Number of atoms                             ...      2

Total Charge           Charge          ....    {charge}
Multiplicity           Mult            ....    1
Number of Electrons    NEL             ....   36

Sum of atomic charges:   {charge}.0000000
FINAL SINGLE POINT ENERGY      -263.123456789012
                             ****ORCA TERMINATED NORMALLY****
"""


@pytest.mark.parametrize("charge", [0, -1, 2])
def test_the_output_of_orca_declares_its_charge(charge, tmp_path):
    (tmp_path / "a.out").write_text(ORCA_OUTPUT.format(charge=charge))
    [frame] = read_frames(tmp_path / "a.out")
    system = as_system(frame.content, charge="keep")
    assert (system.charge, system.metal_symbols, system.positions[1, 2]) == (charge, ("Au", "Pd"), 2.7)


OUTCAR = """ vasp.6.4.2 20Jul23 (build) complex
   POMASS =  196.966; ZVAL   =   11.000    mass and valenz
   POMASS =  106.420; ZVAL   =   10.000    mass and valenz
   ions per type =               1   1
   NELECT =      {electrons:.4f}    total number of electrons
"""
VASPRUN = """<modeling>
<set>
<rc><c>   1</c><c>Au</c><c>    196.96600000</c><c>     11.00000000</c><c>  PAW_PBE Au  </c></rc>
<rc><c>   1</c><c>Pd</c><c>    106.42000000</c><c>     10.00000000</c><c>  PAW_PBE Pd  </c></rc>
</set>
<i name="NELECT">     {electrons:.8f}</i>
</modeling>
"""


@pytest.mark.parametrize(("format", "text"), [("vasp-out", OUTCAR), ("vasp-xml", VASPRUN)])
@pytest.mark.parametrize(("electrons", "charge"), [(21, 0), (22, -1), (19.5, 1.5)])
def test_vasp_declares_a_charge_by_its_electrons(format, text, electrons, charge, tmp_path):
    (tmp_path / "a").write_text(text.format(electrons=electrons))
    assert declared_charge(str(tmp_path / "a"), format) == charge


@pytest.mark.parametrize(
    ("format", "line", "charge"),
    [
        ("gaussian-out", " Charge = -1 Multiplicity = 1\n Charge =  0 Multiplicity = 1 in fragment   1.", -1),
        ("nwchem-in", "charge -1\ngeometry\n", -1),
        ("nwchem-out", "          Charge           :    -2", -2),
        ("gamess-us-out", " CHARGE OF MOLECULE                     =   -1", -1),
        ("cp2k-restart", "     CHARGE  -1", -1),
        ("espresso-in", "   tot_charge = +1.0,", 1),
        ("xyz", "charge -1", 0),
    ],
)
def test_other_programs_say_a_charge_in_ways_of_their_own(format, line, charge, tmp_path):
    (tmp_path / "a").write_text(f"{line}\n")
    assert declared_charge(str(tmp_path / "a"), format) == charge


def test_two_jobs_of_different_charge_in_one_file_are_refused(tmp_path):
    (tmp_path / "a").write_text(" Charge = -1 Multiplicity = 1\n Charge =  0 Multiplicity = 2\n")
    with pytest.raises(FileFormatError, match=r"charges -1, \+0; allowed: one. Give each job"):
        declared_charge(str(tmp_path / "a"), "gaussian-out")
