"""Charges in ``_chemical_formula_moiety`` of a CIF, where the structure lacks the counter-ions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ase.data import atomic_numbers

from ase_bimetal.ions import COMPLEX_IONS, charge_of_ion
from ase_bimetal.ligands import formula_text
from ase_bimetal.shell import find_metals

_TOKEN = re.compile(r"\s*(?:([A-Z][a-z]?)(\d+(?:\.\d+)?)?|(\()|\)(\d+(?:\.\d+)?)?)")
_CHARGE = re.compile(r"\s*(?:(\d*)([+-])|([+-])(\d+))\s*$")
_TIMES = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*\((.*)\)\s*$|^\s*\((.*)\)\s*(\d+(?:\.\d+)?)?\s*$")
# A cluster or an ion counts as complete with so large a part of its atoms: some of a group may not be found.
_PRESENT = 0.5


@dataclass(frozen=True, eq=False)
class Moiety:
    """One part of a compound.

    Element counts, the charge [e] of one (None where it is not given), and how many there are.
    """

    counts: Mapping[str, float]
    charge: int | None
    times: float

    @property
    def has_metal(self) -> bool:
        """Whether an atom of it counts as core metal.

        Those of complex ions do not.
        """
        return len(find_metals(list(self.counts))) > 0 and self.formula not in COMPLEX_IONS

    @property
    def formula(self) -> str:
        """The Hill formula of one."""
        return formula_text({s: round(n) for s, n in self.counts.items()})


def parse_moieties(text: str) -> list[Moiety]:
    """Parts of a compound's formula, as the IUCr writes them.

    Raises
    ------
    ValueError
        The text is no such formula.

    Examples
    --------
    >>> [(dict(m.counts), m.charge, m.times) for m in parse_moieties("Au11 Cl2 P7 1+, 2(B F4 1-), C H2 Cl2")][:2]
    [({'Au': 11.0, 'Cl': 2.0, 'P': 7.0}, 1, 1.0), ({'B': 1.0, 'F': 4.0}, -1, 2.0)]
    """
    return [_moiety(part) for part in text.split(",") if part.strip()]


def _moiety(text: str) -> Moiety:
    times, inner = 1.0, text.strip()
    found = _TIMES.match(inner)
    if found and _is_balanced(found[2] if found[2] is not None else found[3]):
        times = float(found[1] or found[4] or 1)
        inner = found[2] if found[2] is not None else found[3]
    charge = None
    if signed := _CHARGE.search(inner):
        number, sign = signed[1] or signed[4] or "1", signed[2] or signed[3]
        charge, inner = int(number) * (1 if sign == "+" else -1), inner[: signed.start()]
    return Moiety(_counts(inner), charge, times)


def _is_balanced(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0


def _counts(text: str) -> dict[str, float]:
    stack: list[Counter[str]] = [Counter()]
    place = 0
    while text[place:].strip():
        token = _TOKEN.match(text, place)
        if token is None:
            raise ValueError(f"no formula: {text!r}")
        place = token.end()
        if token[3]:
            stack.append(Counter())
        elif token[1]:
            symbol = "H" if token[1] == "D" else token[1]
            if symbol not in atomic_numbers:
                raise ValueError(f"no element {symbol!r} in {text!r}")
            stack[-1][symbol] += float(token[2] or 1)  # type: ignore[assignment]
        elif len(stack) < 2:
            raise ValueError(f"a bracket too many in {text!r}")
        else:
            for symbol, n in stack.pop().items():
                stack[-1][symbol] += n * float(token[4] or 1)  # type: ignore[assignment]
    if len(stack) != 1 or not stack[0]:
        raise ValueError(f"no formula: {text!r}")
    return dict(stack[0])


def charge_without_ions(moieties: Sequence[Moiety], symbols: Sequence[str]) -> int:
    """Compute the charge [e] of a structure without its ions.

    It is 0 where the structure has all the ions of its compound.

    Parameters
    ----------
    moieties
        Parts of the compound.
    symbols
        Element symbols of the structure.

    Returns
    -------
    int
        Sum over the parts that are there. The charge of a part with metal that is not given balances the other parts;
        that of a common counter-ion is known.

    Examples
    --------
    >>> charge_without_ions(parse_moieties("C10 H20 Au, B F4"), ["Au", *["C"] * 10, *["H"] * 20])
    1
    """
    metal = [m for m in moieties if m.has_metal]
    others = [(m, _known_charge(m)) for m in moieties if not m.has_metal]
    of_others = sum(charge * m.times for m, charge in others)
    of_metal = sum((m.charge or 0) * m.times for m in metal)
    if all(m.charge is None for m in metal):
        of_metal = -of_others
    units = _units(metal, [m for m, _ in others], symbols)
    left = Counter(symbols)
    for m in metal:
        left.subtract({s: round(units * m.times * n) for s, n in m.counts.items()})
    total = units * of_metal
    for m, charge in sorted(others, key=lambda item: -len(item[0].counts)):
        needed = {s: units * m.times * n for s, n in m.counts.items() if s != "H" or len(m.counts) == 1}
        if all(left[s] >= _PRESENT * n for s, n in needed.items()):
            total += units * m.times * charge
            left.subtract({s: round(n) for s, n in needed.items()})
    return round(total)


def _units(metal: Sequence[Moiety], others: Sequence[Moiety], symbols: Sequence[str]) -> int:
    """How many formula units a structure holds, whether its complex ions are there or not; 0 where none fit."""
    present, n_metals = Counter(symbols), len(find_metals(list(symbols)))
    with_ions = [*metal, *(m for m in others if m.formula in COMPLEX_IONS)]
    for moieties in dict.fromkeys((tuple(with_ions), tuple(metal))):
        in_formula = sum(m.times * sum(m.counts[s] for s in m.counts if len(find_metals([s]))) for m in moieties)
        units = n_metals / in_formula if in_formula else 0.0
        needed: Counter[str] = Counter()
        for m in moieties[len(metal) :]:  # its complex ions
            needed.update({s: round(units * m.times * n) for s, n in m.counts.items()})
        if units > 0.5 and abs(units - round(units)) <= 0.05 and all(present[s] >= n for s, n in needed.items()):
            return round(units)
    return 0


def _known_charge(moiety: Moiety) -> int:
    if moiety.charge is not None:
        return moiety.charge
    return charge_of_ion(moiety.formula) or 0


__all__ = ["Moiety", "charge_without_ions", "parse_moieties"]
