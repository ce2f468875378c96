"""Worker processes end with the run that started them."""

import os
import signal
import subprocess
import sys
import time

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
    done = subprocess.run([sys.executable, "-W", "ignore", str(script)], timeout=1800, capture_output=True, text=True,
                          env=os.environ | {"OMP_NUM_THREADS": "2"})
    assert done.returncode == 0, done.stderr
