"""The two statistics of the page: a fitted double-Weibull distribution, and Pearson's r with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Half-width of a normal distribution's 95 % interval, in standard deviations.
_HALF_WIDTH = 1.959964
_LEAST_FOR_INTERVAL = 4


@dataclass(frozen=True)
class DoubleWeibull:
    """A double-Weibull distribution fitted to values, and how well it fits.

    Attributes
    ----------
    shape
        c [-]; 1 is the Laplace distribution, above 1 there are two humps.
    location, scale
        Centre and width [eV/metal].
    distance
        Kolmogorov–Smirnov statistic: the largest gap between the two cumulative distributions [-].
    p_value
        Of the Kolmogorov–Smirnov test, as if the values were independent and the parameters not fitted to them [-].
    n
        Number of values.
    """

    shape: float
    location: float
    scale: float
    distance: float
    p_value: float
    n: int

    def density(self, x: np.ndarray) -> np.ndarray:
        """Probability density [metal/eV] at energies of any shape [eV/metal]."""
        from scipy.stats import dweibull

        return dweibull.pdf(x, self.shape, self.location, self.scale)


def fit_double_weibull(values: np.ndarray) -> DoubleWeibull:
    """Fit by maximum likelihood, and test the fit.

    Parameters
    ----------
    values
        (n,) energies [eV/metal].

    Examples
    --------
    >>> from scipy.stats import dweibull
    >>> found = fit_double_weibull(dweibull.rvs(2.0, -3.0, 0.5, size=4000, random_state=0))
    >>> round(found.shape, 1), round(found.location, 1), round(found.scale, 1), found.p_value > 0.05
    (2.0, -3.0, 0.5, True)
    """
    from scipy.stats import dweibull, kstest

    start = {"loc": float(np.median(values)), "scale": float(np.std(values))}
    parameters = dweibull.fit(values, 1.5, **start)
    test = kstest(values, "dweibull", parameters)
    return DoubleWeibull(*map(float, parameters), float(test.statistic), float(test.pvalue), len(values))


@dataclass(frozen=True)
class Correlation:
    """Pearson's r.

    Attributes
    ----------
    r
        Correlation [-]; NaN for fewer than three pairs, or when one side does not vary.
    low, high
        Ends of its 95 % interval by Fisher's transformation [-]; NaN for fewer than four pairs.
    n
        Number of pairs.
    """

    r: float
    low: float
    high: float
    n: int

    @property
    def is_known(self) -> bool:
        """Whether there is an r with an interval."""
        return bool(np.isfinite(self.low))


def correlation(x: np.ndarray, y: np.ndarray) -> Correlation:
    """Pearson's r of two arrays of shape (n,) with its 95 % interval; pairs with a missing value are left out.

    Examples
    --------
    >>> found = correlation(np.arange(10.0), np.arange(10.0)[::-1] ** 2)
    >>> found.low < found.r < found.high < 0, found.n
    (True, 10)
    """
    known = np.isfinite(x) & np.isfinite(y)
    x, y, n = x[known], y[known], int(known.sum())
    if n < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(np.nan, np.nan, np.nan, n)
    r = float(np.corrcoef(x, y)[0, 1])
    if n < _LEAST_FOR_INTERVAL or abs(r) >= 1:
        return Correlation(r, np.nan, np.nan, n)
    reach = _HALF_WIDTH / np.sqrt(n - 3)
    low, high = np.tanh(np.arctanh(r) + np.array([-reach, reach]))
    return Correlation(r, float(low), float(high), n)


__all__ = ["Correlation", "DoubleWeibull", "correlation", "fit_double_weibull"]
