"""Worker processes end with the run that started them."""

import math
import os
import re
import signal
import subprocess
import sys
import time
from multiprocessing import get_context

import pytest
from ase import Atoms

from ase_bimetal import load_example, predict, workers
from ase_bimetal.errors import NoMetalError, OptionError, WorkerError
from ase_bimetal.model.interface import Failure

PROGRAM = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from ase_bimetal.workers import end_with_parent

if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_ends_with_its_parent(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(PROGRAM)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        assert is_alive(worker)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 600
    while is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(worker)


def test_a_fork_after_a_prediction_predicts_too(tmp_path):
    """OpenMP's threads do not survive a fork; a second prediction would wait for them without end."""
    script = tmp_path / "forked.py"
    script.write_text(
        "import os, torch\n"
        "from ase_bimetal import load_example, predict\n"
        "torch.set_num_threads(2)\n"
        "torch.ones(512, 512) @ torch.ones(512, 512)\n"
        "torch.ones(10**6).exp().sum()\n"
        "cluster = load_example('Au4Pd2(PET)8')\n"
        "before = predict([cluster])[0].energy\n"
        "if (child := os.fork()) == 0:\n"
        "    torch.ones(10**6).exp().sum()\n"
        "    os._exit(0 if abs(predict([cluster])[0].energy - before) < 1e-5 else 3)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
        "assert torch.get_num_threads() == 2\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        timeout=1800,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
    )
    assert done.returncode == 0, done.stderr


def rattled(n):
    """A cluster of 150 atoms, n times, all different; every seventh has no metal."""
    example, images = load_example("Au4Pd2(PET)8"), []
    for seed in range(n):
        image = example.copy()
        image.rattle(0.02, seed=seed)
        images.append(Atoms("CO", [[0, 0, 0], [0, 0, 1.1]]) if seed % 7 == 3 else image)
    return images


def outcome(result):
    return result.reason if isinstance(result, Failure) else (result.formation_energy_per_metal, result.flags)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_give_the_same_results_in_the_same_order(method, monkeypatch):
    monkeypatch.setattr(workers, "_context", lambda: get_context(method))
    images = rattled(18)
    alone = predict(images, errors="collect")
    shared = predict(images, errors="collect", workers=2)
    assert [isinstance(result, Failure) for result in shared] == [seed % 7 == 3 for seed in range(18)]
    for one, other in zip(alone, shared, strict=True):
        if isinstance(one, Failure):
            assert other.reason == one.reason and type(other.error) is NoMetalError
        else:
            assert other.formation_energy_per_metal == pytest.approx(one.formation_energy_per_metal, abs=1e-6)
            assert (other.flags, other.descriptors, other.model) == (one.flags, one.descriptors, one.model)
    with pytest.raises(NoMetalError, match="CO"):
        predict(images, workers=2)


def test_one_worker_starts_no_process(monkeypatch):
    monkeypatch.setattr(workers, "_context", None)
    assert [outcome(r) for r in predict(rattled(2), workers=1)] == [outcome(r) for r in predict(rattled(2))]


def test_in_order_takes_tasks_as_there_is_room():
    taken = []

    def tasks():
        for n in range(40):
            taken.append(n)
            yield n

    found = []
    for task, result in workers.in_order(math.sqrt, tasks(), 2):
        assert len(taken) - len(found) <= 6
        found.append(task)
        assert result == math.sqrt(task)
    assert found == list(range(40))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"workers": 0}, "workers=0; allowed: 1 or more"),
        ({"workers": 2, "device": "cuda"}, "device='cuda'; allowed: several workers on the CPU"),
    ],
)
def test_workers_that_cannot_be_had(asked, message):
    with pytest.raises(OptionError, match=re.escape(message)):
        predict(rattled(2), **asked)


def test_a_worker_that_dies_is_named():
    with pytest.raises(WorkerError, match="workers=1"):
        list(workers.in_order(os._exit, [3, 3], 2))


def within_a_worker(_):
    """What a worker process says that asks for workers of its own."""
    try:
        return list(workers.in_order(abs, [1, 2], 2))
    except OptionError as error:
        return str(error)


def test_a_worker_process_starts_none():
    with get_context("fork").Pool(1) as pool:
        assert "within a worker process" in pool.map(within_a_worker, [0])[0]


INTERRUPTED = """
import os, signal, time
from ase_bimetal.workers import in_order

def slow(n):
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    list(in_order(slow, range(9), 2))
"""


def test_ctrl_c_ends_the_workers_at_once(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(INTERRUPTED)
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        pids = [int(parent.stdout.readline()) for _ in range(2)]
        os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to all of them
        message = parent.stderr.read()
        assert parent.wait(60) != 0
    assert message.count("Traceback") == 1 and message.rstrip().endswith("KeyboardInterrupt")
    assert not any(is_alive(pid) for pid in pids)
