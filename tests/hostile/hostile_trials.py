"""Try hostile inputs and write what came of them: ``python tests/hostile/hostile_trials.py 100000 outcomes.md``."""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write
from hostile_mutations import EXAMPLE, MUTATIONS, damaged, mutated

from ase_bimetal import load_example
from ase_bimetal.errors import BimetalError
from ase_bimetal.io import read_frames
from ase_bimetal.model.interface import Failure
from ase_bimetal.model.registry import predict

#: Formation energies [eV/metal] that labels and their neighbourhood have; a plain number outside is silently wrong.
USUAL = (-5.5, 0.5)
#: Longest answer [s of the processor, since other programs may slow the clock] to a cluster of less than 10⁵ atoms.
PATIENCE = 2.0
FORMATS = {"extxyz": "a.extxyz", "cif": "a.cif", "vasp": "POSCAR", "json": "a.json", "traj": "a.traj", "xsf": "a.xsf",
           "gen": "a.gen", "proteindatabank": "a.pdb"}
#: Outcomes that must not be.
WRONG = ("silent number", "foreign exception", "not finite", "late")


@dataclass(frozen=True)
class Outcome:
    """What came of one input: its kind, with the error's name or the number; and the time [s]."""

    kind: str
    detail: str
    seconds: float

    @property
    def is_wrong(self) -> bool:
        """Whether a user was misled or left alone."""
        return self.kind in WRONG


def try_object(content: object) -> Outcome:
    """Predict one object."""
    start = time.process_time()
    try:
        [found] = predict([content], errors="collect")
    except Exception as error:  # any is what this looks for
        return Outcome("foreign exception", f"{type(error).__name__}: {error}", time.process_time() - start)
    seconds = time.process_time() - start
    if seconds > PATIENCE:
        return Outcome("late", f"{seconds:.1f} s", seconds)
    if isinstance(found, Failure):
        return Outcome("typed error", type(found.error).__name__, seconds)
    energy = found.formation_energy_per_metal
    if not np.isfinite(energy):
        return Outcome("not finite", str(energy), seconds)
    if found.flags:
        return Outcome("flagged number", f"{energy:.2f}", seconds)
    return Outcome("number" if USUAL[0] < energy < USUAL[1] else "silent number", f"{energy:.2f}", seconds)


def try_file(format: str, seed: int) -> list[Outcome]:
    """Damage a file of one format, read it, predict what it holds."""
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FORMATS[format]
        path.write_bytes(damaged(_whole(format), seed))
        try:
            frames = [frame.content for frame in read_frames(path)]
        except Exception as error:  # any is what this looks for
            return [Outcome("foreign exception", f"{type(error).__name__}: {error}", time.process_time() - start)]
    if (seconds := time.process_time() - start) > PATIENCE:
        return [Outcome("late", f"reading took {seconds:.1f} s", seconds)]
    return [Outcome("typed error", type(content).__name__, seconds) if isinstance(content, BimetalError)
            else try_object(content) for content in frames]


def warm_up() -> None:
    """Load the model and the readers, which no answer's time shall include."""
    predict([load_example(EXAMPLE)])
    for format in FORMATS:
        try_file(format, 0)


def _whole(format: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        cluster = load_example(EXAMPLE)
        content = Atoms(cluster.symbols, cluster.positions, cell=[30] * 3, pbc=True)
        content.info["ligand_smiles"] = cluster.info["ligand_smiles"] if format == "extxyz" else {}
        path = Path(folder) / FORMATS[format]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write(path, content, format=format)
        return path.read_bytes()


def page(count: int) -> str:
    """Try that many inputs, half objects and half files, and say what came of them, in Markdown."""
    warm_up()
    found: dict[tuple[str, str], list[Outcome]] = {}
    for n in range(count):
        if n % 2:
            name = sorted(FORMATS)[n // 2 % len(FORMATS)]
            found.setdefault(("file", name), []).extend(try_file(name, n))
        else:
            name = sorted(MUTATIONS)[n // 2 % len(MUTATIONS)]
            found.setdefault(("object", name), []).append(try_object(mutated(name, n)))
    kinds = ["typed error", "flagged number", "number", *WRONG]
    lines = ["# Hostile inputs", "", f"{count} inputs made from {EXAMPLE} by `tests/hostile/hostile_trials.py`.", "",
             "| what | how | " + " | ".join(kinds) + " | longest (s) |", "| --- " * (len(kinds) + 3) + "|"]
    for (what, how), outcomes in sorted(found.items()):
        counts = Counter(outcome.kind for outcome in outcomes)
        longest = max((outcome.seconds for outcome in outcomes), default=0.0)
        lines.append(f"| {what} | {how} | " + " | ".join(str(counts[kind]) for kind in kinds) + f" | {longest:.2f} |")
    wrong = [(key, outcome) for key, outcomes in found.items() for outcome in outcomes if outcome.is_wrong]
    lines += ["", f"{len(wrong)} of them wrong."]
    lines += [f"- {what}, {how}: {outcome.kind}: {outcome.detail[:200]}" for (what, how), outcome in wrong[:40]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(page(int(sys.argv[1])), encoding="utf-8")
