"""Make the descriptor forest's table and card: how wide its intervals must be, and how often they hold.

``python -m ase_bimetal.lab.regressors.forest_card`` writes ``datasets/descriptor_table.csv`` and
``datasets/descriptor_forest.json`` again from the shipped labels.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ase_bimetal.errors import MissingDataError
from ase_bimetal.files import write_whole
from ase_bimetal.lab.regressors.forest_against_pbe import PbeTest, summaries
from ase_bimetal.lab.regressors.labelled_table import labelled_rows, thin
from ase_bimetal.lab.regressors.tuning import grouped_folds
from ase_bimetal.lab.training.metrics import summary
from ase_bimetal.model.forest import COVERAGE, MEAN_OF_NORMAL, QuantileForest, forest_digest, forest_features
from ase_bimetal.model.forest_card import CARD
from ase_bimetal.model.level import SHIPPED_SUPPORTS, level_digest
from ase_bimetal.model.regressors import settings
from ase_bimetal.model.table import DEVIATION, SHIPPED, DescriptorTable, read_table

COMMAND = "python -m ase_bimetal.lab.regressors.forest_card"
#: Configurations of a prototype that ship beside its minimum.
PER_PROTOTYPE = 6
FOLDS, SEED = 10, 1
#: Surroundings with fewer rows take the widening of all rows where it is larger than their own.
_ENOUGH_ROWS = 30
#: What is left out to imitate an object that is new to the forest. Of a left-out prototype, others of the same metal
#: pair stay where there are any, as they do for an object of a known pair.
NOVELTIES: Mapping[str, Callable[[DescriptorTable], np.ndarray]] = MappingProxyType(
    {
        "prototype": lambda table: table.rows.prototype.to_numpy(),
        "metal pair": lambda table: table.pairs,
        "surroundings": lambda table: table.rows.surroundings.to_numpy(),
    }
)


def make_card(table: DescriptorTable) -> dict[str, Any]:
    """Make the card of a forest on a table.

    It holds everything that the forest must say about itself.

    Returns
    -------
    dict
        ``calibration`` by novelty: errors of predictions out of fold, ``widening`` of the interval by surroundings
        [eV/metal], ``coverage`` of the quantiles as they are and of the widened interval, the latter measured on
        folds that its widening was not taken from; ``level_error`` by surroundings and
        ``donor_error``, what the level lacks of donors that it does not know [eV/metal]; ``against_pbe``, errors
        against density-functional energies and how many of them the intervals hold; and the sha256 of the level
        differences that the table was made with.
    """
    calibration = {
        name: calibrate(table, groups(table), worst=name == "surroundings") for name, groups in NOVELTIES.items()
    }
    widenings_of = {name: found["widening"] for name, found in calibration.items()}
    test = PbeTest(table)
    return {
        "digest": forest_digest(table),
        "command": COMMAND,
        "rows": {
            "all": len(table.targets),
            "minima": int(table.rows.minimum.sum()),
            "by surroundings": table.rows.surroundings.value_counts().to_dict(),
        },
        "settings": settings("configurations")["random forest"]["settings"],
        "intended coverage": COVERAGE,
        "calibration": calibration,
        "against_pbe": {
            name: summaries(test.leave_out(name, groups, widenings_of)) for name, groups in NOVELTIES.items()
        },
        "level_error": level_errors(table),
        "donor_error": donor_transfer_error(),
        "level_difference": level_digest(),
        "support_difference": level_digest(SHIPPED_SUPPORTS),
    }


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Predictions of every row by a forest that never saw its group.

    Attributes
    ----------
    means
        (n,) predictions [eV/metal].
    ends
        (n, 2) quantiles that are to hold `COVERAGE` of the rows [eV/metal].
    tests
        Row numbers of each fold.
    """

    means: np.ndarray
    ends: np.ndarray
    tests: tuple[np.ndarray, ...]

    def scores(self, targets: np.ndarray) -> np.ndarray:
        """Compute how far energies lie outside their intervals.

        Shape (n,) [eV/metal], negative inside.
        """
        lacking: np.ndarray = np.maximum(self.ends[:, 0] - targets, targets - self.ends[:, 1])
        return lacking


def out_of_fold(table: DescriptorTable, groups: np.ndarray) -> OutOfFold:
    """Grow a forest without each part of the groups and predict that part.

    Parameters
    ----------
    table
        Rows.
    groups
        (n,) group of each row.

    Raises
    ------
    MissingDataError
        There is one group only, so that nothing is left to learn from.
    """
    if len(np.unique(groups)) < 2:
        raise MissingDataError(f"all rows belong to {groups[0]!r}; allowed: at least two groups to leave one out")
    folds = grouped_folds(groups, FOLDS, SEED, table.pairs)
    means, ends = np.empty(len(table.targets)), np.empty((len(table.targets), 2))
    for train, test in folds:
        forest = QuantileForest(table.where(np.isin(np.arange(len(table.targets)), train)))
        asked = forest_features(table.rows.iloc[test])
        means[test] = forest.predict(asked)
        ends[test] = forest.quantiles(asked, ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2))
    return OutOfFold(means, ends, tuple(test for _, test in folds))


def calibrate(table: DescriptorTable, groups: np.ndarray, worst: bool = False) -> dict[str, Any]:
    """Measure what the forest's intervals lack.

    Every row is predicted by a forest that never saw its group.

    Parameters
    ----------
    table
        Rows.
    groups
        (n,) group of each row.
    worst
        As in `widenings`: for groups that are the kinds of surroundings themselves.
    """
    found = out_of_fold(table, groups)
    scores, kinds = found.scores(table.targets), table.rows.surroundings.to_numpy()
    held = held_out_coverage(scores, kinds, found.tests, worst)
    by_kind = {str(kind): kinds == kind for kind in np.unique(kinds)}
    return {
        "errors": {"all": summary(table.targets, found.means)}
        | {kind: summary(table.targets[rows], found.means[rows]) for kind, rows in by_kind.items()},
        "widening": _round(widenings(scores, kinds, worst)),
        "coverage": {
            "quantiles alone": round(float((scores <= 0).mean()), 3),
            "widened": round(float(held.mean()), 3),
            "widened, by surroundings": _round({kind: held[rows].mean() for kind, rows in by_kind.items()}),
        },
    }


def widenings(scores: np.ndarray, kinds: np.ndarray, worst: bool = False) -> dict[str, float]:
    """Compute the conformal widening [eV/metal].

    It is given for all rows and for each kind of surroundings.

    Parameters
    ----------
    scores
        (n,) how far each energy lies outside its interval [eV/metal], negative inside.
    kinds
        (n,) surroundings of each row.
    worst
        Whether the widening of all rows is that of the worst kind, so that the many rows of one kind do not speak
        for a kind that is not there.
    """
    own = {str(kind): conformal_quantile(scores[kinds == kind]) for kind in np.unique(kinds)}
    together = max(own.values()) if worst else conformal_quantile(scores)
    scarce = {kind for kind in own if (kinds == kind).sum() < _ENOUGH_ROWS}
    return {"all": together} | {kind: max(wide, together) if kind in scarce else wide for kind, wide in own.items()}


def conformal_quantile(scores: np.ndarray, coverage: float = COVERAGE) -> float:
    """Find the score that new rows stay below.

    They do with probability `coverage`, for exchangeable rows.

    Examples
    --------
    >>> conformal_quantile(np.arange(1.0, 20.0), 0.9)
    18.0
    """
    rank = min(int(np.ceil((len(scores) + 1) * coverage)), len(scores))
    return float(np.sort(scores)[rank - 1])


def held_out_coverage(
    scores: np.ndarray, kinds: np.ndarray, folds: Sequence[np.ndarray], worst: bool = False
) -> np.ndarray:
    """Say whether each row's widened interval holds it.

    Shape (n,) of bool; the widening is taken from the other folds.
    """
    held = np.empty(len(scores), dtype=bool)
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(scores)), fold)
        found = widenings(scores[rest], kinds[rest], worst)
        held[fold] = [scores[i] <= found.get(kinds[i], found["all"]) for i in fold]
    return held


def level_errors(table: DescriptorTable) -> dict[str, float]:
    """Compute the mean error [eV/metal] that the level difference expects of itself, by surroundings."""
    means = table.rows.groupby("surroundings")[DEVIATION].mean()
    return _round({str(kind): MEAN_OF_NORMAL * value for kind, value in means.items()})


def donor_transfer_error() -> float:
    """Compute the error [eV/metal] on an unfitted donor type.

    It is the mean error of the corrections on anchors of a donor type none of which were fitted.

    It stands for the error of the level where metal binds what has no PBE energies, such as the oxygen of an oxide.
    """
    from ase_bimetal.lab.labels.corrections import best_ridge, leave_element_out, load_anchors

    anchors = load_anchors()
    names = sorted({name for anchor in anchors for name in anchor.features})
    x = np.array([[anchor.features.get(name, 0.0) for name in names] for anchor in anchors])
    y = np.array([anchor.pbe - anchor.gfn1 for anchor in anchors])
    weights = np.array([anchor.n_metals for anchor in anchors])
    ridge = best_ridge(x, y, weights)
    donors = [column for column, name in enumerate(names) if "-" in name]
    errors = np.concatenate([leave_element_out(x, y, weights, column, ridge) for column in donors])
    return round(float(np.abs(errors).mean()), 4)


def main() -> None:
    """Write the table and the card."""
    write_whole(SHIPPED, thin(labelled_rows(), PER_PROTOTYPE).to_csv())
    write_whole(CARD, json.dumps(make_card(read_table()), indent=1) + "\n")


def _round(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(float(value), 3) for name, value in values.items()}


if __name__ == "__main__":
    main()
