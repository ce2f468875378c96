"""Choosing: the front against its definition, the probability against drawing, batches against the whole."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ase_bimetal.errors import ScreenError
from ase_bimetal.screening import columns as c
from ase_bimetal.screening import pareto_front, rank, screen, top_candidates
from ase_bimetal.screening.ranking import OBJECTIVES, top_probability
from ase_bimetal.screening.results import load_results

VALUES = st.integers(-3, 3).map(float)


def beaten(row: tuple, others: list[tuple]) -> bool:
    """Whether some other row is as good in all and better in one; all to be minimised."""
    return any(all(o <= r for o, r in zip(other, row, strict=True)) and other != row for other in others)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=25))
def test_front_is_what_its_definition_says(points: list[tuple]) -> None:
    frame = pd.DataFrame(points, columns=["a", "b", "c"])
    front = pareto_front(frame, {"a": "min", "b": "max", "c": "min"})
    signed = [(a, -b, cost) for a, b, cost in points]
    expected = sorted(p for p, s in zip(points, signed, strict=True) if not beaten(s, signed))
    assert sorted(front.itertuples(index=False, name=None)) == expected


def test_rows_without_value_are_not_on_the_front() -> None:
    frame = pd.DataFrame({c.FORMATION_ENERGY: [-1.0, np.nan], c.PHI: [0.0, 9.0]})
    assert len(pareto_front(frame)) == 1


def test_probability_is_that_of_drawing() -> None:
    rng = np.random.default_rng(1)
    mean, std = rng.normal(-3, 0.5, 200), rng.uniform(0.05, 0.4, 200)
    drawn = rng.normal(mean, std, (4000, 200))
    top = np.argpartition(drawn, 20, axis=1)[:, :20]
    counted = np.bincount(top.ravel(), minlength=200) / 4000
    found = top_probability(mean, std, 20)
    assert found.sum() == pytest.approx(20)
    assert np.abs(found - counted).max() < 0.06


def test_probability_of_more_than_all_is_one() -> None:
    assert top_probability(np.array([1.0, 2.0]), np.array([0.1, 0.1]), 5).tolist() == [1, 1]


def test_rankings_differ_as_they_should() -> None:
    frame = pd.DataFrame(
        {
            c.FORMATION_ENERGY: [-3.0, -2.9, np.nan],
            c.FORMATION_ENERGY_STD: [0.4, 0.05, np.nan],
            c.FORMATION_ENERGY_HIGH: [-2.34, -2.82, np.nan],
        }
    )
    assert rank(frame, "mean").index.tolist() == [0, 1]
    assert rank(frame, "upper").index.tolist() == [1, 0]
    assert rank(frame, "probability", k=1)["probability_top"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "call",
    [
        lambda frame: rank(frame, "luck"),
        lambda frame: rank(frame, "probability", k=0),
        lambda frame: pareto_front(frame, {c.FORMATION_ENERGY: "down"}),
        lambda frame: pareto_front(frame, {"beauty": "max"}),
    ],
)
def test_unknown_wishes_are_refused(call) -> None:
    frame = pd.DataFrame({c.FORMATION_ENERGY: [-1.0], c.FORMATION_ENERGY_STD: [0.1]})
    with pytest.raises(ScreenError):
        call(frame)


def test_batches_give_what_the_whole_table_gives(tmp_path: Path) -> None:
    screen(
        out=tmp_path,
        progress=False,
        chunk_size=3,
        dopants=["Pd", "Cu", "Hg", "Re", "Ag", "Ni", "Os", "Zn"],
        ligands=["SMe"],
        motifs=["Au4M2"],
        filters={"miscible": False},
    )
    whole = load_results(tmp_path)
    assert pareto_front(tmp_path)[c.ID].tolist() == pareto_front(whole)[c.ID].tolist()
    assert pareto_front(tmp_path, OBJECTIVES, only_passing=True)[c.MISCIBLE].eq(False).all()
    passing = whole[whole[c.PASSES].eq(True)]
    assert 0 < len(passing) < len(whole)
    assert top_candidates(tmp_path, 3)[c.ID].tolist() == rank(passing)[c.ID].tolist()[:3]
    assert top_candidates(tmp_path, 3)["rank"].tolist() == [1, 2, 3]
