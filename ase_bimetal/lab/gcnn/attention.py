"""What the graph-only network looks at: attention per atom, per element, and per ligand beside its charge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from ase.data import atomic_numbers, covalent_radii

from ase_bimetal.errors import WeightsError
from ase_bimetal.ligands import LigandAnnotation
from ase_bimetal.numbers import number
from ase_bimetal.plots import draw_bonds, frame_cluster, project
from ase_bimetal.system import BimetallicSystem, as_system

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ase_bimetal.lab.labels.dataset import LabelSet
    from ase_bimetal.model.gcnn_model import GraphModel

#: matplotlib's cividis, which can be read with any colour vision.
ATTENTION_COLOURS = "cividis"
METAL = "metal"
#: Kinds of atoms of the published figure, in its order.
PUBLISHED_KINDS = (METAL, "S", "P", "C")
_BLUE, _ORANGE = "#0072B2", "#E69F00"


def atom_attention(
    item: object, ligands: LigandAnnotation | None = None, model: GraphModel | None = None
) -> np.ndarray:
    """Compute the attention of each atom.

    It is averaged over the seven local levels.

    Parameters
    ----------
    item
        Atoms, Structure, Molecule or `BimetallicSystem` with the atoms of its ligands.
    ligands
        Ligand annotation for an object that carries none.
    model
        The network; the shipped one by default.

    Returns
    -------
    numpy.ndarray
        Shape (atoms,), 0…1; NaN for hydrogen, which is no node of the graph.

    Raises
    ------
    BimetalError
        The object is not what the network was made for.

    Examples
    --------
    >>> from ase_bimetal import load_example
    >>> atoms = load_example("Au4Pd2(PET)8")
    >>> atom_attention(atoms).shape == (len(atoms),)
    True
    """
    from ase_bimetal.model.gcnn_model import GraphModel

    mean: np.ndarray = (model or GraphModel.load()).attention(item, ligands).mean(axis=1)
    return mean


def attention_table(systems: Sequence[BimetallicSystem], attention: Sequence[np.ndarray]) -> pd.DataFrame:
    """Tabulate the attention, one row per heavy atom.

    Parameters
    ----------
    systems
        Clusters.
    attention
        For each its attention (atoms,), from `atom_attention`.

    Returns
    -------
    pandas.DataFrame
        ``cluster`` (row of the system), ``atom``, ``kind`` (``"metal"`` or the element), ``donor`` (bonded to metal)
        and ``attention``.
    """
    rows = []
    for cluster, (system, values) in enumerate(zip(systems, attention, strict=True)):
        metals, donors = set(system.metals.tolist()), set(system.donors.tolist())
        rows += [
            (cluster, atom, METAL if atom in metals else system.symbols[atom], atom in donors, values[atom])
            for atom in np.flatnonzero(np.isfinite(values)).tolist()
        ]
    return pd.DataFrame(rows, columns=["cluster", "atom", "kind", "donor", "attention"])


def attention_by_kind(table: pd.DataFrame) -> pd.DataFrame:
    """Average the attention of each kind of atom.

    Mean, standard deviation and number of atoms are given, highest mean first.

    Carbon bonded to metal and not are kept together, as in the published figure.
    """
    summary = table.groupby("kind").attention.agg(["mean", "std", "count"])
    return summary.sort_values("mean", ascending=False)


def ligand_table(frame: pd.DataFrame, attention: Sequence[np.ndarray]) -> pd.DataFrame:
    """Tabulate the attention and charge of each ligand.

    There is one row per ligand of labelled clusters, with the charge that it took.

    Parameters
    ----------
    frame
        Rows of labels with ``atoms`` (array ``fragment``: 0 is metal, each ligand has its own number) and ``charges``
        [e], such as ``load_labels().frame``.
    attention
        For each row its attention (atoms,).

    Returns
    -------
    pandas.DataFrame
        ``id``, ``fragment``, ``formula`` of the ligand as bound, ``mean`` and ``sum`` of the attention over its heavy
        atoms, and ``charge``, the sum of the charges of all its atoms [e]: negative when it took electrons.
    """
    rows = []
    for (name, atoms, charges), values in zip(frame[["id", "atoms", "charges"]].to_numpy(), attention, strict=True):
        fragments = atoms.arrays["fragment"]
        for fragment in sorted(set(fragments[fragments > 0].tolist())):
            inside = fragments == fragment
            seen, formula = values[inside], atoms.symbols[inside].get_chemical_formula()
            if not np.isfinite(seen).any():
                continue  # a hydride: the graph has no hydrogen
            rows.append((name, fragment, formula, np.nanmean(seen), np.nansum(seen), charges[inside].sum()))
    return pd.DataFrame(rows, columns=["id", "fragment", "formula", "mean", "sum", "charge"])


def attention_of_test_rows(model: GraphModel, labels: LabelSet) -> tuple[pd.DataFrame, list[np.ndarray]]:
    """Compute the attention on a network's test rows.

    These are labels that it was not trained on.

    Parameters
    ----------
    model
        The network.
    labels
        The labels that it was trained on; the test rows of its random split are found again among them.

    Returns
    -------
    tuple
        Rows of the labels, and for each the attention (atoms,).

    Raises
    ------
    WeightsError
        The network was trained on other labels, so that its test rows are not known.
    """
    from ase_bimetal.lab.training.data import trainable
    from ase_bimetal.lab.training.splits import random_split

    trained = model.card.data.digest
    if trained != labels.digest:
        raise WeightsError(
            f"{model.name} was trained on labels {trained}, not on {labels.digest}: its test rows "
            "are unknown; train it again or name its labels"
        )
    frame = trainable(labels.frame)
    frame = frame.iloc[random_split(len(frame)).test]
    levels = model.attentions([as_system(atoms) for atoms in frame.atoms])
    return frame, [attention.mean(axis=1) for attention in levels]


def charge_correlation(ligands: pd.DataFrame) -> dict[str, float]:
    """Correlate a ligand's attention with the electrons it took.

    The measure is Pearson's r.

    Parameters
    ----------
    ligands
        From `ligand_table`.

    Returns
    -------
    dict
        ``"mean"`` and ``"sum"`` over the heavy atoms of a ligand; with ``" within a formula"`` the same after taking
        the mean of all ligands of one formula off both, so that what differs between kinds of ligands is left out.
    """
    found = {how: _pearson(ligands[how], -ligands.charge) for how in ("mean", "sum")}
    columns = ligands[["mean", "sum", "charge"]]
    inside = columns - columns.groupby(ligands.formula).transform("mean")
    return found | {f"{how} within a formula": _pearson(inside[how], -inside.charge) for how in ("mean", "sum")}


def _pearson(first: pd.Series, second: pd.Series) -> float:
    return round(float(np.corrcoef(first, second)[0, 1]), 3)


def draw_attention(item: object, attention: np.ndarray, axes: Axes, title: str = "") -> None:
    """Draw a cluster with every atom coloured by its attention; hydrogens are left out.

    Parameters
    ----------
    item
        The cluster.
    attention
        Shape (atoms,), from `atom_attention`.
    axes
        Matplotlib axes; a colour bar is added beside them.
    title
        Text above the picture.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    system = as_system(item)
    flat, height = project(system)
    heavy = np.isfinite(attention)
    draw_bonds(_heavy_only(system, heavy), flat[heavy], axes)
    colours = ScalarMappable(Normalize(float(attention[heavy].min()), float(attention[heavy].max())), ATTENTION_COLOURS)
    for rank, atom in enumerate(sorted(np.flatnonzero(heavy).tolist(), key=lambda i: height[i])):
        _draw_atom(system, atom, flat[atom], tuple(colours.to_rgba(attention[atom])), 3 + rank / len(heavy), axes)
    frame_cluster(axes, flat[heavy], title)
    bar = axes.figure.colorbar(colours, ax=axes, pad=0.02, shrink=0.8)
    bar.set_label("attention, mean of seven levels (–)")


def _draw_atom(
    system: BimetallicSystem, atom: int, place: np.ndarray, colour: tuple[Any, ...], order: float, axes: Axes
) -> None:
    """A circle; metals are larger and carry their symbol, donors a thicker rim."""
    from matplotlib.patches import Circle

    symbol, core = system.symbols[atom], atom in system.metals
    radius = (0.75 if core else 0.45) * covalent_radii[atomic_numbers[symbol]]
    rim = 1.4 if core or atom in system.donors else 0.4
    axes.add_patch(Circle(tuple(place), radius, facecolor=colour, edgecolor="black", linewidth=rim, zorder=order))
    if core or atom in system.donors:
        dark = np.dot(colour[:3], (0.299, 0.587, 0.114)) < 0.5
        shade = "white" if dark else "black"
        axes.text(place[0], place[1], symbol, ha="center", va="center", fontsize=7, color=shade, zorder=order)


def _heavy_only(system: BimetallicSystem, heavy: np.ndarray) -> BimetallicSystem:
    """The cluster without hydrogens, for drawing."""
    rows = np.cumsum(heavy) - 1
    return replace(
        system,
        symbols=tuple(s for s, keep in zip(system.symbols, heavy, strict=True) if keep),
        positions=system.positions[heavy],
        metals=rows[system.metals],
        donors=rows[system.donors],
        charges=None,
        bonds=rows[system.bonds],
    )


def attention_bars(axes: Axes, summary: pd.DataFrame, kinds: Sequence[str] = PUBLISHED_KINDS) -> None:
    """Draw the mean attention of kinds of atoms, with one standard deviation.

    Parameters
    ----------
    axes
        Matplotlib axes.
    summary
        From `attention_by_kind`.
    kinds
        Which kinds, in this order; kinds without atoms are left out.
    """
    shown = summary.loc[[kind for kind in kinds if kind in summary.index]]
    colours = [_ORANGE if kind == METAL else _BLUE for kind in shown.index]
    axes.bar(shown.index, shown["mean"], yerr=shown["std"], color=colours, width=0.65, capsize=3, linewidth=0)
    axes.set(ylabel="attention (–)", ylim=(0, None))


def attention_against_charge(axes: Axes, ligands: pd.DataFrame, how: str = "mean") -> None:
    """Draw the attention of ligands against the electrons they took.

    Parameters
    ----------
    axes
        Matplotlib axes.
    ligands
        From `ligand_table`.
    how
        ``"mean"`` or ``"sum"`` over the heavy atoms of a ligand.
    """
    axes.scatter(-ligands.charge, ligands[how], s=5, color=_BLUE, alpha=0.35, linewidths=0)
    axes.set(xlabel="electrons taken by the ligand (e)", ylabel=f"attention, {how} over a ligand's atoms (–)")
    axes.set_title(f"Pearson r = {number(charge_correlation(ligands)[how])}")


__all__ = [
    "atom_attention",
    "attention_against_charge",
    "attention_bars",
    "attention_by_kind",
    "attention_table",
    "charge_correlation",
    "draw_attention",
    "ligand_table",
    "attention_of_test_rows",
]
