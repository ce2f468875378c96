"""How good the model is: every split, beside a mean predictor and the twelve regressors on eight features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ase_bimetal.lab.training.calibrate import Holdout
from ase_bimetal.lab.training.data import TrainingData
from ase_bimetal.lab.training.kept import Arrays, Kept
from ase_bimetal.lab.training.metrics import mean_absolute_error, summary
from ase_bimetal.lab.training.module import TrainingOptions, one_epoch, predict_rows, train_one
from ase_bimetal.lab.training.splits import HELD_OUT, Split
from ase_bimetal.model.mml import MML, MMLConfig
from ase_bimetal.model.regressors import fit_predict
from ase_bimetal.workers import start_torch_worker

MML_NAME = "MML"
Folds = dict[str, list["FoldResult"]]


@dataclass(frozen=True)
class FoldResult:
    """Predictions of one held-out fold.

    ``truth`` (n,) and every array of ``predicted`` (n,) in eV/metal, keyed by model name; ``seeds`` (k, n), what each
    network of the multimodal ensemble predicts by itself, where that is told.
    """

    fold: str
    truth: np.ndarray
    predicted: dict[str, np.ndarray]
    seeds: np.ndarray | None = None

    def errors(self) -> dict[str, dict[str, Any]]:
        """Summarise the errors of every model on this fold.

        MAE, RMSE and R², of the networks also one by one.
        """
        return table([self])

    def absolute_errors(self) -> np.ndarray:
        """Absolute errors (n,) of the multimodal model [eV/metal]."""
        errors: np.ndarray = np.abs(self.truth - self.predicted[MML_NAME])
        return errors


@dataclass(frozen=True)
class Trained:
    """A network with the scale of its outputs.

    Mean and standard deviation in eV/metal.
    """

    network: MML
    mean: float
    std: float

    def predict(self, data: TrainingData, rows: np.ndarray) -> np.ndarray:
        """Formation energies of some rows at the label level [eV/metal]."""
        return predict_rows(self.network, data, rows, self.mean, self.std)

    def to_arrays(self) -> Arrays:
        """Weights and scale as arrays."""
        state = {f"network.{name}": value.numpy() for name, value in self.network.state_dict().items()}
        return state | {"scale": np.array([self.mean, self.std])}

    @classmethod
    def from_arrays(cls, arrays: Arrays, config: MMLConfig) -> Trained:
        """Make a network from what `to_arrays` gave."""
        network = MML(config)
        prefix = "network."
        network.load_state_dict(
            {
                name.removeprefix(prefix): torch.from_numpy(value)
                for name, value in arrays.items()
                if name.startswith(prefix)
            }
        )
        return cls(network.eval(), *map(float, arrays["scale"]))


@dataclass(frozen=True)
class Run:
    """Settings and data that all trainings of an evaluation share.

    ``folder`` keeps what is finished, if one is given.
    """

    data: TrainingData
    config: MMLConfig
    options: TrainingOptions
    folder: Path | None = None

    def member(self, split: Split, seed: int) -> Arrays:
        """Train one network of the ensemble; give its arrays."""
        return Kept(self.folder).get(f"network-{split.name}-{seed}", lambda: self._train(split, seed).to_arrays())

    def fold(self, kind: str, split: Split, seed: int) -> np.ndarray:
        """Predict the test rows of a fold with one network [eV/metal].

        The network was trained on the fold's other rows.
        """

        def predict() -> Arrays:
            return {"predicted": self._train(split, seed).predict(self.data, split.test)}

        name = f"fold-{kind}-{split.name}-{seed}-{self.options.rows_per_epoch}x{self.options.epochs}"
        return Kept(self.folder).get(name, predict)["predicted"]

    def baselines(self, kind: str, split: Split) -> Arrays:
        """Predict a split's test rows with mean and regressors [eV/metal].

        By name of the model.

        They are trained on as many rows as an epoch shows, drawn in the same way.
        """
        train = np.concatenate([split.train, split.validation])
        train = one_epoch(self.data, train, self.options.rows_per_epoch)

        def predict() -> Arrays:
            return fit_predict(self.data.features, self.data.targets, train, split.test)

        return Kept(self.folder).get(f"baselines-{kind}-{split.name}-{len(train)}", predict)

    def _train(self, split: Split, seed: int) -> Trained:
        return Trained(*train_one(self.data, split, self.config, self.options, seed))


def train_ensemble(run: Run, split: Split, members: int, workers: int = 1) -> list[Trained]:
    """Train networks that differ in their seed alone, in several processes if asked to."""
    found = _map(run, "member", [(split, seed) for seed in range(members)], workers)
    return [Trained.from_arrays(arrays, run.config) for arrays in found]


def evaluate_folds(run: Run, folds: Mapping[str, Sequence[Split]], seeds: int = 1, workers: int = 1) -> Folds:
    """Train networks for every fold and predict its test rows.

    One per seed; the first seed of all folds goes first.

    Parameters
    ----------
    run
        What is trained.
    folds
        Kind of split → its folds.
    seeds
        Networks per fold, with the seeds 0 … n − 1.
    workers
        Processes.

    Returns
    -------
    dict
        Kind of split → one `FoldResult` per fold.
    """
    pairs = [(kind, split) for kind, splits in folds.items() for split in splits]
    trained = _map(run, "fold", [(*pair, seed) for seed in range(seeds) for pair in pairs], workers)
    others = _map(run, "baselines", pairs, workers)
    results: Folds = {}
    for k, (kind, split) in enumerate(pairs):
        result = _result(run.data, split, np.stack(trained[k :: len(pairs)]), others[k])
        results.setdefault(kind, []).append(result)
    return results


def _result(data: TrainingData, split: Split, seeds: np.ndarray, others: Arrays) -> FoldResult:
    return FoldResult(split.name, data.targets[split.test], {MML_NAME: seeds.mean(axis=0)} | others, seeds)


def _map(run: Run, method: str, tasks: Sequence[tuple[Any, ...]], workers: int) -> list[Any]:
    """Results of a method of a run for every tuple of arguments, in order."""
    if workers == 1:
        return [getattr(run, method)(*task) for task in tasks]
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker, initargs=(run,)) as pool:
        return list(pool.map(_call_of_worker, [method] * len(tasks), tasks))


def holdout(data: TrainingData, rows: np.ndarray, ensemble: list[Trained]) -> Holdout:
    """Truth, mean and spread of an ensemble on some rows."""
    found = np.stack([member.predict(data, rows) for member in ensemble])
    return Holdout(data.targets[rows], found.mean(axis=0), found.std(axis=0, ddof=1))


def fold_result(run: Run, split: Split, ensemble: list[Trained]) -> FoldResult:
    """Test-row predictions of an ensemble (mean over members) and of every baseline."""
    seeds = np.stack([member.predict(run.data, split.test) for member in ensemble])
    return _result(run.data, split, seeds, run.baselines(split.name, split))


def all_folds(data: TrainingData, n_validation: int | None = None) -> dict[str, list[Split]]:
    """List every split but the random one.

    With at most so many validation rows.
    """
    return {
        name: [replace(split, validation=split.validation[:n_validation]) for split in splits(data.frame)]
        for name, splits in HELD_OUT.items()
    }


def table(results: list[FoldResult]) -> dict[str, dict[str, Any]]:
    """Summarise errors over all folds' test rows together.

    Per model; ``MAE by seed`` of the networks one by one.
    """
    truth = np.concatenate([r.truth for r in results])
    joined = {name: np.concatenate([r.predicted[name] for r in results]) for name in results[0].predicted}
    errors: dict[str, dict[str, Any]] = {name: summary(truth, values) for name, values in joined.items()}
    told = [r.seeds for r in results if r.seeds is not None]
    if len(told) == len(results) and len(told[0]) > 1:
        seeds = np.concatenate(told, axis=1)
        errors[MML_NAME]["MAE by seed"] = [round(mean_absolute_error(truth, one), 4) for one in seeds]
    return errors


_run: Run | None = None


def _start_worker(run: Run) -> None:
    """Take over, once per process, what all tasks share."""
    global _run
    _run = run
    start_torch_worker()


def _call_of_worker(method: str, task: tuple[Any, ...]) -> Any:
    assert _run is not None
    return getattr(_run, method)(*task)
