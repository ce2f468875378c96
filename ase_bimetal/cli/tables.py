"""Tables of errors."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from ase_bimetal.model.checkpoint import EIGHT
from ase_bimetal.model.registry import FOREST
from ase_bimetal.numbers import number

if TYPE_CHECKING:
    import pandas as pd


def markdown_metrics(metrics: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Write errors of models on splits as a Markdown table.

    The columns are MAE, RMSE [eV/metal] and R²; single networks are given as mean ± spread over seeds.

    Of the regressors on eight features each split shows the best, by its test rows, so that the model is held against
    the strongest; the card has all.
    """
    lines = [
        "| split | model | MAE | RMSE | R² | MAE of one network | test rows |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for split, models in metrics.items():
        regressors = [name for name in models if name.endswith(EIGHT)]
        best = min(regressors, key=lambda name: models[name]["MAE"], default=None)
        for name, row in models.items():
            if name in regressors and name != best:
                continue
            values = " | ".join(number(row[key], 3) for key in ("MAE", "RMSE", "R2"))
            seeds = row.get("MAE by seed")
            alone = f"{mean(seeds):.3f} ± {stdev(seeds):.3f}" if seeds else "–"
            lines.append(f"| {split} | {name} | {values} | {alone} | {row['n']} |")
    return "\n".join(lines)


def markdown_intervals(intervals: Mapping[str, Mapping[str, float]]) -> str:
    """Write the coverage of intervals as a Markdown table.

    For each split it gives coverage and mean half-width [eV/metal] of nominal 90 % intervals.
    """
    lines = ["| split | inside | half-width |", "| --- | --- | --- |"]
    for split, row in intervals.items():
        cells = (f"{100 * row['coverage']:.1f} %", f"± {row['half_width']:.3f}") if row else ("too few folds", "–")
        lines.append(f"| {split} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def markdown_within(table: pd.DataFrame) -> str:
    """Write how configurations of one cluster are told apart as a Markdown table.

    Parameters
    ----------
    table
        From `ase_bimetal.lab.training.recompute.within_clusters`.
    """
    lines = [
        "| configurations of one cluster | rank correlation | spread of labels | MAE | test rows |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind, row in table.iterrows():
        cells = (number(row["rank correlation"]), number(row["spread"], 3), number(row["MAE"], 3), f"{row['rows']:.0f}")
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return "\n".join(lines)


def markdown_pbe(errors: Mapping[str, Mapping[str, float]]) -> str:
    """Write errors against PBE labels as a Markdown table.

    There is one row for each kind of label that was left out.

    Parameters
    ----------
    errors
        As in a card's ``level_difference``: MAE, RMSE and ``half_width`` [eV/metal], ``coverage`` [-] and ``n``.
    """
    lines = [
        "| PBE energies not seen | MAE | RMSE | 90 % intervals hold | their mean half-width | clusters |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for group, row in errors.items():
        cells = (
            f"every cluster of the {group}",
            f"{row['MAE']:.3f}",
            f"{row['RMSE']:.3f}",
            f"{100 * row['coverage']:.0f} %",
            f"± {row['half_width']:.3f}",
            str(row["n"]),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def markdown_forest(card: Mapping[str, Any]) -> str:
    """Write the forest's errors on its labels as a Markdown table.

    It says what was left out, per kind of surroundings.

    Parameters
    ----------
    card
        The forest's card as JSON.
    """
    lines = [
        f"Forest {card['digest']}, {card['rows']['all']} rows of {card['rows']['minima']} prototypes.\n",
        "| left out | surroundings | rows | MAE (eV/metal) | widening (eV/metal) | coverage of the 90 % interval |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for novelty, found in card["calibration"].items():
        wider, coverage = found["widening"], found["coverage"]
        for kind, errors in found["errors"].items():
            inside = coverage["widened"] if kind == "all" else coverage["widened, by surroundings"][kind]
            lines.append(
                f"| {novelty} | {kind} | {errors['n']} | {errors['MAE']:.2f} | "
                f"{wider.get(kind, wider['all']):.2f} | {100 * inside:.0f} % |"
            )
    return "\n".join(lines)


def markdown_forest_pbe(card: Mapping[str, Any]) -> str:
    """Write the forest's errors against density-functional energies as a Markdown table.

    Parameters
    ----------
    card
        The forest's card as JSON.
    """
    lines = [
        "| left out | surroundings | PBE energies | MAE (eV/metal) | 90 % intervals hold | their mean half-width |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for novelty, found in card["against_pbe"].items():
        lines += [
            f"| {novelty} | {kind} | {row['n']} | {row['MAE']:.2f} | {100 * row['coverage']:.0f} % | "
            f"± {row['half_width']:.2f} |"
            for kind, row in found.items()
        ]
    return "\n".join(lines)


def forest_errors(card: Mapping[str, Any]) -> str:
    """Write both tables of the forest's errors below its name.

    Parameters
    ----------
    card
        The forest's card as JSON.
    """
    name = f"{FOREST}@{card['digest']}"
    return (
        f"{name} against energies computed with PBE\n\n{markdown_forest_pbe(card)}\n\n"
        f"{name} against its labels\n\n{markdown_forest(card)}"
    )
