"""What is around the metal core: its kind, what belongs to it, what is left out, and the notes that say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from ase.data import atomic_numbers

from ase_bimetal.errors import GeometryError, PerceptionError, SeveralClustersError, UnsupportedSystemError
from ase_bimetal.inputs import Raw, formula_of, listed_formulas, named_atoms, part
from ase_bimetal.ions import COMPLEX_IONS, counter_ion_note
from ase_bimetal.ligands import Ligand, formula_text, total_formula
from ase_bimetal.neighbors import Pairs, pairs_within
from ase_bimetal.parts import Parts, parts_of, torn_bond, unbound_fragments
from ase_bimetal.perception import perceive_ligands
from ase_bimetal.shell import (
    APART_FACTOR,
    FREE_FACTOR,
    NEVER_DONORS,
    Shell,
    cut_shell,
    ligand_contacts,
    mask_of,
    metal_contacts,
    radii_of,
    search_cutoff,
)
from ase_bimetal.supports import is_extended, support_cations

#: Atoms closer than this [Å] are an error: the shortest bond, H–H, has 0.74 Å.
COINCIDENT_BELOW = 0.4

#: Said of a cluster with an odd number of electrons.
_ODD = "an odd number of electrons"
#: Said of an extended object that is metal through and through.
COVERED_METAL = "a slab or solid metal with other atoms on or in it"
#: Two kinds of what carries metal.
ZEOLITE, DOPED_CARBON = "zeolite", "doped carbon"
ODD_NOTE = f"{_ODD}: an open shell, or an ion whose charge is not declared"

Ligands = tuple[tuple[Ligand, int], ...]
#: What an object is.
Kind = Literal["cluster", "extended", "alloy"]
#: Where its ligands come from.
LigandSource = Literal["annotation", "argument", "perception", "none"]


@dataclass(frozen=True, eq=False)
class Around:
    """What surrounds the core.

    Pairs, the atoms of the core, the shell, its unbound atoms, separate parts, and host.
    """

    pairs: Pairs
    metals: np.ndarray
    shell: Shell
    loose: tuple[np.ndarray, ...]
    parts: Parts
    on_framework: bool


def look_around(raw: Raw, metals: np.ndarray) -> Around:
    """Find pairs, shell, unbound atoms and separate parts around the metal atoms."""
    pairs = pairs_within(raw.positions, raw.cell, raw.pbc, search_cutoff(raw.symbols))
    _check_distances(raw.symbols, pairs)
    if len(cations := support_cations(raw.symbols, metals, pairs)):
        metals = np.setdiff1d(metals, cations)
    shell = cut_shell(raw.symbols, metals, pairs)
    loose = tuple(unbound_fragments(raw.symbols, metals, shell, pairs))
    parts = parts_of(raw.symbols, metals, shell, pairs)
    return Around(pairs, metals, shell, loose, parts, is_extended(raw.symbols, metals, shell, pairs))


def kind_of_geometry(raw: Raw, around: Around, given: Ligands | None) -> Kind:
    """Decide the kind of an object with coordinates.

    A solid is never a cluster, and neither is a chain.

    Raises
    ------
    UnsupportedSystemError
        Ligands are given for a slab or solid, or molecules and metals make a chain or network without end.
    """
    bound = len(around.shell.fragments) > len(around.loose)
    if around.parts.endless_metal and given:
        raise UnsupportedSystemError(
            "the metal repeats through the cell without end, as in a slab or solid, and ligands are given; allowed: "
            "ligands of a finite cluster. Leave the annotation out, or check the cell"
        )
    if given:
        return "cluster"
    if not around.shell.fragments:
        return "alloy"
    if around.parts.endless_metal or around.on_framework:
        return "extended"
    if around.parts.endless and bound:
        return _kind_of_network(raw, around)
    return "cluster"


def _kind_of_network(raw: Raw, around: Around) -> Kind:
    """A solid of metals and bare ions is extended; one of molecules is refused."""
    if all(len(fragment) == 1 for fragment in around.shell.fragments):
        return "extended"
    raise UnsupportedSystemError(
        f"{formula_text(Counter(raw.symbols))} is a chain or network without end: bonds between metals and ligands run "
        "through the cell to its next image (a coordination polymer); allowed: finite clusters. If it is one cluster, "
        "check that the cell is large enough"
    )


def belongs(around: Around, raw: Raw, given: Ligands | None) -> bool:
    """Say whether the ligands count the unbound atoms.

    They may count those of a ligand that is breaking.

    Raises
    ------
    PerceptionError
        A whole ligand is unbound; names its first atom.
    """
    if given is None or formula_beside(raw.symbols, around.metals) != total_formula(given):
        return False
    whole = [ligand.bound_formula for ligand, _ in given]
    gone = [fragment for fragment in around.loose if Counter(raw.symbols[i] for i in fragment) in whole]
    if not gone:
        return True
    first = int(gone[0][0])
    raise PerceptionError(
        f"atom {first} ({raw.symbols[first]}, of {formula_of(raw, gone[0])}) belongs to the ligands given "
        f"({listed(given)}) but is more than a bond away from any metal; allowed: ligands that touch metal. "
        "Move it, or leave it out of the annotation"
    )


def require_whole_ligands(raw: Raw, around: Around) -> None:
    """Refuse to leave out atoms that a ligand has lost."""
    torn = torn_bond(raw.symbols, np.concatenate(around.loose), around.metals, around.pairs)
    if torn is not None:
        a, b = (f"{i} ({raw.symbols[i]})" for i in torn)
        raise PerceptionError(
            f"atom {a} is bonded to no metal and lies next to atom {b} of another molecule: a torn bond, or hydrogen "
            "atoms of a disordered group; allowed: whole molecules. Repair the coordinates, or name the ligands in "
            "atoms.info['ligand_smiles']"
        )


def require_free(raw: Raw, around: Around) -> None:
    """Refuse to leave out a molecule that is hardly free.

    It lies hardly further from a metal than those that count as bound.
    """
    free = unbound_fragments(raw.symbols, around.metals, around.shell, around.pairs, FREE_FACTOR)
    first = {int(fragment[0]) for fragment in free}
    close = [fragment for fragment in around.loose if int(fragment[0]) not in first]
    if not close:
        return
    radii, pairs = radii_of(raw.symbols), around.pairs
    near = np.flatnonzero(np.isin(pairs.first, close[0]) & np.isin(pairs.second, around.metals))
    k = near[(pairs.distance[near] / (radii[pairs.first[near]] + radii[pairs.second[near]])).argmin()]
    a = int(pairs.first[k])
    who = f"atom {a} ({raw.symbols[a]}, of {formula_of(raw, close[0])})"
    raise _hardly_free(raw, pairs, int(k), who, "a molecule by itself")


def _hardly_free(raw: Raw, pairs: Pairs, k: int, who: str, left_out: str) -> PerceptionError:
    """Why what is at one end of a pair counts neither as bound to the metal at its other end nor as free."""
    a, m = int(pairs.first[k]), int(pairs.second[k])
    total = float(radii_of(raw.symbols)[[a, m]].sum())
    return PerceptionError(
        f"{who} is neither bound nor free: {pairs.distance[k]:.2f} Å from atom {m} ({raw.symbols[m]}); allowed: up to "
        f"{APART_FACTOR * total:.2f} Å, or, as {left_out} that is left out, beyond {FREE_FACTOR * total:.2f} Å. "
        "Move it, or leave it out of the object"
    )


def complex_ions(raw: Raw, around: Around) -> tuple[np.ndarray, ...]:
    """Find separate ions of one metal atom beside a cluster.

    One is in `COMPLEX_IONS` by its formula, and another part of the object has two metal atoms or more. All else with
    metal is a cluster of its own.
    """
    members = around.parts.members
    if len(members) < 2:
        return ()
    n_metals = [int(np.isin(rows, around.metals).sum()) for rows in members]
    if max(n_metals) < 2:
        return ()
    return tuple(rows for rows in members if formula_of(raw, rows) in COMPLEX_IONS)


def require_apart(raw: Raw, around: Around, ions: Sequence[np.ndarray]) -> None:
    """Refuse to leave out a complex ion that is hardly apart.

    As `require_free` does with molecules: its cluster would be another at once.
    """
    if not ions:
        return
    n, radii = len(raw.symbols), radii_of(raw.symbols)
    inside, is_metal = mask_of(np.concatenate(ions), n), mask_of(around.metals, n)
    pairs = pairs_within(raw.positions, raw.cell, raw.pbc, 2 * FREE_FACTOR * float(radii.max()))
    total = radii[pairs.first] + radii[pairs.second]
    across = inside[pairs.first] & ~inside[pairs.second] & (is_metal[pairs.first] | is_metal[pairs.second])
    heavy = np.array([symbol != "H" for symbol in raw.symbols])
    near = np.flatnonzero(across & heavy[pairs.first] & heavy[pairs.second] & (pairs.distance < FREE_FACTOR * total))
    if len(near):
        k = near[(pairs.distance[near] / total[near]).argmin()]
        a = int(pairs.first[k])
        raise _hardly_free(raw, pairs, int(k), f"the ion of atom {a} ({raw.symbols[a]})", "an ion")


def without_loose(raw: Raw, loose: Sequence[np.ndarray], ions: Sequence[np.ndarray] = (), n_clusters: int = 1) -> Raw:
    """Remove unbound molecules and ions.

    Notes say so.

    Parameters
    ----------
    raw
        The object.
    loose, ions
        Atoms of what touches no metal, and of `complex_ions`.
    n_clusters
        Clusters of the object, which share the charge that counter-ions leave.
    """
    notes = [
        f"left out, {what}: {listed_formulas(raw, found)} (at {named_atoms(raw, [int(rows[0]) for rows in found])})"
        for what, found in (("more than a bond away from any metal", loose), ("complex ions beside the cluster", ions))
        if len(found)
    ]
    kinds = Counter(formula_of(raw, rows) for rows in (*loose, *ions))
    kept = np.setdiff1d(np.arange(len(raw.symbols)), np.concatenate([*loose, *ions]))
    return replace(part(raw, kept), notes=(*raw.notes, *notes, *counter_ion_note(kinds, n_clusters)))


def with_odd_electrons(
    notes: Sequence[str], symbols: Sequence[str], n_metals: int, ligands: Ligands, charge: float
) -> tuple[str, ...]:
    """Add a note where electrons are odd.

    The notes are those of a cluster; a note that no longer holds is left out.

    Parameters
    ----------
    notes
        What is noted so far, maybe of the same cluster with other metals.
    symbols, n_metals
        Element of every atom, and how many of them are metal; a bare core has the electrons of its ligands too.
    ligands, charge
        Ligands with their counts, and the charge [e].
    """
    counts = Counter(symbols)
    if len(symbols) == n_metals:
        counts.update(total_formula(ligands))
    electrons = sum(atomic_numbers[symbol] * n for symbol, n in counts.items()) - charge
    others = dict.fromkeys(note for note in notes if not note.startswith(_ODD))
    if round(electrons) % 2 == 0:
        return tuple(others)
    return (*others, f"{_ODD} at charge {charge:+g}: an open shell" if charge else ODD_NOTE)


def require_one_cluster(raw: Raw, around: Around, given: Ligands | None) -> None:
    """Refuse several separate clusters in one object.

    Where ligands are given, a metal atom without any may have been moved away, and so may those of a bare core.
    """
    members = around.parts.members
    if given:
        core = frozenset(around.metals.tolist())
        members = tuple(rows for rows in members if not core.issuperset(rows.tolist()))
    if len(members) < 2 or around.parts.endless:
        return
    raise SeveralClustersError(
        f"the object holds {len(members)} separate clusters ({listed_formulas(raw, members)}); allowed: one. "
        "Use ase_bimetal.split_clusters(obj), which gives each by itself"
    )


def perceived(symbols: tuple[str, ...], around: Around) -> Ligands:
    """Perceive the ligands of the shell from the coordinates."""
    contacts = ligand_contacts(symbols, around.metals, around.shell, around.pairs)
    never = NEVER_DONORS & set(symbols)
    others = metal_contacts(symbols, around.metals, around.shell, around.pairs, never) if never else None
    return perceive_ligands(symbols, around.shell, contacts, others)


def with_notes(raw: Raw, around: Around, kind: str) -> Raw:
    """Add a note on what an object is.

    It says what the object is besides its kind.
    """
    n, members = len(around.metals), around.parts.members
    has_shell = len(around.shell.fragments) > 0
    if kind == "extended" and around.parts.endless_metal and _is_mostly_metal(raw.symbols, n):
        note = f"{COVERED_METAL}: no cluster, and what is on it are no ligands"
    elif kind == "cluster" and n <= 2 and has_shell:
        note = f"a molecular complex of {n} metal atom{'s' * (n > 1)}, without a metal core"
    elif kind == "cluster" and len(members) > 1:
        note = f"the metal core is in {len(members)} pieces, each further than a bond from the others"
    elif kind == "alloy" and not around.parts.endless:
        note = f"a bare molecule or particle of {n} metal atom{'s' * (n > 1)}, not a solid alloy"
    else:
        return raw
    return replace(raw, notes=tuple(dict.fromkeys((*raw.notes, note))))


def _is_mostly_metal(symbols: Sequence[str], n_metals: int) -> bool:
    return symbols.count("O") < n_metals / 2


def _check_distances(symbols: tuple[str, ...], pairs: Pairs) -> None:
    close = np.flatnonzero(pairs.distance < COINCIDENT_BELOW)
    if len(close):
        a, b = pairs.first[close[0]], pairs.second[close[0]]
        raise GeometryError(
            f"atoms {a} ({symbols[a]}) and {b} ({symbols[b]}) are {pairs.distance[close[0]]:.3f} Å apart; allowed: at "
            f"least {COINCIDENT_BELOW} Å. Delete one of them, or correct the positions"
        )


def kind_of_formula(symbols: tuple[str, ...], metals: np.ndarray, given: Ligands | None) -> Kind:
    """Decide the kind of a composition.

    Silicates and oxides are frameworks, all other non-metals are ligands.
    """
    rest = set(symbols) - {symbols[i] for i in metals}
    if given:
        return "cluster"
    if not rest:
        return "alloy"
    return "extended" if "O" in rest and ("Si" in rest or "C" not in rest) else "cluster"


def listed(ligands: Iterable[tuple[Ligand, int]]) -> str:
    """Word ligands with their counts."""
    return ", ".join(f"{n} × {ligand.name}" for ligand, n in ligands)


def formula_beside(symbols: Sequence[str], leave_out: np.ndarray) -> dict[str, int]:
    """Count an object's elements without some atoms."""
    present = Counter(symbols)
    present.subtract(symbols[i] for i in leave_out)
    return {symbol: n for symbol, n in present.items() if n}


__all__ = [
    "COVERED_METAL",
    "DOPED_CARBON",
    "ZEOLITE",
    "Around",
    "Ligands",
    "belongs",
    "complex_ions",
    "formula_beside",
    "kind_of_formula",
    "kind_of_geometry",
    "listed",
    "look_around",
    "perceived",
    "require_apart",
    "require_free",
    "require_one_cluster",
    "require_whole_ligands",
    "with_notes",
    "with_odd_electrons",
    "without_loose",
]
