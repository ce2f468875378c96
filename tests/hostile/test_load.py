"""Many predictions, threads, forks, new processes, Dask: equal answers, flat memory, the process as it was."""

import io
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
from contextlib import redirect_stderr

import numpy as np
import pytest
import torch
from load_campaign import (
    OF_DASK,
    WAYS,
    Answer,
    answer,
    answers,
    changes,
    difference,
    global_state,
    grown,
    in_threads,
    rows,
    rows_differ,
    screened,
)

from ase_bimetal.io import read_frames
from ase_bimetal.io.quiet import quiet_readers
from ase_bimetal.model.ensemble import few_threads
from ase_bimetal.workers import lock_for_forks

SLOW = {"two new processes", "Dask, two processes"}  # each starts two processes that load all libraries
NUMBERS = list(range(40))
FIRST_USE = """
import tempfile
from pathlib import Path
import rdkit.Chem, sklearn.base, torch, ase.io, pandas, pymatgen.core, scipy.spatial, torch_geometric.nn
import load_campaign
torch.set_num_threads(2)
before = load_campaign.global_state()
from ase_bimetal import load_example, predict
for number in range(5):
    load_campaign.answer(number)
predict([load_example("Au4Pd2(PET)8")], model="gcnn-gfn1-pbe")
new_ligand = load_campaign.base("metal core", load_campaign.np.random.default_rng(0))
new_ligand.info["ligand_smiles"] = {"CCCC(C)CCS": 8}
predict([new_ligand])
from ase_bimetal.io import read_frames
with tempfile.TemporaryDirectory() as folder:
    for name in ("a.cif", "a.json", "a.extxyz"):
        ase.io.write(Path(folder) / name, load_example("Au4Pd2(PET)8"))
        assert len(list(read_frames(Path(folder) / name))) == 1
    from ase_bimetal.screening import screen
    screen(out=Path(folder) / "a", dopants=["Pd"], ligands=["CCCCCCS"], motifs=["Au4M2"], progress=False)
after = load_campaign.global_state()
print(load_campaign.changes(before, after), [x for x in after["warnings"][0] if x not in before["warnings"][0]])
"""


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield [answer(number) for number in NUMBERS]


def test_the_clusters_are_of_all_kinds_and_hardly_two_are_alike(expected):
    numbers = [item.energy for item in expected if np.isfinite(item.energy)]
    assert len(numbers) > 0.9 * len(expected)
    assert len(set(numbers)) > 0.95 * len(numbers), "two bare objects may end in the same leaves of the forest"
    assert any("descriptor-forest" in word for item in expected for word in item.words)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.heavy) if name in SLOW else name for name in WAYS]
)
def test_all_ways_give_the_same_and_leave_the_process_alone(name, expected):
    before = global_state()
    found = WAYS[name](NUMBERS)
    assert set(changes(before, global_state())) <= (OF_DASK if "Dask" in name else set())
    assert difference(found, expected) < 1e-6


def test_a_new_process_gives_the_same(expected):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert difference(pool.apply(answers, ([0, 1, 2, 4],)), [expected[n] for n in (0, 1, 2, 4)]) < 1e-6


@pytest.mark.heavy  # half a minute and more
def test_the_first_use_leaves_the_process_alone(tmp_path):
    """Loading models, encoding a new ligand, reading files and screening, in a process that has done none of it."""
    home = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run([sys.executable, "-W", "ignore", "-c", FIRST_USE], env=home, capture_output=True, text=True)
    assert found.stdout.splitlines() == ["[] []"], found.stdout + found.stderr


def test_differences_and_changes_are_found():
    one, other = Answer(-3.0, 0.1, ()), Answer(-3.0, 0.3, ())
    assert difference([one], [other]) == pytest.approx(0.2)
    assert difference([one], [Answer(-3.0, 0.1, ("flag",))]) == np.inf
    assert difference([one], [Answer(np.nan, 0.1, ())]) == np.inf
    before = global_state()
    drawn = torch.get_rng_state()
    torch.rand(1)
    assert changes(before, global_state()) == ["torch's random numbers"]
    torch.set_rng_state(drawn)
    assert changes(before, global_state()) == []


def test_threads_that_read_at_once_leave_streams_and_logs_alone(cluster, tmp_path):
    cluster.write(tmp_path / "a.cif")
    before = global_state()
    threads = [
        threading.Thread(target=lambda: [list(read_frames(tmp_path / "a.cif")) for _ in range(5)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert changes(before, global_state()) == []


def test_other_threads_print_and_log_while_one_is_quiet(capsys, caplog):
    def speak(words):
        print(words)
        logging.getLogger("mine").warning(words)

    with quiet_readers():
        speak("from within")
        other = threading.Thread(target=speak, args=("from outside",))
        other.start()
        other.join()
    speak("after")
    assert capsys.readouterr().out.splitlines() == ["from outside", "after"]
    assert caplog.messages == ["from outside", "after"]


def test_overlapping_threads_get_their_torch_threads_back():
    """A thread that first asks torch while another one is limited would otherwise be left with that limit."""
    before, inside, leave = torch.get_num_threads(), threading.Event(), threading.Event()
    torch.set_num_threads(3)
    found = []

    def first():
        with few_threads(1):
            inside.set()
            leave.wait(60)

    def second():
        inside.wait(60)
        with few_threads(1):
            found.append(torch.get_num_threads())
            leave.set()
            one.join()
        found.append(torch.get_num_threads())

    one, other = threading.Thread(target=first), threading.Thread(target=second)
    try:
        one.start()
        other.start()
        other.join()
        assert found == [1, 3]
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_no_fork_finds_a_lock_taken():
    lock, taken, leave = lock_for_forks(), threading.Event(), threading.Event()

    def hold():
        with lock:
            taken.set()
            leave.wait(0.2)

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait(60)
    child = multiprocessing.get_context("fork").Process(target=lambda: os._exit(not lock.acquire(timeout=10)))
    with redirect_stderr(io.StringIO()):
        child.start()
    child.join()
    holder.join()
    assert child.exitcode == 0 and lock.acquire(blocking=False)


@pytest.mark.heavy
def test_memory_is_flat():
    in_threads(NUMBERS)
    found, used = grown(range(5000))
    assert np.isfinite([item.energy for item in found]).mean() > 0.9
    assert used[-1] - used[len(used) // 2] < 10, used


@pytest.mark.heavy
def test_a_large_screening_goes_on_after_kills(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    calm, killed = screened(tmp_path)
    one, other = rows(calm.out), rows(killed.out)
    assert killed.kills == 2 and len(one) > 50_000
    assert rows_differ(one, other) == (0, pytest.approx(0, abs=1e-6))
    used = [most for _, most in calm.used]
    assert max(used) - np.median(used[len(used) // 4 :]) < 50, used
