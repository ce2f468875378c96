"""The verb ``screen``."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from ase_bimetal.cli.app import app
from ase_bimetal.screening import load_results

runner = CliRunner()
# The verb, which waits for Ctrl-C after its second chunk, on the fastest and on the slowest machine.
WAITS = """
import signal, time
from ase_bimetal.screening.store import Store
write = Store.write
def two(store, *chunk):
    if len(store.done()) == 2:
        (store.folder / "waits").touch()
        time.sleep(3600)
    write(store, *chunk)
Store.write = two
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background leaves it ignored
from ase_bimetal.cli import main
main()
"""


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


def test_wrong_field_is_named(tmp_path: Path) -> None:
    config = tmp_path / "screen.yaml"
    config.write_text("dopants: [Xx]\nligands: [SMe]\nmotifs: [Au4M2]\n")
    found = runner.invoke(app, ["screen", str(config)])
    assert found.exit_code == 2 and "'Xx'" in found.output


def test_verbose_names_what_failed_and_a_support_is_screened(tmp_path: Path) -> None:
    config = tmp_path / "screen.yaml"
    config.write_text("hosts: [Cu, Y]\ndopants: [Zn, Gd]\nsupports: [MFI-6-ring]\n")
    found = runner.invoke(app, ["screen", str(config), "--out", str(tmp_path / "out"), "-v", "-q"])
    assert found.exit_code == 0, found.output
    assert "MFI-6-ring:CuZn" not in found.stderr
    assert "skip:MFI-6-ring:Y:Gd:*:*: skipped: no labelled pair in MFI-6-ring-6Al" in found.stderr
    assert "H-form framework" in found.output and "CuZn" in found.output


def test_nothing_predicted_is_1(tmp_path: Path) -> None:
    config = tmp_path / "screen.yaml"
    config.write_text("dopants: [Gd]\nligands: [SMe]\nmotifs: [Au4M2]\n")
    found = runner.invoke(app, ["screen", str(config), "--out", str(tmp_path / "out"), "-v", "-q"])
    assert found.exit_code == 1
    assert "Au4M2:Au4Gd2:SMe:0: failed: UnsupportedElementError" in found.stderr


def test_ctrl_c_leaves_finished_chunks_that_the_next_run_takes_up(tmp_path: Path, wait_until: Callable) -> None:
    config, out = tmp_path / "screen.yaml", tmp_path / "out"
    config.write_text("dopants: [Pd, Cu, Hg, Ag]\nligands: [SMe]\nmotifs: [Au4M2]\nchunk_size: 1\n")
    with subprocess.Popen(
        [sys.executable, "-c", WAITS, "screen", str(config), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_until((out / "waits").exists, process)
        process.send_signal(signal.SIGINT)
        _, message = process.communicate()
    assert process.returncode == 130
    assert f"interrupted: finished rows are in {out}" in message and "Traceback" not in message
    assert len(load_results(out)) == 2
    again = runner.invoke(app, ["screen", str(config), "--out", str(out), "-q"])
    assert again.exit_code == 0 and "2 rows were there before" in " ".join(again.output.split())
