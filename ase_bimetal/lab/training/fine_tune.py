"""Networks for one's own data: from scratch, or from trained weights with a shift and a few careful epochs."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from sklearn.linear_model import RidgeCV

from ase_bimetal.errors import MissingDataError
from ase_bimetal.formation import correction_features
from ase_bimetal.lab.training.data import TrainingData, loader
from ase_bimetal.lab.training.module import (
    MMLModule,
    TrainingOptions,
    fit_baseline,
    predict_rows,
    quiet_lightning,
    trainer,
)
from ase_bimetal.model.checkpoint import Checkpoint
from ase_bimetal.model.encode import Batch
from ase_bimetal.model.level import LevelDifference, level_of, level_terms
from ase_bimetal.model.mml import MML, MMLConfig

#: With fewer training rows the shift alone is fitted; a network needs more than that to learn a difference.
FEWEST_FOR_NETWORK = 12
#: A network from scratch needs at least as many rows.
FEWEST_FROM_SCRATCH = 16
#: Penalties of the shift; the one with the smallest leave-one-out error is taken.
_PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
LAST = "last.ckpt"
#: Gentler than training from nothing: the weights already know most of the answer.
FINE_TUNING = TrainingOptions(learning_rate=1e-3, contrastive_weight=0.0)
#: Few rows are shown in small batches, at least so large and about 20 an epoch: else an epoch is a single step.
_SMALLEST_BATCH, _BATCHES = 8, 20


@dataclass(frozen=True)
class OwnOptions:
    """How to train on one's own data.

    Attributes
    ----------
    training
        Epochs, rates and losses.
    members
        Networks in the ensemble; a fine-tuned one has those of its start.
    patience
        Epochs without a better validation error before a member stops.
    keep_shift
        Whether a fine-tuned model's shift starts at that of its start; else at zero.
    shift_only
        Whether fine-tuning leaves the networks as they are.
    devices, resume, progress
        As Lightning takes them; whether to go on from ``last.ckpt``; whether to draw progress bars.
    """

    training: TrainingOptions = TrainingOptions()
    members: int = 3
    patience: int = 10
    keep_shift: bool = True
    shift_only: bool = False
    devices: int | str = 1
    resume: bool = False
    progress: bool = False


@dataclass(frozen=True)
class OwnEnsemble:
    """Trained members and what follows them.

    Attributes
    ----------
    members
        Networks.
    mean, std
        Mean and standard deviation of their outputs [eV/metal].
    shift
        Metal → a_i and ``"S-X"``-like donor type → b_l [eV/metal].
    level
        The level difference of the start; None without.
    """

    members: tuple[MML, ...]
    mean: float
    std: float
    shift: dict[str, float]
    level: LevelDifference | None = None

    def predict(self, data: TrainingData, rows: np.ndarray) -> np.ndarray:
        """Predict formation energies (n, members) [eV/metal]."""
        outputs = [predict_rows(member, data, rows, self.mean, self.std) for member in self.members]
        energies: np.ndarray = np.stack(outputs, axis=1) + self.added(data, rows)[:, None]
        return energies

    def added(self, data: TrainingData, rows: np.ndarray) -> np.ndarray:
        """Compute what shift and level add (n,) [eV/metal]."""
        total = shift_of(data, rows, self.shift)
        if self.level is not None:
            total = total + np.array([self.level.predict(level_terms(data.systems[i]))[0] for i in rows])
        return total


class OwnModule(MMLModule):
    """The training loop for one's own data.

    It has a log, early stopping, and best weights that survive an interruption.
    """

    def training_step(self, rows: tuple[Batch, torch.Tensor], index: int) -> torch.Tensor:
        """Compute and log the loss of one batch."""
        loss = super().training_step(rows, index)
        self.log("training_loss", loss, batch_size=rows[0].size, on_epoch=True, on_step=False, prog_bar=True)
        return loss


@dataclass(frozen=True)
class Learner:
    """Fits ensembles to rows of one data set.

    Attributes
    ----------
    data
        The rows, with targets in eV/metal.
    options
        How to train.
    start
        Model whose weights to start from; None for scratch.
    """

    data: TrainingData
    options: OwnOptions
    start: Checkpoint | None = None

    @cached_property
    def unchanged(self) -> OwnEnsemble:
        """The start as it is, with its shift and level."""
        assert self.start is not None
        card = self.start.card
        target, shift = card.target, dict(card.own_corrections)
        return OwnEnsemble(self.start.members, target.mean, target.std, shift, level_of(card))

    @cached_property
    def before_shift(self) -> np.ndarray:
        """What the start says of every row before any shift, (n,) [eV/metal]."""
        bare = replace(self._begin, shift={})
        mean: np.ndarray = bare.predict(self.data, np.arange(len(self.data.targets))).mean(axis=1)
        return mean

    @property
    def _begin(self) -> OwnEnsemble:
        """The start, stripped of shift and level if they are not to be kept."""
        return self.unchanged if self.options.keep_shift else replace(self.unchanged, shift={}, level=None)

    def fit(self, train: np.ndarray, validation: np.ndarray, folder: Path | None = None) -> OwnEnsemble:
        """Train on some rows, with others to choose the best epoch.

        Parameters
        ----------
        train, validation
            Row numbers.
        folder
            Where checkpoints and logs go; none are written without it.

        Raises
        ------
        MissingDataError
            Too few rows to train from scratch.
        """
        if self.start is not None:
            return self._fine_tuned(train, validation, folder)
        if len(train) < FEWEST_FROM_SCRATCH:
            raise MissingDataError(
                f"{len(train)} training rows are too few to train from scratch; allowed: "
                f"{FEWEST_FROM_SCRATCH} or more, or --from a trained model"
            )
        mean, std = float(self.data.targets[train].mean()), float(self.data.targets[train].std())
        members = tuple(
            self._member(None, self.data, (train, validation), (mean, std), seed, _below(folder, seed))
            for seed in range(self.options.members)
        )
        return OwnEnsemble(members, mean, std, dict.fromkeys(_names(self.data, train), 0.0))

    def _fine_tuned(self, train: np.ndarray, validation: np.ndarray, folder: Path | None) -> OwnEnsemble:
        known = np.concatenate([train, validation])
        begin = self._begin
        shift = fit_shift(self.data, known, self.data.targets[known] - self.before_shift[known], begin.shift)
        moved = replace(begin, shift=shift)
        if self.options.shift_only or len(train) < FEWEST_FOR_NETWORK:
            return moved
        everything = np.arange(len(self.data.targets))
        rest = replace(self.data, targets=self.data.targets - moved.added(self.data, everything))
        members = tuple(
            self._member(member, rest, (train, validation), (moved.mean, moved.std), seed, _below(folder, seed))
            for seed, member in enumerate(moved.members)
        )
        return replace(moved, members=members)

    def _member(
        self,
        start: MML | None,
        data: TrainingData,
        rows: tuple[np.ndarray, np.ndarray],
        scale: tuple[float, float],
        seed: int,
        folder: Path | None,
    ) -> MML:
        """One trained network; with a start, one whose validation error is at most the start's."""
        (train, validation), (mean, std) = rows, scale
        training = _with_small_batches(self.options.training, len(train))
        lightning.seed_everything(seed, verbose=False)
        if start is None:
            module = OwnModule(MMLConfig(ligand_width=data.encoded[0].ligand_embedding.shape[1]), training)
            fit_baseline(module.network, data, train, (mean, std), training.baseline_ridge)
        else:
            module = OwnModule(start.config, training)
            module.network.load_state_dict(start.state_dict())
            for linear in (module.network.baseline, module.network.bare):
                linear.requires_grad_(False)
            module.best_state = copy.deepcopy(module.network.state_dict())
            found = predict_rows(start, data, validation, mean, std)
            module.best_error = float(np.abs(found - data.targets[validation]).mean()) / std
        batches = [
            loader(data, part, mean, std, size, seed, train=shuffled)
            for part, size, shuffled in ((train, training.batch_size, True), (validation, 128, False))
        ]
        return _run(module, batches, self.options, folder)


def _with_small_batches(training: TrainingOptions, n_rows: int) -> TrainingOptions:
    return replace(training, batch_size=min(training.batch_size, max(_SMALLEST_BATCH, n_rows // _BATCHES)))


def fit_shift(
    data: TrainingData, rows: np.ndarray, differences: np.ndarray, begin: Mapping[str, float]
) -> dict[str, float]:
    """Fit corrections that carry a model to other energies.

    There is one per metal and donor type, by ridge regression.

    Parameters
    ----------
    data, rows
        The rows to fit.
    differences
        Wanted minus predicted formation energies (n,) [eV/metal], before any shift.
    begin
        Corrections to start from, which what is not in the rows keeps, and towards which the ridge pulls.

    Returns
    -------
    dict
        Metal or donor type → correction [eV/metal].
    """
    names = _names(data, rows)
    x = _features(data, rows, names)
    rest = differences - x @ np.array([begin.get(name, 0.0) for name in names])
    weights = RidgeCV(_PENALTIES, fit_intercept=False).fit(x, rest).coef_
    added = {name: round(begin.get(name, 0.0) + float(w), 5) for name, w in zip(names, weights, strict=True)}
    return {**begin, **added}


def shift_of(data: TrainingData, rows: np.ndarray, shift: Mapping[str, float]) -> np.ndarray:
    """Compute what a shift adds to rows (n,) [eV/metal]."""
    names = sorted(shift)
    added: np.ndarray = _features(data, rows, names) @ np.array([shift[name] for name in names])
    return added


def _names(data: TrainingData, rows: np.ndarray) -> list[str]:
    return sorted({name for i in rows for name in correction_features(data.systems[i])})


def _features(data: TrainingData, rows: np.ndarray, names: Sequence[str]) -> np.ndarray:
    found = [correction_features(data.systems[i]) for i in rows]
    return np.array([[features.get(name, 0.0) for name in names] for features in found]).reshape(len(rows), len(names))


def _below(folder: Path | None, seed: int) -> Path | None:
    return None if folder is None else folder / f"member-{seed}"


def _run(module: OwnModule, batches: list[Any], options: OwnOptions, folder: Path | None) -> MML:
    """Train a module and give back its best network."""
    checkpoint = None if folder is None else folder / LAST
    going_on = options.resume and checkpoint is not None and checkpoint.is_file()
    with quiet_lightning():
        _trainer(options, folder).fit(
            module, batches[0], batches[1], ckpt_path=checkpoint if going_on else None, weights_only=True
        )
    module.network.load_state_dict(module.best_state)
    return module.network.cpu().eval().requires_grad_(False)


def _trainer(options: OwnOptions, folder: Path | None) -> lightning.Trainer:
    callbacks: list[lightning.Callback] = [EarlyStopping("validation_mae", patience=options.patience)]
    loggers: list[Any] = []
    if folder is not None:
        callbacks.append(ModelCheckpoint(folder, Path(LAST).stem, enable_version_counter=False))
        # A logger empties its folder, so that a resumed run writes beside the log of the first.
        earlier = len(list(folder.glob("log*"))) if options.resume else 0
        loggers.append(CSVLogger(folder.parent, folder.name, version=f"log-{earlier + 1}" if earlier else "log"))
        if find_spec("tensorboard") or find_spec("tensorboardX"):
            loggers.append(TensorBoardLogger(folder.parent, folder.name, version="tensorboard"))
    return trainer(
        options.training.epochs,
        options.progress and folder is not None,
        devices=options.devices,
        logger=loggers or False,
        callbacks=callbacks,
        enable_checkpointing=folder is not None,
    )


__all__ = ["FINE_TUNING", "Learner", "OwnEnsemble", "OwnModule", "OwnOptions", "fit_shift", "shift_of"]
