"""Conformal intervals hold what they promise, on errors of a known kind."""

import numpy as np
import pytest

from ase_bimetal.lab.training.calibrate import (
    Holdout,
    conformal_quantile,
    fold_interval,
    fold_term,
    inside_interval,
    inside_terms,
)


def held(n, seed, noise):
    """Errors of a normal distribution whose width the spread follows."""
    rng = np.random.default_rng(seed)
    spread = rng.uniform(0.01, 0.2, n)
    truth = rng.normal(size=n)
    return Holdout(truth, truth + noise * np.hypot(0.05, spread) * rng.normal(size=n), spread)


@pytest.mark.parametrize("noise", [0.3, 1.0, 4.0])
def test_intervals_cover_ninety_percent_whatever_the_size_of_the_errors(noise):
    terms = inside_terms(held(2000, 1, noise))
    found = inside_interval(held(2000, 2, noise), terms)
    assert 0.87 < found["coverage"] < 0.93


def test_intervals_widen_with_the_errors():
    widths = [inside_interval(held(500, 2, n), inside_terms(held(500, 1, n)))["half_width"] for n in (0.5, 2.0)]
    assert widths[1] > 3 * widths[0]


def test_folds_are_covered_by_what_the_others_say():
    rng = np.random.default_rng(0)
    folds = [np.abs(rng.normal(scale=scale, size=rng.integers(20, 300))) for scale in rng.uniform(0.2, 0.4, 20)]
    found = fold_interval(folds)
    assert 0.85 < found["coverage"] < 0.97
    assert found["half_width"] == pytest.approx(1.645 * fold_term(folds), rel=0.2)


def test_a_large_fold_does_not_outvote_small_ones():
    small, large = [np.full(10, 1.0)] * 9, [np.full(10_000, 0.1)]
    assert 1.645 * fold_term(small + large) == pytest.approx(1.0, abs=1e-4)


def test_too_few_folds_promise_nothing():
    assert fold_interval([np.ones(5), np.ones(5)]) == {}


def test_the_quantile_counts_the_new_point_too():
    assert conformal_quantile(np.arange(1.0, 10.0)) == 9.0
