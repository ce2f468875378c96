"""A picture of the extended hosts: ``python -m ase_bimetal.lab.labels.host_figure docs/images/hosts.png``."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from ase_bimetal.lab.labels.hosts import load_hosts
from ase_bimetal.numbers import number
from ase_bimetal.plots import draw_cluster
from ase_bimetal.system import as_system


def draw_hosts(frame: pd.DataFrame, path: Path) -> None:
    """Draw the first parent of each structure, with its formation energy.

    Parameters
    ----------
    frame
        Rows of `ase_bimetal.lab.labels.hosts.HostData.frame`.
    path
        Picture to write; the suffix names the format.
    """
    from matplotlib.figure import Figure

    parents = frame[frame.kind == "parent"]
    shown = parents.groupby(["family", "structure"], sort=True).head(1).sort_values(["family", "structure"])
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(3.3 * columns, 3.5 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, row in zip(grid, shown.itertuples(), strict=False):
        title = f"{row.host}/{row.dopant}, {row.family.replace('-', ' ')}\n{row.structure}"
        draw_cluster(as_system(row.atoms), axes, f"{title}, {number(row.formation_energy, 2)} eV/metal")
    for axes in grid[len(shown) :]:
        axes.set_axis_off()
    figure.suptitle("GFN1-xTB formation energies, relaxed parents", fontsize=9)
    figure.savefig(path, dpi=130)


__all__ = ["draw_hosts"]

if __name__ == "__main__":
    draw_hosts(load_hosts().frame, Path(sys.argv[1]))
