"""Read a screening: as a table, in batches, or one candidate as Atoms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from ase import Atoms

from ase_bimetal.errors import ScreenError
from ase_bimetal.screening import columns as c
from ase_bimetal.screening.store import Store, schema
from ase_bimetal.screening.templates import read_template
from ase_bimetal.structures.templates import with_metals

_UNITS = {column.name: column.unit for column in c.COLUMNS if column.unit}


def screen_info(out: str | Path) -> dict[str, Any]:
    """Read what a results folder says of itself.

    ``config``, ``model``, ``level``, ``reference_state``, ``version`` and ``units``.

    Parameters
    ----------
    out
        Results folder.

    Returns
    -------
    dict
        Level, model with hash, and the unit of every column among others.

    Raises
    ------
    ScreenError
        The folder holds no screening.
    """
    return Store(Path(out)).manifest()


def load_results(out: str | Path, columns: Sequence[str] | None = None, only_passing: bool = False) -> pd.DataFrame:
    """Read all rows of a screening.

    They are in the order of the enumeration.

    Parameters
    ----------
    out
        Results folder.
    columns
        Columns to read; all by default.
    only_passing
        Whether to read only predicted rows that pass all filters.

    Returns
    -------
    pandas.DataFrame
        ``attrs`` holds ``units`` (column → unit), ``model``, ``level`` and ``reference_state``.

    Raises
    ------
    ScreenError
        The folder holds no screening, or a column is unknown.
    """
    info = screen_info(out)
    names = _checked(columns)
    tables = [batch.to_pandas() for batch in _batches(Path(out), names, only_passing)]
    frame = pd.concat(tables, ignore_index=True) if tables else schema().empty_table().to_pandas()[names]
    frame.attrs = {"units": _UNITS, **{key: info[key] for key in ("model", "level", "reference_state")}}
    return frame


def iter_results(
    out: str | Path, columns: Sequence[str] | None = None, only_passing: bool = False
) -> Iterator[pd.DataFrame]:
    """Read the rows of `load_results` in batches.

    A batch has some thousand rows, for screenings larger than the memory.

    Parameters
    ----------
    out, columns, only_passing
        As in `load_results`.

    Yields
    ------
    pandas.DataFrame
        Consecutive rows.

    Raises
    ------
    ScreenError
        As `load_results`.
    """
    names = _checked(columns)
    screen_info(out)
    yield from (batch.to_pandas() for batch in _batches(Path(out), names, only_passing))


def candidate_atoms(out: str | Path, candidate: str) -> Atoms:
    """Build one candidate's geometry as it was predicted.

    Its ligand annotation is on it.

    Parameters
    ----------
    out
        Results folder.
    candidate
        Value of the column ``id``.

    Returns
    -------
    ase.Atoms
        Positions in Å; the metals of the core come first.

    Raises
    ------
    ScreenError
        No row has this id, or it has no geometry.
    """
    store = Store(Path(out))
    for frame in iter_results(out, [c.ID, c.TEMPLATE, c.CORE_SYMBOLS]):
        found = frame[frame[c.ID] == candidate]
        if len(found):
            row = found.iloc[0]
            if not row[c.TEMPLATE] or not (store.templates / f"{row[c.TEMPLATE]}.extxyz").is_file():
                raise ScreenError(
                    f"candidate {candidate!r} has no geometry; its row says why in {c.REASON!r}"
                    ". Choose one whose status is 'ok'"
                )
            return with_metals(read_template(store.templates, row[c.TEMPLATE]), list(row[c.CORE_SYMBOLS]))
    raise ScreenError(
        f"no candidate {candidate!r} in {out}; allowed: values of the column {c.ID!r}. Take one from the results"
    )


def _checked(columns: Sequence[str] | None) -> list[str]:
    known = [column.name for column in c.COLUMNS]
    unknown = [name for name in columns or () if name not in known]
    if unknown:
        raise ScreenError(
            f"unknown column {', '.join(map(repr, unknown))}; allowed: {', '.join(known)}. Choose among these"
        )
    return known if columns is None else list(columns)


def _batches(folder: Path, names: Sequence[str], only_passing: bool) -> Iterator[pa.RecordBatch]:
    wanted = [*names, *([c.PASSES] if only_passing and c.PASSES not in names else [])]
    for batch in Store(folder).batches(wanted):
        if only_passing:
            batch = batch.filter(batch.column(c.PASSES))
        yield batch.select(list(names))
