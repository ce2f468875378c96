"""Trends that density-functional studies agree on, as a model predicts them on relaxed clusters of the labels.

Where a cluster has a PBE energy, it stands beside the prediction: then the level difference knows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ase_bimetal.lab.labels.pbe import load_pbe
from ase_bimetal.model.interface import FormationModel, require_predictions
from ase_bimetal.numbers import number
from ase_bimetal.system import as_system

#: What is followed → what is known of it, and the prototypes in order.
TRENDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "size of pure gold thiolates": (
        "hardly changes, and not towards stronger binding",
        ("Au4M2-Au-SH", "M13-bridged-Au-SH", "M19-bridged-Au-SH", "M@Au24-centre-Au-SH", "M28-bridged-Au-SH",
         "M36-bridged-Au-SH", "M38-bridged-Au-SH", "M44-bridged-Au-SH", "M55-bridged-Au-SH"),
    ),
    "silver in gold thiolates of six metals": (
        "costs energy", ("Au4M2-Au-SH", "Au4M2-Ag-SH"),
    ),
    "silver in gold thiolates of 13 and 19 metals": (
        "costs energy, in proportion to its share",
        ("M13-bridged-Au-SH", "M13-bridged-Ag-in-Au-random-50-SH", "M13-bridged-Ag-in-Ag-SH",
         "M19-bridged-Au-SH", "M19-bridged-Ag-in-Au-random-50-SH", "M19-bridged-Ag-in-Ag-SH"),
    ),
    "silver in gold thiolates of 25 metals": (
        "costs energy, in proportion to its share",
        ("M@Au24-centre-Au-SH", *(f"M@Au24-centre-Ag-in-Au-random-{percent}-SH" for percent in (10, 30, 70)),
         "M@Au24-centre-Ag-in-Ag-SH", "M@Au24-centre-Au-SMe", "M@Au24-centre-Ag-in-Au-random-10-SMe",
         "M@Au24-centre-Ag-in-Au-random-30-SMe"),
    ),
    "silver alone under thiolates on 28 and 38 metals": (
        "costs energy",
        ("M28-bridged-Au-SH", "M28-bridged-Ag-in-Ag-SH", "M38-bridged-Au-SH", "M38-bridged-Ag-in-Ag-SH"),
    ),
    **{
        f"place of {metal} in M@Au24": (known, tuple(f"M@Au24-{place}-{metal}-SH" for place in places))
        for metal, known, places in (
            ("Pd", "centre first", ("centre", "surface", "staple")),
            ("Cd", "surface first", ("centre", "surface", "staple")),
            ("Hg", "surface first", ("centre", "surface", "staple")),
        )
    },
}  # fmt: skip


@dataclass(frozen=True)
class TrendRow:
    """One cluster of a trend.

    Attributes
    ----------
    trend
        Key of `TRENDS`.
    prototype
        Its name in the labels.
    n_metals
        Number of metal atoms.
    predicted, deviation
        Formation energy and its standard deviation, dimer reference [eV/metal].
    pbe
        The PBE energy of the same geometry [eV/metal], where there is one.
    """

    trend: str
    prototype: str
    n_metals: int
    predicted: float
    deviation: float
    pbe: float | None


def trends(model: FormationModel, frame: pd.DataFrame) -> list[TrendRow]:
    """Predict the clusters of every trend.

    Parameters
    ----------
    model
        A model that covers ligand-protected clusters.
    frame
        Rows of `ase_bimetal.lab.labels.dataset.load_labels`; clusters that it lacks are left out.
    """
    parents = frame[frame["index"] == 0].set_index("prototype")
    pbe = {label.record: label.pbe for label in load_pbe()}
    asked = [(trend, name) for trend, (_, names) in TRENDS.items() for name in names if name in parents.index]
    found = model.predict([as_system(parents.atoms[name]) for _, name in asked])
    return [
        TrendRow(
            trend,
            name,
            int(parents.n_metals[name]),
            prediction.formation_energy_per_metal,
            prediction.formation_energy_std,
            pbe.get(f"{name}/0"),
        )
        for (trend, name), prediction in zip(asked, require_predictions(found), strict=True)
    ]


def markdown_trends(rows: Sequence[TrendRow]) -> str:
    """Write trends as a Markdown table."""
    lines = ["| trend | cluster | metals | predicted | PBE |", "| --- | --- | --- | --- | --- |"]
    named = ""
    for row in rows:
        known = TRENDS[row.trend][0]
        trend = "" if row.trend == named else f"{row.trend}: {known}"
        named = row.trend
        energy = f"{number(row.predicted, 3)} ± {number(row.deviation, 3)}"
        lines.append(f"| {trend} | {row.prototype} | {row.n_metals} | {energy} | {number(row.pbe, 3)} |")
    return "\n".join(lines)
