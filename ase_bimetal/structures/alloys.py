"""Bare alloys: small particles, thin slabs and crystals of two metals."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from ase import Atoms
from ase.build import bulk, fcc111
from ase.cluster import Icosahedron, Octahedron

from ase_bimetal.elements import metallic_radius
from ase_bimetal.errors import UnsupportedSystemError

_VACUUM = 7.0  # Å on either side of a slab
# A frame is built of any one metal and then scaled to the two at hand.
_FRAMES: dict[str, Callable[[], Atoms]] = {
    "icosahedron-13": lambda: Icosahedron("Au", 2),
    "octahedron-38": lambda: Octahedron("Au", 4, 1),
    "fcc111-27": lambda: _periodic(fcc111("Au", (3, 3, 3), vacuum=_VACUUM)),
    "fcc-4": lambda: bulk("Au", cubic=True),
}
STRUCTURES = tuple(_FRAMES)
#: Structures without an inside: all atoms of a crystal are alike.
CRYSTALS = ("fcc-4",)
#: Share of dopant atoms by arrangement; None: as many as there are inside.
ARRANGEMENTS: MappingProxyType[str, float | None] = MappingProxyType({"core": None, "mixed": 0.3})


def alloy(structure: str, arrangement: str, host: str, dopant: str, seed: int) -> Atoms:
    """Build a bare alloy.

    Its distances are those of its metallic radii.

    Parameters
    ----------
    structure
        One of `STRUCTURES`: an icosahedron of 13, a truncated octahedron of 38, a periodic (111) slab of three
        layers with 9 atoms each, or the cubic cell of a face-centred crystal.
    arrangement
        ``"core"``: the dopant takes the atoms inside (slab: the middle layer). ``"mixed"``: 30 % of the atoms,
        drawn at random; one of the crystal's four, which is the order L1₂.
    host, dopant
        The two metals.
    seed
        For the random draw.

    Raises
    ------
    UnsupportedSystemError
        Unknown structure or arrangement, or the inside of a crystal.

    Examples
    --------
    >>> alloy("icosahedron-13", "core", "Au", "Pd", seed=0).get_chemical_formula()
    'Au12Pd'
    """
    if structure not in _FRAMES or arrangement not in ARRANGEMENTS or (structure in CRYSTALS and arrangement == "core"):
        raise UnsupportedSystemError(
            f"no alloy {structure!r}, {arrangement!r}; allowed: {', '.join(STRUCTURES)}, each "
            f"{' or '.join(ARRANGEMENTS)}, crystals mixed. Choose one of these"
        )
    frame = _FRAMES[structure]()
    share = ARRANGEMENTS[arrangement]
    chosen = _inside(frame) if share is None else _drawn(len(frame), share, seed)
    atoms = Atoms([host] * len(frame), frame.positions, cell=frame.cell, pbc=frame.pbc)
    atoms.symbols[chosen] = dopant
    return _scaled(atoms, structure in CRYSTALS)


def _periodic(slab: Atoms) -> Atoms:
    """The slab as a crystal of slabs: the level of theory knows no two-dimensional periodicity."""
    slab.pbc = True
    return slab


def _inside(frame: Atoms) -> np.ndarray:
    """Atoms with all twelve neighbours; in a slab of three layers, the middle layer."""
    distances = frame.get_all_distances(mic=bool(frame.pbc.any()))
    shortest = distances[distances > 0].min()
    return np.flatnonzero(((distances > 0) & (distances < 1.2 * shortest)).sum(axis=1) == 12)


def _drawn(n_atoms: int, share: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).choice(n_atoms, round(share * n_atoms), replace=False)


def _scaled(atoms: Atoms, is_crystal: bool) -> Atoms:
    """Scale to the mean metallic radius: the shortest distance becomes twice that, a little less in a particle."""
    radius = float(np.mean([metallic_radius(s) for s in atoms.symbols])) / 100
    distances = atoms.get_all_distances(mic=bool(atoms.pbc.any()))
    factor = 2 * radius / distances[distances > 0].min()
    if is_crystal:
        atoms.set_cell(factor * atoms.cell.array, scale_atoms=True)
        return atoms
    if not atoms.pbc.any():
        # Free particles are about 3 % tighter than the solid.
        atoms.positions *= 0.97 * factor
        return atoms
    atoms.set_cell(atoms.cell.array * [[factor], [factor], [1.0]])
    atoms.positions *= factor
    atoms.center(axis=2)
    return atoms


__all__ = ["ARRANGEMENTS", "STRUCTURES", "alloy"]
