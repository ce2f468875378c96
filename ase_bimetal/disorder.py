"""Sites that are there in part of the cells only: the major component, and solvent that is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ase_bimetal.errors import GeometryError
from ase_bimetal.inputs import Raw, disordered, listed_formulas, named_atoms, part
from ase_bimetal.neighbors import components, pairs_within
from ase_bimetal.parts import torn_bond, unbound_fragments
from ase_bimetal.shell import BOND_FACTOR, cut_shell, find_metals, mask_of, radii_of, search_cutoff

#: Sites of two components compete for one place below this distance [Å], as the hydrogen atoms of a methyl group and
#: those of its other setting.
ONE_PLACE = 1.2
# Shares are alike to so many digits, those of one group add up to one within the slack, and one is the major component
# beyond a half.
_SHARE_DIGITS, _SHARE_SLACK, _HALF = 2, 0.05, 0.505


def whole_sites(raw: Raw) -> Raw:
    """Take the major component of disordered groups.

    Unbound molecules that are there in part of the cells only are left out.

    Raises
    ------
    GeometryError
        An atom of a cluster is, and none is there in its place more often; names its site.
    """
    raw = _without_minor_sites(raw)
    if not raw.partly:
        return raw
    metals = find_metals(raw.symbols)
    pairs = pairs_within(raw.positions, raw.cell, raw.pbc, search_cutoff(raw.symbols))
    shell = cut_shell(raw.symbols, metals, pairs)
    loose = [f for f in unbound_fragments(raw.symbols, metals, shell, pairs) if not raw.partly.keys().isdisjoint(f)]
    inside = {int(i) for fragment in loose for i in fragment}
    torn = torn_bond(raw.symbols, np.array(sorted(inside), dtype=int), metals, pairs)
    inside -= {torn[0]} if torn else set()
    for atom, site in raw.partly.items():
        if atom not in inside:
            raise GeometryError(disordered(site.words, raw.symbols[atom] == "H"))
    note = (
        f"left out, partly occupied and more than a bond away from any metal: {listed_formulas(raw, loose)}; if it "
        "is an ion, the cluster is charged in this compound, and is taken as neutral"
    )
    kept = np.setdiff1d(np.arange(len(raw.symbols)), sorted(inside))
    return replace(part(raw, kept), notes=(*raw.notes, note))


def _without_minor_sites(raw: Raw) -> Raw:
    """Leave out partly occupied sites in whose place others are, with a share of more than half."""
    rows = np.array(sorted(raw.partly), dtype=int)
    if len(rows) < 2:
        return raw
    share = np.zeros(len(raw.symbols))
    share[rows] = [raw.partly[i].share for i in rows.tolist()]
    minor: dict[float, list[int]] = {}
    settled: set[int] = set()
    for group in _in_one_place(raw, rows):
        major = float(share[group].max())
        shares = dict.fromkeys(share[group].round(_SHARE_DIGITS).tolist())
        if major > _HALF and len(shares) > 1 and sum(shares) < 1 + _SHARE_SLACK:
            minor.setdefault(major, []).extend(group[share[group] < major - 10**-_SHARE_DIGITS].tolist())
            settled |= set(group.tolist())
    if not minor:
        return raw
    notes = [
        f"disorder: kept sites of share {major:g}, left out others in their place: {named_atoms(raw, others)}"
        for major, others in minor.items()
    ]
    partly = {i: site for i, site in raw.partly.items() if i not in settled}
    kept = np.setdiff1d(np.arange(len(raw.symbols)), [i for others in minor.values() for i in others])
    return part(replace(raw, partly=partly, notes=(*raw.notes, *notes)), kept)


def _in_one_place(raw: Raw, rows: np.ndarray) -> list[np.ndarray]:
    """Partly occupied sites in groups that hang together or exclude each other."""
    pairs = pairs_within(raw.positions, raw.cell, raw.pbc, search_cutoff(raw.symbols))
    radii = radii_of(raw.symbols)
    partly = mask_of(rows, len(raw.symbols))
    reach = np.maximum(ONE_PLACE, BOND_FACTOR * (radii[pairs.first] + radii[pairs.second]))
    near = pairs.where((pairs.distance < reach) & partly[pairs.first] & partly[pairs.second])
    label = components(near.first, near.second, len(raw.symbols))[rows]
    return [rows[label == k] for k in dict.fromkeys(label.tolist())]


__all__ = ["ONE_PLACE", "whole_sites"]
