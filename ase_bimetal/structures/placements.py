"""The metals of a core: which sites hold host and dopant, and in how many ways dopants can sit on them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np

from ase_bimetal import elements
from ase_bimetal.errors import BimetalError
from ase_bimetal.structures.motifs import FAMILIES, Core

_MARK = "M"  # stands for the dopant when a family's builder is asked where its dopant sites are
#: Placements looked at for one composition, before inequivalent ones are drawn at random.
MAX_PLACEMENTS = 4000

#: One number for each core atom: 0 host, 1 first dopant, 2 second dopant.
Labels = tuple[int, ...]
#: Label, class, and labels with distances [Å] to the other dopants, of each dopant.
Fingerprint = tuple[tuple[int, int, tuple[tuple[int, int, float], ...]], ...]


@lru_cache(maxsize=64)
def core_of(motif: str) -> Core:
    """Build the core of a motif.

    Its dopant sites are marked ``"M"``.
    """
    return FAMILIES[motif](_MARK)


def require_metal(symbol: str) -> None:
    """Refuse what cannot be an atom of a metal core.

    Raises
    ------
    BimetalError
        It is no metal, or (`UnknownElementError`) no element, or has no standard atomic mass.

    Examples
    --------
    >>> require_metal("Pd")
    """
    elements.require_known(symbol)
    if not elements.is_metal(symbol):
        raise BimetalError(
            f"{symbol!r} is no metal; allowed: groups 3 to 12, lanthanides, Al, Ga, In, Sn, Tl, Pb, Bi"
            ". Choose one of these, such as 'Pd'"
        )
    elements.atomic_mass(symbol)


def dopant_sites(motif: str) -> tuple[int, ...]:
    """List the core's rows meant for the dopant.

    The motif means them.

    Examples
    --------
    >>> dopant_sites("Au4M2")
    (4, 5)
    """
    return tuple(i for i, symbol in enumerate(core_of(motif).symbols) if symbol == _MARK)


@lru_cache(maxsize=4096)
def placements(motif: str, counts: tuple[int, ...], limit: int) -> tuple[Labels, ...]:
    """List the inequivalent ways to place dopants.

    The motif's own dopant sites are filled first.

    Two placements are the same when labelled atoms of the same surroundings have the same labels at the same
    distances from each other; mirror images count as one.

    Parameters
    ----------
    motif
        Key of `ase_bimetal.structures.motifs.FAMILIES`.
    counts
        Atoms of each dopant.
    limit
        At most so many placements.

    Returns
    -------
    tuple of Labels
        Each of length n, the number of metal atoms.

    Examples
    --------
    >>> placements("Au4M2", (2,), 9)
    ((0, 0, 0, 0, 1, 1), (1, 0, 0, 0, 1, 0), (1, 1, 0, 0, 0, 0), (1, 0, 1, 0, 0, 0))
    """
    core = core_of(motif)
    own = dopant_sites(motif)
    order = [*own, *(i for i in range(len(core.symbols)) if i not in own)]
    distances = np.linalg.norm(core.positions[:, None] - core.positions[None], axis=2).round(2)
    classes = _site_classes(core, distances)
    found: dict[Fingerprint, Labels] = {}
    for chosen in _choices(order, counts, zlib.crc32(f"{motif}{counts}".encode())):
        labels = [0] * len(order)
        for label, rows in enumerate(chosen, start=1):
            for row in rows:
                labels[row] = label
        found.setdefault(_fingerprint(labels, classes, distances), tuple(labels))
        if len(found) == limit:
            break
    return tuple(found.values())


def _site_classes(core: Core, distances: np.ndarray) -> list[int]:
    """Atoms with the same distances to all metals and to all ligand sites share a number."""
    surroundings = []
    for row, position in enumerate(core.positions):
        to_sites = sorted(
            (s.role, round(float(np.linalg.norm(s.anchor + (s.distance or 2.3) * s.direction - position)), 1))
            for s in core.sites
        )
        surroundings.append((tuple(sorted(distances[row].tolist())), tuple(to_sites)))
    numbers: dict[tuple[object, ...], int] = {}
    return [numbers.setdefault(s, len(numbers)) for s in surroundings]


def _fingerprint(labels: Sequence[int], classes: Sequence[int], distances: np.ndarray) -> Fingerprint:
    marked = [i for i, label in enumerate(labels) if label]
    return tuple(
        sorted(
            (labels[i], classes[i], tuple(sorted((labels[j], classes[j], distances[i, j]) for j in marked if j != i)))
            for i in marked
        )
    )


def _choices(order: list[int], counts: tuple[int, ...], seed: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Rows for each dopant: all choices when they are few, else the first and random ones."""
    total, left = 1, len(order)
    for count in counts:
        total, left = total * comb(left, count), left - count
    if total <= MAX_PLACEMENTS:
        yield from _all_choices(order, counts)
        return
    yield next(_all_choices(order, counts))
    rng = np.random.default_rng(seed)
    for _ in range(MAX_PLACEMENTS):
        drawn, start, chosen = rng.permutation(order).tolist(), 0, []
        for count in counts:
            chosen.append(tuple(drawn[start : start + count]))
            start += count
        yield tuple(chosen)


def _all_choices(order: list[int], counts: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], ...]]:
    if not counts:
        yield ()
        return
    for rows in combinations(order, counts[0]):
        rest = [i for i in order if i not in rows]
        for others in _all_choices(rest, counts[1:]):
            yield (rows, *others)
