"""A small real screening, and a real browser to open its report in."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ase_bimetal.report import read_results, write_report
from ase_bimetal.report.results import Results
from ase_bimetal.screening import screen
from ase_bimetal.structures.motifs import DOPANTS


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of 16 dopants and one lanthanide, which the model refuses, on two motifs with two ligands."""
    out = tmp_path_factory.mktemp("screening") / "results"
    screen(
        out=out,
        progress=False,
        title="Dopants <in> gold",
        dopants=[*DOPANTS, "Gd"],
        ligands=["SMe", "PMe3"],
        motifs=["Au4M2", "M@Au8"],
        filters={"formation_energy_below": -3.0},
    )
    return out


@pytest.fixture(scope="session")
def results(folder: Path) -> Results:
    """The same, read."""
    return read_results(folder)


@pytest.fixture(scope="session")
def page(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its report, alone in a folder."""
    return write_report(folder, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="session")
def browse(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[str, str]]:
    """A function that opens a file in headless Chromium and gives the page after its scripts, and the console."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    profile = tmp_path_factory.mktemp("profile")

    def open_page(path: Path, fragment: str = "") -> tuple[str, str]:
        done = subprocess.run(
            [
                chromium,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--enable-unsafe-swiftshader",
                "--enable-logging=stderr",
                f"--user-data-dir={profile}",
                "--virtual-time-budget=8000",
                "--dump-dom",
                f"{path.as_uri()}{fragment}",
            ],
            capture_output=True,
            text=True,
            timeout=1800,
            check=True,
        )
        return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)

    return open_page
