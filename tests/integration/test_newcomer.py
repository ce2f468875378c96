"""The way of somebody new, in one empty folder: own file, formula, screening, report, as the README writes them."""

import csv
import io
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from ase.io import read, write
from typer.testing import CliRunner

from ase_bimetal import load_example
from ase_bimetal.cli.app import app

MAIN = "from ase_bimetal.cli import main; main()"
SCREEN = "dopants: [Pd, Pt]\nligands: [PET, SMe]\nmotifs: Au4M2\n"


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    said: str


def in_this_process(*words: str) -> Done:
    """A command by typer's runner."""
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    return Done(result.exit_code, result.stdout, result.stderr)


def in_its_own(*words: str) -> Done:
    """A command as a shell starts it."""
    done = subprocess.run([sys.executable, "-c", MAIN, *words], capture_output=True, text=True, timeout=1800)
    return Done(done.returncode, done.stdout, done.stderr)


def rows(done: Done) -> list[dict[str, str]]:
    """The table that a prediction prints."""
    assert done.code == 0, done.said
    return list(csv.DictReader(io.StringIO(done.out)))


def walk(run: Callable[..., Done], formula: str, n_metals: int) -> None:
    """Every step in the current folder, which is empty, each with what it must give."""
    # A file of somebody's own says nothing of its ligands: no annotation, no comment.
    mine = load_example("Au4Pd2(PET)8")
    mine.info = {}
    write("cluster.xyz", mine, format="xyz")
    [own] = rows(run("predict", "cluster.xyz"))
    [named] = rows(run("predict", "cluster.xyz", "--ligand", "PET:8"))
    energy, spread = float(own["E_form (eV/metal)"]), float(own["std (eV/metal)"])
    assert -5 < energy < -1 and 0 < spread < 0.3 and own["flags"] == ""
    assert float(own["energy (eV)"]) == pytest.approx(6 * energy, abs=6 * 6e-5)
    assert named["E_form (eV/metal)"] == own["E_form (eV/metal)"]
    refused = run("predict", "cluster.xyz", "--ligand", "PPh3:8")
    assert refused.code != 0 and refused.out.count("\n") <= 1, refused.out

    [built] = rows(run("predict", "--formula", formula))
    per_metal = float(built["E_form (eV/metal)"])
    assert float(built["energy (eV)"]) == pytest.approx(n_metals * per_metal, abs=n_metals * 6e-5)
    assert float(built["std (eV/metal)"]) > spread and "not relaxed" in built["flags"]
    missing = run("predict", "--formula", "Au7Pd3(PET)5")
    assert missing.code == 2 and "nearest" in missing.said

    Path("screen.yaml").write_text(SCREEN)
    screened = run("screen", "screen.yaml", "--out", "results", "--quiet")
    assert screened.code == 0, screened.said
    assert re.search(r"4 predicted, 0 failed", screened.out) and "Au4Pd2(PET)8" in screened.out
    again = run("screen", "screen.yaml", "--out", "results", "--quiet")
    assert "4 rows were there before" in again.out

    reported = run("report", "results", "--out", "report.html", "-v")
    assert reported.code == 0, reported.said
    assert "4 candidates: 4 predicted, 0 failed." in reported.out
    assert "<title>Screening of bimetallic clusters</title>" in Path("report.html").read_text(encoding="utf-8")
    assert {path.name for path in Path().iterdir()} == {"cluster.xyz", "screen.yaml", "results", "report.html"}


def test_the_way_of_a_newcomer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    walk(in_this_process, "Au4Pt2(SMe)8", 6)


@pytest.mark.heavy
def test_the_way_of_a_newcomer_from_a_shell(tmp_path, monkeypatch):
    """Each command a process of its own, then the demonstration, the table of features and the figures."""
    monkeypatch.chdir(tmp_path)
    walk(in_its_own, "Au24Pd(PET)18", 25)
    shown = in_its_own("demo")
    assert shown.code == 0 and Path("cluster.png").stat().st_size > 10_000, shown.said
    described = in_its_own("featurize", "cluster.xyz")
    [features] = csv.DictReader(io.StringIO(described.out))
    assert float(features["N_metal (atoms)"]) == 6, described.said
    drawn = in_its_own("report", "results", "--figures", "figures")
    assert drawn.code == 0 and {path.suffix for path in Path("figures").iterdir()} == {".png", ".svg"}, drawn.said
    assert len(read("cluster.xyz")) == len(load_example("Au4Pd2(PET)8"))
