"""Distances between atoms in the labels, by element: where flags and refusals begin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from ase_bimetal import elements
from ase_bimetal.files import DATASETS

#: Trained distances by element, as `ase_bimetal.lab.labels.bond_lengths` measures them.
TABLE = DATASETS / "bond_lengths.json"
#: Share of the shortest, and of the longest trained distance beyond which an object is refused.
SHORTEST, LONGEST = 0.8, 1.25
# Shares within which a distance counts as trained: labels are rounded, and files keep few digits.
TOLERANCE = 0.02
# Distances of elements without labels, as multiples of the sum of covalent radii; of the labels' extremes.
_ANY_CLOSEST, ANY_METALS_CLOSEST, _ANY_NEAREST, _ANY_NEAREST_METAL = 0.78, 0.7, 1.3, 1.4
# Shortest distance of two metal atoms of anything, as the same multiple; in the labels none is below 0.65.
NO_METALS_CLOSER = 0.6
HYDROGEN = 1
# A hydrogen that is a ligand by itself is no hydrogen of a ligand; arrays have it at 0, and the table leaves it out.
HYDRIDE = 0
# A pair further apart than this multiple is no bond.
WIDEST_BOND = 1.15
# A single bond is no longer than this multiple.
_SINGLE_BOND = 1.05


@dataclass(frozen=True)
class TrainedDistances:
    """Distances at which flags and refusals begin.

    Each attribute is a pair of arrays: for flags, and for refusals.

    Attributes
    ----------
    closest
        How close two atoms may come (n, n) [Å], by atomic number; row 0 is that of hydrides.
    nearest, nearest_metal
        How far the nearest atom, and the nearest metal atom, may be (n,) [Å].
    """

    closest: tuple[np.ndarray, np.ndarray]
    nearest: tuple[np.ndarray, np.ndarray]
    nearest_metal: tuple[np.ndarray, np.ndarray]


@lru_cache(maxsize=1)
def trained_distances() -> TrainedDistances:
    """Load the table as arrays.

    Elements without labels get the labels' extremes, scaled by covalent radii.
    """
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    metal = np.zeros(len(covalent_radii), dtype=bool)
    metal[[z for symbol, z in atomic_numbers.items() if elements.is_metal(symbol)]] = True
    radii = covalent_radii.copy()
    radii[HYDRIDE] = radii[HYDROGEN]
    total = radii[:, None] + radii
    closest = np.where(metal[:, None] & metal, ANY_METALS_CLOSEST, _ANY_CLOSEST) * total
    too_close = SHORTEST * closest
    for pair, (extreme, usual) in table["closest"].items():
        a, b = (atomic_numbers[symbol] for symbol in pair.split("-"))
        # Elements that never bond in the labels, as H and H, say nothing on how close they may come.
        closest[a, b] = closest[b, a] = min(usual, WIDEST_BOND * total[a, b])
        too_close[a, b] = too_close[b, a] = min(extreme * (1 - TOLERANCE), SHORTEST * closest[a, b])
    for limit in (closest, too_close):  # to other ligands it is a hydrogen atom
        limit[HYDRIDE, ~metal] = limit[~metal, HYDRIDE] = limit[HYDROGEN, ~metal]
    far, too_far = _longest(table["nearest"], _ANY_NEAREST)
    # Carbon without hydrogen, as in tert-butyl, is rare in the labels: a single bond is no reason for a flag.
    far = np.where(metal, far, np.clip(far, _SINGLE_BOND * 2 * radii, too_far))
    return TrainedDistances((closest, too_close), (far, too_far), _longest(table["nearest metal"], _ANY_NEAREST_METAL))


def _longest(lengths: dict[str, list[float]], any_factor: float) -> tuple[np.ndarray, np.ndarray]:
    usual = any_factor * 2 * covalent_radii
    refused = LONGEST * usual
    for symbol, (extreme, known) in lengths.items():
        z = atomic_numbers[symbol]
        usual[z], refused[z] = known, max(extreme * (1 + TOLERANCE), LONGEST * known)
    return usual, refused


__all__ = ["TrainedDistances", "trained_distances"]
