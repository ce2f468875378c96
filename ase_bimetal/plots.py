"""Pictures of clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from ase.data.colors import jmol_colors

from ase_bimetal.system import BimetallicSystem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Okabe–Ito colours, readable with any colour vision: host, dopant, third metal.
METAL_COLOURS = ("#E69F00", "#0072B2", "#009E73")
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
    flat, depth = _project(system)
    metals = list(dict.fromkeys([system.host, *system.metal_symbols]))
    core = set(system.metals.tolist())
    _draw_bonds(system, flat, depth, core, axes)
    for i in np.argsort(depth):
        symbol = system.symbols[i]
        radius = 0.45 * covalent_radii[atomic_numbers[symbol]]
        if i in core:
            colour, alpha, radius = METAL_COLOURS[min(metals.index(symbol), 2)], 1.0, 1.4 * radius
        else:
            colour, alpha = jmol_colors[atomic_numbers[symbol]], 0.55
        zorder = 3 + (depth[i] - depth.min()) / (np.ptp(depth) + 1e-9) + 2 * (i in core)
        axes.add_patch(_circle(flat[i], radius, colour, alpha, zorder))
    for rank, symbol in enumerate(metals[:3]):
        axes.plot([], [], "o", color=METAL_COLOURS[rank], label=symbol, markersize=9, markeredgecolor="black")
    _finish(axes, flat, title)


def _project(system: BimetallicSystem) -> tuple[np.ndarray, np.ndarray]:
    """Look along the direction in which the cluster is thinnest, slightly tilted."""
    centred = system.positions - system.positions[system.metals].mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    rotated = centred @ axes.T
    tilt = np.array([[1, 0, 0], [0, np.cos(_TILT), -np.sin(_TILT)], [0, np.sin(_TILT), np.cos(_TILT)]])
    turned = rotated @ tilt.T
    return turned[:, :2], turned[:, 2]


def _draw_bonds(system: BimetallicSystem, flat: np.ndarray, depth: np.ndarray, core: set[int], axes: Axes) -> None:
    from scipy.spatial import cKDTree

    radii = np.array([covalent_radii[atomic_numbers[s]] for s in system.symbols])
    for i, j in cKDTree(system.positions).query_pairs(3.4):
        apart = np.linalg.norm(system.positions[i] - system.positions[j])
        if apart > 1.25 * (radii[i] + radii[j]) or (len({i, j} & core) == 1 and "H" in
                                                    (system.symbols[i], system.symbols[j])):
            continue
        inside = i in core and j in core
        axes.plot(
            flat[[i, j], 0], flat[[i, j], 1], "-", color="#555555" if inside else "#999999",
            linewidth=2.2 if inside else 1.0, alpha=0.9 if inside else 0.6, zorder=2,
        )


def _circle(centre: np.ndarray, radius: float, colour: object, alpha: float, zorder: float):
    from matplotlib.patches import Circle

    return Circle(tuple(centre), radius, facecolor=colour, edgecolor="black", linewidth=0.5, alpha=alpha,
                  zorder=zorder)


def _finish(axes: Axes, flat: np.ndarray, title: str) -> None:
    low, high = flat.min(axis=0) - 1.0, flat.max(axis=0) + 1.0
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", title=title)
    axes.set_axis_off()
    bar = (low[0] + 0.3, low[1] + 0.4)
    axes.plot([bar[0], bar[0] + 5], [bar[1]] * 2, "-", color="black", linewidth=2)
    axes.text(bar[0] + 2.5, bar[1] + 0.2, "5 Å", ha="center", va="bottom", fontsize=8)
    axes.legend(loc="upper right", frameon=False)
