"""Tables of the page on speed, from what `make bench` stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

STORED = Path(__file__).parents[2] / "benchmarks" / "bench.json"
#: Parts that have no table of their own.
_WAITS = ("batch", "search", "screening", "networks", "ligand", "cold", "training", "labelling")

Row = Mapping[str, Any]


def benchmarks(part: str | None) -> str:
    """One of the tables: ``energies``, ``descriptors``, ``waits`` or ``about``."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    if part == "about":
        return _about(stored)
    if part == "waits":
        return _waits(row for name in _WAITS for row in stored["tables"][name])
    return _beside_others(stored["tables"][part])


def _beside_others(rows: list[Row]) -> str:
    """CPU times of this package and of others, with how many times longer they take."""
    others = list(dict.fromkeys(name for row in rows for name in row["peers"]))
    head = ["", "this package", *others, "last"]
    return _table(
        head,
        [
            [
                row["case"],
                _ms(row["now"]),
                *(_times(row["peers"].get(name), row["now"]) for name in others),
                _ratio(row["last"]),
            ]
            for row in rows
        ],
    )


def _waits(rows: Iterable[Row]) -> str:
    """What users wait for, with the way it was done before."""
    return _table(
        ["", "now", "before", "before / now", "beside", "last"],
        [
            [
                row["case"],
                _ms(row["now"]),
                _ms(row["before"]),
                _ratio(row["before"] and row["before"] / row["now"]),
                ", ".join(f"{name} {_ms(ms)}, ×{row['now'] / ms:.2f}" for name, ms in row["peers"].items()),
                _ratio(row["last"]),
            ]
            for row in rows
        ],
    )


def _about(stored: Mapping[str, Any]) -> str:
    """Where it was measured, and what was absent."""
    about = stored["about"]
    lines = [
        f"{about['processor']}, Python {about['python']}, torch {about['torch']}, ase-bimetal "
        f"{about['ase-bimetal']}; {about['load']}."
    ]
    lines += [f"Absent: {name} ({reason})." for name, reason in stored["absent"].items()]
    return " ".join(lines)


def _table(head: list[str], rows: list[list[str]]) -> str:
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _ms(value: float | None) -> str:
    """Three digits, in ms."""
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _times(value: float | None, ours: float) -> str:
    return "" if value is None else f"{_ms(value)} (×{_ms(value / ours)})"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


__all__ = ["benchmarks"]
