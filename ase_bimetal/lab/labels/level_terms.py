"""What the difference between two levels of theory depends on: metals, their coordination, and ligands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.spatial import cKDTree

from ase_bimetal.elements import metallic_radius

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
    pairs = cKDTree(positions).query_pairs(2 * radii.max() * FADE[1], output_type="ndarray")
    count = np.zeros(len(symbols))
    if len(pairs):
        stretch = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1) / radii[pairs].sum(axis=1)
        inside = np.clip((FADE[1] - stretch) / (FADE[1] - FADE[0]), 0, 1)
        bond = inside**2 * (3 - 2 * inside)
        np.add.at(count, pairs[:, 0], bond)
        np.add.at(count, pairs[:, 1], bond)
    return count


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
