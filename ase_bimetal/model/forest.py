"""A random forest on ten features for any bimetallic material, with calibrated intervals.

Eight are those of the table, of which five are absolute differences; the mean electronegativity and cohesive energy of
the metals, weighted by their atoms, tell which of the two is the majority.

No trained model is stored: the forest grows from the shipped table when first asked for, with fixed seed and
settings, so that it is the same every time. Intervals are those of a quantile regression forest (Meinshausen, J.
Mach. Learn. Res. 2006, 7, 983), widened by conformal prediction (Romano et al., NeurIPS 2019, arXiv 1905.03222) on
predictions for rows whose prototype, metal pair or kind of surroundings the forest had not seen.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import pandas as pd

from ase_bimetal import elements
from ase_bimetal.errors import UnsupportedSystemError, WeightsError, as_typed
from ase_bimetal.formation import ReferenceState, correction_features
from ase_bimetal.geometry import close_metals, require_neutral
from ase_bimetal.model.domain import Z90
from ase_bimetal.model.forest_card import CARD, ForestCard, read_forest_card
from ase_bimetal.model.interface import Failure, FormationModel, Prediction, describe, require_dimer
from ase_bimetal.model.level import ON_SUPPORT, SHIPPED_SUPPORTS, level_terms, load_level_difference, support_terms
from ase_bimetal.model.regressors import REGRESSORS, make_regressor, settings
from ase_bimetal.model.table import (
    COORDINATION,
    DIGITS,
    FEATURES,
    DescriptorTable,
    material_features,
    read_table,
    surroundings,
)
from ase_bimetal.surroundings import DOPED_CARBON, ZEOLITE
from ase_bimetal.system import BimetallicSystem
from ase_bimetal.workers import WHOLE_PROCESS

NAME = "descriptor-forest"
SETTINGS_ROWS: Literal["configurations"] = "configurations"
#: Share of objects whose energy the interval is to hold.
COVERAGE = 0.9
LEVEL_LIGANDS = "PBE-referenced GFN1-xTB"
LEVEL_OTHER = "GFN1-xTB with PBE-referenced elements"
#: Beside `ase_bimetal.model.table.FEATURES`: what tells Au24Ni3 from Ni24Au3.
MAJORITY_FEATURES = ("chi_metal (Pauling)", "cohesive energy (eV)")
# Surroundings without donors that the level difference does not know; of supports it knows some metals.
_KNOWN_DONORS = ("ligands", "bare particle", "bare solid")
#: An element with fewer density-functional energies is flagged.
_ENOUGH = 3
_FEW_ATOMS = 4
#: Mean absolute value of a normal distribution, in standard deviations.
MEAN_OF_NORMAL = math.sqrt(2 / math.pi)
#: What an object can be new in, from the least to the most.
NOVELTY = ("prototype", "metal pair", "surroundings")
#: What E_env of eq. (1) is, by surroundings; any other host is its relaxed metal-free self.
STATE_OF_SURROUNDINGS = {
    "ligands": "dimer",
    ZEOLITE: "H-form framework minus n/2 H2",
    DOPED_CARBON: "relaxed metal-free sheet",
    "bare particle": "isolated atoms",
    "bare solid": "isolated atoms",
    "adsorbates": "isolated atoms, free adsorbates",
}


@dataclass(frozen=True)
class Estimate:
    """Formation energy of one object by the forest.

    Attributes
    ----------
    formation_energy_per_metal
        E_form [eV per metal atom].
    formation_energy_interval
        Ends of the interval [eV per metal atom] that holds the label of 90 % of objects like this one.
    formation_energy_std
        Width of the interval as a standard deviation [eV per metal atom]: (upper − lower) / (2 · 1.645).
    level, level_error
        Level of theory, and the mean error [eV per metal atom] that the level difference expects of itself for this
        object; not part of the interval.
    reference_state
        Reference state of the surroundings.
    model
        Name and hash of the forest.
    novelty
        What the forest has not seen, which decides the interval: ``"prototype"``, ``"metal pair"`` or
        ``"surroundings"``.
    flags
        Sentences on what the number should not be trusted for.
    """

    formation_energy_per_metal: float
    formation_energy_interval: tuple[float, float]
    formation_energy_std: float
    level: str
    level_error: float
    reference_state: str
    model: str
    novelty: str
    flags: tuple[str, ...]


def forest_features(rows: pd.DataFrame) -> pd.DataFrame:
    """Give what the forest reads of rows.

    Parameters
    ----------
    rows
        The eight features by label, with ``host`` and ``dopant``.

    Returns
    -------
    pandas.DataFrame
        (n, 10) table: `FEATURES` and `MAJORITY_FEATURES`.

    Examples
    --------
    >>> rows = read_table().rows.iloc[[0]].assign(host=["Au", ], dopant="Ni", **{"dopant ratio (-)": 3 / 27})
    >>> forest_features(rows)["cohesive energy (eV)"].round(2).tolist()
    [3.88]
    """
    share = rows["dopant ratio (-)"].astype(float)
    means = {
        name: (1 - share) * rows.host.map(value).astype(float) + share * rows.dopant.map(value).astype(float)
        for name, value in zip(MAJORITY_FEATURES, (elements.electronegativity, elements.cohesive_energy), strict=True)
    }
    found: pd.DataFrame = rows[list(FEATURES)].astype(float).assign(**means).round(DIGITS)
    return found


class QuantileForest:
    """A random forest that gives quantiles from the training rows which share its leaves.

    Parameters
    ----------
    table
        Rows to learn.
    """

    def __init__(self, table: DescriptorTable) -> None:
        self.pipeline = make_regressor("random forest", seed=0, rows=SETTINGS_ROWS)
        features = forest_features(table.rows)
        self.pipeline.fit(features, table.targets)
        order = np.argsort(table.targets, kind="stable")
        self._sorted = table.targets[order]
        self._leaves = self._apply(features)[order]

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Predict the mean (n,) [eV/metal] from `forest_features`."""
        trees, leaves = self.pipeline[-1].estimators_, self._apply(features).T
        energies = np.zeros(len(features))  # one tree after the other, so that a row's sum does not see the others
        for tree, leaf in zip(trees, leaves, strict=True):
            energies += tree.tree_.value[leaf, 0, 0]
        return energies / len(trees)

    def quantiles(self, features: pd.DataFrame, levels: tuple[float, ...]) -> np.ndarray:
        """Predict quantiles (n, len(levels)) [eV/metal].

        They are those of the training energies, weighted by shared leaves.
        """
        found = np.empty((len(features), len(levels)))
        for row, leaves in enumerate(self._apply(features)):
            shared = self._leaves == leaves
            weight = (shared / shared.sum(axis=0)).mean(axis=1)
            # The last weight sums to 1 within rounding; the clip keeps the search inside the rows.
            place = np.searchsorted(np.cumsum(weight), np.array(levels) - 1e-9)
            found[row] = self._sorted[np.minimum(place, len(self._sorted) - 1)]
        return found

    def _apply(self, features: pd.DataFrame) -> np.ndarray:
        """Leaf of every row in every tree, (n, trees).

        The trees are asked themselves: scikit-learn's forest takes several times as long to ask them for one row.
        """
        rows = np.asarray(self.pipeline[:-1].transform(features), dtype=np.float32)
        return np.stack([tree.tree_.apply(rows) for tree in self.pipeline[-1].estimators_], axis=1)


class DescriptorForest(FormationModel):
    """The shipped forest with its card.

    Parameters
    ----------
    table
        Rows to learn.
    card
        What `ase_bimetal.lab.regressors.forest_card` found out about a forest on this table.

    Raises
    ------
    WeightsError
        The card was made for another table or other settings.
    """

    def __init__(self, table: DescriptorTable, card: ForestCard) -> None:
        if card.digest != forest_digest(table):
            raise WeightsError(
                f"the card {CARD.name} belongs to forest {card.digest}, the table and settings give "
                f"{forest_digest(table)}; make both again with python -m ase_bimetal.lab.regressors.forest_card"
            )
        self.card = card
        self._forest = QuantileForest(table)
        rows = table.rows
        self._pairs = set(table.pairs)
        self._metals = set(rows.host) | set(rows.dopant)
        self._surroundings = set(rows.surroundings)
        self._ranges = {
            str(kind): {name: (group[name].min(), group[name].max()) for name in (*FEATURES, COORDINATION)}
            for kind, group in rows.groupby("surroundings")
        }
        self._evidence = load_level_difference().counts()
        self._on_supports = load_level_difference(SHIPPED_SUPPORTS)
        self._known_on_supports = frozenset(self._on_supports.counts())

    @property
    def name(self) -> str:
        """Model name with the first 8 digits of the hash of table and settings."""
        return f"{NAME}@{self.card.digest}"

    @property
    def level(self) -> str:
        """Level of theory of objects without ligands.

        A prediction for a cluster says its own.
        """
        return LEVEL_OTHER

    def predict(
        self, systems: Sequence[BimetallicSystem], reference_state: ReferenceState = "dimer"
    ) -> list[Prediction | Failure]:
        """Predict objects of exactly two metals.

        Parameters
        ----------
        systems
            Objects with coordinates.
        reference_state
            ``"dimer"``; what it means for an object without ligands stands in the prediction.
        """
        return [self._predict_one(system, reference_state) for system in systems]

    def _predict_one(self, system: BimetallicSystem, reference_state: str) -> Prediction | Failure:
        try:
            require_dimer(self.name, reference_state)
            estimate = self.estimate(system)
        except Exception as error:  # one object never costs the others
            return Failure(as_typed(error, f"describing {system!r:.200}"))
        left_out = ("novelty", "level_error")
        shared = {item.name: getattr(estimate, item.name) for item in fields(estimate) if item.name not in left_out}
        return Prediction(**describe(system), **shared | _with_level(estimate))

    def estimate(self, system: BimetallicSystem) -> Estimate:
        """Estimate the formation energy of one object.

        The object has coordinates.

        Raises
        ------
        ChargedSystemError
            It is an ion.
        GeometryError
            Metal atoms lie closer together than in anything.
        UnsupportedSystemError
            It does not hold exactly two metals.
        MissingDataError
            It has no coordinates, or a host without atoms that touch metal.
        """
        require_neutral(system)
        close = close_metals(system)
        with WHOLE_PROCESS:  # pandas and scikit-learn change the filters of warnings
            [found] = self.estimate_rows(_described(system), [set(correction_features(system))])
        flags = (*system.notes, *close, *found.flags)
        return replace(found, level_error=self._level_error(system), flags=flags)

    def _level_error(self, system: BimetallicSystem) -> float:
        """Mean error that the level difference expects of itself for an object [eV/metal]."""
        kind, terms = surroundings(system), level_terms(system)
        if kind in ON_SUPPORT:
            terms |= support_terms(kind, system.metal_symbols)
            return MEAN_OF_NORMAL * self._on_supports.predict(terms)[1]
        known = MEAN_OF_NORMAL * load_level_difference().predict(terms)[1]
        return math.hypot(known, self._donor_error(kind, set(system.composition_metals)))

    def novelty(self, system: BimetallicSystem) -> str:
        """Say what in an object the forest has not seen.

        Returns
        -------
        str
            ``"prototype"``, ``"metal pair"`` or ``"surroundings"``, as in `Estimate`.
        """
        return self._novelty(_described(system).iloc[0])

    def estimate_rows(self, rows: pd.DataFrame, corrected: list[set[str]] | None = None) -> list[Estimate]:
        """Estimate formation energies from descriptors alone.

        It serves materials known by their numbers and not their coordinates.

        Parameters
        ----------
        rows
            The eight features by label, with ``host``, ``dopant`` and ``surroundings`` as of
            `ase_bimetal.model.table.surroundings`, and ``coordination (-)`` where it is known. A missing χ_env means
            bare metal.
        corrected
            For each row the elements and donor types that its corrections need; of the metals by default.
        """
        names = corrected or [{host, dopant} for host, dopant in zip(rows.host, rows.dopant, strict=True)]
        with WHOLE_PROCESS:
            features = forest_features(rows)
            means = self._forest.predict(features)
            quantiles = self._forest.quantiles(features, ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2))
            return [
                self._estimate(row, mean, ends, needed)
                for (_, row), mean, ends, needed in zip(
                    rows.assign(**{COORDINATION: rows.get(COORDINATION, np.nan)}).iterrows(),
                    means,
                    quantiles,
                    names,
                    strict=True,
                )
            ]

    def _estimate(self, row: pd.Series, mean: float, ends: np.ndarray, needed: set[str]) -> Estimate:
        novelty = self._novelty(row)
        low, high = widen(mean, ends, widening(self.card.widenings, novelty, row.surroundings))
        by_kind = self.card.level_error
        level_error = by_kind.get(row.surroundings, max(by_kind.values()))
        return Estimate(
            formation_energy_per_metal=float(mean),
            formation_energy_interval=(low, high),
            formation_energy_std=(high - low) / (2 * Z90),
            level=LEVEL_LIGANDS if row.surroundings == "ligands" else LEVEL_OTHER,
            level_error=math.hypot(level_error, self._donor_error(row.surroundings, {row.host, row.dopant})),
            reference_state=STATE_OF_SURROUNDINGS.get(row.surroundings, "relaxed metal-free host"),
            model=self.name,
            novelty=novelty,
            flags=tuple(self._flags(row, needed)),
        )

    def _donor_error(self, kind: str, metals: set[str]) -> float:
        """What the level difference does not know of the donors of a host [eV/metal]."""
        return self.card.donor_error if self._without_reference(kind, metals) else 0.0

    def _without_reference(self, kind: str, metals: set[str]) -> list[str]:
        """Those of an object's metals that have no density-functional energy on what it stands on."""
        if kind in _KNOWN_DONORS:
            return []
        return sorted(metal for metal in metals if f"{metal} {ON_SUPPORT.get(kind)}" not in self._known_on_supports)

    def _novelty(self, row: pd.Series) -> str:
        if row.surroundings not in self._surroundings:
            return "surroundings"
        return "prototype" if "-".join(sorted((row.host, row.dopant))) in self._pairs else "metal pair"

    def _flags(self, row: pd.Series, needed: set[str]) -> list[str]:
        flags, metals = [], {row.host, row.dopant}
        if row.surroundings not in self._surroundings:
            flags.append(
                f"surroundings never seen in training: {row.surroundings}; "
                f"trained on {', '.join(sorted(self._surroundings))}"
            )
        if unseen := sorted(metals - self._metals):
            flags.append(f"element never seen in training: {', '.join(unseen)}")
        elif "-".join(sorted(metals)) not in self._pairs:
            flags.append(f"{row.host} and {row.dopant} never seen together in training")
        for name, (low, high) in self._ranges.get(row.surroundings, {}).items():
            if not (np.isnan(row[name]) or low <= round(row[name], DIGITS) <= high):
                flags.append(f"{name} = {row[name]:.3g}; {row.surroundings} in training: {low:.3g} to {high:.3g}")
        if thin := sorted(name for name in needed & metals if self._evidence.get(name, 0) < _ENOUGH):
            listed = ", ".join(f"{name} ({self._evidence.get(name, 0)})" for name in thin)
            flags.append(f"fewer than {_ENOUGH} density-functional energies for {listed}")
        if missing := sorted(needed - metals - set(self._evidence)):
            flags.append(f"no density-functional energy of any cluster with donor {', '.join(missing)}")
        if row.surroundings in ("bare particle", "bare solid", "adsorbates"):
            flags.append("does not rank arrangements of one composition")
        if row.surroundings == "bare particle" and row["N_metal (atoms)"] <= _FEW_ATOMS:
            flags.append(
                "public density-functional energies of bare clusters of two to four atoms lay 1.3 eV/metal "
                "above those of a former forest, beyond its ±: take no energy of such clusters from it"
            )
        if unknown := self._without_reference(row.surroundings, metals):
            flags.append(f"no density-functional energy of {', '.join(unknown)} bound to {row.surroundings}")
        return flags


def widening(widenings: Mapping[str, Mapping[str, float]], novelty: str, surroundings: str) -> float:
    """Look up how far interval ends move outwards [eV/metal].

    What is newer is never given the narrower interval, whatever chance did to the calibrations.

    Parameters
    ----------
    widenings
        Kind of novelty → widening by surroundings, or ``"all"`` [eV/metal].
    novelty
        One of `NOVELTY`.
    surroundings
        As of `ase_bimetal.model.table.surroundings`.

    Examples
    --------
    >>> widening({"prototype": {"all": 0.2}, "metal pair": {"all": 0.1, "zeolite": 1.1}}, "metal pair", "oxide")
    0.2
    """
    names = NOVELTY[: NOVELTY.index(novelty) + 1]
    return max(widenings[name].get(surroundings, widenings[name]["all"]) for name in names)


def widen(mean: float, ends: Sequence[float] | np.ndarray, wider: float) -> tuple[float, float]:
    """Move both ends of an interval outwards [eV/metal].

    A conformal interval may be narrower than the quantiles say, but never leaves out the mean.

    Examples
    --------
    >>> widen(-2.0, (-2.5, -2.25), -0.25)
    (-2.25, -2.0)
    """
    return float(min(ends[0] - wider, mean)), float(max(ends[1] + wider, mean))


def with_deviation(mean: float, ends: Sequence[float], deviation: float) -> tuple[float, float]:
    """Widen a 90 % interval by an independent standard deviation [eV/metal].

    Examples
    --------
    >>> low, high = with_deviation(-2.0, (-2.3, -2.0), 0.4 / Z90)
    >>> round(low, 3), round(high, 3)
    (-2.5, -1.6)
    """
    low, high = (math.hypot(end - mean, deviation * Z90) for end in ends)
    return float(mean - low), float(mean + high)


def _with_level(estimate: Estimate) -> dict[str, Any]:
    """Interval and standard deviation with the level's error, whose mean is taken as that of a normal distribution."""
    low, high = with_deviation(
        estimate.formation_energy_per_metal, estimate.formation_energy_interval, estimate.level_error / MEAN_OF_NORMAL
    )
    return {"formation_energy_interval": (low, high), "formation_energy_std": (high - low) / (2 * Z90)}


def forest_digest(table: DescriptorTable) -> str:
    """Hash the table and the forest's settings.

    It is the first 8 hex digits of a sha256.
    """
    chosen = {**REGRESSORS["random forest"].fixed, **settings(SETTINGS_ROWS)["random forest"]["settings"]}
    return hashlib.sha256((table.to_csv() + json.dumps(chosen, sort_keys=True)).encode()).hexdigest()[:8]


@lru_cache(maxsize=1)
def get_forest() -> DescriptorForest:
    """Grow the shipped forest, once in a process."""
    with WHOLE_PROCESS:
        return DescriptorForest(read_table(), read_forest_card(CARD))


def _described(system: BimetallicSystem) -> pd.DataFrame:
    """The one row of `estimate_rows` for an object with coordinates."""
    _require_two_metals(system)
    row = material_features(system) | {
        COORDINATION: 12 * level_terms(system)["CN"],
        "host": system.host,
        "dopant": system.dopant,
        "surroundings": surroundings(system),
    }
    return pd.DataFrame([row])


def _require_two_metals(system: BimetallicSystem) -> None:
    metals = list(system.composition_metals)
    if len(metals) != 2:
        raise UnsupportedSystemError(
            f"the descriptor forest describes bimetallic objects; this one holds {len(metals)} metal"
            f"{'s' if len(metals) > 1 else ''} ({', '.join(metals)}); allowed: exactly two"
            ". For a ligand-protected cluster of one metal or three, use model='mml-gfn1-pbe' and put its ligands "
            "into atoms.info['ligand_smiles']"
        )


__all__ = [
    "COVERAGE",
    "DescriptorForest",
    "Estimate",
    "QuantileForest",
    "forest_digest",
    "forest_features",
    "get_forest",
    "widen",
    "widening",
    "with_deviation",
]
