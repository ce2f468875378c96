"""How good the model is: every split, beside a mean predictor and a random forest."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch

from ase_bimetal.baselines.regressors import BASELINES, fit_predict
from ase_bimetal.model.mml import MML, MMLConfig
from ase_bimetal.training.calibrate import Held
from ase_bimetal.training.data import TrainingData
from ase_bimetal.training.metrics import summary
from ase_bimetal.training.module import TrainingOptions, predict_rows, train_one
from ase_bimetal.training.splits import HELD_OUT, Split

MML_NAME = "MML"


@dataclass(frozen=True)
class FoldResult:
    """Predictions of one held-out fold.

    ``truth`` (n,) and every array of ``predicted`` (n,) in eV/metal, keyed by model name.
    """

    fold: str
    truth: np.ndarray
    predicted: dict[str, np.ndarray]

    def errors(self) -> dict[str, dict[str, float]]:
        """MAE, RMSE and R² of every model on this fold."""
        return {name: summary(self.truth, values) for name, values in self.predicted.items()}


@dataclass(frozen=True)
class Trained:
    """A network and the mean and standard deviation [eV/metal] that its outputs are scaled with."""

    network: MML
    mean: float
    std: float

    def predict(self, data: TrainingData, rows: np.ndarray) -> np.ndarray:
        """Formation energies of some rows at the label level [eV/metal]."""
        return predict_rows(self.network, data, rows, self.mean, self.std)


def train_ensemble(
    data: TrainingData, split: Split, config: MMLConfig, options: TrainingOptions, members: int, workers: int = 1
) -> list[Trained]:
    """Train networks that differ in their seed alone, in several processes if asked to."""
    if workers == 1:
        return [Trained(*train_one(data, split, config, options, seed)) for seed in range(members)]
    with _pool(workers, data, config, options) as pool:
        return list(pool.map(_member_of_worker, [split] * members, range(members)))


def evaluate_folds(
    data: TrainingData, splits: Iterable[Split], config: MMLConfig, options: TrainingOptions, workers: int = 1
) -> list[FoldResult]:
    """Train one network per fold, in several processes, and predict its test rows."""
    if workers == 1:
        return [_fold(data, config, options, split) for split in splits]
    with _pool(workers, data, config, options) as pool:
        return list(pool.map(_fold_of_worker, splits))


def _pool(workers: int, *shared: Any) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker, initargs=shared)


def held(data: TrainingData, rows: np.ndarray, ensemble: list[Trained]) -> Held:
    """Truth, mean and spread of an ensemble on some rows."""
    found = np.stack([member.predict(data, rows) for member in ensemble])
    return Held(data.targets[rows], found.mean(axis=0), found.std(axis=0, ddof=1))


def fold_result(data: TrainingData, split: Split, ensemble: list[Trained]) -> FoldResult:
    """Test-row predictions of an ensemble (mean over members) and of every baseline."""
    features, train = data.features, np.concatenate([split.train, split.validation])
    predicted = {MML_NAME: np.mean([member.predict(data, split.test) for member in ensemble], axis=0)}
    for name in BASELINES:
        predicted[name] = fit_predict(name, features, data.targets, train, split.test)
    return FoldResult(split.name, data.targets[split.test], predicted)


def all_folds(data: TrainingData, max_rows: int | None = None) -> dict[str, list[Split]]:
    """Every split but the random one.

    Parameters
    ----------
    data
        All rows.
    max_rows
        Training rows per fold, at most, drawn evenly over the prototypes.
    """
    kinds = data.frame.prototype.to_numpy()
    return {
        name: [split.thinned(max_rows or len(data.targets), kinds) for split in splits(data.frame)]
        for name, splits in HELD_OUT.items()
    }


def table(results: list[FoldResult]) -> dict[str, dict[str, float]]:
    """Errors over all folds' test rows together, per model."""
    truth = np.concatenate([r.truth for r in results])
    names = results[0].predicted
    return {name: summary(truth, np.concatenate([r.predicted[name] for r in results])) for name in names}


def _fold(data: TrainingData, config: MMLConfig, options: TrainingOptions, split: Split) -> FoldResult:
    return fold_result(data, split, train_ensemble(data, split, config, options, members=1))


_worker: tuple[TrainingData, MMLConfig, TrainingOptions] | None = None


def _start_worker(*shared: Any) -> None:
    """Take over, once per process, what all folds share."""
    global _worker
    _worker = shared
    torch.set_num_threads(1)


def _fold_of_worker(split: Split) -> FoldResult:
    assert _worker is not None
    return _fold(*_worker, split)


def _member_of_worker(split: Split, seed: int) -> Trained:
    assert _worker is not None
    data, config, options = _worker
    return Trained(*train_one(data, split, config, options, seed))
