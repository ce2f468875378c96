"""One's own energies as training rows: extended XYZ, ASE databases, CSV tables or packed labels of any level."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ase import Atoms

from ase_bimetal.errors import (
    BimetalError,
    FileFormatError,
    LevelError,
    LigandError,
    MissingDataError,
    ReferenceStateError,
)
from ase_bimetal.formation import formation_energy
from ase_bimetal.io.read import read_frames
from ase_bimetal.io.results import from_row
from ase_bimetal.ligands import Ligand
from ase_bimetal.model.predictor import require_supported
from ase_bimetal.numbers import number
from ase_bimetal.system import BimetallicSystem, as_system

PACKED = ".json.xz"
#: No formation energy is this far from zero [eV/metal]: beyond it, energy and fragments are of different levels.
FARTHEST_ENERGY = 12.0
#: A row on which a fitted fragment energy rests alone has this leverage, and says nothing beyond it.
_ALONE = 0.999
_TINY_RIDGE = 1e-8


@dataclass(frozen=True)
class Columns:
    """Where the energies are.

    Attributes
    ----------
    energy
        Key of the total energy [eV]: a column of a CSV table, a key of ``Atoms.info``, a database's key, or a
        calculator's result.
    formation_energy
        Key of the formation energy [eV/metal], read in place of the total energy.
    """

    energy: str = "energy"
    formation_energy: str | None = None

    @property
    def key(self) -> str:
        """The key that is read."""
        return self.formation_energy or self.energy


@dataclass(frozen=True)
class OwnRow:
    """One structure with its energy.

    It is a total energy [eV], or a formation energy [eV/metal] (see `Columns`).
    """

    name: str
    atoms: Atoms
    system: BimetallicSystem
    value: float


@dataclass(frozen=True)
class LeftOut:
    """A row that is not trained on, and why."""

    name: str
    error: BimetalError

    @property
    def reason(self) -> str:
        """Row, error class and message in one line."""
        return f"{self.name}: {type(self.error).__name__}: {self.error}"


@dataclass(frozen=True)
class OwnData:
    """Rows ready to train on.

    Attributes
    ----------
    frame
        ``name``, ``atoms``, ``family`` (always ``"own"``) and ``formation_energy`` [eV/metal, dimer reference].
    left_out
        Rows that cannot be used.
    level
        Level of theory, as given; it says so when the fragment energies were fitted.
    fragments
        Reference energies [eV] in the schema of `ase_bimetal.formation.formation_energy`; without entries when they
        were fitted or not needed.
    fitted_fragments
        Metal symbol or SMILES → fitted fragment energy [eV]; empty when they were given.
    digest
        First 12 hex digits of the data file's sha256.
    """

    frame: pd.DataFrame
    left_out: tuple[LeftOut, ...]
    level: str
    fragments: dict[str, Any]
    fitted_fragments: dict[str, float]
    digest: str


def load_own_data(
    path: Path,
    level: str,
    columns: Columns | None = None,
    fragment_energies: Path | None = None,
    zero: Any = None,
) -> OwnData:
    """Read structures with energies and turn them into formation energies.

    Parameters
    ----------
    path
        Extended XYZ or any other file of structures, an ASE database, a CSV table with the column ``file``
        (structure files beside the table, with ASE's index if wanted) and optionally ``ligands``
        (``PET:8 PPh3:2``) and ``charge``, or packed labels (``.json.xz``).
    level
        Level of theory of the energies, as it will be printed beside every prediction.
    columns
        Names of the energies.
    fragment_energies
        JSON file of fragment energies at the same level: ``atoms``, ``ligands``, ``H2``; see `read_fragment_energies`.
        Without it, total energies have them fitted.
    zero
        What fitted fragment energies are measured from: a function of systems that gives formation energies (n,) in
        eV/metal, such as a model's; 0 for all without one.

    Raises
    ------
    MissingDataError
        No row can be used, or there are too few to fit fragment energies to.
    FileFormatError
        The file has no such column or is of no known format.
    """
    path, columns = Path(path), columns or Columns()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    if path.name.endswith(PACKED):
        return _packed(path, level)
    found = list(_rows(path, columns))
    rows = [item for item in found if isinstance(item, OwnRow)]
    bad = [item for item in found if isinstance(item, LeftOut)]
    if not rows:
        raise MissingDataError(_no_row(path, bad))
    fragments: dict[str, Any] = {"atoms": {}, "ligands": {}, "H2": None}
    fitted: dict[str, float] = {}
    if columns.formation_energy:
        values: list[float | BimetalError] = [row.value for row in rows]
    elif fragment_energies is not None:
        fragments = read_fragment_energies(fragment_energies)
        values = [_formation(row, fragments) for row in rows]
    else:
        values, fitted = fitted_energies(rows, zero)
        level = f"{level}, fragment energies fitted"
    frame, more = _sorted_out(rows, values)
    if frame.empty:
        raise MissingDataError(_no_row(path, [*bad, *more]))
    return OwnData(frame, (*bad, *more), level, fragments, fitted, digest)


def _no_row(path: Path, left_out: list[LeftOut]) -> str:
    reasons = "; ".join(item.reason for item in left_out[:3])
    return (
        f"{path.name} holds no row to train on: {reasons or 'it is empty'}. Give structures with energies, "
        "--energy-key for another name of them"
    )


def read_fragment_energies(path: Path) -> dict[str, Any]:
    """Read fragment energies [eV] from JSON.

    Every ligand comes under its canonical SMILES.

    The file holds ``atoms`` (symbol → isolated neutral atom), ``ligands`` (SMILES or name → ``free`` and, for anionic
    ligands, ``dimer`` and ``radical``) and ``H2``.

    Raises
    ------
    FileFormatError
        The file is no JSON, or lacks ``atoms`` or ``ligands``.
    LigandError
        A ligand cannot be read.
    """
    try:
        content = json.loads(Path(path).read_text())
    except ValueError as error:
        raise FileFormatError(f"{path}: no JSON: {error}") from error
    missing = {"atoms", "ligands"} - set(content)
    if missing:
        raise FileFormatError(f"{path} lacks {', '.join(sorted(missing))}; allowed: atoms, ligands, H2")
    ligands = {
        Ligand.parse(name).smiles: {"free": None, "dimer": None, "radical": None} | forms
        for name, forms in content["ligands"].items()
    }
    return {"atoms": content["atoms"], "ligands": ligands, "H2": content.get("H2")}


def fitted_energies(rows: list[OwnRow], zero: Any = None) -> tuple[list[float | BimetalError], dict[str, float]]:
    """Compute formation energies against fitted fragment energies.

    They are fitted to the total energies themselves.

    One energy per metal and per ligand, by ridge regression of the energy per metal atom on the counts per metal
    atom. What depends on composition alone cannot be told from them: it is part of them, unless ``zero`` carries it.

    Parameters
    ----------
    rows
        Structures with total energies [eV].
    zero
        Formation energies (n,) [eV/metal] of a list of systems, which the fragment energies leave over; None for 0.

    Returns
    -------
    tuple
        Formation energies [eV/metal], or the error of a row on which a fragment energy rests alone; and the fragment
        energies [eV].

    Raises
    ------
    MissingDataError
        Fewer than two rows for each independent fragment energy.
    """
    from sklearn.linear_model import Ridge

    counts = [row.system.composition_metals | row.system.ligand_counts for row in rows]
    names = sorted({name for count in counts for name in count})
    n_metals = np.array([row.system.n_metals for row in rows])
    x = np.array([[count.get(name, 0) for name in names] for count in counts], dtype=float).reshape(len(rows), -1)
    x /= n_metals[:, None]
    rank = int(np.linalg.matrix_rank(x)) if len(rows) else 0
    if len(rows) < max(2 * rank, 4):
        raise MissingDataError(
            f"{len(rows)} usable rows are too few to fit {rank} independent fragment energies "
            f"({', '.join(names)}); allowed: {max(2 * rank, 4)} rows, or --fragment-energies"
        )
    base = np.zeros(len(rows)) if zero is None else np.asarray(zero([row.system for row in rows]))
    y = np.array([row.value for row in rows]) / n_metals
    ridge = Ridge(_TINY_RIDGE, fit_intercept=False, solver="svd").fit(x, y - base)
    left = np.linalg.svd(x, full_matrices=False)[0][:, :rank]
    alone = (left**2).sum(axis=1) > _ALONE
    values = y - x @ ridge.coef_
    reason = MissingDataError(
        "a fitted fragment energy rests on this row alone; allowed: another row with the same "
        "metal or ligand, or --fragment-energies"
    )
    return (
        [reason if single else float(value) for value, single in zip(values, alone, strict=True)],
        dict(zip(names, ridge.coef_.round(6).tolist(), strict=True)),
    )


def _packed(path: Path, level: str) -> OwnData:
    from ase_bimetal.lab.labels.dataset import load_labels
    from ase_bimetal.lab.training.data import trainable

    data = load_labels(path)
    frame = trainable(data.frame).rename(columns={"id": "name"})[["name", "atoms", "formation_energy"]]
    return OwnData(frame.assign(family="own"), (), level, data.fragments, {}, data.digest)


def _rows(path: Path, columns: Columns) -> Iterator[OwnRow | LeftOut]:
    for name, content, given in _entries(path, columns):
        try:
            yield _row(name, content, given, columns)
        except BimetalError as error:
            yield LeftOut(name, error)


def _entries(path: Path, columns: Columns) -> Iterator[tuple[str, object, Mapping[str, Any]]]:
    """Name, structure or error, and further values of every entry of a file."""
    if path.suffix == ".csv":
        yield from _table_entries(path, columns)
    elif path.suffix == ".db":
        yield from _database_entries(path)
    else:
        yield from ((Path(frame.name).name, frame.content, {}) for frame in read_frames(path))


def _table_entries(path: Path, columns: Columns) -> Iterator[tuple[str, object, Mapping[str, Any]]]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        table = csv.DictReader(stream)
        missing = {"file", columns.key} - set(table.fieldnames or ())
        if missing:
            raise FileFormatError(
                f"{path.name} lacks the columns {', '.join(sorted(missing))}; it has "
                f"{', '.join(table.fieldnames or ()) or 'none'}"
            )
        for number, row in enumerate(table, start=2):
            name = f"{path.name}, line {number} ({row['file']})"
            yield name, _single_frame(path.parent / row["file"]), row


def _single_frame(path: Path) -> object:
    try:
        frames = list(read_frames(path))
    except (OSError, FileFormatError) as error:
        return FileFormatError(str(error))
    if len(frames) != 1:
        return FileFormatError(f"{path.name} holds {len(frames)} structures; allowed: one, or one index as in @3")
    return frames[0].content


def _database_entries(path: Path) -> Iterator[tuple[str, object, Mapping[str, Any]]]:
    from ase.db import connect

    for row in connect(path, serial=True).select():
        given = {"ligands": row.data.get("ligand_smiles")} | dict(row.key_value_pairs)
        yield f"{path.name}, id {row.id}", from_row(row), given


def _row(name: str, content: object, given: Mapping[str, Any], columns: Columns) -> OwnRow:
    """Check one entry and find its number.

    Raises
    ------
    BimetalError
        The structure cannot be read or described, is charged or carries no ligands, or the energy is missing.
    """
    if isinstance(content, BimetalError):
        raise content
    atoms = content if isinstance(content, Atoms) else as_system(content).to_atoms()
    if given.get("charge"):
        atoms.info["charge"] = given["charge"]
    ligands = given.get("ligands") or None
    system = as_system(atoms, _parse_counts(ligands) if isinstance(ligands, str) else ligands)
    require_supported(system)
    if system.ligand_counts:
        atoms.info["ligand_smiles"] = system.ligand_counts
    return OwnRow(name, atoms, system, _number(atoms, given, columns.key))


def _parse_counts(text: str) -> dict[str, int]:
    """Ligands of a table's cell, ``PET:8 PPh3:2``."""
    found: dict[str, int] = {}
    for item in text.replace(";", " ").split():
        name, _, count = item.rpartition(":")
        if not name or not count.isdigit():
            raise LigandError(f"{item!r} is not NAME:count or SMILES:count")
        found[name] = found.get(name, 0) + int(count)
    return found


def _number(atoms: Atoms, given: Mapping[str, Any], key: str) -> float:
    results = getattr(atoms.calc, "results", {})
    value = next((source[key] for source in (given, atoms.info, results) if source.get(key) not in (None, "")), None)
    if value is None:
        offered = sorted(k for source in (given, atoms.info, results) for k in source)
        raise MissingDataError(f"no {key!r}; the row has {', '.join(offered) or 'nothing'}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise MissingDataError(f"{key!r} is {value!r}, which is no number") from None
    if not np.isfinite(number):
        raise MissingDataError(f"{key!r} is {number}, which is not finite")
    return number


def _formation(row: OwnRow, fragments: dict[str, Any]) -> float | BimetalError:
    """Eq. (1) with given fragment energies; the error when one of them is missing."""
    if missing := sorted(set(row.system.metal_symbols) - set(fragments["atoms"])):
        return MissingDataError(
            f"no fragment energy of the isolated atom {', '.join(missing)}; the file has "
            f"{', '.join(sorted(fragments['atoms']))}"
        )
    for ligand, _ in row.system.ligands:
        forms, needed = fragments["ligands"].get(ligand.smiles), "free" if ligand.type == "L" else "dimer"
        if forms is None or forms[needed] is None:
            return ReferenceStateError(
                f"no {needed!r} fragment energy of ligand {ligand.smiles!r}; the file has "
                f"{', '.join(sorted(fragments['ligands']))}"
            )
    return formation_energy(row.value, row.system.metal_symbols, row.system.ligand_counts, fragments)


def _sorted_out(rows: list[OwnRow], values: list[float | BimetalError]) -> tuple[pd.DataFrame, list[LeftOut]]:
    """Rows with a formation energy as a table, the others with their reasons."""
    good, bad = [], []
    for row, value in zip(rows, values, strict=True):
        if isinstance(value, BimetalError):
            bad.append(LeftOut(row.name, value))
        elif abs(value) > FARTHEST_ENERGY:
            bad.append(
                LeftOut(
                    row.name,
                    LevelError(
                        f"formation energy {number(value, 1)} eV/metal; allowed: within ±{FARTHEST_ENERGY:g}. Are "
                        "energy and fragment energies of one level and in eV?"
                    ),
                )
            )
        else:
            good.append({"name": row.name, "atoms": row.atoms, "formation_energy": value, "family": "own"})
    return pd.DataFrame(good, columns=["name", "atoms", "formation_energy", "family"]), bad


__all__ = ["Columns", "LeftOut", "OwnData", "OwnRow", "fitted_energies", "load_own_data", "read_fragment_energies"]
