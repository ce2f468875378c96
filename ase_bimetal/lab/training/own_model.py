"""Train on one's own data, measure and calibrate on held-out rows, and save a model that loads like the shipped one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from lightning.pytorch.utilities import rank_zero_only

from ase_bimetal.errors import MissingDataError, WeightsError
from ase_bimetal.files import write_whole
from ase_bimetal.lab.training.calibrate import Holdout, inside_interval, inside_terms
from ase_bimetal.lab.training.data import TrainingData, prepare
from ase_bimetal.lab.training.evaluate import MML_NAME, FoldResult, table
from ase_bimetal.lab.training.fine_tune import LAST, Learner, OwnEnsemble, OwnOptions
from ase_bimetal.lab.training.metrics import mean_absolute_error
from ase_bimetal.lab.training.own_data import OwnData
from ase_bimetal.lab.training.splits import Split, random_split
from ase_bimetal.model.card import CorrectionsCard, EncoderCard, LabelsCard, LevelCard, ModelCard, Target, Uncertainty
from ase_bimetal.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ase_bimetal.model.domain import describe_domain
from ase_bimetal.model.level import level_digest
from ase_bimetal.model.ligand_encoder import BUNDLED, LigandEncoder

#: With fewer rows errors come from cross-validation, with more from the random 8:1:1 split.
CROSS_VALIDATED_BELOW = 100
N_FOLDS = 5
#: Held-out rows below which no interval can hold 90 % for sure: the largest of nine errors bounds the tenth.
FEWEST_FOR_INTERVALS = 9
FEWEST_ROWS = 4
_RUN_FILE = "run.json"
_NOVELTY = ("unseen_element", "unseen_ligand", "unseen_family", "unseen_size")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Measured:
    """What held-out rows say.

    Attributes
    ----------
    split
        How they were held out, in words.
    folds
        Their truth and predictions, by fold.
    calibration
        What the uncertainty is made from.
    interval
        Coverage and mean half-width [eV/metal] of nominal 90 % intervals on rows they were not calibrated on.
    """

    split: str
    folds: list[FoldResult]
    calibration: Holdout
    interval: dict[str, float]


def train_own_model(
    own: OwnData,
    target: Path,
    start: str | None = None,
    options: OwnOptions | None = None,
    ligand_encoder: str = BUNDLED,
    say: Say = lambda line: None,
) -> ModelCard:
    """Train, measure, calibrate and save.

    Parameters
    ----------
    own
        The rows.
    target
        Folder of the model; while training it holds a ``member-…`` folder each with ``last.ckpt`` and a CSV log.
    start
        Model to fine-tune; None trains from scratch.
    options
        How to train.
    ligand_encoder
        Encoder of a model from scratch; a fine-tuned one keeps that of its start.
    say
        Receives one line per stage.

    Returns
    -------
    ModelCard
        The card.

    Raises
    ------
    MissingDataError
        Too few rows.
    WeightsError
        The folder holds an unfinished run that is neither resumed nor like this one.
    """
    options = options or OwnOptions()
    if len(own.frame) < FEWEST_ROWS:
        raise MissingDataError(f"{len(own.frame)} usable rows; allowed: {FEWEST_ROWS} or more")
    checkpoint = None if start is None else load_checkpoint(start)
    source = ligand_encoder if checkpoint is None else checkpoint.card.encoder.source
    encoder = LigandEncoder(source)
    if checkpoint is not None:
        encoder.require_digest(checkpoint.card.encoder.digest)
    _claim(target, own, checkpoint, options)
    learner = Learner(prepare(own.frame, encoder), options, checkpoint)
    n_networks = options.members if checkpoint is None else len(checkpoint.members)
    say(f"training {n_networks} networks on {len(own.frame)} rows")
    split = _final_split(len(own.frame))
    ensemble = learner.fit(split.train, split.validation, target)
    say("measuring on held-out rows")
    measured = _measure(learner, split, ensemble)
    card = _card(own, learner, ensemble, measured, target.resolve().name, EncoderCard(source, encoder.digest))
    _save(target, ensemble, card)
    return card


def _claim(target: Path, own: OwnData, start: Checkpoint | None, options: OwnOptions) -> None:
    """Refuse a folder with an unfinished run that is not this one, and note what this one is."""
    run = {
        "data": own.digest,
        "rows": len(own.frame),
        "start": start and start.name,
        "training": asdict(options.training),
        "members": options.members,
        "shift only": options.shift_only,
    }
    path = target / _RUN_FILE
    unfinished = any(target.glob(f"member-*/{LAST}"))
    if unfinished and not options.resume:
        raise WeightsError(f"{target} holds an unfinished run; allowed: --resume, or another folder")
    if unfinished and json.loads(path.read_text()) != run:
        raise WeightsError(f"the unfinished run in {target} had other data or options; allowed: those of {path}")
    target.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(run, indent=1) + "\n")


@rank_zero_only
def _save(target: Path, ensemble: OwnEnsemble, card: ModelCard) -> None:
    """Write weights and card, then drop the checkpoints they replace; the first of several processes does it."""
    save_checkpoint(target, ensemble.members, card)
    (target / _RUN_FILE).unlink(missing_ok=True)
    for last in target.glob(f"member-*/{LAST}"):
        last.unlink()


def _final_split(n_rows: int) -> Split:
    """8:1:1 of many rows; of few, all are trained on but a tenth that chooses the best epoch."""
    if n_rows >= CROSS_VALIDATED_BELOW:
        return random_split(n_rows)
    order = np.random.default_rng(0).permutation(n_rows)
    return Split("all", *_with_validation(order), np.array([], dtype=int))


def _with_validation(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n_validation = max(2, len(rows) // 6)
    return rows[n_validation:], rows[:n_validation]


def _measure(learner: Learner, split: Split, ensemble: OwnEnsemble) -> Measured:
    if len(split.test):
        calibration, test = (_held(learner.data, rows, ensemble) for rows in (split.validation, split.test))
        fold = _fold(learner, "random", split.train, split.test, test)
        return Measured("random", [fold], calibration, inside_interval(test, inside_terms(calibration)))
    return cross_validate(learner)


def cross_validate(learner: Learner) -> Measured:
    """Predict every row by an ensemble without its fold."""
    n_rows = len(learner.data.targets)
    parts = np.array_split(np.random.default_rng(0).permutation(n_rows), min(N_FOLDS, n_rows))
    folds, held = [], []
    for k, test in enumerate(parts):
        known = np.concatenate([part for j, part in enumerate(parts) if j != k])
        ensemble = learner.fit(*_with_validation(known))
        held.append(_held(learner.data, test, ensemble))
        folds.append(_fold(learner, f"fold {k + 1}", known, test, held[-1]))
    inside = [inside_interval(item, inside_terms(_joined(held[:k] + held[k + 1 :]))) for k, item in enumerate(held)]
    sizes = [len(item.truth) for item in held]
    interval = {key: round(float(np.average([found[key] for found in inside], weights=sizes)), 4) for key in inside[0]}
    return Measured(f"{len(parts)}-fold cross-validation", folds, _joined(held), interval)


def _held(data: TrainingData, rows: np.ndarray, ensemble: OwnEnsemble) -> Holdout:
    found = ensemble.predict(data, rows)
    return Holdout(data.targets[rows], found.mean(axis=1), found.std(axis=1, ddof=1 if found.shape[1] > 1 else 0))


def _joined(parts: list[Holdout]) -> Holdout:
    return Holdout(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("truth", "mean", "spread")))


def _fold(learner: Learner, name: str, known: np.ndarray, test: np.ndarray, held: Holdout) -> FoldResult:
    """The model beside the mean of the known rows and, if there is one, the model it started from."""
    predicted = {MML_NAME: held.mean, "mean": np.full(len(test), learner.data.targets[known].mean())}
    if learner.start is not None:
        predicted["unchanged start"] = learner.unchanged.predict(learner.data, test).mean(axis=1)
    return FoldResult(name, held.truth, predicted)


def _card(
    own: OwnData, learner: Learner, ensemble: OwnEnsemble, measured: Measured, name: str, encoder: EncoderCard
) -> ModelCard:
    data, options = learner.data, learner.options
    return ModelCard(
        name=name,
        created=datetime.now(UTC).date().isoformat(),
        version=version("ase-bimetal"),
        licence="the owner's of the data",
        level=own.level,
        unit="eV per metal atom",
        reference_state="dimer" if not own.fitted_fragments else "fitted",
        fine_tuned_from=None if learner.start is None else learner.start.name,
        data=LabelsCard(
            labels=own.level,
            digest=own.digest,
            labelled=len(own.frame) + len(own.left_out),
            used=len(own.frame),
            left_out=[item.reason for item in own.left_out],
            rejected=len(own.left_out),
        ),
        training=asdict(options.training)
        | {"split": measured.split, "patience": options.patience, "shift only": options.shift_only},
        target=Target(ensemble.mean, ensemble.std),
        metrics={measured.split: table(measured.folds)},
        folds={measured.split: {fold.fold: _fold_errors(fold) for fold in measured.folds}},
        uncertainty=_uncertainty(learner, measured),
        intervals={measured.split: measured.interval},
        domain=describe_domain(data.systems, data.frame.family),
        corrections=_corrections(learner, ensemble),
        level_difference=_level(ensemble),
        ligand_encoder=encoder,
        fragments=own.fragments,
        fitted_fragments=own.fitted_fragments,
        limits=tuple(_limits(own, learner, measured)),
    )


def _fold_errors(fold: FoldResult) -> dict[str, dict[str, float]]:
    """MAE of every model [eV/metal]; a fold may hold one row, of which there is no R²."""
    return {
        name: {"MAE": round(mean_absolute_error(fold.truth, found), 4), "n": len(found)}
        for name, found in fold.predicted.items()
    }


def _uncertainty(learner: Learner, measured: Measured) -> Uncertainty:
    """Terms inside the data from held-out rows; outside at least those of the start, or the spread of the data."""
    terms = inside_terms(measured.calibration)
    spread = float(learner.data.targets.std())
    outside = dict.fromkeys(_NOVELTY, spread)
    if learner.start is not None:
        given = learner.start.card.deviations.outside
        outside = {key: given.get(key, max(given.values(), default=spread)) for key in _NOVELTY}
    if len(measured.calibration.truth) < FEWEST_FOR_INTERVALS:
        terms = replace(terms, floor=max(terms.floor, *outside.values()))
    inside = terms.floor * terms.scale
    return replace(terms, outside={key: round(max(value, inside), 5) for key, value in outside.items()})


def _level(ensemble: OwnEnsemble) -> LevelCard | None:
    """The level difference that the model goes on with; without a scale, for the own data calibrate the whole."""
    if ensemble.level is None:
        return None
    return LevelCard(level_digest(), ensemble.level.counts())


def _corrections(learner: Learner, ensemble: OwnEnsemble) -> CorrectionsCard:
    """The shift of the model in the form that the predictor reads."""
    elements = [value for name, value in ensemble.shift.items() if "-" not in name]
    spread = float(np.std(elements, ddof=1)) if len(elements) > 1 and learner.start is not None else 0.0
    return CorrectionsCard(ensemble.shift, round(spread, 4))


def _limits(own: OwnData, learner: Learner, measured: Measured) -> list[str]:
    n_held = len(measured.calibration.truth)
    found = [
        "Domain, flags and errors speak of the own data alone, not of what the start was trained on."
        if learner.start is not None
        else "Trained from scratch: nothing but the own data was seen.",
        f"Uncertainty calibrated on {n_held} held-out rows"
        + (
            ", too few for any interval to be sure of 90 %: the errors of new kinds stand in, which are wide."
            if n_held < FEWEST_FOR_INTERVALS
            else f" ({measured.split})."
        ),
        "New kinds of objects: the larger errors of the start, not measured on the own data."
        if learner.start is not None
        else "New kinds of objects: the spread of the own data, since nothing was measured outside of them.",
    ]
    if own.fitted_fragments:
        found.append(
            "Reference energies were fitted to all rows, held-out ones too: what depends on composition alone "
            "is not in these numbers, they compare to no eq. (1) value of another source, and held-out errors "
            "flatter."
        )
    return found


__all__ = ["Measured", "cross_validate", "train_own_model"]
