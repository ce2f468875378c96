"""The wheel in a clean environment, outside the tree, with the network blocked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_BLOCKED_DEMO = """
import socket
def refuse(*args, **kwargs):
    raise OSError("the network is blocked in this test")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from ase_bimetal.cli import main
import sys
sys.argv = ["ase-bimetal", "demo"]
main()
"""


@pytest.fixture(scope="module")
def clean_python(tmp_path_factory):
    """A fresh environment that holds the wheel, and borrows the dependencies of this one."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT], check=True, capture_output=True
    )
    [wheel] = folder.glob("*.whl")
    assert wheel.stat().st_size < 25e6
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", wheel], check=True)
    site = subprocess.run(
        [sys.executable, "-c", "import ase, pathlib; print(pathlib.Path(ase.__file__).parents[1])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    # The dependencies come after the wheel on the path, and the editable install's finder stays behind.
    Path(purelib, "zz_dependencies.pth").write_text(f"import sys; sys.path.append({site!r})\n")
    return python


def test_demo_runs_from_the_wheel_without_network(clean_python, tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    run = subprocess.run(
        [clean_python, "-c", _BLOCKED_DEMO], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert "eV/metal" in run.stdout and "PBE-referenced GFN1-xTB" in run.stdout and "φ" in run.stdout
    assert (tmp_path / "cluster.png").stat().st_size > 10_000


def test_the_wheel_is_what_is_imported(clean_python, tmp_path):
    code = "import ase_bimetal, ase_bimetal.calculators, ase_bimetal.featurizers as f; print(ase_bimetal.__file__)"
    run = subprocess.run([clean_python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert str(ROOT) not in run.stdout
