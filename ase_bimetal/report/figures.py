"""Figures of a screening for papers: PNG and SVG, one journal column wide."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from ase_bimetal import plots
from ase_bimetal.numbers import formula
from ase_bimetal.report.charts import best_per_dopant
from ase_bimetal.report.results import FRONT, NAME, Results, read_results
from ase_bimetal.report.words import level_words
from ase_bimetal.screening import columns as c

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.projections.polar import PolarAxes

#: Candidates in the ranking figure.
RANKED = 15
_DPI = 600


def write_figures(folder: str | Path, target: str | Path) -> list[Path]:
    """Draw the figures of a screening.

    Parameters
    ----------
    folder
        Results folder of a screening.
    target
        Folder for ``map``, ``distribution``, ``ranking`` and one ``rose-HOST`` for each host, as ``.png`` (600 dpi) and
        ``.svg``; made if missing.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    ScreenError
        The folder holds no screening.
    """
    from matplotlib import rc_context

    results, target = read_results(folder), Path(target)
    target.mkdir(parents=True, exist_ok=True)
    hosts = results.predicted[c.HOST].unique()
    makers: dict[str, Callable[[], Figure]] = {
        "map": lambda: _map(results),
        "distribution": lambda: _distribution(results),
        "ranking": lambda: _ranking(results),
        **{f"rose-{host}": partial(_rose, results, host) for host in hosts},
    }
    written = []
    with rc_context(dict(plots.PAPER_STYLE)):
        for name, make in makers.items() if len(results.predicted) else ():
            figure = make()
            for ending in (".png", ".svg"):
                figure.savefig(target / (name + ending), dpi=_DPI, metadata=_metadata(results, ending))
                written.append(target / (name + ending))
    return written


def _metadata(results: Results, ending: str) -> dict[str, str | None]:
    """What a figure shows, inside its file; no date, so that equal data give equal files."""
    words = f"Formation energies: {level_words(results.info)}"
    return {"Description": words, "Date": None} if ending == ".svg" else {"Description": words}


def _figure(height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(plots.COLUMN_WIDTH, height), layout="constrained")


def _map(results: Results) -> Figure:
    rows = results.predicted[results.predicted[c.PHI].notna()]
    figure = _figure(2.8)
    plots.formation_map(
        figure.subplots(),
        rows[c.PHI].to_numpy(float),
        rows[c.FORMATION_ENERGY].to_numpy(float),
        rows[c.FORMATION_ENERGY_STD].to_numpy(float),
        rows[c.MIXING_ENTHALPY].to_numpy(float),
        results.favourable,
        rows[FRONT].to_numpy(bool),
    )
    return figure


def _distribution(results: Results) -> Figure:
    figure = _figure(2.2)
    rows = results.predicted
    plots.energy_distribution(figure.subplots(), rows[c.FORMATION_ENERGY].to_numpy(float), _accessible(results))
    return figure


def _ranking(results: Results) -> Figure:
    rows = results.predicted.head(RANKED)
    figure = _figure(0.8 + 0.27 * len(rows))
    labels = [f"{formula(name)}, {motif}" for name, motif in zip(rows[NAME], rows[c.MOTIF], strict=True)]
    energy, low, high = (
        rows[name].to_numpy(float) for name in (c.FORMATION_ENERGY, c.FORMATION_ENERGY_LOW, c.FORMATION_ENERGY_HIGH)
    )
    plots.energy_ranking(figure.subplots(), labels, energy, low, high, _accessible(results)[: len(rows)])
    return figure


def _rose(results: Results, host: str) -> Figure:
    rows = best_per_dopant(results, host)
    figure = _figure(3.0)
    scale = plots.mixing_scale(results.predicted[c.MIXING_ENTHALPY].to_numpy(float))
    half = (rows[c.FORMATION_ENERGY_HIGH] - rows[c.FORMATION_ENERGY_LOW]).to_numpy(float) / 2
    plots.dopant_rose(
        cast("PolarAxes", figure.subplots(subplot_kw={"projection": "polar"})),
        list(rows[c.DOPANTS]),
        rows[c.FORMATION_ENERGY].to_numpy(float),
        half,
        rows[c.MIXING_ENTHALPY].to_numpy(float),
        f"host {host}",
        scale,
    )
    return figure


def _accessible(results: Results) -> np.ndarray:
    mask: np.ndarray = results.predicted[c.ACCESSIBLE].eq(True).fillna(False).to_numpy(bool)
    return mask
