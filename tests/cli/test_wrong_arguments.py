"""Arguments that are wrong: refused in one sentence with the next step, before any work and without a traceback."""

import re

import pytest
import typer
from ase.io import read, write
from typer.testing import CliRunner

from ase_bimetal import load_example
from ase_bimetal.cli.app import app
from ase_bimetal.errors import BimetalError, LigandError, MissingDataError
from ase_bimetal.ligands import Ligand

runner = CliRunner()


def run(*words):
    return runner.invoke(app, [str(word) for word in words], env={"COLUMNS": "400"})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("cluster.extxyz", load_example("Au4Pd2(PET)8"))
    (tmp_path / "results").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("predict cluster.extxyz --out out.json --output csv", "'out.json' is a file of json, not of csv"),
        ("featurize cluster.extxyz --out out.parquet --output json", "a file of parquet, not of json"),
        ("predict cluster.extxyz --out out.pdf", "the suffix of 'out.pdf' is no output format"),
        ("predict cluster.extxyz --out nodir/out.csv", "make it first: mkdir -p nodir"),
        ("predict cluster.extxyz@abc", "'abc' is no index in 'cluster.extxyz@abc'"),
        ("report results --out r.pdf", "allowed: .html, .htm"),
        ("report results --out nodir/r.html", "make it first: mkdir -p nodir"),
        ("build Au4M2 Xx b.extxyz --ligand thiolate=SMe", "no data for element 'Xx'"),
        ("build Au4M2 S b.extxyz --ligand thiolate=SMe", "'S' is no metal"),
        ("build Au4M2 Pd b.extxyz --ligand thiolate=SMe --host Qq", "no data for element 'Qq'"),
        ("build Au4M2 Pd b.extxyz --ligand thiolate=SMe --arrangement third-Xx-1", "no data for element 'Xx'"),
        ("build Au4M2 Pd b.extxyz --ligand thiolate=PPh3", "PPh3 does not fit sites of role thiolate"),
        ("build Au4M2 Pd b.extxyz --ligand thiolate=PEET", "did you mean 'PET'?"),
        ("build Au4M2-capped Pd b.extxyz --ligand thiolate=SMe", "--ligand axial=NAME --ligand thiolate=NAME"),
        ("build Au4M2 Pd b.extxyz", "Au4M2 needs a ligand for each of the roles thiolate: --ligand thiolate=NAME"),
        ("build Au4M2 Pd b.extxyz --ligand SMe", "write the role first, as in --ligand thiolate=PET"),
        ("predict Au4Pd2(PET)8", "a cluster of this formula write: ase-bimetal predict --formula 'Au4Pd2(PET)8'"),
        ("featurize Au4Pd2.xyz", "no file 'Au4Pd2.xyz'. Give the path of a structure file"),
        ("build Au4M2 Pd b.qqq --ligand thiolate=SMe", "ASE writes no file like 'b.qqq'"),
        ("build Au4M2 Pd nodir/b.xyz --ligand thiolate=SMe", "make it first: mkdir -p nodir"),
        ("sample cluster.extxyz s.qqq", "ASE writes no file like 's.qqq'"),
        ("demo --picture x.qqq", "'x.qqq' ends with .qqq; allowed: .png"),
        ("demo --picture nodir/x.png", "make it first: mkdir -p nodir"),
        ("dataset info --picture x.qqq", "'x.qqq' ends with .qqq; allowed: .png"),
        ("dataset export labels.qqq", "allowed: .db, .json"),
        ("dataset pack results labels.json", "allowed: .xz"),
        ("explain --out nodir/explained", "make it first: mkdir -p nodir"),
        ("explain --out explained --rows some", "allowed: minima, configurations"),
        ("train cluster.extxyz", "is a file"),
        ("screen --example --out cluster.extxyz", "is a file"),
    ],
)
def test_wrong_usage_is_refused_before_the_work(line, said, folder):
    before = sorted(folder.iterdir())
    result = run(*line.split())
    assert result.exit_code == 2, result.output
    assert said in result.stderr and "Traceback" not in result.stderr
    assert sorted(folder.iterdir()) == before


def test_frame_beyond_the_end_costs_itself_only(folder):
    result = run("featurize", "cluster.extxyz@99", "cluster.extxyz@0", "--feature", "N_metal")
    assert result.exit_code == 1
    assert "cluster.extxyz@99: FileFormatError: no frame @99; the file holds 1 frames, @0 to @0" in result.stderr
    assert result.stdout == "structure,N_metal (atoms)\ncluster.extxyz@0,6.0\n"


def test_training_on_a_file_without_energies_says_so(folder):
    result = run("train", "model", "--data", "cluster.extxyz", "--level", "PBE")
    assert isinstance(result.exception, MissingDataError)
    assert "holds no row to train on: cluster.extxyz@0" in str(result.exception)
    assert "no 'energy'" in str(result.exception) and "--energy-key" in str(result.exception)


def test_suffix_and_format_that_agree_are_written(folder):
    result = run("predict", "cluster.extxyz", "--out", "out.xyz", "--output", "extxyz")
    assert result.exit_code == 0, result.output
    assert read("out.xyz").info["ligand_smiles"] == {"SCCc1ccccc1": 8}


def test_unreadable_file_for_sample_is_one_of_our_errors(folder):
    (folder / "bad.extxyz").write_text("no structure\n")
    assert isinstance(run("sample", "bad.extxyz", "s.extxyz").exception, BimetalError)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("PEET", "PET"),
        ("pph3", "PPh3"),
        ("SCH2C6H4", "SCH2C6H5"),
        ("Pme3", "PMe3"),
    ],
)
def test_misspelt_ligands_are_guessed(given, meant):
    with pytest.raises(LigandError, match=re.escape(f"(did you mean {meant!r}?)")):
        Ligand.parse(given)


def test_no_guess_is_made_for_what_is_far_from_every_name():
    with pytest.raises(LigandError) as caught:
        Ligand.parse("qwertzuiop")
    assert "did you mean" not in str(caught.value)


def _options(command, path=()):
    for name, inner in getattr(command, "commands", {}).items():
        yield from _options(inner, (*path, name))
    yield from ((path, item) for item in command.params if not hasattr(command, "commands"))


def test_units_in_brackets_reach_the_reader():
    bracketed = [(path, item) for path, item in _options(typer.main.get_command(app)) if "[" in (item.help or "")]
    assert len(bracketed) >= 3
    for path, item in bracketed:
        for unit in re.findall(r"\[[^]]*]", item.help):
            assert unit in run(*path, "--help").output, (path, item.name)
