"""Bimetallic materials known from experiment: read the shipped table, describe each, estimate its formation energy.

An article rarely prints all eight features. What it does not print is not made up: φ stays empty, or is bounded by
the distances that two metals of one site can have, and the estimate of E_form goes over what the training rows of the
same surroundings hold for the missing features.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ase_bimetal import elements
from ase_bimetal.descriptors import ACCESSIBLE_ABOVE, reduced
from ase_bimetal.errors import UnknownElementError
from ase_bimetal.files import DATASETS
from ase_bimetal.ligands import parse_ligands, total_formula
from ase_bimetal.model.forest import DescriptorForest, Estimate
from ase_bimetal.model.table import FEATURES, DescriptorTable
from ase_bimetal.numbers import number

SHIPPED_MATERIALS = DATASETS / "external_materials.csv"
#: Distances [Å] that two metals of one site may have: from a short bond between 3d metals to a zeolite's two sites.
DISTANCES = (2.2, 6.0)
CHI_ENV, _, N_METAL, RATIO, _, _, DISTANCE, _ = FEATURES
BARE = ("bare particle", "bare solid")
#: Training rows that stand for the features an article does not give.
DRAWS = 25
_SEPARATOR = ";"


@dataclass(frozen=True)
class MaterialEstimate:
    """Formation energy of one material by the descriptor forest.

    Attributes
    ----------
    energy, low, high
        E_form and the ends of its interval [eV/metal]; NaN without an estimate.
    novelty
        What the forest has not seen, see `ase_bimetal.model.forest.Estimate`; ``""`` without an estimate.
    unknown
        Features that went over the training rows.
    reason
        Why there is no estimate; ``""`` when there is one.
    """

    energy: float
    low: float
    high: float
    novelty: str
    unknown: tuple[str, ...]
    reason: str


def read_materials(path: Path = SHIPPED_MATERIALS) -> pd.DataFrame:
    """Read the table of materials as it ships.

    There is one row per material, empty cells as NaN or ``""``.

    Examples
    --------
    >>> {"name", "metal_1", "metal_2", "doi"} <= set(read_materials().columns)
    True
    """
    text = [
        "name",
        "metal_1",
        "metal_2",
        "class",
        "surroundings",
        "support",
        "donors",
        "ligands",
        "doi",
        "source",
        "verified",
    ]
    return pd.read_csv(path, dtype=dict.fromkeys(text, str)).fillna(dict.fromkeys(text, ""))


def read_ligands(cell: str) -> dict[str, int]:
    """Read the ligands of a table cell ``"PPh3:8;Cl:2"``.

    They are given as name or SMILES → count.

    Examples
    --------
    >>> read_ligands("PPh3:8;Cl:2")
    {'PPh3': 8, 'Cl': 2}
    """
    pairs = (part.rpartition(":") for part in cell.split(_SEPARATOR) if part)
    return {text: int(count) for text, _, count in pairs}


def describe_materials(frame: pd.DataFrame) -> pd.DataFrame:
    """Compute the eight features, D̃ and φ.

    D̃ and φ are given where they are known or bounded.

    Parameters
    ----------
    frame
        Of `read_materials`.

    Returns
    -------
    pandas.DataFrame
        One row per material: the columns of `ase_bimetal.model.table.FEATURES`, ``host``, ``dopant``,
        ``surroundings``, ``phi``, its bounds ``phi_low`` and ``phi_high`` over `DISTANCES` [-], and ``accessible``
        (φ > −0.3; None where no distance is known and the bounds disagree). NaN is what the article does not give; of
        bare metal, which has no surroundings, χ_env and φ do not exist.
    """
    return pd.DataFrame([_description(row) for row in frame.to_dict("records")], index=frame.index)


def estimate_materials(
    described: pd.DataFrame, charges: pd.Series, forest: DescriptorForest, table: DescriptorTable
) -> list[MaterialEstimate]:
    """Estimate E_form of every material.

    Parameters
    ----------
    described
        Of `describe_materials`.
    charges
        Charge of each ligand-protected cluster [e], NaN where it is not stated; eq. (1) has no charge term.
    forest, table
        The forest, and the rows it was grown from, which stand in for features that are not known.
    """
    rows = described.to_dict("records")
    reasons = [_why_not(row, charge) for row, charge in zip(rows, charges, strict=True)]
    unknown = [_unknown(row) for row in rows]
    asked = {i: _completed(row, unknown[i], table) for i, row in enumerate(rows) if not reasons[i]}
    # One call for all materials: a forest has a high price for each.
    found = iter(forest.estimate_rows(pd.concat(asked.values(), ignore_index=True))) if asked else iter(())
    answers = {i: [next(found) for _ in range(len(completed))] for i, completed in asked.items()}
    return [
        MaterialEstimate(*_together(answers[i]), answers[i][0].novelty, unknown[i], "")
        if i in answers
        else MaterialEstimate(np.nan, np.nan, np.nan, "", unknown[i], reasons[i])
        for i in range(len(rows))
    ]


def assess_materials(forest: DescriptorForest, table: DescriptorTable, path: Path = SHIPPED_MATERIALS) -> pd.DataFrame:
    """Tabulate the shipped materials with their estimates.

    The features and φ stand beside them.
    """
    frame = read_materials(path)
    described = describe_materials(frame)
    estimates = pd.DataFrame(
        [vars(found) for found in estimate_materials(described, frame.charge, forest, table)], index=frame.index
    )
    return pd.concat([frame.drop(columns="surroundings"), described, estimates], axis=1)


def _description(row: dict[str, Any]) -> dict[str, object]:
    a, b, ratio = row["metal_1"], row["metal_2"], row["ratio"]
    environment = _environment(row)
    values = (
        environment,
        abs(elements.electronegativity(a) - elements.electronegativity(b)),
        row["n_metal"],
        ratio,
        abs(elements.atomic_mass(a) - elements.atomic_mass(b)),
        elements.mixing_enthalpy(a, b),
        row["metal_distance_A"],
        _radius_difference(a, b),
    )
    found = dict(zip(FEATURES, values, strict=True))
    low, high = sorted(_phi(distance, values[-1], environment) for distance in DISTANCES)
    phi = _phi(row["metal_distance_A"], values[-1], environment)
    if values[-1] == 0.0:
        phi = environment  # equal radii: D̃ is 1 at any distance
    return found | {
        "host": a,
        "dopant": b,
        "surroundings": row["surroundings"],
        "phi": phi,
        "phi_low": low,
        "phi_high": high,
        "accessible": _accessible(phi, low, high),
    }


def _environment(row: dict[str, Any]) -> float:
    """χ_env [Pauling]; NaN when there are no surroundings or they are not stated."""
    counts = (
        Counter(total_formula(parse_ligands(read_ligands(row["ligands"]))))
        if row["ligands"]
        else Counter(part for part in row["donors"].split(_SEPARATOR) if part)
    )
    if not counts:
        return np.nan
    surroundings = sum(elements.electronegativity(s) * n for s, n in counts.items()) / counts.total()
    # Where the composition is not stated, the two elements weigh the same.
    share = 0.5 if np.isnan(row["ratio"]) else row["ratio"]
    metals = (1 - share) * elements.electronegativity(row["metal_1"]) + share * elements.electronegativity(
        row["metal_2"]
    )
    return metals - surroundings


def _radius_difference(a: str, b: str) -> float:
    try:
        return abs(elements.metallic_radius(a) - elements.metallic_radius(b)) / 100
    except UnknownElementError:
        return np.nan


def _phi(distance: float, radius_difference: float, environment: float) -> float:
    return reduced(distance, radius_difference) * environment


def _accessible(phi: float, low: float, high: float) -> bool | None:
    ends = [phi] if np.isfinite(phi) else [low, high]
    answers = {value > ACCESSIBLE_ABOVE for value in ends if np.isfinite(value)}
    return answers.pop() if len(answers) == 1 else None


def _unknown(row: dict[str, Any]) -> tuple[str, ...]:
    """Features that are not known; the χ_env of bare metal does not exist and is not missing."""
    bare = row["surroundings"] in BARE
    return tuple(name for name in FEATURES if np.isnan(row[name]) and not (bare and name == CHI_ENV))


def _completed(row: dict[str, Any], unknown: tuple[str, ...], table: DescriptorTable) -> pd.DataFrame:
    """The row itself, or `DRAWS` copies of it with what is not known taken from training rows."""
    if not unknown:
        return pd.DataFrame([row])
    rows, columns = pd.DataFrame([row] * DRAWS), list(unknown)
    rows[columns] = _stand_in(table, row["surroundings"], row["surroundings"] in BARE)[columns].to_numpy()
    return rows


def _why_not(row: dict[str, Any], charge: float) -> str:
    if row["surroundings"] == "ligands" and charge != 0:
        if np.isnan(charge):
            return "charge not stated"
        return f"charge {number(charge, 0, '+')}: eq. (1) has no charge term"
    if np.isnan(row[FEATURES[-1]]):
        return "no metallic radius for one of the metals"
    return ""


def _stand_in(table: DescriptorTable, surroundings: str, bare: bool) -> pd.DataFrame:
    """`DRAWS` training rows of these surroundings, spread over their distances; of all hosts if there are none."""
    rows = table.rows[table.rows.surroundings == surroundings]
    if rows.empty:
        rows = table.rows[table.rows.surroundings.isin(BARE) == bare]
    rows = (table.rows if rows.empty else rows).sort_values([DISTANCE, "id"])
    return rows.iloc[np.linspace(0, len(rows) - 1, DRAWS).round().astype(int)]


def _together(found: list[Estimate]) -> tuple[float, float, float]:
    """Mean energy and an interval that holds the intervals of nine draws in ten at either end [eV/metal]."""
    ends = np.array([estimate.formation_energy_interval for estimate in found])
    energy = float(np.mean([estimate.formation_energy_per_metal for estimate in found]))
    return energy, float(np.quantile(ends[:, 0], 0.1)), float(np.quantile(ends[:, 1], 0.9))


__all__ = [
    "DISTANCES",
    "MaterialEstimate",
    "assess_materials",
    "describe_materials",
    "estimate_materials",
    "read_ligands",
    "read_materials",
]
