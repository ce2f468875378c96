"""Measure what users wait for: `make bench` prints one table and writes it as JSON.

Every number is CPU time of one thread, the least of several runs, warm. "Before" is the way it was done until version
0.1.0, run in the same process and in turn with the new one: a Python loop over the members, denormal Gaussians, every
edge filtered by the networks, every placement and candidate read anew, ligands embedded by transformers. The EMT column
is ASE's effective-medium calculator on the bare metals. "Last" is the ratio to the stored run, which another machine
may have made: trust the ratios within a run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before any library reads it

import numpy as np
import torch
from ase import Atoms
from ase.calculators.emt import EMT
from ase.cluster import Icosahedron

from ase_bimetal import load_example
from ase_bimetal.model import core_encoder
from ase_bimetal.model.encode import Batch, collate, encode
from ase_bimetal.model.mml import MML
from ase_bimetal.model.placements import SiteEnergies
from ase_bimetal.model.predictor import get_predictor
from ase_bimetal.screening import evaluate
from ase_bimetal.screening.candidates import enumerate_candidates, required_shells
from ase_bimetal.screening.config import ScreenConfig
from ase_bimetal.screening.evaluate import Chunk, evaluate_chunk
from ase_bimetal.screening.templates import template_name
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.motifs import Prototype
from ase_bimetal.structures.templates import build_template
from ase_bimetal.system import as_system

STORED = Path(__file__).with_suffix(".json")


@dataclass(frozen=True)
class Row:
    """One line of the table: CPU milliseconds now, as it was done before, and of EMT; None where there is none."""

    case: str
    now: float
    before: float | None = None
    emt: float | None = None


def cpu_ms(works: list[Callable[[], object]], runs: int) -> list[float]:
    """Least CPU time [ms] of each of some works, run in turn after one run to warm up."""
    for work in works:
        work()
    least = [math.inf] * len(works)
    for _ in range(runs):
        for i, work in enumerate(works):
            start = time.thread_time()
            work()
            least[i] = min(least[i], 1e3 * (time.thread_time() - start))
    return least


def core_of(n_metals: int, shells: int) -> Atoms:
    """The inner atoms of a rattled Au icosahedron, a tenth of them Pd, annotated as Au279(SMe)84 is."""
    atoms = Icosahedron("Au", shells)
    atoms = atoms[np.argsort(np.linalg.norm(atoms.positions - atoms.positions.mean(axis=0), axis=1))[:n_metals]]
    atoms.symbols[: n_metals // 10] = "Pd"
    atoms.rattle(0.05, seed=0)
    return Atoms(atoms.symbols, atoms.positions, info={"ligand_smiles": {"SMe": round(0.3 * n_metals)}})


def clusters() -> dict[str, Atoms]:
    """Name → cluster, from small to large."""
    small = assemble(Prototype("Au4M2", "Pd", {"thiolate": "SMe"}))
    cores = {f"{n} metals": core_of(n, shells) for n, shells in ((279, 6), (923, 7), (5083, 12))}
    return {"46 atoms": small, "150 atoms": load_example("Au4Pd2(PET)8"), **cores}


def energies() -> Iterator[Row]:
    """The networks alone, against the loop over members, and a whole prediction, against EMT on the metals."""
    predictor = get_predictor()
    members = predictor.checkpoint.members
    for name, atoms in clusters().items():
        runs = 15 if len(atoms) < 1000 else 2
        item = encode(as_system(atoms), predictor.encoder.embed)
        batch = collate([item])
        metals = atoms[as_system(atoms).metals]

        now, before = cpu_ms([lambda item=item: predictor._energies([item]), lambda batch=batch: loop(members, batch)],
                             runs)
        yield Row(f"networks, {name}", now, before)
        whole, emt = cpu_ms(
            [lambda atoms=atoms: predictor.predict([as_system(atoms)]), lambda metals=metals: bare_energy(metals)], runs
        )
        yield Row(f"prediction, {name}", whole, None, emt)


def loop(members: Sequence[MML], batch: Batch) -> np.ndarray:
    """Energies (n, members) from one member after the other."""
    with torch.no_grad(), denormals():
        return np.stack([member(batch).energy.numpy() for member in members], axis=1)


def bare_energy(metals: Atoms) -> float:
    """EMT energy [eV] of the metals, with nothing remembered."""
    metals = Atoms(metals.symbols, metals.positions)
    metals.calc = EMT()
    return metals.get_potential_energy()


class denormals:
    """The Gaussians as they were, down to the smallest numbers there are, and all edges at once."""

    def __enter__(self) -> None:
        self._values = core_encoder._LARGEST_EXPONENT, core_encoder.EDGES_PER_BLOCK
        core_encoder._LARGEST_EXPONENT, core_encoder.EDGES_PER_BLOCK = math.inf, 2**40

    def __exit__(self, *_: object) -> None:
        core_encoder._LARGEST_EXPONENT, core_encoder.EDGES_PER_BLOCK = self._values


def batch_of_clusters() -> Iterator[Row]:
    """A cluster among 128 of 150 atoms, from coordinates to prediction."""
    predictor, example, images = get_predictor(), load_example("Au4Pd2(PET)8"), []
    for seed in range(128):
        image = example.copy()
        image.rattle(0.02, seed=seed)
        images.append(image)
    together, apart = cpu_ms([
        lambda: predictor.predict([as_system(image) for image in images]),
        lambda: [predictor.predict([as_system(image)]) for image in images[:16]],
    ], 2)
    yield Row("batch of 128 × 150 atoms, each (before: one by one)", together / 128, apart / 16)


def search() -> Iterator[Row]:
    """A swap of two metals in a search."""
    predictor = get_predictor()
    for name in ("46 atoms", "279 metals", "923 metals"):
        atoms, rng = clusters()[name], np.random.default_rng(0)
        sites = as_system(atoms).metals
        swapped = SiteEnergies(predictor, atoms, sites)

        def swap(atoms=atoms, sites=sites, rng=rng) -> Atoms:
            placed, (i, j) = atoms.copy(), rng.choice(len(sites), size=2, replace=False)
            placed.symbols[[sites[i], sites[j]]] = placed.symbols[[sites[j], sites[i]]]
            return placed

        def anew(swap=swap) -> object:
            members = predictor.checkpoint.members
            with mock.patch.object(predictor, "_energies", lambda items: loop(members, collate(items))):
                return predictor.predict([as_system(swap())])

        now, before = cpu_ms(
            [lambda swap=swap, swapped=swapped, sites=sites: swapped(list(swap().symbols[sites])), anew], 20
        )
        yield Row(f"a swap in a search, {name}", now, before)


def screening() -> Iterator[Row]:
    """A candidate of a screening, and its template."""
    for motif, counts in (("Au4M2", ["motif", 1, 3]), ("M@Au24-centre", [1, 2])):
        config = ScreenConfig.make(dopants=["Pd", "Pt", "Ni", "Cu", "Ag"], ligands=["PET"], motifs=[motif],
                                   dopant_counts=counts, arrangements=20)
        templates = {template_name(*task): build_template(*task) for task in required_shells(config)}
        chunk = Chunk(0, tuple(enumerate_candidates(config)), templates, config)

        def one_by_one(chunk: Chunk = chunk) -> object:
            exchange, evaluate._exchange = evaluate._exchange, lambda template: None
            try:
                return evaluate_chunk(chunk)
            finally:
                evaluate._exchange = exchange

        now, before = cpu_ms([lambda chunk=chunk: evaluate_chunk(chunk), one_by_one], 3)
        yield Row(f"a candidate of a screening, {motif}", now / len(chunk.items), before / len(chunk.items))
    for motif, shell in (("Au4M2", {"thiolate": "PET"}), ("M@Au24-centre", {"thiolate": "PET"})):
        [built] = cpu_ms([lambda motif=motif, shell=shell: assemble(Prototype(motif, "Pd", shell))], 2)
        yield Row(f"assembling {motif} with PET", built)


def training() -> Iterator[Row]:
    """A step of training on 32 clusters, with and without denormal numbers."""
    predictor, images = get_predictor(), [core_of(40 + n, 3) for n in range(32)]
    batch = collate([encode(as_system(image), predictor.encoder.embed) for image in images])
    torch.manual_seed(0)
    network = MML(predictor.checkpoint.members[0].config)

    def step() -> None:
        network.zero_grad()
        network(batch).energy.square().mean().backward()

    def step_before() -> None:
        with denormals():
            step()

    yield Row("a training step, 32 clusters", *cpu_ms([step, step_before], 5))


def unseen_ligand() -> Iterator[Row]:
    """A ligand that neither ships nor was met before, in a fresh process: as now, and through transformers."""
    setting = ("from ase_bimetal.model import ligand_encoder as le; folder = le.bundled_folder(); import time; "
               "start = time.process_time(); {work}; print(time.process_time() - start)")
    works = [f"{call}, 'CCCSc1ccc(Br)cc1')" for call in ("le.SmilesT5.embed(le.SmilesT5(folder)",
                                                         "le.compute_embedding(*le.load_t5(folder)")]
    yield Row("an unseen ligand", *(fresh_process(setting.format(work=work)) for work in works))


def cold() -> Iterator[Row]:
    """A fresh process: importing torch, against featurizing and a first energy."""
    start = "from ase_bimetal import load_example; a = load_example('Au4Pd2(PET)8'); "
    for case, code in {
        "fresh process: import torch": "import torch",
        "fresh process: all descriptors": (
            start + "from ase_bimetal.descriptors import all_descriptors; from ase_bimetal.system import as_system; "
            "all_descriptors(as_system(a))"
        ),
        "fresh process: first energy": start + "from ase_bimetal import predict; predict([a])",
    }.items():
        yield Row(case, fresh_process(f"{code}\nimport time; print(time.process_time())"))


def fresh_process(code: str) -> float:
    """Least of the CPU times [ms] that code prints as seconds in three fresh processes."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(3)]
    return 1e3 * min(float(run.stdout) for run in runs)


def table(rows: list[Row], last: dict[str, float]) -> str:
    """The rows as text."""
    def number(value: float | None, form: str = ".2f") -> str:
        return "" if value is None else format(value, form)

    lines = [f"{'CPU ms, one thread':54}{'now':>10}{'before':>10}{'ratio':>7}{'EMT':>9}{'last':>7}"]
    for row in rows:
        ratio = None if row.before is None else row.before / row.now
        then = last.get(row.case)
        lines.append(f"{row.case:54}{row.now:10.2f}{number(row.before):>10}{number(ratio, '.1f'):>7}"
                     f"{number(row.emt):>9}{number(then and then / row.now):>7}")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=STORED, help="JSON to compare with and to write")
    options = parser.parse_args()
    torch.set_num_threads(1)
    last = json.loads(options.out.read_text())["rows"] if options.out.is_file() else []
    rows: list[Row] = []
    for part in (energies, batch_of_clusters, search, screening, training, unseen_ligand, cold):
        rows.extend(part())
        print(f"{part.__name__} measured", file=sys.stderr)
    print(table(rows, {row["case"]: row["now"] for row in last}))
    about = {"machine": platform.processor() or platform.machine(), "python": platform.python_version(),
             "torch": torch.__version__, "unit": "CPU ms, one thread, least of several runs"}
    options.out.write_text(json.dumps(about | {"rows": [asdict(row) for row in rows]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
