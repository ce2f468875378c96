"""Atom-centred symmetry functions: what the graph network has to tell of each atom beside the energy.

G2 and G4 of Behler, J. Chem. Phys. 2011, 134, 074106, doi 10.1063/1.3553717. DeepMoleNet (Liu et al., 2020) uses such
numbers as auxiliary targets: a network that knows them has understood distances and angles.
"""

from __future__ import annotations

import numpy as np

from ase_bimetal.neighbors import Pairs, pairs_within
from ase_bimetal.system import BimetallicSystem

RADIAL_CUTOFF = 5.0  # Å
ANGULAR_CUTOFF = 4.0  # Å
#: Classes of neighbours that G2 tells apart.
NEIGHBOUR_CLASSES = ("metal", "carbon", "hydrogen", "other")
#: (η [1/Å²], R_s [Å]) of G2: shells half an ångström wide.
RADIAL = ((2.0, 1.5), (2.0, 2.5), (2.0, 3.5), (2.0, 4.5))
#: (ζ, λ) of G4, over heavy neighbours of any class.
ANGULAR = ((1.0, 1.0), (1.0, -1.0), (4.0, 1.0), (4.0, -1.0))
ANGULAR_ETA = 0.01  # 1/Å²
#: One name a column of `symmetry_functions`.
SYMMETRY_FUNCTIONS = (
    *(f"G2 {kind} {shift} Å" for kind in NEIGHBOUR_CLASSES for _, shift in RADIAL),
    *(f"G4 ζ={zeta:g} λ={sign:+g}" for zeta, sign in ANGULAR),
)


def cutoff_function(distance: np.ndarray, cutoff: float) -> np.ndarray:
    """Compute Behler's cutoff function f_c.

    It is 1 at zero, and 0 with zero slope from the cutoff on.

    Examples
    --------
    >>> cutoff_function(np.array([0.0, 2.5, 5.0, 6.0]), 5.0).round(3)
    array([1. , 0.5, 0. , 0. ])
    """
    return np.where(distance < cutoff, 0.5 * (np.cos(np.pi * distance / cutoff) + 1.0), 0.0)


def symmetry_functions(system: BimetallicSystem, rows: np.ndarray) -> np.ndarray:
    """Compute the symmetry functions of some atoms.

    Parameters
    ----------
    system
        Object with coordinates.
    rows
        Atoms to describe, shape (n,); all atoms count as neighbours.

    Returns
    -------
    numpy.ndarray
        Shape (n, 20), dimensionless, columns as in `SYMMETRY_FUNCTIONS`.

    Examples
    --------
    >>> from ase import Atoms
    >>> pair = BimetallicSystem.from_atoms(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.5]]))
    >>> symmetry_functions(pair, np.array([0, 1]))[:, 1].round(3)   # G2 of one metal at R_s: f_c(2.5 Å)
    array([0.5, 0.5])
    """
    pairs = pairs_within(system.positions, system.cell, system.pbc, RADIAL_CUTOFF)
    radial = _radial(system, pairs)
    heavy = np.array([symbol != "H" for symbol in system.symbols])
    near = pairs.where((pairs.distance < ANGULAR_CUTOFF) & heavy[pairs.first] & heavy[pairs.second])
    places = system.positions[near.second] + near.shift @ system.cell - system.positions[near.first]
    angular = [_angular(places[near.first == row]) for row in rows]
    return np.concatenate([radial[rows], np.array(angular).reshape(len(rows), len(ANGULAR))], axis=1)


def _radial(system: BimetallicSystem, pairs: Pairs) -> np.ndarray:
    """G2 of all atoms, (N, classes × shells)."""
    classes = neighbour_classes(system)
    eta, shift = np.array(RADIAL).T
    terms = np.exp(-eta * (pairs.distance[:, None] - shift) ** 2)
    terms *= cutoff_function(pairs.distance, RADIAL_CUTOFF)[:, None]
    total = np.zeros((len(system.symbols), len(NEIGHBOUR_CLASSES), len(RADIAL)))
    np.add.at(total, (pairs.first, classes[pairs.second]), terms)
    return total.reshape(len(total), -1)


def neighbour_classes(system: BimetallicSystem) -> np.ndarray:
    """Find the neighbour class of each atom, shape (N,).

    It is the row of `NEIGHBOUR_CLASSES` that the atom belongs to.
    """
    metals = set(system.metals.tolist())
    names = [
        "metal" if i in metals else {"C": "carbon", "H": "hydrogen"}.get(s, "other")
        for i, s in enumerate(system.symbols)
    ]
    return np.array([NEIGHBOUR_CLASSES.index(name) for name in names])


def _angular(places: np.ndarray) -> np.ndarray:
    """G4 of one atom with neighbours at relative places (m, 3) [Å]: a sum over pairs of neighbours."""
    first, second = np.triu_indices(len(places), 1)
    length = np.linalg.norm(places, axis=1)
    across = np.linalg.norm(places[first] - places[second], axis=1)
    cosine = (places[first] * places[second]).sum(axis=1) / (length[first] * length[second])
    fade = cutoff_function(length, ANGULAR_CUTOFF)
    spread = np.exp(-ANGULAR_ETA * (length[first] ** 2 + length[second] ** 2 + across**2))
    weight = spread * fade[first] * fade[second] * cutoff_function(across, ANGULAR_CUTOFF)
    terms = [2.0 ** (1 - zeta) * np.clip(1 + sign * cosine, 0, None) ** zeta * weight for zeta, sign in ANGULAR]
    return np.array([term.sum() for term in terms])


__all__ = ["SYMMETRY_FUNCTIONS", "cutoff_function", "neighbour_classes", "symmetry_functions"]
