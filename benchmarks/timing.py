"""CPU times of pieces of work, measured in turn."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

Work = Callable[[], object]
#: Does the work once and says how long it took [ms]; None where it cannot be done.
Timer = Callable[[], float | None]
YARDSTICK = "yardstick"


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes
    ----------
    case
        What is timed.
    now
        CPU time [ms].
    yardstick
        CPU time [ms] of a fixed calculation, in turn with it.
    before
        The way it was done until version 0.1.0 [ms]; None where there is none.
    peers
        Other tool → CPU time [ms] for what a user would take it for.
    last
        How many times faster than at the stored run; None where that did not measure it.
    """

    case: str
    now: float
    yardstick: float
    before: float | None = None
    peers: Mapping[str, float] = field(default_factory=dict)
    last: float | None = None


def timed(work: Work) -> Timer:
    """Time some work by the CPU time of this process."""

    def run() -> float:
        start = time.process_time()
        work()
        return 1e3 * (time.process_time() - start)

    return run


def row(
    case: str,
    now: Timer,
    runs: int,
    before: Timer | None = None,
    peers: Mapping[str, Timer] | None = None,
    share: int = 1,
) -> Row:
    """Measure one line: the least of some runs, all works in turn after one run to warm up.

    What is timed holds `share` of the things that the line tells of.
    """
    timers = {"now": now, YARDSTICK: timed(yardstick), **({"before": before} if before else {}), **(peers or {})}
    timers = {name: timer for name, timer in timers.items() if timer() is not None}
    least = dict.fromkeys(timers, math.inf)
    for _ in range(runs):
        for name, timer in timers.items():
            least[name] = min(least[name], timer() or math.inf)
    found = {name: value / (1 if name == YARDSTICK else share) for name, value in least.items()}
    return Row(case, found.pop("now"), found.pop(YARDSTICK), found.pop("before", None), found)


def compared(rows: Sequence[Row], last: Sequence[Row]) -> list[Row]:
    """Rows with how many times faster each is than at the stored run, in units of the yardstick."""
    then = {line.case: line.now / line.yardstick for line in last}
    return [
        replace(line, last=then[line.case] * line.yardstick / line.now if line.case in then else None) for line in rows
    ]


@lru_cache(maxsize=1)
def _factors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(128, 128)).astype(np.float32) / 16


def yardstick() -> None:
    """Compute always the same, about as much in Python, in small arrays and in products as a prediction does."""
    values, total = _factors(), 0
    for i in range(100):
        total += sum(range(i))
        values = np.exp(-np.square(values @ _factors()))


def fresh_process(code: str) -> float:
    """CPU time [ms] that code prints as seconds in a fresh process."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    return 1e3 * float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


class Peers:
    """Other tools in an environment of their own, asked for one evaluation at a time.

    Parameters
    ----------
    python
        The interpreter of that environment; where there is none, all of them are absent.
    folder
        For files of the clusters.

    Attributes
    ----------
    absent
        Tool → why it was not measured.
    """

    def __init__(self, python: Path, folder: Path) -> None:
        self._folder, self.absent = folder, {}
        self._process = None
        if python.is_file():
            script = str(Path(__file__).with_name("peers.py"))
            self._process = subprocess.Popen(
                [str(python), "-W", "ignore", script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                bufsize=1,
            )

    def timer(self, peer: str, case: str, atoms: Atoms) -> Timer:
        """Time a tool on a cluster."""
        file = self._folder / f"{case}.xyz"
        if not file.is_file():
            write(file, Atoms(atoms.symbols, atoms.positions), format="extxyz")
        return lambda: self._ask(peer, file)

    def _ask(self, peer: str, file: Path) -> float | None:
        if self._process is None:
            self.absent[peer] = "no environment of the peers: `make bench` makes it"
            return None
        self._process.stdin.write(json.dumps([peer, str(file)]) + "\n")
        answer = self._process.stdout.readline()
        found = json.loads(answer) if answer else {"absent": "the process of the peers has ended"}
        if "absent" in found:
            self.absent[peer] = found["absent"]
        return found.get("ms")

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait()
