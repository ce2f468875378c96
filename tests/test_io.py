"""Files in and out: formats, bad frames, standard input, unfinished output."""

import json

import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read, write
from pymatgen.core import Lattice, Molecule, Structure

from ase_bimetal import as_system
from ase_bimetal.errors import BimetalError, FileFormatError, GeometryError
from ase_bimetal.io import Record, known_formats, open_writer, read_frames

PAIR = ["Au", "Pd"]
POSITIONS = [[0, 0, 0], [0, 0, 2.7]]


def contents(path, format=None):
    return [frame.content for frame in read_frames(path, format)]


@pytest.mark.parametrize("name", ["a.cif", "POSCAR", "a.xsf", "a.traj", "a.extxyz", "a.extxyz.gz"])
def test_ase_formats(name, tmp_path):
    alloy = bulk("Au", cubic=True)
    alloy.symbols[0] = "Pd"
    write(tmp_path / name, alloy)
    [found] = contents(tmp_path / name)
    assert sorted(found.symbols) == ["Au", "Au", "Au", "Pd"] and found.pbc.all()


@pytest.mark.parametrize("name", ["a.json", "a.yaml", "a.cssr", "bestsqs.out"])
def test_formats_of_pymatgen_structures(name, tmp_path):
    Structure(Lattice.cubic(4), PAIR, [[0, 0, 0], [0.5, 0.5, 0.5]]).to(
        str(tmp_path / name), fmt="mcsqs" if "sqs" in name else ""
    )
    [found] = contents(tmp_path / name)
    assert sorted(site.specie.symbol for site in found) == PAIR


@pytest.mark.parametrize("name", ["m.json", "m.gjf"])
def test_formats_of_pymatgen_molecules(name, tmp_path):
    Molecule(PAIR, POSITIONS).to(str(tmp_path / name))
    [found] = contents(tmp_path / name)
    assert isinstance(found, Molecule)


def test_json_that_names_another_class_is_not_imported(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"@module": "os", "@class": "system", "command": "true"}))
    [found] = contents(tmp_path / "a.json")
    assert isinstance(found, FileFormatError) and "'system'" in str(found)


def test_a_disordered_cif_is_refused_and_not_rounded(tmp_path):
    Structure(Lattice.cubic(4), [{"Au": 0.5, "Pd": 0.5}], [[0, 0, 0]]).to(str(tmp_path / "a.cif"))
    [found] = contents(tmp_path / "a.cif")
    assert isinstance(found, GeometryError) and "disordered" in str(found)


BAD_XYZ = """2
5
Au 0 0 0
Pd 0 0 2.7
{count}

Au 0 0 0
{line}
2

Au 0 0 0
Pd 0 0 2.8
"""


@pytest.mark.parametrize(
    ("count", "line", "reason"),
    [(3, "Pd 0 0 2.7", "announces 3"), (1, "Pd 0 0 2.7", "announces 1"), (2, "Pd 0 0 x", "'x'"), (2, "Xy 0 0 1", "Xy")],
)
def test_a_bad_xyz_frame_spoils_no_other(count, line, reason, tmp_path):
    (tmp_path / "a.xyz").write_text(BAD_XYZ.format(count=count, line=line))
    first, bad, last = contents(tmp_path / "a.xyz")
    assert isinstance(bad, BimetalError) and reason in str(bad)
    assert first.positions[1, 2] == 2.7 and last.positions[1, 2] == 2.8


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xyz", ""),
        ("a.xyz", "hello\nworld\n"),
        ("a.cif", "hello"),
        ("a.json", "{"),
        ("a.dat", "x\n"),
        ("a.json", '{"a": 1}'),
        ("a.traj", "abc"),
    ],
)
def test_junk_gives_one_reason(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    [found] = contents(tmp_path / name)
    assert isinstance(found, FileFormatError)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Pd 0 0 1e30", "below 1e"),
        ("Pd 0 0 nan", "finite"),
        ("Pd 0 0 0", "apart"),
        ('charge="two"', "charge"),
        ("charge=1", "charge"),
        ('ligand_smiles="_JSON {\\"PET\\": null}"', "count"),
    ],
)
def test_a_readable_frame_with_nonsense_in_it_is_a_typed_error(line, reason, tmp_path):
    """Also what would otherwise end the process inside a compiled library."""
    comment, atom = ("", line) if line.startswith("Pd") else (line, "Pd 0 0 2.7")
    (tmp_path / "a.xyz").write_text(f"2\n{comment}\nAu 0 0 0\n{atom}\n")
    [content] = contents(tmp_path / "a.xyz")
    with pytest.raises(BimetalError, match=reason):
        as_system(content, {"PET": 2})


def test_an_index_selects_frames_under_their_own_numbers(tmp_path):
    write(tmp_path / "a.traj", [Atoms(PAIR, [[0, 0, 0], [0, 0, z]]) for z in (2.5, 2.6, 2.7)])
    frames = list(read_frames(f"{tmp_path / 'a.traj'}@1:"))
    assert [frame.name.rpartition("@")[2] for frame in frames] == ["1", "2"]
    assert frames[0].content.positions[1, 2] == 2.6


def test_an_unknown_format_is_an_error_that_lists_the_known(tmp_path):
    with pytest.raises(FileFormatError, match="allowed: .*extxyz"):
        list(read_frames(tmp_path / "a", "nonsense"))
    assert {"cif", "vasp", "mcsqs"} <= set(known_formats())


def records():
    return [Record(f"a@{n}", {"D (Å)": 2.5 + n, "phi (-)": None}, {"D": 2.5 + n}, Atoms("Au")) for n in range(2)]


def test_csv_and_json_and_extxyz_and_parquet(tmp_path):
    for kind in ("csv", "json", "extxyz", "parquet"):
        with open_writer(kind, tmp_path / kind) as writer:
            writer.write(records())
            writer.write([])
    assert (tmp_path / "csv").read_text().splitlines() == ["structure,D (Å),phi (-)", "a@0,2.5,", "a@1,3.5,"]
    assert json.loads((tmp_path / "json").read_text())[1] == {"structure": "a@1", "D": 3.5}
    assert len(read(tmp_path / "extxyz", ":", format="extxyz")) == 2
    import pandas as pd

    table = pd.read_parquet(tmp_path / "parquet")
    assert table["D (Å)"].tolist() == [2.5, 3.5] and table["phi (-)"].isna().all()


def test_json_of_nothing_is_an_empty_array(tmp_path):
    with open_writer("json", tmp_path / "a"):
        pass
    assert json.loads((tmp_path / "a").read_text()) == []


def test_output_is_complete_when_the_work_breaks_off(tmp_path):
    with pytest.raises(KeyboardInterrupt), open_writer("json", tmp_path / "a") as writer:
        writer.write(records())
        raise KeyboardInterrupt
    assert len(json.loads((tmp_path / "a").read_text())) == 2


def test_an_unknown_output_is_an_error(tmp_path):
    with pytest.raises(FileFormatError, match="allowed: csv"), open_writer("html", tmp_path / "a"):
        pass


@pytest.mark.parametrize("counts", ["400000000", "4 999999998 -0.34 0.03"])
def test_a_poscar_that_counts_more_atoms_than_it_has_lines_is_refused_at_once(tmp_path, counts):
    path = tmp_path / "POSCAR"
    write(path, bulk("Au", cubic=True), format="vasp")
    lines = path.read_text().split("\n")
    assert lines[6].split() == ["4"]
    lines[6] = counts
    path.write_text("\n".join(lines))
    [record] = read_frames(path)
    assert isinstance(record.content, FileFormatError)
    assert "of more atoms than the file has lines" in str(record.content)
