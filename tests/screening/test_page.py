"""docs/screening.md, followed in the order written, in one empty folder."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ase_bimetal.cli.app import app
from ase_bimetal.screening import config
from ase_bimetal.screening.config import ScreenConfig

PAGE = (Path(__file__).parents[2] / "docs" / "screening.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Code blocks of one language, in the order of the page; commands have none."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.S | re.M)
    return [text for name, text in found if name == language]


def commands() -> list[list[str]]:
    """Words of every screening on the page."""
    lines = [line.partition("#")[0].split() for block in blocks("") for line in block.splitlines()]
    return [words[1:] for words in lines if words[:2] == ["ase-bimetal", "screen"]]


def test_every_configuration_of_the_page_is_read(tmp_path: Path) -> None:
    found = []
    for k, text in enumerate(blocks("yaml")):
        (tmp_path / f"{k}.yaml").write_text(text)
        found.append(ScreenConfig.from_yaml(tmp_path / f"{k}.yaml"))
    clusters, supports = found
    assert (list(clusters.hosts), list(supports.hosts)) == (["Au", "Ag"], ["Cu"])
    assert len(clusters.ligands) == 3 and len(supports.supports) == 5


def test_what_the_page_says_runs_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own commands, folders and code; configurations of few candidates, and no other machine."""
    monkeypatch.chdir(tmp_path)
    Path("screen.yaml").write_text("dopants: Pd\nligands: SMe\nmotifs: Au4M2\n")
    Path("short.yaml").write_text("dopants: Pt\nligands: SMe\nmotifs: Au4M2\n")
    monkeypatch.setattr(config, "example_path", lambda: tmp_path / "short.yaml")
    here = [words for words in commands() if "--scheduler" not in words]
    assert [words[1] for words in here] == ["--example", "screen.yaml", "screen.yaml"]
    for words in here:
        done = CliRunner().invoke(app, [*words[: words.index("--out") + 2], "--quiet"])
        assert done.exit_code == 0, done.output
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(code, names)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"example", "results", "small"}
    assert len(names["best"]) == 2 and names["screen_info"]("small")["level"] == "PBE-referenced GFN1-xTB"
    assert names["atoms"].info["ligand_smiles"] == {"SCCc1ccccc1": 8}
