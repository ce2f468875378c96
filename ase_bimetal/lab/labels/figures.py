"""Pictures of the labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ase_bimetal.structures.motifs import family_group

#: Range of the source's 11,186 closed labels and the interval that holds their bulk [eV/metal].
PUBLISHED_RANGE, PUBLISHED_BULK = (-5.86, 0.85), (-4.0, -1.0)
# Okabe and Ito's colours, told apart by colour-blind readers; two line styles double them.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#999999")


def draw_distribution(frame: pd.DataFrame, path: Path) -> None:
    """Draw the histogram of formation energies.

    It is stacked by family group, with the published range and bulk marked.

    Parameters
    ----------
    frame
        With ``family`` and ``formation_energy`` [eV/metal], such as ``load_labels().frame``.
    path
        Picture to write; the suffix names the format.
    """
    from matplotlib.figure import Figure

    groups = frame.family.map(family_group)
    order = groups.value_counts().index
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    bins = np.arange(np.floor(frame.formation_energy.min() * 10) / 10, frame.formation_energy.max() + 0.1, 0.1)
    axes.hist(
        [frame.formation_energy[groups == name] for name in order],
        bins=bins.tolist(),
        stacked=True,
        label=[f"{name} ({(groups == name).sum()})" for name in order],
        color=[_COLOURS[i % len(_COLOURS)] for i in range(len(order))],
        hatch=["" if i < len(_COLOURS) else "///" for i in range(len(order))],
    )
    axes.axvspan(*PUBLISHED_BULK, color="0.9", zorder=0, label="published: bulk of the labels")
    for edge in PUBLISHED_RANGE:
        axes.axvline(edge, color="0.4", linestyle=":", label="published: range" if edge < 0 else None)
    axes.set_xlabel("formation energy (eV per metal atom; GFN1-xTB, free ligands, dimer reference)")
    axes.set_ylabel("configurations per 0.1 eV")
    figure.legend(loc="outside upper center", fontsize=7, ncols=4, frameon=False)
    figure.savefig(path, dpi=200)
