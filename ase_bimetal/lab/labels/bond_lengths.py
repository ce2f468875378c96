"""How close atoms come and how far they part in the labels: what the checks in front of a prediction compare with."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from ase import Atoms
from scipy.spatial.distance import cdist

from ase_bimetal.files import write_whole
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.shell import find_metals
from ase_bimetal.trained_distances import TABLE

_DECIMALS = 3
#: Share of the lengths at each end that are rare: labels of cores pressed or pulled out of their minimum.
RARE = 0.005

Lengths = dict[str, list[float]]


def measure(objects: Iterable[Atoms]) -> dict[str, dict[str, list[float]]]:
    """Measure the nearest distances [Å] by element.

    The shortest and the longest are taken over clusters without a periodic cell. A hydride, a hydrogen atom nearest to
    a metal, is left out: it is not like the hydrogen atoms of ligands.

    Returns
    -------
    dict
        Two distances each, that of the rarest label and that beyond which labels are `RARE`. ``closest``: pair of
        elements, as ``"Au-S"`` → shortest distance of two such atoms in an object. ``nearest``: non-metal → longest
        distance from such an atom to its nearest atom. ``nearest metal``: metal → longest distance from such an atom
        to its nearest metal atom.

    Examples
    --------
    >>> found = measure([Atoms("AuPdH", [[0, 0, 0], [0, 0, 2.7], [0, 0, 4.3]])])
    >>> found["nearest metal"], found["nearest"], found["closest"]
    ({'Au': [2.7, 2.7], 'Pd': [2.7, 2.7]}, {}, {'Au-Pd': [2.7, 2.7]})
    """
    closest: Lengths = defaultdict(list)
    nearest: Lengths = defaultdict(list)
    nearest_metal: Lengths = defaultdict(list)
    for whole in objects:
        atoms = _without_hydrides(whole)
        distance = cdist(atoms.positions, atoms.positions)
        np.fill_diagonal(distance, np.inf)
        symbols, metals = list(atoms.symbols), find_metals(list(atoms.symbols))
        for pair, length in _closest(symbols, distance):
            closest[pair].append(length)
        for i in np.setdiff1d(np.arange(len(symbols)), metals):
            nearest[symbols[i]].append(float(distance[i].min()))
        for i in metals if len(metals) > 1 else ():
            nearest_metal[symbols[i]].append(float(distance[i, metals].min()))
    return {
        "closest": _ends(closest, np.min, RARE),
        "nearest": _ends(nearest, np.max, 1 - RARE),
        "nearest metal": _ends(nearest_metal, np.max, 1 - RARE),
    }


def _without_hydrides(atoms: Atoms) -> Atoms:
    hydrogens, metals = np.flatnonzero(atoms.numbers == 1), find_metals(list(atoms.symbols))
    if not len(hydrogens) or not len(metals):
        return atoms
    distance = cdist(atoms.positions[hydrogens], atoms.positions)
    distance[np.arange(len(hydrogens)), hydrogens] = np.inf
    hydrides = hydrogens[np.isin(distance.argmin(axis=1), metals)]
    return atoms[np.setdiff1d(np.arange(len(atoms)), hydrides)] if len(hydrides) else atoms


def _ends(lengths: Lengths, extreme: Callable[[list[float]], float], quantile: float) -> dict[str, list[float]]:
    return {
        key: [
            round(float(extreme(lengths[key])), _DECIMALS),
            round(float(np.quantile(lengths[key], quantile)), _DECIMALS),
        ]
        for key in sorted(lengths)
    }


def _closest(symbols: list[str], distance: np.ndarray) -> Iterator[tuple[str, float]]:
    kinds = sorted(set(symbols))
    rows = {kind: np.flatnonzero([symbol == kind for symbol in symbols]) for kind in kinds}
    for n, a in enumerate(kinds):
        for b in kinds[n:]:
            length = float(distance[np.ix_(rows[a], rows[b])].min())
            if np.isfinite(length):
                yield f"{a}-{b}", length


def main() -> None:
    """Write the table that ships, from the labels that ship."""
    labels = load_labels()
    content = {"labels": labels.digest, "unit": "Å"} | measure(labels.frame["atoms"])
    write_whole(TABLE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
