"""Metal cores and the places where their ligands bind.

A motif turns a dopant element into a `Core`: metal positions plus binding `Site` objects, each with a role
(``"thiolate"``, ``"axial"``, ``"phosphine"``, ``"halide"``). Which ligand fills which role is the prototype's
business, so that one motif serves every ligand shell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ase_bimetal.errors import BimetalError
from ase_bimetal.ligands import Ligand

#: Dopants of the source article, in order of atomic number.
DOPANTS = ("Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ru", "Rh", "Pd", "Ag", "Cd", "Re", "Os", "Ir", "Pt", "Hg")


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
    """

    anchor: np.ndarray
    direction: np.ndarray
    distance: float | None
    outward: np.ndarray
    role: str


@dataclass(frozen=True)
class Core:
    """Metal atoms and ligand sites: symbols (n,), positions (n, 3) in Å, sites."""

    symbols: tuple[str, ...]
    positions: np.ndarray
    sites: tuple[Site, ...]


@dataclass(frozen=True)
class Prototype:
    """One cluster to make: a family, a dopant and a ligand for every role.

    Examples
    --------
    >>> Prototype("Au4M2", "Pd", {"thiolate": "PET"}).name
    'Au4M2-Pd-PET'
    """

    family: str
    dopant: str
    shell: dict[str, str] = field(hash=False)

    @property
    def name(self) -> str:
        """Family, dopant and ligands, joined: the prototype's identity in the data set."""
        return "-".join([self.family, self.dopant, *self.shell.values()])

    def core(self) -> Core:
        """Build the metal core and its sites."""
        if self.family not in FAMILIES:
            raise BimetalError(f"unknown motif family {self.family!r}; allowed: {', '.join(FAMILIES)}")
        return FAMILIES[self.family](self.dopant)

    def ligands(self) -> dict[str, Ligand]:
        """The ligand of every role."""
        return {role: Ligand.parse(text) for role, text in self.shell.items()}


#: Usual metal–donor distances [Å] for a terminal ligand on a late metal (Cambridge Structural Database means).
DONOR_DISTANCE = {"P": 2.32, "S": 2.35, "Cl": 2.35, "Br": 2.45, "I": 2.60, "C": 2.00, "N": 2.10, "O": 2.05}


def au4m2(dopant: str) -> Core:
    """Au4M2(SR)8: two M atoms on the axis of an Au4 ring, each held by four thiolates that bridge to Au.

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
    sites = [_bridge_site(sulfur[i], axial[i // 4], gold[i % 4], 1 if i < 4 else -1) for i in range(8)]
    return Core(("Au",) * 4 + (dopant,) * 2, np.vstack([gold, axial]), tuple(sites))


def au4m2_capped(dopant: str) -> Core:
    """Au4M2(SR)8(PR3)2: as `au4m2`, with one phosphine on each axial atom."""
    core = au4m2(dopant)
    caps = tuple(
        Site(position, axis, None, axis, "axial")
        for position, axis in zip(core.positions[4:], np.array([[0, 0, 1.0], [0, 0, -1.0]]), strict=True)
    )
    return Core(core.symbols, core.positions, core.sites + caps)


def centred_gold(dopant: str, n_gold: int, n_halides: int) -> Core:
    """M@Au_n(PR3)_(n−k)X_k: one M inside a gold crown (n = 8) or icosahedron (n = 12), one ligand per gold."""
    radius = 2.72
    vertices = _CAGES[n_gold]() * radius
    halides = _spread_out(vertices, n_halides)
    sites = [
        Site(v, v / radius, None, v / radius, "halide" if i in halides else "phosphine")
        for i, v in enumerate(vertices)
    ]
    return Core((dopant, *["Au"] * n_gold), np.vstack([np.zeros(3), vertices]), tuple(sites))


def _pushed_out(point: np.ndarray, by: float) -> np.ndarray:
    """Move a point away from the z axis."""
    distance = np.linalg.norm(point[:2])
    return point * (distance + by) / distance


def _bridge_site(donor: np.ndarray, metal_a: np.ndarray, metal_b: np.ndarray, side: int) -> Site:
    """Site of a μ2-thiolate: the substituent leaves from the M–S–M plane, as in a pyramidal sulfur."""
    to_a, to_b = (m - donor for m in (metal_a, metal_b))
    to_a, to_b = to_a / np.linalg.norm(to_a), to_b / np.linalg.norm(to_b)
    normal = np.cross(to_a, to_b)
    normal /= np.linalg.norm(normal)
    away = -(to_a + to_b) / np.linalg.norm(to_a + to_b)
    direction = donor - metal_a
    distance = float(np.linalg.norm(direction))
    return Site(metal_a, direction / distance, distance, 0.62 * away + 0.78 * side * normal, "thiolate")


def _crown() -> np.ndarray:
    """Unit vectors of a square antiprism."""
    polar = np.radians(59.0)
    return np.array(
        [
            [np.sin(polar) * np.cos(angle), np.sin(polar) * np.sin(angle), sign * np.cos(polar)]
            for sign in (1, -1)
            for angle in np.arange(4) * np.pi / 2 + (np.pi / 4 if sign < 0 else 0.0)
        ]
    )


def _icosahedron() -> np.ndarray:
    """Unit vectors of an icosahedron."""
    golden = (1 + np.sqrt(5)) / 2
    face = np.array([[0, a, b * golden] for a in (1, -1) for b in (1, -1)])
    vertices = np.vstack([face, face[:, [2, 0, 1]], face[:, [1, 2, 0]]])
    return vertices / np.linalg.norm(vertices, axis=1)[:, None]


_CAGES: dict[int, Callable[[], np.ndarray]] = {8: _crown, 12: _icosahedron}


def _spread_out(points: np.ndarray, n: int) -> set[int]:
    """Pick n points, each as far as possible from those already picked."""
    chosen = [0] if n else []
    while len(chosen) < n:
        gaps = np.linalg.norm(points[:, None] - points[chosen][None], axis=2).min(axis=1)
        chosen.append(int(gaps.argmax()))
    return set(chosen)


#: Family name → builder of its core from the dopant.
FAMILIES: dict[str, Callable[[str], Core]] = {
    "Au4M2": au4m2,
    "Au4M2-capped": au4m2_capped,
    "M@Au8": lambda dopant: centred_gold(dopant, 8, 2),
    "M@Au12": lambda dopant: centred_gold(dopant, 12, 4),
}
