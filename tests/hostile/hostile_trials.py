"""One hostile input, and what came of it."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write
from hostile_mutations import BASES, EXAMPLE, MUTATIONS, base, damaged, mutated

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
WRONG = ("silent number", "foreign exception", "not finite", "late", "death", "hang")


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


@dataclass(frozen=True)
class Trial:
    """An input by its number, what it was made of, what was done to it, and the outcome."""

    number: int
    what: str
    how: str
    outcome: Outcome


def _by_pymatgen(atoms: Atoms) -> object:
    """A pymatgen object, or the Atoms themselves where pymatgen itself refuses such an object."""
    from pymatgen.core import Molecule, Structure

    properties = {"ligand_smiles": atoms.info.get("ligand_smiles")}
    try:
        if atoms.pbc.any():
            return Structure(atoms.cell.array, list(atoms.symbols), atoms.positions, coords_are_cartesian=True,
                             properties=properties)
        return Molecule(list(atoms.symbols), atoms.positions, properties=properties)
    except Exception:  # pymatgen's own refusal, before this package sees anything
        return atoms


#: Ways an object comes in.
DOORS: dict[str, Callable[[Atoms], object]] = {"ASE": lambda atoms: atoms, "pymatgen": _by_pymatgen}


def try_object(content: object, door: str = "ASE") -> Outcome:
    """Predict one object."""
    if isinstance(content, Atoms):
        content = DOORS[door](content)
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


def warm_up(cache: Path) -> None:
    """Load the models and the readers, which no answer's time shall include.

    Parameters
    ----------
    cache
        An empty folder for the vectors of new ligands: the encoder is loaded at the first that it does not hold.
    """
    os.environ["XDG_CACHE_HOME"] = str(cache)
    for of in BASES:
        predict([base(of, np.random.default_rng(0))], errors="collect")
    core = base("metal core", np.random.default_rng(0))
    core.info["ligand_smiles"] = {"CCCC(C)CS": 8}
    predict([core])
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


def try_number(n: int) -> list[Trial]:
    """The input of a number, half of them objects and half files, and what came of it."""
    turn = n // 2
    if n % 2:
        format = sorted(FORMATS)[turn % len(FORMATS)]
        return [Trial(n, "file", format, outcome) for outcome in try_file(format, n)]
    name, turn = sorted(MUTATIONS)[turn % len(MUTATIONS)], turn // len(MUTATIONS)
    of, turn = BASES[turn % len(BASES)], turn // len(BASES)
    door = sorted(DOORS)[turn % len(DOORS)]
    return [Trial(n, f"{of}, by {door}", name, try_object(mutated(name, n, of), door))]
