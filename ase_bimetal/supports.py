"""Frameworks, oxides and sheets: what carries metal and is no ligand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ase_bimetal import elements
from ase_bimetal.neighbors import Pairs
from ase_bimetal.shell import BOND_FACTOR, CONTACT_FACTOR, Shell, mask_of, metal_contacts, radii_of

# A fused carbon sheet: larger than any common ligand, with many rings, some atoms inside it (three neighbours with
# three neighbours each: none in dppz or phthalocyanine), held by several N or O.
_SHEET_MIN_HEAVY, _SHEET_MIN_RINGS, _SHEET_MIN_INNER, _SHEET_MIN_CONTACTS = 21, 4, 1, 2
_OTHER_ANIONS = frozenset({"S", "Se", "Te", "N"})
# On a sheet of a sulfide, single metal atoms lie over three sulfur atoms.
_OTHER_COORDINATION = 4
# Metal atoms of an oxide have at least so many oxide ions around them on average; metal on top of it has fewer.
_OXIDE_COORDINATION = 3
# Of metals that are all in an oxide, one of this share is its cation, where two others are left to be the core.
_OXIDE_SHARE = 0.75


def support_cations(symbols: Sequence[str], metals: np.ndarray, pairs: Pairs) -> np.ndarray:
    """List the metal atoms that belong to an oxide.

    They are cations, and no part of the core.

    An element belongs to the oxide when its atoms have three oxide ions (oxygen without a non-metal neighbour) around
    them on average; in a periodic object without oxygen, four of sulfur, selenium, tellurium or nitrogen. When every
    metal does, as single atoms set into an oxide, an element of three quarters of them all is the cation, provided that
    two other elements are left; a doped oxide keeps its metals.

    Examples
    --------
    >>> from ase_bimetal.neighbors import pairs_within
    >>> from ase_bimetal.shell import find_metals, search_cutoff
    >>> symbols = ["Ti", "O", "O", "O", "Au"]
    >>> xyz = np.array([[0, 0, 0], [2.0, 0, 0], [0, 2.0, 0], [0, 0, 2.0], [0, 0, 4.1]])
    >>> pairs = pairs_within(xyz, np.zeros((3, 3)), (False,) * 3, search_cutoff(symbols))
    >>> support_cations(symbols, find_metals(symbols), pairs).tolist()
    [0]
    """
    elements_present = sorted({symbols[i] for i in metals.tolist()})
    anions = frozenset({"O"}) if "O" in symbols else _OTHER_ANIONS & set(symbols) if pairs.shift.any() else frozenset()
    least = _OXIDE_COORDINATION if "O" in anions else _OTHER_COORDINATION
    if not anions or len(elements_present) < 2:
        return np.empty(0, dtype=int)
    names, radii, is_metal = np.array(symbols), radii_of(symbols), mask_of(metals, len(symbols))
    ratio = pairs.distance / (radii[pairs.first] + radii[pairs.second])
    covalent = (ratio < BOND_FACTOR) & ~is_metal[pairs.first] & ~is_metal[pairs.second]
    oxide = np.isin(names, sorted(anions))
    oxide[pairs.first[covalent]] = False
    touching = is_metal[pairs.first] & oxide[pairs.second] & (ratio < CONTACT_FACTOR)
    count = np.bincount(pairs.first[touching], minlength=len(symbols))
    of_element = {s: metals[names[metals] == s] for s in elements_present}
    in_oxide = [s for s, rows in of_element.items() if count[rows].mean() >= least]
    if len(in_oxide) == len(elements_present):
        many = [s for s, rows in of_element.items() if len(rows) >= _OXIDE_SHARE * len(metals)]
        in_oxide = many if len(elements_present) > 2 else []
    return np.array(sorted(i for s in in_oxide for i in of_element[s].tolist()), dtype=int)


def is_extended(symbols: Sequence[str], metals: np.ndarray, shell: Shell, pairs: Pairs) -> bool:
    """Say whether the metal sits on a framework.

    Zeolite, oxide or N-doped carbon, and not a shell of ligands.

    True when a fragment runs through the cell, holds cations of an oxide, holds silicon with three or more oxygens and
    binds by no sulfur, or is a large sheet of fused rings that touches metal by several N or O; also for a periodic
    solid with bare oxide ions.
    """
    if any(shell.endless):
        return True
    suspects = [f for f in shell.fragments if _may_be_framework(f, symbols, pairs)]
    if not suspects:
        return False
    held_by = _donors_by_fragment(suspects, metal_contacts(symbols, metals, shell, pairs))
    return any(
        _is_framework(f, [int(i) for i in donors], symbols, shell) for f, donors in zip(suspects, held_by, strict=True)
    )


def _may_be_framework(fragment: np.ndarray, symbols: Sequence[str], pairs: Pairs) -> bool:
    if len(fragment) == 1:
        return symbols[fragment[0]] == "O" and bool(pairs.shift.any())
    names = {symbols[i] for i in fragment}
    return {"Si", "O"} <= names or len(fragment) >= _SHEET_MIN_HEAVY or any(map(elements.is_metal, names))


def _donors_by_fragment(fragments: Sequence[np.ndarray], contacts: np.ndarray) -> list[np.ndarray]:
    return [np.intersect1d(contacts[:, 0], fragment) for fragment in fragments]


def _is_framework(fragment: np.ndarray, donors: Sequence[int], symbols: Sequence[str], shell: Shell) -> bool:
    names = [symbols[i] for i in fragment]
    if len(fragment) == 1:
        return bool(donors)
    if any(map(elements.is_metal, names)):
        return True
    if "Si" in names and "O" in names:
        oxygens = Counter(int(a) for pair in shell.bonds for a, b in (pair, pair[::-1]) if symbols[b] == "O")
        soft = any(symbols[i] in ("S", "Se", "P") for i in donors)
        return not soft and any(symbols[i] == "Si" and oxygens[int(i)] >= 3 for i in fragment)
    return _is_sheet(fragment, donors, symbols, shell)


def _is_sheet(fragment: np.ndarray, donors: Sequence[int], symbols: Sequence[str], shell: Shell) -> bool:
    """Whether a fragment is a flake of doped carbon: many fused rings that hold metal by several N or O."""
    heavy = [int(i) for i in fragment if symbols[i] != "H"]
    bonds = shell.bonds[np.isin(shell.bonds, heavy).all(axis=1)]
    rings = len(bonds) - len(heavy) + 1
    branched = np.flatnonzero(np.bincount(bonds.ravel()) == 3)
    inner = int((np.bincount(bonds[np.isin(bonds, branched).all(axis=1)].ravel()) == 3).sum())
    if len(heavy) < _SHEET_MIN_HEAVY or rings < _SHEET_MIN_RINGS or inner < _SHEET_MIN_INNER:
        return False
    held_by = [symbols[i] for i in donors]
    return len(held_by) >= _SHEET_MIN_CONTACTS and set(held_by) <= {"N", "O"}


__all__ = ["is_extended", "support_cations"]
