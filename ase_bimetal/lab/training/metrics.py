"""Errors of predictions."""

from __future__ import annotations

import numpy as np


def mean_absolute_error(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Compute the mean absolute error.

    It is in the unit of its input.
    """
    return float(np.abs(truth - predicted).mean())


def root_mean_square_error(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Compute the root mean square error.

    It is in the unit of its input.
    """
    return float(np.sqrt(((truth - predicted) ** 2).mean()))


def r_squared(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Compute the coefficient of determination.

    1 is exact, 0 no better than the mean of the truth.
    """
    return float(1 - ((truth - predicted) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())


def summary(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Compute MAE, RMSE [eV/metal] and R² of predictions.

    They are rounded for a card.
    """
    return {
        "MAE": round(mean_absolute_error(truth, predicted), 4),
        "RMSE": round(root_mean_square_error(truth, predicted), 4),
        "R2": round(r_squared(truth, predicted), 4),
        "n": len(truth),
    }
