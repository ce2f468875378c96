"""Pictures of clusters, and figures of many predictions at the width of a journal column.

The figures take plain arrays and draw on axes of the caller's, so that they serve a screening, a data set or one's
own table alike. Colours: elements as in `ase_bimetal.palette`; else Okabe–Ito and ColorBrewer RdBu, which stay apart
with any colour vision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from ase_bimetal.descriptors import ACCESSIBLE_ABOVE
from ase_bimetal.numbers import shortest
from ase_bimetal.palette import element_colour
from ase_bimetal.system import BimetallicSystem

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.patches import Circle
    from matplotlib.projections.polar import PolarAxes
    from matplotlib.typing import ColorType, RcKeyType

#: Okabe–Ito colours for candidates that are accessible (φ > −0.3), that are not, and for the Pareto front.
ACCESSIBLE_COLOUR, BLOCKED_COLOUR, FRONT_COLOUR = "#009E73", "#999999", "#000000"
#: ColorBrewer's diverging map: blue where metals mix (H_mix < 0), red where they do not.
MIXING_COLOURS = "RdBu_r"
#: ColorBrewer's diverging map for φ: purple where the site is open (φ > −0.3), brown where it is not.
ACCESSIBILITY_COLOURS = "PuOr"
#: Width of one journal column [inch]: 8.3 cm.
COLUMN_WIDTH = 8.3 / 2.54
#: matplotlib settings for a figure of one column: nothing smaller than 7 pt, text kept as text in SVG.
PAPER_STYLE: Mapping[RcKeyType, object] = MappingProxyType(
    {
        "font.size": 8.0,
        "axes.labelsize": 8.0,
        "xtick.labelsize": 7.0,
        "ytick.labelsize": 7.0,
        "legend.fontsize": 7.0,
        "axes.titlesize": 8.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6,
        "svg.fonttype": "none",
        "svg.hashsalt": "ase-bimetal",
    }
)
_SMALLEST_SPAN = 1.0
# Up to so many points, a map has room for larger dots.
_FEW = 200
_TILT = np.radians(20.0)


def draw_cluster(system: BimetallicSystem, axes: Axes, title: str = "") -> None:
    """Draw a cluster with its metal core in front of faded ligands.

    Parameters
    ----------
    system
        The cluster, in coordinates of Å.
    axes
        Matplotlib axes to draw on.
    title
        Text above the picture.
    """
    flat, depth = project(system)
    metals = list(dict.fromkeys([system.host, *system.metal_symbols]))
    core = set(system.metals.tolist())
    draw_bonds(system, flat, axes)
    for i in np.argsort(depth):
        symbol = system.symbols[i]
        radius = 0.45 * covalent_radii[atomic_numbers[symbol]]
        if i in core:
            alpha, radius = 1.0, 1.4 * radius
        else:
            alpha = 0.55
        zorder = 3 + (depth[i] - depth.min()) / (np.ptp(depth) + 1e-9) + 2 * (i in core)
        axes.add_patch(_circle(flat[i], radius, element_colour(symbol), alpha, zorder))
    for symbol in metals:
        axes.plot([], [], "o", color=element_colour(symbol), label=symbol, markersize=9, markeredgecolor="black")
    frame_cluster(axes, flat, title)
    # Below the atoms, with the scale bar, where it can hide none of them.
    axes.legend(loc="lower right", frameon=False, ncols=len(metals), borderpad=0, handletextpad=0, columnspacing=1)


def drawn_bonds(system: BimetallicSystem) -> list[tuple[int, int]]:
    """Find the pairs of atoms that a picture joins.

    They are closer than 1.25 covalent radii, no hydrogen to metal.

    Parameters
    ----------
    system
        A cluster without periodic directions.

    Returns
    -------
    list of tuple
        Rows of the two atoms, in rising order.

    Examples
    --------
    >>> from ase_bimetal import load_example, as_system
    >>> len(drawn_bonds(as_system(load_example("Au4Pd2(PET)8"))))
    172
    """
    from scipy.spatial import cKDTree

    core = set(system.metals.tolist())
    radii = np.array([covalent_radii[atomic_numbers[s]] for s in system.symbols])
    found = []
    for i, j in sorted(cKDTree(system.positions).query_pairs(3.4)):
        apart = np.linalg.norm(system.positions[i] - system.positions[j])
        metal_hydrogen = len({i, j} & core) == 1 and "H" in (system.symbols[i], system.symbols[j])
        if apart <= 1.25 * (radii[i] + radii[j]) and not metal_hydrogen:
            found.append((i, j))
    return found


def project(system: BimetallicSystem) -> tuple[np.ndarray, np.ndarray]:
    """Look along the direction in which the cluster is thinnest, slightly tilted.

    Returns
    -------
    tuple
        Places on the page (n, 2) and height above it (n,) [Å].
    """
    centred = system.positions - system.positions[system.metals].mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    rotated = centred @ axes.T
    tilt = np.array([[1, 0, 0], [0, np.cos(_TILT), -np.sin(_TILT)], [0, np.sin(_TILT), np.cos(_TILT)]])
    turned = rotated @ tilt.T
    return turned[:, :2], turned[:, 2]


def draw_bonds(system: BimetallicSystem, flat: np.ndarray, axes: Axes) -> None:
    """Draw lines between bonded atoms.

    The atoms are at projected places (n, 2) [Å]; bonds between metals are stronger.
    """
    core = set(system.metals.tolist())
    for i, j in drawn_bonds(system):
        inside = i in core and j in core
        axes.plot(
            flat[[i, j], 0],
            flat[[i, j], 1],
            "-",
            color="#555555" if inside else "#999999",
            linewidth=2.2 if inside else 1.0,
            alpha=0.9 if inside else 0.6,
            zorder=2,
        )


def _circle(centre: np.ndarray, radius: float, colour: ColorType, alpha: float, zorder: float) -> Circle:
    from matplotlib.patches import Circle

    return Circle(tuple(centre), radius, facecolor=colour, edgecolor="black", linewidth=0.5, alpha=alpha, zorder=zorder)


def frame_cluster(axes: Axes, flat: np.ndarray, title: str) -> None:
    """Fit axes to projected atoms (n, 2) [Å].

    A bar of 5 Å stands in place of ticks; small clusters are not drawn larger than 10 Å would be.
    """
    middle, reach = (flat.min(axis=0) + flat.max(axis=0)) / 2, np.maximum(np.ptp(flat, axis=0) / 2 + 1.2, 5.0)
    low, high = middle - reach, middle + reach
    below = 0.12 * (high[1] - low[1])
    axes.set(xlim=(low[0], high[0]), ylim=(low[1] - below, high[1]), aspect="equal", title=title)
    axes.set_axis_off()
    bar = (low[0] + 0.3, low[1] - 0.9 * below)
    axes.plot([bar[0], bar[0] + 5], [bar[1]] * 2, "-", color="black", linewidth=2)
    axes.text(bar[0] + 2.5, bar[1] + 0.2, "5 Å", ha="center", va="bottom", fontsize=8)


def mixing_scale(mixing: np.ndarray) -> Normalize:
    """Make the colour scale of H_mix [kJ/mol].

    It is symmetric about zero so that the sign can be read from the colour.

    Examples
    --------
    >>> scale = mixing_scale(np.array([-8.0, 15.0]))
    >>> scale.vmin, scale.vmax
    (-15.0, 15.0)
    """
    from matplotlib.colors import Normalize

    reach = mixing_reach(mixing)
    return Normalize(-reach, reach)


def accessibility_scale(phi: np.ndarray) -> Normalize:
    """Make the colour scale of φ.

    It spans the known values, its middle at the limit of accessible sites.

    Parameters
    ----------
    phi
        φ [-], shape (n,); unknown values (NaN) do not count.
    """
    from matplotlib.colors import TwoSlopeNorm

    known = np.append(phi[np.isfinite(phi)], [ACCESSIBLE_ABOVE - 0.1, ACCESSIBLE_ABOVE + 0.1])
    return TwoSlopeNorm(ACCESSIBLE_ABOVE, float(known.min()), float(known.max()))


def mixing_reach(mixing: np.ndarray) -> float:
    """Find the largest finite ``|H_mix|`` [kJ/mol].

    It is at least 1, so that a scale is never empty.
    """
    known = np.abs(mixing[np.isfinite(mixing)])
    return float(max(known.max(initial=0.0), _SMALLEST_SPAN))


def formation_map(
    axes: Axes,
    phi: np.ndarray,
    energy: np.ndarray,
    std: np.ndarray,
    mixing: np.ndarray,
    favourable: tuple[float, float] = (ACCESSIBLE_ABOVE, 0.0),
    front: np.ndarray | None = None,
) -> None:
    """Draw E_form against φ, coloured by H_mix.

    The favourable region and the Pareto front are marked.

    Parameters
    ----------
    axes
        Matplotlib axes; a colour bar is added beside them.
    phi
        Accessibility index φ [-], shape (n,); rows without one (NaN) are left out.
    energy, std
        E_form and its standard deviation [eV/metal], shape (n,).
    mixing
        H_mix [kJ/mol], shape (n,); unknown values (NaN) are grey.
    favourable
        Edges of the favourable region: φ above [-], E_form below [eV/metal].
    front
        Which rows lie on the Pareto front, shape (n,).
    """
    known, size = np.isfinite(mixing), 14.0 if len(phi) <= _FEW else 6.0
    draw = partial(axes.scatter, s=size, edgecolors="#444444", linewidths=0.03 * size, zorder=2)
    axes.errorbar(phi, energy, std, fmt="none", ecolor="#bbbbbb", elinewidth=0.5, zorder=1)
    draw(phi[~known], energy[~known], color="#dddddd")
    dots = draw(phi[known], energy[known], c=mixing[known], cmap=MIXING_COLOURS, norm=mixing_scale(mixing))
    if front is not None and front.any():
        axes.scatter(
            phi[front],
            energy[front],
            s=2.5 * size,
            facecolors="none",
            edgecolors=FRONT_COLOUR,
            linewidths=0.9,
            zorder=3,
            label="Pareto front",
        )
    _shade_favourable(axes, *favourable)
    axes.set(xlabel="accessibility index φ (–)", ylabel=r"$E_\mathrm{form}$ (eV per metal atom)")
    bar = axes.figure.colorbar(dots, ax=axes, pad=0.02, aspect=30)
    bar.set_label(r"$H_\mathrm{mix}$ (kJ/mol)")
    bar.outline.set_linewidth(0.6)
    axes.legend(
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=2,
        handletextpad=0.3,
        columnspacing=0.8,
        borderaxespad=0.2,
    )


def _shade_favourable(axes: Axes, phi_above: float, energy_below: float) -> None:
    """Shade the favourable corner; its left edge is kept in view, so that one sees where it begins."""
    from matplotlib.patches import Rectangle

    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    margin = 0.06 * (max(right, phi_above) - min(left, phi_above))
    left, right = min(left, phi_above - margin), max(right, phi_above + margin)
    label = f"φ > {shortest(phi_above)}, " + r"$E_\mathrm{form}$" + f" < {shortest(energy_below)} eV"
    axes.add_patch(
        Rectangle(
            (phi_above, low),
            right - phi_above,
            max(min(energy_below, high) - low, 0.0),
            zorder=0,
            linewidth=0,
            facecolor=ACCESSIBLE_COLOUR,
            alpha=0.12,
            label=label,
        )
    )
    axes.axvline(phi_above, color=ACCESSIBLE_COLOUR, linewidth=0.8, linestyle="--", zorder=0)
    axes.set(xlim=(left, right), ylim=(low, high))


def dopant_rose(
    axes: PolarAxes,
    dopants: Sequence[str],
    energy: np.ndarray,
    half: np.ndarray,
    values: np.ndarray,
    title: str = "",
    scale: Normalize | None = None,
    colour: Literal["mixing", "phi"] = "mixing",
) -> None:
    """Draw one bar per dopant around a circle.

    Length is −E_form, colour H_mix or φ, and a line shows the uncertainty.

    Parameters
    ----------
    axes
        Polar axes.
    dopants
        Element symbols, length n.
    energy, half
        E_form and half of the interval about it [eV/metal], shape (n,).
    values
        H_mix of host and dopant [kJ/mol], or φ [-], shape (n,); unknown values (NaN) are grey.
    title
        Text above, such as the host.
    scale
        Colour scale shared by several roses; by default that of these values.
    colour
        What the values are.
    """
    from matplotlib import colormaps

    make, name, meaning = _ROSE_COLOURS[colour]
    scale = scale or make(values)
    angles = np.arange(len(dopants)) * 2 * np.pi / len(dopants)
    colours = [colormaps[name](scale(value)) if np.isfinite(value) else "#dddddd" for value in values]
    start = min(0.0, float((-energy - half).min()))
    axes.bar(
        angles,
        -energy - start,
        width=0.85 * 2 * np.pi / len(dopants),
        bottom=start,
        color=colours,
        edgecolor="#444444",
        linewidth=0.5,
    )
    for angle, value, spread in zip(angles, energy, half, strict=True):
        axes.plot([angle, angle], [-value - spread, -value + spread], color="black", linewidth=0.8)
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_xticks(angles, dopants)
    axes.set_rlim(start, float((-energy + half).max()) * 1.02)
    _finish_rose(axes, len(dopants), scale, name, meaning)
    axes.set_title(title)


# What colours a rose → maker of the scale, colour map, words beside the bar.
_ROSE_COLOURS: dict[str, tuple[Callable[[np.ndarray], Normalize], str, str]] = {
    "mixing": (mixing_scale, MIXING_COLOURS, r"$H_\mathrm{mix}$ (kJ/mol)"),
    "phi": (accessibility_scale, ACCESSIBILITY_COLOURS, "accessibility index φ (–)"),
}


def _finish_rose(axes: PolarAxes, n: int, scale: Normalize, name: str, meaning: str) -> None:
    """Rings, their labels between the first two bars, and the colour bar."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_rlabel_position(180.0 / max(n, 1))
    axes.grid(linewidth=0.4, color="#cccccc")
    axes.tick_params(axis="x", pad=-2)
    for label in axes.get_yticklabels():
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.4})
    axes.set_xlabel(r"radius: $-E_\mathrm{form}$ (eV per metal atom)")
    bar = axes.figure.colorbar(ScalarMappable(scale, name), ax=axes, pad=0.1, shrink=0.75, aspect=25)
    bar.set_label(meaning)
    bar.outline.set_linewidth(0.6)


def energy_distribution(axes: Axes, energy: np.ndarray, accessible: np.ndarray) -> None:
    """Draw how E_form is distributed, accessible candidates stacked on the others.

    Parameters
    ----------
    axes
        Matplotlib axes.
    energy
        E_form [eV/metal], shape (n,).
    accessible
        Whether φ > −0.3, shape (n,).
    """
    from matplotlib.ticker import MaxNLocator

    edges = np.histogram_bin_edges(energy, bins="auto" if len(energy) < 10_000 else 60)
    groups = [(accessible, ACCESSIBLE_COLOUR, "accessible, φ > −0.3"), (~accessible, BLOCKED_COLOUR, "not accessible")]
    masks, colours, words = zip(*(group for group in groups if group[0].any()), strict=True)
    axes.hist(
        [energy[mask] for mask in masks],
        bins=edges.tolist(),
        stacked=True,
        linewidth=0.4,
        edgecolor="white",
        color=colours,
        label=words,
    )
    axes.yaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
    axes.set(xlabel=r"$E_\mathrm{form}$ (eV per metal atom)", ylabel="candidates")
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def energy_ranking(
    axes: Axes,
    labels: Sequence[str],
    energy: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    accessible: np.ndarray,
) -> None:
    """Draw the best candidates in order.

    Each has its interval, and its name above it.

    Parameters
    ----------
    axes
        Matplotlib axes.
    labels
        Names of the candidates, best first, length n.
    energy, low, high
        E_form and the ends of its interval [eV/metal], shape (n,).
    accessible
        Whether φ > −0.3, shape (n,).
    """
    from matplotlib import rcParams

    rows = np.arange(len(labels))
    for chosen, colour, marker, word in (
        (accessible, ACCESSIBLE_COLOUR, "o", "accessible, φ > −0.3"),
        (~accessible, BLOCKED_COLOUR, "s", "not accessible"),
    ):
        if chosen.any():
            reach = np.array([energy - low, high - energy])[:, chosen]
            axes.errorbar(
                energy[chosen],
                rows[chosen],
                xerr=reach,
                fmt=marker,
                color=colour,
                markersize=3.5,
                elinewidth=0.9,
                capsize=1.5,
                label=word,
            )
    # Names of candidates are long: beside the axis they would leave no room for it.
    size = rcParams["ytick.labelsize"]
    for row, label in enumerate(labels):
        axes.text(0.0, row - 0.2, label, transform=axes.get_yaxis_transform(), fontsize=size, va="bottom")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(labels) - 0.4, -0.9)
    axes.set_xlabel(r"$E_\mathrm{form}$ (eV per metal atom)")
    axes.grid(axis="x", linewidth=0.4, color="#dddddd")
    axes.set_axisbelow(True)
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handletextpad=0.2)
