"""Numbers as they are printed: a true minus sign, no negative zero, a dash for what is not known."""

from __future__ import annotations

import math
import re

# Counts follow a letter or a bracket, the charge of an ion its last bracket.
_COUNT, _CHARGE = re.compile(r"(?<=[A-Za-z)}\]])\d+(?:\.\d+)?"), re.compile(r"(?<=\])\d*[+-]$")
# Bonds, a bracket around one atom and the first ring of a SMILES do not occur in formulas.
_SMILES = re.compile(r"=|#(?!\d+$)|\[\d*[A-Za-z][a-z]?(?:@|(?:H\d?)?[+-]*\d*\])|[cnCN]1(?!\d)")
_SUBSCRIPTS, _SUPERSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"), str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
# A word of a text that is a formula: an element or a bracket with a count, and neither code nor an address.
_FORMULA_WORD = re.compile(r"(?<!\S)(?!\(?10\.)(?=\S*(?:[A-Z][a-z]|\))\d)[^\s_`:]+(?!\S)")


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

    The charge behind the bracket of an ion is written as a superscript. A SMILES, whose digits are rings, leaves the
    name as it is.

    Examples
    --------
    >>> formula("Au4Pd2(PET)8(PPh3)2 #2"), formula("Au4Pd2(SC1CC1)8"), formula("Au24-staple")
    ('Au₄Pd₂(PET)₈(PPh₃)₂ #2', 'Au4Pd2(SC1CC1)8', 'Au₂₄-staple')
    >>> formula("[Ag24Pd(SPhCl2)18]2-"), formula("PtCu/TiO2")
    ('[Ag₂₄Pd(SPhCl₂)₁₈]²⁻', 'PtCu/TiO₂')
    """
    if _SMILES.search(name):
        return name
    name = _CHARGE.sub(lambda match: match[0].translate(_SUPERSCRIPTS), name)
    return _COUNT.sub(lambda match: match[0].translate(_SUBSCRIPTS), name)


def formulas(text: str) -> str:
    """Write the formulas in a text with subscripts.

    Examples
    --------
    >>> formulas("φ of Au4Ru2(SR)8(PR3)2, labels (–), of Mamba2 and 10.1021/Au25(x)2")
    'φ of Au₄Ru₂(SR)₈(PR₃)₂, labels (–), of Mamba2 and 10.1021/Au25(x)2'
    """
    return _FORMULA_WORD.sub(lambda match: formula(match[0]), text)


__all__ = ["formula", "formulas", "number", "shortest"]
