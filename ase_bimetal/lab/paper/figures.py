"""The figures of the page. Colours: Okabe–Ito, each with its own marker, so that they stay apart for every eye."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Literal, ParamSpec

import numpy as np
import pandas as pd

from ase_bimetal.descriptors import ACCESSIBLE_ABOVE
from ase_bimetal.lab.paper.statistics import DoubleWeibull, Parabola
from ase_bimetal.numbers import formula
from ase_bimetal.plots import PAPER_STYLE, accessibility_scale, dopant_rose, mixing_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENERGY = r"$E_\mathrm{form}$ (eV per metal atom)"
CHI_ENV = r"$\chi_\mathrm{env}$ (Pauling)"
_STYLES = (
    ("#0072B2", "o"),
    ("#E69F00", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#56B4E9", "v"),
    ("#D55E00", "P"),
    ("#000000", "X"),
    ("#999999", "*"),
)
_WIDTH, _HEIGHT = 7.2, 3.6
P = ParamSpec("P")


def new_figure(width: float = _WIDTH, height: float = _HEIGHT) -> Figure:
    """Make a figure outside pyplot's global list."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw with the style of the package's other figures."""

    @wraps(draw)
    def inner(*args: P.args, **kwargs: P.kwargs) -> Figure:
        from matplotlib import rc_context

        with rc_context(dict(PAPER_STYLE) | {"axes.linewidth": 0.8}):
            return draw(*args, **kwargs)

    return inner


def kinds_of(values: Sequence[str] | np.ndarray) -> dict[str, tuple[str, str]]:
    """Choose colour and marker of each kind.

    The most frequent kind comes first. With more kinds than colours, a colour comes again with another marker.
    """
    order = pd.Series(list(values), dtype=str).value_counts(sort=True).index
    n = len(_STYLES)
    return {name: (_STYLES[i % n][0], _STYLES[(i + i // n) % n][1]) for i, name in enumerate(order)}


@styled
def distribution_figure(
    energies: np.ndarray,
    families: np.ndarray,
    fit: DoubleWeibull,
    published_range: tuple[float, float],
    published_bulk: tuple[float, float],
) -> Figure:
    """Draw the histogram of labels by family.

    The fitted density, the published range and bulk are marked.

    Parameters
    ----------
    energies, families
        (n,) E_form [eV/metal] and kind of core.
    fit
        Fitted distribution.
    published_range, published_bulk
        Range of the published labels and the interval of most of them [eV/metal].
    """
    figure = new_figure()
    axes = figure.subplots()
    width = 0.1
    edges = np.arange(np.floor(energies.min() / width), np.ceil(energies.max() / width) + 1) * width
    kinds = kinds_of(families)
    axes.hist(
        [energies[families == name] for name in kinds],
        bins=edges.tolist(),
        stacked=True,
        label=list(kinds),
        color=[colour for colour, _ in kinds.values()],
        hatch=["" if i < len(_STYLES) else "///" for i in range(len(kinds))],
    )
    # The density of a two-humped fit falls to zero at its centre, steeply: points lie densely there.
    near = np.geomspace(1e-4, 1.0, 60)
    x = np.sort(np.concatenate([np.linspace(edges[0], edges[-1], 400), fit.location - near, fit.location + near]))
    axes.plot(x, fit.density(x) * len(energies) * width, color="black", linewidth=1.4, label="double Weibull")
    axes.axvspan(*published_bulk, color="0.92", zorder=0, label="published: most labels")
    for edge in published_range:
        axes.axvline(
            edge,
            color="0.3",
            linestyle=":",
            linewidth=1,
            label="published: range" if edge == published_range[0] else None,
        )
    axes.set(xlabel=ENERGY, ylabel=f"labels per {width:g} eV")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=6.5 if len(kinds) > 8 else 7)
    return figure


@styled
def parity_figure(truth: np.ndarray, predicted: np.ndarray, kinds: np.ndarray, label: str, prediction: str) -> Figure:
    """Draw predictions against labels.

    There is one colour and marker per kind.

    Parameters
    ----------
    truth, predicted
        (n,) energies [eV/metal].
    kinds
        (n,) what the colours tell apart.
    label, prediction
        Names of the two axes.
    """
    figure = new_figure(4.8, 4.6)
    axes = figure.subplots()
    low, high = min(truth.min(), predicted.min()) - 0.2, max(truth.max(), predicted.max()) + 0.2
    axes.plot([low, high], [low, high], color="black", linewidth=0.8, zorder=1)
    for name, (colour, marker) in kinds_of(kinds).items():
        rows = kinds == name
        mae = np.abs(truth[rows] - predicted[rows]).mean()
        axes.plot(
            truth[rows],
            predicted[rows],
            marker,
            color=colour,
            markersize=4,
            alpha=0.7,
            markeredgewidth=0,
            label=f"{formula(name)}: MAE {mae:.2f}, n = {rows.sum()}",
        )
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal", xlabel=label, ylabel=prediction)
    axes.legend(frameon=False, loc="upper left", fontsize=6.5)
    return figure


@styled
def volcano_figure(rows: pd.DataFrame, curves: Mapping[str, Parabola]) -> Figure:
    """Draw ΔQ_CT against χ_env with parabolas.

    They are fitted by least squares.

    Parameters
    ----------
    rows
        With ``surroundings``, ``chi_env`` [Pauling] and ``delta_q`` [e].
    curves
        Kind of surroundings, or ``"all"``, → its parabola.
    """
    figure = new_figure(5.8, 3.4)
    axes = figure.subplots()
    for name, (colour, marker) in kinds_of(rows.surroundings).items():
        part = rows[rows.surroundings == name]
        axes.plot(
            part.chi_env,
            part.delta_q,
            marker,
            color=colour,
            markersize=4.5,
            alpha=0.75,
            markeredgewidth=0,
            label=f"{name} ({len(part)})",
        )
    for (kind, curve), line in zip(curves.items(), ("-", "--", ":"), strict=False):
        part = rows if kind == "all" else rows[rows.surroundings == kind]
        x = np.linspace(part.chi_env.min(), part.chi_env.max(), 200)
        axes.plot(x, np.polyval(curve.coefficients, x), line, color="black", linewidth=1.3, label=f"parabola, {kind}")
    axes.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)
    axes.set(xlabel=CHI_ENV, ylabel=r"$\Delta Q_\mathrm{CT}$ (e), dopant minus host")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


@styled
def descriptor_figure(rows: pd.DataFrame, materials: pd.DataFrame) -> Figure:
    """Draw E_form against D̃, χ_env and φ.

    Labels are filled, estimates for materials from the literature open.

    Parameters
    ----------
    rows
        Labels: ``surroundings``, ``energy`` [eV/metal], ``reduced`` [-], ``chi_env`` [Pauling], ``phi`` [-].
    materials
        The same columns; missing values are left out.
    """
    figure = new_figure(_WIDTH, 3.5)
    panels = figure.subplots(1, 3, sharey=True)
    kinds = kinds_of([*rows.surroundings, *materials.surroundings])
    for axes, (column, words) in zip(
        panels,
        (("reduced", "reduced distance D̃ (–)"), ("chi_env", CHI_ENV), ("phi", "accessibility index φ (–)")),
        strict=True,
    ):
        for name, (colour, marker) in kinds.items():
            _scatter(axes, rows, materials, name, column, colour, marker)
        axes.set_xlabel(words)
    panels[2].axvline(ACCESSIBLE_ABOVE, color="0.4", linestyle="--", linewidth=0.9)
    panels[0].set_ylabel(ENERGY)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)
    return figure


def _scatter(
    axes: Axes, rows: pd.DataFrame, materials: pd.DataFrame, name: str, column: str, colour: str, marker: str
) -> None:
    ours, theirs = rows[rows.surroundings == name], materials[materials.surroundings == name]
    axes.plot(ours[column], ours.energy, marker, color=colour, markersize=4, alpha=0.75, markeredgewidth=0, label=name)
    axes.plot(
        theirs[column], theirs.energy, marker, color=colour, markersize=5, markerfacecolor="none", markeredgewidth=0.9
    )


@styled
def roses_figure(roses: Mapping[str, pd.DataFrame], colour: Literal["mixing", "phi"] = "mixing") -> Figure:
    """Draw one rose per title.

    Bars of length −E_form by partner are coloured by H_mix or φ on one scale.

    Parameters
    ----------
    roses
        Title → ``partner``, ``energy`` and ``half`` (half of the spread) [eV/metal], ``mixing`` [kJ/mol], ``phi`` [-].
    colour
        The column that colours the bars.
    """
    values = np.concatenate([rows[colour].to_numpy(float) for rows in roses.values()])
    scale = mixing_scale(values) if colour == "mixing" else accessibility_scale(values)
    lines = -(-len(roses) // 2)
    figure = new_figure(_WIDTH if len(roses) > 1 else 4.0, 3.3 * lines)
    panels = np.atleast_1d(
        figure.subplots(lines, min(2, len(roses)), subplot_kw={"projection": "polar"}, squeeze=False)
    ).ravel()
    for axes, (title, rows) in zip(panels, roses.items(), strict=False):
        dopant_rose(
            axes,
            list(rows.partner),
            rows.energy.to_numpy(float),
            rows.half.to_numpy(float),
            rows[colour].to_numpy(float),
            title,
            scale,
            colour,
        )
    for axes in panels[len(roses) :]:
        axes.set_axis_off()
    return figure


@styled
def materials_figure(materials: pd.DataFrame) -> Figure:
    """Draw φ of materials from the literature.

    Known values are points, bounds are lines, by class.

    Parameters
    ----------
    materials
        With ``name``, ``class``, ``phi``, ``phi_low``, ``phi_high`` [-]; rows without bounds are left out.
    """
    known = materials[materials.phi_low.notna()].sort_values(["class", "phi_low"])
    kinds = kinds_of(known["class"])
    figure = new_figure(_WIDTH, 0.9 + 0.155 * len(known))
    axes = figure.subplots()
    for height, row in enumerate(known.to_dict("records")):
        colour, marker = kinds[row["class"]]
        axes.plot([row["phi_low"], row["phi_high"]], [height, height], color=colour, linewidth=2.2, alpha=0.55)
        if np.isfinite(row["phi"]):
            axes.plot(row["phi"], height, marker, color=colour, markersize=4)
    for name, (colour, marker) in kinds.items():
        axes.plot([], [], marker, color=colour, linestyle="-", label=name, markersize=4)
    axes.axvline(ACCESSIBLE_ABOVE, color="0.3", linestyle="--", linewidth=0.9, label="φ = −0.3")
    axes.set_yticks(range(len(known)), known.name.map(formula), fontsize=7)
    axes.set_ylim(-1, len(known))
    axes.set_xlabel("accessibility index φ (–)")
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


@styled
def attention_figure(summary: pd.DataFrame, drawn: tuple[object, np.ndarray, str] | None) -> Figure:
    """Draw mean attention by kind of atom.

    A cluster coloured by its attention stands beside it.

    Parameters
    ----------
    summary
        Of `ase_bimetal.lab.gcnn.attention.attention_by_kind`.
    drawn
        A cluster, its attention (atoms,) and a title; None leaves the cluster out.
    """
    from ase_bimetal.lab.gcnn.attention import attention_bars, draw_attention

    if drawn is None:
        figure = new_figure(3.4, 3.2)
        attention_bars(figure.subplots(), summary)
        return figure
    figure = new_figure(_WIDTH, 3.6)
    bars, cluster = figure.subplots(1, 2, width_ratios=(1.0, 1.7))
    attention_bars(bars, summary)
    draw_attention(*drawn[:2], cluster, drawn[2])
    return figure


@styled
def ligand_charge_figure(ligands: pd.DataFrame) -> Figure:
    """Draw ligand attention against electrons taken.

    Attention is given as mean and as sum over the ligand's heavy atoms.

    Parameters
    ----------
    ligands
        Of `ase_bimetal.lab.gcnn.attention.ligand_table`.
    """
    from ase_bimetal.lab.gcnn.attention import attention_against_charge

    figure = new_figure(_WIDTH, 3.0)
    for axes, how in zip(figure.subplots(1, 2), ("mean", "sum"), strict=True):
        attention_against_charge(axes, ligands, how)
    return figure


__all__ = [
    "attention_figure",
    "descriptor_figure",
    "distribution_figure",
    "ligand_charge_figure",
    "materials_figure",
    "parity_figure",
    "roses_figure",
    "volcano_figure",
]
