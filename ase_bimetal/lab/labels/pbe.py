"""PBE labels on the laboratory's own clusters: which to compute, a campaign that computes them, and the shipped ones.

The choice is a greedy design: the next label is the one that adds most to what is known of metals, ligands and
metal–metal coordination per minute of computing. Every label is one file; a killed run goes on where it stopped, and
several processes may share a folder.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.io import iread
from filelock import FileLock, Timeout

from ase_bimetal.errors import BimetalError
from ase_bimetal.files import DATASETS, write_whole
from ase_bimetal.formation import formation_energy
from ase_bimetal.lab.labels import cp2k
from ase_bimetal.lab.labels.anchors import scan
from ase_bimetal.lab.labels.campaign import start_worker
from ase_bimetal.lab.labels.corrections import ANCHORS, MOLECULES, fragment_table
from ase_bimetal.model.level import level_terms
from ase_bimetal.system import as_system

SHIPPED = DATASETS / "pbe_labels.json.xz"
#: Ligands of clusters that are labelled with PBE: the smallest of every donor type.
SMALL_LIGANDS = frozenset(MOLECULES)
#: Metals whose clusters may have unpaired electrons beyond what the electron count asks for.
OPEN_SHELL = frozenset(
    {
        *("Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni"),
        *("Zr", "Nb", "Mo", "Ru", "Rh"),
        *("Hf", "Ta", "W", "Re", "Os", "Ir"),
    }
)
#: One label in so many is a second configuration of a composition that has one.
PARTNER_EVERY = 5
_MAX_ATOMS = 70
_DESIGN_RIDGE = 0.01
# A closed shell of 22 atoms in a box of 2500 Å³ takes one minute on one core.
_MINUTES_PER_VOLUME = 1.0 / 2500


@dataclass(frozen=True)
class PbeTask:
    """One configuration to label.

    Attributes
    ----------
    record
        Name of the record in the data set, ``prototype/index``.
    atoms
        The configuration, with array ``fragment`` and ``info["ligand_smiles"]``.
    energy_gfn1
        GFN1-xTB energy of the same geometry [eV].
    multiplicities
        Spin multiplicities to try.
    parent
        Record whose wavefunction is the start, or None.
    minutes
        Estimated cost on one core [min].
    """

    record: str
    atoms: Atoms
    energy_gfn1: float
    multiplicities: tuple[int, ...]
    parent: str | None
    minutes: float


@dataclass(frozen=True)
class PbeLabel:
    """One configuration with both energies.

    Attributes
    ----------
    record
        Name of the record in the data set, ``prototype/index``.
    atoms
        The configuration, with array ``fragment`` and ``info["ligand_smiles"]``.
    pbe, gfn1
        Formation energies at the two levels, dimer reference [eV/metal].
    multiplicity
        Spin multiplicity of the lowest solution.
    gradient
        Where the field was taken as self-consistent, as in `ase_bimetal.lab.labels.cp2k.Solution` [-].
    """

    record: str
    atoms: Atoms
    pbe: float
    gfn1: float
    multiplicity: int
    gradient: float

    @property
    def prototype(self) -> str:
        """Prototype of the record."""
        return self.record.partition("/")[0]


def multiplicities(atoms: Atoms) -> tuple[int, ...]:
    """List the spin multiplicities worth trying, lowest first.

    Examples
    --------
    >>> multiplicities(Atoms("AuPd")), multiplicities(Atoms("AuNi"))
    ((2,), (2, 4))
    """
    lowest = 1 + cp2k.electrons(atoms) % 2
    return (lowest, lowest + 2) if OPEN_SHELL & set(atoms.symbols) else (lowest,)


def cost(atoms: Atoms) -> float:
    """Estimate the minutes of one core that a PBE single point takes."""
    spins = multiplicities(atoms)
    factor = 1 if spins == (1,) else 2 * len(spins)
    return float(_MINUTES_PER_VOLUME * cp2k.boxed(atoms).cell.volume * factor * (len(atoms) / 22) ** 0.5)


def plan(frame: pd.DataFrame, n_labels: int) -> list[PbeTask]:
    """Choose what to label, in the order of the greedy design.

    Parameters
    ----------
    frame
        Rows of `ase_bimetal.lab.labels.dataset.load_labels`.
    n_labels
        Number of labels; fewer when there is no more to choose from.

    Returns
    -------
    list of PbeTask
        Every `PARTNER_EVERY`-th is the second configuration of a prototype chosen before.
    """
    rows = frame[frame.atoms.map(lambda a: set(a.info["ligand_smiles"]) <= SMALL_LIGANDS and len(a) <= _MAX_ATOMS)]
    parents = rows[rows["index"] == 0].reset_index(drop=True)
    order = iter(_design_order(parents))
    tasks: list[PbeTask] = []
    waiting: list[str] = []
    while len(tasks) < n_labels:
        k = None
        if not waiting or len(tasks) % PARTNER_EVERY != PARTNER_EVERY - 1:
            k = next(order, None)
        if k is not None:
            row = parents.loc[k]
            tasks.append(_task(row, None))
            if (rows.prototype == row.prototype).sum() > 1:
                waiting.append(row.prototype)
        elif waiting:
            tasks.append(_partner(rows, waiting.pop(0)))
        else:
            break
    return tasks


def _design_order(parents: pd.DataFrame) -> Iterator[int]:
    """Rows of a table, each the one that adds most to those before it and to the anchors, per minute."""
    anchors = [frame for frame in iread(ANCHORS, ":") if frame.info["kind"] == "anchor"]
    table = pd.DataFrame([level_terms(as_system(atoms)) for atoms in [*parents.atoms, *anchors]]).fillna(0.0).to_numpy()
    features, known = table[: len(parents)], table[len(parents) :]
    minutes = np.array([cost(atoms) for atoms in parents.atoms])
    inverse = np.linalg.inv(_DESIGN_RIDGE * np.eye(table.shape[1]) + known.T @ known)
    left = list(range(len(parents)))
    while left:
        gain = [np.log1p(features[k] @ inverse @ features[k]) / minutes[k] for k in left]
        k = left.pop(int(np.argmax(gain)))
        yield k
        step = inverse @ features[k]
        inverse -= np.outer(step, step) / (1 + features[k] @ step)


def _task(row: pd.Series, parent: str | None) -> PbeTask:
    share = 1.0 if parent is None else 0.5  # a start from the parent's wavefunction saves half the steps
    return PbeTask(row.id, row.atoms, row.energy, multiplicities(row.atoms), parent, share * cost(row.atoms))


def _partner(rows: pd.DataFrame, prototype: str) -> PbeTask:
    """The configuration that is farthest in energy from its parent."""
    series = rows[rows.prototype == prototype]
    parent = series[series["index"] == 0].iloc[0]
    others = series[series["index"] != 0]
    return _task(others.loc[(others.formation_energy - parent.formation_energy).abs().idxmax()], parent.id)


def run_pbe_campaign(tasks: Iterable[PbeTask], folder: Path, workers: int = 2, progress: bool = True) -> None:
    """Label what the folder lacks, with several processes.

    Parameters
    ----------
    tasks
        What to label, as `plan` gives it.
    folder
        Where the labels and CP2K's work go; an earlier run there is continued.
    workers
        Processes on this machine, one thread each.
    progress
        Whether to show labels done, rate and remaining time on standard error.
    """
    from tqdm import tqdm

    cp2k.version()  # a missing program is named before any worker starts
    folder.mkdir(parents=True, exist_ok=True)
    tasks = list(tasks)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=start_worker) as pool:
        pending = [pool.submit(compute, task, folder) for task in tasks]
        for done in tqdm(as_completed(pending), total=len(tasks), unit="label", disable=not progress):
            done.result()


def compute(task: PbeTask, folder: Path) -> None:
    """Label one configuration.

    Nothing is done if it is there or another process is at it; a failure is a record too.
    """
    path = label_path(folder, task.record)
    with suppress(Timeout), FileLock(path.with_suffix(".lock"), blocking=False):
        if not path.exists():
            write_whole(path, json.dumps(_labelled(task, folder)))


def label_path(folder: Path, record: str) -> Path:
    """Name the file of a record's label.

    Examples
    --------
    >>> label_path(Path("lab"), "Au6M2-Cp*/0").as_posix()
    'lab/Au6M2-Cpstar~0.json'
    """
    return folder / (record.replace("*", "star").replace("/", "~") + ".json")


def _labelled(task: PbeTask, folder: Path) -> dict[str, Any]:
    head = {
        "record": task.record,
        "symbols": task.atoms.get_chemical_symbols(),
        "positions": task.atoms.positions.tolist(),
        "fragment": task.atoms.arrays["fragment"].tolist(),
        "ligands": task.atoms.info["ligand_smiles"],
        "energy_gfn1_eV": task.energy_gfn1,
    }
    try:
        parent = _parent(task, folder)
        atoms = cp2k.boxed(task.atoms, None if parent is None else parent.atoms)
        return head | scan(atoms, task.multiplicities, folder, None if parent is None else parent.wavefunction)
    except (CalculationFailed, BimetalError) as failure:
        return head | {"rejected": str(failure)}


@dataclass(frozen=True)
class _Parent:
    """A finished parent and its wavefunction."""

    atoms: Atoms
    wavefunction: Path


def _parent(task: PbeTask, folder: Path) -> _Parent | None:
    """The parent of a task, where it was computed in the same folder."""
    path = None if task.parent is None else label_path(folder, task.parent)
    if path is None or not path.exists():
        return None
    record = json.loads(path.read_text())
    if "rejected" in record:
        return None
    atoms = Atoms(record["symbols"], record["positions"])
    return _Parent(atoms, cp2k.solve(cp2k.boxed(atoms), record["multiplicity"], folder / "cp2k")[1])


def pack_pbe(folder: Path, target: Path = SHIPPED) -> int:
    """Write the finished labels of a folder into the shipped file.

    Those already there stay.

    Returns
    -------
    int
        Number of labels in the file, rejects not counted.
    """
    known = {record["record"]: record for record in _content(target)["records"]} if target.exists() else {}
    fresh = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    records = known | {record["record"]: record for record in fresh}
    content = {
        "format": 1,
        "level": cp2k.METHOD,
        "licence": "CC BY 4.0",
        "unit": "eV, Å",
        "records": [records[name] for name in sorted(records)],
    }
    write_whole(target, lzma.compress(json.dumps(content, separators=(",", ":"), sort_keys=True).encode()))
    return sum("rejected" not in record for record in records.values())


def load_pbe(path: Path = SHIPPED) -> list[PbeLabel]:
    """Load the PBE labels.

    Examples
    --------
    >>> labels = load_pbe()
    >>> bool(all(-8 < label.pbe < 0 for label in labels))
    True
    """
    tables = _fragments()
    return [_label(record, *tables) for record in _content(path)["records"] if "rejected" not in record]


def load_rejects(path: Path = SHIPPED) -> dict[str, str]:
    """Load the records that have no PBE energy, each with its reason."""
    return {r["record"]: r["rejected"] for r in _content(path)["records"] if "rejected" in r}


def _content(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(lzma.decompress(path.read_bytes()))
    return content


@lru_cache(maxsize=1)
def _fragments() -> tuple[dict[str, Any], dict[str, Any]]:
    """Energies of atoms and free ligands with PBE and with GFN1-xTB."""
    frames = list(iread(ANCHORS, ":"))
    return fragment_table(frames, "energy_pbe_eV"), fragment_table(frames, "energy_gfn1_eV")


def _label(record: Mapping[str, Any], pbe: Mapping[str, Any], gfn1: Mapping[str, Any]) -> PbeLabel:
    atoms = Atoms(record["symbols"], record["positions"])
    atoms.arrays["fragment"] = np.array(record["fragment"])
    atoms.info["ligand_smiles"] = dict(record["ligands"])
    metals = [s for s, k in zip(record["symbols"], record["fragment"], strict=True) if k == 0]
    at_pbe, at_gfn1 = (
        float(formation_energy(record[key], metals, record["ligands"], table))
        for key, table in (("energy_pbe_eV", pbe), ("energy_gfn1_eV", gfn1))
    )
    return PbeLabel(record["record"], atoms, at_pbe, at_gfn1, record["multiplicity"], record["gradient"])


__all__ = ["PbeLabel", "PbeTask", "load_pbe", "load_rejects", "pack_pbe", "plan", "run_pbe_campaign"]
