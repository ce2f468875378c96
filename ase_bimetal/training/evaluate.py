"""How good the model is: every split, beside a mean predictor and a random forest."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch

from ase_bimetal.baselines.regressors import BASELINES, fit_predict
from ase_bimetal.model.mml import MMLConfig
from ase_bimetal.training.data import TrainingData
from ase_bimetal.training.metrics import summary
from ase_bimetal.training.module import TrainingOptions, predict_rows, train_one
from ase_bimetal.training.splits import LEAVE_OUT_COLUMNS, Split, leave_out

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


def evaluate_split(
    data: TrainingData, splits: Iterable[Split], config: MMLConfig, options: TrainingOptions, members: int = 1,
    workers: int = 1,
) -> list[FoldResult]:
    """Train on each fold and predict its test rows; the MML prediction is the mean over ``members`` networks."""
    one = partial(_fold, data, config, options, members)
    if workers == 1:
        return [one(split) for split in splits]
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_one_thread) as pool:
        return list(pool.map(one, splits))


def all_folds(data: TrainingData) -> dict[str, list[Split]]:
    """The leave-one-out splits by dopant, ligand shell and family."""
    return {name: list(leave_out(data.frame, column)) for name, column in LEAVE_OUT_COLUMNS.items()}


def table(results: list[FoldResult]) -> dict[str, dict[str, float]]:
    """Errors over all folds' test rows together, per model."""
    truth = np.concatenate([r.truth for r in results])
    names = results[0].predicted
    return {name: summary(truth, np.concatenate([r.predicted[name] for r in results])) for name in names}


def _fold(data: TrainingData, config: MMLConfig, options: TrainingOptions, members: int, split: Split) -> FoldResult:
    networks = [train_one(data, split, config, options, seed) for seed in range(members)]
    mml = np.mean([predict_rows(n, data, split.test, mean, std) for n, mean, std in networks], axis=0)
    features, train = data.features(), np.concatenate([split.train, split.validation])
    predicted = {MML_NAME: mml}
    for name in BASELINES:
        predicted[name] = fit_predict(name, features, data.targets, train, split.test)
    return FoldResult(split.name, data.targets[split.test], predicted)


def _one_thread() -> None:
    torch.set_num_threads(1)
