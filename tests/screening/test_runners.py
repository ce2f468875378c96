"""The same screening on a Dask cluster, and with a worker killed in the middle."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import dask
import pandas as pd
import pytest
from dask.distributed import LocalCluster
from pandas.testing import assert_frame_equal

from ase_bimetal.errors import ScreenError
from ase_bimetal.screening import ScreenConfig, load_results, run, screen
from ase_bimetal.screening import columns as c
from ase_bimetal.screening.runners import make_runner
from ase_bimetal.screening.store import Store


def patient() -> AbstractContextManager:
    """Dask that waits longer for its own parts, as a machine with much else to do makes it."""
    return dask.config.set({"distributed.comm.timeouts.connect": "120s", "distributed.comm.timeouts.tcp": "120s"})


@pytest.fixture
def one_worker() -> Iterator[str]:
    """Address of a scheduler with one worker in this process."""
    here = {"processes": False, "protocol": "tcp", "dashboard_address": ":0"}
    with patient(), LocalCluster(n_workers=1, threads_per_worker=1, **here) as found:
        yield found.scheduler_address


def rows(out: Path) -> pd.DataFrame:
    return load_results(out).sort_values(c.ID, ignore_index=True)


def test_cluster_gives_the_rows_of_one_machine(tmp_path: Path, one_worker: str) -> None:
    config = ScreenConfig.make(
        dopants=["Pd", "Gd", "Cu"], ligands=["SMe", "PPh3"], motifs=["Au4M2"], chunk_size=2, metals_per_core=[2, 3]
    )
    screen(config, tmp_path / "here", progress=False)
    summary = screen(config, tmp_path / "there", scheduler=one_worker, progress=False)
    assert (summary.n_failed, summary.n_skipped) == (3, 1)
    assert_frame_equal(rows(tmp_path / "there"), rows(tmp_path / "here"), rtol=0, atol=1e-5)


def test_no_scheduler_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ase_bimetal.screening.runners._PATIENCE", 0.5)
    with pytest.raises(ScreenError, match="no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        screen(
            out=tmp_path,
            scheduler="tcp://127.0.0.1:9",
            progress=False,
            dopants=["Pd"],
            ligands=["SMe"],
            motifs=["Au4M2"],
        )


def test_processes_give_the_rows_of_one(tmp_path: Path) -> None:
    config = ScreenConfig.make(dopants=["Pd", "Gd", "Cu"], ligands=["SMe", "PPh3"], motifs=["Au4M2"], chunk_size=1)
    screen(config, tmp_path / "one", progress=False)
    screen(config, tmp_path / "two", workers=2, progress=False)
    assert_frame_equal(rows(tmp_path / "two"), rows(tmp_path / "one"), rtol=0, atol=1e-5)


def test_a_worker_with_other_weights_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate = run.evaluate_chunk

    def other_weights(chunk: run.Chunk) -> list[dict]:
        return [row | {c.MODEL: "mml-gfn1-pbe@00000000"} for row in evaluate(chunk)]

    monkeypatch.setattr(run, "evaluate_chunk", other_weights)
    with pytest.raises(ScreenError, match="a worker predicts with model mml-gfn1-pbe@00000000"):
        screen(out=tmp_path, progress=False, dopants=["Pd"], ligands=["SMe"], motifs=["Au4M2"])
    assert not Store(tmp_path).done()


def test_workers_and_scheduler_exclude_each_other() -> None:
    with pytest.raises(ScreenError, match="at least 1 worker, or a scheduler"):
        make_runner("tcp://127.0.0.1:9", workers=2)


@pytest.mark.parametrize("n_tasks", [0, 50])
def test_a_runner_asks_for_few_tasks_at_a_time(n_tasks: int) -> None:
    asked = []

    def tasks() -> Iterator[int]:
        """Numbers, noted when they are asked for."""
        for number in range(n_tasks):
            asked.append(number)
            yield number

    with make_runner(workers=2) as run:
        found = {}
        for done, (task, result) in enumerate(run(abs, tasks()), start=1):
            found[task] = result
            assert len(asked) <= done + 3 * 2
    assert found == {number: number for number in range(n_tasks)}


@pytest.mark.heavy
def test_a_killed_worker_changes_nothing(tmp_path: Path) -> None:
    config = ScreenConfig.make(
        dopants=["Pd", "Cu", "Hg", "Re", "Ag", "Ni", "Os", "Zn"],
        ligands=["SMe", "SEt"],
        motifs=["Au4M2", "M@Au8"],
        dopant_counts=["motif", 2],
        arrangements=4,
        chunk_size=4,
    )
    screen(config, tmp_path / "here", progress=False)
    n_chunks = len(Store(tmp_path / "here").done())
    two = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with patient(), LocalCluster(**two) as cluster:
        killed: list[tuple[int, int]] = []

        def kill_one() -> None:
            """Kill one worker as soon as some chunks are written."""
            while len(done := Store(tmp_path / "there").done()) < 3:
                time.sleep(0.005)
            victim = next(iter(cluster.workers.values())).pid
            killed.append((victim, len(done)))
            os.kill(victim, signal.SIGKILL)

        killer = threading.Thread(target=kill_one, daemon=True)
        killer.start()
        screen(config, tmp_path / "there", scheduler=cluster.scheduler_address, progress=False)
        killer.join(timeout=600)
    [(_, n_done)] = killed
    assert n_done < n_chunks
    assert rows(tmp_path / "there")[c.ID].is_unique
    assert_frame_equal(rows(tmp_path / "there"), rows(tmp_path / "here"), rtol=0, atol=1e-5)
