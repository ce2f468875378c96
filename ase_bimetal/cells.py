"""Cells and values checked before any compiled library sees them: what is no lattice ends there with a typed error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ase_bimetal.errors import GeometryError

#: Largest period [Å]; at 10⁵ Å the counting of cells in vesin overflows and the process dies.
LARGEST_PERIOD = 1e4
#: Smallest distance [Å] between the lattice planes of a repeated direction: less than half of any bond.
SMALLEST_SPACING = 0.5
#: Smallest volume of the parallelepiped of unit lattice vectors; below, they span no lattice. 10° between all has 0.03.
SMALLEST_SPAN = 1e-3
#: Least volume [Å³] of one atom in a periodic solid; diamond has 5.7.
SMALLEST_VOLUME = 1.0
#: Most atoms in a cube of 3 Å of a large object; the densest solids have 5.
_MOST_IN_CUBE, _CUBE, _MANY = 100, 3.0, 2000


def require_usable_cell(cell: np.ndarray, pbc: Sequence[bool], n_atoms: int) -> None:
    """Refuse a cell that no neighbour search can handle.

    In such a cell the search would never end, or its result would be wrong.

    Parameters
    ----------
    cell
        Lattice vectors [Å] as rows, shape (3, 3).
    pbc
        Which lattice directions repeat; one whose vector is zero does not.
    n_atoms
        Number of atoms in the cell.

    Raises
    ------
    GeometryError
        Values that are not finite, vectors that span no lattice, planes or atoms too close, periods too long.

    Examples
    --------
    >>> require_usable_cell(np.eye(3) * 4.0, (True,) * 3, 4)
    >>> require_usable_cell(np.eye(3) * 1e-4, (True,) * 3, 1)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ase_bimetal.errors.GeometryError: lattice planes are 0.0001 Å apart; allowed: at least 0.5 Å. ...
    """
    if cell.shape != (3, 3) or not np.isfinite(cell).all():
        raise GeometryError(
            f"the cell holds values that are not finite: {cell.tolist()}"
            ". Give three lattice vectors of numbers, or pass pbc=False"
        )
    if not any(pbc):
        return
    # Squares of very long vectors overflow: here they are cut, and below the longest component is looked at first.
    periodic = np.array(pbc, dtype=bool) & (np.linalg.norm(np.clip(cell, -1.0, 1.0), axis=1) > 1e-8)
    if not periodic.any():
        return
    vectors = cell[periodic]
    longest = np.abs(vectors).max()
    lengths = np.linalg.norm(vectors, axis=1) if longest <= LARGEST_PERIOD else np.array([longest])
    if lengths.max() > LARGEST_PERIOD:
        raise GeometryError(
            f"the cell has a period of {lengths.max():g} Å; allowed: at most {LARGEST_PERIOD:g} Å"
            ". Give lengths in Å, or pass pbc=False for a cluster"
        )
    unit = vectors / lengths[:, None]
    span = float(np.sqrt(max(np.linalg.det(unit @ unit.T), 0.0)))
    if span < SMALLEST_SPAN:
        raise GeometryError(
            f"the lattice vectors {vectors.round(4).tolist()} span no volume; allowed: independent "
            "vectors, or pbc=False. Set the cell anew, or pass pbc=False"
        )
    # The distance of planes along a vector is one over the length of its reciprocal.
    spacing = 1 / np.linalg.norm(np.linalg.pinv(vectors), axis=0)
    if spacing.min() < SMALLEST_SPACING:
        raise GeometryError(
            f"lattice planes are {spacing.min():g} Å apart; allowed: at least {SMALLEST_SPACING} Å"
            ". Give the cell in Å, or pass pbc=False"
        )
    if periodic.all() and span * lengths.prod() < SMALLEST_VOLUME * n_atoms:
        raise GeometryError(
            f"{n_atoms} atoms in a cell of {span * lengths.prod():.3g} Å³; allowed: at least "
            f"{SMALLEST_VOLUME} Å³ for each. Check the unit of the cell"
        )


def require_room(positions: np.ndarray, cell: np.ndarray, pbc: Sequence[bool]) -> None:
    """Refuse a large object that is packed too densely.

    Its pairs of atoms would fill the memory.

    Raises
    ------
    GeometryError
        More than 100 atoms in a cube of 3 Å.
    """
    if len(positions) < _MANY:
        return
    if np.array(pbc, dtype=bool).all() and np.linalg.det(cell):
        positions = np.linalg.solve(cell.T, positions.T).T % 1.0 @ cell
    cubes, counts = np.unique(np.floor(positions / _CUBE).astype(np.int64), axis=0, return_counts=True)
    if counts.max() > _MOST_IN_CUBE:
        where = (cubes[counts.argmax()] * _CUBE).tolist()
        raise GeometryError(
            f"{counts.max()} atoms within {_CUBE} Å of {where} Å; allowed: at most {_MOST_IN_CUBE}. Give positions in Å"
        )


def charges_of(values: object, n_atoms: int) -> np.ndarray:
    """Read atomic charges [e] as numbers, one an atom.

    Raises
    ------
    GeometryError
        Not one finite number an atom.

    Examples
    --------
    >>> charges_of(["0.5", -0.5], 2)
    array([ 0.5, -0.5])
    """
    try:
        charges = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise GeometryError(
            f"the charges {values!r:.80} are no numbers; allowed: one number an atom [e]"
            ". Give one for each atom, or leave the charges out"
        ) from None
    if charges.shape != (n_atoms,) or not np.isfinite(charges).all():
        raise GeometryError(
            f"the charges {values!r:.80} are not {n_atoms} finite numbers; allowed: one an atom [e]"
            ". Give one for each atom, or leave the charges out"
        )
    return charges


__all__ = ["charges_of", "require_room", "require_usable_cell"]
