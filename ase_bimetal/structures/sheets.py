"""Two metal atoms on nitrogen-doped carbon: hydrogen-terminated flakes of graphene with a hole edged by nitrogen.

- ``"N6"``: four carbon atoms in a row are missing and the six that are left with an open bond are nitrogen; the
  metals are 2.5 Å apart and share the hole.
- ``"2N4"``: two pairs of carbon atoms are missing, 4.9 Å apart, and the four around each are nitrogen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from scipy.spatial import cKDTree

from ase_bimetal.errors import UnsupportedSystemError

_C_C, _C_H = 1.42, 1.09  # Å
_LATTICE = np.sqrt(3) * _C_C
#: Carbon atoms that are missing, as (x, y) in units of half a lattice constant and of half a bond: the metals
#: replace them two by two.
_HOLES: dict[str, tuple[tuple[float, float], ...]] = {
    "N6": ((-1, 2), (0, 1), (1, 2), (2, 1)),
    "2N4": ((-2, 1), (-2, -1), (2, 1), (2, -1)),
}
SITES = tuple(_HOLES)
#: A six-ring belongs to the flake when its centre is that close to a missing atom [Å].
RIM = 4.4
#: The rings around the hole alone: a flake for levels that cannot afford more.
SMALL_RIM = 2.6


@dataclass(frozen=True, eq=False)
class Sheet:
    """A metal-free flake.

    Attributes
    ----------
    atoms
        The flake in the plane z = 0 [Å].
    metal_sites
        Where the two metals go, shape (2, 3) [Å].
    frozen
        Whether an atom stays in place once the flake itself is relaxed: all but the nitrogen atoms and the carbon
        atoms bonded to them; shape (n,).
    """

    atoms: Atoms
    metal_sites: np.ndarray
    frozen: np.ndarray


@lru_cache(maxsize=4)
def sheet(site: str, rim: float = RIM) -> Sheet:
    """Build the metal-free flake around a site.

    Parameters
    ----------
    site
        One of `SITES`.
    rim
        How far from the hole a six-ring may be and still belong to the flake [Å].

    Raises
    ------
    UnsupportedSystemError
        The site is not one of `SITES`.

    Examples
    --------
    >>> piece = sheet("N6")
    >>> piece.atoms.symbols.count("N"), piece.metal_sites.shape
    (6, (2, 3))
    """
    if site not in _HOLES:
        raise UnsupportedSystemError(f"no site {site!r} on a sheet; allowed: {', '.join(SITES)}. Choose one of these")
    missing = np.array(_HOLES[site]) * [_LATTICE / 2, _C_C / 2]
    carbon = _honeycomb(missing, rim)
    tree = cKDTree(carbon)
    bonded = [np.array([j for j in tree.query_ball_point(p, 1.1 * _C_C) if j != i]) for i, p in enumerate(carbon)]
    gone = {int(i) for i in tree.query(missing)[1]}
    nitrogen = {int(j) for i in gone for j in bonded[i]} - gone
    free = nitrogen | {int(j) for i in nitrogen for j in bonded[i]} - gone
    kept = [i for i in range(len(carbon)) if i not in gone]
    edge = [i for i in kept if len(bonded[i]) == 2]
    outward = np.array([2 * carbon[i] - carbon[bonded[i]].sum(axis=0) for i in edge])
    hydrogen = carbon[edge] + _C_H * outward / np.linalg.norm(outward, axis=1)[:, None]
    flat = np.concatenate([carbon[kept], hydrogen])
    symbols = ["N" if i in nitrogen else "C" for i in kept] + ["H"] * len(hydrogen)
    atoms = Atoms(symbols, np.column_stack([flat, np.zeros(len(flat))]))
    sites = np.column_stack([missing.reshape(2, 2, 2).mean(axis=1), np.zeros(2)])
    return Sheet(atoms, sites, np.array([i not in free for i in kept] + [True] * len(hydrogen)))


def place_on_sheet(atoms: Atoms, piece: Sheet, metals: tuple[str, str]) -> Atoms:
    """Put two metals on their sites of a sheet.

    One goes to each side, and further out the larger they are.

    The metals come first in the result; the rest keeps its order.
    """
    radii = np.array([covalent_radii[atomic_numbers[symbol]] for symbol in metals])
    height = 0.1 + 1.5 * np.clip(radii - 1.3, 0, 0.6)
    # Opposite sides: side by side, two large metals would start on top of each other.
    sites = piece.metal_sites + np.outer(height * [1, -1], [0, 0, 1])
    placed: Atoms = Atoms(list(metals), sites) + atoms
    return placed


def _honeycomb(missing: np.ndarray, rim: float) -> np.ndarray:
    """Carbon atoms of all six-rings close to the missing atoms, shape (n, 2) [Å]."""
    steps = np.arange(-12, 13)
    i, j = (grid.ravel() for grid in np.meshgrid(steps, steps))
    # The origin is the middle of a vertical bond, half a lattice constant beside two ring centres.
    centres = np.column_stack([(i + j / 2 + 0.5) * _LATTICE, 1.5 * j * _C_C])
    centres = centres[cKDTree(missing).query(centres)[0] < rim]
    angles = np.radians(30 + 60 * np.arange(6))
    corners = centres[:, None] + _C_C * np.column_stack([np.cos(angles), np.sin(angles)])[None]
    return np.unique(corners.reshape(-1, 2).round(6), axis=0)


__all__ = ["SITES", "Sheet", "place_on_sheet", "sheet"]
