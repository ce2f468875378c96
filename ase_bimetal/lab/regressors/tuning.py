"""Tune the regressors by a seeded, cross-validated random search, and write the settings that ship.

``python -m ase_bimetal.lab.regressors.tuning`` makes ``datasets/regressor_settings.json`` again.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import RandomizedSearchCV

from ase_bimetal.files import write_whole
from ase_bimetal.lab.regressors.labelled_table import labelled_rows, thin
from ase_bimetal.model.regressors import SETTINGS, SPECS, missing_regressors, untuned
from ase_bimetal.model.table import DescriptorTable

COMMAND = "python -m ase_bimetal.lab.regressors.tuning"
#: Random draws per regressor.
TRIALS = 12
FOLDS = 4
#: Configurations of a prototype that tuning sees beside its minimum: they are alike, and time is short.
PER_PROTOTYPE = 6


def grouped_folds(
    groups: np.ndarray, folds: int, seed: int, kin: np.ndarray | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide rows so that no group is on both sides.

    Parameters
    ----------
    groups
        (n,) name of each row's group.
    folds
        Number of parts; each is the test set once.
    seed
        Seed of the shuffle of groups.
    kin
        (n,) what some groups have in common, such as the metal pair of a prototype. Groups of one kin are dealt to
        different parts, so that it does not hang on the seed whether a left-out group leaves relatives behind.

    Returns
    -------
    list
        (train, test) row numbers.

    Examples
    --------
    >>> [set(test.tolist()) for _, test in grouped_folds(np.array(["a", "a", "b"]), 2, seed=0)]
    [{0, 1}, {2}]
    """
    names, first, member = np.unique(groups, return_index=True, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    if kin is not None:
        order = order[np.argsort(kin[first][order], kind="stable")]
    part = np.empty(len(names), dtype=int)
    part[order] = np.arange(len(names)) % min(folds, len(names))
    row_part = part[member]
    return [(np.flatnonzero(row_part != k), np.flatnonzero(row_part == k)) for k in range(part.max() + 1)]


def tune(table: DescriptorTable, name: str, trials: int = TRIALS, seed: int = 0) -> dict[str, Any]:
    """Choose the best settings of one regressor.

    They have the lowest mean absolute error over prototypes left out.

    Parameters
    ----------
    table
        Rows to tune on.
    name
        Key of `SPECS`.
    trials
        Settings to try.
    seed
        Seed of the search, the folds and the regressor.

    Returns
    -------
    dict
        ``settings`` and ``MAE`` [eV/metal].
    """
    space = {f"model__{key}": list(values) for key, values in SPECS[name].space.items()}
    folds = grouped_folds(table.rows.prototype.to_numpy(), FOLDS, seed, table.pairs)
    search = RandomizedSearchCV(
        untuned(name, seed),
        space,
        n_iter=min(trials, prod(map(len, space.values()))),
        random_state=seed,
        cv=folds,
        scoring="neg_mean_absolute_error",
        refit=False,
    )
    search.fit(table.features, table.targets)
    chosen = {key.removeprefix("model__"): value for key, value in search.best_params_.items()}
    return {"settings": chosen, "MAE": round(-float(search.best_score_), 4)}


def tune_all(table: DescriptorTable, trials: int = TRIALS, seed: int = 0) -> dict[str, Any]:
    """Tune every regressor on minima and on configurations.

    The result is what to write into the settings file.
    """
    parts = {"minima": table.minima(), "configurations": thin(table, PER_PROTOTYPE)}
    names = [name for name in SPECS if name not in missing_regressors()]
    return {
        "command": COMMAND,
        "search": f"{trials} random draws, {FOLDS} folds by prototype, metal pairs spread, seed {seed}, lowest MAE",
        "unit of MAE": "eV per metal atom",
        "table": table.digest,
        "n": {part: len(rows.targets) for part, rows in parts.items()},
        "rows": {part: {name: tune(rows, name, trials, seed) for name in names} for part, rows in parts.items()},
    }


def main(path: Path = SETTINGS) -> None:
    """Tune on all shipped labels and write the settings."""
    missing = missing_regressors()
    if missing:
        raise SystemExit("; ".join(missing.values()))
    write_whole(path, json.dumps(tune_all(labelled_rows()), indent=1) + "\n")


if __name__ == "__main__":
    main()
