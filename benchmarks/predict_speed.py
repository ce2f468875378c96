"""Time a prediction against a GFN1-xTB single point of the same cluster, in the same run.

Run with ``python benchmarks/predict_speed.py`` after ``pip install ase-bimetal[label]``.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"  # before any library reads it: one thread for both sides

import torch
from ase import Atoms
from ase.cluster import Icosahedron

from ase_bimetal import load_example, predict
from ase_bimetal.lab.labels.label import single_point


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Median wall time of some runs after one to warm up."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def large_core(shells: int) -> Atoms:
    """An icosahedral Au core with a Pd centre, annotated with thiolates as on Au279(SR)84: 0.3 per metal."""
    atoms = Icosahedron("Au", shells)
    atoms.symbols[0] = "Pd"
    return Atoms(atoms.symbols, atoms.positions, info={"ligand_smiles": {"SMe": round(0.3 * len(atoms))}})


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    cluster = load_example("Au4Pd2(PET)8")
    model = median_seconds(lambda: predict([cluster]), 20)
    peer = median_seconds(lambda: single_point(cluster), 3)
    print(f"Au4Pd2(PET)8, {len(cluster)} atoms: model {1e3 * model:.1f} ms, GFN1-xTB {peer:.2f} s, "
          f"ratio {peer / model:.0f}")
    batch = median_seconds(lambda: predict([cluster] * 64), 3) / 64
    print(f"the same in a batch of 64: {1e3 * batch:.1f} ms each")
    for shells in (3, 5, 8):
        core = large_core(shells)
        print(f"core of {len(core)} metals: {1e3 * median_seconds(lambda c=core: predict([c]), 5):.0f} ms")


if __name__ == "__main__":
    main()
