"""The twelve regressors and the simple baselines side by side, on splits of rising honesty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import Pipeline

from ase_bimetal.lab.regressors.tuning import grouped_folds
from ase_bimetal.lab.training.metrics import summary
from ase_bimetal.model.bond_terms import bond_model
from ase_bimetal.model.regressors import SPECS, TrainingRows, make_regressor, missing_regressors
from ase_bimetal.model.table import LEVEL, DescriptorTable
from ase_bimetal.numbers import number

FOLDS = 5
#: Seed of the folds, another than that of tuning.
SEED = 1
BOND_NAME = "bond counting"
#: Split → the group of each row that stays on one side: none, its prototype, its metal pair.
SPLITS: Mapping[str, Callable[[DescriptorTable], np.ndarray]] = MappingProxyType(
    {
        "random": lambda table: np.arange(len(table.targets)),
        "by prototype": lambda table: table.rows.prototype.to_numpy(),
        "by metal pair": lambda table: table.pairs,
    }
)


@dataclass(frozen=True)
class Comparison:
    """Errors of every regressor.

    Attributes
    ----------
    rows
        ``"minima"`` or ``"configurations"``.
    errors
        One row per regressor and split: ``model``, ``split``, ``MAE`` and ``RMSE`` [eV/metal], ``R2``, ``n``.
    skipped
        Regressor → why it is not in the table.
    level
        Level of theory of the energies.
    """

    rows: str
    errors: pd.DataFrame
    skipped: dict[str, str]
    level: str = LEVEL

    def to_markdown(self) -> str:
        """Write the table for people.

        Splits stand side by side with MAE / RMSE / R², energies in eV/metal.
        """
        splits = list(dict.fromkeys(self.errors.split))
        lines = [
            f"Rows: {self.rows}, n = {self.errors.n.iloc[0]}. {self.level}; MAE / RMSE in eV/metal, and R².\n",
            "| model | " + " | ".join(splits) + " |",
            "| --- |" + " --- |" * len(splits),
        ]
        for model, part in self.errors.groupby("model", sort=False):
            cells = [" / ".join(number(value, 3) for value in (row.MAE, row.RMSE, row.R2)) for row in part.itertuples()]
            lines.append(f"| {model} | " + " | ".join(cells) + " |")
        return "\n".join([*lines, *(f"\n{reason}" for reason in self.skipped.values())])


def compare(table: DescriptorTable, rows: TrainingRows, seed: int = SEED) -> Comparison:
    """Cross-validate every regressor on every split.

    Parameters
    ----------
    table
        All labelled configurations with bond terms, from `ase_bimetal.model.table.labelled_rows`.
    rows
        ``"minima"``: the lowest of each prototype; ``"configurations"``: all. Says which settings are used, too.
    seed
        Seed of folds and regressors.

    Returns
    -------
    Comparison
        Errors over the test rows of all folds together. Of minima there is one per prototype, so that the split by
        prototype is the random one and is left out.
    """
    chosen = table.minima() if rows == "minima" else table
    skipped = missing_regressors()
    makers = _makers(rows, seed, skipped)
    errors = [
        {"model": model, "split": split} | summary(chosen.targets, out_of_fold(make, chosen, split, seed))
        for model, make in makers.items()
        for split in SPLITS
        if not (rows == "minima" and split == "by prototype")
    ]
    return Comparison(rows, pd.DataFrame(errors), skipped)


def out_of_fold(make: Callable[[], Pipeline], table: DescriptorTable, split: str, seed: int = SEED) -> np.ndarray:
    """Predict every row by a model without its group.

    Shape (n,) [eV/metal].

    Parameters
    ----------
    make
        Gives an untrained pipeline; one whose first step is the scaler of `bond_model` reads the bond terms.
    table
        Rows to predict.
    split
        Key of `SPLITS`; of a left-out prototype, others of the same metal pair stay where there are any.
    """
    predicted = np.empty(len(table.targets))
    kin = table.pairs if split == "by prototype" else None
    for train, test in grouped_folds(SPLITS[split](table), FOLDS, seed, kin):
        model = make()
        columns = table.bonds if make is bond_model else table.features
        model.fit(columns.iloc[train], table.targets[train])
        predicted[test] = model.predict(columns.iloc[test])
    return predicted


def _makers(rows: TrainingRows, seed: int, skipped: Mapping[str, str]) -> dict[str, Callable[[], Pipeline]]:
    makers: dict[str, Callable[[], Pipeline]] = {"mean": DummyRegressor}
    for name in SPECS:
        if name not in skipped:
            makers[name] = partial(make_regressor, name, seed, rows)
    return makers | {BOND_NAME: bond_model}


__all__ = ["BOND_NAME", "SPLITS", "Comparison", "compare", "out_of_fold"]
