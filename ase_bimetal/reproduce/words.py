"""Sentences made from numbers, so that they stay true when the numbers change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ase_bimetal.reproduce.statistics import Correlation, DoubleWeibull

#: Below this p-value a distribution does not fit.
SIGNIFICANT = 0.05
#: Two energies or errors within a tenth of the larger are called alike.
_ALIKE = 0.1


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus sign, or a dash when there is none.

    Examples
    --------
    >>> number(-0.634), number(-0.001), number(float("nan"))
    ('−0.63', '0.00', '–')
    """
    if value is None or not np.isfinite(value):
        return "–"
    # Adding zero turns a rounded −0.0 into 0.0.
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def listed(words: Sequence[str]) -> str:
    """Words with commas and an "and".

    Examples
    --------
    >>> listed(["Au", "Pt", "Cu"])
    'Au, Pt and Cu'
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def compared_errors(name: str, ours: float, published: float, rows: str) -> str:
    """One sentence on our error beside the published one [eV/metal].

    Examples
    --------
    >>> compared_errors("MML", 0.03, 0.06, "n = 9 test rows")
    'MML: our error is 0.5 times the published one (0.030 against 0.060 eV/metal; n = 9 test rows).'
    """
    ratio = ours / published
    much = "about the published one" if abs(ratio - 1) <= _ALIKE else f"{ratio:.1f} times the published one"
    return f"{name}: our error is {much} ({ours:.3f} against {published:.3f} eV/metal; {rows})."


def fitted(found: DoubleWeibull) -> str:
    """What the Kolmogorov–Smirnov test says of the double-Weibull fit."""
    verdict = "does not describe" if found.p_value < SIGNIFICANT else "describes"
    p_value = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.3f}"
    humps = "one peak" if found.shape <= 1 else "two humps"
    return (f"A double-Weibull distribution with {humps} (c = {found.shape:.2f}, centre {number(found.location)} and "
            f"scale {found.scale:.2f} eV/metal) {verdict} the {found.n:,} labels: the largest gap between the "
            f"cumulative distributions is {found.distance:.3f} ({p_value}). The test takes labels for independent, "
            "which configurations of one cluster are not, and the parameters for given, which were fitted; both "
            "distort p.")


def correlated(found: Correlation, x: str, y: str) -> str:
    """Pearson's r of two named quantities with its interval, and whether zero is in that."""
    if not found.is_known:
        return f"There are too few values ({found.n}) for a correlation of {y} and {x}."
    zero = "zero is outside it" if found.low * found.high > 0 else "zero is within it"
    return (f"Pearson's r of {y} and {x} is {number(found.r)} (95 % interval {number(found.low)} to "
            f"{number(found.high)}, n = {found.n}; {zero}).")


def against_published(found: Correlation, published: float) -> str:
    """Whether a published correlation lies within our interval."""
    if not found.is_known:
        return f"It cannot be compared with the published {number(published)}."
    inside = found.low <= published <= found.high
    return f"The published {number(published)} lies {'within' if inside else 'outside'} that interval."


def share(part: int, whole: int) -> str:
    """A share in words.

    Examples
    --------
    >>> share(3, 4)
    '3 of 4 (75 %)'
    """
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "none of 0"


__all__ = ["against_published", "compared_errors", "correlated", "fitted", "listed", "number", "share"]
