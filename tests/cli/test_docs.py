"""Every command shown in docs/cli.md runs."""

import re
import shlex
from pathlib import Path

import pytest
from ase.build import bulk
from ase.db import connect
from ase.io import write
from typer.testing import CliRunner

from ase_bimetal.cli.app import app
from ase_bimetal.io import to_row

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
SHOWN = re.findall(r"^\$ (.*)$", PAGE, flags=re.MULTILINE)


@pytest.fixture
def folder(cluster, core, tmp_path, monkeypatch):
    """The files that the page speaks of."""
    monkeypatch.chdir(tmp_path)
    write("cluster.xyz", cluster)
    write("run.traj", [cluster] * 6)
    with connect("database.db") as database:
        database.write(cluster, **to_row(cluster))
    del core.info["ligand_smiles"]
    write("core.xyz", core)
    alloy = bulk("Au", cubic=True)
    alloy.symbols[0] = "Pd"
    write("POSCAR", alloy)
    write("alloy.cif", alloy)
    return tmp_path


def test_the_page_shows_commands():
    assert len(SHOWN) >= 5


@pytest.mark.parametrize("line", SHOWN)
def test_commands_of_the_page_run(line, folder):
    *source, command = line.split(" | ")
    piped = Path(source[0].removeprefix("cat ")).read_bytes() if source else None
    words = shlex.split(command)
    assert words[0] == "ase-bimetal"
    result = CliRunner().invoke(app, words[1:], input=piped)
    assert result.exit_code == 0, result.output


def test_the_page_names_every_verb():
    for verb in app.registered_commands:
        assert f"`{verb.name}`" in PAGE
