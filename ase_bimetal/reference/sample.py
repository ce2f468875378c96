"""Configurations around a relaxed parent, each with a word on how it was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import Atoms


@dataclass(frozen=True)
class Sample:
    """One configuration and its history: `kind` names the move, `amplitude` its size (Å, or a scale factor)."""

    atoms: Atoms
    kind: str
    amplitude: float


def displace_metals(atoms: Atoms, rng: np.random.Generator) -> Sample:
    """Move the metal atoms alone, by 0.05–0.18 Å (one sigma per coordinate)."""
    sigma = float(rng.uniform(0.05, 0.18))
    moved = atoms.copy()
    metal = atoms.arrays["fragment"] == 0
    moved.positions[metal] += rng.normal(0.0, sigma, (int(metal.sum()), 3))
    return Sample(moved, "metal displacement", sigma)


def breathe(atoms: Atoms, rng: np.random.Generator) -> Sample:
    """Scale the metal core by 0.93–1.10; each ligand rides along, rigid, on its atom closest to the core."""
    scale = float(rng.uniform(0.93, 1.10))
    fragment, moved = atoms.arrays["fragment"], atoms.copy()
    centre = atoms.positions[fragment == 0].mean(axis=0)
    moved.positions[fragment == 0] = (atoms.positions[fragment == 0] - centre) * scale + centre
    for k in range(1, fragment.max() + 1):
        from_centre = atoms.positions[fragment == k] - centre
        closest = from_centre[np.linalg.norm(from_centre, axis=1).argmin()]
        moved.positions[fragment == k] += closest * (scale - 1)
    return Sample(moved, "breathing", scale)


def rattle(atoms: Atoms, rng: np.random.Generator) -> Sample:
    """Move every atom by 0.01–0.05 Å (one sigma per coordinate); more breaks bonds."""
    sigma = float(rng.uniform(0.01, 0.05))
    moved = atoms.copy()
    moved.positions += rng.normal(0.0, sigma, moved.positions.shape)
    return Sample(moved, "rattle", sigma)


_MOVES: tuple[Callable[[Atoms, np.random.Generator], Sample], ...] = (displace_metals, breathe, rattle)


def sample(parent: Atoms, index: int, seed: int) -> Sample:
    """The index-th configuration around a parent; index 0 is the parent itself.

    Depends on nothing but its arguments, so that a run can stop and go on anywhere.
    """
    if index == 0:
        return Sample(parent.copy(), "parent", 0.0)
    return _MOVES[index % len(_MOVES)](parent, np.random.default_rng([seed, index]))
