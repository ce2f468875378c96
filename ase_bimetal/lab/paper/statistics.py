"""The statistics of the page: a fitted double-Weibull distribution, Pearson's r, a parabola, the lowest bin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Half-width of a normal distribution's 95 % interval, in standard deviations.
_HALF_WIDTH = 1.959964
#: Below this p-value a distribution does not fit.
SIGNIFICANT = 0.05
_LEAST_FOR_INTERVAL = 4
_LEAST_FOR_CURVE = 10
#: A curvature that is so many standard errors from zero has a certain sign.
_CERTAIN = 2.0


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

    @property
    def fits(self) -> bool:
        """Whether the test leaves the distribution standing."""
        return self.p_value >= SIGNIFICANT

    def density(self, x: np.ndarray) -> np.ndarray:
        """Compute the probability density [metal/eV].

        It is that at energies of any shape [eV/metal].
        """
        from scipy.stats import dweibull

        density: np.ndarray = dweibull.pdf(x, self.shape, self.location, self.scale)
        return density


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
    shape, location, scale = map(float, parameters)
    return DoubleWeibull(shape, location, scale, float(test.statistic), float(test.pvalue), len(values))


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
    """Compute Pearson's r with its 95 % interval.

    The two arrays have shape (n,); pairs with a missing value are left out.

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


@dataclass(frozen=True)
class Parabola:
    """A parabola of least squares.

    Attributes
    ----------
    coefficients
        Highest power first.
    error
        Standard error of the first coefficient, in its unit.
    n
        Number of points.
    """

    coefficients: tuple[float, float, float]
    error: float
    n: int

    @property
    def curvature(self) -> float:
        """Coefficient of the square: below zero the parabola opens downwards."""
        return self.coefficients[0]

    @property
    def is_certain(self) -> bool:
        """Whether the curvature is more than two standard errors from zero."""
        return abs(self.curvature) > _CERTAIN * self.error

    @property
    def vertex(self) -> float:
        """Where the parabola is highest or lowest, in the unit of x."""
        return -self.coefficients[1] / (2 * self.curvature)


def fit_parabola(x: np.ndarray, y: np.ndarray) -> Parabola | None:
    """Fit a parabola by least squares.

    None for fewer than ten points or ten values of x.

    Examples
    --------
    >>> x = np.linspace(-2.0, 0.0, 40)
    >>> found = fit_parabola(x, 0.5 - (x + 0.8) ** 2)
    >>> round(found.curvature, 6), round(found.vertex, 6), found.is_certain
    (-1.0, -0.8, True)
    """
    if len(np.unique(x)) < _LEAST_FOR_CURVE:
        return None
    coefficients, covariance = np.polyfit(x, y, 2, cov=True)
    a, b, c = map(float, coefficients)
    return Parabola((a, b, c), float(np.sqrt(covariance[0, 0])), len(x))


def lowest_bin(x: np.ndarray, y: np.ndarray, width: float = 0.1, least: int = 5) -> tuple[float, float] | None:
    """Find where y has its lowest mean.

    It is an interval of x.

    Parameters
    ----------
    x, y
        (n,) values.
    width
        Width of the intervals, which start at multiples of it.
    least
        An interval with fewer values does not count.

    Returns
    -------
    tuple or None
        Ends of the interval; None if no interval has enough values.

    Examples
    --------
    >>> x = np.linspace(0.0, 0.999, 100)
    >>> [round(end, 1) for end in lowest_bin(x, (x - 0.35) ** 2)]
    [0.3, 0.4]
    """
    number = np.floor(x / width + 1e-9).astype(int)
    names, counts = np.unique(number, return_counts=True)
    means = {name: y[number == name].mean() for name in names[counts >= least].tolist()}
    if not means:
        return None
    best = min(means, key=means.__getitem__)
    return best * width, (best + 1) * width


__all__ = [
    "Correlation",
    "DoubleWeibull",
    "Parabola",
    "correlation",
    "fit_double_weibull",
    "fit_parabola",
    "lowest_bin",
]
