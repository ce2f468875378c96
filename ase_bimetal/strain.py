"""How far bonds are from their like: bonds that are alike by connectivity have one length in a relaxed cluster."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# Atoms with the same surroundings within so many bonds have bonds of one length.
_BONDS_AROUND = 4
# What integers of 64 bits are mixed with: shifts and factors of splitmix64, and an odd factor.
_MIXERS = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST_SHIFT, _ODD = np.uint64(31), np.uint64(0x9E3779B97F4A7C15)


def bond_scatter(kinds: np.ndarray, first: np.ndarray, second: np.ndarray, distance: np.ndarray) -> float:
    """Sum the variance of each bond among its like.

    Parameters
    ----------
    kinds
        What each atom is, (n,) integers: its atomic number, or more.
    first, second
        The atoms of each bond, (m,).
    distance
        Lengths of the bonds (m,) [Å].

    Returns
    -------
    float
        Sum over the bonds [Å²]; a bond without its like adds nothing.

    Examples
    --------
    >>> water = np.array([8, 1, 1]), np.array([0, 0]), np.array([1, 2])
    >>> round(bond_scatter(*water, np.array([0.9, 1.1])), 3)
    0.04
    """
    if not len(distance):
        return 0.0
    kind = _kinds_of_bonds(kinds.tobytes(), first.tobytes(), second.tobytes())
    count = np.bincount(kind)
    mean = np.bincount(kind, distance) / count
    squared = np.bincount(kind, (distance - mean[kind]) ** 2)
    return float((squared * count / np.maximum(count - 1, 1)).sum())


@lru_cache(maxsize=16)
def _kinds_of_bonds(numbers: bytes, first: bytes, second: bytes) -> np.ndarray:
    """A small number for each bond, the same where both atoms' surroundings within a few bonds are alike.

    It takes arrays of integers as bytes: candidates on one template, and images of one cluster, share them.
    """
    rows = np.frombuffer(first, dtype=int), np.frombuffer(second, dtype=int)
    kinds = _kinds_by_connectivity(np.frombuffer(numbers, dtype=int), *rows)
    kind: np.ndarray = np.unique(kinds[rows[0]] + kinds[rows[1]], return_inverse=True)[1]
    return kind


def _kinds_by_connectivity(numbers: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A number for each atom that is the same for atoms whose surroundings within a few bonds are alike."""
    ends, others = np.concatenate([first, second]), np.concatenate([second, first])
    kinds = _mixed(numbers.astype(np.uint64))
    for _ in range(_BONDS_AROUND):
        with_others = kinds * _ODD
        np.add.at(with_others, ends, kinds[others])
        kinds = _mixed(with_others)
    return kinds


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread integers over 64 bits (splitmix64, Steele et al., OOPSLA 2014), so that their sums tell them apart."""
    for shift, factor in _MIXERS:
        values = (values ^ (values >> shift)) * factor
    mixed: np.ndarray = values ^ (values >> _LAST_SHIFT)
    return mixed


__all__ = ["bond_scatter"]
