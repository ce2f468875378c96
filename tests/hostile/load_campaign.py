"""Predict and screen much, in all ways at once: ``python tests/hostile/load_campaign.py page.md``.

Ten thousand clusters are predicted one by one, then in batches, threads, forked and new processes, and on Dask. Fifty
thousand candidates are screened twice: by a process that nobody disturbs, and by one that is killed twice and started
again. The page tells of memory, of rows and of differences.
"""

from __future__ import annotations

import locale
import logging
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import torch
from ase.build import bulk
from hostile_mutations import BASES, base
from hostile_trials import DOORS

from ase_bimetal import predict
from ase_bimetal.model.interface import Failure
from ase_bimetal.screening import ScreenConfig, load_results, screen
from ase_bimetal.screening import columns as c
from ase_bimetal.screening.candidates import enumerate_candidates
from ase_bimetal.screening.store import Store

#: Clusters predicted one by one, of which those that `WAYS` predict too are every so many-th.
MANY, EVERY = 10_000, 10
BATCH = 64
#: What Dask changes in the process that starts its workers: it draws random numbers, and sets variables for them.
OF_DASK = {"Python's random numbers", "environment"}
_DOPANTS = ("Ag", "Cu", "Pd", "Pt", "Hg", "Cd")
_LIGANDS = ("SMe", "PET", "SPh", "SC6H13", "SCy", "TBBT")
#: More than 50,000 candidates under 48 ligand shells.
SCREENING = {
    "hosts": ["Au", "Ag", "Cu"],
    "dopants": ["Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ru", "Rh", "Pd", "Ag", "Cd", "Re", "Os", "Ir", "Pt", "Hg"],
    "ligands": ["SMe", "SEt", "StBu", "SCy", "SAdm", "PET", "SPh", "TBBT", "pMBA", "SCH2Ph", "S(4-FPh)", "SC6H13"],
    "motifs": ["Au4M2", "Au4M2-capped", "M@Au8", "M@Au12"],
    "dopant_counts": ["motif", 1, 2, 3, 4],
    "arrangements": 10,
}


@dataclass(frozen=True)
class Answer:
    """What came of one cluster: energy and its standard deviation [eV/metal], NaN where refused, and all words."""

    energy: float
    deviation: float
    words: tuple[str, ...]


def cluster(number: int) -> object:
    """The cluster, or alloy, of a number; no two are equal, and every third is one of pymatgen's objects."""
    rng = np.random.default_rng(number)
    of = (*BASES, "alloy")[number % (len(BASES) + 1)]
    if of == "alloy":
        atoms = bulk(str(rng.choice(["Au", "Pt", "Ag"])), cubic=True, a=4.0 + rng.uniform(-0.05, 0.05))
        atoms.symbols[0] = "Pd"
    else:
        atoms = base(of, rng)
        atoms.rattle(0.02, rng=rng)
    if of == "metal core":
        dopant, ligand = str(rng.choice(_DOPANTS)), str(rng.choice(_LIGANDS))
        atoms.symbols[[i for i, symbol in enumerate(atoms.symbols) if symbol == "Pd"]] = dopant
        atoms.info["ligand_smiles"] = {ligand: 8}
    return DOORS["pymatgen" if number % 3 == 0 else "ASE"](atoms)


def answer(number: int) -> Answer:
    """Predict the cluster of a number."""
    return answers([number])[0]


def answers(numbers: Sequence[int]) -> list[Answer]:
    """Predict the clusters of some numbers together."""
    found = predict([cluster(number) for number in numbers], errors="collect")
    return [
        Answer(np.nan, np.nan, (item.reason,))
        if isinstance(item, Failure)
        else Answer(item.formation_energy_per_metal, item.formation_energy_std, item.flags)
        for item in found
    ]


def in_batches(numbers: Sequence[int]) -> list[Answer]:
    """Predict `BATCH` clusters at a time."""
    return [found for k in range(0, len(numbers), BATCH) for found in answers(numbers[k : k + BATCH])]


def in_threads(numbers: Sequence[int]) -> list[Answer]:
    """Predict in four threads."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(answer, numbers))


def in_forks(numbers: Sequence[int]) -> list[Answer]:
    """Predict in two processes forked from this one, which has the models in memory."""
    answer(0)
    return _in_processes("fork", numbers)


def in_new_processes(numbers: Sequence[int]) -> list[Answer]:
    """Predict in two new processes."""
    return _in_processes("spawn", numbers)


def _in_processes(how: str, numbers: Sequence[int]) -> list[Answer]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks where there are threads
        with multiprocessing.get_context(how).Pool(2) as pool:
            return pool.map(answer, numbers, chunksize=10)


def on_dask_threads(numbers: Sequence[int]) -> list[Answer]:
    """Predict on a Dask worker with four threads, in this process."""
    return _on_dask(numbers, n_workers=1, threads_per_worker=4, processes=False)


def on_dask_processes(numbers: Sequence[int]) -> list[Answer]:
    """Predict on two Dask workers, each a process."""
    return _on_dask(numbers, n_workers=2, threads_per_worker=1, processes=True)


def _on_dask(numbers: Sequence[int], **how: object) -> list[Answer]:
    from dask.distributed import Client, LocalCluster

    with LocalCluster(dashboard_address=":0", **how) as workers, Client(workers) as client:
        return client.gather(client.map(answer, numbers, batch_size=100, pure=False))


WAYS: Mapping[str, Callable[[Sequence[int]], list[Answer]]] = {
    "in batches": in_batches,
    "four threads": in_threads,
    "two forked processes": in_forks,
    "two new processes": in_new_processes,
    "Dask, four threads": on_dask_threads,
    "Dask, two processes": on_dask_processes,
}


def difference(found: Sequence[Answer], expected: Sequence[Answer]) -> float:
    """Largest difference of energies and deviations [eV/metal]; infinite where words or refusals differ."""
    assert len(found) == len(expected)
    if any(a.words != b.words for a, b in zip(found, expected, strict=True)):
        return np.inf
    values = [np.array([(item.energy, item.deviation) for item in several]) for several in (found, expected)]
    if not np.array_equal(*map(np.isnan, values)):
        return np.inf
    return float(np.nanmax(np.abs(values[0] - values[1]), initial=0.0))


def global_state() -> dict[str, object]:
    """What belongs to the whole process, by name."""
    mask = os.umask(0)
    os.umask(mask)
    return {
        "torch's threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "torch's random numbers": torch.get_rng_state().numpy().tobytes(),
        "torch's default type": torch.get_default_dtype(),
        "torch's gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "Python's random numbers": random.getstate(),
        "NumPy's random numbers": repr(np.random.get_state()),  # noqa: NPY002 (the one of the whole process)
        "NumPy's errors": np.geterr(),
        "NumPy's prints": repr(np.get_printoptions()),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "logging": (
            logging.root.level,
            list(logging.root.handlers),
            logging.root.manager.disable,
            [list(handler.filters) for handler in logging.root.handlers],
        ),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "umask": mask,
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "streams": (sys.stdout, sys.stderr),
        "hooks": (sys.excepthook, sys.unraisablehook, sys.displayhook),
        "recursion": sys.getrecursionlimit(),
        "locale": locale.setlocale(locale.LC_ALL),
        "import path": list(sys.path),
    }


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Names of what differs between two states."""
    return [name for name in before if before[name] != after[name]]


def memory(pid: int | None = None) -> float:
    """Memory of a process [MiB], of this one by default."""
    return psutil.Process(pid).memory_info().rss / 2**20


def grown(numbers: Sequence[int], marks: int = 10) -> tuple[list[Answer], list[float]]:
    """Predict one by one; the answers, and the memory [MiB] after each of some equal parts."""
    found: list[Answer] = []
    used = []
    for part in np.array_split(np.asarray(numbers), marks):
        found += [answer(number) for number in part.tolist()]
        used.append(memory())
    return found, used


@lru_cache(maxsize=1)
def _n_candidates() -> int:
    return sum(1 for _ in enumerate_candidates(ScreenConfig.make(**SCREENING)))


@dataclass
class Screening:
    """A screening in a process of its own: its memory [MiB] by chunks done, and how often it was killed."""

    out: Path
    used: list[tuple[int, float]]
    kills: int = 0

    def run(self, chunks: int | None = None) -> bool:
        """Start it, or start it again, and kill it when so many chunks are done; whether it came to its end."""
        process = subprocess.Popen([sys.executable, __file__, "--screen", str(self.out)])
        try:
            while process.poll() is None:
                done = len(Store(self.out).done())
                if done and process.poll() is None:
                    self.used.append((done, memory(process.pid)))
                if chunks is not None and done >= chunks:
                    break
                time.sleep(0.2)
        except psutil.NoSuchProcess:  # it ended between two looks
            pass
        is_over = process.poll() is not None
        if not is_over:
            process.send_signal(signal.SIGKILL)
            self.kills += 1
        process.wait()
        return is_over and process.returncode == 0


def screened(folder: Path) -> tuple[Screening, Screening]:
    """The same screening, by a process that nobody disturbs and by one that is killed after each third."""
    n_chunks = -(-_n_candidates() // ScreenConfig.make(**SCREENING).chunk_size)
    killed = Screening(folder / "killed", [])
    for part in (1, 2):
        assert not killed.run(part * n_chunks // 3)
    assert killed.run()
    calm = Screening(folder / "calm", [])
    assert calm.run()
    return calm, killed


def rows(out: Path) -> pd.DataFrame:
    """Rows of a screening by their name."""
    return load_results(out).sort_values(c.ID, ignore_index=True)


def rows_differ(one: pd.DataFrame, other: pd.DataFrame) -> tuple[int, float]:
    """How many rows differ by more than 1e-6 in a number or at all in anything else, and the largest difference."""
    assert list(one.columns) == list(other.columns) and one[c.ID].tolist() == other[c.ID].tolist()
    numbers = one.select_dtypes("number").columns
    a, b = one[numbers].to_numpy(float), other[numbers].to_numpy(float)
    apart = np.where(np.isnan(a) & np.isnan(b), 0.0, np.abs(a - b))
    words = [column for column in one if column not in numbers]
    other_words = (one[words].astype(str) != other[words].astype(str)).any(axis=1).to_numpy()
    return int((other_words | ~(apart <= 1e-6).all(axis=1)).sum()), float(apart.max())


def told_of_predictions() -> str:
    """Predict all clusters one by one and some of them in all other ways; what came of it, in Markdown."""
    numbers = list(range(MANY))
    in_threads(numbers[:BATCH])
    before = global_state()
    expected, used = grown(numbers)
    refused = sum(np.isnan(item.energy) for item in expected)
    lines = [
        f"{MANY:,} clusters and alloys, no two alike, one by one in one process: {MANY - refused:,} numbers and "
        f"{refused:,} refusals. Memory of the process after each tenth of them (MiB): "
        f"{', '.join(f'{m:.0f}' for m in used)}.",
        "",
        f"Every {EVERY}th of them was predicted again in other ways, which must give the same words, and the "
        "same energy and ± but for the rounding of single precision, 1e-5 eV/metal:",
        "",
        "| how | predictions | largest difference (eV/metal) | memory of this process before, after (MiB) |",
        "| --- | --- | --- | --- |",
    ]
    for name, way in WAYS.items():
        start = memory()
        apart = difference(way(numbers[::EVERY]), expected[::EVERY])
        lines.append(f"| {name} | {len(numbers[::EVERY])} | {apart:.1e} | {start:.0f}, {memory():.0f} |")
    changed = changes(before, global_state())
    return "\n".join(
        [
            *lines,
            "",
            f"Changed in the process by all this: {', '.join(changed) or 'nothing'}. Looked at "
            f"were {', '.join(before)}. Dask itself draws random numbers, and sets variables of the "
            "environment for its workers.",
        ]
    )


def told_of_screening(calm: Screening, killed: Screening) -> str:
    """What came of the two screenings, in Markdown."""
    one, other = rows(calm.out), rows(killed.out)
    wrong, apart = rows_differ(one, other)
    n_chunks = len(Store(calm.out).done())
    marks = [max((m for n, m in calm.used if n <= part * n_chunks / 10), default=0.0) for part in range(1, 11)]
    lost, doubled = len(set(one[c.ID]) - set(other[c.ID])), len(other) - other[c.ID].nunique()
    return (
        f"{_n_candidates():,} candidates and combinations that make none were screened twice, in {n_chunks} "
        "chunks: by a process that nobody disturbs, and by one that is killed (SIGKILL) after each third and "
        f"started again, {killed.kills} times. They left {len(one):,} and {len(other):,} rows: {lost} lost, "
        f"{doubled} doubled, {wrong} different in anything; the largest difference of a number is {apart:.1e}."
        "\n\nMost memory of the undisturbed process up to each tenth of the chunks (MiB): "
        f"{', '.join(f'{m:.0f}' for m in marks)}."
    )


def page(of_predictions: str, of_screening: str) -> str:
    """The page on load."""
    return "\n".join(
        [
            "# Load",
            "",
            "What many predictions and candidates do to memory, to one another and to the "
            "process, by `tests/hostile/load_campaign.py`; see also [hostile inputs](hostile-inputs.md).",
            "",
            "## Predictions",
            "",
            of_predictions,
            "",
            "## Screening",
            "",
            of_screening,
            "",
        ]
    )


if __name__ == "__main__":
    if sys.argv[1] == "--screen":
        screen(ScreenConfig.make(**SCREENING), sys.argv[2], progress=False)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            os.environ["XDG_CACHE_HOME"] = scratch
            text = page(told_of_predictions(), told_of_screening(*screened(Path(scratch))))
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
