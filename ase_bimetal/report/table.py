"""The table of candidates as JSON for the page's script."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ase_bimetal.report.results import FRONT, NAME, Results
from ase_bimetal.screening import columns as c

if TYPE_CHECKING:
    import pandas as pd

Cell = Any


@dataclass(frozen=True)
class TableColumn:
    """A column of the page's table.

    Attributes
    ----------
    key
        Name that filters and the address use.
    label, unit, title
        What the head says, the unit below it, and the sentence shown on hovering.
    kind
        ``text``, ``number``, ``measured`` (value and std), ``interval`` (low and high), ``yesno`` or ``flags``.
    sources
        Columns of the screening that fill it.
    digits
        Decimals shown.
    """

    key: str
    label: str
    unit: str
    title: str
    kind: str
    sources: tuple[str, ...]
    digits: int = 0


_COLUMNS = (
    TableColumn("name", "candidate", "", "metal core and ligands", "text", (NAME,)),
    TableColumn("motif", "motif", "", "motif of the metal core, or the support", "text", (c.MOTIF,)),
    TableColumn(
        "arrangement", "placing", "", "which arrangement of the dopants on the core's sites", "number", (c.ARRANGEMENT,)
    ),
    TableColumn("host", "host", "", "majority metal", "text", (c.HOST,)),
    TableColumn("dopant", "dopant", "", "other metal or metals", "text", (c.DOPANTS,)),
    TableColumn(
        "energy",
        "E_form ± std",
        "eV/metal",
        "formation energy per metal atom and one standard deviation",
        "measured",
        (c.FORMATION_ENERGY, c.FORMATION_ENERGY_STD),
        2,
    ),
    TableColumn(
        "interval",
        "90 % interval",
        "eV/metal",
        "ends of the 90 % interval of E_form",
        "interval",
        (c.FORMATION_ENERGY_LOW, c.FORMATION_ENERGY_HIGH),
        2,
    ),
    TableColumn("phi", "φ", "–", "accessibility index", "number", (c.PHI,), 3),
    TableColumn("accessible", "acc.", "", "accessible: φ above −0.3", "yesno", (c.ACCESSIBLE,)),
    TableColumn(
        "mixing", "H_mix", "kJ/mol", "mixing enthalpy; below 0 the metals mix", "number", (c.MIXING_ENTHALPY,), 1
    ),
    TableColumn("log_p", "log P", "–", "Crippen log P, mean over the ligands", "number", (c.LOG_P,), 2),
    TableColumn("front", "front", "", "on the Pareto front of E_form and φ", "yesno", (FRONT,)),
    TableColumn(
        "flags", "flags", "", "what the prediction should not be trusted for; listed below", "flags", (c.FLAGS,)
    ),
    TableColumn("reduced", "D̃", "–", "reduced metal–metal distance", "number", (c.REDUCED_DISTANCE,), 3),
    TableColumn("chi_env", "χ_env", "Pauling", "environment electronegativity", "number", (c.CHI_ENV,), 2),
    TableColumn(
        "cost", "metal cost", "", "price of the core's metals, from the prices given", "number", (c.METAL_COST,), 0
    ),
    TableColumn(
        "critical",
        "critical",
        "",
        "critical raw materials in the core, Regulation (EU) 2024/1252",
        "text",
        (c.CRITICAL_METALS,),
    ),
    TableColumn("passes", "passes", "", "passes the filters of the screening", "yesno", (c.PASSES,)),
    TableColumn("id", "id", "", "id of the row in the screening", "text", (c.ID,)),
)
#: Columns shown only if they say something: more than one arrangement, ligands, prices given, something filtered out.
_IF_USED: dict[str, Callable[[pd.Series], bool]] = {
    "arrangement": lambda values: values.nunique() > 1,
    "log_p": lambda values: values.notna().any(),
    "cost": lambda values: values.notna().any(),
    "critical": lambda values: values.map(len).any(),
    "passes": lambda values: not values.all(),
}


def table_block(results: Results, limit: int) -> tuple[str, list[str]]:
    """Write the table as JSON.

    The flags that its rows refer to by number stand beside it.

    Parameters
    ----------
    results
        The screening.
    limit
        At most so many rows, best first.
    """
    frame = results.predicted.head(limit)
    shown = [col for col in _COLUMNS if col.key not in _IF_USED or _IF_USED[col.key](frame[col.sources[0]])]
    currency = results.info["config"].get("currency") or "price"
    shown = [replace(col, unit=f"{currency}/kg") if col.key == "cost" else col for col in shown]
    flags = list(dict.fromkeys(flag for row in frame[c.FLAGS] for flag in row))
    places = {flag: i for i, flag in enumerate(flags)}
    filled = [_cells(col, frame, places) for col in shown]
    rows = [[place, *cells] for place, cells in enumerate(zip(*filled, strict=True), start=1)]
    heads = [_head(TableColumn("rank", "#", "", "place in the ranking", "number", ("rank",))), *map(_head, shown)]
    text = json.dumps({"columns": heads, "rows": rows, "flags": flags}, ensure_ascii=False, separators=(",", ":"))
    return text, flags


def _head(column: TableColumn) -> dict[str, Any]:
    return {
        "key": column.key,
        "label": column.label,
        "unit": column.unit,
        "title": column.title,
        "kind": column.kind,
        "digits": column.digits,
        "names": column.sources,
    }


def _cells(column: TableColumn, frame: pd.DataFrame, places: dict[str, int]) -> list[Cell]:
    """Cells of one column; unknown values are null."""
    series = [frame[source] for source in column.sources]
    if column.kind == "flags":
        return [[places[flag] for flag in flags] for flags in series[0]]
    make = _MAKERS[column.kind]
    return [make(values, column.digits) for values in zip(*series, strict=True)]


def _number(value: Any, digits: int) -> float | None:
    known = value is not None and math.isfinite(value)
    return round(float(value), digits + 2) if known else None


def _yes_or_no(value: Any) -> bool | None:
    return None if value is None or value != value else bool(value)


def _words(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else ", ".join(value)


_MAKERS: dict[str, Callable[[tuple[Any, ...], int], Cell]] = {
    "text": lambda values, digits: _words(values[0]),
    "number": lambda values, digits: _number(values[0], digits),
    "measured": lambda values, digits: [_number(value, digits) for value in values],
    "interval": lambda values, digits: [_number(value, digits) for value in values],
    "yesno": lambda values, digits: _yes_or_no(values[0]),
}
