"""Common ions by their formula: their charges, and what is said of a cluster that they are left out of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from ase.data import atomic_numbers

from ase_bimetal.ligands import formula_text

_ELEMENT = re.compile(r"([A-Z][a-z]?)(\d*)")

#: Charge [e] of common counter-ions by their Hill formula, for the charge of a cluster they are left out of.
COUNTER_IONS: Mapping[str, int] = MappingProxyType({
    **dict.fromkeys(("BF4", "F6P", "F6Sb", "AsF6", "ClO4", "NO3", "F", "Cl", "Br", "I", "CF3O3S", "C2F6NO4S2",
                     "C24H20B", "C24BF20", "C32H12BF24"), -1),
    "F6Si": -2, "O4S": -2, "Cl6Sb": -1,
    **dict.fromkeys(("Li", "Na", "K", "Rb", "Cs", "H4N", "H3O", "C4H12N", "C8H20N", "C16H36N", "C32H68N", "C24H20P",
                     "C36H30NP2"), 1),
})  # fmt: skip

#: Charge [e] of complex ions: one metal atom that bears halides, cyanides or oxides alone, bis(pentafluorophenyl) of
#: gold and silver, and cobaltocenium, by their Hill formula. What has two charges, as FeCl4, is not among them.
COMPLEX_IONS: Mapping[str, int] = MappingProxyType({
    **{formula_text({metal: 1, halide: n}): charge
       for metals, halides, n, charge in (
           (("Au", "Ag", "Cu"), ("Cl", "Br", "I"), 2, -1),
           (("Au", "Al", "Ga", "In", "Tl"), ("Cl", "Br", "I"), 4, -1),
           (("Sn", "Pb", "Hg", "Zn", "Cd"), ("Cl", "Br", "I"), 3, -1),
           (("Zn", "Cd", "Hg", "Pd", "Pt", "Cu", "Co", "Ni", "Mn"), ("Cl", "Br", "I"), 4, -2),
           (("Pd", "Pt", "Sn", "Pb", "Ti", "Zr", "Hf", "Re", "Os"), ("F", "Cl", "Br", "I"), 6, -2),
           (("Nb", "Ta"), ("F", "Cl", "Br"), 6, -1),
           (("Rh",), ("Cl", "Br"), 6, -3),
       ) for metal in metals for halide in halides},
    **{formula_text({"C": n, "N": n, metal: 1}): charge
       for metals, n, charge in ((("Au", "Ag", "Cu"), 2, -1), (("Au",), 4, -1), (("Ni", "Pd", "Pt", "Zn", "Cd", "Hg"),
                                 4, -2)) for metal in metals},
    "O4Re": -1, "MnO4": -1, "O4Tc": -1,
    "C12AuF10": -1, "C12AgF10": -1, "C10H10Co": 1, "C20H30Co": 1,
})  # fmt: skip


def charge_of_ion(formula: str) -> int | None:
    """Look up the charge [e] of a common ion by its Hill formula.

    It is None where the formula is none of them.

    Examples
    --------
    >>> charge_of_ion("BF4"), charge_of_ion("AuCl2"), charge_of_ion("CHCl3")
    (-1, -1, None)
    """
    return COUNTER_IONS.get(formula, COMPLEX_IONS.get(formula))


def counter_ion_note(kinds: Mapping[str, int], n_clusters: int) -> tuple[str, ...]:
    """Say what charge is left on a cluster without its ions.

    Parameters
    ----------
    kinds
        Hill formula → number of what is left out.
    n_clusters
        Clusters that share the charge.

    Returns
    -------
    tuple of str
        One sentence, or none where nothing of it is an ion.
    """
    known = {formula: n for formula, n in kinds.items() if charge_of_ion(formula) is not None}
    charge = -sum((charge_of_ion(formula) or 0) * n for formula, n in known.items())
    unknown = [formula for formula in kinds if formula not in known and _is_odd(formula)]
    if unknown:
        return (
            f"left out, with an odd number of electrons: {', '.join(unknown)}, an ion of unknown charge unless it "
            "lacks atoms; so the cluster has the opposite charge in this compound, and is taken as neutral",
        )
    if not charge:
        return ()
    whose = (
        f"the cluster has charge {charge:+d} in this compound and is"
        if n_clusters == 1
        else f"the {n_clusters} clusters together have charge {charge:+d} in this compound and are"
    )
    return (f"counter-ions left out ({', '.join(known)}): {whose} taken as neutral, for eq. (1) has no charge term",)


def _is_odd(formula: str) -> bool:
    return sum(atomic_numbers[symbol] * int(n or 1) for symbol, n in _ELEMENT.findall(formula)) % 2 == 1


__all__ = ["COMPLEX_IONS", "COUNTER_IONS", "charge_of_ion", "counter_ion_note"]
