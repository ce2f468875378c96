"""What the difference between two levels of theory depends on: metals, their coordination, and ligands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from ase import Atoms

from ase_bimetal.elements import metallic_radius
from ase_bimetal.neighbors import pairs_within
from ase_bimetal.system import as_system

#: A metal–metal bond counts fully below the first, and not at all above the second multiple of the radii's sum.
#: Second neighbours of a close-packed crystal lie at 1.41.
FADE = (1.10, 1.40)


def metal_coordination(symbols: Sequence[str], positions: np.ndarray) -> np.ndarray:
    """Count metal neighbours of every metal atom, fading with distance.

    Parameters
    ----------
    symbols
        Metal symbols, length n.
    positions
        Positions (n, 3) [Å].

    Returns
    -------
    numpy.ndarray
        Coordination (n,) [-]; twelve in a close-packed crystal.

    Examples
    --------
    >>> metal_coordination(["Au", "Au", "Ag"], np.array([[0, 0, 0], [2.88, 0, 0], [9.0, 0, 0]])).tolist()
    [1.0, 1.0, 0.0]
    """
    radii = np.array([metallic_radius(s) / 100 for s in symbols])
    pairs = pairs_within(positions, np.zeros((3, 3)), (False,) * 3, 2 * radii.max() * FADE[1])
    stretch = pairs.distance / (radii[pairs.first] + radii[pairs.second])
    inside = np.clip((FADE[1] - stretch) / (FADE[1] - FADE[0]), 0, 1)
    return np.bincount(pairs.first, inside**2 * (3 - 2 * inside), len(symbols))


def level_terms(symbols: Sequence[str], positions: np.ndarray, ligands: Mapping[str, int]) -> dict[str, float]:
    """Describe what the difference between two levels depends on.

    Parameters
    ----------
    symbols, positions
        The metal core: symbols, length n, and positions (n, 3) [Å].
    ligands
        SMILES of the free ligand → count.

    Returns
    -------
    dict
        Per metal atom: metal → fraction, ``"CN Au"`` → fraction × coordination / 12, ``"CN"`` → mean coordination
        / 12, SMILES → count.
    """
    n = len(symbols)
    found: dict[str, float] = {}
    for symbol, count in zip(symbols, metal_coordination(symbols, positions), strict=True):
        found[symbol] = found.get(symbol, 0.0) + 1 / n
        for name in (f"CN {symbol}", "CN"):
            found[name] = found.get(name, 0.0) + float(count) / 12 / n
    return found | {smiles: count / n for smiles, count in ligands.items()}


def cluster_terms(atoms: Atoms) -> dict[str, float]:
    """Describe a cluster by the terms of its core and its ligands.

    Parameters
    ----------
    atoms
        A cluster as `as_system` reads it.
    """
    system = as_system(atoms)
    core = atoms[np.isin(atoms.get_chemical_symbols(), system.metal_symbols)]
    return level_terms(core.get_chemical_symbols(), core.positions, system.ligand_counts)
