"""Metal particles of many sizes under thiolates: on bridges of the surface, or in staples of gold and thiolate.

They are models that tell size from coordination and ligand, not the isomers that crystals hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ase_bimetal.structures.cores import Core, Site, bridge_site, mackay

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
#: Name → (atoms of the core, their lattice, staples of one gold atom, staples of two, thiolates on bridges).
STAPLED: dict[str, tuple[int, str, int, int, int]] = {
    "M20-stapled": (13, "icosahedron", 3, 2, 0),
    "M22-stapled": (13, "icosahedron", 1, 4, 0),
    "M28-stapled": (20, "fcc", 0, 4, 8),
    "M36-stapled": (28, "fcc", 0, 4, 12),
    "M38-stapled": (23, "two icosahedra", 3, 6, 0),
}
_NEAREST = 2.80  # Å, between neighbouring metals
_METAL_DONOR = 2.40  # Å
_CLOSEST_THIRD = 2.7  # Å, from a donor to a metal that it does not bridge
_DONOR_DONOR = 3.5  # Å, where two donors begin to crowd each other
_SHARED_METAL = 0.3  # crowding of two bridges on one metal, that of two donors 3.5 Å apart being one
_STAPLE_SPANS = {1: (2.6, 5.2), 2: (4.4, 5.2)}  # Å, between the ends of a staple of one and of two gold atoms
_N_RANDOM_STARTS = 100
_TILTS = np.radians([-25.0, 0.0, 25.0])  # of a staple about the line between its ends
_GOLD_NEIGHBOR, _GOLD_DONOR = 2.9, 3.1  # Å, where a gold atom of a staple begins to crowd one of another, and a donor


@dataclass(frozen=True)
class _Unit:
    """What covers two metals of a surface: n thiolates and the n − 1 gold atoms between them, from end to end."""

    ends: tuple[int, int]
    donors: np.ndarray
    gold: np.ndarray


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
    positions = _by_distance(_fcc(n_metals, elongation) if lattice == "fcc" else _LATTICES[lattice](n_metals))
    units = list(_bridges(positions))
    chosen = _spread(units, n_metals, [np.arange(len(units))] * n_thiolates, _greedy_starts)
    ends = [positions[list(unit.ends)] for unit in chosen]
    sites = tuple(bridge_site(unit.donors[0], a, b, 1) for unit, (a, b) in zip(chosen, ends, strict=True))
    return Core((dopant, *["Au"] * (n_metals - 1)), positions, sites)


def stapled_particle(name: str, dopant: str) -> Core:
    """Build a particle under staples of gold and thiolate.

    A staple leads from one metal of the surface to another: thiolate, gold, thiolate, or one gold and thiolate more.
    The dopant lies next to the middle of the core.

    Parameters
    ----------
    name
        Key of `STAPLED`.
    dopant
        Element of the innermost atom; all others are gold.

    Examples
    --------
    >>> core = stapled_particle("M38-stapled", "Ag")
    >>> len(core.symbols), len(core.sites)
    (38, 24)
    """
    n_core, lattice, *counts = STAPLED[name]
    metals = _by_distance(_LATTICES[lattice](n_core))
    units = [*_staples(metals, 1), *_staples(metals, 2), *_bridges(metals)]
    n_gold = np.array([len(unit.gold) for unit in units])
    places = [np.flatnonzero(n_gold == kind) for kind, n in zip((1, 2, 0), counts, strict=True) for _ in range(n)]
    places.sort(key=lambda place: -n_gold[place[0]])
    chosen = _spread(units, n_core, places, _random_starts)
    positions = np.vstack([metals, *(unit.gold for unit in chosen)])
    sites = tuple(site for unit in chosen for site in _unit_sites(unit, metals))
    return Core((dopant, *["Au"] * (len(positions) - 1)), positions, sites)


def _unit_sites(unit: _Unit, metals: np.ndarray) -> Iterator[Site]:
    """The thiolates of a unit, substituents on alternate sides as in crystals."""
    chain = [metals[unit.ends[0]], *unit.gold, metals[unit.ends[1]]]
    for k, donor in enumerate(unit.donors):
        yield bridge_site(donor, chain[k], chain[k + 1], 1 if k % 2 == 0 else -1)


def _by_distance(positions: np.ndarray) -> np.ndarray:
    """The same points, the innermost first."""
    inner_first: np.ndarray = positions[np.argsort(np.linalg.norm(positions, axis=1).round(6), kind="stable")]
    return inner_first


def _two_icosahedra(n_metals: int) -> np.ndarray:
    """Two centred icosahedra that share a face, 23 atoms, around the middle of that face [Å]."""
    one = _icosahedron((n_metals + 3) // 2)
    axis = np.ones(3) / np.sqrt(3)
    height = one @ axis
    middle = height.max() * axis
    beyond = one[height < height.max() - 0.1]
    both: np.ndarray = np.vstack([one, beyond + 2 * ((middle - beyond) @ axis)[:, None] * axis]) - middle
    return both


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


def _surface_pairs(metals: np.ndarray, span: tuple[float, float]) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    """Pairs of metals of a surface so far apart [Å], with the unit vector along them and one away from the particle."""
    distance = np.linalg.norm(metals[:, None] - metals[None], axis=2)
    bonded = (distance > 0.1) & (distance < 1.15 * _NEAREST)
    away = metals * bonded.sum(axis=1)[:, None] - bonded @ metals
    for a, b in np.argwhere(np.triu((distance > span[0]) & (distance < span[1]))):
        along = (metals[b] - metals[a]) / distance[a, b]
        outward = away[a] + away[b]
        outward = outward - (outward @ along) * along
        if np.linalg.norm(outward) >= 0.5 * _NEAREST:
            yield int(a), int(b), along, outward


def _bridges(metals: np.ndarray) -> Iterator[_Unit]:
    """All thiolates that can bridge two neighbours without coming near a third metal."""
    for a, b, _, outward in _surface_pairs(metals, (0.1, 1.15 * _NEAREST)):
        height = np.sqrt(_METAL_DONOR**2 - (np.linalg.norm(metals[b] - metals[a]) / 2) ** 2)
        donor = (metals[a] + metals[b]) / 2 + height * outward / np.linalg.norm(outward)
        if np.delete(np.linalg.norm(metals - donor, axis=1), [a, b]).min() > _CLOSEST_THIRD:
            yield _Unit((a, b), donor[None], np.zeros((0, 3)))


def _staples(metals: np.ndarray, n_gold: int) -> Iterator[_Unit]:
    """All staples of one or two gold atoms that stand clear of the metals which they do not end on.

    Distances after Au25(SR)18 and Au102(SR)44: Au–S 2.3–2.4 Å, S–Au–S 160–170°.
    """
    for a, b, along, outward in _surface_pairs(metals, _STAPLE_SPANS[n_gold]):
        half, outward = float(np.linalg.norm(metals[b] - metals[a])) / 2, outward / np.linalg.norm(outward)
        if n_gold == 1:
            height = float(np.sqrt(_METAL_DONOR**2 - (2.28 - half) ** 2))
            donors, gold = [(-2.28, height), (2.28, height)], [(0.0, height + 0.35)]
        else:
            terminal = 3.79 + (half - 2.38) / 2
            donors, gold = [(-terminal, 1.90), (0.0, 4.65), (terminal, 1.90)], [(-1.72, 3.03), (1.72, 3.03)]
        middle, others = (metals[a] + metals[b]) / 2, np.delete(metals, [a, b], axis=0)
        for tilt in _TILTS:
            plane = np.stack([along, np.cos(tilt) * outward + np.sin(tilt) * np.cross(along, outward)])
            unit = _Unit((a, b), middle + np.array(donors) @ plane, middle + np.array(gold) @ plane)
            if min(_gaps(unit.donors, others).min(), _gaps(unit.gold, metals).min()) > _CLOSEST_THIRD:
                yield unit


def _spread(units: Sequence[_Unit], n_metals: int, places: Sequence[np.ndarray], starts: _Starts) -> list[_Unit]:
    """Pick one unit for each place, of least crowding: the best of what all starts lead to.

    `places` holds the candidates of each place, rows of `units`.
    """
    ends = np.zeros((len(units), n_metals))
    for k, unit in enumerate(units):
        ends[k, list(unit.ends)] = 1.0
    crowding = _crowding(units) + _SHARED_METAL * (ends @ ends.T)
    np.fill_diagonal(crowding, np.inf)
    choices = [_exchanged(start, crowding, places) for start in starts(crowding, places)]
    best = min(choices, key=lambda chosen: np.triu(crowding[np.ix_(chosen, chosen)], 1).sum())
    return [units[k] for k in best]


def _crowding(units: Sequence[_Unit]) -> np.ndarray:
    """How much any two units press on each other: 1 for two donors 3.5 Å apart, rising steeply; shape (n, n)."""
    donors, gold = np.vstack([unit.donors for unit in units]), np.vstack([unit.gold for unit in units])
    of_donor = np.repeat(np.eye(len(units)), [len(unit.donors) for unit in units], axis=1)
    of_gold = np.repeat(np.eye(len(units)), [len(unit.gold) for unit in units], axis=1)
    pressure = of_donor @ _pressure(donors, donors, _DONOR_DONOR) @ of_donor.T
    pressure += of_gold @ _pressure(gold, gold, _GOLD_NEIGHBOR) @ of_gold.T
    mixed = of_donor @ _pressure(donors, gold, _GOLD_DONOR) @ of_gold.T
    both: np.ndarray = pressure + mixed + mixed.T
    return both


def _pressure(ones: np.ndarray, others: np.ndarray, limit: float) -> np.ndarray:
    pressure: np.ndarray = (limit / (_gaps(ones, others) + 1e-9)) ** 16
    return pressure


def _gaps(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distances between two sets of points [Å]."""
    gaps: np.ndarray = np.linalg.norm(ones[:, None] - others[None], axis=2)
    return gaps


def _greedy_starts(crowding: np.ndarray, places: Sequence[np.ndarray]) -> Iterator[list[int]]:
    """From every second candidate of the first place on, the least crowded one for each further place."""
    for first in places[0][::2]:
        chosen = [int(first)]
        for place in places[1:]:
            chosen.append(int(place[crowding[:, chosen].sum(axis=1)[place].argmin()]))
        yield chosen


def _random_starts(crowding: np.ndarray, places: Sequence[np.ndarray]) -> Iterator[list[int]]:
    """Candidates at random: staples block one another, and a greedy choice does not get out of that."""
    rng = np.random.default_rng(0)
    for _ in range(_N_RANDOM_STARTS):
        yield [int(rng.choice(place)) for place in places]


def _exchanged(chosen: list[int], crowding: np.ndarray, places: Sequence[np.ndarray]) -> list[int]:
    """Exchange one candidate at a time while that helps."""
    improved = True
    while improved:
        improved = False
        for k, (place, old) in enumerate(zip(places, chosen, strict=True)):
            others = [*chosen[:k], *chosen[k + 1 :]]
            cost = crowding[:, others].sum(axis=1)
            best = int(place[cost[place].argmin()])
            if cost[best] < cost[old] - 1e-9:
                chosen[k], improved = best, True
    return chosen


_LATTICES = {"fcc": lambda n: _fcc(n, 1.0), "icosahedron": _icosahedron, "two icosahedra": _two_icosahedra}
_Starts = Callable[[np.ndarray, Sequence[np.ndarray]], Iterator[list[int]]]
