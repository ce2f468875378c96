"""Which metals are hard to get or restricted by law; prices are the reader's own.

``metal_supply.csv`` holds two lists, each a fact of European law that can be looked up:

- critical and strategic raw materials: Regulation (EU) 2024/1252, annexes II and I (platinum group metals and rare
  earths are listed there as groups);
- restricted metals: Directive 2011/65/EU (RoHS), annex II (cadmium, mercury, lead).

A metal without a row is on neither list. Prices change by the day and are therefore not shipped.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files

from ase_bimetal import elements


@lru_cache(maxsize=1)
def _listed() -> Mapping[str, frozenset[str]]:
    text = (files("ase_bimetal.screening") / "metal_supply.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return {
        kind: frozenset(row["symbol"] for row in rows if row[kind] == "yes")
        for kind in ("critical", "strategic", "restricted")
    }


def is_critical(symbol: str) -> bool:
    """Say whether a metal is a critical raw material.

    The list is Regulation (EU) 2024/1252, annex II.

    Parameters
    ----------
    symbol
        Element of the metal.

    Returns
    -------
    bool
        False for metals that the list does not have.

    Examples
    --------
    >>> is_critical("Pd"), is_critical("Ag")
    (True, False)
    """
    return symbol in _listed()["critical"]


def is_strategic(symbol: str) -> bool:
    """Say whether a metal is a strategic raw material.

    The list is Regulation (EU) 2024/1252, annex I.

    Parameters
    ----------
    symbol
        Element of the metal.

    Returns
    -------
    bool
        False for metals that the list does not have.

    Examples
    --------
    >>> is_strategic("Co"), is_strategic("V")
    (True, False)
    """
    return symbol in _listed()["strategic"]


def is_restricted(symbol: str) -> bool:
    """Say whether RoHS restricts a metal.

    The list is Directive 2011/65/EU, annex II.

    Parameters
    ----------
    symbol
        Element of the metal.

    Returns
    -------
    bool
        False for metals that the list does not have.

    Examples
    --------
    >>> is_restricted("Cd"), is_restricted("Zn")
    (True, False)
    """
    return symbol in _listed()["restricted"]


def metal_cost(symbols: Iterable[str], prices: Mapping[str, float]) -> float | None:
    """Compute a core's price per kilogram of metal.

    None when there are no prices.

    Parameters
    ----------
    symbols
        Element of each metal atom.
    prices
        Price per kilogram of each metal, in one currency.

    Returns
    -------
    float or None
        Price per kilogram, in the currency of the prices.

    Examples
    --------
    >>> metal_cost(["Cu", "Cu"], {"Cu": 9.0})
    9.0
    """
    if not prices:
        return None
    symbols = list(symbols)
    masses = [elements.atomic_mass(s) for s in symbols]
    return sum(m * prices[s] for m, s in zip(masses, symbols, strict=True)) / sum(masses)
