"""Sentences made from numbers, so that they stay true when the numbers change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ase_bimetal.lab.paper.statistics import Correlation, DoubleWeibull, Parabola
from ase_bimetal.numbers import number

#: Two energies or errors within a tenth of the larger are called alike.
_ALIKE = 0.1


def listed(words: Sequence[str]) -> str:
    """Join words with commas and an "and".

    Examples
    --------
    >>> listed(["Au", "Pt", "Cu"])
    'Au, Pt and Cu'
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def ordinal(rank: int) -> str:
    """Write a rank as a word or a number.

    It is a word up to the third.

    Examples
    --------
    >>> [ordinal(rank) for rank in (1, 2, 3, 8)]
    ['first', 'second', 'third', '8th']
    """
    return {1: "first", 2: "second", 3: "third"}.get(rank, f"{rank}th")


def shaped(found: Parabola) -> str:
    """Say which way a parabola opens.

    It also says whether that is certain.
    """
    if not found.is_certain:
        return "is not told from a straight line, its curvature being within two standard errors of zero"
    return "opens downwards, as a volcano does" if found.curvature < 0 else "opens upwards, unlike a volcano"


def compared_errors(name: str, ours: float, published: float, rows: str) -> str:
    """Compare our error with the published one [eV/metal].

    The result is one sentence.

    Examples
    --------
    >>> compared_errors("MML", 0.03, 0.06, "n = 9 test rows")
    'MML: our error is 0.5 times the published one (0.030 against 0.060 eV/metal; n = 9 test rows).'
    """
    ratio = ours / published
    much = "about the published one" if abs(ratio - 1) <= _ALIKE else f"{ratio:.1f} times the published one"
    return f"{name}: our error is {much} ({ours:.3f} against {published:.3f} eV/metal; {rows})."


def fitted(found: DoubleWeibull) -> str:
    """Say what the Kolmogorov–Smirnov test says.

    It tests the double-Weibull fit.
    """
    verdict = "describes" if found.fits else "does not describe"
    p_value = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.3f}"
    humps = "one peak" if found.shape <= 1 else "two humps"
    return (
        f"A double-Weibull distribution with {humps} (c = {found.shape:.2f}, centre {number(found.location)} and "
        f"scale {found.scale:.2f} eV/metal) {verdict} the {found.n:,} labels: the largest gap between the "
        f"cumulative distributions is {found.distance:.3f} ({p_value}). The test takes labels for independent, "
        "which configurations of one cluster are not, and the parameters for given, which were fitted; both "
        "distort p."
    )


def correlated(found: Correlation, x: str, y: str) -> str:
    """Word Pearson's r of two named quantities.

    Its interval is given, and whether zero is in that.
    """
    if not found.is_known:
        return f"There are too few values ({found.n}) for a correlation of {y} and {x}."
    zero = "zero is outside it" if found.low * found.high > 0 else "zero is within it"
    return (
        f"Pearson's r of {y} and {x} is {number(found.r)} (95 % interval {number(found.low)} to "
        f"{number(found.high)}, n = {found.n}; {zero})."
    )


def against_published(found: Correlation, published: float) -> str:
    """Say whether a published correlation lies within our interval."""
    if not found.is_known:
        return f"It cannot be compared with the published {number(published)}."
    inside = found.low <= published <= found.high
    return f"The published {number(published)} lies {'within' if inside else 'outside'} that interval."


def same_order(ours: Mapping[Any, float], theirs: Mapping[Any, float]) -> str:
    """Say whether two sets of values rank alike.

    What has no value on one side is left out.

    Examples
    --------
    >>> same_order({"a": 1.0, "b": 2.0}, {"a": 5.0, "b": 3.0, "c": 9.0})
    'in another order'
    """
    both = [name for name in theirs if np.isfinite(ours.get(name, np.nan))]
    if len(both) < 2:
        return "not compared for want of values"
    alike = sorted(both, key=ours.__getitem__) == sorted(both, key=theirs.__getitem__)
    return "in the same order" if alike else "in another order"


def beside_published(found: Correlation, published: float) -> str:
    """Give our value beside the published one.

    It follows "Pearson's r", and says whether our interval holds the published one.

    Examples
    --------
    >>> beside_published(Correlation(-0.5, -0.7, -0.2, 40), -0.63)
    'is −0.50 (95 % interval −0.70 to −0.20, n = 40), which holds the published −0.63'
    """
    if not found.is_known:
        return f"cannot be compared with the published {number(published)} for want of values (n = {found.n})"
    holds = "holds" if found.low <= published <= found.high else "does not hold"
    return (
        f"is {number(found.r)} (95 % interval {number(found.low)} to {number(found.high)}, n = {found.n}), which "
        f"{holds} the published {number(published)}"
    )


def share(part: int, whole: int) -> str:
    """Word a share.

    Examples
    --------
    >>> share(3, 4)
    '3 of 4 (75 %)'
    """
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "none of 0"


__all__ = [
    "against_published",
    "beside_published",
    "compared_errors",
    "correlated",
    "fitted",
    "listed",
    "ordinal",
    "same_order",
    "shaped",
    "share",
]
