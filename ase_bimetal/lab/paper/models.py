"""The sections on models: errors beside the published Table 1, and the regressors on eight features."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from ase_bimetal.files import DATASETS, WEIGHTS
from ase_bimetal.lab.paper import published, words
from ase_bimetal.lab.paper.blocks import Section, Table
from ase_bimetal.lab.paper.gather import PageData
from ase_bimetal.lab.regressors.compare import BOND_NAME, Comparison, compare, out_of_fold
from ase_bimetal.lab.training.metrics import summary
from ase_bimetal.model.card import Errors, ModelCard, read_card
from ase_bimetal.model.checkpoint import EIGHT
from ase_bimetal.model.regressors import REGRESSORS, TrainingRows, make_regressor
from ase_bimetal.model.table import LEVEL, DescriptorTable
from ase_bimetal.numbers import number

#: Results of the ablations, where they ship, and the published name of each variant.
ABLATIONS = DATASETS / "ablations.json"
_VARIANTS = {
    "MML without descriptors": "no descriptors",
    "MML, H_mix only": "H_mix only",
    "MML, log P only": "log P only",
}
_FOREST = "random forest, 8 features"
#: Surroundings of the published forest's rows.
_FOREST_KINDS = ("ligands", "zeolite")
#: Rows that the regressors are compared on.
ROWS: tuple[TrainingRows, ...] = ("minima", "configurations")
_PAIRS = "by metal pair"


def errors_section(data: PageData) -> Section:
    """Make the counterpart of Table 1."""
    ours = {name: card.metrics["random"] for name, card in shipped_cards().items()}
    rows, sentences = [], []
    for name, theirs in published.MODELS.items():
        found, where = _ours(name, ours, data.table)
        rows.append(
            (
                name,
                _error(found),
                where,
                f"{theirs.mae:.3f}",
                number(theirs.r2, 3),
                f"{theirs.trained_mae:.3f} / {theirs.trained_r2:.3f}",
                theirs.rows,
            )
        )
        if found:
            sentences.append(words.compared_errors(name, found["MAE"], theirs.mae, where))
    extra = [row for model, errors in ours.items() for row in _others(model, errors)]
    table = Table(
        (
            "model",
            "our MAE / R²",
            "our rows",
            "published MAE",
            "published R²",
            "published, training rows",
            "published rows",
        ),
        tuple(rows + extra),
        f"MAE in eV/metal. Ours: {data.card.level}; forest: {LEVEL}. Published: "
        "density-functional labels. A dash: not measured, or not in the article.",
    )
    difference = "Labels, clusters and splits differ, so that a smaller number is not a better model."
    return Section("Errors of the models", difference, table, tuple(sentences))


def regressors_section(data: PageData) -> Section:
    """Make the section on regressors and simple baselines.

    The twelve regressors are compared on minima and on configurations.
    """
    found: dict[str, Comparison] = {rows: compare(data.described, rows) for rows in ROWS}
    theirs = published.MODELS[_FOREST]
    pairs = _errors_by_model(found["minima"], _PAIRS)
    best = min((name for name in REGRESSORS if name in pairs), key=pairs.__getitem__)
    difference = (
        f"For a metal pair that was left out the best of the twelve, {best}, errs by {pairs[best]:.2f} eV/metal on "
        f"minima, counting bonds by {pairs[BOND_NAME]:.2f} and always saying the mean by {pairs['mean']:.2f}; the "
        f"article's {theirs.mae:.3f} is for a random split of other rows."
    )
    counts = words.listed([f"{one.errors.n.iloc[0]:,} {rows}" for rows, one in found.items()])
    sentences = (
        f"Rows: {counts}, clusters and extended hosts alike; configurations are those that the descriptor forest grows "
        "from. Folds: five; settings: tuned by a recorded random search for each of the two kinds of rows.",
        _ranked(found["minima"]),
        *found["minima"].skipped.values(),
    )
    return Section("Regressors on eight features", difference, regressor_table(found), sentences)


def _ranked(found: Comparison) -> str:
    """Whether the twelve rank on a random split of ours as they do in the article."""
    ours = {name: mae for name, mae in _errors_by_model(found, "random").items() if name in published.REGRESSORS}
    theirs = {name: error.mae for name, error in published.REGRESSORS.items()}
    best, published_best = min(ours, key=ours.__getitem__), min(theirs, key=theirs.__getitem__)
    return (
        f"On a random split of minima {best} errs least, in the article {published_best}; by MAE the regressors "
        f"rank {words.same_order(ours, theirs)}."
    )


def regressor_table(found: Mapping[str, Comparison]) -> Table:
    """Tabulate out-of-fold errors side by side.

    The published forest stands beside them.

    Parameters
    ----------
    found
        Kind of rows → comparison.
    """
    columns = [(rows, split) for rows, one in found.items() for split in dict.fromkeys(one.errors.split)]
    errors = {
        (rows, row.model, row.split): f"{row.MAE:.3f} / {number(row.R2, 3)}"
        for rows, one in found.items()
        for row in one.errors.itertuples()
    }
    beside = {name: f"{theirs.mae:.3f} / {theirs.r2:.3f}" for name, theirs in published.REGRESSORS.items()}
    models = dict.fromkeys([*REGRESSORS, *(model for _, model, _ in errors)])
    lines = [
        (model, *(errors.get((rows, model, split), "not installed") for rows, split in columns), beside.get(model, "–"))
        for model in models
    ]
    return Table(
        ("regressor", *(f"ours: {rows}, {split}" for rows, split in columns), "published: random"),
        tuple(lines),
        f"MAE (eV/metal) / R² out of fold ({LEVEL}). Published: {published.MODELS[_FOREST].rows}.",
    )


def shipped_cards() -> dict[str, ModelCard]:
    """Read the cards of models that ship.

    They are those with errors on a random split, by folder.
    """
    folders = [path.parent for path in sorted(WEIGHTS.glob("*/weights.safetensors"))]
    cards = {folder.name: read_card(folder / "card.json") for folder in folders}
    return {name: card for name, card in cards.items() if "random" in card.metrics}


def forest_on_minima(table: DescriptorTable) -> tuple[dict[str, float], int]:
    """Compute the forest's out-of-fold error on minima.

    The rows are the lowest labels of clusters and zeolites, as in the article.
    """
    minima = table.minima()
    chosen = minima.where(minima.rows.surroundings.isin(_FOREST_KINDS).to_numpy())
    predicted = out_of_fold(lambda: make_regressor("random forest", 1, "minima"), chosen, "random")
    return summary(chosen.targets, predicted), len(chosen.targets)


def ablation(name: str) -> tuple[dict[str, float] | None, str]:
    """Give the mean error of a published ablation.

    It is a mean over seeds, where the results of ``evaluate --ablations`` ship.
    """
    members = json.loads(ABLATIONS.read_text())["members"] if ABLATIONS.is_file() else {}
    seeds = list(members.get(_VARIANTS.get(name, ""), {}).values())
    if not seeds:
        return None, "not measured"
    mean = {key: float(np.mean([seed[key] for seed in seeds])) for key in ("MAE", "R2")}
    return mean, f"{seeds[0]['n']:,} random test rows, mean of {len(seeds)} networks on fewer rows"


def _errors_by_model(found: Comparison, split: str) -> dict[str, float]:
    """Model → MAE [eV/metal] on one split."""
    rows = found.errors[found.errors.split == split]
    return dict(zip(rows.model, rows.MAE, strict=True))


def _ours(name: str, ours: Mapping[str, Mapping[str, Errors]], table: DescriptorTable) -> tuple[Errors | None, str]:
    """Our error for a published model, and the rows it was measured on."""
    if name == _FOREST:
        found, n = forest_on_minima(table)
        return found, f"out of fold, {n} minima of clusters and zeolites"
    for errors in ours.values():
        if name in errors:
            return errors[name], f"{errors[name]['n']:,} random test rows"
    return ablation(name)


def _others(model: str, errors: Mapping[str, Errors]) -> list[tuple[str, ...]]:
    """Lines for what a card measured and the article did not: of the regressors the forest, for the twelve follow."""
    left_out = {"mean", *published.MODELS, *(name + EIGHT for name in REGRESSORS)} - {_FOREST}
    return [
        (f"{name} ({model})", _error(error), f"{error['n']:,} random test rows", "–", "–", "–", "–")
        for name, error in errors.items()
        if name not in left_out
    ]


def _error(found: Errors | None) -> str:
    return f"{found['MAE']:.3f} / {number(found['R2'], 3)}" if found else "–"


__all__ = ["ablation", "errors_section", "forest_on_minima", "regressor_table", "regressors_section", "shipped_cards"]
