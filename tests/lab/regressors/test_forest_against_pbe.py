"""The forest against PBE energies that neither it nor its level difference saw."""

import json

import numpy as np
import pandas as pd
import pytest

from ase_bimetal.lab.labels.pbe import load_pbe
from ase_bimetal.lab.regressors.forest_against_pbe import PbeTest, record_differences, row_terms, summaries
from ase_bimetal.lab.regressors.forest_card import NOVELTIES
from ase_bimetal.model.forest_card import CARD
from ase_bimetal.model.table import read_table


def test_records_with_a_pbe_energy_are_those_of_the_labels():
    known = record_differences()
    assert known["CuZn@FAU-6-ring/0"].value == pytest.approx(0.099, abs=0.002)
    assert known["AgAu@sheet-N6/0"].value == pytest.approx(2.089, abs=0.002)
    assert known["Au4M2-Pd-SH/0"].name == "Au4M2-Pd-SH/0"
    assert set(known) > {label.record for label in load_pbe()}


def test_shifts_of_pairs_on_supports_depend_on_the_support():
    terms = row_terms({"CuZn@FAU-6-ring/0", "Au4M2-Pd-SH/0"})
    zeolite, cluster = terms["CuZn@FAU-6-ring/0"], terms["Au4M2-Pd-SH/0"]
    assert zeolite.kind == "zeolite" and zeolite.values["Zn in zeolite"] == 0.5
    assert cluster.kind == "ligands" and "S-X" in cluster.values
    assert not any(name.endswith("in zeolite") for name in cluster.values)


def test_summaries_count_what_intervals_hold():
    found = pd.DataFrame(
        {
            "kind": ["zeolite", "zeolite", "ligands"],
            "pbe": [-1.0, -2.0, -3.0],
            "mean": [-1.5, -2.25, -3.0],
            "low": [-1.75, -2.5, -3.25],
            "high": [-1.25, -1.75, -2.75],
        }
    )
    assert summaries(found)["zeolite"] == {
        "MAE": 0.375,
        "RMSE": pytest.approx(0.3953, abs=1e-4),
        "n": 2,
        "coverage": 0.5,
        "half_width": 0.312,
    }
    assert summaries(found)["ligands"]["coverage"] == 1 and summaries(found)["all"]["coverage"] == 0.667


def test_intervals_hold_the_pbe_energies_that_they_are_made_for():
    found = json.loads(CARD.read_text())["against_pbe"]
    assert list(found) == list(NOVELTIES)
    assert all(0.85 <= found[novelty]["all"]["coverage"] <= 0.97 for novelty in ("prototype", "metal pair"))
    assert found["prototype"]["ligands"]["MAE"] < 0.3 and found["prototype"]["zeolite"]["MAE"] < 0.4


@pytest.mark.heavy  # grows ten forests
def test_card_says_what_forests_without_a_prototype_say():
    card, test = json.loads(CARD.read_text()), PbeTest(read_table())
    widenings = {name: one["widening"] for name, one in card["calibration"].items()}
    found = test.leave_out("prototype", NOVELTIES["prototype"], widenings)
    assert summaries(found) == card["against_pbe"]["prototype"]
    labels = {label.record: label.pbe for label in load_pbe()}
    clusters = found[found.kind == "ligands"]
    assert np.allclose(clusters.pbe, [labels[name] for name in clusters.index], atol=1e-4)
