"""Metal cores and the places where their ligands bind.

A builder turns a dopant element into a `Core`: metal positions plus binding `Site` objects, each with a role
(``"thiolate"``, ``"axial"``, ``"phosphine"``, ``"diphosphine"``, ``"halide"``, ``"sulfide"``, ``"pi"``). Which ligand
fills which role is the prototype's business, so that one core serves every ligand shell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

GOLDEN = (1 + np.sqrt(5)) / 2


@dataclass(frozen=True)
class Site:
    """A place for one ligand.

    Attributes
    ----------
    anchor
        Point the donor distance is measured from [Å], shape (3,).
    direction
        Unit vector from the anchor to the donor, shape (3,).
    distance
        Distance from anchor to donor [Å]; None when the donor element decides (`DONOR_DISTANCE`).
    outward
        Direction in which the rest of the ligand points, shape (3,).
    role
        Which ligand of the shell binds here.
    ends
        The two metals under a ligand of two donors [Å], shape (2, 3), with the anchor halfway between them; None at a
        site of one donor.
    """

    anchor: np.ndarray
    direction: np.ndarray
    distance: float | None
    outward: np.ndarray
    role: str
    ends: np.ndarray | None = None


@dataclass(frozen=True)
class Core:
    """Metal atoms and ligand sites: symbols (n,), positions (n, 3) in Å, sites."""

    symbols: tuple[str, ...]
    positions: np.ndarray
    sites: tuple[Site, ...]


def au4m2(dopant: str) -> Core:
    """Build the core of Au4M2(SR)8.

    Two M atoms on the axis of an Au4 ring, each with four thiolates that bridge to Au.

    Parameters
    ----------
    dopant
        Element of the two axial atoms; ``"Au"`` gives the pure cluster.
    """
    metal_metal, sulfur_height, metal_sulfur, twist = 2.9, 2.1, 2.35, np.radians(40.0)
    half = metal_metal / 2
    radius = np.sqrt(metal_sulfur**2 - (sulfur_height - half) ** 2)
    sulfur = np.array(
        [
            [radius * np.cos(angle), radius * np.sin(angle), sign * sulfur_height]
            for sign in (1, -1)
            for angle in np.arange(4) * np.pi / 2 + sign * twist / 2
        ]
    )
    gold = [_pushed_out((sulfur[k] + sulfur[k + 4]) / 2, 0.35) for k in range(4)]
    axial = np.array([[0.0, 0.0, half], [0.0, 0.0, -half]])
    sites = [bridge_site(sulfur[i], axial[i // 4], gold[i % 4], 1 if i < 4 else -1) for i in range(8)]
    return Core(("Au",) * 4 + (dopant,) * 2, np.vstack([gold, axial]), tuple(sites))


def au4m2_capped(dopant: str) -> Core:
    """Build the core of Au4M2(SR)8(PR3)2.

    As `au4m2`, with one phosphine on each axial atom.
    """
    core = au4m2(dopant)
    caps = tuple(
        Site(position, axis, None, axis, "axial")
        for position, axis in zip(core.positions[4:], np.array([[0, 0, 1.0], [0, 0, -1.0]]), strict=True)
    )
    return Core(core.symbols, core.positions, core.sites + caps)


def centred_gold(dopant: str, n_gold: int, n_halides: int) -> Core:
    """Build the core of M@Au_n(PR3)_(n−k)X_k.

    One M inside a gold cage of 8, 10, 11 or 12 atoms, one terminal ligand per gold.
    """
    vertices = _CAGES[n_gold]() * 2.72
    sites = _terminal_sites(vertices, _spread_out(vertices, n_halides))
    return Core((dopant, *["Au"] * n_gold), np.vstack([np.zeros(3), vertices]), sites)


def staple_protected(dopant: str, place: str) -> Core:
    """Build the core of M@Au24(SR)18.

    An icosahedron of 13 metals under six V-shaped SR–Au–SR–Au–SR staples.

    Parameters
    ----------
    dopant
        Element of the odd atom.
    place
        ``"centre"``, ``"surface"`` (one of the twelve around it) or ``"staple"``.
    """
    shell = icosahedron() * 2.80
    staples = [_staple(turn) for turn in _staple_frames()]
    positions = np.vstack([np.zeros(3), shell, *(gold for gold, _ in staples)])
    symbols = ["Au"] * 25
    symbols[{"centre": 0, "surface": 1, "staple": 13}[place]] = dopant
    return Core(tuple(symbols), positions, tuple(site for _, sites in staples for site in sites))


def half_sandwich(dopant: str) -> Core:
    """Build the core of Au6M2(Cp)2(PR3)4X2.

    An Au6 octahedron, two opposite faces capped by M, each M under one π ligand.
    """
    edge, metal_gold, metal_ring = 2.85, 2.75, 1.85
    radius, height = edge / np.sqrt(3), edge / np.sqrt(6)
    gold = np.array(
        [
            [radius * np.cos(angle), radius * np.sin(angle), sign * height]
            for sign in (1, -1)
            for angle in np.arange(3) * 2 * np.pi / 3 + (np.pi / 3 if sign < 0 else 0.0)
        ]
    )
    axis = np.array([[0, 0, 1.0], [0, 0, -1.0]])
    caps = axis * (height + np.sqrt(metal_gold**2 - radius**2))
    rings = tuple(Site(p, a, metal_ring, a, "pi") for p, a in zip(caps, axis, strict=True))
    sites = _terminal_sites(gold, _spread_out(gold, 2))
    return Core(("Au",) * 6 + (dopant,) * 2, np.vstack([gold, caps]), sites + rings)


def icosahedral(dopant: str, shells: int) -> Core:
    """Build the core of M13(PR3)8X4 or of M55(PR3)12X6.

    Mackay icosahedra of one and of two shells, the second after Schmid's Au55.

    The centre is the dopant; an arrangement puts more of it elsewhere.
    """
    layers = [layer * 2.72 for layer in mackay(shells)]
    if shells == 1:
        sites = _terminal_sites(layers[0], _spread_out(layers[0], 4))
    else:
        # Atoms of the labels are counted by the later vertex of an edge.
        edges = layers[2] = layers[2][np.argsort(icosahedron_edges()[:, 1], kind="stable")]
        on_axis = edges[np.abs(edges).max(axis=1) > 0.99 * np.linalg.norm(edges, axis=1)]
        sites = _terminal_sites(layers[1], set()) + _terminal_sites(on_axis, set(range(6)))
    positions = np.vstack([np.zeros((1, 3)), *layers])
    return Core((dopant, *["Au"] * (len(positions) - 1)), positions, sites)


def gold_under_sulfides(dopant: str) -> Core:
    """Build the core of M@Au12(PR3)6S2.

    An icosahedron about M, a sulfide over each of two opposite faces, a phosphine on each other gold atom. As each
    sulfide counts twice, it has the electrons of M@Au12(PR3)8X4.
    """
    gold_sulfur, vertices = 2.40, icosahedron() * 2.72
    near = np.argsort(np.linalg.norm(vertices - vertices[0], axis=1), kind="stable")[1:6]
    other = near[np.argsort(np.linalg.norm(vertices[near] - vertices[near[0]], axis=1), kind="stable")[1]]
    face = vertices[[0, near[0], other]]
    centre = face.mean(axis=0)
    axis = centre / np.linalg.norm(centre)
    height = float(np.sqrt(gold_sulfur**2 - np.linalg.norm(face[0] - centre) ** 2))
    sulfides = tuple(Site(sign * centre, sign * axis, height, sign * axis, "sulfide") for sign in (1.0, -1.0))
    free = vertices[np.abs(vertices @ axis) < np.linalg.norm(centre) - 0.1]
    positions = np.vstack([np.zeros(3), vertices])
    return Core((dopant, *["Au"] * 12), positions, _terminal_sites(free, set()) + sulfides)


def with_diphosphines(core: Core) -> Core:
    """Give a core diphosphines in place of its phosphines.

    Each bridges two metals. Neighbours are paired so that the pairs are shortest in total.

    Parameters
    ----------
    core
        With an even number of phosphine sites.
    """
    single = [site for site in core.sites if site.role == "phosphine"]
    gap = np.linalg.norm([[a.anchor - b.anchor for b in single] for a in single], axis=2)
    pairs = min(_pairs(tuple(range(len(single)))), key=lambda pairs: sum(gap[a, b] for a, b in pairs).round(6))
    others = tuple(site for site in core.sites if site.role != "phosphine")
    return replace(core, sites=others + tuple(_over_edge(single[a], single[b]) for a, b in pairs))


def _pairs(rows: tuple[int, ...]) -> Iterator[tuple[tuple[int, int], ...]]:
    """All ways to put an even number of things in pairs."""
    if not rows:
        yield ()
    for k in range(1, len(rows)):
        for others in _pairs(rows[1:k] + rows[k + 1 :]):
            yield ((rows[0], rows[k]), *others)


def _over_edge(a: Site, b: Site) -> Site:
    """The site of a ligand of two donors that takes the places of two ligands of one."""
    edge = b.anchor - a.anchor
    outward = a.outward + b.outward
    outward = outward - (outward @ edge) * edge / (edge @ edge)
    outward /= np.linalg.norm(outward)
    return Site((a.anchor + b.anchor) / 2, outward, None, outward, "diphosphine", np.stack([a.anchor, b.anchor]))


def with_symbols(core: Core, symbols: tuple[str, ...]) -> Core:
    """Give the same core other metals."""
    return replace(core, symbols=tuple(symbols))


def spread_out(points: np.ndarray, n: int) -> list[int]:
    """Pick n points far from one another.

    Each as far as possible from those already picked; rows in the order picked.
    """
    chosen = [0] if n else []
    while len(chosen) < n:
        gaps = np.linalg.norm(points[:, None] - points[chosen][None], axis=2).min(axis=1)
        chosen.append(int(gaps.argmax()))
    return chosen


def _spread_out(points: np.ndarray, n: int) -> set[int]:
    return set(spread_out(points, n))


def _terminal_sites(metals: np.ndarray, halides: set[int]) -> tuple[Site, ...]:
    """One ligand on each metal, pointing away from the origin."""
    away = metals / np.linalg.norm(metals, axis=1)[:, None]
    return tuple(
        Site(metal, axis, None, axis, "halide" if i in halides else "phosphine")
        for i, (metal, axis) in enumerate(zip(metals, away, strict=True))
    )


def _staple_frames() -> list[np.ndarray]:
    """Axes (x, y, z) of the six staples: each lies in the x–z plane of its frame, over the core along z."""
    frames = []
    for x, y, z in np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1]]):
        for sign in (1.0, -1.0):
            unit = np.eye(3)
            frames.append(np.stack([unit[x], sign * unit[y], sign * unit[z]]))
    return frames


def _staple(frame: np.ndarray) -> tuple[np.ndarray, list[Site]]:
    """Two gold atoms (2, 3) and the three thiolate sites of one staple.

    Distances after Au25(SR)18: staple gold 4.8 Å from the centre, Au–S 2.33–2.40 Å, S–Au–S near 166°.
    """
    core, gold = np.array([2.382, 0.0, 1.472]), np.array([1.72, 0.0, 4.50])
    apex, terminal = np.array([0.0, 0.0, 6.12]), np.array([3.79, 0.0, 3.37])
    mirror = np.array([-1.0, 1.0, 1.0])
    plan = [
        (terminal, core, gold, 1),
        (apex, gold, gold * mirror, 1),
        (terminal * mirror, core * mirror, gold * mirror, -1),
    ]
    sites = [bridge_site(s @ frame, a @ frame, b @ frame, side) for s, a, b, side in plan]
    return np.stack([gold, gold * mirror]) @ frame, sites


def _pushed_out(point: np.ndarray, by: float) -> np.ndarray:
    """Move a point away from the z axis."""
    distance = np.linalg.norm(point[:2])
    moved: np.ndarray = point * (distance + by) / distance
    return moved


def bridge_site(donor: np.ndarray, metal_a: np.ndarray, metal_b: np.ndarray, side: int) -> Site:
    """Make the site of a μ2-thiolate.

    The substituent leaves from the M–S–M plane, as in a pyramidal sulfur.
    """
    to_a, to_b = (m - donor for m in (metal_a, metal_b))
    to_a, to_b = to_a / np.linalg.norm(to_a), to_b / np.linalg.norm(to_b)
    normal = np.cross(to_a, to_b)
    normal /= np.linalg.norm(normal)
    away = -(to_a + to_b) / np.linalg.norm(to_a + to_b)
    direction = donor - metal_a
    distance = float(np.linalg.norm(direction))
    return Site(metal_a, direction / distance, distance, 0.62 * away + 0.78 * side * normal, "thiolate")


def _antiprism(polar_degrees: float) -> np.ndarray:
    """Unit vectors of a square antiprism."""
    polar = np.radians(polar_degrees)
    return np.array(
        [
            [np.sin(polar) * np.cos(angle), np.sin(polar) * np.sin(angle), sign * np.cos(polar)]
            for sign in (1, -1)
            for angle in np.arange(4) * np.pi / 2 + (np.pi / 4 if sign < 0 else 0.0)
        ]
    )


def _bicapped_antiprism() -> np.ndarray:
    """Unit vectors of a bicapped square antiprism."""
    return np.vstack([_antiprism(64.65), [[0, 0, 1.0], [0, 0, -1.0]]])


def icosahedron() -> np.ndarray:
    """Unit vectors of an icosahedron, its twofold axes along x, y and z."""
    face = np.array([[0, a, b * GOLDEN] for a in (1, -1) for b in (1, -1)])
    vertices = np.vstack([face, face[:, [2, 0, 1]], face[:, [1, 2, 0]]])
    unit: np.ndarray = vertices / np.linalg.norm(vertices, axis=1)[:, None]
    return unit


def icosahedron_edges() -> np.ndarray:
    """Edges of `icosahedron` as rows of its vertices, the smaller first, shape (30, 2)."""
    vertices = icosahedron()
    gaps = np.linalg.norm(vertices[:, None] - vertices, axis=2)
    edges: np.ndarray = np.argwhere(np.triu(gaps < 1.2, k=1))
    return edges


def mackay(shells: int) -> list[np.ndarray]:
    """Give the layers of a Mackay icosahedron about its central atom.

    Parameters
    ----------
    shells
        One or two.

    Returns
    -------
    list of ndarray
        Twelve vertices (12, 3) at distance 1; of two shells also those at distance 2, and (30, 3) atoms between them.
    """
    vertices = icosahedron()
    return [vertices, 2 * vertices, vertices[icosahedron_edges()].sum(axis=1)][: 1 if shells == 1 else 3]


_CAGES: dict[int, Callable[[], np.ndarray]] = {
    8: lambda: _antiprism(59.0),
    10: _bicapped_antiprism,
    11: lambda: icosahedron()[1:],
    12: icosahedron,
}
