"""How times are measured, and the tables that show them."""

import json
from itertools import chain, repeat
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def timing(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import timing

    return timing


@pytest.fixture
def measured(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    import measured

    return measured


def takes(*times):
    """A timer whose runs take so long [ms]; the last again and again."""
    left = chain(times, repeat(times[-1]))
    return lambda: next(left)


def test_a_row_holds_the_least_of_the_runs_after_one_to_warm_up(timing):
    line = timing.row(
        "case",
        takes(1.0, 9.0, 8.0, 7.0),
        2,
        takes(80.0, 64.0, 72.0),
        {"CHGNet": takes(400.0, 320.0), "absent": lambda: None},
        share=4,
    )
    assert (line.now, line.before, line.peers) == (2.0, 16.0, {"CHGNet": 80.0})
    assert line.yardstick > 0


def test_the_stored_run_is_compared_in_units_of_the_yardstick(timing):
    now = [timing.Row("a", 1.0, 0.5), timing.Row("b", 1.0, 0.5)]
    last = [timing.Row("a", 12.0, 2.0)]  # on a slower machine
    assert [line.last for line in timing.compared(now, last)] == [3.0, None]


def test_peers_that_are_not_installed_are_named(timing, tmp_path):
    peers = timing.Peers(tmp_path / "python", tmp_path)
    assert timing.row("case", takes(1.0), 1, peers={"CHGNet": lambda: peers._ask("CHGNet", tmp_path)}).peers == {}
    assert "make bench" in peers.absent["CHGNet"]


def test_a_peer_that_cannot_be_loaded_says_why(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import peers
    from ase import Atoms
    from ase.io import write

    write(tmp_path / "a.xyz", Atoms("Au2", [[0, 0, 0], [0, 0, 2.7]]))

    def missing(atoms):
        raise ModuleNotFoundError("No module named 'chgnet'")

    monkeypatch.setitem(peers.PEERS, "CHGNet", missing)
    assert peers.answer("CHGNet", str(tmp_path / "a.xyz")) == {
        "absent": "ModuleNotFoundError: No module named 'chgnet'"
    }
    monkeypatch.setitem(peers.PEERS, "length", lambda atoms: atoms.get_all_distances)
    assert peers.answer("length", str(tmp_path / "a.xyz"))["ms"] >= 0


def test_the_tables_hold_ratios(measured, monkeypatch, tmp_path):
    row = {"case": "46 atoms", "now": 5.0, "yardstick": 1.0, "before": 10.0, "peers": {"CHGNet": 150.0}, "last": 1.25}
    about = {
        "processor": "a processor",
        "python": "3.11",
        "torch": "2.13",
        "ase-bimetal": "0.1",
        "load": "3 processes waiting for 2 cores",
    }
    tables = {name: [row] for name in ("energies", "descriptors", *measured._WAITS)}
    stored = {"about": about, "absent": {"SevenNet-0": "no module"}, "tables": tables}
    monkeypatch.setattr(measured, "STORED", tmp_path / "bench.json")
    measured.STORED.write_text(json.dumps(stored))
    assert measured.benchmarks("energies").splitlines() == [
        "|  | this package | CHGNet | last |",
        "| --- | --- | --- | --- |",
        "| 46 atoms | 5 | 150 (×30) | 1.25 |",
    ]
    assert measured.benchmarks("waits").splitlines()[2] == ("| 46 atoms | 5 | 10 | 2.00 | CHGNet 150, ×0.03 | 1.25 |")
    assert "a processor" in measured.benchmarks("about") and "SevenNet-0 (no module)" in measured.benchmarks("about")
