"""`ase-bimetal predict` and `featurize`, as a user types them."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from ase import Atoms
from ase.build import bulk
from ase.db import connect
from ase.io import read, write
from pymatgen.io.ase import AseAtomsAdaptor, MSONAtoms
from typer.testing import CliRunner

from ase_bimetal import predict
from ase_bimetal.cli.app import app
from ase_bimetal.io import results_of, to_row

runner = CliRunner()


def run(*words):
    return runner.invoke(app, [str(word) for word in words])


def rows(result):
    return list(csv.DictReader(io.StringIO(result.stdout)))


@pytest.fixture
def frames(core, tmp_path):
    write(tmp_path / "cores.extxyz", [core, core])
    return tmp_path / "cores.extxyz"


def test_ligand_options_annotate_frames_that_carry_none(cluster, tmp_path):
    del cluster.info["ligand_smiles"]
    write(tmp_path / "two.xyz", [cluster, cluster])
    result = run("predict", tmp_path / "two.xyz", "--ligand", "PET:4", "--ligand", "SCCc1ccccc1:4")
    assert result.exit_code == 0, result.output
    first, second = rows(result)
    assert first["level"] == "PBE-referenced GFN1-xTB"
    assert float(first["E_form (eV/metal)"]) == float(second["E_form (eV/metal)"]) < 0


def test_one_metal_leaves_cells_empty_and_says_why(tmp_path):
    pure = Atoms("Au2", [[0, 0, 0], [0, 0, 2.8]], info={"ligand_smiles": {"CS": 2}})
    write(tmp_path / "pure.extxyz", pure)
    for words in ((), ("--feature", "N_metal", "--feature", "D", "--feature", "phi", "--feature", "reduced distance")):
        result = run("featurize", tmp_path / "pure.extxyz", *words)
        assert result.exit_code == 0, result.output
        [row] = rows(result)
        assert [row[name] for name in ("N_metal (atoms)", "D (Å)", "reduced distance (-)", "phi (-)")] == [
            "2.0",
            "",
            "",
            "",
        ]
        assert "one metal only (Au): D, D̃, φ" in result.stderr


def test_one_bad_frame_of_a_thousand_costs_itself_only(core, tmp_path):
    bad = core.copy()
    bad.positions[0] = bad.positions[1]
    write(tmp_path / "many.extxyz", [core] * 500 + [bad] + [core] * 499)
    result = run("predict", tmp_path / "many.extxyz")
    assert result.exit_code == 1
    assert len(rows(result)) == 999
    reasons = [line for line in result.stderr.splitlines() if "Error" in line]
    assert len(reasons) == 1 and "many.extxyz@500: GeometryError: atoms" in reasons[0]
    assert "999 written, 1 failed" in result.stderr


def test_a_frame_that_cannot_be_parsed_is_reported_like_any_other(frames):
    text = frames.read_text().replace("Pd", "Xy", 1)
    frames.write_text(text)
    result = run("predict", frames)
    assert result.exit_code == 1 and "cores.extxyz@0: " in result.stderr and len(rows(result)) == 1


def test_files_that_cannot_be_read_cost_themselves_only(core, tmp_path, monkeypatch):
    """Latin-1, named code, deep nesting, cut files: one failure each, and the good ones as by themselves."""
    monkeypatch.chdir(tmp_path)
    write("good.extxyz", core)
    latin1 = core.copy()
    latin1.info["note"] = "NOTE"
    write("latin1.extxyz", latin1)
    Path("latin1.extxyz").write_bytes(Path("latin1.extxyz").read_bytes().replace(b"NOTE", "Ångström".encode("latin-1")))
    Path("payload.py").write_text("open('ran', 'w').close()\nclass Y: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    evil = MSONAtoms(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]])).as_dict()
    evil["atoms_info"] = {"note": [{"@module": "payload", "@class": "Y"}]}
    Path("evil.json").write_text(json.dumps(evil))
    Path("deep.json").write_text("[" * 100_000)
    Path("cut.cif").write_text("data_a\n_cell_length_a 1")
    result = run("predict", "good.extxyz", "latin1.extxyz", "evil.json", "deep.json", "cut.cif", "good.extxyz")
    assert result.exit_code == 1 and "3 written, 3 failed" in result.stderr
    assert [row["structure"] for row in rows(result)] == ["good.extxyz@0", "latin1.extxyz@0", "good.extxyz@0"]
    assert len({row["E_form (eV/metal)"] for row in rows(result)}) == 1
    assert "evil.json@0: UnsafeContentError: the file names module 'payload', class 'Y'" in result.stderr
    assert "deep.json@0: FileFormatError: the JSON is nested too deeply" in result.stderr
    assert "cut.cif@0: FileFormatError" in result.stderr
    assert not Path("ran").exists() and "payload" not in sys.modules


def test_csv_json_and_extxyz_tell_the_same(frames, core, tmp_path):
    [wanted] = predict([core])
    for name in ("a.csv", "a.json", "a.extxyz", "a.txt"):
        assert run("predict", frames, "--out", tmp_path / name).exit_code == 0
    [line, _] = csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text()))
    assert float(line["E_form (eV/metal)"]) == round(wanted.formation_energy_per_metal, 4)
    [entry, _] = json.loads((tmp_path / "a.json").read_text())
    assert entry["formation_energy_per_metal"] == pytest.approx(wanted.formation_energy_per_metal, abs=1e-5)
    assert entry["units"]["energy"] == "eV" and entry["flags"] == list(wanted.flags)
    [atoms, _] = read(tmp_path / "a.extxyz", ":")
    found = results_of(atoms)
    assert found.descriptors == wanted.descriptors and found.flags == wanted.flags
    assert atoms.info["ligand_smiles"] == {"SCCc1ccccc1": 8}
    table = (tmp_path / "a.txt").read_text()
    for words in ("PBE-referenced GFN1-xTB", "dimer", "mml-gfn1-pbe@", "eV/metal", "note 1", "cores.extxyz@1"):
        assert words in table


def test_brackets_of_names_and_smiles_are_no_markup(core, tmp_path):
    core.info["ligand_smiles"] = {"c1c[nH]cn1": 8}
    write(tmp_path / "[red]a.extxyz", [core, core])
    text = run("predict", tmp_path / "[red]a.extxyz", "--output", "table").stdout
    assert "[red]a.extxyz@0" in text and "[nH]" in text


def test_verbose_prints_descriptors_and_quiet_no_count(frames, tmp_path):
    talkative = run("predict", frames, "--output", "table", "-v")
    assert "H_mix (kJ/mol)" in talkative.stdout and "2 written, 0 failed" in talkative.stderr
    assert run("predict", frames, "-q").stderr == ""


def test_databases_and_pymatgen_files_are_read_with_their_ligands(core, tmp_path):
    with connect(tmp_path / "a.db") as database:
        database.write(core, **to_row(core))
    molecule = AseAtomsAdaptor.get_molecule(core)
    molecule.properties["ligand_smiles"] = {"PET": 8}
    molecule.to(str(tmp_path / "a.json"))
    found = rows(run("predict", tmp_path / "a.db", tmp_path / "a.json"))
    assert found[0]["E_form (eV/metal)"] == found[1]["E_form (eV/metal)"]


@pytest.mark.parametrize("format", ["extxyz", "traj"])
def test_standard_input(format, core, tmp_path):
    write(tmp_path / "a", core, format=format)
    words = [sys.executable, "-c", "from ase_bimetal.cli import main; main()", "featurize", "-", "--format", format]
    done = subprocess.run(words, input=(tmp_path / "a").read_bytes(), capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[1].startswith("-@0,")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--ligand", "PET"], "NAME:count"),
        (["--ligand", "PET:x"], "NAME:count"),
        (["--ligand", ":8"], "NAME:count"),
        (["--ligand", "nonsense:8"], "cannot read 'nonsense'"),
        (["--reference-state", "vacuum"], "dimer"),
        (["--reference", "hydride"], "--reference-state"),
        (["--model", "nothing"], "mml-gfn1-pbe"),
        (["--output", "parquet"], "extxyz"),
        (["--out", "a.docx"], "suffix"),
        (["--out", "no/such/folder/a.csv"], "no folder"),
        (["--format", "nonsense"], "unknown format"),
        (["--device", "abacus"], "'abacus' cannot be used"),
    ],
)
def test_wrong_usage_is_2_and_says_what_is_allowed(words, reason, frames):
    result = run("predict", frames, *words)
    assert result.exit_code == 2 and reason in " ".join(result.output.split())


@pytest.mark.parametrize("file", ["no-such-file.xyz", "no-such-file.xyz@3", "-"])
def test_a_missing_file_or_format_is_wrong_usage(file):
    assert run("predict", file).exit_code == 2


def test_featurize_takes_alloys_crystals_and_clusters(cluster, tmp_path):
    alloy = bulk("Au", cubic=True)
    alloy.symbols[0] = "Ru"
    write(tmp_path / "POSCAR", alloy)
    write(tmp_path / "a.cif", alloy)
    write(tmp_path / "cluster.xyz", cluster)
    result = run("featurize", tmp_path / "POSCAR", tmp_path / "a.cif", tmp_path / "cluster.xyz")
    poscar, cif, molecule = rows(result)
    assert float(poscar["H_mix (kJ/mol)"]) == float(cif["H_mix (kJ/mol)"]) == 15.0
    assert poscar["phi (-)"] == "" and float(molecule["phi (-)"]) == pytest.approx(0.0155, abs=1e-3)


def test_featurize_by_name_fails_what_lacks_one(cluster, tmp_path):
    alloy = bulk("Au", cubic=True)
    alloy.symbols[0] = "Pd"  # two metals, and nothing around them to take χ_sub from
    write(tmp_path / "a.cif", alloy)
    write(tmp_path / "cluster.xyz", cluster)
    result = run("featurize", tmp_path / "a.cif", tmp_path / "cluster.xyz", "--feature", "phi", "--feature", "H_mix")
    assert result.exit_code == 1 and "a.cif@0: MissingDataError" in result.stderr
    [found] = rows(result)
    assert list(found) == ["structure", "phi (-)", "H_mix (kJ/mol)"]


def test_featurize_writes_parquet_and_knows_the_paper_s_eight(cluster, tmp_path):
    write(tmp_path / "cluster.xyz", [cluster, cluster])
    target = tmp_path / "a.parquet"
    assert run("featurize", tmp_path / "cluster.xyz", "--feature", "paper", "--out", target).exit_code == 0
    table = pd.read_parquet(target)
    assert table.shape == (2, 9) and table["N_metal (atoms)"].tolist() == [6.0, 6.0]


def test_featurize_says_on_demand_what_is_missing(tmp_path):
    write(tmp_path / "a.xyz", Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]]))
    assert "no log P (-): log P needs ligands" in run("featurize", tmp_path / "a.xyz", "-v").stderr


@pytest.mark.parametrize("words", [["--feature", "nonsense"], ["--output", "extxyz"], ["--output", "parquet"]])
def test_featurize_refuses_what_it_does_not_know(words, frames):
    assert run("featurize", frames, *words).exit_code == 2
