"""Build, relax, sample and label many prototypes with several workers, in shards that survive any stop.

Each prototype owns one shard, a text file with one JSON record a line. A record is written whole and flushed
to disk; a line torn by a kill is dropped on the next start, and what is on disk is never done again.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from filelock import FileLock, Timeout

from ase_bimetal.errors import LevelError
from ase_bimetal.files import write_whole
from ase_bimetal.formation import formation_energy
from ase_bimetal.lab.labels import label
from ase_bimetal.lab.labels.levels import Level, SinglePoint, get_level
from ase_bimetal.lab.labels.sampling import SHELL_KEPT, Sample, sample
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.checks import rejection
from ase_bimetal.structures.motifs import Prototype
from ase_bimetal.workers import end_with_parent

FRAGMENTS_FILE = "fragments.json"
_DECIMALS = 4  # positions are rounded before labelling, so that a stored geometry gives the stored energy


@dataclass(frozen=True)
class Job:
    """A prototype and the number of configurations to label, the parent included."""

    prototype: Prototype
    n_samples: int


def run_campaign(
    jobs: Iterable[Job],
    folder: Path,
    workers: int = 2,
    scheduler: str | None = None,
    level: str = "gfn1-xtb",
    progress: bool = True,
    renew_above: float | None = None,
) -> None:
    """Label every job, skipping what the folder already holds.

    Parameters
    ----------
    jobs
        What to label.
    folder
        Where the shards go; with a scheduler, on a file system that all its workers share.
    workers
        Processes on this machine, one thread each.
    scheduler
        Address of a Dask scheduler, such as ``"tcp://host:8786"``, to use its workers instead.
    level
        Level of the energies, see `ase_bimetal.lab.labels.levels.get_level`; geometries are GFN1-xTB's at any level.
    progress
        Whether to show records done, rate and remaining time on standard error.
    renew_above
        Parents already there with a larger residual force [eV/Å] are relaxed further, and their series labelled anew.
    """
    jobs = list(jobs)
    label.GFN1.require()
    get_level(level).require()
    folder.mkdir(parents=True, exist_ok=True)
    with _executor(workers, scheduler) as pool:
        # On a worker as well: the threads of this process would wait for one another on a busy machine.
        pool.submit(update_fragments, folder / FRAGMENTS_FILE, [job.prototype for job in jobs], level).result()
        _follow({pool.submit(run_job, job, folder, level, renew_above): job for job in jobs}, folder, progress)


@contextmanager
def _executor(workers: int, scheduler: str | None) -> Iterator[Executor]:
    """Processes of this machine, or the workers of a Dask scheduler."""
    if scheduler is None:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=start_worker) as pool:
            yield pool
        return
    from distributed import Client

    with Client(scheduler) as client, client.get_executor(pure=False) as pool:
        yield pool


def start_worker() -> None:
    """Prepare a worker process for labelling.

    It gets one thread (two processes beat two threads at these sizes) and ends with its parent.
    """
    os.environ["OMP_NUM_THREADS"] = "1"
    end_with_parent()


def _follow(jobs: dict[Future[Any], Job], folder: Path, progress: bool) -> None:
    """Show records done, their rate in this run and the time left, if asked to, until every job is done.

    A job that fails is named at once, and the others go on; the first failure is raised at the end.
    """
    from tqdm import tqdm

    wanted = {shard_path(folder, job.prototype.name): job.n_samples for job in jobs.values()}

    def finished() -> int:
        return sum(min(_n_records(path), n) for path, n in wanted.items())

    todo, failures = set(jobs), []
    with tqdm(total=sum(wanted.values()), initial=finished(), unit="record", disable=not progress) as bar:
        while todo:
            done, todo = wait(todo, timeout=5.0, return_when=FIRST_COMPLETED)
            for future in done:
                if failure := future.exception():
                    failures.append(failure)
                    bar.write(f"{jobs[future].prototype.name} failed: {failure}", sys.stderr)
            bar.update(finished() - bar.n)
        bar.total = bar.n  # prototypes rejected at their parent end early
        bar.refresh()
    if failures:
        raise failures[0]


def _n_records(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def update_fragments(path: Path, prototypes: Iterable[Prototype], level: str = "gfn1-xtb") -> dict[str, Any]:
    """Compute the fragment energies that the file lacks [eV].

    They are those of isolated atoms, ligand forms and H2 that the prototypes need.

    Raises
    ------
    LevelError
        The file holds energies of another level.
    """
    theory = get_level(level)
    table = json.loads(path.read_text()) if path.exists() else {"atoms": {}, "ligands": {}}
    if table.setdefault("level", theory.name) != theory.name:
        raise LevelError(f"{path.parent} holds labels of level {table['level']!r}; allowed: that level or a new folder")
    prototypes = list(prototypes)
    table["H2"] = table.get("H2") or label.hydrogen_energy(theory)
    for symbol in sorted({s for p in prototypes for s in p.core().symbols} - set(table["atoms"])):
        table["atoms"][symbol] = label.atom_energy(symbol, theory)
    ligands = {ligand.smiles: ligand for p in prototypes for ligand in p.ligands().values()}
    for smiles in sorted(set(ligands) - set(table["ligands"])):
        table["ligands"][smiles] = vars(label.ligand_energies(ligands[smiles], theory))
    write_whole(path, json.dumps(table, indent=1))
    return table


def run_job(job: Job, folder: Path, level: str = "gfn1-xtb", renew_above: float | None = None) -> None:
    """Label one prototype's configurations into its shard, unless another process is at it."""
    shard = shard_path(folder, job.prototype.name)
    with suppress(Timeout), FileLock(shard.with_suffix(".lock"), blocking=False):
        if renew_above is not None:
            _renew(job.prototype, shard, folder, get_level(level), renew_above)
        _fill_shard(job, shard, folder, get_level(level))


def _renew(prototype: Prototype, shard: Path, folder: Path, level: Level, above: float) -> None:
    """Relax a parent further if its force is above the limit [eV/Å], and label its series anew beside the old one."""
    old = read_shard(shard)
    known = next((record for record in old if record["index"] == 0 and "symbols" in record), None)
    if known is None or known["fmax_parent"] <= above:
        return
    fresh = shard.with_suffix(".renewed")
    if not read_shard(fresh):
        fragments = json.loads((folder / FRAGMENTS_FILE).read_text())
        parent = _relaxed(record_atoms(known))
        record = _record(prototype, parent, 0, series_seed(prototype.name), fragments, level)
        write_whole(fresh, record_line(record))
    _fill_shard(Job(prototype, len(old)), fresh, folder, level)
    fresh.replace(shard)


def _fill_shard(job: Job, shard: Path, folder: Path, level: Level) -> None:
    done = {record["index"]: record for record in read_shard(shard)}
    if "rejected" in done.get(0, {}):
        return
    fragments = json.loads((folder / FRAGMENTS_FILE).read_text())
    parent = _parent(job.prototype, done.get(0))
    seed = series_seed(job.prototype.name)
    with shard.open("a") as stream:
        for index in range(job.n_samples):
            if index in done:
                continue
            record = _record(job.prototype, parent, index, seed, fragments, level)
            stream.write(record_line(record))
            stream.flush()
            os.fsync(stream.fileno())
            if index == 0 and "rejected" in record:
                return


def shard_path(folder: Path, prototype: str) -> Path:
    """Give the place of a prototype's records."""
    return folder / f"{prototype.replace('*', 'star')}.jsonl"


def record_line(record: dict[str, Any]) -> str:
    """Write a record as one line of a shard."""
    return json.dumps(record, separators=(",", ":")) + "\n"


def read_shard(path: Path) -> list[dict[str, Any]]:
    """Read the records of a shard.

    A last line torn by a kill is cut off the file first.
    """
    if not path.exists():
        return []
    raw = path.read_bytes()
    whole = raw[: raw.rfind(b"\n") + 1]
    if len(whole) != len(raw):
        with path.open("r+b") as stream:
            stream.truncate(len(whole))
    return [json.loads(line) for line in whole.splitlines()]


def read_folder(folder: Path) -> Iterator[dict[str, Any]]:
    """Read the records of all shards of a folder.

    They come in the order of file names.
    """
    for path in sorted(folder.glob("*.jsonl")):
        yield from read_shard(path)


def _parent(prototype: Prototype, known: dict[str, Any] | None) -> Atoms | None:
    """The relaxed parent: from its record, or made now (None if it cannot be relaxed)."""
    if known is not None:
        return None if "rejected" in known else record_atoms(known)
    return _relaxed(assemble(prototype, relax=lambda free: label.relax(free, fmax=0.03)))


def _relaxed(atoms: Atoms) -> Atoms | None:
    """A parent on its way to the minimum, as far as its steps take it; None if the SCF fails."""
    try:
        return rounded(label.relax(atoms, fmax=0.1, steps=_relaxation_steps(atoms)))
    except CalculationFailed:
        return None


def _relaxation_steps(atoms: Atoms) -> int:
    """Steps spent on a parent: the largest are left with forces above the limit.

    Time goes by the metals more than by the atoms: a step of a core of 55 takes 10 to 15 s, one of 92 a minute.
    """
    for n_metals, steps in ((60, 25), (40, 60)):
        if np.count_nonzero(atoms.arrays["fragment"] == 0) > n_metals:
            return steps
    for limit, steps in ((60, 150), (90, 120), (125, 100), (160, 80)):
        if len(atoms) <= limit:
            return steps
    return 20


def _record(
    prototype: Prototype, parent: Atoms | None, index: int, seed: int, fragments: dict[str, Any], level: Level
) -> dict[str, Any]:
    head = {
        "id": f"{prototype.name}/{index}",
        "prototype": prototype.name,
        "family": prototype.family,
        "dopant": prototype.dopant,
        "host": prototype.host,
        "index": index,
    }
    if parent is None:
        return head | {"rejected": "parent: SCF did not converge"}
    drawn = sample(parent, index, seed)
    drawn = Sample(rounded(drawn.atoms), drawn.kind, round(drawn.amplitude, 4))
    head |= {"kind": drawn.kind, "amplitude": drawn.amplitude}
    reason = rejection(drawn.atoms, parent)
    if reason:
        return head | {"rejected": reason}
    try:
        point = level.single_point(drawn.atoms)
    except CalculationFailed:
        return head | {"rejected": "SCF did not converge"}
    metals = drawn.atoms[drawn.atoms.arrays["fragment"] == 0].get_chemical_symbols()
    per_metal = formation_energy(point.energy, metals, drawn.atoms.info["ligand_smiles"], fragments)
    reason = label.collapse(per_metal, point.charges)
    if reason:
        return head | {"rejected": reason}
    return head | _labelled(drawn, point, _shell_energy(drawn, parent, level), level)


def _shell_energy(drawn: Sample, parent: Atoms, level: Level) -> float | None:
    """Energy of the ligands frozen in place [eV]: the parent's where they have not moved."""
    if drawn.kind in SHELL_KEPT and "bound_shell" in parent.info:
        known: float | None = parent.info["bound_shell"]
        return known
    try:
        shell = level.single_point(drawn.atoms[drawn.atoms.arrays["fragment"] > 0]).energy
    except CalculationFailed:
        shell = None
    if drawn.kind in SHELL_KEPT:
        parent.info["bound_shell"] = shell
    return shell


def _labelled(drawn: Sample, point: SinglePoint, shell: float | None, level: Level) -> dict[str, Any]:
    atoms = drawn.atoms
    return {
        "level": level.name,
        "code": level.code,
        "charge": 0,
        "fmax_parent": atoms.info.get("fmax"),
        "ligands": atoms.info["ligand_smiles"],
        "symbols": atoms.get_chemical_symbols(),
        "positions": atoms.positions.round(_DECIMALS).ravel().tolist(),
        "fragment": atoms.arrays["fragment"].tolist(),
        "energy": float(point.energy),
        "electronic_temperature": point.temperature,
        "charges": None if point.charges is None else np.round(point.charges, 3).tolist(),
        "bound_shell": shell,
    }


def record_atoms(record: dict[str, Any]) -> Atoms:
    """Build the configuration of a record."""
    atoms = Atoms(record["symbols"], np.reshape(record["positions"], (-1, 3)))
    atoms.arrays["fragment"] = np.array(record["fragment"])
    atoms.info["ligand_smiles"] = dict(record["ligands"])
    atoms.info["fmax"] = record["fmax_parent"]
    return atoms


def series_seed(prototype: str) -> int:
    """Compute the seed of one prototype's random moves."""
    return zlib.crc32(prototype.encode())


def rounded(atoms: Atoms) -> Atoms:
    """Round positions as records store them."""
    out: Atoms = atoms.copy()
    out.positions = out.positions.round(_DECIMALS)
    return out
