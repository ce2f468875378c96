"""Full disks, homes that cannot be written, no home, a strict umask: nothing lost, nothing doubled, same rows."""

import json
import os
import pwd
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from ase.io import read, write
from pandas.testing import assert_frame_equal

from ase_bimetal.cli import main
from ase_bimetal.cli.batches import BATCH
from ase_bimetal.files import user_cache, write_whole
from ase_bimetal.model.ligand_encoder import LigandEncoder
from ase_bimetal.screening import ScreenConfig, load_results, screen
from ase_bimetal.screening import columns as c

resource = pytest.importorskip("resource", reason="no limits on files here")
CONFIG = ScreenConfig.make(dopants=["Pd", "Cu", "Hg"], ligands=["SMe", "SCCC(C)C"], motifs=["Au4M2"], chunk_size=2)
NEW = "CCC(C)CCCCS"
SCREEN = f"""
import os
os.umask(0o077)
from ase_bimetal import predict, load_example
from ase_bimetal.screening import ScreenConfig, screen
screen(ScreenConfig.make(**{CONFIG.model_dump(exclude_defaults=True)!r}), "screened", progress=False)
core = load_example("Au4Pd2(PET)8")[[0, 1, 2, 3, 4, 5]]
core.info["ligand_smiles"] = {{{NEW!r}: 8}}
print(predict([core])[0].formation_energy_per_metal)
"""


@contextmanager
def full_disk(size):
    """No file of this process grows beyond a size [bytes], as on a disk without more room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def run(monkeypatch, *words):
    """Exit code of the command line."""
    monkeypatch.setattr(sys, "argv", ["ase-bimetal", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code


def rows(folder):
    return load_results(folder).sort_values(c.ID, ignore_index=True)


@pytest.mark.parametrize("kind", ["csv", "json", "extxyz"])
def test_a_full_disk_leaves_whole_batches(kind, core, tmp_path, monkeypatch, capsys):
    write(tmp_path / "one.extxyz", [core] * BATCH)
    write(tmp_path / "cores.extxyz", [core] * 3 * BATCH)
    out = tmp_path / f"found.{kind}"
    assert run(monkeypatch, "predict", tmp_path / "one.extxyz", "--out", out) == 0
    with full_disk(3 * out.stat().st_size // 2):
        assert run(monkeypatch, "predict", tmp_path / "cores.extxyz", "--out", out) == 1
    told = capsys.readouterr().err
    assert f"stopped: {BATCH} written, 0 failed" in told and "Make room" in told and "Traceback" not in told
    found = {
        "csv": lambda: out.read_text().splitlines()[1:],
        "json": lambda: json.loads(out.read_text()),
        "extxyz": lambda: read(out, ":"),
    }[kind]()
    assert len(found) == BATCH


def test_a_screening_goes_on_when_there_is_room_again(tmp_path, monkeypatch, capsys):
    screen(CONFIG, tmp_path / "calm", progress=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "screen.yaml").write_text(json.dumps(CONFIG.model_dump(mode="json", exclude_defaults=True)))
    for size in (5_000, 14_000):  # room for no template, and for templates and no rows
        with full_disk(size):
            assert run(monkeypatch, "screen", tmp_path / "screen.yaml", "--out", tmp_path / "full", "-q") == 1
        told = capsys.readouterr().err
        assert "Make room" in told and "Traceback" not in told
        assert not list((tmp_path / "full").rglob("*.partial"))
    summary = screen(CONFIG, tmp_path / "full", progress=False)
    assert summary.n_ok == 6
    assert_frame_equal(rows(tmp_path / "full"), rows(tmp_path / "calm"), rtol=0, atol=1e-9)


def test_a_file_on_a_full_disk_stays_what_it_was(tmp_path):
    path = tmp_path / "a.txt"
    write_whole(path, "before")
    with full_disk(1000), pytest.raises(OSError):
        write_whole(path, "x" * 2000)
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "home",
    [{"HOME": "/proc/nowhere"}, {"HOME": None}, {"XDG_CACHE_HOME": "relative"}],
    ids=["read-only", "none", "relative cache"],
)
def test_homes_cost_no_result(home, tmp_path):
    """A new process with umask 077: same rows, and files for the user alone."""
    names = [name for name in ("HOME", "XDG_CACHE_HOME") if name not in home]
    environment = {k: v for k, v in os.environ.items() if k not in names}
    environment |= {"COLUMNS": "200", "PYTHONPATH": os.pathsep.join(sys.path)}
    environment = {k: v for k, v in (environment | home).items() if v is not None}
    if "HOME" in home and home["HOME"] is None:
        environment["XDG_CACHE_HOME"] = ""
    done = subprocess.run([sys.executable, "-c", SCREEN], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert float(done.stdout) < -2
    screen(CONFIG, tmp_path / "calm", progress=False)
    assert_frame_equal(rows(tmp_path / "screened"), rows(tmp_path / "calm"), rtol=0, atol=1e-6)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "screened").rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.name for path in tmp_path.iterdir()} == {"screened", "calm"}


def test_a_user_whom_nobody_knows_has_no_cache(tmp_path, monkeypatch):
    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert user_cache() == Path(os.devnull) / "ase-bimetal"
    assert LigandEncoder().embed([NEW]).shape == (1, LigandEncoder().width)
    assert list(tmp_path.iterdir()) == []
