"""Geometry in front of a prediction: what no cluster can be is an error, what no label was is a flag.

Distances are compared with those in the labels (`datasets/bond_lengths.json`): where atoms come closer than the usual
range of their elements, or part further, the object is flagged; beyond 0.8 or 1.25 times that range, and beyond the
rarest label, it is refused.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from ase_bimetal import elements
from ase_bimetal.errors import ChargedSystemError, GeometryError
from ase_bimetal.neighbors import all_distances, chosen_pairs, components, pairs_within
from ase_bimetal.shell import (
    BOND_FACTOR,
    CONTACT_FACTOR,
    FREE_FACTOR,
    LAST_CONTACT_FACTOR,
    SECOND_SHELL_MARGIN,
    binds_alone,
    mask_of,
)
from ase_bimetal.sites import Sites
from ase_bimetal.strain import bond_scatter
from ase_bimetal.trained_distances import (
    ANY_METALS_CLOSEST,
    HYDRIDE,
    HYDROGEN,
    NO_METALS_CLOSER,
    TOLERANCE,
    WIDEST_BOND,
    trained_distances,
)

if TYPE_CHECKING:
    from ase_bimetal.system import BimetallicSystem

_CARBON, _NITROGEN, _PHOSPHORUS, _SULFUR = 6, 7, 15, 16
# Elements by which a ligand may bind a second time: N, O, P, S, Se.
_SECOND_DONORS = (_NITROGEN, 8, _PHOSPHORUS, _SULFUR, 34)
# Two atoms above this number come close without a bond, as sulfur atoms of neighbouring ligands.
_HEAVY_ABOVE = 10
# Every carbon of three neighbours has a bond shorter than this multiple (C–C 1.49 Å).
_ANY_DOUBLE_BOND = 0.98
#: Two atoms further apart than this multiple of the sum of covalent radii do not join parts of a cluster. The widest
#: gaps in the labels are a small centre that has moved in its cage and a ring pulled off its metal.
JOINED_BELOW, LOOSELY_JOINED_ABOVE = 2.3, 1.6
# Below this many atoms without a cell, all distances are faster than a list of neighbours.
_FEW = 400


@dataclass(frozen=True)
class GeometryFindings:
    """What is wrong with coordinates.

    Attributes
    ----------
    impossible
        Why no cluster looks like this; None where one may.
    unusual
        Sentences on distances that no label has.
    strain
        How far bonds inside ligands are from their like [Å² per metal atom], see `ligand_strain`.
    """

    impossible: str | None
    unusual: tuple[str, ...] = ()
    strain: float = 0.0


def charge_refused(charge: float) -> str:
    """Say why a charged object has no formation energy.

    The charge [e] is named, and the ways out.
    """
    return (
        f"the object carries charge {charge:+g}; the formation energy, eq. (1), has no charge term. Two ways out: "
        'charge="ignore" gives the number of the neutral object with a flag, or put the counter-ions into the object. '
        "Descriptors need no neutral object"
    )


def require_neutral(system: BimetallicSystem) -> None:
    """Refuse the formation energy of an ion.

    Raises
    ------
    ChargedSystemError
        The object was read with its charge; the message names the ways out.
    """
    if system.charge:
        raise ChargedSystemError(charge_refused(system.charge))


def require_plausible(system: BimetallicSystem) -> None:
    """Refuse an ion, and coordinates that no cluster can have.

    Raises
    ------
    ChargedSystemError
        As `require_neutral`.
    GeometryError
        Names the atoms, their distance and what the labels have.

    Examples
    --------
    >>> from ase_bimetal import as_system, load_example
    >>> cluster = load_example("Au4Pd2(PET)8")
    >>> require_plausible(as_system(cluster))
    """
    require_neutral(system)
    if (reason := system.geometry.impossible) is not None:
        raise GeometryError(reason)


def examine(system: BimetallicSystem) -> GeometryFindings:
    """Compare all distances of a cluster with the labels.

    Other kinds of objects are left alone.

    Parameters
    ----------
    system
        The object.
    """
    if not system.has_geometry or system.kind != "cluster":
        return GeometryFindings(None)
    first, second, distance = _distances(system)
    return _Examination(system, first, second, distance).findings()


def close_metals(system: BimetallicSystem) -> tuple[str, ...]:
    """Look for metal atoms too close to each other.

    It is for objects without ligands, which `examine` leaves alone.

    Parameters
    ----------
    system
        The object.

    Returns
    -------
    tuple of str
        A sentence on the closest two, where they are closer than in any label.

    Raises
    ------
    GeometryError
        They are so close that no metals look like this.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase_bimetal import as_system
    >>> close_metals(as_system(bulk("Au", cubic=True)))
    ()
    """
    if not system.has_geometry:
        return ()
    rows = system.metals
    radii = covalent_radii[elements.numbers_of(system.symbols)[rows]]
    pairs = pairs_within(system.positions[rows], system.cell, system.pbc, 2 * ANY_METALS_CLOSEST * float(radii.max()))
    total = radii[pairs.first] + radii[pairs.second]
    if not len(total) or (pairs.distance / total).min() >= ANY_METALS_CLOSEST:
        return ()
    k = int((pairs.distance / total).argmin())
    one, other = (f"{rows[i]} ({system.symbols[rows[i]]})" for i in (pairs.first[k], pairs.second[k]))
    told = f"metal atoms {one} and {other} are {pairs.distance[k]:.2f} Å apart"
    if pairs.distance[k] < NO_METALS_CLOSER * total[k]:
        raise GeometryError(
            f"{told}; allowed: at least {NO_METALS_CLOSER * total[k]:.2f} Å. Check the unit of cell "
            "and positions, or relax the geometry"
        )
    return (f"{told}; hardly any label has metals closer than {ANY_METALS_CLOSEST * total[k]:.2f} Å",)


def ligand_strain(system: BimetallicSystem) -> float:
    """Measure how far bonds inside ligands are from their like.

    Bonds that are alike by connectivity have one length in a relaxed cluster; a rattle scatters them.

    Parameters
    ----------
    system
        The object.

    Returns
    -------
    float
        Sum over the bonds of the variance among their like, per metal atom [Å²]; 0 without ligand atoms.

    Examples
    --------
    >>> from ase_bimetal import as_system, load_example
    >>> ligand_strain(as_system(load_example("Au4Pd2(PET)8"))) < 1e-3
    True
    """
    return examine(system).strain


def _distances(system: BimetallicSystem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of atoms, each at least once, and their distances [Å]; the far ones may be missing."""
    numbers = elements.numbers_of(system.symbols)
    if len(numbers) <= _FEW and not any(system.pbc):
        radii, (first, second, distance) = covalent_radii[numbers], _near_on_sites(Sites(system))
        near = np.flatnonzero(distance < JOINED_BELOW * (radii[first] + radii[second]))
        return first[near], second[near], distance[near]
    return _pairs_on_sites(Sites(system), 2 * JOINED_BELOW * float(covalent_radii[np.unique(numbers)].max()))


@lru_cache(maxsize=8)
def _pairs_on_sites(sites: Sites, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of any number of atoms closer than a distance [Å], each once."""
    system = sites.system
    pairs = pairs_within(system.positions, system.cell, system.pbc, reach)
    once = np.flatnonzero(pairs.first <= pairs.second)
    return pairs.first[once], pairs.second[once], pairs.distance[once]


@lru_cache(maxsize=8)
def _near_on_sites(sites: Sites) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of few atoms, each once, that may be near each other whatever metals the sites hold."""
    system = sites.system
    reach = JOINED_BELOW * covalent_radii[elements.numbers_of(system.symbols)]
    reach[system.metals] = JOINED_BELOW * covalent_radii.max()
    distance = all_distances(system.positions)
    return chosen_pairs(distance, (distance < np.add.outer(reach, reach)) & _upper(len(reach)))


@lru_cache(maxsize=32)
def _upper(n: int) -> np.ndarray:
    return np.triu(np.ones((n, n), dtype=bool), 1)


class _Examination:
    """Distances of one cluster beside the trained ones."""

    def __init__(self, system: BimetallicSystem, first: np.ndarray, second: np.ndarray, distance: np.ndarray) -> None:
        self.symbols, self.trained = system.symbols, trained_distances()
        self.numbers = elements.numbers_of(system.symbols)
        self.is_metal = mask_of(system.metals, len(self.numbers))
        self.donors = system.donors
        self.kinds = self.numbers.copy()
        self.kinds[self.donors[self.numbers[self.donors] == HYDROGEN]] = HYDRIDE
        self.ligands = system.ligands
        self.donor_numbers = [atomic_numbers[ligand.donor] for ligand, _ in system.ligands]
        self.first, self.second, self.distance = first, second, distance

    def findings(self) -> GeometryFindings:
        """The first reason against the cluster, or all that is unusual."""
        checks = (
            self._close(),
            self._far(),
            self._far_metal(),
            self._half_bound(),
            self._parts(),
            (self._other_donor(), False),
            (self._loose_donor(), False),
            (self._thin_carbon(), False),
        )
        impossible = next((text for text, is_error in checks if text and is_error), None)
        unusual = () if impossible else tuple(text for text, _ in checks if text)
        return GeometryFindings(impossible, unusual, self._strain())

    def _strain(self) -> float:
        """Sum over the bonds inside ligands of the variance among their like, per metal atom [Å²]."""
        first, second = self._bonded_pairs.T
        heavy = (self.numbers[first] > _HEAVY_ABOVE) & (self.numbers[second] > _HEAVY_ABOVE)
        bonded = self._ratio[self._bonded] < np.where(heavy, WIDEST_BOND, BOND_FACTOR)
        first, second, distance = first[bonded], second[bonded], self.distance[self._bonded][bonded]
        numbers = self.numbers.copy()
        numbers[self.donors] += len(covalent_radii)  # an oxygen atom on metal is not like one beside it
        return bond_scatter(numbers, first, second, distance) / int(self.is_metal.sum())

    def _close(self) -> tuple[str | None, bool]:
        """The pair that is shortest beside the shortest of its kind."""
        if not len(self.distance):
            return None, False
        usual, refused = (limit[self.kinds[self.first], self.kinds[self.second]] for limit in self.trained.closest)
        share = self.distance / usual
        k = int(share.argmin())
        if share[k] >= 1 - TOLERANCE:
            return None, False
        beyond = np.flatnonzero(self.distance < refused)
        k = int(beyond[0]) if len(beyond) else k
        a, b = int(self.first[k]), int(self.second[k])
        return (
            f"atoms {a} ({self.symbols[a]}) and {b} ({self.symbols[b]}) are {self.distance[k]:.2f} Å apart; the "
            f"model knows such atoms at {usual[k]:.2f} Å and more{self._advice(refused[k], len(beyond))}"
        ), bool(len(beyond))

    def _far(self) -> tuple[str | None, bool]:
        """The non-metal atom whose nearest atom is furthest beside the furthest of its kind."""
        nearest, chosen = self._nearest(np.ones(len(self.distance), dtype=bool)), ~self.is_metal
        far = self.donors[nearest[self.donors] > self.trained.nearest[0][self.numbers[self.donors]]]
        if len(far):  # of a hydride or sulfide `_half_bound` says how far it may be from its nearest atom, a metal
            single = far[np.isin(self.numbers[far], (HYDROGEN, _SULFUR))]
            chosen[np.setdiff1d(single, self._bonded_pairs)] = False
        return self._furthest(chosen, nearest, self.trained.nearest, "atom")

    def _far_metal(self) -> tuple[str | None, bool]:
        """The same for metal atoms and their nearest metal atom."""
        if self.is_metal.sum() < 2:
            return None, False
        nearest = self._nearest(self.is_metal[self.first] & self.is_metal[self.second])
        return self._furthest(self.is_metal, nearest, self.trained.nearest_metal, "metal atom")

    def _nearest(self, among: np.ndarray) -> np.ndarray:
        nearest = np.full(len(self.numbers), np.inf)
        np.minimum.at(nearest, self.first[among], self.distance[among])
        np.minimum.at(nearest, self.second[among], self.distance[among])
        return nearest

    def _furthest(
        self, chosen: np.ndarray, nearest: np.ndarray, trained: tuple[np.ndarray, np.ndarray], what: str
    ) -> tuple[str | None, bool]:
        if not chosen.any():
            return None, False
        usual, refused = (limit[self.numbers] for limit in trained)
        share = np.where(chosen, nearest / usual, 0.0)
        i = int(share.argmax())
        if share[i] <= 1 + TOLERANCE:
            return None, False
        beyond = np.flatnonzero(chosen & (nearest > refused))
        i = int(beyond[0]) if len(beyond) else i
        far = f"{nearest[i]:.2f} Å" if np.isfinite(nearest[i]) else "far"
        return (
            f"atom {i} ({self.symbols[i]}) is {far} from its nearest {what}; the model knows such atoms at up to "
            f"{usual[i]:.2f} Å{self._advice(refused[i], len(beyond))}"
        ), bool(len(beyond))

    def _half_bound(self) -> tuple[str | None, bool]:
        """The first ligand that no bond holds: an error, or a flag where it still has its last contact.

        The number would jump as the last bond ends, and again as the ligand is left out. Rings that slide off their
        metal are let pass: labels have them.
        """
        ratio = self._nearest_metal_ratio()
        held = mask_of(self.donors, len(self.numbers))
        off = mask_of(np.array(self.donor_numbers, dtype=int), len(covalent_radii))[self.numbers]
        off &= ~self.is_metal & ~held
        if off.any():
            pairs = self._bonded_pairs
            heavy = pairs[(self.numbers[pairs] != 1).all(axis=1)]
            owner = components(heavy[:, 0], heavy[:, 1], len(self.numbers))
            apart = binds_alone(self.symbols, pairs) & ~np.isin(owner, owner[held])
            apart &= (self.numbers != 1) | ~np.isin(np.arange(len(off)), pairs)
            off &= apart | self._only_donors()
        is_error = bool(off.any())
        if not is_error:
            off = held & (ratio >= CONTACT_FACTOR) & (self.numbers != _CARBON)
        if not off.any():
            return None, False
        i = int(np.flatnonzero(off)[ratio[off].argmin()])
        return self._has_come_off(i, is_error), is_error

    def _has_come_off(self, i: int, is_error: bool) -> str:
        """What is said of a ligand by its donor."""
        metals = np.where(self.is_metal[self.first], self.first, self.second)
        near = np.flatnonzero(((self.first == i) | (self.second == i)) & self.is_metal[metals])
        if not len(near):
            return f"the ligand of atom {i} ({self.symbols[i]}) is far from metal; allowed: ligands that touch metal"
        k = near[self._ratio[near].argmin()]
        metal = int(metals[k])
        total = covalent_radii[self.numbers[i]] + covalent_radii[self.numbers[metal]]
        where = f"{self.distance[k]:.2f} Å from atom {metal} ({self.symbols[metal]})"
        if is_error:
            return (
                f"the ligand of atom {i} ({self.symbols[i]}) is neither bound nor free: {where}; allowed: up to "
                f"{LAST_CONTACT_FACTOR * total:.2f} Å, or, as a molecule by itself that is left out, beyond "
                f"{FREE_FACTOR * total:.2f} Å"
            )
        return (
            f"the ligand of atom {i} ({self.symbols[i]}) is coming off: {where}, a bond has up to "
            f"{CONTACT_FACTOR * total:.2f} Å{self._advice(LAST_CONTACT_FACTOR * total, True)}"
        )

    @cached_property
    def _ratio(self) -> np.ndarray:
        """Distances as multiples of the sum of covalent radii."""
        radii = covalent_radii[self.numbers]
        ratio: np.ndarray = self.distance / (radii[self.first] + radii[self.second])
        return ratio

    def _nearest_metal_ratio(self) -> np.ndarray:
        """The smallest such multiple of each atom and a metal atom; infinite where none is near."""
        nearest, ratio = np.full(len(self.numbers), np.inf), self._ratio
        for one, other in ((self.first, self.second), (self.second, self.first)):
            with_metal = self.is_metal[other]
            np.minimum.at(nearest, one[with_metal], ratio[with_metal])
        return nearest

    @cached_property
    def _bonded(self) -> np.ndarray:
        """Rows of the pairs of bonded atoms outside the metal, each once."""
        near = np.flatnonzero(self._ratio < BOND_FACTOR)
        first, second = self.first[near], self.second[near]
        rows: np.ndarray = near[(first < second) & ~self.is_metal[first] & ~self.is_metal[second]]
        return rows

    @cached_property
    def _bonded_pairs(self) -> np.ndarray:
        """Their atoms, shape (n, 2)."""
        return np.stack([self.first[self._bonded], self.second[self._bonded]], axis=1)

    def _other_donor(self) -> str | None:
        """The atom of a ligand that touches metal by an element that none of the ligands counts as its donor."""
        counted = [*self.donor_numbers, *self.numbers[self.donors]]
        able = np.isin(self.numbers, np.setdiff1d(_SECOND_DONORS, counted)) & ~self.is_metal
        if not len(self.donors) or not able.any():
            return None
        ratio: dict[tuple[int, int], float] = {}
        for one, other in ((self.first, self.second), (self.second, self.first)):
            near = np.flatnonzero(~self.is_metal[one] & self.is_metal[other] & (self._ratio < CONTACT_FACTOR))
            ratio |= {(int(one[k]), int(other[k])): float(self._ratio[k]) for k in near}
        for (a, m), r in sorted((pair, r) for pair, r in ratio.items() if able[pair[0]]):
            bonded = self._bonded_pairs[(self._bonded_pairs == a).any(axis=1)]
            if all(r < ratio.get((b, m), np.inf) + SECOND_SHELL_MARGIN for b in bonded.ravel().tolist()):
                names = ", ".join(sorted({ligand.donor for ligand, _ in self.ligands}))
                return (
                    f"atom {a} ({self.symbols[a]}) touches metal {m} ({self.symbols[m]}) as a second donor of its "
                    f"ligand; the models count donors of one element a ligand, here {names}"
                )
        return None

    def _loose_donor(self) -> str | None:
        """Ligands of several P or N donors of which fewer touch metal."""
        for number in (_NITROGEN, _PHOSPHORUS):
            chosen = [(ligand, n) for ligand, n in self.ligands if atomic_numbers[ligand.donor] == number]
            needed = sum(n * ligand.denticity for ligand, n in chosen)
            held = int((self.numbers[self.donors] == number).sum())
            several = [ligand.name for ligand, _ in chosen if ligand.denticity > 1]
            if several and 0 < held < needed:
                return (
                    f"{held} of the {needed} {chosen[0][0].donor} donors of the ligands touch metal; the models "
                    f"count all those of {', '.join(several)} as bound"
                )
        return None

    def _thin_carbon(self) -> str | None:
        """The carbon atom of three neighbours that has no bond as short as a double one."""
        ends = np.concatenate([self._bonded_pairs, self._bonded_pairs[:, ::-1]])
        ratio, heavy = np.tile(self._ratio[self._bonded], 2), self.numbers[ends[:, 1]] != HYDROGEN
        shortest = np.full(len(self.numbers), np.inf)
        np.minimum.at(shortest, ends[heavy, 0], ratio[heavy])
        thin = (self.numbers == _CARBON) & (np.bincount(ends[:, 0], minlength=len(self.numbers)) == 3)
        thin[self.donors] = False
        found = np.flatnonzero(thin & np.isfinite(shortest) & (shortest > _ANY_DOUBLE_BOND))
        if not len(found):
            return None
        i = int(found[0])
        return (
            f"atom {i} (C) has three neighbours and no bond as short as a double bond: a hydrogen atom may be missing"
        )

    def _only_donors(self) -> np.ndarray:
        """Whether each atom must be a donor, since there are just as many of its element as ligands that bind by it."""
        needed: Counter[int] = Counter()
        for number, (_, n) in zip(self.donor_numbers, self.ligands, strict=True):
            needed[number] += n
        present = Counter(self.numbers.tolist())
        return np.isin(self.numbers, [number for number, n in needed.items() if n == present[number]])

    def _parts(self) -> tuple[str | None, bool]:
        """Whether the object falls into parts that nothing joins."""
        loose = None
        for limit in (LOOSELY_JOINED_ABOVE, JOINED_BELOW):
            near = np.flatnonzero(self._ratio < limit)
            owner = components(self.first[near], self.second[near], len(self.numbers))
            if not owner.any():
                return loose, False
            _, owner, sizes = np.unique(owner, return_inverse=True, return_counts=True)
            count, smallest = len(sizes), np.flatnonzero(owner == sizes.argmin())
            named = ", ".join(f"{self.symbols[i]}{i}" for i in smallest[:6])
            loose = (
                f"the object is in {count} parts with wide gaps between them, one of which is {named}"
                f"{' …' if len(smallest) > 6 else ''}"
            )
        return f"{loose}; allowed: one cluster, give its parts one by one", True

    @staticmethod
    def _advice(limit: float, is_error: object) -> str:
        return f"; refused beyond {limit:.2f} Å: repair or relax the geometry first" if is_error else ""


__all__ = [
    "GeometryFindings",
    "charge_refused",
    "close_metals",
    "examine",
    "ligand_strain",
    "require_neutral",
    "require_plausible",
]
