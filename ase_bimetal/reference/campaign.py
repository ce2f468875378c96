"""Build, relax, sample and label many prototypes with several workers, in shards that survive any stop.

Each prototype owns one shard, a text file with one JSON record a line. A record is written whole and flushed
to disk; a line torn by a kill is dropped on the next start, and what is on disk is never done again.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from filelock import FileLock, Timeout

from ase_bimetal.formation import formation_energy
from ase_bimetal.reference import label
from ase_bimetal.reference.assemble import assemble
from ase_bimetal.reference.motifs import Prototype
from ase_bimetal.reference.sample import sample

FRAGMENTS_FILE = "fragments.json"
_DECIMALS = 4  # positions are rounded before labelling, so that a stored geometry gives the stored energy


@dataclass(frozen=True)
class Job:
    """A prototype and the number of configurations to label, the parent included."""

    prototype: Prototype
    n_samples: int


#: Dopants in the order in which the larger prototypes are made, so that a campaign cut short is balanced.
_DOPANT_ORDER = ("Pd", "Au", "Ag", "Pt", "Cu", "Ni", "Hg", "Ir", "Ru", "Zn", "Co", "Cd", "Rh", "Os", "Fe", "Re", "Mn")
_SMALL = (
    ("Au4M2", {"thiolate": "SMe"}, 60),
    ("Au4M2-capped", {"thiolate": "SMe", "axial": "PMe3"}, 24),
    ("M@Au8", {"phosphine": "PMe3", "halide": "Cl"}, 16),
)
_LARGE = (
    ("Au4M2", {"thiolate": "PET"}, 8),
    ("Au4M2", {"thiolate": "SPh"}, 12),
    ("M@Au12", {"phosphine": "PMe3", "halide": "Cl"}, 10),
    ("Au4M2-capped", {"thiolate": "SMe", "axial": "PPh3"}, 8),
    ("Au4M2", {"thiolate": "SCy"}, 8),
)


def first_campaign() -> list[Job]:
    """The first three families: small prototypes of every dopant, then dopant by dopant the larger ones."""
    small = [Job(Prototype(f, dopant, shell), n) for f, shell, n in _SMALL for dopant in _DOPANT_ORDER]
    large = [Job(Prototype(f, dopant, shell), n) for dopant in _DOPANT_ORDER for f, shell, n in _LARGE]
    return small + large


def run_campaign(jobs: Iterable[Job], folder: Path, workers: int = 2) -> None:
    """Label every job, skipping what the folder already holds; shows progress on standard error."""
    from tqdm import tqdm

    jobs = list(jobs)
    folder.mkdir(parents=True, exist_ok=True)
    update_fragments(folder / FRAGMENTS_FILE, (job.prototype for job in jobs))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        pending = [pool.submit(run_job, job, folder) for job in jobs]
        for done in tqdm(as_completed(pending), total=len(pending), unit="prototype"):
            done.result()


def _one_thread() -> None:
    """GFN1-xTB is slower with threads at these sizes; two processes beat two threads."""
    os.environ["OMP_NUM_THREADS"] = "1"


def update_fragments(path: Path, prototypes: Iterable[Prototype]) -> dict:
    """Compute the isolated atoms, ligand forms and H2 that the prototypes need and the file lacks [eV]."""
    table = json.loads(path.read_text()) if path.exists() else {"atoms": {}, "ligands": {}}
    prototypes = list(prototypes)
    table["level"] = label.LEVEL
    table["H2"] = table.get("H2") or label.hydrogen_energy()
    for symbol in sorted({s for p in prototypes for s in p.core().symbols} - set(table["atoms"])):
        table["atoms"][symbol] = label.atom_energy(symbol)
    ligands = {ligand.smiles: ligand for p in prototypes for ligand in p.ligands().values()}
    for smiles in sorted(set(ligands) - set(table["ligands"])):
        table["ligands"][smiles] = vars(label.ligand_energies(ligands[smiles]))
    _write_whole(path, json.dumps(table, indent=1))
    return table


def run_job(job: Job, folder: Path) -> None:
    """Label one prototype's configurations into its shard, unless another process is at it."""
    shard = shard_path(folder, job.prototype.name)
    with suppress(Timeout), FileLock(shard.with_suffix(".lock"), blocking=False):
        _fill_shard(job, shard, folder)


def _fill_shard(job: Job, shard: Path, folder: Path) -> None:
    done = {record["index"]: record for record in read_shard(shard)}
    if "rejected" in done.get(0, {}):
        return
    fragments = json.loads((folder / FRAGMENTS_FILE).read_text())
    parent = _parent(job.prototype, done.get(0))
    seed = zlib.crc32(job.prototype.name.encode())
    with shard.open("a") as stream:
        for index in range(job.n_samples):
            if index in done:
                continue
            record = _record(job.prototype, parent, index, seed, fragments)
            stream.write(record_line(record))
            stream.flush()
            os.fsync(stream.fileno())
            if index == 0 and "rejected" in record:
                return


def shard_path(folder: Path, prototype: str) -> Path:
    """Where a prototype's records live."""
    return folder / f"{prototype.replace('*', 'star')}.jsonl"


def record_line(record: dict) -> str:
    """A record as one line of a shard."""
    return json.dumps(record, separators=(",", ":")) + "\n"


def read_shard(path: Path) -> list[dict]:
    """Records of a shard; a last line torn by a kill is cut off the file first."""
    if not path.exists():
        return []
    raw = path.read_bytes()
    whole = raw[: raw.rfind(b"\n") + 1]
    if len(whole) != len(raw):
        with path.open("r+b") as stream:
            stream.truncate(len(whole))
    return [json.loads(line) for line in whole.splitlines()]


def read_folder(folder: Path) -> Iterator[dict]:
    """Records of all shards of a folder, in order of file name."""
    for path in sorted(folder.glob("*.jsonl")):
        yield from read_shard(path)


def _parent(prototype: Prototype, known: dict | None) -> Atoms | None:
    """The relaxed parent: from its record, or made now (None if it cannot be relaxed)."""
    if known is not None:
        return None if "rejected" in known else record_atoms(known)
    start = assemble(prototype, relax=lambda free: label.relax(free, fmax=0.03))
    try:
        relaxed = label.relax(start, fmax=0.1, steps=_relaxation_steps(len(start)))
    except CalculationFailed:
        return None
    return _rounded(relaxed)


def _relaxation_steps(n_atoms: int) -> int:
    """Steps spent on a parent: larger clusters start from relaxed ligands and are left with larger forces."""
    if n_atoms <= 90:
        return 60
    return 22 if n_atoms <= 125 else 12


def _record(prototype: Prototype, parent: Atoms | None, index: int, seed: int, fragments: dict) -> dict:
    head = {
        "id": f"{prototype.name}/{index}",
        "prototype": prototype.name,
        "family": prototype.family,
        "dopant": prototype.dopant,
        "index": index,
    }
    if parent is None:
        return head | {"rejected": "parent: SCF did not converge"}
    drawn = sample(parent, index, seed)
    atoms = _rounded(drawn.atoms)
    head |= {"kind": drawn.kind, "amplitude": round(drawn.amplitude, 4)}
    reason = label.rejection(atoms, parent)
    if reason:
        return head | {"rejected": reason}
    try:
        point = label.single_point(atoms)
    except CalculationFailed:
        return head | {"rejected": "SCF did not converge"}
    metals = atoms[atoms.arrays["fragment"] == 0].get_chemical_symbols()
    per_metal = formation_energy(point.energy, metals, atoms.info["ligand_smiles"], fragments)
    reason = label.collapse(per_metal, point.charges)
    return head | _labelled(atoms, point) | ({"rejected": reason} if reason else {})


def _labelled(atoms: Atoms, point: label.SinglePoint) -> dict:
    fragment = atoms.arrays["fragment"]
    try:
        shell = label.single_point(atoms[fragment > 0])
    except CalculationFailed:
        shell = None
    return {
        "level": label.LEVEL,
        "code": f"tblite {version('tblite')}",
        "charge": 0,
        "fmax_parent": atoms.info.get("fmax"),
        "ligands": atoms.info["ligand_smiles"],
        "symbols": atoms.get_chemical_symbols(),
        "positions": atoms.positions.round(_DECIMALS).ravel().tolist(),
        "fragment": fragment.tolist(),
        "energy": float(point.energy),
        "electronic_temperature": point.temperature,
        "charges": np.round(point.charges, 3).tolist(),
        "bound_shell": None if shell is None else float(shell.energy),
    }


def record_atoms(record: dict) -> Atoms:
    """The configuration of a record."""
    atoms = Atoms(record["symbols"], np.reshape(record["positions"], (-1, 3)))
    atoms.arrays["fragment"] = np.array(record["fragment"])
    atoms.info["ligand_smiles"] = dict(record["ligands"])
    atoms.info["fmax"] = record["fmax_parent"]
    return atoms


def _rounded(atoms: Atoms) -> Atoms:
    out = atoms.copy()
    out.positions = out.positions.round(_DECIMALS)
    return out


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a kill leaves either the old or the new one."""
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(path)
