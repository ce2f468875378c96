"""Ligand-like SMILES made from building blocks, for pretraining the ligand encoder.

Public SMILES sets hold neutral drug-like molecules: hardly a thiol, no phosphine, no carbene. This module
writes the missing families by putting random organic groups on the atoms that bind metals. Every SMILES is a
free, protonated ligand exactly as `Ligand.parse` would write it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from ase_bimetal.errors import LigandError
from ase_bimetal.ligands import LIGAND_NAMES, Ligand

# Groups are written so that the first atom is the one that binds; ring labels below 10 are theirs, %10 and
# above belong to the templates, so that the two never close each other's rings.
_ALKYL = (
    "C", "CC", "CCC", "C(C)C", "CCCC", "CC(C)C", "C(C)CC", "C(C)(C)C", "CC(C)(C)C", "C1CC1", "C1CCC1",
    "C1CCCC1", "C1CCCCC1", "C1CCCCCC1", "C1CC2CCC1C2", "C12CC3CC(CC(C3)C1)C2", "CC=C", "C=C", "C1CCOCC1",
    "C1CCCCC1C",
)  # fmt: skip
_ARYL = (
    "c1ccccc1{x}", "c1cccc({x})c1", "c1ccc({x})cc1", "c1c({x})cccc1{x}", "c1cc({x})cc({x})c1",
    "c1ccc({x})c({x})c1", "c1c({x})cc({x})cc1{x}", "c1ccc2cc({x})ccc2c1", "c1cccc2ccccc12",
    "c1ccc(-c2ccc({x})cc2)cc1", "c1ccncc1", "c1cccnc1", "c1ccccn1", "c1ccco1", "c1cccs1", "c1ccc({x})s1",
    "c1ncc[nH]1", "c1nc2ccccc2[nH]1", "c1ncccn1", "c1nc2ccccc2s1", "c1c(F)c(F)c(F)c(F)c1F",
    "c1ccc2c(c1)Cc1ccccc1-2",
)  # fmt: skip
_SUBSTITUENTS = (
    "C", "CC", "C(C)C", "C(C)(C)C", "OC", "OCC", "F", "Cl", "Br", "I", "C(F)(F)F", "OC(F)(F)F", "C(=O)O",
    "C(=O)OC", "C(=O)N", "C(=O)C", "C=O", "C#N", "N", "NC", "N(C)C", "NC(=O)C", "[N+](=O)[O-]", "O", "CO",
    "SC", "S(=O)(=O)C", "S(=O)(=O)O", "P(=O)(O)O", "B(O)O", "[Si](C)(C)C", "c1ccccc1", "C=C", "C1CCCCC1",
    "N1CCOCC1", "[Se]C",
)  # fmt: skip
_CHAIN_ENDS = (
    "C(=O)O", "C(=O)OC", "C(=O)N", "C(=O)NC", "N", "N(C)C", "O", "OC", "OCCO", "OCCOC", "OCCOCCO", "F",
    "Cl", "Br", "C(F)(F)F", "C#N", "C=C", "[Si](C)(C)C", "[Si](OC)(OC)OC", "C(N)C(=O)O", "NC(=O)C",
    "S(=O)(=O)O", "P(=O)(O)O", "C(F)(F)C(F)(F)F", "C1CCCCC1", "N1CCCC1", "N=[N+]=[N-]",
    "B1OC(C)(C)C(C)(C)O1",
)  # fmt: skip
_BIOTHIOLS = (
    "NC(CS)C(=O)O", "CC(=O)NC(CS)C(=O)O", "NC(CCC(=O)NC(CS)C(=O)NCC(=O)O)C(=O)O", "CC(S)C(=O)NCC(=O)O",
    "CC(CS)C(=O)N1CCCC1C(=O)O", "O=C(O)CC(S)C(=O)O", "CC(C)(S)C(N)C(=O)O", "NCCS", "OCC(S)CS",
)  # fmt: skip
_LINKERS = ("C", "CC", "CCC", "CCCC", "CCCCC", "C=C", "CN(C)C", "CCOCC", "c1ccccc1", "CNC", "CC(C)C")
_SMALL = ("F", "Cl", "Br", "I", "[C-]#[O+]", "C#C", "CS", "P", "CC#N", "CN", "CO", "CSC", "C1=CCC=C1")


def _substituent(rng: random.Random) -> str:
    """A substituent for an aromatic ring; methyl and the halogens are the commonest, as on real ligands."""
    return rng.choice(("C", "F", "Cl", "OC")) if rng.random() < 0.4 else rng.choice(_SUBSTITUENTS)


def _aryl(rng: random.Random) -> str:
    pattern = "c1ccccc1" if rng.random() < 0.2 else rng.choice(_ARYL)
    while "{x}" in pattern:
        pattern = pattern.replace("{x}", _substituent(rng).replace("1", "9"), 1)
    return pattern


def _alkyl(rng: random.Random) -> str:
    return "C" * rng.randint(1, 18) if rng.random() < 0.35 else rng.choice(_ALKYL)


def _group(rng: random.Random) -> str:
    """An organic group with its free valence on the first atom."""
    kind = rng.random()
    if kind < 0.3:
        return _alkyl(rng)
    if kind < 0.65:
        return _aryl(rng)
    if kind < 0.8:
        return "C" * rng.randint(1, 3) + _aryl(rng)
    return "C" * rng.randint(1, 11) + rng.choice(_CHAIN_ENDS)


def _groups(rng: random.Random, n: int) -> list[str]:
    """Groups for one donor atom: mostly all alike, as in PPh3, sometimes one or all different."""
    first, last = _group(rng), _group(rng)
    kind = rng.random()
    if kind < 0.5:
        return [first] * n
    return [first] * (n - 1) + [last] if kind < 0.8 else [_group(rng) for _ in range(n)]


def _thiol(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.03:
        return rng.choice(_BIOTHIOLS)
    if kind < 0.13:
        return f"S{rng.choice(_LINKERS)}{_alkyl(rng)}S"
    return ("[SeH]" if kind > 0.88 else "S") + _group(rng)


def _thioether(rng: random.Random) -> str:
    a, b = _groups(rng, 2)
    return f"S({a}){b}"


def _phosphine(rng: random.Random) -> str:
    a, b, c = _groups(rng, 3)
    kind = rng.random()
    if kind < 0.15:
        return f"P({a})({b}){rng.choice(_LINKERS)}P({a}){b}"
    if kind < 0.22:
        return f"P(O{a})(O{b})O{c}"
    return f"P({a}){b}" if kind < 0.25 else f"P({a})({b}){c}"


def _alkyne(rng: random.Random) -> str:
    return "C#C" + _group(rng)


def _carbene(rng: random.Random) -> str:
    a, b = _groups(rng, 2)
    back = rng.choice(("C=C", "C=C", "C(C)=C(C)", "CC", "CCC", "C(Cl)=C(Cl)", "c%11ccccc%11"))
    return f"[C]%10N({a}){back}N%10{b}"


def _cyclopentadiene(rng: random.Random) -> str:
    one = rng.choice(("C", "CC", "C(C)(C)C", "[Si](C)(C)C", _aryl(rng), _group(rng)))
    n = rng.randint(0, 5)
    branch = [f"({one})"] * n + [""] * (5 - n)
    rng.shuffle(branch)
    return "C%10{}C{}=C{}C{}=C%10{}".format(*branch)


def _amine(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.2:
        return f"n%10ccc({_substituent(rng)})cc%10"
    if kind < 0.3:
        return f"n%10cccc%10-c%11cc({_substituent(rng)})ccn%11"
    a, b, c = _groups(rng, 3)
    return rng.choice((f"N{a}", f"N({a}){b}", f"N({a})({b}){c}", f"NCC{a}", f"N{a}N"))


def _oxygen_donor(rng: random.Random) -> str:
    return rng.choice(("OC(=O)", "O")) + _group(rng)


def _cyanide_like(rng: random.Random) -> str:
    return rng.choice(("N#C", "[C-]#[N+]")) + _group(rng)


def _small(rng: random.Random) -> str:
    return rng.choice((*_SMALL, *LIGAND_NAMES.values()))


#: The families with their shares of what is drawn.
_FAMILIES: tuple[tuple[Callable[[random.Random], str], float], ...] = (
    (_thiol, 0.30),
    (_phosphine, 0.24),
    (_alkyne, 0.12),
    (_carbene, 0.08),
    (_cyclopentadiene, 0.05),
    (_amine, 0.09),
    (_thioether, 0.03),
    (_oxygen_donor, 0.05),
    (_cyanide_like, 0.03),
    (_small, 0.01),
)


def ligand_smiles(n: int, seed: int = 0) -> Iterator[str]:
    """Draw `n` different ligand SMILES, in the protonation state and spelling of `Ligand.parse`.

    The same seed gives the same list, and a longer list begins with the shorter one.

    Parameters
    ----------
    n
        Number of SMILES; the building blocks hold many more than a million.
    seed
        Seed of the draw.

    Examples
    --------
    >>> drawn = list(ligand_smiles(5, seed=1))
    >>> len(set(drawn)), drawn == list(ligand_smiles(8, seed=1))[:5]
    (5, True)
    """
    rng = random.Random(seed)
    makers, weights = zip(*_FAMILIES, strict=True)
    seen: set[str] = set()
    while len(seen) < n:
        make = rng.choices(makers, weights)[0]
        try:
            smiles = Ligand.parse(make(rng)).smiles
        except LigandError:
            continue  # an aniline or an amide has lost its donor to conjugation: draw again
        if smiles not in seen:
            seen.add(smiles)
            yield smiles


__all__ = ["ligand_smiles"]
