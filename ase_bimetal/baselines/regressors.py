"""Regressors on the 8-feature scheme, to measure the multimodal model against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.base import RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor

#: Name in tables → maker of an untrained regressor.
BASELINES: dict[str, Callable[[int], RegressorMixin]] = {
    "mean": lambda seed: DummyRegressor(),
    "random forest, 8 features": lambda seed: RandomForestRegressor(n_estimators=300, random_state=seed),
}


def fit_predict(name: str, features: pd.DataFrame, targets: np.ndarray, train: np.ndarray, test: np.ndarray,
                seed: int = 0) -> np.ndarray:
    """Train a baseline on some rows and predict others.

    Parameters
    ----------
    name
        Key of `BASELINES`.
    features
        (n, 8) table of the 8-feature scheme.
    targets
        (n,) formation energies [eV/metal].
    train, test
        Row numbers.

    Returns
    -------
    numpy.ndarray
        Predictions for the test rows [eV/metal].
    """
    model = BASELINES[name](seed)
    model.fit(features.iloc[train], targets[train])
    return model.predict(features.iloc[test])
