"""Charts of a report for the browser: E_form–φ map, roses, structures to turn; each a plotly figure as JSON."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_names, atomic_numbers, covalent_radii

from ase_bimetal.numbers import formula, number
from ase_bimetal.palette import element_colour
from ase_bimetal.plots import ACCESSIBLE_COLOUR, MIXING_COLOURS, drawn_bonds, mixing_reach
from ase_bimetal.report.results import FRONT, NAME, Results
from ase_bimetal.report.words import plain
from ase_bimetal.screening import columns as c
from ase_bimetal.system import BimetallicSystem

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from plotly.graph_objects import Figure

#: More points than this are thinned out, evenly over the ranking, so that the browser stays quick.
MAP_POINTS = 3000
#: A rose with more bars than this cannot be read; the best are kept.
ROSE_BARS = 24
_FONT = {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", "size": 13}
_FORM, _MIX = "E<sub>form</sub>", "H<sub>mix</sub>"
_ENERGY = f"{_FORM} (eV per metal atom)"


def map_rows(results: Results) -> pd.DataFrame:
    """Choose the rows of the map.

    All with φ, or every k-th of the ranking with the whole Pareto front.
    """
    rows = results.predicted[results.predicted[c.PHI].notna()]
    step = -(-len(rows) // MAP_POINTS)
    if step < 2:
        return rows
    return rows[rows[FRONT].to_numpy() | (np.arange(len(rows)) % step == 0)]


def map_chart(results: Results) -> str:
    """Draw E_form against φ, coloured by H_mix.

    The favourable region and the Pareto front are marked.
    """
    import plotly.graph_objects as go

    rows = map_rows(results)
    figure = go.Figure()
    figure.add_scatter(
        x=rows[c.PHI].round(4),
        y=rows[c.FORMATION_ENERGY].round(4),
        mode="markers",
        name="candidate",
        error_y={
            "type": "data",
            "array": rows[c.FORMATION_ENERGY_STD].round(4),
            "color": "#b5bdc7",
            "thickness": 1,
            "width": 0,
        },
        marker={"size": 9, "line": {"color": "#444", "width": 0.6}, **_mixing_colours(rows, results)},
        customdata=_escaped(rows)[[c.ID, NAME, c.FORMATION_ENERGY_STD, c.MIXING_ENTHALPY, c.MOTIF]],
        hovertemplate=_hover(),
    )
    front = rows[rows[FRONT]].sort_values(c.PHI)
    figure.add_scatter(
        x=front[c.PHI].round(4),
        y=front[c.FORMATION_ENERGY].round(4),
        mode="lines+markers",
        name="Pareto front",
        line={"color": "#000", "width": 1, "shape": "vh", "dash": "dot"},
        hoverinfo="skip",
        marker={"size": 15, "symbol": "circle-open", "color": "#000", "line": {"width": 1.6}},
    )
    phi_above, energy_below = results.favourable
    _mark_favourable(figure, rows, phi_above, energy_below)
    figure.update_layout(
        template="none",
        font=_FONT,
        margin={"l": 70, "r": 20, "t": 40, "b": 60},
        hovermode="closest",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": {"text": "accessibility index φ (–)"}, "zeroline": False, "gridcolor": "#e6eaee"},
        yaxis={"title": {"text": _ENERGY}, "zeroline": False, "gridcolor": "#e6eaee"},
    )
    return str(figure.to_json())


def _escaped(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose texts are safe in a label, in which Plotly understands some HTML."""
    return rows.assign(**{NAME: rows[NAME].map(lambda name: escape(formula(name))), c.MOTIF: rows[c.MOTIF].map(escape)})


def _hover() -> str:
    return (
        f"<b>%{{customdata[1]}}</b>, %{{customdata[4]}}<br>{_FORM} %{{y:.2f}} ± %{{customdata[2]:.2f}} eV/metal<br>"
        f"φ %{{x:.3f}}<br>{_MIX} %{{customdata[3]:.1f}} kJ/mol<extra></extra>"
    )


def _mixing_colours(rows: pd.DataFrame, results: Results) -> dict[str, Any]:
    """Marker settings for colours by H_mix, on one scale for all charts, symmetric about zero."""
    mixing = rows[c.MIXING_ENTHALPY].to_numpy(float)
    reach = mixing_reach(results.predicted[c.MIXING_ENTHALPY].to_numpy(float))
    bar = {"title": {"text": f"{_MIX} (kJ/mol)", "side": "right"}, "thickness": 14, "outlinewidth": 0.5}
    return {"color": mixing.round(2), "colorscale": MIXING_COLOURS, "cmin": -reach, "cmax": reach, "colorbar": bar}


def _mark_favourable(figure: Figure, rows: pd.DataFrame, phi_above: float, energy_below: float) -> None:
    """Shade the favourable corner and keep its edge in view."""
    high, low = (
        (rows[c.FORMATION_ENERGY] + rows[c.FORMATION_ENERGY_STD]),
        (rows[c.FORMATION_ENERGY] - rows[c.FORMATION_ENERGY_STD]),
    )
    left, right = min(rows[c.PHI].min(), phi_above), max(rows[c.PHI].max(), phi_above)
    margin_x, margin_y = 0.06 * max(right - left, 0.1), 0.06 * max(high.max() - low.min(), 0.1)
    bottom, top = low.min() - margin_y, high.max() + margin_y
    figure.add_shape(
        type="rect",
        layer="below",
        line={"width": 0},
        fillcolor=ACCESSIBLE_COLOUR,
        opacity=0.12,
        x0=phi_above,
        x1=right + margin_x,
        y0=bottom,
        y1=max(min(energy_below, top), bottom),
    )
    figure.add_shape(
        type="line",
        x0=phi_above,
        x1=phi_above,
        y0=bottom,
        y1=top,
        layer="below",
        line={"color": ACCESSIBLE_COLOUR, "width": 1.5, "dash": "dash"},
    )
    figure.add_annotation(
        x=phi_above,
        y=bottom,
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
        font={"color": "#00735A"},
        text=f" favourable: φ > {plain(phi_above)} and {_FORM} < {plain(energy_below)} eV/metal",
    )
    figure.update_xaxes(range=[left - margin_x, right + margin_x])
    figure.update_yaxes(range=[bottom, top])


def best_per_dopant(results: Results, host: str) -> pd.DataFrame:
    """Find each dopant's candidate of lowest E_form.

    They are a host's, by dopant; at most `ROSE_BARS` of them.
    """
    rows = results.predicted[(results.predicted[c.HOST] == host) & results.predicted[c.DOPANTS].notna()]
    lowest = rows.loc[rows.groupby(c.DOPANTS)[c.FORMATION_ENERGY].idxmin()]
    kept = lowest.nsmallest(ROSE_BARS, c.FORMATION_ENERGY)
    numbers = [min(atomic_numbers[s] for s in name.split("+")) for name in kept[c.DOPANTS]]
    return kept.iloc[np.argsort(numbers, kind="stable")]


def rose_chart(results: Results, host: str) -> str:
    """Draw one bar for each dopant of a host.

    Length is −E_form of its best candidate, colour H_mix, and the line the 90 % interval.
    """
    import plotly.graph_objects as go

    rows = best_per_dopant(results, host)
    angles = (np.arange(len(rows)) * 360 / max(len(rows), 1)).round(3)
    length = -rows[c.FORMATION_ENERGY].to_numpy(float)
    ends = -rows[[c.FORMATION_ENERGY_HIGH, c.FORMATION_ENERGY_LOW]].to_numpy(float)
    start, between = min(0.0, float(ends.min())), 90 - 180 / max(len(rows), 1)
    figure = go.Figure()
    figure.add_barpolar(
        r=(length - start).round(4),
        base=start,
        theta=angles,
        width=0.85 * 360 / max(len(rows), 1),
        name="",
        marker={"line": {"color": "#444", "width": 0.6}, **_mixing_colours(rows, results)},
        showlegend=False,
        customdata=_escaped(rows)[[c.ID, NAME, c.FORMATION_ENERGY_STD, c.MIXING_ENTHALPY, c.MOTIF, c.FORMATION_ENERGY]],
        hovertemplate=_hover().replace("%{y:.2f}", "%{customdata[5]:.2f}").replace("φ %{x:.3f}<br>", ""),
    )
    figure.add_scatterpolar(
        r=_with_gaps(ends),
        theta=_with_gaps(np.column_stack([angles, angles])),
        mode="lines",
        line={"color": "#000", "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.update_layout(
        template="none",
        font=_FONT,
        margin={"l": 40, "r": 20, "t": 60, "b": 40},
        title={"text": f"Host {host}: −{_ENERGY}", "font": {"size": 15}},
        polar={
            "angularaxis": {
                "tickvals": angles,
                "ticktext": list(rows[c.DOPANTS]),
                "rotation": 90,
                "direction": "clockwise",
                "gridcolor": "#e6eaee",
            },
            "radialaxis": {
                "range": [start, float(ends.max()) * 1.02],
                "angle": between,
                "tickangle": between,
                "nticks": 5,
                "gridcolor": "#d9dfe6",
                "tickfont": {"size": 11},
            },
        },
    )
    return str(figure.to_json())


def heat_hosts(results: Results, hosts: Sequence[str]) -> list[str]:
    """List the hosts that have a heat map.

    They have at least two dopants and two ligands.
    """
    rows = results.predicted[results.predicted[c.DOPANTS].notna() & results.predicted[c.LIGAND].notna()]
    return [host for host in hosts if (rows.loc[rows[c.HOST] == host, [c.DOPANTS, c.LIGAND]].nunique() > 1).all()]


def best_per_cell(results: Results, host: str) -> pd.DataFrame:
    """Find the lowest candidate per dopant and ligand.

    They are a host's, with the dopants by atomic number.
    """
    rows = results.predicted[(results.predicted[c.HOST] == host) & results.predicted[c.LIGAND].notna()]
    lowest = rows.loc[rows.groupby([c.DOPANTS, c.LIGAND])[c.FORMATION_ENERGY].idxmin()]
    numbers = [min(atomic_numbers[s] for s in name.split("+")) for name in lowest[c.DOPANTS]]
    return lowest.iloc[np.argsort(numbers, kind="stable")]


def heat_chart(results: Results, host: str) -> str:
    """Draw lowest E_form by dopant and ligand.

    A cell is empty where nothing was predicted.
    """
    import plotly.graph_objects as go

    cells = {(row[c.DOPANTS], row[c.LIGAND]): row for _, row in _escaped(best_per_cell(results, host)).iterrows()}
    dopants = list(dict.fromkeys(dopant for dopant, _ in cells))
    ligands = sorted({ligand for _, ligand in cells})
    grid = [[cells.get((dopant, ligand)) for dopant in dopants] for ligand in ligands]
    shown = (c.ID, NAME, c.FORMATION_ENERGY_STD, c.MIXING_ENTHALPY, c.MOTIF, c.PHI)
    figure = go.Figure(
        go.Heatmap(
            x=dopants,
            y=[escape(formula(ligand)) for ligand in ligands],
            colorscale="Cividis",
            hoverongaps=False,
            z=[[None if row is None else round(row[c.FORMATION_ENERGY], 4) for row in line] for line in grid],
            customdata=[[None if row is None else [row[name] for name in shown] for row in line] for line in grid],
            text=[["" if row is None else number(row[c.FORMATION_ENERGY]) for row in line] for line in grid],
            texttemplate="%{text}",
            hovertemplate=_hover().replace("%{y:.2f}", "%{z:.2f}").replace("φ %{x:.3f}", "φ %{customdata[5]:.3f}"),
            colorbar={"title": {"text": _ENERGY, "side": "right"}, "thickness": 14, "outlinewidth": 0.5},
        )
    )
    figure.update_layout(
        template="none",
        font=_FONT,
        margin={"l": 110, "r": 20, "t": 50, "b": 50},
        title={"text": f"Host {host}", "font": {"size": 15}},
        xaxis={"title": {"text": "dopant"}, "type": "category"},
        yaxis={"type": "category", "autorange": "reversed"},
    )
    return str(figure.to_json())


def _with_gaps(pairs: np.ndarray) -> list[float | None]:
    """Rows (n, 2) as one line that is interrupted after each pair."""
    return [value for row in pairs.round(4).tolist() for value in (*row, None)]


def structure_chart(system: BimetallicSystem) -> str:
    """Draw a cluster to turn.

    Atoms are shaded dots in element colours, bonds lines, and metals large.

    Parameters
    ----------
    system
        A cluster with coordinates [Å].
    """
    import plotly.graph_objects as go

    centred = (system.positions - system.positions.mean(axis=0)).round(3)
    symbols = np.array(system.symbols)
    figure = go.Figure()
    lines = [centred[[i, j]] for i, j in drawn_bonds(system)]
    x, y, z = (_with_gaps(np.array([line[:, k] for line in lines]).reshape(-1, 2)) for k in range(3))
    figure.add_scatter3d(
        x=x,
        y=y,
        z=z,
        mode="lines",
        line={"color": "#8a929b", "width": 4},
        hoverinfo="skip",
        name="bonds",
        showlegend=False,
    )
    metals = set(system.metal_symbols)
    for symbol in sorted(set(system.symbols), key=lambda s: (s not in metals, -atomic_numbers[s])):
        at = centred[symbols == symbol]
        rows = np.flatnonzero(symbols == symbol)
        words = f"<b>{symbol}</b> {atomic_names[atomic_numbers[symbol]]}, atom %{{customdata}}<extra></extra>"
        figure.add_scatter3d(
            x=at[:, 0],
            y=at[:, 1],
            z=at[:, 2],
            mode="markers",
            name=symbol,
            customdata=rows,
            hovertemplate=words,
            marker={
                "size": _dot(symbol, symbol in metals),
                "color": element_colour(symbol),
                "opacity": 1,
                "line": {"color": "#333", "width": 1},
            },
        )
    axis = {"visible": False, "showspikes": False}
    figure.update_layout(
        template="none",
        font=_FONT,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        legend={"itemsizing": "constant", "x": 0, "y": 1},
        scene={
            "xaxis": axis,
            "yaxis": axis,
            "zaxis": axis,
            "aspectmode": "data",
            "dragmode": "orbit",
            "camera": {"eye": {"x": 1.05, "y": 1.05, "z": 0.6}},
        },
    )
    return str(figure.to_json())


def _dot(symbol: str, metal: bool) -> float:
    """Diameter of an atom's dot [pixel], by covalent radius; metals are drawn larger, as in the figures."""
    return round(float(covalent_radii[atomic_numbers[symbol]]) * (17.0 if metal else 12.0), 1)
