"""Numbers as they are printed: a true minus sign, no negative zero, a dash for what is not known."""

from __future__ import annotations

import math
import re

# Counts follow a letter or a bracket; bonds, brackets of atoms and the first ring of a SMILES do not occur in formulas.
_COUNT, _SMILES = re.compile(r"(?<=[A-Za-z)])\d+"), re.compile(r"[=#@\[\]/\\](?!\d+$)|[cnCN]1(?!\d)")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def number(value: float | None, digits: int = 2, sign: str = "") -> str:
    """Write a number with a fixed count of digits.

    Parameters
    ----------
    value
        The number; None, NaN and infinity give a dash.
    digits
        Digits after the point.
    sign
        ``"+"`` to write the sign of positive numbers too.

    Examples
    --------
    >>> number(-3.456), number(-0.001), number(0.5, 1, "+"), number(float("nan"))
    ('−3.46', '0.00', '+0.5', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:{sign}.{digits}f}"
    return text.replace("-", "−" if float(text) else "")


def shortest(value: float) -> str:
    """Write a number with no more digits than it needs.

    Examples
    --------
    >>> shortest(-0.30), shortest(2.0)
    ('−0.3', '2')
    """
    return f"{value:g}".replace("-", "−")


def formula(name: str) -> str:
    """Write a name with its counts as subscripts.

    A SMILES in it, whose digits are rings, leaves the name as it is.

    Examples
    --------
    >>> formula("Au4Pd2(PET)8(PPh3)2 #2"), formula("Au4Pd2(SC1CC1)8"), formula("Au24-staple")
    ('Au₄Pd₂(PET)₈(PPh₃)₂ #2', 'Au4Pd2(SC1CC1)8', 'Au₂₄-staple')
    """
    if _SMILES.search(name):
        return name
    return _COUNT.sub(lambda found: found[0].translate(_SUBSCRIPTS), name)


__all__ = ["formula", "number", "shortest"]
