"""Choose among candidates: Pareto front, ranking that knows the uncertainty, the best of a large table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from ase_bimetal.errors import ScreenError
from ase_bimetal.screening import columns as c
from ase_bimetal.screening.results import iter_results

#: What is good by default: a low formation energy and a high accessibility.
OBJECTIVES: Mapping[str, Literal["min", "max"]] = {c.FORMATION_ENERGY: "min", c.PHI: "max"}
#: What candidates are ranked by, see `rank`.
Ranking = Literal["upper", "mean", "probability"]
_RANKINGS = ("upper", "mean", "probability")


def pareto_front(
    source: pd.DataFrame | str | Path,
    objectives: Mapping[str, Literal["min", "max"]] = OBJECTIVES,
    only_passing: bool = False,
) -> pd.DataFrame:
    """Find the rows that no other row beats.

    A row is beaten by one that is better in one objective and worse in none.

    A results folder is read in batches, so that its size does not matter.

    Parameters
    ----------
    source
        Rows, or a results folder.
    objectives
        Column → ``"min"`` or ``"max"``; for example with ``metal_cost: min`` as a third.
    only_passing
        Whether to look only at rows that pass all filters.

    Returns
    -------
    pandas.DataFrame
        The front, best first in the first objective; rows with an empty objective are left out.

    Raises
    ------
    ScreenError
        Unknown objective or direction.

    Examples
    --------
    >>> table = pd.DataFrame({"formation_energy": [-3.0, -2.0, -2.5], "phi": [-0.4, -0.1, -0.5]})
    >>> pareto_front(table).phi.tolist()
    [-0.4, -0.1]
    """
    for column, direction in objectives.items():
        if direction not in ("min", "max"):
            raise ScreenError(f"objective {column}: {direction!r}; allowed: 'min', 'max'. Choose one of these")
    front = None
    for frame in _frames(source, only_passing):
        unknown = [column for column in objectives if column not in frame]
        if unknown:
            raise ScreenError(f"no column {', '.join(unknown)} for the Pareto front. Choose columns of the results")
        pool = frame if front is None else _joined(front, frame)
        front = _front(pool, objectives)
    if front is None:
        raise ScreenError(f"{source} holds no rows. Run a screening first")
    first, direction = next(iter(objectives.items()))
    return front.sort_values(first, ascending=direction == "min", ignore_index=True)


def rank(frame: pd.DataFrame, by: Ranking = "upper", k: int = 10) -> pd.DataFrame:
    """Rank the predicted rows, best first.

    The column ``rank`` is added (1 = best).

    Parameters
    ----------
    frame
        Rows of `load_results`; rows without a prediction are left out.
    by
        ``"upper"``: by the upper end of the 90 % interval of E_form, so that an uncertain candidate must be better
        to come first; ``"mean"``: by E_form; ``"probability"``: by the probability of being among the `k` best,
        which goes to the column ``probability_top``.
    k
        Number of the best, for ``"probability"``.

    Returns
    -------
    pandas.DataFrame
        A sorted copy of the predicted rows.

    Raises
    ------
    ScreenError
        Unknown `by`, or `k` below 1.

    Examples
    --------
    >>> table = pd.DataFrame({"formation_energy": [-3.0, -2.9], "formation_energy_std": [0.3, 0.05],
    ...                       "formation_energy_high": [-2.51, -2.82]}, index=["unsure", "sure"])
    >>> rank(table).index.tolist(), rank(table, "mean").index.tolist()
    (['sure', 'unsure'], ['unsure', 'sure'])
    """
    if by not in _RANKINGS:
        raise ScreenError(f"by={by!r}; allowed: {', '.join(_RANKINGS)}. Choose one of these")
    found = frame[frame[c.FORMATION_ENERGY].notna()].copy()
    if by == "probability":
        found["probability_top"] = top_probability(found[c.FORMATION_ENERGY], found[c.FORMATION_ENERGY_STD], k)
        found = found.sort_values("probability_top", ascending=False, kind="stable")
    else:
        found = found.sort_values(c.FORMATION_ENERGY_HIGH if by == "upper" else c.FORMATION_ENERGY, kind="stable")
    found.insert(0, "rank", np.arange(1, len(found) + 1))
    return found


def top_probability(mean: np.ndarray | pd.Series, std: np.ndarray | pd.Series, k: int) -> np.ndarray:
    """Compute each candidate's probability to be among the best.

    The best are the k lowest.

    The true energies are taken as independent normal variables. The energy t of the k-th lowest is set so that
    the expected number below it is k; a candidate's probability is that of lying below t. The probabilities add up
    to k. Errors that all candidates share (of the level, of an element) do not change the order and are no concern.

    Parameters
    ----------
    mean, std
        E_form and its standard deviation [eV/metal], shape (n,).
    k
        Number of the best, at least 1.

    Returns
    -------
    numpy.ndarray
        Shape (n,), between 0 and 1.

    Raises
    ------
    ScreenError
        `k` is below 1.

    Examples
    --------
    >>> top_probability(np.array([-3.0, -2.0, -1.0]), np.array([0.1, 0.1, 0.1]), 1).round(2).tolist()
    [1.0, 0.0, 0.0]
    """
    from scipy.optimize import brentq  # half a second that other rankings need not wait
    from scipy.special import ndtr

    if k < 1:
        raise ScreenError(f"k={k}; allowed: a whole number of at least 1. Pass k=10 for the ten best")
    mean, std = np.asarray(mean, dtype=float), np.asarray(std, dtype=float)
    if k >= len(mean):
        return np.ones(len(mean))
    reach = 12 * std.max() + 1e-9
    threshold = brentq(lambda t: ndtr((t - mean) / std).sum() - k, mean.min() - reach, mean.max() + reach)
    chances: np.ndarray = ndtr((threshold - mean) / std)
    return chances


def top_candidates(
    out: str | Path, n: int = 10, by: Literal["upper", "mean"] = "upper", only_passing: bool = True
) -> pd.DataFrame:
    """Read the n best rows of a folder.

    The results folder is read in batches.

    Parameters
    ----------
    out
        Results folder.
    n
        Number of rows.
    by
        ``"upper"`` or ``"mean"``, as in `rank`.
    only_passing
        Whether to look only at rows that pass all filters.

    Returns
    -------
    pandas.DataFrame
        At most `n` rows with the column ``rank``; empty when the folder holds none.

    Raises
    ------
    ScreenError
        Unknown `by`; a probability needs all rows at once: use `rank`.
    """
    if by not in _RANKINGS[:2]:
        raise ScreenError(f"by={by!r}; allowed: {', '.join(_RANKINGS[:2])}. Choose one of these")
    best = None
    for frame in iter_results(out, only_passing=only_passing):
        pool = frame if best is None else _joined(best, frame)
        best = rank(pool, by).head(n).drop(columns="rank")
    return rank(best, by).reset_index(drop=True) if best is not None else pd.DataFrame()


def _frames(source: pd.DataFrame | str | Path, only_passing: bool) -> Iterator[pd.DataFrame]:
    if not isinstance(source, pd.DataFrame):
        yield from iter_results(source, only_passing=only_passing)
    else:
        yield source[source[c.PASSES].eq(True)] if only_passing else source


def _joined(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    parts = [frame for frame in (first, second) if len(frame)]
    return pd.concat(parts, ignore_index=True) if parts else first


def _front(frame: pd.DataFrame, objectives: Mapping[str, Literal["min", "max"]]) -> pd.DataFrame:
    """Non-dominated rows, found by sweeping candidates in the order of their first objective."""
    known = frame[frame[list(objectives)].notna().all(axis=1)]
    signs = [1.0 if direction == "min" else -1.0 for direction in objectives.values()]
    values = known[list(objectives)].to_numpy(dtype=float) * signs
    kept = np.empty((0, len(signs)))
    chosen = []
    for row in np.lexsort(values.T[::-1]):
        # Sorted by the first objective, so only rows already kept can beat this one.
        beaten = (kept <= values[row]).all(axis=1) & (kept < values[row]).any(axis=1)
        if not beaten.any():
            chosen.append(row)
            kept = np.vstack([kept, values[row]])
    return known.iloc[chosen]
