"""Element data: one value per property, each with its source; nothing is imputed.

================================  ============================================================================
property                          source
================================  ============================================================================
electronegativity [Pauling]       Allred, J. Inorg. Nucl. Chem. 1961, 17, 215, as compiled in pymatgen 2026.10
metallic radius [pm]              12-coordinate, Greenwood & Earnshaw, Chemistry of the Elements, 1997,
                                  rounded to whole picometres (Ir 135.5 → 136, Pt 138.5 → 139)
standard atomic mass [g/mol]      IUPAC 2016 (Meija et al., Pure Appl. Chem. 2016, 88, 265) through ASE
cohesive energy [eV/atom]         Kittel, Introduction to Solid State Physics, 8th ed., 2005, table 3.1
ionization energy, first [eV]     NIST Atomic Spectra Database, as compiled in pymatgen 2026.10
electron affinity [eV]            compilation of pymatgen 2026.10; negative = the anion is unbound (estimate)
mixing enthalpy [kJ/mol]          Takeuchi & Inoue, Mater. Trans. 2005, 46, 2817, as compiled in matminer 0.10
================================  ============================================================================

The last is in ``mixing_enthalpies.csv`` beside this file, all others in ``elements.csv``.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

import numpy as np
from ase.data import atomic_masses, atomic_numbers

from ase_bimetal.errors import UnknownElementError

_GROUPS_D_BLOCK = range(3, 13)
# p-block metals that occur as core atoms; Sb, Ge and Po behave as metalloids and are left out.
_P_BLOCK_METALS = frozenset({"Al", "Ga", "In", "Sn", "Tl", "Pb", "Bi"})


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Mapping[str, float]]:
    """Read ``elements.csv`` once; empty cells are left out, so that a lookup of them fails."""
    text = (files("ase_bimetal") / "elements.csv").read_text(encoding="utf-8")
    rows = {}
    for row in csv.DictReader(text.splitlines()):
        symbol = row.pop("symbol")
        rows[symbol] = {name: float(value) for name, value in row.items() if value}
    return MappingProxyType(rows)


def require_known(symbol: str) -> None:
    """Refuse an element without any data here.

    Elements from H to Bi are known; others raise `UnknownElementError`.
    """
    if symbol not in _table():
        raise UnknownElementError(
            f"no data for element {symbol!r}; known: {', '.join(_table())}. Write a symbol of these, such as 'Au'"
        )


def numbers_of(symbols: Sequence[str]) -> np.ndarray:
    """Look up atomic numbers.

    Parameters
    ----------
    symbols
        Element symbols, length N.

    Returns
    -------
    numpy.ndarray
        Shape (N,), read-only.

    Examples
    --------
    >>> numbers_of(["Au", "S"]).tolist()
    [79, 16]
    """
    return _numbers_of(tuple(symbols))


@lru_cache(maxsize=64)  # all that looks at an object asks for them
def _numbers_of(symbols: tuple[str, ...]) -> np.ndarray:
    numbers = np.array([atomic_numbers[symbol] for symbol in symbols], dtype=int)
    numbers.setflags(write=False)
    return numbers


@lru_cache(maxsize=1024)
def _value(symbol: str, column: str, words: str) -> float:
    require_known(symbol)
    table = _table()
    if column not in table[symbol]:
        allowed = ", ".join(s for s, row in table.items() if column in row)
        raise UnknownElementError(
            f"no {words} for element {symbol!r}; known: {allowed}. Choose one of these, or leave what needs it out"
        )
    return table[symbol][column]


def electronegativity(symbol: str) -> float:
    """Look up the Pauling electronegativity [-].

    Raises
    ------
    UnknownElementError
        There is no value for the element. So does every function of this module.

    Examples
    --------
    >>> electronegativity("Au"), electronegativity("Cu")
    (2.54, 1.9)
    """
    return _value(symbol, "electronegativity", "Pauling electronegativity")


def metallic_radius(symbol: str) -> int:
    """Look up the metallic radius [pm, whole].

    It is that for twelve neighbours.

    Examples
    --------
    >>> metallic_radius("Au") == metallic_radius("Ag") == 144
    True
    """
    return int(_value(symbol, "metallic_radius_pm", "12-coordinate metallic radius"))


def atomic_mass(symbol: str) -> float:
    """Look up the standard atomic mass [g/mol].

    Examples
    --------
    >>> round(atomic_mass("Au"), 2)
    196.97
    """
    require_known(symbol)
    return float(atomic_masses[atomic_numbers[symbol]])


def cohesive_energy(symbol: str) -> float:
    """Look up the cohesive energy of the solid [eV/atom].

    It is counted against neutral free atoms.

    Examples
    --------
    >>> cohesive_energy("Au")
    3.81
    """
    return _value(symbol, "cohesive_energy_ev", "cohesive energy")


def ionization_energy(symbol: str) -> float:
    """Look up the first ionization energy [eV].

    Examples
    --------
    >>> round(ionization_energy("Au"), 2)
    9.23
    """
    return _value(symbol, "ionization_energy_ev", "ionization energy")


def electron_affinity(symbol: str) -> float:
    """Look up the electron affinity [eV].

    It is negative when the anion is not bound.

    Examples
    --------
    >>> round(electron_affinity("Au"), 2)
    2.31
    """
    return _value(symbol, "electron_affinity_ev", "electron affinity")


def group(symbol: str) -> int:
    """Group of the periodic table, 1 to 18 (lanthanides: 3).

    Examples
    --------
    >>> group("Pd")
    10
    """
    return int(_value(symbol, "group", "group"))


def period(symbol: str) -> int:
    """Look up the period of the periodic table.

    Examples
    --------
    >>> period("Pd")
    5
    """
    return int(_value(symbol, "period", "period"))


@lru_cache(maxsize=256)
def is_metal(symbol: str) -> bool:
    """Say whether an element can be in a core.

    d-block (groups 3–12) with the lanthanides, and Al, Ga, In, Sn, Tl, Pb, Bi. Alkali and alkaline-earth
    metals are counter-ions in these materials, not core.

    Examples
    --------
    >>> is_metal("Gd"), is_metal("Na"), is_metal("Si")
    (True, False, False)
    """
    return symbol in _P_BLOCK_METALS or (symbol in _table() and group(symbol) in _GROUPS_D_BLOCK)


def mixing_enthalpy(a: str, b: str) -> float:
    """Look up the mixing enthalpy of two elements [kJ/mol].

    It is that of the equimolar liquid; zero for the same element.

    Raises
    ------
    UnknownElementError
        The pair is not in the table. A mean over the table would be an invented value.

    Examples
    --------
    >>> mixing_enthalpy("Au", "Ru"), mixing_enthalpy("Rh", "Au"), mixing_enthalpy("Au", "Au")
    (15.0, 7.0, 0.0)
    """
    if a == b and a in _table():
        return 0.0
    pairs = _mixing_table()
    if frozenset((a, b)) not in pairs:
        known = {symbol for pair in pairs for symbol in pair}
        culprit = next((s for s in (a, b) if s not in known), f"{a}-{b}")
        raise UnknownElementError(
            f"no mixing enthalpy for {a}–{b}: {culprit!r} is not in the Takeuchi–Inoue "
            f"table; known elements: {', '.join(sorted(known))}"
            ". Choose two of these, or leave H_mix out"
        )
    return pairs[frozenset((a, b))]


@lru_cache(maxsize=1)
def _mixing_table() -> Mapping[frozenset[str], float]:
    text = (files("ase_bimetal") / "mixing_enthalpies.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({frozenset((row["element"], row["other"])): float(row["enthalpy"]) for row in rows})


__all__ = [
    "atomic_mass",
    "cohesive_energy",
    "electron_affinity",
    "electronegativity",
    "group",
    "ionization_energy",
    "is_metal",
    "metallic_radius",
    "mixing_enthalpy",
    "numbers_of",
    "period",
    "require_known",
]
