"""Metal particles of many sizes under bridging thiolates: one ligand, one kind of surface, any number of metals.

They are models that tell size from coordination and ligand, not the isomers that crystals hold.
"""

from __future__ import annotations

import numpy as np

from ase_bimetal.structures.cores import Core, bridge_site, mackay

#: Name → (metal atoms, thiolates, length along z over width, lattice). Compositions are those of known clusters.
SIZES: dict[str, tuple[int, int, float, str]] = {
    "M13-bridged": (13, 9, 1.0, "icosahedron"),
    "M19-bridged": (19, 13, 1.0, "fcc"),
    "M28-bridged": (28, 20, 1.0, "fcc"),
    "M36-bridged": (36, 24, 1.4, "fcc"),
    "M38-bridged": (38, 24, 1.0, "fcc"),
    "M44-bridged": (44, 28, 1.8, "fcc"),
    "M52-bridged": (52, 32, 2.2, "fcc"),
    "M55-bridged": (55, 31, 1.0, "icosahedron"),
    "M92-bridged": (92, 44, 1.0, "fcc"),
}
_NEAREST = 2.80  # Å, between neighbouring metals
_METAL_DONOR = 2.40  # Å
_CLOSEST_THIRD = 2.7  # Å, from a donor to a metal that it does not bridge
_DONOR_DONOR = 3.5  # Å, where two donors begin to crowd each other
_SHARED_METAL = 0.3  # crowding of two bridges on one metal, that of two donors 3.5 Å apart being one


def bridged_particle(name: str, dopant: str) -> Core:
    """Build a particle whose surface is covered by bridging thiolates.

    The dopant lies next to its middle.

    Parameters
    ----------
    name
        Key of `SIZES`.
    dopant
        Element of the innermost atom; all others are gold.

    Examples
    --------
    >>> core = bridged_particle("M38-bridged", "Au")
    >>> len(core.symbols), len(core.sites)
    (38, 24)
    """
    n_metals, n_thiolates, elongation, lattice = SIZES[name]
    positions = _icosahedron(n_metals) if lattice == "icosahedron" else _fcc(n_metals, elongation)
    positions = positions[np.argsort(np.linalg.norm(positions, axis=1).round(6), kind="stable")]
    sites = tuple(bridge_site(donor, positions[a], positions[b], 1) for donor, a, b in _bridges(positions, n_thiolates))
    return Core((dopant, *["Au"] * (n_metals - 1)), positions, sites)


def _icosahedron(n_metals: int) -> np.ndarray:
    """Mackay icosahedron of 13 or 55 atoms around the origin [Å]."""
    edge = 1 / np.sin(2 * np.pi / 5)  # of an icosahedron whose vertices are 1 from its centre
    unit: np.ndarray = np.vstack([np.zeros((1, 3)), *mackay(1 if n_metals == 13 else 2)]) / edge
    return unit * _NEAREST


def _fcc(n_metals: int, elongation: float) -> np.ndarray:
    """The atoms of an fcc crystal nearest to the middle of an octahedral hole, or to an atom if that is 19 [Å]."""
    steps = np.arange(-6, 7)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lattice = grid[grid.sum(axis=1) % 2 == 0].astype(float)
    middle = np.zeros(3) if n_metals == 19 else np.array([1.0, 0.0, 0.0])
    points = (lattice - middle) * _NEAREST / np.sqrt(2)
    reach = np.linalg.norm(points / [1.0, 1.0, elongation], axis=1) + 1e-4 * (points @ [0.3, 0.2, 0.1])
    chosen = points[np.argsort(reach)[:n_metals]]
    centred: np.ndarray = chosen - chosen.mean(axis=0)
    return centred


def _bridges(metals: np.ndarray, n: int) -> list[tuple[np.ndarray, int, int]]:
    """Donor, metal and metal of n bridges, far from one another and even over the metals."""
    distance = np.linalg.norm(metals[:, None] - metals[None], axis=2)
    bonded = (distance > 0.1) & (distance < 1.15 * _NEAREST)
    away = metals * bonded.sum(axis=1)[:, None] - bonded @ metals
    candidates = []
    for a, b in np.argwhere(np.triu(bonded)):
        along = (metals[b] - metals[a]) / distance[a, b]
        outward = away[a] + away[b]
        outward = outward - (outward @ along) * along
        if np.linalg.norm(outward) < 0.5 * _NEAREST:
            continue
        height = np.sqrt(_METAL_DONOR**2 - (distance[a, b] / 2) ** 2)
        donor = (metals[a] + metals[b]) / 2 + height * outward / np.linalg.norm(outward)
        if np.delete(np.linalg.norm(metals - donor, axis=1), [a, b]).min() > _CLOSEST_THIRD:
            candidates.append((donor, int(a), int(b)))
    return [candidates[k] for k in _spread(candidates, len(metals), n)]


def _spread(candidates: list[tuple[np.ndarray, int, int]], n_metals: int, n: int) -> list[int]:
    """Pick n candidates of least crowding: the best of what every first candidate leads to."""
    donors = np.array([donor for donor, _, _ in candidates])
    ends = np.zeros((len(candidates), n_metals))
    for k, (_, a, b) in enumerate(candidates):
        ends[k, [a, b]] = 1.0
    gaps = np.linalg.norm(donors[:, None] - donors[None], axis=2) + 1e-9
    crowding = (_DONOR_DONOR / gaps) ** 16 + _SHARED_METAL * (ends @ ends.T)
    np.fill_diagonal(crowding, np.inf)
    choices = [_from_first(first, crowding, n) for first in range(0, len(candidates), 2)]
    return min(choices, key=lambda chosen: np.triu(crowding[np.ix_(chosen, chosen)], 1).sum())


def _from_first(first: int, crowding: np.ndarray, n: int) -> list[int]:
    """Add the least crowded candidate one by one, then exchange one at a time while that helps."""
    chosen = [first]
    for _ in range(n - 1):
        chosen.append(int(crowding[:, chosen].sum(axis=1).argmin()))
    improved = True
    while improved:
        improved = False
        for place, old in enumerate(chosen):
            others = [k for k in chosen if k != old]
            cost = crowding[:, others].sum(axis=1)
            best = int(cost.argmin())
            if cost[best] < cost[old] - 1e-9:
                chosen[place], improved = best, True
    return chosen
