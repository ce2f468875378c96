"""One hostile input, and what came of it."""

from __future__ import annotations

import io
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write
from hostile_mutations import DAMAGED, EXAMPLE, MUTATIONS, base, damaged, mutated
from hypothesis import strategies as st

from ase_bimetal import load_example
from ase_bimetal.errors import BimetalError, UnexpectedError
from ase_bimetal.io import read_frames
from ase_bimetal.model.interface import Failure
from ase_bimetal.model.registry import predict

#: Formation energies [eV/metal] that labels and their neighbourhood have; a plain number outside is silently wrong.
USUAL = (-5.5, 0.5)
#: Longest answer [s of the processor, since other programs may slow the clock] to a cluster of less than 10⁵ atoms.
PATIENCE = 2.0
FORMATS = {
    "extxyz": "a.extxyz",
    "cif": "a.cif",
    "vasp": "POSCAR",
    "json": "a.json",
    "traj": "a.traj",
    "xsf": "a.xsf",
    "gen": "a.gen",
    "proteindatabank": "a.pdb",
    "db": "a.db",
    "yaml": "a.yaml",
    "aims": "geometry.in",
    "castep-cell": "a.cell",
}
#: Outcomes that must not be.
WRONG = ("silent number", "foreign exception", "not finite", "late", "words", "death", "hang")
#: Warnings that Python shows to nobody.
_HIDDEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


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
            return Structure(
                atoms.cell.array, list(atoms.symbols), atoms.positions, coords_are_cartesian=True, properties=properties
            )
        return Molecule(list(atoms.symbols), atoms.positions, properties=properties)
    except Exception:  # pymatgen's own refusal, before this package sees anything
        return atoms


#: Ways an object comes in.
DOORS: dict[str, Callable[[Atoms], object]] = {"ASE": lambda atoms: atoms, "pymatgen": _by_pymatgen}


@contextmanager
def listening() -> Iterator[list[str]]:
    """What is said meanwhile: warnings, log lines, and prints of Python and of compiled libraries."""
    said: list[str] = []
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    with (
        warnings.catch_warnings(record=True) as warned,
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
        _listening_below_python() as below,
    ):
        warnings.resetwarnings()
        for category in _HIDDEN:
            warnings.simplefilter("ignore", category)
        logging.root.addHandler(handler)
        try:
            yield said
        finally:
            logging.root.removeHandler(handler)
    texts = [
        *(f"{item.category.__name__}: {item.message}" for item in warned),
        logged.getvalue(),
        out.getvalue(),
        err.getvalue(),
        *below,
    ]
    said += [text.strip() for text in texts if text.strip()]


@contextmanager
def _listening_below_python() -> Iterator[list[str]]:
    """What goes to the streams of the process past Python's own."""
    said: list[str] = []
    kept = [os.dup(number) for number in (1, 2)]
    with tempfile.TemporaryFile() as heard:
        for number in (1, 2):
            os.dup2(heard.fileno(), number)
        try:
            yield said
        finally:
            for number, copy in zip((1, 2), kept, strict=True):
                os.dup2(copy, number)
                os.close(copy)
            heard.seek(0)
            said.append(heard.read().decode(errors="replace"))


def try_object(content: object, door: str = "ASE") -> Outcome:
    """Predict one object."""
    if isinstance(content, Atoms):
        content = DOORS[door](content)
    start = time.process_time()
    with listening() as said:
        outcome = _predicted(content, start)
    return Outcome("words", said[0][:500], outcome.seconds) if said and not outcome.is_wrong else outcome


def _predicted(content: object, start: float) -> Outcome:
    try:
        [found] = predict([content], errors="collect")
    except Exception as error:  # any is what this looks for
        return Outcome("foreign exception", f"{type(error).__name__}: {error}", time.process_time() - start)
    seconds = time.process_time() - start
    if seconds > PATIENCE:
        return Outcome("late", f"{seconds:.1f} s", seconds)
    if isinstance(found, Failure):
        return _refusal(found.error, seconds)
    energy = found.formation_energy_per_metal
    if not np.isfinite(energy):
        return Outcome("not finite", str(energy), seconds)
    if found.flags:
        return Outcome("flagged number", f"{energy:.2f}", seconds)
    return Outcome("number" if USUAL[0] < energy < USUAL[1] else "silent number", f"{energy:.2f}", seconds)


def try_file(format: str, seed: int) -> list[Outcome]:
    """Damage a file of one format, read it, predict what it holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FORMATS[format]
        path.write_bytes(damaged(_whole(format), seed))
        return try_path(path)


def try_path(path: Path) -> list[Outcome]:
    """Read a file, predict what it holds."""
    start = time.process_time()
    with listening() as said:
        try:
            frames = [frame.content for frame in read_frames(path)]
        except Exception as error:  # any is what this looks for
            return [Outcome("foreign exception", f"{type(error).__name__}: {error}", time.process_time() - start)]
    seconds = time.process_time() - start
    if seconds > PATIENCE:
        return [Outcome("late", f"reading took {seconds:.1f} s", seconds)]
    if said:
        return [Outcome("words", said[0][:500], seconds)]
    return [
        _refusal(content, seconds) if isinstance(content, BimetalError) else try_object(content) for content in frames
    ]


def _refusal(error: BimetalError, seconds: float) -> Outcome:
    """A typed error; one that stands for anything that went wrong is a fault."""
    if isinstance(error, UnexpectedError):
        return Outcome("foreign exception", str(error), seconds)
    return Outcome("typed error", type(error).__name__, seconds)


def warm_up(cache: Path) -> None:
    """Load the models and the readers, which no answer's time shall include.

    Parameters
    ----------
    cache
        An empty folder for the vectors of new ligands: the encoder is loaded at the first that it does not hold.
    """
    os.environ["XDG_CACHE_HOME"] = str(cache)
    for of in DAMAGED:
        predict([base(of, np.random.default_rng(0))], errors="collect")
    core = base("metal core", np.random.default_rng(0))
    core.info["ligand_smiles"] = {"CCCC(C)CS": 8}
    predict([core])
    for format in FORMATS:
        try_file(format, 0)


@lru_cache(maxsize=len(FORMATS))
def _whole(format: str) -> bytes:
    cluster = load_example(EXAMPLE)
    content = Atoms(cluster.symbols, cluster.positions, cell=[30] * 3, pbc=True)
    content.info["ligand_smiles"] = cluster.info["ligand_smiles"] if format == "extxyz" else {}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / FORMATS[format]
        if format == "yaml":  # a few atoms, for it is read slowly
            _by_pymatgen(content[:6]).to(str(path), fmt="yaml")
        else:
            write(path, content, format=format)
        return path.read_bytes()


def objects() -> st.SearchStrategy[tuple[str, int, str, str]]:
    """Names, seeds and bases for `mutated`, and a door."""
    return st.tuples(
        st.sampled_from(sorted(MUTATIONS)),
        st.integers(0, 2**32 - 1),
        st.sampled_from(DAMAGED),
        st.sampled_from(sorted(DOORS)),
    )


def files() -> st.SearchStrategy[tuple[str, int]]:
    """Formats and seeds for `try_file`."""
    return st.tuples(st.sampled_from(sorted(FORMATS)), st.integers(0, 2**32 - 1))


def try_number(n: int) -> list[Trial]:
    """The input of a number, half of them objects and half files, and what came of it."""
    turn = n // 2
    if n % 2:
        format = sorted(FORMATS)[turn % len(FORMATS)]
        return [Trial(n, "file", format, outcome) for outcome in try_file(format, n)]
    name, turn = sorted(MUTATIONS)[turn % len(MUTATIONS)], turn // len(MUTATIONS)
    of, turn = DAMAGED[turn % len(DAMAGED)], turn // len(DAMAGED)
    door = sorted(DOORS)[turn % len(DOORS)]
    return [Trial(n, f"{of}, by {door}", name, try_object(mutated(name, n, of), door))]
