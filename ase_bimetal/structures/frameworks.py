"""Two metal atoms on a zeolite: hydrogen-terminated cut-outs around a ring of MFI, MOR or FAU.

A ring of n tetrahedral (T) atoms is found in the crystal, cut out with every T atom one oxygen bridge further, and
closed with Si–H bonds along the cut Si–O bonds. Aluminium replaces silicon in the ring, one for each positive charge
of the two metals, so that the object is neutral; with one proton for each aluminium it is the H-form, against which
eq. (1) is taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from ase.spacegroup import crystal

from ase_bimetal.errors import UnsupportedSystemError
from ase_bimetal.files import DATASETS
from ase_bimetal.neighbors import pairs_within

#: A T atom or oxygen in the endless crystal: index in the cell and the cell's shift.
Node = tuple[int, int, int, int]

_T_O_BOND = 2.0  # Å; Si–O is 1.61 Å in the idealised frameworks
_SI_H, _O_H = 1.48, 0.97  # Å
#: Rings that are cut out: framework → number of T atoms.
RINGS = {"MFI": (6,), "MOR": (8,), "FAU": (6,)}
#: Formal charge of a metal ion in a zeolite, the lower one where several are common; at most 3, because more than
#: four aluminium atoms around one ring would have to be neighbours (Löwenstein's rule). Every other metal: 2.
_CHARGE_1 = frozenset({"Cu", "Ag", "Au", "In"})
_CHARGE_3 = frozenset(
    {
        *("Sc", "Y", "La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu"),
        *("Ti", "V", "Cr", "Zr", "Nb", "Mo", "Hf", "Ta", "W", "Re", "Os", "Ru", "Rh", "Ir", "Ga"),
    }
)


def formal_charge(symbol: str) -> int:
    """Give a metal's formal charge [e] in a zeolite.

    The metal replaces as many protons: a count of aluminium, not a computed charge.

    Examples
    --------
    >>> formal_charge("Cu"), formal_charge("Ni"), formal_charge("Y")
    (1, 2, 3)
    """
    return 1 if symbol in _CHARGE_1 else 3 if symbol in _CHARGE_3 else 2


def support_name(family: str, structure: str, host: str, dopant: str) -> str:
    """Name a support without its metals, with the aluminium that their charges need.

    Parameters
    ----------
    family, structure
        ``"zeolite-MFI"`` and ``"6-ring"``, or ``"sheet"`` and ``"N6"``.
    host, dopant
        The two metals.

    Examples
    --------
    >>> support_name("zeolite-MFI", "6-ring", "Cu", "Ni"), support_name("sheet", "N6", "Au", "Ni")
    ('MFI-6-ring-3Al', 'sheet-N6')
    """
    name = f"{family.replace('zeolite-', '')}-{structure}"
    if not family.startswith("zeolite"):
        return name
    return f"{name}-{formal_charge(host) + formal_charge(dopant)}Al"


@dataclass(frozen=True, eq=False)
class CutOut:
    """A neutral piece of an all-silica framework around one ring.

    Attributes
    ----------
    atoms
        Positions [Å]; ring T atoms first, in order around the ring, then the ring's oxygens in the same order
        (oxygen k lies between T atoms k and k + 1), then all else.
    ring_size
        Number of T atoms in the ring.
    frozen
        Whether an atom stays where the crystal has it: the outer T atoms, their hydrogens, and the oxygens
        between them; shape (n,).
    """

    atoms: Atoms
    ring_size: int
    frozen: np.ndarray

    @property
    def ring_oxygens(self) -> np.ndarray:
        """Indices of the ring's oxygens, in order."""
        return np.arange(self.ring_size, 2 * self.ring_size)


@lru_cache(maxsize=8)
def framework(code: str) -> Atoms:
    """Build the all-silica crystal of a framework type.

    It is one cell.

    Coordinates: Database of Zeolite Structures (IZA); cell, space group and sites are in the data file.

    Raises
    ------
    UnsupportedSystemError
        The framework is not in the data file.

    Examples
    --------
    >>> framework("MOR").get_chemical_formula()
    'O96Si48'
    """
    table = json.loads((DATASETS / "zeolite_frameworks.json").read_text())["frameworks"]
    if code not in table:
        raise UnsupportedSystemError(f"no framework {code!r}; allowed: {', '.join(table)}. Choose one of these")
    entry = table[code]
    return crystal(
        [site["element"] for site in entry["sites"]],
        [site["frac"] for site in entry["sites"]],
        spacegroup=entry["number"],
        # The atlas puts the origin of Fd-3m at the inversion centre, the second of the two choices.
        setting=2 if entry["number"] == 227 else 1,
        cellpar=entry["cell"],
        onduplicates="replace",
        symprec=2e-3,
    )


@lru_cache(maxsize=16)
def cut_out(code: str, ring_size: int) -> CutOut:
    """Cut the most open ring of a size out.

    Two spheres of T atoms come with it, closed by hydrogen.

    Raises
    ------
    UnsupportedSystemError
        The framework is unknown, or has no ring of that size.

    Examples
    --------
    >>> piece = cut_out("FAU", 6)
    >>> piece.ring_size, sorted(set(piece.atoms.symbols))
    (6, ['H', 'O', 'Si'])
    """
    net = _Net(framework(code))
    rings = list(net.rings(ring_size))
    if not rings:
        raise UnsupportedSystemError(
            f"{code} has no ring of {ring_size} T atoms; known: {RINGS.get(code, ())}. Choose one of these"
        )
    ring = max(rings, key=lambda ring: round(net.openness(ring), 3))
    return _close(net, ring)


def substituted(piece: CutOut, n_aluminium: int) -> Atoms:
    """Put aluminium in place of silicon.

    The sites are as far apart around the ring as they go, at most every other T atom.

    A further one goes to the outer T atom that is next to a silicon of the ring and far from the aluminium.

    Raises
    ------
    UnsupportedSystemError
        More aluminium than every other ring atom and one outer atom.
    """
    half = piece.ring_size // 2
    if not 1 <= n_aluminium <= half + 1:
        raise UnsupportedSystemError(
            f"{n_aluminium} aluminium atoms in a ring of {piece.ring_size}; allowed: 1 to "
            f"{half + 1}. Choose a number in this range"
        )
    atoms: Atoms = piece.atoms.copy()
    in_ring = min(n_aluminium, half)
    atoms.symbols[[2 * (k * half // in_ring) for k in range(in_ring)]] = "Al"
    if n_aluminium > half:
        atoms.symbols[_outer_site(atoms, piece)] = "Al"
    return atoms


def h_forms(atoms: Atoms, count: int) -> list[Atoms]:
    """List the H-forms of a substituted piece.

    Each has one proton on an oxygen of every aluminium.

    Protons sit on different oxygens; arrangements come in the order of their mutual repulsion, lowest first.
    """
    choices = [_bridging_oxygens(atoms, al) for al in np.flatnonzero(atoms.symbols == "Al").tolist()]
    scored = {}
    for oxygens in product(*choices):
        if len(set(oxygens)) == len(oxygens):
            sites = np.array([_proton(atoms, o) for o in oxygens])
            scored[tuple(sorted(oxygens))] = (_crowding(atoms, sites), sites)
    best = sorted(scored.values(), key=lambda entry: entry[0])[:count]
    return [atoms + Atoms(f"H{len(sites)}", sites) for _, sites in best]


def place_metals(atoms: Atoms, piece: CutOut, metals: tuple[str, str], apart: float = 3.4) -> Atoms:
    """Put two metals into a ring.

    Each finds ring oxygens at bonding distance and nothing else too close.

    The metals come first in the result; the rest keeps its order.

    Parameters
    ----------
    atoms
        The substituted piece.
    piece
        The piece it was made from.
    metals
        The two elements.
    apart
        Shortest distance of the two metals [Å]; the longest is 5 Å.
    """
    grid = _grid(atoms, piece)
    costs = [_site_cost(atoms, piece, grid, symbol) for symbol in metals]
    best = [np.argsort(cost)[:300] for cost in costs]
    distance = np.linalg.norm(grid[best[0]][:, None] - grid[best[1]][None], axis=2)
    forbidden = (distance <= apart) | (distance >= 5.0)
    total = costs[0][best[0]][:, None] + costs[1][best[1]][None] + np.where(forbidden, 1e3, 0)
    a, b = np.unravel_index(total.argmin(), total.shape)
    placed: Atoms = Atoms(list(metals), [grid[best[0][a]], grid[best[1][b]]]) + atoms
    return placed


class _Net:
    """The endless net of T atoms and oxygens of a crystal."""

    def __init__(self, atoms: Atoms) -> None:
        self.atoms = atoms
        found = pairs_within(atoms.positions, np.array(atoms.cell), tuple(atoms.pbc), _T_O_BOND)
        self._bonds: dict[int, list[tuple[int, np.ndarray]]] = {i: [] for i in range(len(atoms))}
        for i, j, shift in zip(found.first.tolist(), found.second.tolist(), found.shift, strict=True):
            if (atoms.symbols[i] == "O") != (atoms.symbols[j] == "O"):
                self._bonds[i].append((j, shift))

    def bonded(self, node: Node) -> list[Node]:
        """Atoms bonded to one, in the endless crystal."""
        shift = np.array(node[1:])
        return [(j, *(shift + s).tolist()) for j, s in self._bonds[node[0]]]

    def bridged(self, node: Node) -> dict[Node, Node]:
        """T atoms one oxygen away from a T atom, each with that oxygen."""
        return {t: o for o in self.bonded(node) for t in self.bonded(o) if t != node}

    def position(self, node: Node) -> np.ndarray:
        """Cartesian position [Å]."""
        place: np.ndarray = self.atoms.positions[node[0]] + np.array(node[1:]) @ self.atoms.cell.array
        return place

    def steps(self, start: Node, reach: int) -> dict[Node, int]:
        """Bridges from a T atom to every T atom within reach."""
        found, edge = {start: 0}, [start]
        for step in range(1, reach + 1):
            edge = list(dict.fromkeys(t for node in edge for t in self.bridged(node) if t not in found))
            found |= {t: step for t in edge}
        return found

    def rings(self, size: int) -> Iterator[tuple[Node, ...]]:
        """Rings without shortcut through one T atom of each kind: no two members are closer outside the ring."""
        kinds = np.unique(self.atoms.arrays["spacegroup_kinds"], return_index=True)[1]
        for index in sorted(i for i in kinds.tolist() if self.atoms.symbols[i] == "Si"):
            start = (index, 0, 0, 0)
            near = self.steps(start, size // 2)
            for path in self._paths([start], size, near):
                if path[1] < path[-1] and self._has_no_shortcut(path):
                    yield tuple(path)

    def _paths(self, path: list[Node], size: int, near: dict[Node, int]) -> Iterator[list[Node]]:
        """Closed walks of a size that move away from the start and come back."""
        if len(path) == size:
            if path[0] in self.bridged(path[-1]):
                yield path
            return
        wanted = min(len(path), size - len(path))
        for following in self.bridged(path[-1]):
            if near.get(following) == wanted and following not in path:
                yield from self._paths([*path, following], size, near)

    def _has_no_shortcut(self, ring: list[Node]) -> bool:
        size = len(ring)
        for k, node in enumerate(ring[: size // 2 + 1]):
            near = self.steps(node, size // 2 - 1)
            for m in range(k + 1, size):
                if near.get(ring[m], size) < min(m - k, size - m + k):
                    return False
        return True

    def openness(self, ring: tuple[Node, ...]) -> float:
        """Free space [Å] of a ring: from its centre to its oxygens, and from 1.5 Å to either side to all else."""
        inner = np.array([self.position(o) for o in self.ring_oxygens(ring)])
        centre = inner.mean(axis=0)
        normal = np.linalg.svd(inner - centre)[2][2]
        members = set(ring) | set(self.ring_oxygens(ring))
        sides = [centre + 1.5 * normal, centre - 1.5 * normal]
        around = {o for t in self.steps(ring[0], len(ring)) for o in (t, *self.bonded(t))} - members
        others = np.array([self.position(node) for node in around])
        side_room = min(np.linalg.norm(others - side, axis=1).min() for side in sides)
        return float(np.linalg.norm(inner - centre, axis=1).min() + min(side_room, 3.5))

    def ring_oxygens(self, ring: tuple[Node, ...]) -> list[Node]:
        """The oxygen between each T atom of a ring and the next."""
        return [self.bridged(t)[following] for t, following in zip(ring, (*ring[1:], ring[0]), strict=True)]


def _close(net: _Net, ring: tuple[Node, ...]) -> CutOut:
    """Cut out a ring with the T atoms one bridge further, and end every cut Si–O bond with hydrogen."""
    spheres = list(dict.fromkeys([*ring, *(t for member in ring for t in net.bridged(member))]))
    kept = set(spheres)
    inner = net.ring_oxygens(ring)
    bridges = [o for t in spheres for o in net.bonded(t) if kept.issuperset(net.bonded(o))]
    order = list(dict.fromkeys([*ring, *inner, *spheres, *bridges]))
    symbols = ["O" if net.atoms.symbols[node[0]] == "O" else "Si" for node in order]
    positions = [net.position(node) for node in order]
    first_sphere = {o for t in ring for o in net.bonded(t)} | set(ring)
    hydrogens = []
    for t in spheres:
        for o in set(net.bonded(t)) - set(order):
            bond = net.position(o) - net.position(t)
            hydrogens.append(net.position(t) + _SI_H * bond / np.linalg.norm(bond))
    hydrogens.sort(key=lambda site: site.round(6).tolist())
    frozen = [node not in first_sphere for node in order] + [True] * len(hydrogens)
    atoms = Atoms(symbols + ["H"] * len(hydrogens), np.array(positions + hydrogens))
    atoms.positions -= atoms.positions[len(ring) : 2 * len(ring)].mean(axis=0)
    return CutOut(atoms, len(ring), np.array(frozen))


def _outer_site(atoms: Atoms, piece: CutOut) -> int:
    """The outer silicon next to a ring silicon that is furthest from the aluminium."""
    is_t = np.isin(atoms.symbols, ("Si", "Al"))
    outer = [i for i in np.flatnonzero(is_t) if i >= piece.ring_size]
    distances = atoms.get_all_distances()
    silicon = [i for i in range(piece.ring_size) if atoms.symbols[i] == "Si"]
    aluminium = [i for i in range(piece.ring_size) if atoms.symbols[i] == "Al"]
    near = [i for i in outer if distances[i, silicon].min() < distances[i, aluminium].min()]
    # Atoms that differ by rounding only are one choice: the first of them.
    return int(max(near, key=lambda i: (round(distances[i, aluminium].min(), 2), -i)))


def _bridging_oxygens(atoms: Atoms, aluminium: int) -> list[int]:
    distances = atoms.get_distances(aluminium, range(len(atoms)))
    return [int(i) for i in np.flatnonzero((distances < _T_O_BOND) & (atoms.symbols == "O"))]


def _proton(atoms: Atoms, oxygen: int) -> np.ndarray:
    """Where a proton sits on a bridging oxygen: in the plane of T–O–T, on the outer side."""
    vectors = atoms.positions - atoms.positions[oxygen]
    distances = np.linalg.norm(vectors, axis=1)
    bridged = (distances < _T_O_BOND) & (distances > 0)
    outward = -vectors[bridged].sum(axis=0)
    if np.linalg.norm(outward) < 0.05:  # straight T–O–T: any direction across it will do
        outward = np.cross(vectors[bridged][0], np.eye(3)[np.abs(vectors[bridged][0]).argmin()])
    place: np.ndarray = atoms.positions[oxygen] + _O_H * outward / np.linalg.norm(outward)
    return place


def _crowding(atoms: Atoms, sites: np.ndarray) -> float:
    """Repulsion of protons with each other and with the atoms they are not bonded to (arbitrary unit)."""
    mutual = sum(1 / np.linalg.norm(a - b) for a, b in combinations(sites, 2))
    distances = np.linalg.norm(sites[:, None] - atoms.positions[None], axis=2)
    return float(mutual + (np.where(distances > 1.2, distances, np.inf) ** -6.0).sum())


def _grid(atoms: Atoms, piece: CutOut) -> np.ndarray:
    """Points within 4 Å of the ring's centre, 0.3 Å apart, shape (n, 3)."""
    ticks = np.arange(-4.0, 4.01, 0.3)
    points = np.array(np.meshgrid(ticks, ticks, ticks)).reshape(3, -1).T
    points = points[np.linalg.norm(points, axis=1) < 4.0]
    centre: np.ndarray = atoms.positions[piece.ring_oxygens].mean(axis=0)
    around: np.ndarray = points + centre
    return around


def _site_cost(atoms: Atoms, piece: CutOut, grid: np.ndarray, symbol: str) -> np.ndarray:
    """How badly a metal sits at each point: its three closest ring oxygens off bonding distance, others close.

    Oxygens of aluminium carry the charge, so they count as 0.15 Å closer.
    """
    bond = covalent_radii[atomic_numbers[symbol]] + covalent_radii[8] + 0.05
    bond = min(bond, 2.4)
    distances = np.linalg.norm(grid[:, None] - atoms.positions[None], axis=2)
    of_aluminium = {o for al in np.flatnonzero(atoms.symbols == "Al").tolist() for o in _bridging_oxygens(atoms, al)}
    bonus = np.array([0.15 * (o in of_aluminium) for o in piece.ring_oxygens])
    closest = np.sort(distances[:, piece.ring_oxygens] - bonus, axis=1)[:, :3]
    oxygen = atoms.symbols == "O"
    too_close = np.where(oxygen, bond - 0.15, 2.5)[None] - distances
    far, near = (np.clip(closest - bond, 0, None) ** 2).sum(axis=1), (np.clip(too_close, 0, None) ** 2).sum(axis=1)
    return np.asarray(far + 4 * near)


__all__ = [
    "RINGS",
    "CutOut",
    "cut_out",
    "formal_charge",
    "framework",
    "h_forms",
    "place_metals",
    "substituted",
    "support_name",
]
