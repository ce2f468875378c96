"""The forest against density-functional energies that neither it nor its level difference saw."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ase_bimetal.lab.labels.level_difference import Difference, differences, fit_level, support_differences
from ase_bimetal.lab.labels.support_pbe import SUPPORTS, load_support_pbe
from ase_bimetal.lab.regressors.labelled_table import Shifts, labelled_rows, labelled_systems, shift_terms
from ase_bimetal.lab.regressors.tuning import grouped_folds
from ase_bimetal.model.forest import COVERAGE, QuantileForest, forest_features, widen, widening, with_deviation
from ase_bimetal.model.table import DEVIATION, DescriptorTable, surroundings

_FOLDS, _SEED = 10, 1


@dataclass(frozen=True)
class Terms:
    """What the shift of one row of a table depends on.

    Attributes
    ----------
    kind
        As of `ase_bimetal.model.table.surroundings`.
    values
        As of `ase_bimetal.lab.regressors.labelled_table.shift_terms`.
    """

    kind: str
    values: Mapping[str, float]


def record_differences() -> dict[str, Difference]:
    """Collect records with a PBE energy.

    They are clusters and pairs of metals on supports.

    Returns
    -------
    dict
        Record of the labels → PBE minus GFN1-xTB. On carbon that is measured on the small flake.
    """
    found = {row.name: row for row in differences() if row.is_label}
    for kind in SUPPORTS:
        rows = zip(load_support_pbe(kind), support_differences(kind), strict=True)
        found |= {label.site.record: row for label, row in rows}
    return found


def row_terms(ids: Collection[str]) -> dict[str, Terms]:
    """Describe what the shifts of labelled records depend on, by record."""
    systems = labelled_systems(ids)
    return {name: Terms(surroundings(system), shift_terms(system)) for name, system in systems.items()}


class PbeTest:
    """Forests that know nothing of some objects.

    Neither their rows nor their PBE energies.

    Parameters
    ----------
    table
        Rows to learn.
    """

    def __init__(self, table: DescriptorTable) -> None:
        self._table = table
        self._known = record_differences()
        self._asked = labelled_rows(ids=set(self._known))
        self._terms = row_terms({*table.rows.id, *self._asked.rows.id})
        self._rows = differences()
        self._crystals = differences(k_points=True)
        self._on_supports = [row for kind in SUPPORTS for row in support_differences(kind)]

    def leave_out(
        self,
        novelty: str,
        groups: Callable[[DescriptorTable], np.ndarray],
        widenings: Mapping[str, Mapping[str, float]],
    ) -> pd.DataFrame:
        """Predict every object with a PBE energy.

        Parameters
        ----------
        novelty
            What is left out together, which says how wide intervals are.
        groups
            The group of each row of a table. Rows of a left-out group are not learned, and what is known of PBE for
            its objects is not either.
        widenings
            Kind of novelty → widening by surroundings [eV/metal].

        Returns
        -------
        pandas.DataFrame
            By record: ``kind`` of surroundings, ``pbe`` energy, ``mean`` and ends ``low`` and ``high`` of the 90 %
            interval [eV/metal].
        """
        asked, of_table = groups(self._asked), groups(self._table)
        frames = [
            self._fold(self._asked.where(np.isin(asked, names)), ~np.isin(of_table, names), novelty, widenings)
            for names in _folds(asked)
        ]
        return pd.concat(frames).sort_index()

    def _fold(
        self, asked: DescriptorTable, train: np.ndarray, novelty: str, widenings: Mapping[str, Mapping[str, float]]
    ) -> pd.DataFrame:
        shifts = self._shifts({self._known[name].name for name in asked.rows.id})
        forest = QuantileForest(self._shift(self._table.where(train), shifts))
        rows, features = self._shift(asked, shifts).rows, forest_features(asked.rows)
        quantiles = forest.quantiles(features, ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2))
        means = forest.predict(features)
        ends = [
            with_deviation(mean, widen(mean, end, widening(widenings, novelty, row.surroundings)), row.deviation)
            for mean, end, row in zip(means, quantiles, rows.itertuples(), strict=True)
        ]
        truth = rows.gfn1.to_numpy() + [self._known[name].value for name in rows.id]
        found = {"kind": rows.surroundings.to_numpy(), "pbe": truth, "mean": means}
        return pd.DataFrame(found | dict(zip(("low", "high"), np.transpose(ends), strict=True)), index=rows.id)

    def _shifts(self, without: Collection[str]) -> Shifts:
        clusters, bare, pairs = (
            [row for row in rows if row.name not in without] for rows in (self._rows, self._crystals, self._on_supports)
        )
        return Shifts(fit_level(clusters), fit_level(bare), fit_level([*clusters, *pairs]))

    def _shift(self, table: DescriptorTable, shifts: Shifts) -> DescriptorTable:
        terms = (self._terms[name] for name in table.rows.id)
        means, deviations = np.transpose([shifts.predict(one.kind, one.values) for one in terms])
        return DescriptorTable(table.rows.assign(shift=means, **{DEVIATION: deviations}))


def _folds(groups: np.ndarray) -> Iterator[np.ndarray]:
    """The names of groups, part by part."""
    for _, test in grouped_folds(groups, _FOLDS, _SEED):
        yield np.unique(groups[test])


def summaries(found: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Sum up `PbeTest.leave_out` by surroundings.

    Returns
    -------
    dict
        ``"all"`` and each kind → MAE, RMSE [eV/metal], n; ``coverage`` and mean ``half_width`` [eV/metal] of the
        nominal 90 % intervals.
    """
    kinds: Sequence[str] = sorted(set(found.kind))
    return {"all": _summary(found)} | {kind: _summary(found[found.kind == kind]) for kind in kinds}


def _summary(rows: pd.DataFrame) -> dict[str, float]:
    inside, errors = (rows.low <= rows.pbe) & (rows.pbe <= rows.high), rows.pbe - rows["mean"]
    return {
        "MAE": round(float(errors.abs().mean()), 4),
        "RMSE": round(float(np.sqrt((errors**2).mean())), 4),
        "n": len(rows),
        "coverage": round(float(inside.mean()), 3),
        "half_width": round(float((rows.high - rows.low).mean() / 2), 3),
    }


__all__ = ["PbeTest", "record_differences", "row_terms", "summaries"]
