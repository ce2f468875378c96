"""Pairs of atoms within a cutoff, periodic where the cell is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from ase.geometry import complete_cell

from ase_bimetal.cells import require_usable_cell

# Cells at most in vesin's search, and how many an atom make it a sparse one.
_MOST_CELLS, _EMPTY = 1e5, 10
# So many atoms without a cell: all their distances take less time than vesin takes to begin.
_FEW = 200


@dataclass(frozen=True, eq=False)
class Pairs:
    """Directed pairs: every pair appears once from each end.

    Attributes
    ----------
    first, second
        Atom indices, shape (n,).
    distance
        Distance [Å], shape (n,).
    shift
        Cell shift of the second atom in units of the lattice vectors, shape (n, 3).
    """

    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray
    shift: np.ndarray

    def where(self, keep: np.ndarray) -> Pairs:
        """Select the pairs of a mask.

        The mask is a boolean array of shape (n,).
        """
        rows = np.flatnonzero(keep)
        return Pairs(self.first[rows], self.second[rows], self.distance[rows], self.shift[rows])


def smooth_step(x: np.ndarray | float) -> np.ndarray:
    """Rise from 0 to 1 without a kink.

    The rise is from x = 0 to x = 1.

    Parameters
    ----------
    x
        Of any shape [-].

    Examples
    --------
    >>> smooth_step(np.array([-1.0, 0.5, 2.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    inside = np.clip(np.asarray(x), 0.0, 1.0)
    step: np.ndarray = inside**2 * (3 - 2 * inside)
    return step


def pairs_within(positions: np.ndarray, cell: np.ndarray, pbc: Sequence[bool], cutoff: float) -> Pairs:
    """Find all pairs closer than a cutoff.

    The time is proportional to the number of atoms.

    Parameters
    ----------
    positions
        Cartesian positions [Å], shape (n, 3); they may lie outside the cell.
    cell
        Lattice vectors [Å] as rows, shape (3, 3).
    pbc
        Which lattice directions repeat; a direction without a lattice vector does not, whatever is said here.
    cutoff
        Largest distance [Å].

    Raises
    ------
    GeometryError
        The cell is no lattice: see `require_usable_cell`.

    Examples
    --------
    >>> pairs_within(np.array([[0.5, 0, 0], [9.5, 0, 0]]), np.diag([10.0, 0, 0]), (True,) * 3, 3.0).distance
    array([1., 1.])
    """
    periodic = [bool(p) and bool(np.linalg.norm(v) > 1e-8) for p, v in zip(pbc, cell, strict=True)]
    require_usable_cell(cell, periodic, len(positions))
    if len(positions) <= _FEW and not any(periodic):
        return _pairs_of_cluster(positions, cutoff)
    box = np.where(np.array(periodic)[:, None], cell, 0.0)
    if _is_sparse(positions, box, periodic, cutoff):
        return _pairs_of_few(positions, box, np.array(periodic), cutoff)
    search = _neighbor_list()(cutoff=cutoff, full_list=True)
    first, second, distance, shift = search.compute(positions, box, periodic, "ijdS")
    return Pairs(first.astype(int), second.astype(int), distance, shift.astype(int))


def components(first: np.ndarray, second: np.ndarray, n_atoms: int) -> np.ndarray:
    """Find which atoms hang together through pairs.

    Parameters
    ----------
    first, second
        Atom indices (n,); every pair from one end at least.
    n_atoms
        Number of atoms.

    Returns
    -------
    numpy.ndarray
        For each atom the lowest index of those it hangs together with, shape (n_atoms,).

    Examples
    --------
    >>> components(np.array([0, 4]), np.array([2, 2]), 5).tolist()
    [0, 1, 0, 3, 0]
    """
    lowest = np.arange(n_atoms)
    while True:
        one, other = lowest[first], lowest[second]
        if (one == other).all():
            return lowest
        np.minimum.at(lowest, np.maximum(one, other), np.minimum(one, other))
        while (lowest != (shorter := lowest[lowest])).any():
            lowest = shorter


def _pairs_of_cluster(positions: np.ndarray, cutoff: float) -> Pairs:
    """Pairs of a few atoms without a cell, from all their distances."""
    distance = all_distances(positions)
    near = distance <= cutoff
    np.fill_diagonal(near, False)
    first, second, distance = chosen_pairs(distance, near)
    return Pairs(first, second, distance, np.zeros((len(first), 3), dtype=int))


def all_distances(positions: np.ndarray) -> np.ndarray:
    """Compute the distances between a few atoms.

    No cell; scipy has the same, but takes a tenth of a second to import.

    Parameters
    ----------
    positions
        Cartesian positions [Å], shape (n, 3).

    Returns
    -------
    numpy.ndarray
        Distances [Å], shape (n, n), read-only.

    Examples
    --------
    >>> all_distances(np.array([[0, 0, 0], [3.0, 4.0, 0]])).tolist()
    [[0.0, 5.0], [5.0, 0.0]]
    """
    return _distances_of(np.asarray(positions, dtype=float).tobytes())


@lru_cache(maxsize=4)  # a cluster is read more than once on the way to its energy
def _distances_of(coordinates: bytes) -> np.ndarray:
    positions = np.frombuffer(coordinates).reshape(-1, 3)
    squared, apart = np.zeros((2, len(positions), len(positions)))
    for along in positions.T:
        np.subtract.outer(along, along, out=apart)
        squared += np.square(apart, out=apart)
    distance: np.ndarray = np.sqrt(squared, out=squared)
    distance.setflags(write=False)
    return distance


def chosen_pairs(distance: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List some of all pairs.

    Parameters
    ----------
    distance
        From `all_distances`.
    chosen
        Which pairs, shape (n, n).

    Returns
    -------
    tuple of numpy.ndarray
        Atom indices of both ends and distances [Å], each (m,).
    """
    flat = np.flatnonzero(chosen)
    first = flat // max(len(chosen), 1)
    return first, flat - first * len(chosen), distance.ravel()[flat]


def _is_sparse(positions: np.ndarray, box: np.ndarray, periodic: Sequence[bool], cutoff: float) -> bool:
    """Whether most of vesin's cells would be empty.

    Beyond 10⁵ cells, vesin 0.5 coarsens all directions alike, and divides by zero cells in a flat one; with atoms far
    outside their cell it does not end.
    """
    widths = _spacings(box)
    if not all(periodic) and len(positions):
        along = positions @ np.linalg.inv(complete_cell(box))
        widths = np.where(periodic, widths, np.ptp(along, axis=0))
    cells = float(np.maximum(widths / cutoff, 1.0).prod())
    return cells > _MOST_CELLS and cells > _EMPTY * len(positions)


def _spacings(box: np.ndarray) -> np.ndarray:
    """Distances [Å] of lattice planes; 1 in the directions without a lattice vector."""
    spacings: np.ndarray = 1 / np.linalg.norm(np.linalg.inv(complete_cell(box)), axis=0)
    return spacings


def _pairs_of_few(positions: np.ndarray, box: np.ndarray, periodic: np.ndarray, cutoff: float) -> Pairs:
    """Pairs by a k-d tree of the atoms and of those images that lie within the cutoff of the cell."""
    from scipy.spatial import KDTree

    whole = complete_cell(box)
    fractions = positions @ np.linalg.inv(whole)
    wrapped = np.where(periodic, np.floor(fractions), 0.0)
    fractions = fractions - wrapped
    reach = np.where(periodic, cutoff / _spacings(box), np.inf)
    steps = [
        range(-int(np.ceil(r)), int(np.ceil(r)) + 1) if p else range(1) for r, p in zip(reach, periodic, strict=True)
    ]
    owners, shifts = [], []
    for step in product(*steps):
        moved = fractions + step
        near = np.flatnonzero((~periodic | ((moved >= -reach) & (moved <= 1 + reach))).all(axis=1))
        owners.append(near)
        shifts.append(np.tile(step, (len(near), 1)))
    owner, shift = np.concatenate(owners), np.concatenate(shifts)
    inside, around = KDTree(fractions @ whole), KDTree((fractions[owner] + shift) @ whole)
    found = inside.sparse_distance_matrix(around, cutoff, output_type="ndarray")
    first, second, image = found["i"], owner[found["j"]], shift[found["j"]]
    other = (first != second) | image.any(axis=1)
    first, second, image = first[other], second[other], image[other]
    return Pairs(first, second, found["v"][other], image - wrapped[second].astype(int) + wrapped[first].astype(int))


@lru_cache(maxsize=1)
def _neighbor_list() -> Any:
    """vesin's `NeighborList` for NumPy arrays.

    vesin imports torch wherever it is installed, to take its tensors too, which costs a process that only featurizes
    more than a second. So torch is out of its sight while a copy of vesin is loaded for this module alone; whoever
    imports vesin elsewhere gets another, whole one.
    """
    if "torch" in sys.modules or "vesin" in sys.modules:
        from vesin import NeighborList

        return NeighborList
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        from vesin import NeighborList
    finally:
        del sys.modules["torch"]
        for name in [name for name in sys.modules if name.partition(".")[0] == "vesin"]:
            del sys.modules[name]
    return NeighborList


__all__ = ["Pairs", "all_distances", "chosen_pairs", "components", "pairs_within"]
