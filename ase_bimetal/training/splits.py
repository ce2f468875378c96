"""Ways to divide the labels into train, validation and test rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Split name → column whose values are left out in turn.
LEAVE_OUT_COLUMNS = {"dopant": "dopant", "ligand": "ligands", "family": "family"}


@dataclass(frozen=True)
class Split:
    """Row numbers of one division; ``name`` says what was held out."""

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def random_split(n_rows: int, seed: int = 0) -> Split:
    """Random 8:1:1, as published. Configurations of one parent fall on both sides, which flatters."""
    order = np.random.default_rng(seed).permutation(n_rows)
    n_held = n_rows // 10
    return Split("random", order[2 * n_held :], order[n_held : 2 * n_held], order[:n_held])


def leave_out(frame: pd.DataFrame, column: str, seed: int = 0) -> Iterator[Split]:
    """One split per value of a column, with that value as the test set.

    Validation rows are a random tenth of the rest.
    """
    values = frame[column].to_numpy()
    for value in sorted(set(values)):
        test = np.flatnonzero(values == value)
        rest = np.random.default_rng(seed).permutation(np.flatnonzero(values != value))
        n_validation = len(rest) // 10
        yield Split(str(value), rest[n_validation:], rest[:n_validation], test)
