"""Configurations around a relaxed parent, each with a word on how it was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from scipy.spatial.transform import Rotation

_BONDED_BELOW = 2.3  # Å, between the donors of one ligand, as in a π ring


@dataclass(frozen=True)
class Sample:
    """One configuration and its history.

    `kind` names the move, `amplitude` its size in the move's own unit.
    """

    atoms: Atoms
    kind: str
    amplitude: float


def displace_metals(atoms: Atoms, rng: np.random.Generator) -> Sample:
    """Move the metal atoms alone, by 0.05–0.18 Å (one sigma per coordinate)."""
    sigma = float(rng.uniform(0.05, 0.18))
    return Sample(_metals_moved(atoms, sigma, rng), "metal displacement", sigma)


def breathe(atoms: Atoms, rng: np.random.Generator) -> Sample:
    """Scale the metal core by 0.93–1.10.

    Each ligand rides along, rigid, on its atom closest to the core.
    """
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


def turn_ligands(atoms: Atoms, rng: np.random.Generator) -> Sample:
    """Turn about a third of the ligands.

    They turn about their bonds to the core, by up to 40°; the amplitude is in degrees.

    Donors stay where they are. A cluster whose ligands have nothing to turn gets its metals displaced instead.
    """
    fragment, moved = atoms.arrays["fragment"], atoms.copy()
    axes = {k: found for k in range(1, fragment.max() + 1) if (found := _axis(atoms, k)) is not None}
    if not axes:
        return displace_metals(atoms, rng)
    chosen = rng.permutation(list(axes))[: max(1, round(len(axes) / 3))]
    angle = float(rng.uniform(10.0, 40.0))
    for k in chosen:
        origin, axis = axes[k]
        turn = Rotation.from_rotvec(np.radians(angle) * rng.choice((-1, 1)) * axis)
        moved.positions[fragment == k] = turn.apply(atoms.positions[fragment == k] - origin) + origin
    return Sample(moved, "ligand torsion", angle)


def exchange_metals(atoms: Atoms, rng: np.random.Generator) -> Sample:
    """Exchange one pair of unlike metals.

    All metals are displaced a little; the amplitude is the displacement [Å].

    A core of one metal is displaced only.
    """
    metals = np.flatnonzero(atoms.arrays["fragment"] == 0)
    first = int(rng.choice(metals))
    unlike = [i for i in metals if atoms.symbols[i] != atoms.symbols[first]]
    if not unlike:
        return displace_metals(atoms, rng)
    second = int(rng.choice(unlike))
    sigma = float(rng.uniform(0.03, 0.12))
    moved = _metals_moved(atoms, sigma, rng)
    moved.numbers[[first, second]] = atoms.numbers[[second, first]]
    return Sample(moved, "dopant position", sigma)


#: Kind of a sample → its move. Kinds that leave the ligands in place share their parent's frozen shell.
MOVES: dict[str, Callable[[Atoms, np.random.Generator], Sample]] = {
    "metal displacement": displace_metals,
    "breathing": breathe,
    "rattle": rattle,
    "ligand torsion": turn_ligands,
    "dopant position": exchange_metals,
}
SHELL_KEPT = ("parent", "metal displacement", "dopant position")
_SCHEDULE = (
    "rattle",
    "metal displacement",
    "breathing",
    "dopant position",
    "metal displacement",
    "ligand torsion",
    "metal displacement",
    "breathing",
    "dopant position",
    "metal displacement",
)


def sample(parent: Atoms, index: int, seed: int, kind: str | None = None) -> Sample:
    """Make the index-th configuration around a parent.

    Index 0 is the parent itself.

    Depends on nothing but its arguments, so that a run can stop and go on anywhere.

    Parameters
    ----------
    parent
        Relaxed cluster with the array ``fragment``.
    index, seed
        Which configuration of which series.
    kind
        Key of `MOVES`, to make a recorded configuration again; by default the schedule decides.
    """
    if index == 0:
        return Sample(parent.copy(), "parent", 0.0)
    move = MOVES[kind or _SCHEDULE[index % len(_SCHEDULE)]]
    return move(parent, np.random.default_rng([seed, index]))


def _metals_moved(atoms: Atoms, sigma: float, rng: np.random.Generator) -> Atoms:
    moved: Atoms = atoms.copy()
    metal = atoms.arrays["fragment"] == 0
    moved.positions[metal] += rng.normal(0.0, sigma, (int(metal.sum()), 3))
    return moved


def _axis(atoms: Atoms, ligand: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Point and unit vector about which a ligand turns; None where turning moves nothing by 0.2 Å per radian."""
    fragment = atoms.arrays["fragment"]
    rows = np.flatnonzero(fragment == ligand)
    heavy = rows[atoms.numbers[rows] > 1]
    if not len(heavy):
        return None  # a hydride
    metals = atoms.positions[fragment == 0]
    reach = np.linalg.norm(atoms.positions[heavy][:, None] - metals[None], axis=2)
    donors = heavy[reach.min(axis=1) < 1.12 * reach.min()]
    origin = atoms.positions[donors].mean(axis=0)
    axis = atoms.positions[rows].mean(axis=0) - origin
    if len(donors) == 2 and np.linalg.norm(gap := np.diff(atoms.positions[donors], axis=0)[0]) > _BONDED_BELOW:
        axis = gap  # two donors stay where they are
    elif len(donors) > 1 or np.linalg.norm(axis) < 0.3:  # a π ring turns in its plane
        axis = origin - metals[np.linalg.norm(metals - origin, axis=1).argmin()]
    axis = axis / np.linalg.norm(axis)
    lever = np.linalg.norm(np.cross(atoms.positions[rows] - origin, axis), axis=1).max()
    return (origin, axis) if lever > 0.2 else None
