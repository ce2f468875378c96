"""Files that name code, come in odd encodings or are damaged: refused or read, and never more than one failure."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from ase import Atoms
from ase.db import connect
from ase.io import write
from ase.units import Bohr
from pymatgen.core import Lattice, Molecule, Structure
from pymatgen.io.ase import MSONAtoms

from ase_bimetal import BimetallicSystem
from ase_bimetal.errors import BimetalError, FileFormatError, UnsafeContentError
from ase_bimetal.io import read_frames

EVIL = {"@module": "payload", "@class": "Y"}
POSITIONS = [[0, 0, 0], [0, 0, 2.7]]


def contents(path, format=None):
    return [frame.content for frame in read_frames(path, format)]


def atoms_with(info):
    return MSONAtoms(Atoms("AuPd", POSITIONS)).as_dict() | {"atoms_info": info}


def structure_with(properties):
    content = Structure(Lattice.cubic(4), ["Au"], [[0, 0, 0]], site_properties={"x": [1]}).as_dict()
    content["sites"][0]["properties"]["x"] = properties
    return content


@pytest.fixture
def payload(tmp_path, monkeypatch):
    """A module on the path that leaves a file when it is imported."""
    (tmp_path / "payload.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\nclass Y: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "ran"
    sys.modules.pop("payload", None)


@pytest.mark.parametrize(
    "content",
    [
        atoms_with({"x": EVIL}),
        atoms_with({"x": [{"y": [EVIL]}]}),
        structure_with(EVIL),
        structure_with([[EVIL]]),
        EVIL,
        Molecule(["Au"], [[0, 0, 0]]).as_dict() | {"properties": {"a": {"b": EVIL}}},
        structure_with({"@module": "payload", "@callable": "Y"}),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.mson", "a.json.txt", "a.yaml", "a.yml"])
def test_a_file_that_names_a_module_is_refused_with_its_name(content, name, tmp_path, payload):
    (tmp_path / name).write_text(json.dumps(content))  # JSON is YAML
    [found] = contents(tmp_path / name)
    assert isinstance(found, UnsafeContentError) and "'payload'" in str(found)
    assert not payload.exists() and "payload" not in sys.modules


def test_a_list_of_objects_loses_only_the_evil_one(tmp_path, payload):
    good = structure_with(1.0)
    (tmp_path / "a.json").write_text(json.dumps([good, structure_with(EVIL), good]))
    first, bad, last = contents(tmp_path / "a.json")
    assert isinstance(first, Structure) and isinstance(last, Structure) and isinstance(bad, UnsafeContentError)


def test_a_database_row_that_names_a_module_is_refused_alone(tmp_path, payload):
    with connect(tmp_path / "a.db") as database:
        database.write(Atoms("AuPd", POSITIONS), data={"note": {"deep": [EVIL]}})
        database.write(Atoms("AuPd", POSITIONS), data={"note": 1})
    bad, good = contents(tmp_path / "a.db")
    assert isinstance(bad, UnsafeContentError) and len(good) == 2 and not payload.exists()


@pytest.mark.parametrize("kind", ["bandpath", "vibrationsdata", "Popen", ["x"]])
def test_ases_json_may_name_atoms_and_cells_alone(kind, tmp_path):
    content = atoms_with({}) | {"atoms_json": json.dumps({"__ase_objtype__": kind})}
    (tmp_path / "a.json").write_text(json.dumps(content))
    [found] = contents(tmp_path / "a.json")
    assert isinstance(found, UnsafeContentError) and repr(kind) in str(found)


def test_objects_of_this_package_and_of_pymatgen_are_read(tmp_path):
    system = BimetallicSystem.from_atoms(Atoms("AuPd", POSITIONS), {"PET": 2})
    written = [system.as_dict(), structure_with([1, 2]), atoms_with({"ligand_smiles": {"S": 1}})]
    for number, content in enumerate(written):
        (tmp_path / f"{number}.json").write_text(json.dumps(content))
    kinds = [type(contents(tmp_path / f"{n}.json")[0]).__name__ for n in range(3)]
    assert kinds == ["BimetallicSystem", "Structure", "Atoms"]


def test_a_pickle_called_a_trajectory_does_not_run(tmp_path):
    import os
    import pickle

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    (tmp_path / "a.traj").write_bytes(b"PickleTrajectory" + pickle.dumps(Evil()))
    np.savez(tmp_path / "a.npz", x=np.array([Evil()], dtype=object))
    for name in ("a.traj", "a.npz"):
        [found] = contents(tmp_path / name)
        assert isinstance(found, FileFormatError)
    assert not (tmp_path / "ran").exists()


def sqlite_of_another_program(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (value)")
        connection.commit()


@pytest.mark.parametrize(
    "make",
    [sqlite_of_another_program, lambda path: path.write_text("x"), lambda path: path.write_text("no database " * 99)],
)
def test_a_database_that_is_none_of_ases_is_left_as_it_is(make, tmp_path):
    """ASE writes its tables into whatever it opens."""
    make(tmp_path / "a.db")
    before = (tmp_path / "a.db").read_bytes()
    [found] = contents(tmp_path / "a.db")
    assert isinstance(found, FileFormatError) and "ase.db" in str(found)
    assert (tmp_path / "a.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


OTHER = "2\n\nAu 0 0 0\nPd 0 0 2.7\n"


@pytest.mark.parametrize(
    ("name", "format", "text"),
    [
        ("inp", None, "Dimensions = 3\n  xyzCoordinates = 'other.xyz'\n"),
        ("inp", None, 'Dimensions = 3\nPDBCoordinates = "other.xyz"\n'),
        ("a.dat", "onetep-in", "include_file : other.xyz\n"),
        ("a.inp", "acemolecule-input", "%% BasicInformation\n  GeometryFilename other.xyz\n%% End\n"),
    ],
)
def test_an_input_that_takes_its_atoms_from_another_file_is_refused(name, format, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.xyz").write_text(OTHER)
    (tmp_path / name).write_text(text)
    [found] = contents(name, format)
    assert isinstance(found, UnsafeContentError) and "other.xyz" in str(found)


def test_an_octopus_input_with_its_own_atoms_is_read(tmp_path):
    (tmp_path / "inp").write_text("Dimensions = 3\n%Coordinates\n 'Au' | 0 | 0 | 0\n 'Pd' | 0 | 0 | 5.1\n%\n")
    [found] = contents(tmp_path / "inp")
    assert str(found.symbols) == "AuPd" and found.get_distance(0, 1) == pytest.approx(5.1 * Bohr)


#: Reads files of all formats that ASE writes, and prints what that did beyond reading them.
READ_ALL = """
import sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from ase import Atoms
from ase.io import write
from ase.io.formats import ioformats
from ase_bimetal.io import known_formats, read_frames
NAMES = {"vasp": "POSCAR", "castep-cell": "a.cell", "traj": "a.traj", "octopus-in": "inp", "aims": "geometry.in"}
written = {}
for number, name in enumerate(n for n in known_formats() if n in ioformats and ioformats[n].can_write):
    folder = Path(str(number))
    folder.mkdir()
    path = folder / NAMES.get(name, "a." + (ioformats[name].extensions or ["dat"])[0])
    try:
        write(path, Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]], cell=[9, 9, 9], pbc=True), format=name)
    except Exception:
        continue
    written[name] = path
did = []
def hook(event, details):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect",
                 "socket.getaddrinfo", "pickle.find_class", "os.mkdir", "os.remove", "os.rename"):
        did.append((now, event, str(details)))
    elif event == "open" and isinstance(details[1], str) and set(details[1]) & set("wax+"):
        did.append((now, event, str(details)))
for now, path in written.items():  # what is imported is compiled, and so written, at the first time
    list(read_frames(path, now))
sys.addaudithook(hook)
read = []
for now, path in written.items():
    read += [now for frame in read_frames(path, now) if isinstance(frame.content, Atoms)]
print(len(read), did)
"""


def test_reading_runs_nothing_writes_nothing_and_asks_nobody(tmp_path):
    """ASE's reader of CASTEP's cells would run CASTEP."""
    home = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", READ_ALL], cwd=tmp_path, env=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    count, did = done.stdout.split(maxsplit=1)
    assert int(count) > 20 and did.strip() == "[]", did


XML = """<?xml version="1.0"?>
<!DOCTYPE m [<!ENTITY a0 "x"><!ENTITY outside SYSTEM "other.xyz"><!ENTITY far SYSTEM "http://127.0.0.1:9/a">{}]>
<{}><atominfo>{}</atominfo></{}>"""
GROWING = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize("entity", ["a11", "outside", "far"])
@pytest.mark.parametrize(("name", "root"), [("vasprun.xml", "modeling"), ("input.xml", "input"), ("a.xsd", "XSD")])
def test_entities_of_xml_neither_grow_nor_lead_elsewhere(entity, name, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.xyz").write_text(OTHER)
    (tmp_path / name).write_text(XML.format(GROWING, root, f"&{entity};", root))
    [found] = contents(name)
    assert isinstance(found, FileFormatError)
    assert re.search("amplification" if entity == "a11" else "undefined entity|not defined", str(found)), str(found)


@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_deep_nesting_is_one_error(name, tmp_path):
    (tmp_path / name).write_text("[" * 100_000 + "]" * 100_000)
    [found] = contents(tmp_path / name)
    assert isinstance(found, FileFormatError) and "deep" in str(found)


def test_yaml_references_do_not_grow_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("ase_bimetal.io.allowed.MOST_VALUES", 10_000)
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    (tmp_path / "a.yaml").write_text("\n".join(["sites: []", *lines]))
    [found] = contents(tmp_path / "a.yaml")
    assert isinstance(found, FileFormatError) and "10000" in str(found)


XYZ = '2\nligand_smiles="_JSON {\\"PET\\": 2}" note=Ångström\nAu 0 0 0\nPd 0 0 2.7\n'
ENCODINGS = [
    ("utf-8-sig", "\n"),
    ("latin-1", "\n"),
    ("utf-16", "\n"),
    ("utf-8", "\r\n"),
    ("latin-1", "\r\n"),
    ("utf-8", "\r"),
]


@pytest.mark.parametrize(("encoding", "ending"), ENCODINGS)
def test_xyz_in_any_common_encoding(encoding, ending, tmp_path):
    (tmp_path / "a.xyz").write_bytes((XYZ * 2).replace("\n", ending).encode(encoding))
    found = contents(tmp_path / "a.xyz")
    assert [frame.info["note"] for frame in found] == ["Ångström"] * 2
    assert found[1].info["ligand_smiles"] == {"PET": 2} and found[1].positions[1, 2] == 2.7


@pytest.mark.parametrize(("encoding", "ending"), ENCODINGS)
@pytest.mark.parametrize("name", ["a.cif", "POSCAR", "a.json"])
def test_other_text_formats_in_any_common_encoding(encoding, ending, name, tmp_path):
    alloy = Atoms("AuPd", [[0, 0, 0], [2, 2, 2]], cell=[4, 4, 4], pbc=True)
    if name == "a.json":
        text = json.dumps(structure_with("Ångström"), ensure_ascii=False)
    else:
        write(tmp_path / name, alloy)
        text = (tmp_path / name).read_text()
        text = text + "# Ångström\n" if name == "a.cif" else text.replace("Au Pd", "Au Pd Å", 1)
    (tmp_path / name).write_bytes(text.replace("\n", ending).encode(encoding))
    [found] = contents(tmp_path / name)
    assert not isinstance(found, BimetalError), found


def test_a_missing_file_and_a_server_are_errors(tmp_path):
    with pytest.raises(FileFormatError, match="no file"):
        contents(tmp_path / "absent.xyz")
    (tmp_path / "a").write_text("x")
    with pytest.raises(FileFormatError, match="unknown format"):
        contents(tmp_path / "a", "postgresql")
