"""Split-conformal calibration: standard deviations whose 90 % intervals hold 90 % of the errors, and a test of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ase_bimetal.lab.training.metrics import root_mean_square_error
from ase_bimetal.model.card import Uncertainty
from ase_bimetal.model.domain import Z90

COVERAGE = 0.9


@dataclass(frozen=True)
class Holdout:
    """Predictions of held-out rows.

    ``truth``, ``mean`` and ``spread`` over the ensemble, each (n,) in eV/metal.
    """

    truth: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """Absolute errors (n,) [eV/metal]."""
        errors: np.ndarray = np.abs(self.truth - self.mean)
        return errors


def conformal_quantile(scores: np.ndarray, coverage: float = COVERAGE) -> float:
    """Give the bound that a new score stays below.

    It is the smallest that holds with the given probability (split-conformal prediction).

    Examples
    --------
    >>> conformal_quantile(np.arange(1.0, 100.0))
    90.0
    """
    rank = int(np.ceil((len(scores) + 1) * coverage))
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def inside_terms(validation: Holdout) -> Uncertainty:
    """``floor`` and ``scale`` of standard deviations inside the training domain, from validation rows."""
    floor = root_mean_square_error(validation.truth, validation.mean)
    scores = validation.errors / np.hypot(floor, validation.spread)
    return Uncertainty(round(floor, 5), round(conformal_quantile(scores) / Z90, 5))


def inside_interval(test: Holdout, terms: Uncertainty) -> dict[str, float]:
    """Measure nominal 90 % intervals on test rows of the training domain.

    Coverage and mean half-width [eV/metal].
    """
    half = Z90 * terms.scale * np.hypot(terms.floor, test.spread)
    return {"coverage": round(float((test.errors <= half).mean()), 4), "half_width": round(float(half.mean()), 4)}


def fold_term(folds: Sequence[np.ndarray]) -> float:
    """Give the standard deviation for what is new [eV/metal].

    It comes from the absolute errors of every fold, folds counting alike.
    """
    return round(_balanced_quantile(folds) / Z90, 5)


def fold_interval(folds: Sequence[np.ndarray]) -> dict[str, float]:
    """Measure 90 % intervals on each fold, calibrated on the others.

    Coverage and mean half-width [eV/metal].
    """
    if len(folds) < 3:
        return {}
    halves = [_balanced_quantile([*folds[:i], *folds[i + 1 :]]) for i in range(len(folds))]
    inside = [(errors <= half).mean() for errors, half in zip(folds, halves, strict=True)]
    return {"coverage": round(float(np.mean(inside)), 4), "half_width": round(float(np.mean(halves)), 4)}


def _balanced_quantile(folds: Sequence[np.ndarray]) -> float:
    """The 90 % quantile of errors when every fold has the same weight, raised a little where folds are few.

    The exact correction for k folds asks for the largest error ever seen when k < 10; half of what lies above 90 % is
    where it stops. `fold_interval` measures what comes of it.
    """
    errors = np.concatenate(folds)
    weights = np.concatenate([np.full(len(fold), 1 / len(fold)) for fold in folds])
    order = np.argsort(errors)
    reached = np.cumsum(weights[order]) / len(folds)
    target = min((1 + COVERAGE) / 2, COVERAGE * (len(folds) + 1) / len(folds))
    place = int(np.searchsorted(reached, target - 1e-12))
    return float(errors[order][min(place, len(errors) - 1)])
