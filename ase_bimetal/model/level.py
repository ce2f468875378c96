"""The difference between PBE and GFN1-xTB that takes a model's energies from its labels to density functional theory.

A Gaussian process learned it from objects that have both energies. It reads what the metals are, how many metal
neighbours they have, and how many donors of each type the cluster carries: all per metal atom, so that two copies of
a cluster far apart have twice its energy. Its standard deviation grows with all that those objects do not show: an
element or donor without any, another coordination, another composition.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ase_bimetal import elements
from ase_bimetal.descriptors import metal_pairs
from ase_bimetal.errors import WeightsError
from ase_bimetal.files import DATASETS
from ase_bimetal.formation import correction_features
from ase_bimetal.model.card import ModelCard
from ase_bimetal.neighbors import Pairs, pairs_within, smooth_step
from ase_bimetal.sites import Sites
from ase_bimetal.surroundings import DOPED_CARBON, ZEOLITE
from ase_bimetal.system import BimetallicSystem

SHIPPED = DATASETS / "level_difference.json"
#: The one that also learned from metals on supports; see `support_terms`.
SHIPPED_SUPPORTS = DATASETS / "support_difference.json"
#: Kind of surroundings → what a metal there is called among the terms.
ON_SUPPORT = MappingProxyType({DOPED_CARBON: "on carbon", ZEOLITE: "in zeolite"})
# What the term of a framework is called, in front of its code.
_RING = "ring of "
#: How far the difference moves from one framework's ring to another's, as a standard deviation [eV/metal].
RING_SPREAD = 0.2
#: A metal–metal bond counts fully below the first, and not at all above the second multiple of the radii's sum.
#: Second neighbours of a close-packed crystal lie at 1.41.
FADE = (1.10, 1.40)
#: Variance of a slope [eV²], of what the slopes miss [eV²], and the length on which the latter changes [-].
LINEAR, SMOOTH, LENGTH = 1.0, 0.05, 0.5
#: What the terms cannot tell [eV/metal]; as weight of a known object that of four metals, for a smaller molecule says
#: less about a cluster.
NOISE, NOISE_METALS = 0.08, 4


def metal_coordination(
    symbols: Sequence[str],
    positions: np.ndarray,
    cell: np.ndarray | None = None,
    pbc: tuple[bool, bool, bool] = (False, False, False),
) -> np.ndarray:
    """Count metal neighbours of every metal atom, fading with distance.

    Parameters
    ----------
    symbols
        Metal symbols, length n.
    positions
        Positions (n, 3) [Å].
    cell, pbc
        Lattice vectors (3, 3) [Å] and which of them repeat.

    Returns
    -------
    numpy.ndarray
        Coordination (n,) [-]; twelve in a close-packed crystal.

    Examples
    --------
    >>> metal_coordination(["Au", "Au", "Ag"], np.array([[0, 0, 0], [2.88, 0, 0], [9.0, 0, 0]])).tolist()
    [1.0, 1.0, 0.0]
    """
    box = np.zeros((3, 3)) if cell is None else cell
    return _faded_counts(symbols, pairs_within(positions, box, pbc, _reach(symbols)))


def _reach(symbols: Sequence[str]) -> float:
    """Distance [Å] beyond which no two of these metals are bonded."""
    return 2 * max(elements.metallic_radius(s) for s in set(symbols)) / 100 * FADE[1]


def _faded_counts(symbols: Sequence[str], pairs: Pairs) -> np.ndarray:
    radii = np.array([elements.metallic_radius(s) / 100 for s in symbols])
    stretch = pairs.distance / (radii[pairs.first] + radii[pairs.second])
    return np.bincount(pairs.first, smooth_step((FADE[1] - stretch) / (FADE[1] - FADE[0])), len(symbols))


def coordination_terms(symbols: Sequence[str], coordination: np.ndarray) -> dict[str, float]:
    """Sum coordination numbers by element, per metal atom.

    Parameters
    ----------
    symbols
        Metal symbols, length n.
    coordination
        Metal neighbours, length n [-].

    Returns
    -------
    dict
        ``"CN Au"`` → fraction × coordination / 12, and ``"CN"``, the same of all metals.
    """
    rows: dict[str, int] = {}
    kind = [rows.setdefault(symbol, len(rows)) for symbol in symbols]
    sums = (np.bincount(kind, coordination) / 12 / len(symbols)).tolist()
    first, *others = (f"CN {symbol}" for symbol in rows)
    return dict(zip([first, "CN", *others], [sums[0], sum(sums), *sums[1:]], strict=True))


def level_terms(system: BimetallicSystem) -> dict[str, float]:
    """Describe what the difference between two levels depends on.

    Parameters
    ----------
    system
        An object with coordinates.

    Returns
    -------
    dict
        Terms of `ase_bimetal.formation.correction_features` and `coordination_terms`, all per metal atom [-].

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> from ase_bimetal.system import as_system
    >>> terms = level_terms(as_system(load_example("Au4Pd2(PET)8")))
    >>> [name for name in terms if name.startswith("CN")]
    ['CN Au', 'CN', 'CN Pd']
    """
    symbols = system.metal_symbols
    counts = _faded_counts(symbols, metal_pairs(Sites(system), _reach(symbols)))
    return correction_features(system) | coordination_terms(symbols, counts)


def support_terms(surroundings: str, metals: Sequence[str], framework: str = "unknown") -> dict[str, float]:
    """Say which metals are bound to a support, per metal atom [-].

    Parameters
    ----------
    surroundings
        As of `ase_bimetal.model.table.surroundings`.
    metals
        Metal symbols.
    framework
        Code of a zeolite's framework: its ring is a term of its own, so that pairs in one framework do not speak for
        all. That of an object at large is unknown.

    Returns
    -------
    dict
        Empty where no support has density-functional energies.

    Examples
    --------
    >>> support_terms("doped carbon", ["Au", "Ni"])
    {'on carbon': 1.0, 'Au on carbon': 0.5, 'Ni on carbon': 0.5}
    >>> support_terms("zeolite", ["Cu", "Cu"], "FAU")
    {'in zeolite': 1.0, 'Cu in zeolite': 1.0, 'ring of FAU': 0.2}
    >>> support_terms("oxide", ["Au", "Ni"])
    {}
    """
    name = ON_SUPPORT.get(surroundings)
    if name is None:
        return {}
    terms = {name: 1.0} | {f"{symbol} {name}": metals.count(symbol) / len(metals) for symbol in dict.fromkeys(metals)}
    return terms | {f"{_RING}{framework}": RING_SPREAD} if surroundings == ZEOLITE else terms


def is_support_term(name: str) -> bool:
    """Say whether a term is one of `support_terms`.

    Examples
    --------
    >>> [is_support_term(name) for name in ("Au on carbon", "ring of FAU", "CN Au")]
    [True, True, False]
    """
    return name.endswith(tuple(ON_SUPPORT.values())) or name.startswith(_RING)


@dataclass(frozen=True)
class LevelDifference:
    """PBE minus GFN1-xTB as a Gaussian process over `level_terms`.

    Attributes
    ----------
    names
        Terms, length k.
    terms
        Values of the terms (n, k) [-] for the objects that have both energies.
    differences
        Their formation energies with PBE minus those with GFN1-xTB (n,) [eV/metal].
    n_metals
        Their metal atoms (n,); the more, the smaller the noise.
    level
        Level of theory of the higher energies.

    Examples
    --------
    >>> difference = load_level_difference()
    >>> mean, deviation = difference.predict({"Au": 1.0, "CN Au": 1.0, "CN": 1.0})  # a crystal of gold
    >>> round(mean, 1), deviation < 0.1
    (0.6, True)
    """

    names: tuple[str, ...]
    terms: np.ndarray
    differences: np.ndarray
    n_metals: np.ndarray
    level: str

    def predict(self, terms: Mapping[str, float]) -> tuple[float, float]:
        """Predict the difference for one object.

        Parameters
        ----------
        terms
            As of `level_terms`.

        Returns
        -------
        tuple of float
            Mean and standard deviation [eV/metal].
        """
        asked = np.array([terms.get(name, 0.0) for name in self.names])
        # What no object shows makes this one unlike all of them.
        new = sum(value**2 for name, value in terms.items() if name not in self._shown)
        inverse, weights = self._solution
        across = _kernel(self.terms, asked, new)
        variance = LINEAR * (asked @ asked + new) + SMOOTH - across @ inverse @ across
        return float(across @ weights), float(np.sqrt(max(variance, 0.0) + NOISE**2))

    def counts(self) -> dict[str, int]:
        """Count the objects that show each metal and donor type."""
        shown = (self.terms > 0).sum(axis=0)
        return {name: int(n) for name, n in zip(self.names, shown, strict=True) if not name.startswith("CN")}

    @cached_property
    def _shown(self) -> frozenset[str]:
        return frozenset(self.names)

    @cached_property
    def _solution(self) -> tuple[np.ndarray, np.ndarray]:
        """Inverse of the kernel with noise, and what it makes of the differences."""
        noise = np.diag(NOISE**2 * NOISE_METALS / self.n_metals)
        inverse = np.linalg.inv(_kernel(self.terms, self.terms[:, None]) + noise)
        return inverse, inverse @ self.differences

    def to_json(self) -> str:
        """Write all that `from_json` reads."""
        return json.dumps({
            "format": 1,
            "quantity": "formation energy, PBE minus GFN1-xTB [eV/metal], and what it depends on [1/metal]",
            "level": self.level,
            "licence": "CC BY 4.0",
            "terms": self.names,
            "objects": [
                {"difference": round(float(d), 5), "n_metals": int(n), "values": np.round(row, 5).tolist()}
                for d, n, row in zip(self.differences, self.n_metals, self.terms, strict=True)
            ],
        }, separators=(",", ":")).replace('{"difference"', '\n{"difference"') + "\n"  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> LevelDifference:
        """Read what `to_json` wrote."""
        content = json.loads(text)
        objects = content["objects"]
        return cls(
            tuple(content["terms"]),
            np.array([item["values"] for item in objects]),
            np.array([item["difference"] for item in objects]),
            np.array([item["n_metals"] for item in objects]),
            content["level"],
        )


def _kernel(one: np.ndarray, other: np.ndarray, new: float = 0.0) -> np.ndarray:
    """Covariance [eV²] of terms (…, k) and others, which also have so much that is new, squared."""
    squared = ((one - other) ** 2).sum(axis=-1) + new
    covariance: np.ndarray = LINEAR * (one * other).sum(axis=-1) + SMOOTH * np.exp(-squared / (2 * LENGTH**2))
    return covariance


@lru_cache(maxsize=4)
def load_level_difference(path: Path = SHIPPED) -> LevelDifference:
    """Load a shipped difference between PBE and GFN1-xTB."""
    return LevelDifference.from_json(path.read_text())


@lru_cache(maxsize=4)
def level_digest(path: Path = SHIPPED) -> str:
    """Give the sha256 of a shipped difference."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def level_of(card: ModelCard) -> LevelDifference | None:
    """Load the level difference of a model's card.

    None for a model of its own level.

    Raises
    ------
    WeightsError
        The card was made with another difference than the one shipped here.
    """
    if card.level_difference is None:
        return None
    asked = card.level_difference.sha256
    if asked != level_digest():
        raise WeightsError(
            f"{card.name} was made with the level difference {asked[:12]}…, {SHIPPED.name} has "
            f"{level_digest()[:12]}…; allowed: the file that came with the model, or train the model anew"
        )
    return load_level_difference()


__all__ = [
    "ON_SUPPORT",
    "LevelDifference",
    "coordination_terms",
    "is_support_term",
    "level_of",
    "level_terms",
    "load_level_difference",
    "metal_coordination",
    "support_terms",
]
