"""Memory and speed of a long screening: resident memory after every tenth of the chunks.

Run: python benchmarks/screening_memory.py [candidates] [folder]
"""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from ase_bimetal.screening import run as engine
from ase_bimetal.screening.config import ScreenConfig
from ase_bimetal.structures.motifs import DOPANTS

CONFIG = ScreenConfig(
    hosts=("Au", "Ag", "Cu", "Pt", "Pd", "Ni"),
    dopants=DOPANTS,
    ligands=("SMe",),
    motifs=("Au4M2", "Au4M2-capped", "M@Au8", "M@Au12"),
    metals_per_core=(2, 3),
    dopant_counts=("motif", 2, 3, 4, 5, 6),
    arrangements=40,
)


def resident() -> float:
    """Resident memory of this process [MB]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def main(n: int, folder: Path) -> None:
    """Screen the first n candidates of `CONFIG` and print memory and speed."""
    everything, started, rows = engine.enumerate_candidates, time.perf_counter(), 0
    engine.enumerate_candidates = lambda config: islice(everything(config), n)
    evaluate = engine.evaluate_chunk

    def watched(chunk: engine.Chunk) -> list:
        """Evaluate a chunk, and say how much memory is held."""
        nonlocal rows
        found = evaluate(chunk)
        rows += len(found)
        if chunk.index % max(1, n // CONFIG.chunk_size // 10) == 0:
            print(f"{rows} rows, {resident():.0f} MB, {rows / (time.perf_counter() - started):.0f} rows/s", flush=True)
        return found

    engine.evaluate_chunk = watched
    print(engine.screen(CONFIG, folder, progress=False))


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
        Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp()),
    )
