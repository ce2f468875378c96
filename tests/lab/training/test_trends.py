"""Trends that density-functional studies agree on, on relaxed clusters of the shipped labels."""

from __future__ import annotations

from collections import defaultdict

import pytest

from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.training.trends import TRENDS, TrendRow, markdown_trends, trends
from ase_bimetal.model.predictor import get_predictor


@pytest.fixture(scope="module")
def rows() -> dict[str, list[TrendRow]]:
    """Rows by trend."""
    grouped = defaultdict(list)
    for row in trends(get_predictor("mml-gfn1-pbe"), load_labels().frame):
        grouped[row.trend].append(row)
    return grouped


def test_every_cluster_of_every_trend_is_labelled(rows):
    assert {trend: [row.prototype for row in found] for trend, found in rows.items()} == {
        trend: list(names) for trend, (_, names) in TRENDS.items()
    }


def test_gold_under_thiolates_hardly_changes_with_size(rows):
    energies = {row.n_metals: row.predicted for row in rows["size of pure gold thiolates"]}
    assert set(energies) == {6, 13, 19, 25, 28, 36, 38, 44, 55}
    # The particle of 13 metals, with four electrons, stands apart.
    assert max(energies.values()) - min(energies.values()) < 0.35
    known = [energy for n, energy in energies.items() if n != 13]
    assert max(known) - min(known) < 0.19
    assert energies[55] - energies[28] == pytest.approx(0.151, abs=0.03)
    assert energies[55] > energies[25]


def test_silver_in_gold_costs_energy_in_proportion_to_its_share(rows):
    """PBE says 0.11 eV/metal for a third of silver on six metals and 0.31 for silver alone on 28."""
    by_size = {6: rows["silver in gold thiolates of six metals"], 13: [], 19: []}
    for row in rows["silver in gold thiolates of 13 and 19 metals"]:
        by_size[row.n_metals].append(row)
    costs = {n: [row.predicted - found[0].predicted for row in found[1:]] for n, found in by_size.items()}
    assert costs[6] == pytest.approx([0.103], abs=0.03)
    assert costs[13] == pytest.approx([0.061, 0.207], abs=0.05)
    assert costs[19] == pytest.approx([0.156, 0.296], abs=0.05)


def test_silver_costs_energy_on_25_metals_from_a_third_of_it(rows):
    """A weak point: with two silver atoms of 25 the model gains 0.04 eV/metal where PBE studies find a small cost."""
    found = rows["silver in gold thiolates of 25 metals"]
    for gold, *alloys, expected in ((*found[:5], [-0.041, 0.011, 0.227, 0.361]), (*found[5:], [-0.042, 0.030])):
        assert [row.predicted - gold.predicted for row in alloys] == pytest.approx(expected, abs=0.03)
        assert gold.deviation > abs(alloys[0].predicted - gold.predicted)


def test_silver_alone_costs_energy_on_28_and_38_metals(rows):
    """PBE says 0.31 eV/metal on 28."""
    gold28, silver28, gold38, silver38 = rows["silver alone under thiolates on 28 and 38 metals"]
    assert silver28.predicted - gold28.predicted == pytest.approx(0.317, abs=0.03)
    assert silver38.predicted - gold38.predicted == pytest.approx(0.332, abs=0.05)


def test_the_table_has_a_line_for_each(rows):
    [first, *_] = rows["size of pure gold thiolates"]
    text = markdown_trends(rows["size of pure gold thiolates"])
    assert len(text.splitlines()) == 2 + 9
    assert f"| Au4M2-Au-SH | 6 | −{-first.predicted:.3f} ± {first.deviation:.3f} | −2.922 |" in text
