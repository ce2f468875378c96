"""Ways to divide the labels into train, validation and test rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ase_bimetal.structures.motifs import family_group

#: Cores up to this many metal atoms train the size extrapolation; larger ones test it.
SIZE_LIMIT = 25


@dataclass(frozen=True)
class Split:
    """Row numbers of one division; ``name`` says what was held out."""

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def balanced_rows(rows: np.ndarray, n: int, kinds: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """Draw at most n of some rows.

    With the ``kinds`` of all rows of the data they come in turn from each kind.

    A kind is a prototype, say: a rare one, from which more is learned, is then kept whole.
    """
    order = np.random.default_rng(seed).permutation(rows)
    if kinds is not None:
        turn = pd.Series(order).groupby(np.asarray(kinds)[order]).cumcount().to_numpy()
        order = order[np.argsort(turn, kind="stable")]
    return order[:n]


def random_split(n_rows: int, seed: int = 0) -> Split:
    """Random 8:1:1, as published. Configurations of one parent fall on both sides, which flatters."""
    order = np.random.default_rng(seed).permutation(n_rows)
    n_held = n_rows // 10
    return Split("random", order[2 * n_held :], order[n_held : 2 * n_held], order[:n_held])


def leave_dopant_out(frame: pd.DataFrame, seed: int = 0) -> Iterator[Split]:
    """Leave each dopant out in turn.

    Its clusters are the test set, and nothing that contains it is trained on.

    Parameters
    ----------
    frame
        With ``dopant``, and ``metals``, the set of elements in each core. Pure gold, the dopant of itself, is
        tested against all clusters that hold another metal too.
    seed
        Of the validation rows, a random tenth of the rest.
    """
    for dopant in sorted(set(frame.dopant)):
        if dopant == "Au":
            test = (frame.dopant == dopant).to_numpy() & np.array([metals == {"Au"} for metals in frame.metals])
            yield _split(dopant, test, ~test, seed)
        else:
            yield leave_dopants_out(frame, [dopant], seed)


def leave_dopants_out(frame: pd.DataFrame, dopants: Sequence[str], seed: int = 0) -> Split:
    """Leave several dopants out at once.

    Their clusters are the test set, and nothing that contains one of them is trained on.

    Parameters
    ----------
    frame
        As of `leave_dopant_out`.
    dopants
        Symbols.
    seed
        Of the validation rows, a random tenth of the rest.
    """
    test = frame.dopant.isin(dopants).to_numpy()
    held = np.array([not metals.isdisjoint(dopants) for metals in frame.metals])
    return _split(", ".join(dopants), test, ~held & ~test, seed)


def leave_ligand_out(frame: pd.DataFrame, seed: int = 0) -> Iterator[Split]:
    """Leave each ligand out in turn.

    Every cluster that carries it is the test set.

    ``frame`` has ``ligand_names``, the set of ligands of each cluster.
    """
    for ligand in sorted(set().union(*frame.ligand_names)):
        test = np.array([ligand in names for names in frame.ligand_names])
        yield _split(ligand, test, ~test, seed)


def leave_family_out(frame: pd.DataFrame, seed: int = 0) -> Iterator[Split]:
    """Leave each family of cores out in turn.

    Places of a dopant within one core, and particles of all sizes, are one family.
    """
    family = frame.family.map(family_group)
    for name in sorted(set(family)):
        test = (family == name).to_numpy()
        yield _split(name, test, ~test, seed)


def larger_cores(frame: pd.DataFrame, seed: int = 0) -> Iterator[Split]:
    """Train on small cores and test on larger ones.

    The limit is `SIZE_LIMIT` metal atoms; ``frame`` has n_metals.
    """
    test = (frame.n_metals > SIZE_LIMIT).to_numpy()
    if test.any() and not test.all():
        yield _split(f"above {SIZE_LIMIT} metals", test, ~test, seed)


#: Name in tables → splits of what is held out.
HELD_OUT: dict[str, Callable[[pd.DataFrame], Iterator[Split]]] = {
    "leave one dopant out": leave_dopant_out,
    "leave one ligand out": leave_ligand_out,
    "leave one family out": leave_family_out,
    "larger cores": larger_cores,
}


def _split(name: str, test: np.ndarray, allowed: np.ndarray, seed: int) -> Split:
    rest = np.random.default_rng(seed).permutation(np.flatnonzero(allowed))
    n_validation = len(rest) // 10
    return Split(name, rest[n_validation:], rest[:n_validation], np.flatnonzero(test))
