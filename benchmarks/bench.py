"""Measure what users wait for: `make bench` prints the tables and stores them for docs/benchmarks.md.

Every number is CPU time of one thread, the least of several runs, warm, in turn with what it is compared with. "Before"
is the way it was done until version 0.1.0, in the same process: a Python loop over the members, denormal Gaussians,
every edge filtered by the networks, every placement and candidate read anew, ligands embedded by transformers. Other
tools answer from a process of their own (`peers.py`). "Last" compares with the stored run, each in units of a fixed
calculation that was timed in turn: above 1 is faster now.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before any library reads it

import numpy as np
import torch
from ase import Atoms
from ase.calculators.emt import EMT
from clusters import clusters, core_of
from timing import Peers, Row, Timer, compared, fresh_process, row, timed

from ase_bimetal import load_example
from ase_bimetal.featurizers import BimetallicDescriptors
from ase_bimetal.files import write_whole
from ase_bimetal.lab.labels.label import single_point
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

ROOT = Path(__file__).parents[1]
STORED = Path(__file__).with_suffix(".json")
_LARGE = 600  # atoms: from here on, one run after that to warm up


def energies(peers: Peers) -> Iterator[Row]:
    """The energy of one cluster, from its coordinates, beside other tools."""
    predictor = get_predictor()
    for name, atoms in clusters().items():
        metals = atoms[as_system(atoms).metals]
        others = {peer: peers.timer(peer, name, atoms) for peer in ("CHGNet", "CHGNet, graph given", "SevenNet-0")}
        if len(atoms) < 200:
            others["GFN1-xTB"] = timed(lambda atoms=atoms: single_point(atoms))
        others["EMT, metals alone"] = timed(lambda metals=metals: bare_energy(metals))
        now = timed(lambda atoms=atoms: predictor.predict([as_system(atoms)]))
        yield row(
            f"{name}, {len(atoms)} atoms, {len(metals)} metals", now, 1 if len(atoms) > _LARGE else 4, peers=others
        )


def descriptors(peers: Peers) -> Iterator[Row]:
    """All descriptors of one cluster, beside general featurizers."""
    from matminer.featurizers.composition import ElementProperty
    from matminer.featurizers.site import AGNIFingerprints
    from matminer.featurizers.structure import SiteStatsFingerprint
    from pymatgen.io.ase import AseAtomsAdaptor

    ours, magpie = BimetallicDescriptors(), ElementProperty.from_preset("magpie", impute_nan=True)
    agni = SiteStatsFingerprint(AGNIFingerprints(directions=[None]))
    for name, atoms in list(clusters().items())[:3]:
        box = Atoms(atoms.symbols, atoms.positions)
        box.center(vacuum=7.0)
        structure = AseAtomsAdaptor.get_structure(box)
        yield row(
            f"{name}, {len(atoms)} atoms",
            timed(lambda atoms=atoms: ours.featurize(atoms)),
            3,
            peers={
                "matminer, magpie": timed(lambda structure=structure: magpie.featurize(structure.composition)),
                "matminer, AGNI": timed(lambda structure=structure: agni.featurize(structure)),
                "DScribe, SOAP": peers.timer("DScribe, SOAP", name, atoms),
            },
        )


def networks() -> Iterator[Row]:
    """The networks alone, against the loop over members."""
    predictor = get_predictor()
    members = predictor.checkpoint.members
    for name, atoms in annotated_cores().items():
        item = encode(as_system(atoms), predictor.encoder.embed)
        batch = collate([item])
        yield row(
            f"networks, {name}",
            timed(lambda item=item: predictor._energies([item])),
            15 if len(atoms) < 1000 else 2,
            timed(lambda batch=batch: loop(members, batch)),
        )


def annotated_cores() -> dict[str, Atoms]:
    """Name → cluster: two with their ligands in the coordinates, and three bare cores with annotated ones."""
    small, medium, *_ = clusters().items()
    cores = {f"{n} metals": core_of(n, shells) for n, shells in ((279, 6), (923, 7), (5083, 12))}
    return dict([small, medium]) | cores


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
    predictor, images = get_predictor(), rattled(128)
    yield row(
        "a cluster of 150 atoms among 128 (before: one by one)",
        timed(lambda: predictor.predict([as_system(image) for image in images])),
        2,
        timed(lambda: [predictor.predict([as_system(image)]) for image in images]),
        share=len(images),
    )


def rattled(n: int) -> list[Atoms]:
    """Au4Pd2(PET)8 of 150 atoms, n times, all different."""
    example, images = load_example("Au4Pd2(PET)8"), []
    for seed in range(n):
        image = example.copy()
        image.rattle(0.02, seed=seed)
        images.append(image)
    return images


def search() -> Iterator[Row]:
    """A swap of two metals in a search."""
    predictor, cores = get_predictor(), annotated_cores()
    for name in ("Au4Pd2(SMe)8", "279 metals", "923 metals"):
        atoms, rng = cores[name], np.random.default_rng(0)
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

        yield row(
            f"a swap in a search, {name}",
            timed(lambda swap=swap, swapped=swapped, sites=sites: swapped(list(swap().symbols[sites]))),
            20,
            timed(anew),
        )


def screening() -> Iterator[Row]:
    """A candidate of a screening, and its template."""
    for motif, counts in (("Au4M2", ["motif", 1, 3]), ("M@Au24-centre", [1, 2])):
        chunk = candidates(motif, counts)

        def one_by_one(chunk: Chunk = chunk) -> object:
            exchange, evaluate._exchange = evaluate._exchange, lambda template: None
            try:
                return evaluate_chunk(chunk)
            finally:
                evaluate._exchange = exchange

        yield row(
            f"a candidate of a screening, {motif}",
            timed(lambda chunk=chunk: evaluate_chunk(chunk)),
            3,
            timed(one_by_one),
            share=len(chunk.items),
        )
    for motif, shell in (("Au4M2", {"thiolate": "PET"}), ("M@Au24-centre", {"thiolate": "PET"})):
        yield row(
            f"assembling {motif} with PET",
            timed(lambda motif=motif, shell=shell: assemble(Prototype(motif, "Pd", shell))),
            2,
        )


def candidates(motif: str, counts: list[str | int]) -> Chunk:
    """All candidates of a small screening."""
    config = ScreenConfig.make(
        dopants=["Pd", "Pt", "Ni", "Cu", "Ag"], ligands=["PET"], motifs=[motif], dopant_counts=counts, arrangements=20
    )
    templates = {template_name(*task): build_template(*task) for task in required_shells(config)}
    return Chunk(0, tuple(enumerate_candidates(config)), templates, config)


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

    yield row("a training step, 32 clusters", timed(step), 5, timed(step_before))


def labelling() -> Iterator[Row]:
    """A label's single point with GFN1-xTB."""
    atoms = clusters()["Au4Pd2(SMe)8"]
    yield row("a GFN1-xTB label, 46 atoms", timed(lambda: single_point(atoms)), 3)


def unseen_ligand() -> Iterator[Row]:
    """A ligand that neither ships nor was met before, in a fresh process: as now, and through transformers."""
    setting = (
        "from ase_bimetal.model import ligand_encoder as le; folder = le.bundled_folder(); import time; "
        "start = time.process_time(); {work}; print(time.process_time() - start)"
    )
    now, before = (
        f"{call}, 'CCCSc1ccc(Br)cc1')"
        for call in ("le.SmilesT5.embed(le.SmilesT5(folder)", "le.compute_embedding(*le.load_t5(folder)")
    )
    yield row(
        "an unseen ligand, fresh process", process(setting.format(work=now)), 2, process(setting.format(work=before))
    )


def cold() -> Iterator[Row]:
    """A fresh process: featurizing and a first energy, beside importing torch."""
    start = "from ase_bimetal import load_example; a = load_example('Au4Pd2(PET)8'); "
    for case, code in {
        "all descriptors, fresh process": (
            start + "from ase_bimetal.descriptors import all_descriptors; from ase_bimetal.system import as_system; "
            "all_descriptors(as_system(a))"
        ),
        "a first energy, fresh process": start + "from ase_bimetal import predict; predict([a])",
    }.items():
        yield row(case, process(until_now(code)), 3, peers={"import torch": process(until_now("import torch"))})


def until_now(code: str) -> str:
    """Code that ends by printing the CPU time [s] of its process."""
    return f"{code}\nimport time; print(time.process_time())"


def process(code: str) -> Timer:
    """Time code in a process of its own."""
    return lambda: fresh_process(code)


def printed(line: Row) -> str:
    """A row as text."""

    def number(value: float | None, form: str = ".2f") -> str:
        return "" if value is None else format(value, form)

    ratio = None if line.before is None else line.before / line.now
    others = ", ".join(f"{name} {ms:.1f}" for name, ms in line.peers.items())
    return (
        f"{line.case:54}{line.now:10.2f}{number(line.before):>10}{number(ratio, '.1f'):>7}"
        f"{number(line.last):>7}  {others}"
    )


def main() -> None:
    """Measure, print, store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=STORED, help="JSON to compare with and to write")
    parser.add_argument(
        "--peers",
        type=Path,
        default=ROOT / ".venv-peers" / "bin" / "python",
        help="interpreter of the environment with the other tools",
    )
    parser.add_argument("--only", nargs="*", help="parts to measure; the others stay as they are stored")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'CPU ms, one thread':54}{'now':>10}{'before':>10}{'ratio':>7}{'last':>7}  others")
    stored = json.loads(options.out.read_text()) if options.out.is_file() else {"tables": {}, "absent": {}}
    about = {
        "processor": processor(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "ase-bimetal": version("ase-bimetal"),
        "unit": "CPU ms, one thread, least of several runs",
        "load": f"{os.getloadavg()[0]:.0f} processes waiting for {os.cpu_count()} cores",
    }
    with TemporaryDirectory() as folder:
        peers = Peers(options.peers, Path(folder))
        parts = {
            "energies": lambda: energies(peers),
            "descriptors": lambda: descriptors(peers),
            "networks": networks,
            "batch": batch_of_clusters,
            "search": search,
            "screening": screening,
            "training": training,
            "labelling": labelling,
            "ligand": unseen_ligand,
            "cold": cold,
        }
        tables = {name: [Row(**line) for line in stored["tables"].get(name, ())] for name in parts}
        for name in options.only or parts:
            last, tables[name] = tables[name], []
            for line in parts[name]():
                tables[name] += compared([line], last)
                print(printed(tables[name][-1]), flush=True)
            absent = (stored["absent"] if options.only else {}) | peers.absent
            found = {
                "about": about,
                "absent": absent,
                "tables": {name: [asdict(line) for line in rows] for name, rows in tables.items()},
            }
            write_whole(options.out, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        peers.close()


def processor() -> str:
    """The processor's name where the system tells it."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.machine())


if __name__ == "__main__":
    main()
