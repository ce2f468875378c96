"""Where do the dopants sit? Placements on the sites of a cluster or crystal: all distinct ones, or a search for one.

Works with any ASE calculator that gives an energy. Positions are kept unless a relaxation is passed, so that without
one the ranking compares elements on the given geometry.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.calculators.abc import GetPropertiesMixin
from ase.io import Trajectory
from scipy.spatial import cKDTree

from ase_bimetal.errors import SearchError
from ase_bimetal.shell import find_metals

#: Placements that may be enumerated; beyond, a search is the better way.
MOST_PLACEMENTS = 20_000

Relax = Callable[[Atoms], Atoms]


@dataclass(frozen=True, eq=False)
class Placement:
    """One way to place the metals.

    Attributes
    ----------
    atoms
        The object.
    energy
        Its energy [eV] from the calculator.
    """

    atoms: Atoms
    energy: float


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a Monte Carlo search found.

    Attributes
    ----------
    best
        The lowest placement met.
    history
        Energy [eV] of the current placement: at the start and after every step, length steps + 1.
    accepted
        Number of swaps that were accepted.
    evaluations
        Number of energies that were computed; a placement met again is not computed again.
    """

    best: Placement
    history: tuple[float, ...]
    accepted: int
    evaluations: int


def distinct_placements(
    atoms: Atoms, dopant: str, count: int = 1, sites: Sequence[int] | None = None, tolerance: float = 0.1
) -> list[Atoms]:
    """List the distinct ways to place `count` dopants.

    No symmetry operation turns one into another.

    Point groups come from pymatgen's analyser, space groups from spglib.

    Parameters
    ----------
    atoms
        The undoped object. Its whole symmetry counts, so ligands in the coordinates make sites distinct.
    dopant
        Element to put in.
    count
        Number of dopant atoms.
    sites
        Indices that may be replaced; by default all metal atoms.
    tolerance
        How far atoms may be from where a symmetry operation puts them [Å].

    Raises
    ------
    SearchError
        More dopants than sites, or more than `MOST_PLACEMENTS` placements to look at.

    Examples
    --------
    >>> square = Atoms("Au4", [[0, 0, 0], [2.8, 0, 0], [2.8, 2.8, 0], [0, 2.8, 0]])
    >>> [str(found.symbols) for found in distinct_placements(square, "Pd", 2)]
    ['Pd2Au2', 'PdAuPdAu']
    """
    allowed = _sites(atoms, sites)
    if not 1 <= count <= len(allowed):
        raise SearchError(
            f"{count} dopants on {len(allowed)} sites; allowed: 1 to {len(allowed)}. Give a number in this range"
        )
    _require_countable(comb(len(allowed), count))
    images = symmetry_images(atoms, tolerance)
    seen: set[tuple[int, ...]] = set()
    found = []
    for chosen in combinations(allowed, count):
        if chosen not in seen:
            seen.update(map(tuple, np.unique(np.sort(images[:, chosen], axis=1), axis=0).tolist()))
            found.append(_with_symbols(atoms, chosen, [dopant] * count))
    return found


def symmetry_images(atoms: Atoms, tolerance: float = 0.1) -> np.ndarray:
    """Compute where each symmetry operation takes the atoms.

    Atom indices, shape (operations, N).

    Parameters
    ----------
    atoms
        A molecule or cluster, or an object periodic in three directions.
    tolerance
        How far atoms may be from where an operation puts them [Å].

    Raises
    ------
    SearchError
        The object is periodic in one or two directions only.
    """
    if atoms.pbc.any() and not atoms.pbc.all():
        raise SearchError(
            "symmetry of an object periodic in one or two directions; allowed: none or three"
            ". Set pbc in all directions or in none"
        )
    images = _space_group_images(atoms, tolerance) if atoms.pbc.all() else _point_group_images(atoms, tolerance)
    return np.unique(np.vstack([np.arange(len(atoms)), *images]), axis=0)


def rank_placements(
    placements: Iterable[Atoms], calculator: GetPropertiesMixin, relax: Relax | None = None
) -> list[Placement]:
    """Rank placements by rising energy.

    Parameters
    ----------
    placements
        The objects, as from `distinct_placements`; they are not changed.
    calculator
        Any ASE calculator with an energy; one with a method ``get_energies`` is given all placements at once.
    relax
        Relaxes a copy before its energy is taken, with a calculator of its own.
    """
    together = getattr(calculator, "get_energies", None)
    if relax is None and together is not None:
        copies = [atoms.copy() for atoms in placements]
        found = [Placement(atoms, energy) for atoms, energy in zip(copies, together(copies), strict=True)]
    else:
        found = [_evaluated(atoms, calculator, relax) for atoms in placements]
    return sorted(found, key=lambda placement: placement.energy)


def search_placements(
    atoms: Atoms,
    calculator: GetPropertiesMixin,
    steps: int = 200,
    temperatures: tuple[float, float] = (1500.0, 150.0),
    seed: int = 0,
    sites: Sequence[int] | None = None,
    relax: Relax | None = None,
    trajectory: str | Path | None = None,
) -> SearchResult:
    """Search the metals' places by simulated annealing.

    Metropolis steps swap two unlike atoms.

    Parameters
    ----------
    atoms
        The object with its metals anywhere; it is not changed.
    calculator
        Any ASE calculator with an energy; one with a method ``energies_on_sites`` gives a function of the elements on
        the sites, which spares it reading the rest anew.
    steps
        Number of swaps to try.
    temperatures
        First and last temperature [K]; between them it falls geometrically.
    seed
        Seed of the random numbers; equal seeds give equal searches.
    sites
        Indices that may be swapped; by default all metal atoms.
    relax
        Relaxes a copy of every new placement before its energy is taken, with a calculator of its own.
    trajectory
        ASE trajectory file that receives the start and every accepted placement, as they come.

    Raises
    ------
    SearchError
        Fewer than two elements on the sites, or temperatures that are not positive.

    Examples
    --------
    >>> from ase.calculators.emt import EMT
    >>> chain = Atoms("AuCu3", [[2.6 * i, 0, 0] for i in range(4)])
    >>> str(search_placements(chain, EMT(), steps=20).best.atoms.symbols) in ("CuAuCu2", "Cu2AuCu")
    True
    """
    walk = _Walk(atoms, calculator, _sites(atoms, sites), relax, np.random.default_rng(seed))
    if min(temperatures) <= 0:
        raise SearchError(f"temperatures {temperatures} K; allowed: above 0 K. Give temperatures in K")
    with _recorder(trajectory) as record:
        history = walk.anneal(units.kB * np.geomspace(*temperatures, steps), record)
    return SearchResult(walk.best, history, walk.accepted, len(walk.known))


class _Walk:
    """State of a search: where it is, the best it met, and every placement it knows by its elements on the sites."""

    def __init__(
        self,
        atoms: Atoms,
        calculator: GetPropertiesMixin,
        sites: Sequence[int],
        relax: Relax | None,
        rng: np.random.Generator,
    ) -> None:
        self._start, self._calculator, self._relax, self._rng = atoms, calculator, relax, rng
        self._sites = list(sites)
        self._elements = np.array([atoms.symbols[i] for i in sites])
        if len(set(self._elements)) < 2:
            raise SearchError(
                f"only {', '.join(set(self._elements)) or 'no metal'} on the {len(sites)} sites; "
                "allowed: two elements or more, to swap"
            )
        on_sites = getattr(calculator, "energies_on_sites", None) if relax is None else None
        self._energy = on_sites and on_sites(atoms, self._sites)
        self.known: dict[tuple[str, ...], Placement] = {}
        self.current = self.best = self._placement(self._elements)
        self.accepted = 0

    def anneal(self, kT: Iterable[float], record: Callable[[Placement], None]) -> tuple[float, ...]:
        """Step once at each temperature kT [eV]; energies of the start and after every step [eV].

        The start and every accepted placement are recorded.
        """
        history = [self.current.energy]
        record(self.current)
        for value in kT:
            if self.step(value):
                record(self.current)
            history.append(self.current.energy)
        return tuple(history)

    def step(self, kT: float) -> bool:
        """Try one swap at a temperature kT [eV]; whether it was accepted."""
        # Either end can be drawn first, so a swap and its reverse are proposed equally often.
        first = self._rng.integers(len(self._elements))
        second = self._rng.choice(np.flatnonzero(self._elements != self._elements[first]))
        proposed = self._elements.copy()
        proposed[[first, second]] = proposed[[second, first]]
        placement = self._placement(proposed)
        rise = placement.energy - self.current.energy
        if rise > 0 and self._rng.random() >= np.exp(-rise / kT):
            return False
        self._elements, self.current = proposed, placement
        self.accepted += 1
        if placement.energy < self.best.energy:
            self.best = placement
        return True

    def _placement(self, symbols: np.ndarray) -> Placement:
        key = tuple(symbols.tolist())
        if key not in self.known:
            placed = _with_symbols(self._start, self._sites, key)
            self.known[key] = (
                Placement(placed, self._energy(key))
                if self._energy
                else _evaluated(placed, self._calculator, self._relax)
            )
        return self.known[key]


def _evaluated(atoms: Atoms, calculator: GetPropertiesMixin, relax: Relax | None) -> Placement:
    placed = atoms.copy() if relax is None else relax(atoms.copy())
    return Placement(placed, float(calculator.get_property("energy", placed)))


@contextmanager
def _recorder(trajectory: str | Path | None) -> Iterator[Callable[[Placement], None]]:
    """A function that appends a placement to a new trajectory file, or forgets it if there is none."""
    if trajectory is None:
        yield lambda placement: None
        return
    with Trajectory(trajectory, "w") as writer:
        yield lambda placement: writer.write(placement.atoms, energy=placement.energy)


def _sites(atoms: Atoms, sites: Sequence[int] | None) -> list[int]:
    chosen = find_metals(tuple(atoms.symbols)).tolist() if sites is None else list(sites)
    if wrong := [i for i in chosen if not 0 <= i < len(atoms)]:
        raise SearchError(
            f"sites {wrong} of an object with {len(atoms)} atoms; allowed: 0 to {len(atoms) - 1}"
            ". Give indices of metal atoms"
        )
    return chosen


def _require_countable(number: int) -> None:
    if number > MOST_PLACEMENTS:
        raise SearchError(f"{number} placements to enumerate; allowed: up to {MOST_PLACEMENTS}. Use search_placements")


def _with_symbols(atoms: Atoms, sites: Sequence[int], symbols: Sequence[str]) -> Atoms:
    placed: Atoms = atoms.copy()
    placed.symbols[list(sites)] = list(symbols)
    return placed


def _point_group_images(atoms: Atoms, tolerance: float) -> list[np.ndarray]:
    from pymatgen.core.structure import Molecule
    from pymatgen.symmetry.analyzer import PointGroupAnalyzer

    centred = Molecule(list(atoms.symbols), atoms.positions).get_centered_molecule()
    operations = PointGroupAnalyzer(centred, tolerance=tolerance).get_symmetry_operations()
    tree = cKDTree(centred.cart_coords)
    found = []
    for operation in operations:
        distance, rows = tree.query(operation.operate_multi(centred.cart_coords))
        # Operations are products of a few that were checked, whose deviations add up.
        if _is_permutation(rows) and distance.max() < 3 * tolerance:
            found.append(rows)
    return found


def _space_group_images(atoms: Atoms, tolerance: float) -> list[np.ndarray]:
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    structure = AseAtomsAdaptor.get_structure(atoms)
    with warnings.catch_warnings():
        # spglib 2.7 warns whoever does not yet take its new errors, and pymatgen does not.
        warnings.filterwarnings("ignore", "Set OLD_ERROR_HANDLING", DeprecationWarning)
        operations = SpacegroupAnalyzer(structure, symprec=tolerance).get_symmetry_operations()
    wrapped = structure.frac_coords % 1.0 % 1.0
    tree = cKDTree(wrapped, boxsize=1.0)
    rows = [tree.query(operation.operate_multi(wrapped) % 1.0 % 1.0)[1] for operation in operations]
    return [row for row in rows if _is_permutation(row)]


def _is_permutation(rows: np.ndarray) -> bool:
    return len(np.unique(rows)) == len(rows)


__all__ = [
    "MOST_PLACEMENTS",
    "Placement",
    "SearchResult",
    "distinct_placements",
    "rank_placements",
    "search_placements",
    "symmetry_images",
]
