"""The sections on models: errors beside the published Table 1, SHAP values, and materials from the literature."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ase_bimetal.baselines import explain
from ase_bimetal.baselines.compare import out_of_fold
from ase_bimetal.baselines.regressors import REGRESSORS, make_regressor, missing_regressors
from ase_bimetal.baselines.table import LEVEL, DescriptorTable
from ase_bimetal.descriptors import ACCESSIBLE_ABOVE
from ase_bimetal.reproduce import figures, published, words
from ase_bimetal.reproduce.blocks import Section, Table, picture
from ase_bimetal.reproduce.gather import PageData
from ase_bimetal.reproduce.materials import DISTANCES
from ase_bimetal.reproduce.statistics import Correlation, correlation
from ase_bimetal.reproduce.words import number
from ase_bimetal.training.metrics import summary

_WEIGHTS = Path(__file__).parent.parent / "weights"
#: Card of the graph-only network, where it ships.
GRAPH_CARD = _WEIGHTS / "gcnn-gfn1-pbe" / "card.json"
#: Results of the ablations, where they ship, and the published name of each variant.
ABLATIONS = Path(__file__).parent.parent / "datasets" / "ablations.json"
_VARIANTS = {"MML without descriptors": "no descriptors", "MML, H_mix only": "H_mix only",
             "MML, log P only": "log P only"}
_FOREST = "random forest, 8 features"
#: Surroundings of the published forest's rows.
_FOREST_KINDS = ("ligands", "zeolite")
#: A bounded φ is taken at its middle when it is known to so much [-].
_NARROW = 0.1


def errors_section(data: PageData) -> Section:
    """The counterpart of Table 1, and the twelve regressors on minima."""
    ours = {name: card["metrics"]["random"] for name, card in shipped_cards().items()}
    rows, sentences = [], []
    for name, theirs in published.MODELS.items():
        found, where = _ours(name, ours, data.table)
        rows.append((name, _error(found), where, f"{theirs.mae:.3f}", number(theirs.r2, 3) if theirs.r2 else "–",
                     theirs.rows))
        if found:
            sentences.append(words.compared_errors(name, found["MAE"], theirs.mae, where))
    extra = [row for model, errors in ours.items() for row in _others(model, errors)]
    table = Table(("model", "our MAE / R²", "our rows", "published MAE", "published R²", "published rows"),
                  tuple(rows + extra), f"MAE in eV/metal. Ours: {data.card['level']}; forest: {LEVEL}. Published: "
                  "density-functional labels. A dash: not measured or not printed.")
    sentences.append("Labels, clusters and splits differ, so that a smaller number is not a better model.")
    return Section("Errors of the models", tuple(sentences), (table, regressor_table(data.table)))


def shipped_cards() -> dict[str, dict[str, Any]]:
    """Cards with errors on a random split of every model that ships, by folder."""
    cards = {path.parent.name: json.loads(path.read_text()) for path in sorted(_WEIGHTS.glob("*/card.json"))}
    return {name: card for name, card in cards.items() if "random" in card.get("metrics", {})}


def forest_on_minima(table: DescriptorTable) -> tuple[dict[str, float], int]:
    """Out-of-fold error of the forest on the lowest labels of clusters and zeolites, as in the article."""
    minima = table.minima()
    chosen = minima.where(minima.rows.surroundings.isin(_FOREST_KINDS).to_numpy())
    predicted = out_of_fold(lambda: make_regressor("random forest", 1, "minima"), chosen, "random")
    return summary(chosen.targets, predicted), len(chosen.targets)


def regressor_table(table: DescriptorTable) -> Table:
    """Out-of-fold errors of the twelve regressors on all minima, by a random split and by metal pair."""
    minima, skipped = table.minima(), missing_regressors()
    rows = []
    for name in REGRESSORS:
        if name in skipped:
            rows.append((name, "not installed", "not installed"))
            continue
        cells = []
        for split in ("random", "by metal pair"):
            predicted = out_of_fold(lambda name=name: make_regressor(name, 1, "minima"), minima, split)
            cells.append(_error(summary(minima.targets, predicted)))
        rows.append((name, *cells))
    return Table(("regressor", "random", "metal pair left out"), tuple(rows),
                 f"MAE (eV/metal) / R² of the twelve regressors on eight features, five folds, lowest label of "
                 f"{len(minima.targets)} prototypes ({LEVEL}).")


def shap_section(data: PageData) -> Section:
    """SHAP values of the forest on minima."""
    found = explain.shap_values(data.table.minima())
    importance = found.importance
    first, second = importance.index[:2]
    sentences = (
        f"{first} moves the forest's prediction most ({importance.iloc[0]:.2f} eV/metal on average), {second} next "
        f"({importance.iloc[1]:.2f}); together they make {100 * importance.iloc[:2].sum() / importance.sum():.0f} % of "
        "all eight.",
        "A SHAP value says what this forest does with these rows. The features hang together, since most follow from "
        "which metal the dopant is, so that the order may change with other rows.",
    )
    caption = f"{found.model} ({LEVEL})."
    drawn = (
        picture("shap_bar", explain.shap_bar(found), "Bars of mean absolute SHAP values by feature", caption),
        picture("shap_beeswarm", explain.shap_beeswarm(found), "Dots of SHAP values by feature", caption),
    )
    return Section("What the features do", sentences, (), drawn)


def attention_section(data: PageData) -> Section:
    """Attention of the graph-only network, as its card and one cluster show it."""
    card = json.loads(GRAPH_CARD.read_text())
    attention = card["attention"]
    groups = pd.DataFrame.from_dict(attention["groups"], orient="index").sort_values("mean", ascending=False)
    same = tuple(groups.index) == published.ATTENTION_ORDER
    told = [f"{name} {row['mean']:.2f} ± {row['std']:.2f}" for name, row in groups.iterrows()]
    links = [f"{number(value)} ({name})" for name, value in _charge_links(attention).items() if np.isfinite(value)]
    sentences = (
        f"Mean attention falls in the order {words.listed(told)}; the article has metal highest and coordinating atoms "
        f"next, which is {'the same order' if same else 'another order'}.",
        f"Pearson's r of a ligand's attention and the electrons it took: {words.listed(links)}, over "
        f"{attention['ligands']:,} ligands.",
        "Attention says what this network weighs; it is no cause, and another seed weighs differently.",
    )
    kinds = pd.DataFrame.from_dict(attention["kinds"], orient="index")
    drawn = picture("attention", figures.attention_figure(kinds, _attended_example()),
                    "Bars of mean attention by kind of atom, and a cluster coloured by attention",
                    f"{card['name']}: {attention['what']}; lines: one standard deviation.")
    return Section("Attention of the graph-only network", sentences, (), (drawn,))


def _charge_links(attention: dict[str, Any]) -> dict[str, float]:
    """The card's correlations between attention and charge, by how the attention was summed."""
    return next((value for key, value in attention.items() if key.startswith("pearson")), {})


def _attended_example() -> tuple[object, np.ndarray, str] | None:
    """The bundled cluster with its attention; None without torch-geometric (extra ``graph``)."""
    if find_spec("torch_geometric") is None:
        return None
    from ase_bimetal.baselines.attention import atom_attention
    from ase_bimetal.examples import load_example

    name = "Au4Pd2(PET)8"
    atoms = load_example(name)
    return atoms, atom_attention(atoms), name


def materials_section(data: PageData) -> Section:
    """Materials from the literature: φ, accessibility and estimated E_form."""
    rows = data.materials
    known, decided = rows[rows.phi.notna()], rows[rows.accessible.notna()]
    found = material_correlations(rows)
    table = Table(
        ("quantity", "ours", "published"),
        (
            ("materials", str(len(rows)), f"about {published.PHI_MATERIALS}"),
            ("materials with φ", str(len(known)), f"about {published.PHI_MATERIALS}"),
            (f"share with φ > {number(ACCESSIBLE_ABOVE, 1)}, φ known",
             words.share(int((known.phi > ACCESSIBLE_ABOVE).sum()), len(known)), "–"),
            ("the same, with bounds that decide", words.share(int(decided.accessible.sum()), len(decided)), "–"),
            ("materials with estimated E_form", str(int(rows.energy.notna().sum())),
             f"about {published.PHI_MATERIALS}"),
            *((f"Pearson's r of E_form and φ, {what}", _r(r), number(published.PHI_CORRELATION))
              for what, r in found.items()),
        ),
        f"E_form: {data.forest.name}; missing features go over its training rows. r with its 95 % interval.",
    )
    sentences = (
        *(f"With {what}: " + words.correlated(r, "φ", "estimated E_form") + " "
          + words.against_published(r, published.PHI_CORRELATION) for what, r in found.items()),
        f"The materials are others than in the article. {int(rows.metal_distance_A.notna().sum())} of them have a "
        "distance; for metals of equal radius φ needs none. The forest has seen few such surroundings: the intervals "
        "of r do not hold the error of its estimates.",
    )
    drawn = picture("materials", figures.materials_figure(rows), "Lines and points of φ by material",
                    "φ of materials from the literature: a point where it is known, else a line from its value at "
                    f"{DISTANCES[0]:g} Å to that at {DISTANCES[1]:g} Å.")
    return Section("Materials from the literature", sentences, (table, material_table(data)), (drawn,))


def material_correlations(rows: pd.DataFrame) -> dict[str, Correlation]:
    """Pearson's r of estimated E_form and φ, with φ from known only to the middle of any bounds.

    Materials of the same metals and surroundings that differ in nothing the features see count once.
    """
    once = rows.assign(key=rows.phi_low.round(3)).drop_duplicates(["host", "dopant", "surroundings", "key"])
    return {what: correlation(middle_phi(once, width), once.energy.to_numpy(float)) for what, width in (
        ("φ known", 0.0), (f"φ known or bounded to {_NARROW:g}", _NARROW), ("φ in the middle of any bounds", np.inf))}


def middle_phi(rows: pd.DataFrame, width: float) -> np.ndarray:
    """φ where known, the middle of its bounds where these are no wider than a width, else NaN; shape (n,)."""
    middle = ((rows.phi_low + rows.phi_high) / 2).where(rows.phi_high - rows.phi_low <= width)
    return rows.phi.fillna(middle).to_numpy(float)


def material_table(data: PageData) -> Table:
    """One line per material."""
    rows = []
    for row in data.materials.to_dict("records"):
        bounds = f"{number(row['phi_low'])} to {number(row['phi_high'])}" if np.isfinite(row["phi_low"]) else "–"
        energy = f"{number(row['energy'])} [{number(row['low'])}, {number(row['high'])}]" if not row["reason"] else (
            row["reason"])
        rows.append((row["name"], row["class"], number(row["phi"]) if np.isfinite(row["phi"]) else bounds,
                     number(row["H_mix (kJ/mol)"], 0), energy, row["doi"] or row["source"]))
    return Table(("material", "class", "φ or its bounds (–)", "H_mix (kJ/mol)", "E_form [90 % interval] (eV/metal)",
                  "source"), tuple(rows), f"Estimates: {data.forest.name}.")


def _ours(name: str, ours: dict[str, dict[str, Any]], table: DescriptorTable) -> tuple[dict[str, float] | None, str]:
    """Our error for a published model, and the rows it was measured on."""
    if name == _FOREST:
        found, n = forest_on_minima(table)
        return found, f"out of fold, {n} minima of clusters and zeolites"
    for errors in ours.values():
        if name in errors:
            return errors[name], f"{errors[name]['n']:,} random test rows"
    return ablation(name)


def ablation(name: str) -> tuple[dict[str, float] | None, str]:
    """Mean error over seeds of a published ablation, where the results of ``evaluate --ablations`` ship."""
    members = json.loads(ABLATIONS.read_text())["members"] if ABLATIONS.is_file() else {}
    seeds = list(members.get(_VARIANTS.get(name, ""), {}).values())
    if not seeds:
        return None, "not measured"
    mean = {key: float(np.mean([seed[key] for seed in seeds])) for key in ("MAE", "R2")}
    return mean, f"{seeds[0]['n']:,} random test rows, mean of {len(seeds)} networks on fewer rows"


def _others(model: str, errors: dict[str, Any]) -> list[tuple[str, ...]]:
    """Lines for what a card measured and the article did not, but for the mean predictor."""
    return [(f"{name} ({model})", _error(error), f"{error['n']:,} random test rows", "–", "–", "–")
            for name, error in errors.items() if name != "mean" and (name not in published.MODELS or name == _FOREST)]


def _error(found: dict[str, float] | None) -> str:
    return f"{found['MAE']:.3f} / {number(found['R2'], 3)}" if found else "–"


def _r(found: Correlation) -> str:
    if not found.is_known:
        return f"– (n = {found.n})"
    return f"{number(found.r)} [{number(found.low)}, {number(found.high)}], n = {found.n}"


__all__ = ["errors_section", "material_table", "materials_section", "regressor_table", "shap_section", "shipped_cards"]
