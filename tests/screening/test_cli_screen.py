"""The verb ``screen``."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ase_bimetal.cli.app import app
from ase_bimetal.screening import load_results

runner = CliRunner()


def test_screen_writes_rows_and_shows_the_best(tmp_path: Path) -> None:
    config = tmp_path / "screen.yaml"
    config.write_text("dopants: [Pd, Cu]\nligands: [SMe, PPh3]\nmotifs: [Au4M2]\n")
    found = runner.invoke(app, ["screen", str(config), "--out", str(tmp_path / "out"), "--quiet"])
    assert found.exit_code == 0, found.output
    assert "2 predicted, 0 failed, 1 combinations skipped" in found.output
    assert "PBE-referenced GFN1-xTB" in found.output
    assert len(load_results(tmp_path / "out")) == 3


def test_a_configuration_is_needed_once(tmp_path: Path) -> None:
    assert runner.invoke(app, ["screen"]).exit_code == 2
    config = tmp_path / "screen.yaml"
    config.write_text("dopants: [Pd]\n")
    assert runner.invoke(app, ["screen", str(config), "--example"]).exit_code == 2


def test_wrong_field_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "screen.yaml"
    config.write_text("dopants: [Xx]\nligands: [SMe]\nmotifs: [Au4M2]\n")
    found = runner.invoke(app, ["screen", str(config)])
    assert "'Xx'" in str(found.exception)
