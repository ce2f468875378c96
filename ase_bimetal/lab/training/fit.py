"""Train the shipped ensemble and write its checkpoint with a complete card."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ase_bimetal.examples import example_names, load_example
from ase_bimetal.lab.labels.dataset import LabelSet
from ase_bimetal.lab.training.against_pbe import level_card
from ase_bimetal.lab.training.calibrate import Holdout, fold_interval, fold_term, inside_interval, inside_terms
from ase_bimetal.lab.training.data import MAX_RATTLE, TrainingData, prepare, trainable
from ase_bimetal.lab.training.evaluate import (
    FoldResult,
    Run,
    all_folds,
    evaluate_folds,
    fold_result,
    holdout,
    table,
    train_ensemble,
)
from ase_bimetal.lab.training.module import TrainingOptions
from ase_bimetal.lab.training.splits import random_split
from ase_bimetal.model.card import EncoderCard, LabelsCard, ModelCard, Target
from ase_bimetal.model.checkpoint import DEFAULT_MODEL, save_checkpoint
from ase_bimetal.model.domain import describe_domain
from ase_bimetal.model.interface import require_predictions
from ase_bimetal.model.ligand_encoder import LigandEncoder
from ase_bimetal.model.mml import MML, MMLConfig
from ase_bimetal.model.predictor import Predictor, get_predictor
from ase_bimetal.system import as_system

#: Key of the card's uncertainty → the splits that measure it.
_NOVELTY = {
    "unseen_element": "leave one dopant out",
    "unseen_ligand": "leave one ligand out",
    "unseen_family": "leave one family out",
    "unseen_size": "larger cores",
}
LEVEL = "PBE-referenced GFN1-xTB"
LIMITS = (
    "Configurations near relaxed parents of the cluster families named under domain; nothing else was seen.",
    "Labels are GFN1-xTB energies; what takes them to PBE was learned from the few objects named under level "
    "difference.",
    "Elements and donors with no or few density-functional energies are flagged; ± is wide there.",
    "PBE has no dispersion and GFN1-xTB has it: the difference was learned on small ligands, so that bulky shells "
    "keep the dispersion of GFN1-xTB between their ligands.",
    "Closed-shell treatment throughout: magnetic 3d dopants are described without spin polarisation.",
    "A dopant, ligand or family outside the training set is predicted with the errors of the leave-one-out rows.",
)


@dataclass(frozen=True)
class FoldBudget:
    """What each leave-one-out fold is given.

    Rows per epoch (None: all), epochs (None: as the rest), networks.
    """

    rows: int | None = None
    epochs: int | None = None
    seeds: int = 1

    def of(self, options: TrainingOptions) -> TrainingOptions:
        """Give the options for networks of the folds."""
        return replace(options, epochs=self.epochs or options.epochs, rows_per_epoch=self.rows)

    @property
    def n_validation(self) -> int | None:
        """Validation rows of a fold: a fifth of an epoch."""
        return None if self.rows is None else max(self.rows // 5, 1)


def train_model(
    labels: LabelSet,
    target: Path,
    members: int = 3,
    options: TrainingOptions | None = None,
    workers: int = 1,
    ligand_encoder: str = "bundled",
    folds: FoldBudget | None = None,
) -> ModelCard:
    """Train an ensemble, measure it and save it.

    It is trained on the random 8:1:1 split and measured on every split.

    Finished networks and folds are kept in ``TARGET/unfinished-…`` until all is done: the same call goes on from there.

    Parameters
    ----------
    labels
        Labels, from `load_labels`.
    target
        Folder of the checkpoint.
    members
        Networks in the ensemble; each has its own seed.
    options
        Training options.
    workers
        Processes for the members and the leave-one-out folds.
    ligand_encoder
        ``"bundled"``, or hub id or path of another T5 encoder.
    folds
        What each leave-one-out fold is given; the random split always has all rows in every epoch.

    Returns
    -------
    ModelCard
        The card.
    """
    options = options or TrainingOptions()
    encoder = LigandEncoder(ligand_encoder)
    data = prepare(trainable(labels.frame), encoder)
    config = MMLConfig(ligand_width=data.encoded[0].ligand_embedding.shape[1])
    unfinished = target / f"unfinished-{_digest(labels, encoder, config, options)}"
    run = Run(data, config, options, unfinished)
    split = random_split(len(data.targets))
    ensemble = train_ensemble(run, split, members, workers)
    folds = folds or FoldBudget()
    short = replace(run, options=folds.of(options))
    held_out = {name: splits for name, splits in all_folds(data, folds.n_validation).items() if splits}
    results = {"random": [fold_result(run, split, ensemble)]} | evaluate_folds(short, held_out, folds.seeds, workers)
    card = ModelCard(
        **identity(DEFAULT_MODEL),
        data=_data_card(labels, data),
        training=asdict(options)
        | {
            "split": "random 8:1:1, seed 0",
            "rows per epoch of a fold": folds.rows,
            "epochs per fold": short.options.epochs,
            "networks per fold": folds.seeds,
        },
        target=Target(ensemble[0].mean, ensemble[0].std),
        **_measured(results, holdout(data, split.validation, ensemble), holdout(data, split.test, ensemble)),
        domain=describe_domain(data.systems, data.frame.family),
        fragments=labels.fragments,
        ligand_encoder=EncoderCard(ligand_encoder, encoder.digest),
        limits=LIMITS,
    )
    card = _save(target, [member.network for member in ensemble], card)
    shutil.rmtree(unfinished)
    return card


def _save(target: Path, networks: list[MML], card: ModelCard) -> ModelCard:
    """Write weights and card, then the level and the predictions that a later version is held against."""
    save_checkpoint(target, networks, card)
    card = replace(card, level_difference=level_card(Predictor(target)))
    save_checkpoint(target, networks, card)
    card = replace(card, golden=golden_predictions(target))
    save_checkpoint(target, networks, card)
    return card


def _digest(labels: LabelSet, encoder: LigandEncoder, *settings: Any) -> str:
    """What a kept network or fold depends on, as eight digits."""
    text = "\n".join([labels.digest, encoder.digest, version("ase-bimetal"), *map(repr, settings)])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def golden_predictions(model: str | Path) -> dict[str, float]:
    """Predict the shipped examples [eV/metal].

    A later version is held against these formation energies.
    """
    systems = [as_system(load_example(name)) for name in example_names()]
    found = require_predictions(get_predictor(model).predict(systems))
    return {name: item.formation_energy_per_metal for name, item in zip(example_names(), found, strict=True)}


def _measured(results: dict[str, list[FoldResult]], validation: Holdout, test: Holdout) -> dict[str, Any]:
    """Errors on every split and fold, calibrated standard deviations, and the intervals that come of them."""
    inside = inside_terms(validation)
    errors = {name: [fold.absolute_errors() for fold in folds] for name, folds in results.items()}
    terms = {key: fold_term(errors[name]) for key, name in _NOVELTY.items() if name in errors}
    intervals = {name: fold_interval(found) for name, found in errors.items() if name != "random"}
    return {
        "metrics": {name: table(folds) for name, folds in results.items()},
        "folds": {name: {f.fold: f.errors() for f in folds} for name, folds in results.items() if len(folds) > 1},
        "uncertainty": replace(inside, outside=terms),
        "intervals": {"random": inside_interval(test, inside)} | intervals,
    }


def identity(name: str) -> dict[str, Any]:
    """Say what a shipped model is.

    These are the words printed beside its numbers, as fields of a `ModelCard`.
    """
    return {
        "name": name,
        "created": datetime.now(UTC).date().isoformat(),
        "version": version("ase-bimetal"),
        "licence": "MIT (weights), CC BY 4.0 (labels)",
        "level": LEVEL,
        "unit": "eV per metal atom",
        "reference_state": "dimer",
    }


def _data_card(labels: LabelSet, data: TrainingData) -> LabelsCard:
    return LabelsCard(
        labels="GFN1-xTB",
        digest=labels.digest,
        labelled=len(labels.frame),
        rejected=len(labels.rejects),
        used=len(data.targets),
        left_out=f"rattles above {MAX_RATTLE} Å, whose strain inside the ligands the model cannot see",
        prototypes=int(data.frame.prototype.nunique()),
    )
