"""Kill a process at random moments, start it again, and find the same rows as without a kill."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.heavy

# An embedding and a template that do not ship are computed and left in the user's cache folder.
CACHE = """
from ase_bimetal import predict
from ase_bimetal.screening.template_cache import cached_template
from ase_bimetal.structures.roles import Shell
template = cached_template("Au4M2", Shell("CCCCCS", (("thiolate", "CCCCCS"),)))
[found] = predict([template])
print(found.formation_energy_per_metal, found.formation_energy_std)
"""
FOREST = """
from ase.build import bulk
from ase_bimetal import predict
alloy = bulk("Pt", cubic=True)
alloy.symbols[0] = "Pd"
[found] = predict([alloy], model="descriptor-forest")
print(found.formation_energy_per_metal, found.formation_energy_std)
"""
SCREEN = """
from ase_bimetal.screening import ScreenConfig, load_results, screen
config = ScreenConfig.make(dopants=["Pd", "Cu", "Ag", "Hg"], ligands=["SMe"], motifs=["Au4M2"],
                           dopant_counts=["motif", 2], arrangements=2, chunk_size=2)
screen(config, "screened", progress=False)
print(load_results("screened").sort_values("id").to_csv(index=False, float_format="%.5f"))
"""
TRAIN = """
from pathlib import Path
from ase.io import read, write
from typer.testing import CliRunner
from ase_bimetal.cli.app import app
from ase_bimetal.lab.labels.corrections import ANCHORS
if not Path("mine.extxyz").exists():
    frames = [frame for frame in read(ANCHORS, ":") if frame.info["name"].startswith("Au4M2(SH)8_")][:9]
    for k, frame in enumerate(frames):
        frame.info = {"mine": -3.0 - k / 10}
    write("mine.part.extxyz", frames)
    Path("mine.part.extxyz").rename("mine.extxyz")
def run(*words):
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 0, result.output
if not Path("m/card.json").exists():
    run("train", "m", "--data", "mine.extxyz", "--level", "PBE0", "--formation-energy-key", "mine", "--from",
        "mml-gfn1-pbe", "--epochs", "2", "-q", "--resume")
from ase_bimetal import predict
print([round(found.formation_energy_per_metal, 4) for found in predict(read("mine.extxyz", ":"), model="m")])
"""
KILLS = 5


def _start(code: str, folder: Path) -> subprocess.Popen:
    home = {"XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | home,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _whole(code: str, folder: Path) -> str:
    process = _start(code, folder)
    said, complaints = process.communicate(timeout=1800)
    assert process.returncode == 0, complaints
    return said


@pytest.mark.parametrize("code", [CACHE, FOREST, SCREEN, TRAIN], ids=["cache", "forest", "screen", "train"])
def test_the_rows_are_those_of_a_run_that_nobody_killed(code, tmp_path):
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    calm.mkdir()
    killed.mkdir()
    begin = time.monotonic()
    expected = _whole(code, calm)
    duration = time.monotonic() - begin
    for moment in np.random.default_rng(0).uniform(0.2, 1.0, KILLS) * duration:
        process = _start(code, killed)
        time.sleep(moment)
        process.kill()
        process.communicate()
    assert _whole(code, killed) == expected


def test_two_processes_on_one_cache_find_what_one_finds(tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    alone.mkdir()
    shared.mkdir()
    expected = _whole(CACHE, alone)
    both = [_start(CACHE, shared) for _ in range(2)]
    assert [process.communicate(timeout=1800) for process in both] == [(expected, "")] * 2
    files = [{path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} for folder in (alone, shared)]
    assert files[0] == files[1] and len(files[0]) == 2, files
