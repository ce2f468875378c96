"""The section on materials from the literature: φ, accessibility, and estimates of E_form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ase_bimetal.descriptors import ACCESSIBLE_ABOVE
from ase_bimetal.lab.paper import figures, published, words
from ase_bimetal.lab.paper.blocks import Section, Table, picture
from ase_bimetal.lab.paper.gather import PageData
from ase_bimetal.lab.paper.materials import DISTANCES
from ase_bimetal.lab.paper.statistics import Correlation, correlation
from ase_bimetal.model.table import FEATURES
from ase_bimetal.numbers import formula, number

H_MIX = FEATURES[5]
#: A bounded φ is taken at its middle when it is known to so much [-].
_NARROW = 0.1
# Classes of our list by the article's.
_CLASSES: Mapping[str, tuple[str, ...]] = {
    "nanoclusters": ("nanocluster", "molecular cluster"),
    "zeolites and MOFs": ("zeolite", "MOF"),
    "alloys and particles": ("alloy",),
    "on oxides or nitrides": ("oxide-supported", "nitride"),
    "two-dimensional": ("dual-atom",),
}
_ABOUT = f"about {published.PHI_MATERIALS}"


def materials_section(data: PageData) -> Section:
    """Make the section on materials from the literature.

    It has φ, accessibility and estimated E_form.
    """
    rows = data.materials
    found = material_correlations(rows)
    known, *_ = found.values()
    difference = (
        f"Where φ is known, Pearson's r of E_form and φ {words.beside_published(known, published.PHI_CORRELATION)}; "
        "the materials are others than in the article, and the energies are estimates of a forest that has seen few "
        "such surroundings, whose error the interval does not hold."
    )
    sentences = (
        _held(found),
        *(
            f"With {what}: {words.correlated(r, 'φ', 'estimated E_form')} "
            f"{words.against_published(r, published.PHI_CORRELATION)}"
            for what, r in found.items()
        ),
    )
    drawn = picture(
        "materials",
        figures.materials_figure(rows),
        "Lines and points of φ by material",
        "φ of materials from the literature: a point where it is known, else a line from its value at "
        f"{DISTANCES[0]:g} Å to that at {DISTANCES[1]:g} Å.",
    )
    return Section(
        "Materials from the literature",
        difference,
        comparison(rows, data.forest.name),
        sentences,
        (material_table(data),),
        (drawn,),
    )


def _held(found: Mapping[str, Correlation]) -> str:
    """In how many ways of counting φ the published correlation lies within our interval."""
    theirs = published.PHI_CORRELATION
    told = [
        f"{what} (n = {r.n}) {'holds' if r.low <= theirs <= r.high else 'excludes'} it"
        for what, r in found.items()
        if r.is_known
    ]
    return (
        f"The published {number(theirs)} over about {published.PHI_MATERIALS} materials is not confirmed unless "
        f"every line holds it, and an interval of few materials holds almost anything: {words.listed(told)}."
    )


def comparison(rows: pd.DataFrame, forest: str) -> Table:
    """Compare counts and correlations with the published numbers.

    It says how many materials have what, how many are accessible, and Pearson's r.

    Parameters
    ----------
    rows
        Of `ase_bimetal.lab.paper.materials.assess_materials`.
    forest
        Name of the model that estimated E_form.
    """
    known, decided = rows[rows.phi.notna()], rows[rows.accessible.notna()]
    accessible = f"share with φ > {number(ACCESSIBLE_ABOVE, 1)}"
    return Table(
        ("quantity", "ours", "published"),
        (
            ("materials", str(len(rows)), _ABOUT),
            *(
                (f"of them {kind}", str(int(rows["class"].isin(_CLASSES[kind]).sum())), str(theirs))
                for kind, theirs in published.MATERIALS.items()
            ),
            *_pairs_that_mix(rows),
            ("with a DOI, the others with a complete reference", str(int((rows.doi != "").sum())), "–"),
            ("with a distance", str(int(rows.metal_distance_A.notna().sum())), "–"),
            ("with φ, for which metals of equal radius need no distance", str(len(known)), _ABOUT),
            (f"{accessible}, φ known", words.share(int((known.phi > ACCESSIBLE_ABOVE).sum()), len(known)), "–"),
            (f"{accessible}, with bounds that decide", words.share(int(decided.accessible.sum()), len(decided)), "–"),
            *(
                (f"φ of {formula(row.name)}", _phi(row), f"> {number(ACCESSIBLE_ABOVE, 1)}")
                for row in rows[rows.doi == published.DOI].itertuples(index=False)
            ),
            ("with estimated E_form", str(int(rows.energy.notna().sum())), _ABOUT),
            *(
                (f"Pearson's r of E_form and φ, {what}", _r(r), number(published.PHI_CORRELATION))
                for what, r in material_correlations(rows).items()
            ),
        ),
        f"E_form: {forest}; missing features go over its training rows. r with its 95 % interval.",
    )


def _pairs_that_mix(rows: pd.DataFrame) -> tuple[tuple[str, str, str], ...]:
    """Different pairs of metals that mix (H_mix below 0) and that do not."""
    pairs = rows.assign(pair=[frozenset(pair) for pair in zip(rows.host, rows.dopant, strict=True)])
    mixing = pairs.drop_duplicates("pair")[H_MIX].dropna()
    return (
        ("different pairs of metals with H_mix < 0", str(int((mixing < 0).sum())), str(published.MISCIBLE_PAIRS)),
        ("different pairs of metals with H_mix ≥ 0", str(int((mixing >= 0).sum())), str(published.IMMISCIBLE_PAIRS)),
    )


def material_correlations(rows: pd.DataFrame) -> dict[str, Correlation]:
    """Correlate estimated E_form with φ by Pearson's r.

    φ is counted from exactly known only to the middle of any bounds.

    Materials of the same metals and surroundings that differ in nothing the features see count once.
    """
    once = rows.assign(key=rows.phi_low.round(3)).drop_duplicates(["host", "dopant", "surroundings", "key"])
    return {
        what: correlation(middle_phi(once, width), once.energy.to_numpy(float))
        for what, width in (
            ("φ known", 0.0),
            (f"φ known or bounded to {_NARROW:g}", _NARROW),
            ("φ in the middle of any bounds", np.inf),
        )
    }


def middle_phi(rows: pd.DataFrame, width: float) -> np.ndarray:
    """Give φ, or the middle of its bounds; shape (n,).

    The bounds count where they are no wider than a width; else NaN.
    """
    middle = ((rows.phi_low + rows.phi_high) / 2).where(rows.phi_high - rows.phi_low <= width)
    phi: np.ndarray = rows.phi.fillna(middle).to_numpy(float)
    return phi


def material_table(data: PageData) -> Table:
    """Tabulate the materials, one line each."""
    rows = []
    for row in data.materials.rename(columns={"class": "kind", H_MIX: "mixing"}).itertuples(index=False):
        energy = row.reason or f"{number(row.energy)} [{number(row.low)}, {number(row.high)}]"
        rows.append((formula(row.name), row.kind, _phi(row), number(row.mixing, 0), energy, row.doi or row.source))
    return Table(
        ("material", "class", "φ or its bounds (–)", "H_mix (kJ/mol)", "E_form [90 % interval] (eV/metal)", "source"),
        tuple(rows),
        f"Estimates: {data.forest.name}.",
    )


def _phi(row: Any) -> str:
    """φ of one material, or its bounds; a dash where neither is known."""
    if not np.isfinite(row.phi_low):
        return number(row.phi)
    return number(row.phi) if np.isfinite(row.phi) else f"{number(row.phi_low)} to {number(row.phi_high)}"


def _r(found: Correlation) -> str:
    if not found.is_known:
        return f"– (n = {found.n})"
    return f"{number(found.r)} [{number(found.low)}, {number(found.high)}], n = {found.n}"


__all__ = ["comparison", "material_correlations", "material_table", "materials_section", "middle_phi"]
