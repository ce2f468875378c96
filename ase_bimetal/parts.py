"""How an object hangs together: its separate parts, and what is bound to none of its metal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from ase_bimetal.neighbors import Pairs
from ase_bimetal.shell import APART_FACTOR, CONTACT_FACTOR, Shell, graph_of, is_endless, radii_of

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
    radii, names = radii_of(symbols), np.array(symbols)
    is_metal = np.zeros(len(symbols), dtype=bool)
    is_metal[metals] = True
    near = pairs.distance < factor * (radii[pairs.first] + radii[pairs.second])
    touching = np.zeros(len(symbols), dtype=bool)
    touching[pairs.first[near & is_metal[pairs.second]]] = True
    bonded = np.zeros(len(symbols), dtype=bool)
    bonded[shell.links.first] = True
    touching &= (names != "H") | ~bonded
    return [fragment for fragment in shell.fragments if not touching[fragment].any()]


def torn_bond(symbols: Sequence[str], loose: np.ndarray, metals: np.ndarray, pairs: Pairs) -> tuple[int, int] | None:
    """Find an unbound atom and what it left.

    It was torn from an atom of another fragment; None where there is none.

    Parameters
    ----------
    loose
        Indices of all unbound atoms.
    """
    radii = radii_of(symbols)
    is_loose, is_metal = np.zeros((2, len(symbols)), dtype=bool)
    is_loose[loose] = True
    is_metal[metals] = True
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
    radii = radii_of(symbols)
    is_metal = np.zeros(len(symbols), dtype=bool)
    is_metal[metals] = True
    first, second = is_metal[pairs.first], is_metal[pairs.second]
    hydrogen = np.zeros(len(symbols), dtype=bool)
    hydrogen[[i for i, s in enumerate(symbols) if s == "H"]] = True
    hydrogen[np.setdiff1d(np.arange(len(symbols)), shell.links.first)] = False
    with_metal = pairs.where((first | second) & ~hydrogen[pairs.first] & ~hydrogen[pairs.second])
    ratio = with_metal.distance / (radii[with_metal.first] + radii[with_metal.second])
    near = _joined(with_metal.where(ratio < APART_FACTOR), shell.links)
    _, label = connected_components(graph_of(near, len(symbols)), directed=False)
    members = tuple(np.flatnonzero(label == k) for k in dict.fromkeys(label[metals].tolist()))
    bonded = ratio < CONTACT_FACTOR
    whole = _joined(with_metal.where(bonded), shell.links)
    n_atoms = len(symbols)
    between = with_metal.where(bonded & is_metal[with_metal.first] & is_metal[with_metal.second])
    solid = len(between.first) >= _SOLID_COORDINATION * len(metals) and _runs_on(metals, between, n_atoms)
    return Parts(members, solid, solid or _runs_on(metals, whole, n_atoms))


def _joined(a: Pairs, b: Pairs) -> Pairs:
    return Pairs(*(np.concatenate([getattr(a, k), getattr(b, k)]) for k in ("first", "second", "distance", "shift")))


def _runs_on(starts: np.ndarray, links: Pairs, n_atoms: int) -> bool:
    """Whether the part around any of some atoms is endless."""
    if not links.shift.any():
        return False
    graph = graph_of(links, n_atoms)
    _, label = connected_components(graph, directed=False)
    return any(is_endless(np.flatnonzero(label == k), graph, links) for k in set(label[starts].tolist()))


__all__ = ["Parts", "parts_of", "torn_bond", "unbound_fragments"]
