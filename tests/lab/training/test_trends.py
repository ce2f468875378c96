"""Trends that density-functional studies agree on, on relaxed clusters of the shipped labels."""

from __future__ import annotations

from collections import defaultdict

import pytest

from ase_bimetal.lab.labels.dataset import load_reference
from ase_bimetal.lab.training.trends import TRENDS, TrendRow, markdown_trends, trends
from ase_bimetal.model.predictor import get_predictor


@pytest.fixture(scope="module")
def rows() -> dict[str, list[TrendRow]]:
    """Rows by trend."""
    grouped = defaultdict(list)
    for row in trends(get_predictor("mml-gfn1-pbe"), load_reference().frame):
        grouped[row.trend].append(row)
    return grouped


def test_every_cluster_of_every_trend_is_labelled(rows):
    assert {trend: [row.prototype for row in found] for trend, found in rows.items()} == {
        trend: list(names) for trend, (_, names) in TRENDS.items()
    }


def test_gold_under_thiolates_hardly_changes_with_size(rows):
    energies = {row.n_metals: row.predicted for row in rows["size of pure gold thiolates"]}
    assert set(energies) == {6, 13, 19, 25, 28, 38}
    assert max(energies.values()) - min(energies.values()) < 0.3
    assert energies[38] > energies[25] - 0.05


@pytest.mark.parametrize("trend", [name for name in TRENDS if name.startswith("silver")])
def test_silver_in_gold_costs_energy(rows, trend):
    for size in {row.n_metals for row in rows[trend]}:
        gold, *with_silver = [row.predicted for row in rows[trend] if row.n_metals == size]
        assert all(energy > gold for energy in with_silver)


def test_the_table_has_a_line_for_each(rows):
    [first, *_] = rows["size of pure gold thiolates"]
    text = markdown_trends(rows["size of pure gold thiolates"])
    assert len(text.splitlines()) == 2 + 6
    assert f"| Au4M2-Au-SH | 6 | {first.predicted:.3f} ± {first.deviation:.3f} | -2.922 |" in text
