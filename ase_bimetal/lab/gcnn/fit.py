"""Train the shipped graph-only model and write its checkpoint with a complete card.

``python -m ase_bimetal.lab.gcnn.fit FOLDER`` keeps its state in FOLDER after every epoch and goes on from there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ase_bimetal.examples import load_example
from ase_bimetal.files import WEIGHTS
from ase_bimetal.lab.gcnn.attention import attention_by_kind, attention_table, charge_correlation, ligand_table
from ase_bimetal.lab.gcnn.training import GCNNOptions, labelled_graph, train_network
from ase_bimetal.lab.labels.dataset import LabelSet, load_labels
from ase_bimetal.lab.training.against_pbe import level_card
from ase_bimetal.lab.training.data import MAX_RATTLE, trainable
from ase_bimetal.lab.training.fit import identity
from ase_bimetal.lab.training.metrics import summary
from ase_bimetal.lab.training.splits import Split, balanced_rows, leave_dopant_out, random_split
from ase_bimetal.model.card import LabelsCard, ModelCard, Target
from ase_bimetal.model.checkpoint import save_checkpoint
from ase_bimetal.model.domain import describe_domain
from ase_bimetal.model.gcnn import GCNN, GCNNConfig, cluster_graph, evaluate_graphs, on_all_atoms
from ase_bimetal.model.gcnn_model import GRAPH_MODEL, GraphModel
from ase_bimetal.model.interface import require_predictions
from ase_bimetal.system import as_system

GCNN_NAME = "GCNN"
CHECKED = "Au4Pd2(PET)8"
LIMITS = (
    "A baseline beside the multimodal model: trained on a part of the labels, in minutes on one core.",
    "Labels are GFN1-xTB energies; what takes them to PBE was learned from the few objects named under level "
    "difference.",
    "Hydrogens are counted, not seen: how a ligand's hydrogens lie makes no difference.",
    "A dopant that was never seen is predicted with the errors of the leave-one-dopant-out rows, which are large.",
    "Attention says what this network weighs; it is no cause, and another seed weighs differently.",
)


@dataclass(frozen=True)
class FitPlan:
    """How much of the labels to use.

    Attributes
    ----------
    rows, validation_rows
        Training and validation rows of the random split, at most; evenly over prototypes.
    fold_rows, fold_epochs
        The same for each left-out dopant, and its passes over them.
    dopants
        Which dopants are left out; none for no folds.
    """

    rows: int = 2000
    validation_rows: int = 200
    fold_rows: int = 600
    fold_epochs: int = 12
    dopants: tuple[str, ...] = ("Pd", "Ru", "Zn")  # of groups 10, 8 and 12


class _Usable:
    """Labels with ``metals`` (set of elements); the same rows as objects and graphs, made when first asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        cores = [frozenset(atoms.symbols[atoms.arrays["fragment"] == 0]) for atoms in frame.atoms]
        self.frame = frame.assign(metals=cores)
        self.targets = frame.formation_energy.to_numpy(dtype=float)
        self.system = lru_cache(None)(lambda row: as_system(frame.atoms.iloc[row]))
        self.graph = lru_cache(None)(lambda row: labelled_graph(self.system(row), self.targets[row]))


@dataclass(frozen=True)
class _Fitted:
    """A network, the scale of its output, and its predictions and attention on the test rows."""

    network: GCNN
    mean: float
    std: float
    split: Split
    energies: np.ndarray
    attention: list[np.ndarray]
    train_mean: float

    def errors(self, targets: np.ndarray) -> dict[str, dict[str, float]]:
        truth = targets[self.split.test]
        return {GCNN_NAME: summary(truth, self.energies), "mean": summary(truth, np.full_like(truth, self.train_mean))}


def stratified(frame: pd.DataFrame, rows: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """Draw at most n rows, evenly over the prototypes.

    They are drawn in turn from each prototype, so that every prototype is there.

    Parameters
    ----------
    frame
        Labels with ``prototype``.
    rows
        Row numbers to choose from.
    n
        How many, at most.
    seed
        Of the order in which the rows of a prototype are drawn.
    """
    return balanced_rows(rows, n, frame.prototype.to_numpy(), seed)


def train_graph_model(
    labels: LabelSet,
    target: Path,
    work: Path,
    options: GCNNOptions | None = None,
    plan: FitPlan | None = None,
    config: GCNNConfig | None = None,
) -> ModelCard:
    """Train a graph network and measure its errors.

    It is trained on a stratified part of the random 8:1:1 split, and measured on all its test rows and on left-out
    dopants.

    Parameters
    ----------
    labels
        Labels.
    target
        Folder of the checkpoint.
    work
        Folder for the state of the training, which is taken up from there when interrupted.
    options, plan, config
        How to train, on how much, and the sizes of the network.
    """
    options, plan, config = options or GCNNOptions(), plan or FitPlan(), config or GCNNConfig()
    usable, work = _Usable(trainable(labels.frame)), work / labels.digest
    fitted = _fit(usable, random_split(len(usable.frame)), options, config, plan.rows, plan.validation_rows, work)
    short = GCNNOptions(**asdict(options) | {"epochs": plan.fold_epochs})
    folds = [
        _fit(usable, split, short, config, plan.fold_rows, plan.validation_rows, work)
        for split in leave_dopant_out(usable.frame)
        if split.name in plan.dopants
    ]
    card = ModelCard(
        **identity(GRAPH_MODEL),
        data=_data_card(labels, usable, len(fitted.split.train)),
        training=asdict(options) | asdict(plan) | {"split": "random 8:1:1, seed 0; evenly over prototypes"},
        **_results(usable, fitted, folds),
        fragments=labels.fragments,
        limits=LIMITS,
    )
    # Without a level the model is at that of its labels.
    card = replace(card, level_difference=level_card(GraphModel(fitted.network, card)))
    card = replace(card, check=check_value(GraphModel(fitted.network, card)))
    save_checkpoint(target, [fitted.network], card)
    return card


def check_value(model: GraphModel) -> dict[str, Any]:
    """Predict the example for the card.

    What the weights gave when they were made, later code must give too.
    """
    [found] = require_predictions(model.predict([as_system(load_example(CHECKED))]))
    return {"example": CHECKED, "formation_energy_per_metal": round(found.formation_energy_per_metal, 5)}


def _fit(
    usable: _Usable, split: Split, options: GCNNOptions, config: GCNNConfig, n_train: int, n_validation: int, work: Path
) -> _Fitted:
    """Train on stratified rows of a split and predict all its test rows."""
    chosen = Split(
        split.name,
        stratified(usable.frame, split.train, n_train),
        stratified(usable.frame, split.validation, n_validation),
        split.test,
    )
    train, validation = ([usable.graph(row) for row in rows] for rows in (chosen.train, chosen.validation))
    network, scale = train_network(train, validation, options, config, seed=0, folder=work / split.name)
    test = [cluster_graph(usable.system(row)) for row in split.test]
    energies, attention = evaluate_graphs(network, test, scale.mean, scale.std)
    train_mean = float(usable.targets[chosen.train].mean())
    return _Fitted(network, scale.mean, scale.std, chosen, energies, attention, train_mean)


def _results(usable: _Usable, fitted: _Fitted, folds: Sequence[_Fitted]) -> dict[str, Any]:
    """What the card says of the training rows and of the errors on the others."""
    seen, targets = fitted.split.train, usable.targets
    pooled = {"left-out dopants": _pooled(folds, targets)} if folds else {}
    return {
        "target": Target(fitted.mean, fitted.std),
        "metrics": {"random": fitted.errors(targets)} | pooled,
        "folds": {"leave one dopant out": {fold.split.name: fold.errors(targets) for fold in folds}},
        "attention": _attention_card(usable, fitted),
        "domain": describe_domain([usable.system(row) for row in seen], usable.frame.family.iloc[seen]),
    }


def _pooled(folds: Sequence[_Fitted], targets: np.ndarray) -> dict[str, dict[str, float]]:
    """Errors over the test rows of all folds together."""
    truth = np.concatenate([targets[fold.split.test] for fold in folds])
    means = np.concatenate([np.full(len(fold.split.test), fold.train_mean) for fold in folds])
    energies = np.concatenate([fold.energies for fold in folds])
    return {GCNN_NAME: summary(truth, energies), "mean": summary(truth, means)}


def _attention_card(usable: _Usable, fitted: _Fitted) -> dict[str, Any]:
    """Attention on the test rows by kind of atom, and beside the charge that each ligand took."""
    systems, frame = [usable.system(row) for row in fitted.split.test], usable.frame.iloc[fitted.split.test]
    means = [levels.mean(axis=1) for levels in fitted.attention]
    values = [on_all_atoms(system, mean) for system, mean in zip(systems, means, strict=True)]
    table, ligands = attention_table(systems, values), ligand_table(frame, values)
    groups = table.assign(kind=_groups(table))
    return {
        "what": "sigmoid attention 0…1, mean of seven local levels, over all test rows of the random split",
        "kinds": attention_by_kind(table).round(4).to_dict("index"),
        "groups": attention_by_kind(groups).round(4).to_dict("index"),
        "pearson with electrons taken by the ligand (GFN1-xTB charges)": charge_correlation(ligands),
        "ligands": len(ligands),
    }


def _groups(table: pd.DataFrame) -> np.ndarray:
    """The published groups of atoms: metal, coordinating, other."""
    return np.where(table.kind == "metal", "metal", np.where(table.donor, "coordinating atoms", "other atoms"))


def _data_card(labels: LabelSet, usable: _Usable, used: int) -> LabelsCard:
    return LabelsCard(
        labels="GFN1-xTB",
        digest=labels.digest,
        labelled=len(labels.frame),
        usable=len(usable.frame),
        used=used,
        left_out=f"rattles above {MAX_RATTLE} Å, as for the multimodal model",
        prototypes=int(usable.frame.prototype.nunique()),
    )


def main() -> None:
    """Train with the shipped labels and settings."""
    torch.set_num_threads(1)
    card = train_graph_model(load_labels(), WEIGHTS / GRAPH_MODEL, Path(sys.argv[1]))
    shown = {"metrics": card.metrics, "folds": card.folds, "attention": card.attention}
    print(json.dumps(shown, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
