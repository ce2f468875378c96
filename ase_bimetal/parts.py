"""How an object hangs together: its separate parts, and what is bound to none of its metal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ase_bimetal import elements
from ase_bimetal.neighbors import Pairs, components
from ase_bimetal.shell import APART_FACTOR, CONTACT_FACTOR, Shell, are_endless, mask_of, radii_of

# Metal that repeats through the cell is a slab or solid, and no chain, when its atoms have so many metal neighbours.
_SOLID_COORDINATION = 3
#: An unbound atom within this multiple of another fragment was torn from it: hydrogen bonds begin at 1.75.
TORN_FACTOR = 1.65


def unbound_fragments(
    symbols: Sequence[str], metals: np.ndarray, shell: Shell, pairs: Pairs, factor: float = APART_FACTOR
) -> list[np.ndarray]:
    """Find the fragments that touch no metal.

    They have no atom within a multiple of the radii of a metal: solvent, counter-ions, lattice water.

    The hydrogens of a molecule do not count: C–H…M is no bond.
    """
    reach, is_metal = factor * radii_of(symbols), mask_of(metals, len(symbols))
    of_shell = np.where(is_metal | _bonded_hydrogens(symbols, shell), -np.inf, reach)
    of_metal = np.where(is_metal, reach, -np.inf)
    touching = pairs.first[pairs.distance < of_shell[pairs.first] + of_metal[pairs.second]]
    bound = frozenset(shell.owner[touching].tolist())
    return [fragment for number, fragment in enumerate(shell.fragments) if number not in bound]


def _bonded_hydrogens(symbols: Sequence[str], shell: Shell) -> np.ndarray:
    """Which atoms are hydrogen of a molecule other than H2."""
    numbers = elements.numbers_of(symbols)
    bonded = mask_of(shell.links.first[numbers[shell.links.second] != 1], len(symbols))
    hydrogens: np.ndarray = bonded & (numbers == 1)
    return hydrogens


def torn_bond(symbols: Sequence[str], loose: np.ndarray, metals: np.ndarray, pairs: Pairs) -> tuple[int, int] | None:
    """Find an unbound atom and what it left.

    It was torn from an atom of another fragment; None where there is none.

    Parameters
    ----------
    loose
        Indices of all unbound atoms.
    """
    radii = radii_of(symbols)
    is_loose, is_metal = mask_of(loose, len(symbols)), mask_of(metals, len(symbols))
    near = pairs.distance < TORN_FACTOR * (radii[pairs.first] + radii[pairs.second])
    torn = np.flatnonzero(near & is_loose[pairs.first] & ~is_loose[pairs.second] & ~is_metal[pairs.second])
    return (int(pairs.first[torn[0]]), int(pairs.second[torn[0]])) if len(torn) else None


@dataclass(frozen=True, eq=False)
class Parts:
    """How the atoms hang together through bonds, contacts and metal–metal neighbours.

    Attributes
    ----------
    members
        Atom indices of each part that holds metal.
    endless_metal
        Whether metal–metal neighbours, three or more an atom, run through the cell without end, as in a slab.
    endless
        Whether the whole does, as in a coordination polymer.
    """

    members: tuple[np.ndarray, ...]
    endless_metal: bool
    endless: bool


def parts_of(symbols: Sequence[str], metals: np.ndarray, shell: Shell, pairs: Pairs) -> Parts:
    """Tell separate clusters from one, and endless solids from both.

    Parameters
    ----------
    pairs
        All pairs within `search_cutoff`.
    """
    n_atoms, is_metal = len(symbols), mask_of(metals, len(symbols))
    radii = np.where(_bonded_hydrogens(symbols, shell), -np.inf, radii_of(symbols))
    of_metal = np.where(is_metal, radii, -np.inf)
    near = pairs.where(pairs.distance < APART_FACTOR * (radii[pairs.first] + of_metal[pairs.second]))
    label = components(
        np.concatenate([near.first, shell.links.first]), np.concatenate([near.second, shell.links.second]), n_atoms
    )
    members = tuple(np.flatnonzero(label == k) for k in dict.fromkeys(label[metals].tolist()))
    if not pairs.shift.any():
        return Parts(members, False, False)
    bonded = pairs.where(
        (is_metal[pairs.first] | is_metal[pairs.second])
        & (pairs.distance < CONTACT_FACTOR * (radii[pairs.first] + radii[pairs.second]))
    )
    whole = _joined(bonded, shell.links)
    between = bonded.where(is_metal[bonded.first] & is_metal[bonded.second])
    solid = len(between.first) >= _SOLID_COORDINATION * len(metals) and _runs_on(metals, between, n_atoms)
    return Parts(members, solid, solid or _runs_on(metals, whole, n_atoms))


def _joined(a: Pairs, b: Pairs) -> Pairs:
    return Pairs(*(np.concatenate([getattr(a, k), getattr(b, k)]) for k in ("first", "second", "distance", "shift")))


def _runs_on(starts: np.ndarray, links: Pairs, n_atoms: int) -> bool:
    """Whether the part around any of some atoms is endless."""
    label = components(links.first, links.second, n_atoms)
    return any(are_endless([np.flatnonzero(label == k) for k in set(label[starts].tolist())], links, n_atoms))


__all__ = ["Parts", "parts_of", "torn_bond", "unbound_fragments"]
