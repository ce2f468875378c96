"""Two metals on a support: zeolites and doped carbon, each at the geometry of the labelled pair that is closest to it.

Where two metals sit in a ring depends on how large they are and, in a zeolite, on how many aluminium atoms balance
their charges. So a candidate takes the relaxed geometry of a labelled pair with as much aluminium, itself if it is
labelled, else the pair with the most similar radii, and exchanges the metals. Nothing is relaxed.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

from ase_bimetal.errors import ScreenError
from ase_bimetal.files import DATASETS
from ase_bimetal.screening.columns import CLOSEST_PAIR, OWN_PAIR
from ase_bimetal.structures.frameworks import support_name
from ase_bimetal.surroundings import DOPED_CARBON, ZEOLITE

#: Relaxed geometries of the labelled pairs.
GEOMETRIES = DATASETS / "support_geometries.json.xz"

#: Support → family and structure of its labels.
SUPPORTS: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "MFI-6-ring": ("zeolite-MFI", "6-ring"),
        "FAU-6-ring": ("zeolite-FAU", "6-ring"),
        "MOR-8-ring": ("zeolite-MOR", "8-ring"),
        "sheet-N6": ("sheet", "N6"),
        "sheet-2N4": ("sheet", "2N4"),
    }
)


@dataclass(frozen=True, slots=True)
class Site:
    """Where a pair of metals finds its geometry.

    Attributes
    ----------
    parent
        Prototype of the labelled pair, as in ``"CuNi@MFI-6-ring"``.
    metals
        The pair in the order in which it takes the places of the labelled one.
    is_own
        Whether the labelled pair is the pair itself.
    """

    parent: str
    metals: tuple[str, str]
    is_own: bool


def find_site(support: str, host: str, dopant: str, without: str = "") -> Site:
    """Find the labelled pair whose geometry is taken.

    It is the pair itself, else that with the most similar covalent radii.

    Parameters
    ----------
    support
        Key of `SUPPORTS`.
    host, dopant
        The two metals.
    without
        A prototype to leave out, to see what a geometry of another costs.

    Raises
    ------
    ScreenError
        No labelled pair of this support has as much aluminium as the charges of the two metals need.

    Examples
    --------
    >>> find_site("sheet-N6", "Au", "Ni")
    Site(parent='AuNi@sheet-N6', metals=('Au', 'Ni'), is_own=True)
    """
    environment = _environment(support, host, dopant)
    known = {name: pair for name, pair in _parents().get(environment, {}).items() if name != without}
    if not known:
        raise ScreenError(
            f"no labelled pair in {environment}, which {host} and {dopant} need; allowed for {support}: "
            f"pairs for {', '.join(name for name in _parents() if name.startswith(support))}"
        )
    orders = ((host, dopant), (dopant, host))
    _, name, metals, pair = min(
        (_difference(pair, order), name, order, pair) for name, pair in known.items() for order in orders
    )
    return Site(name, metals, metals == pair)


def site_atoms(site: Site) -> Atoms:
    """Build a pair from the labelled pair's geometry.

    The geometry is relaxed and the metals exchanged; the two metals come first.

    ``info["geometry"]`` says whose geometry it is, ``info["template_note"]`` what to keep in mind if it is another's.
    """
    found: Atoms = _geometries()[site.parent].copy()
    pair = "".join(found.get_chemical_symbols()[:2])
    found.symbols[:2] = list(site.metals)
    found.info["geometry"] = OWN_PAIR if site.is_own else CLOSEST_PAIR
    if not site.is_own:
        found.info["template_note"] = f"geometry of the labelled pair {pair}, the closest by radii"
    return found


def surroundings_of(support: str) -> str:
    """Say what stands around the metals.

    The words are those of `ase_bimetal.model.table.surroundings`.

    Examples
    --------
    >>> surroundings_of("MFI-6-ring"), surroundings_of("sheet-N6")
    ('zeolite', 'doped carbon')
    """
    return DOPED_CARBON if SUPPORTS[support][0] == "sheet" else ZEOLITE


def _difference(pair: Sequence[str], order: Sequence[str]) -> tuple[float, int]:
    """How unlike two pairs are, metal by metal: the difference of their radii [Å], then how many elements differ."""
    radii = [
        abs(covalent_radii[atomic_numbers[a]] - covalent_radii[atomic_numbers[b]])
        for a, b in zip(pair, order, strict=True)
    ]
    return round(float(sum(radii)), 6), sum(a != b for a, b in zip(pair, order, strict=True))


def _environment(support: str, host: str, dopant: str) -> str:
    """Name of the support without its metals, with the aluminium that the pair needs."""
    return support_name(*SUPPORTS[support], host, dopant)


@lru_cache(maxsize=1)
def _geometries() -> dict[str, Atoms]:
    """Prototype → relaxed geometry of every labelled pair on a support."""
    return {row["prototype"]: Atoms(row["symbols"], row["positions"]) for row in _rows()}


@lru_cache(maxsize=1)
def _parents() -> dict[str, dict[str, tuple[str, str]]]:
    """Environment → prototype → pair of metals in the order of its atoms."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for row in _rows():
        found.setdefault(row["environment"], {})[row["prototype"]] = tuple(row["symbols"][:2])
    return found


@lru_cache(maxsize=1)
def _rows() -> list[dict[str, Any]]:
    """The shipped geometries, made by `ase_bimetal.lab.labels.geometries`."""
    rows: list[dict[str, Any]] = json.loads(lzma.decompress(GEOMETRIES.read_bytes()))
    return rows


__all__ = ["SUPPORTS", "Site", "find_site", "site_atoms", "surroundings_of"]
