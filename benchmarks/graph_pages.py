"""Fill the page of the graph-only network: tables from its card, pictures from its attention on the test rows.

``python benchmarks/graph_pages.py`` takes a minute; run it after ``python -m ase_bimetal.lab.gcnn.fit FOLDER``.
Other labels than the shipped ones, if the network was trained on them, are the first argument.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from descriptor_pages import DOCS, fill

from ase_bimetal import as_system, load_example
from ase_bimetal.lab.gcnn import attention as seen
from ase_bimetal.lab.labels.dataset import SHIPPED, load_labels
from ase_bimetal.lab.paper.published import ATTENTION_ORDER, MODELS
from ase_bimetal.model.card import ModelCard
from ase_bimetal.model.checkpoint import DEFAULT_MODEL, load_checkpoint
from ase_bimetal.model.gcnn_model import GraphModel
from ase_bimetal.numbers import number
from ase_bimetal.plots import PAPER_STYLE

PUBLISHED = f"{MODELS['GCNN'].mae:.3f} / {MODELS['GCNN'].r2:.3f}"
CHARGE = "pearson with electrons taken by the ligand (GFN1-xTB charges)"


def errors_table(card: ModelCard, multimodal: ModelCard) -> str:
    """MAE and R² on the random split and each left-out dopant, beside the multimodal model where the rows agree."""
    same = card.data.digest == multimodal.data.digest
    lines = ["| test rows | n | GCNN | mean of training rows | multimodal model | published GCNN |", "|" + 6 * "---|"]
    rows = [("random 8:1:1", card.metrics["random"], multimodal.metrics["random"], PUBLISHED)]
    theirs = multimodal.folds["leave one dopant out"]
    rows += [
        (f"all with {name}", mine, theirs.get(name, {}), "–")
        for name, mine in card.folds["leave one dopant out"].items()
    ]
    for name, mine, other, published in rows:
        beside = other.get("MML") if same else None
        agree = beside and beside["n"] == mine["GCNN"]["n"]
        cells = [_cell(mine["GCNN"]), _cell(mine["mean"]), _cell(beside) if agree else "other rows", published]
        lines.append(f"| {name} | {mine['GCNN']['n']} | {' | '.join(cells)} |")
    used = card.data
    note = (
        f"MAE in eV/metal / R², against labels of GFN1-xTB. {card.name}@{card.sha256[:8]}; trained on "
        f"{used.used} of {used.usable} usable labels (digest {used.digest}), left-out dopants on "
        f"{card.training['fold_rows']} labels each."
    )
    return "\n".join([*lines, "", note])


def _cell(errors: dict[str, float]) -> str:
    return f"{number(errors['MAE'], 3)} / {number(errors['R2'], 3)}"


def attention_text(card: ModelCard) -> str:
    """Mean attention by kind and group, and the correlation with charge transfer."""
    found = card.attention
    lines = ["| atoms | mean attention | standard deviation | number |", "|---|---|---|---|"]
    wanted = ["metal", "S", "P", "C", "coordinating atoms", "other atoms"]
    for kind, row in {**found["groups"], **found["kinds"]}.items():
        if kind in wanted:
            lines.append(f"| {kind} | {row['mean']:.3f} | {row['std']:.3f} | {row['count']:.0f} |")
    pearson = found[CHARGE]
    lines += ["", "| attention of a ligand | Pearson r | within one kind of ligand |", "|---|---|---|"]
    for how in ("mean", "sum"):
        lines.append(f"| {how} over its heavy atoms | {pearson[how]:.2f} | {pearson[how + ' within a formula']:.2f} |")
    ours, same = list(found["groups"]), tuple(found["groups"]) == ATTENTION_ORDER
    order = (
        f"From high to low: {', '.join(ours)}; {'the same order as' if same else 'another order than'} the "
        f"published {', '.join(ATTENTION_ORDER)}. {found['ligands']} ligands of the test rows."
    )
    return "\n".join([*lines, "", order]).replace("| -", "| −")


def draw(model: GraphModel, labels: Path) -> None:
    """The structure, the kinds of atoms, and the ligands' charge, on rows that the network was not trained on."""
    frame, values = seen.attention_of_test_rows(model, load_labels(labels))
    table = seen.attention_table([as_system(atoms) for atoms in frame.atoms], values)
    example = load_example("Au4Pd2(PET)8")
    with plt.rc_context(dict(PAPER_STYLE)):
        figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3.0), width_ratios=(2, 1), layout="constrained")
        seen.draw_attention(example, seen.atom_attention(example, model=model), left, "Au₄Pd₂(PET)₈")
        seen.attention_bars(right, seen.attention_by_kind(table))
        figure.savefig(DOCS / "images" / "gcnn_attention.png", dpi=200)
        figure, axes = plt.subplots(1, 2, figsize=(6.8, 2.8), layout="constrained")
        ligands = seen.ligand_table(frame, values)
        for part, how in zip(np.ravel(axes), ("mean", "sum"), strict=True):
            seen.attention_against_charge(part, ligands, how)
        figure.savefig(DOCS / "images" / "gcnn_charge.png", dpi=200)


def main() -> None:
    """Fill the page."""
    model = GraphModel.load()
    fill(DOCS / "gcnn.md", "errors", errors_table(model.card, load_checkpoint(DEFAULT_MODEL).card))
    fill(DOCS / "gcnn.md", "attention", attention_text(model.card))
    draw(model, Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED)


if __name__ == "__main__":
    main()
