"""Why: Pearson correlations and SHAP values of the eight features, as numbers and as pictures.

SHAP values: Lundberg et al., Nat. Mach. Intell. 2020, 2, 56, doi 10.1038/s42256-019-0138-9 (exact for trees).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ase_bimetal.extras import name_extra
from ase_bimetal.model.bond_terms import chosen_terms
from ase_bimetal.model.regressors import BARE, SPARSE_NAME, TrainingRows, make_regressor
from ase_bimetal.model.table import CHI_ENV, FEATURES, LEVEL, DescriptorTable
from ase_bimetal.numbers import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ase_bimetal.lab.regressors.forest_card import OutOfFold

TARGET = "E_form (eV/metal)"
#: Explaining a row of a deep forest takes a tenth of a second or more, and a thousand fill a picture.
MOST_EXPLAINED = 1000
WEIGHT = "weight [eV/metal per standard deviation]"
# Okabe–Ito blue; cividis and PuOr can be told apart with any colour vision.
_BLUE = "#0072B2"
# What has no value: far from every colour of the sequence, whose middle is grey.
_NONE = "#D55E00"
_SEQUENTIAL, _DIVERGING = "cividis", "PuOr"
_KINDS = (("#0072B2", "o"), ("#E69F00", "s"), ("#009E73", "^"), ("#CC79A7", "D"), ("#000000", "v"), ("#D55E00", "P"))
#: Feature → its name in pictures.
LABELS = {
    "chi_env (Pauling)": "χ_env (Pauling)",
    "delta chi_M (Pauling)": "Δχ_M (Pauling)",
    "N_metal (atoms)": "N_metal (atoms)",
    "dopant ratio (-)": "dopant ratio (–)",
    "delta M (g/mol)": "ΔM (g/mol)",
    "H_mix (kJ/mol)": "H_mix (kJ/mol)",
    "D (Å)": "D (Å)",
    "delta R (Å)": "ΔR (Å)",
}


@dataclass(frozen=True, eq=False)
class ShapValues:
    """What each feature adds to each prediction of the random forest.

    Attributes
    ----------
    values
        (n, 8) SHAP values [eV/metal], columns as in `ase_bimetal.model.table.FEATURES`.
    features
        (n, 8) feature values; χ_env is missing for bare metal, whose share of being bare is counted with χ_env.
    base
        Mean prediction [eV/metal]: base plus a row of values is that row's prediction.
    model
        What was explained.
    """

    values: np.ndarray
    features: pd.DataFrame
    base: float
    model: str

    @property
    def importance(self) -> pd.Series:
        """Mean absolute SHAP value [eV/metal] by feature, largest first."""
        return pd.Series(np.abs(self.values).mean(axis=0), FEATURES).sort_values(ascending=False)

    def to_frame(self) -> pd.DataFrame:
        """Give the values as a table.

        There is one column a feature.
        """
        return pd.DataFrame(self.values, columns=[f"SHAP of {name} [eV/metal]" for name in FEATURES])


def pearson_matrix(table: DescriptorTable) -> pd.DataFrame:
    """Compute Pearson's r of features and E_form, (9, 9).

    Rows without χ_env, those of bare metal, are left out of its correlations. A feature that does not vary has none.
    """
    return table.features.assign(**{TARGET: table.targets}).corr()


def shap_values(table: DescriptorTable, rows: TrainingRows = "minima", seed: int = 0) -> ShapValues:
    """Train the random forest and explain its predictions.

    At most `MOST_EXPLAINED` rows, drawn at random, are explained.

    Parameters
    ----------
    table
        Rows to train on; those that are explained are among them.
    rows
        Which tuned settings to use: ``"minima"`` or ``"configurations"``.
    seed
        Seed of the forest.

    Raises
    ------
    MissingPackageError
        shap is not installed (extra ``explain``).
    """
    explainer_of = _tree_explainer()
    pipeline = make_regressor("random forest", seed, rows)
    pipeline.fit(table.features, table.targets)
    explained = table.features
    if len(explained) > MOST_EXPLAINED:
        explained = explained.sample(MOST_EXPLAINED, random_state=seed).sort_index()
    filled = pipeline[:-1].transform(explained)
    explainer = explainer_of(pipeline[-1], feature_perturbation="tree_path_dependent")
    found = pd.DataFrame(explainer.shap_values(filled, check_additivity=True), columns=filled.columns)
    # Being bare metal and the missing χ_env are one fact; Shapley values of the two add up.
    found[CHI_ENV] += found.pop(BARE)
    base = float(np.ravel(explainer.expected_value)[0])
    name = f"random forest, 8 features, n = {len(table.features)} {rows}"
    return ShapValues(found[list(FEATURES)].to_numpy(), explained, base, name)


def sparse_formula(table: DescriptorTable, rows: TrainingRows = "minima", seed: int = 0) -> pd.Series:
    """Fit the sparse polynomial as a formula.

    It is one of the eight features.

    Parameters
    ----------
    table
        Rows to fit.
    rows
        Which tuned settings to use: ``"minima"`` or ``"configurations"``.
    seed
        Seed of the regressor.

    Returns
    -------
    pandas.Series
        Term → weight [eV/metal per standard deviation of the term], largest first.
    """
    pipeline = make_regressor(SPARSE_NAME, seed, rows)
    pipeline.fit(table.features, table.targets)
    return pd.Series(chosen_terms(pipeline), name=WEIGHT, dtype=float)


def formula_markdown(formula: pd.Series, n: int = 8) -> str:
    """Write the largest terms of `sparse_formula` in Markdown.

    The table says how many more there are.
    """
    lines = ["| term | weight (eV/metal per standard deviation) |", "| --- | --- |"]
    lines += [f"| {name} | {number(weight)} |" for name, weight in formula.iloc[:n].items()]
    more = len(formula) - n
    return "\n".join([*lines, *([f"\nand {more} smaller terms."] if more > 0 else [])])


def pearson_figure(matrix: pd.DataFrame) -> Figure:
    """Draw the Pearson matrix as a coloured grid.

    Its numbers stand in the cells.
    """
    figure, axes = _new(7.4, 6.4)
    names = [LABELS.get(name, name) for name in matrix]
    image = axes.imshow(matrix, cmap=_DIVERGING, vmin=-1, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    for i, j in np.ndindex(matrix.shape):
        value = matrix.iat[i, j]
        colour = "white" if abs(value) > 0.7 else "black"
        axes.text(j, i, number(value), ha="center", va="center", fontsize=8, color=colour)
    figure.colorbar(image, ax=axes, label="Pearson's r (–)", shrink=0.85)
    axes.set_title(f"Eight features and E_form ({LEVEL})", fontsize=10)
    return figure


def shap_bar(found: ShapValues) -> Figure:
    """Draw the mean absolute SHAP value of each feature."""
    figure, axes = _new(6.0, 3.6)
    importance = found.importance[::-1]
    bars = axes.barh([LABELS[name] for name in importance.index], importance, color=_BLUE)
    axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    axes.set_xlabel("mean |SHAP value| (eV/metal)")
    axes.set_xlim(0, 1.12 * importance.max())
    return _titled(figure, axes, found)


def shap_beeswarm(found: ShapValues, seed: int = 0) -> Figure:
    """Draw one dot for each row and feature.

    Its place is the SHAP value; colour is how large the feature is among the rows.
    """
    figure, axes = _new(6.8, 4.4)
    order = list(found.importance.index[::-1])
    rng = np.random.default_rng(seed)
    for height, name in enumerate(order):
        column = found.values[:, FEATURES.index(name)]
        known = found.features[name].notna().to_numpy()
        rank = found.features[name].rank(pct=True).to_numpy()
        offset = height + _spread(column, rng)
        axes.scatter(column[~known], offset[~known], s=9, color=_NONE, linewidths=0)
        dots = axes.scatter(
            column[known], offset[known], c=rank[known], cmap=_SEQUENTIAL, vmin=0, vmax=1, s=9, linewidths=0
        )
    axes.set_yticks(range(len(order)), [LABELS[name] for name in order])
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_xlabel("SHAP value: effect on E_form (eV/metal)")
    bar = figure.colorbar(dots, ax=axes, ticks=[0, 1], label="feature value (rank; orange: none, bare metal)")
    bar.ax.set_yticklabels(["low", "high"])
    return _titled(figure, axes, found)


def shap_dependence(found: ShapValues, columns: int = 4) -> Figure:
    """Draw SHAP values against their features.

    Dots are coloured by H_mix (by D for H_mix).
    """
    figure, axes = _panels(11.0, 5.4, -(-len(FEATURES) // columns), columns)
    colouring = {name: "D (Å)" if name == "H_mix (kJ/mol)" else "H_mix (kJ/mol)" for name in FEATURES}
    for name, panel in zip(found.importance.index, axes.flat, strict=True):
        by = colouring[name]
        dots = panel.scatter(
            found.features[name],
            found.values[:, FEATURES.index(name)],
            c=found.features[by],
            cmap=_SEQUENTIAL,
            s=10,
            linewidths=0,
        )
        panel.axhline(0.0, color="black", linewidth=0.6)
        panel.set_xlabel(LABELS[name], fontsize=9)
        panel.tick_params(labelsize=8)
        bar = figure.colorbar(dots, ax=panel)
        bar.set_label(LABELS[by], fontsize=8)
        bar.ax.tick_params(labelsize=8)
    for panel in axes[:, 0]:
        panel.set_ylabel("SHAP value (eV/metal)", fontsize=9)
    figure.suptitle(f"{found.model}; {LEVEL}", fontsize=10)
    return figure


def parity_figure(table: DescriptorTable, found: Mapping[str, OutOfFold]) -> Figure:
    """Draw out-of-fold predictions against the labels.

    They are the descriptor forest's, one panel for each kind of novelty.

    Parameters
    ----------
    table
        The rows.
    found
        What was left out → predictions from `ase_bimetal.lab.regressors.forest_card.out_of_fold`.
    """
    figure, panels = _panels(4.6 * len(found), 4.4, 1, len(found))
    kinds = table.rows.surroundings.to_numpy()
    low, high = table.targets.min() - 0.3, table.targets.max() + 0.3
    for (novelty, predicted), axes in zip(found.items(), panels.flat, strict=True):
        for kind, (colour, marker) in zip(sorted(set(kinds)), _KINDS, strict=False):
            rows = kinds == kind
            mae = np.abs(predicted.means[rows] - table.targets[rows]).mean()
            axes.plot(
                table.targets[rows],
                predicted.means[rows],
                marker,
                color=colour,
                markersize=3.5,
                alpha=0.6,
                markeredgewidth=0,
                label=f"{kind}: MAE {mae:.2f}, n = {rows.sum()}",
            )
        axes.plot([low, high], [low, high], "-", color="black", linewidth=0.8)
        axes.set(
            xlim=(low, high),
            ylim=(low, high),
            aspect="equal",
            xlabel="label E_form (eV/metal)",
            ylabel="predicted E_form (eV/metal)",
        )
        axes.set_title(f"left out: {novelty}", fontsize=10)
        axes.legend(fontsize=7, frameon=False, loc="upper left")
    figure.suptitle(f"descriptor forest; {LEVEL}; MAE in eV/metal", fontsize=10)
    return figure


@name_extra()
def _tree_explainer() -> Callable[..., Any]:
    """shap's explainer of tree models."""
    with warnings.catch_warnings():
        # shap 0.51 colours its own plots, unused here, in a way that matplotlib is about to drop.
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        from shap import TreeExplainer
    explainer: Callable[..., Any] = TreeExplainer
    return explainer


def _new(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure with one panel."""
    figure, panels = _panels(width, height, 1, 1)
    return figure, panels[0, 0]


def _panels(width: float, height: float, rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    """A figure of its own, outside pyplot's global list, and its axes (rows, columns)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _titled(figure: Figure, axes: Axes, found: ShapValues) -> Figure:
    axes.set_title(f"{found.model}\n{LEVEL}", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _spread(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vertical offsets (n,) within ±0.4 that grow with the number of values nearby."""
    counts, edges = np.histogram(values, bins=40)
    crowd = counts[np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(counts) - 1)]
    offsets: np.ndarray = rng.uniform(-0.4, 0.4, len(values)) * crowd / counts.max()
    return offsets


__all__ = [
    "LABELS",
    "TARGET",
    "ShapValues",
    "formula_markdown",
    "parity_figure",
    "pearson_figure",
    "pearson_matrix",
    "shap_bar",
    "shap_beeswarm",
    "shap_dependence",
    "shap_values",
    "sparse_formula",
]
