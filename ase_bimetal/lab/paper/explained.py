"""The sections on why: attention of the graph-only network, correlations and SHAP values of the eight features."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from ase_bimetal.errors import WeightsError
from ase_bimetal.files import WEIGHTS
from ase_bimetal.lab.paper import figures, published, words
from ase_bimetal.lab.paper.blocks import Picture, Section, Table, picture
from ase_bimetal.lab.paper.gather import PageData
from ase_bimetal.lab.paper.statistics import correlation
from ase_bimetal.lab.paper.words import ordinal
from ase_bimetal.lab.regressors import explain
from ase_bimetal.model.card import ModelCard, read_card
from ase_bimetal.model.regressors import SPARSE_NAME
from ase_bimetal.model.table import CHI_ENV, FEATURES, LEVEL, N_METAL
from ase_bimetal.numbers import number

#: Card of the graph-only network, where it ships.
GRAPH_CARD = WEIGHTS / "gcnn-gfn1-pbe" / "card.json"
#: Kinds of atoms of the published figure beside metal, which is a group of its own.
_KINDS = ("S", "P", "C")
_TERMS = 3
RATIO = FEATURES[3]


def attention_section(data: PageData) -> Section:
    """Make the section on the graph network's attention.

    Its card, its test rows and one cluster show it.
    """
    card = read_card(GRAPH_CARD)
    attention = card.attention
    groups = pd.DataFrame.from_dict(attention["groups"], orient="index").sort_values("mean", ascending=False)
    same = tuple(groups.index) == published.ATTENTION_ORDER
    difference = (
        f"Mean attention falls in the order {words.listed(list(groups.index))}; the article has metal highest and "
        f"coordinating atoms next, which is {'the same order' if same else 'another order'}, of another network "
        "trained on other labels."
    )
    kinds = pd.DataFrame.from_dict(attention["kinds"], orient="index")
    bars = picture(
        "attention",
        figures.attention_figure(kinds, _attended_example()),
        "Bars of mean attention by kind of atom, and a cluster coloured by attention",
        f"{card.name}: {attention['what']}; lines: one standard deviation.",
    )
    links, told = _ligand_picture(card)
    sentences = (*told, "Attention says what this network weighs; it is no cause, and another seed weighs differently.")
    return Section(
        "Attention of the graph-only network",
        difference,
        attention_table(attention, groups, kinds),
        sentences,
        (),
        (bars, *links),
    )


def attention_table(attention: Mapping[str, Any], groups: pd.DataFrame, kinds: pd.DataFrame) -> Table:
    """Tabulate mean attention beside what is published.

    Rows are groups and kinds of atoms; the correlation with charge is given.

    Parameters
    ----------
    attention
        That part of the card.
    groups, kinds
        ``mean``, ``std`` and ``count`` of the attention [-] by group and by kind of atom; groups highest first.
    """
    theirs = {name: ordinal(rank + 1) for rank, name in enumerate(published.ATTENTION_ORDER)}
    rows = [
        (name, f"{_mean(groups.loc[name])}, {ordinal(rank + 1)}", theirs[name])
        for rank, name in enumerate(groups.index)
    ]
    rows += [
        (f"{kind} atoms", _mean(kinds.loc[kind]), published.ATTENTION[kind]) for kind in _KINDS if kind in kinds.index
    ]
    rows += [
        (f"Pearson's r of a ligand's attention ({how}) and the electrons it took", number(value), "correlated")
        for how, value in _charge_links(attention).items()
    ]
    return Table(
        ("quantity", "ours", "published"),
        tuple(rows),
        f'Attention 0…1, mean ± standard deviation over atoms; {attention["ligands"]:,} ligands. "Within a '
        'formula": the mean of all ligands of one formula taken off.',
    )


def shap_section(data: PageData) -> Section:
    """Make the section on what drives the energies.

    It has Pearson's r and SHAP values of the eight features on minima, and the sparse formula.
    """
    minima = data.table.minima()
    found = explain.shap_values(minima)
    ranks = {name: rank + 1 for rank, name in enumerate(found.importance.index)}
    share = 100 * found.importance[CHI_ENV] / found.importance.sum()
    difference = (
        f"The article puts {words.listed(published.FIRST_FEATURES)} first; here they are "
        f"{words.listed([ordinal(ranks[name]) for name in (RATIO, CHI_ENV, N_METAL)])} of eight, and χ_env makes "
        f"{share:.0f} % of all SHAP values, on rows that hold zeolites and doped carbon beside clusters."
    )
    theirs = {name: ordinal(rank + 1) for rank, name in enumerate((RATIO, CHI_ENV, N_METAL))}
    table = Table(
        ("feature", "our mean |SHAP value| (eV/metal)", "published"),
        tuple(
            (explain.LABELS[name], f"{value:.2f}, {ordinal(ranks[name])}", theirs.get(name, "–"))
            for name, value in found.importance.items()
        ),
        f"{found.model} ({LEVEL}). A dash: not among the article's first three.",
    )
    sentences = (
        direction(found, CHI_ENV, "a higher χ_env"),
        direction(found, RATIO, "a medium to low dopant ratio"),
        "A SHAP value says what this forest does with these rows. The features hang together, since most follow from "
        "which metal the dopant is, so that the order may change with other rows.",
        _formula(explain.sparse_formula(minima)),
    )
    return Section("What the features do", difference, table, sentences, (), tuple(_shap_pictures(found, minima)))


def direction(found: explain.ShapValues, feature: str, theirs: str) -> str:
    """Say which way a feature pulls E_form.

    It is that of the forest, beside what the article says of it.

    Parameters
    ----------
    found
        SHAP values of the forest.
    feature
        Label of the feature.
    theirs
        What goes with more stable structures in the article, in words.
    """
    column = list(found.features.columns).index(feature)
    r = correlation(found.features[feature].to_numpy(float), found.values[:, column])
    name = explain.LABELS[feature].partition(" (")[0]
    claim = f"in the article {theirs} goes with more stable structures"
    if not r.is_known or r.low * r.high <= 0:
        return f"Whether a higher {name} makes structures more or less stable is not told by these rows; {claim}."
    effect = "more" if r.r < 0 else "less"
    return (
        f"A higher {name} makes structures {effect} stable in this forest (Pearson's r of its SHAP values and its "
        f"values {number(r.r)}); {claim}."
    )


def _shap_pictures(found: explain.ShapValues, minima: Any) -> list[Picture]:
    caption = f"{found.model} ({LEVEL})."
    matrix = explain.pearson_matrix(minima)
    return [
        picture(
            "pearson",
            explain.pearson_figure(matrix),
            "Matrix of Pearson's r of eight features and E_form",
            f"Pearson's r over {len(minima.targets)} minima ({LEVEL}); χ_env without bare metal.",
        ),
        picture("shap_bar", explain.shap_bar(found), "Bars of mean absolute SHAP values by feature", caption),
        picture("shap_beeswarm", explain.shap_beeswarm(found), "Dots of SHAP values by feature", caption),
        picture("shap_dependence", explain.shap_dependence(found), "SHAP values against each feature", caption),
    ]


def _formula(formula: pd.Series) -> str:
    """The largest terms of the sparse formula in a sentence."""
    told = [f"{name} ({number(weight)})" for name, weight in formula.iloc[:_TERMS].items()]
    return (
        f"As a formula in place of a forest, the {SPARSE_NAME} keeps {len(formula)} terms; the largest, in "
        f"eV/metal per standard deviation of the term, are {words.listed(told)}."
    )


def _ligand_picture(card: ModelCard) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """Attention of each ligand of the test rows against its charge, or why it is not drawn."""
    if find_spec("torch_geometric") is None:
        return (), ("Without torch-geometric (extra graph) attention is told from the card and not drawn anew.",)
    from ase_bimetal.lab.gcnn.attention import attention_of_test_rows, ligand_table
    from ase_bimetal.lab.labels.dataset import load_labels
    from ase_bimetal.model.gcnn_model import GraphModel

    try:
        frame, values = attention_of_test_rows(GraphModel.load(), load_labels())
    except WeightsError as error:
        return (), (f"Ligands are not drawn: {error}.",)
    ligands = ligand_table(frame, values)
    return (
        picture(
            "attention_charge",
            figures.ligand_charge_figure(ligands),
            "Two panels of dots: attention of ligands against the electrons they took",
            f"{card.name}: {len(ligands):,} ligands of its {len(frame):,} test rows, mean and sum over "
            "heavy atoms; charges of GFN1-xTB (Mulliken).",
        ),
    ), ()


def _mean(row: pd.Series) -> str:
    return f"{row['mean']:.2f} ± {row['std']:.2f}"


def _charge_links(attention: Mapping[str, Any]) -> dict[str, float]:
    """The card's correlations between attention and charge, by how the attention was summed."""
    return next((value for key, value in attention.items() if key.startswith("pearson")), {})


def _attended_example() -> tuple[object, np.ndarray, str] | None:
    """The bundled cluster with its attention; None without torch-geometric (extra ``graph``)."""
    if find_spec("torch_geometric") is None:
        return None
    from ase_bimetal.examples import load_example
    from ase_bimetal.lab.gcnn.attention import atom_attention

    name = "Au4Pd2(PET)8"
    atoms = load_example(name)
    return atoms, atom_attention(atoms), name


__all__ = ["attention_section", "attention_table", "direction", "shap_section"]
