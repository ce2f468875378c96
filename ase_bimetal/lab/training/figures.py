"""Pictures of errors: parity by family, calibration of the intervals, learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from ase_bimetal.lab.training.calibrate import Holdout
from ase_bimetal.model.card import Uncertainty
from ase_bimetal.numbers import formula
from ase_bimetal.structures.motifs import family_group

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart by colour-blind readers; the markers differ as well.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#999999")
_MARKERS = "osD^v<>P"


def draw_parity(held: Holdout, families: Sequence[str], path: Path) -> None:
    """Draw predicted against labelled formation energies.

    There is one colour and marker per family of cores.

    Parameters
    ----------
    held
        Held-out rows, n of them.
    families
        Family of each row; places of a dopant within one core count as one.
    path
        Picture to write; the suffix names the format.
    """
    from matplotlib.figure import Figure

    groups = np.array([family_group(family) for family in families])
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.add_subplot()
    low, high = min(held.truth.min(), held.mean.min()) - 0.1, max(held.truth.max(), held.mean.max()) + 0.1
    axes.plot([low, high], [low, high], color="0.6", linewidth=0.8, zorder=0)
    for k, name in enumerate(sorted(set(groups))):
        rows = groups == name
        axes.plot(
            held.truth[rows],
            held.mean[rows],
            _MARKERS[k % 8],
            color=_COLOURS[k % 8],
            markersize=3.5,
            markerfacecolor="none" if k >= 8 else _COLOURS[k % 8],
            alpha=0.8,
            linestyle="none",
            label=f"{formula(name)}: {held.errors[rows].mean():.3f} ({rows.sum()})",
        )
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.set_xlabel("label (eV per metal atom; GFN1-xTB, dimer reference)")
    axes.set_ylabel("prediction (eV per metal atom)")
    axes.legend(title="family: mean absolute error (test rows)", fontsize=7, title_fontsize=7, frameon=False)
    figure.savefig(path, dpi=160)


def observed_coverage(held: Holdout, terms: Uncertainty, nominal: Sequence[float] | np.ndarray) -> np.ndarray:
    """Compute the share of errors inside intervals.

    The intervals have the given nominal coverages, taking errors as normally distributed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> held = Holdout(np.zeros(4000), rng.normal(scale=0.1, size=4000), np.zeros(4000))
    >>> observed_coverage(held, Uncertainty(floor=0.1, scale=1.0), [0.5, 0.9]).round(1).tolist()
    [0.5, 0.9]
    """
    deviation = terms.scale * np.hypot(terms.floor, held.spread)
    widths = [NormalDist().inv_cdf(0.5 + share / 2) for share in nominal]
    return np.array([(held.errors <= width * deviation).mean() for width in widths])


def draw_calibration(held: Holdout, terms: Uncertainty, path: Path) -> None:
    """Draw observed against nominal coverage.

    The model's intervals are tested on held-out rows of the training domain.

    Parameters
    ----------
    held
        Held-out rows that the calibration has not seen.
    terms
        Of the card.
    path
        Picture to write.
    """
    from matplotlib.figure import Figure

    nominal = np.linspace(0.05, 0.95, 19)
    figure = Figure(figsize=(4.4, 4.2), layout="constrained")
    axes: Axes = figure.add_subplot()
    noise = 1.96 * np.sqrt(nominal * (1 - nominal) / len(held.truth))
    axes.fill_between(
        nominal,
        nominal - noise,
        nominal + noise,
        color="0.9",
        label=f"95 % of the chance scatter of {len(held.truth)} rows",
    )
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
    axes.plot(nominal, observed_coverage(held, terms, nominal), "o-", color=_COLOURS[0], markersize=4, label="observed")
    axes.plot([0.9], observed_coverage(held, terms, [0.9]), "D", color=_COLOURS[1], label="90 %, as calibrated")
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_xlabel("nominal coverage of the interval")
    axes.set_ylabel("share of test rows inside")
    axes.legend(fontsize=7, frameon=False, loc="upper left")
    figure.savefig(path, dpi=160)


def draw_learning_curve(
    sizes: Sequence[int], curves: Mapping[str, np.ndarray], path: Path, levels: Mapping[str, float] | None = None
) -> None:
    """Draw the error against the number of rows.

    It is the mean absolute error of left-out rows; the number is that of training rows.

    Parameters
    ----------
    sizes
        Numbers of training rows, k of them.
    curves
        Name → errors (k, repeats) [eV/metal]; NaN where nothing could be trained.
    path
        Picture to write.
    levels
        Name → error that does not depend on the training rows [eV/metal].
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.8), layout="constrained")
    axes = figure.add_subplot()
    for k, (name, errors) in enumerate(curves.items()):
        known = ~np.isnan(errors).all(axis=1)
        x, rows = np.array(sizes)[known], errors[known]
        axes.plot(x, rows.mean(axis=1), f"{_MARKERS[k]}-", color=_COLOURS[k], markersize=5, label=name)
        axes.fill_between(x, rows.min(axis=1), rows.max(axis=1), color=_COLOURS[k], alpha=0.15, linewidth=0)
    for k, (name, value) in enumerate((levels or {}).items()):
        axes.axhline(value, color="0.35", linestyle=("--", ":")[k % 2], linewidth=1, label=name)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("anchors trained on")
    axes.set_ylabel("mean |error| of left-out anchors\n(eV per metal atom)")
    axes.legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=160)


__all__ = ["draw_calibration", "draw_learning_curve", "draw_parity", "observed_coverage"]
