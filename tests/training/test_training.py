"""Splits without leaks, data as the network sees it, and a training run that learns."""

import numpy as np
import pandas as pd
import pytest

from ase_bimetal.model.ligand_encoder import LigandEncoder
from ase_bimetal.model.mml import MMLConfig
from ase_bimetal.reference.dataset import load_reference
from ase_bimetal.training.data import MAX_RATTLE, prepare, trainable, without_donors
from ase_bimetal.training.evaluate import fold_result, train_ensemble
from ase_bimetal.training.metrics import r_squared, summary
from ase_bimetal.training.module import TrainingOptions
from ase_bimetal.training.splits import Split, leave_out, random_split


@pytest.fixture(scope="module")
def data():
    frame = trainable(load_reference().frame)
    few = frame[frame.prototype.isin(["Au4M2-Pd-SMe", "Au4M2-Ni-SMe", "M@Au8-Pd-PMe3-Cl"])]
    return prepare(few.reset_index(drop=True), LigandEncoder())


def test_random_split_is_eight_one_one_without_overlap():
    split = random_split(1000)
    parts = [set(split.train), set(split.validation), set(split.test)]
    assert [len(p) for p in parts] == [800, 100, 100]
    assert len(set.union(*parts)) == 1000


def test_leave_out_never_trains_on_what_it_tests():
    frame = pd.DataFrame({"dopant": list("AABBBCCCCC") * 4})
    splits = list(leave_out(frame, "dopant"))
    assert [s.name for s in splits] == ["A", "B", "C"]
    for split in splits:
        assert set(frame.dopant.iloc[split.test]) == {split.name}
        assert split.name not in set(frame.dopant.iloc[np.r_[split.train, split.validation]])


def test_strong_rattles_are_not_trained_on(data):
    rattled = data.frame[data.frame.kind == "rattle"]
    assert len(rattled) > 0 and rattled.amplitude.max() <= MAX_RATTLE


def test_without_donors_leaves_the_bare_core(data):
    item = data.encoded[0]
    bare = without_donors(item)
    assert item.core.is_metal.sum() == len(bare.core.nodes) < len(item.core.nodes)
    assert bare.core.edges.max() < len(bare.core.nodes)


def test_a_short_training_learns_and_repeats(data):
    rows = np.random.default_rng(0).permutation(len(data.targets))
    split = Split("small", rows[16:], rows[8:16], rows[:8])
    config = MMLConfig(width=32)
    options = TrainingOptions(epochs=4, batch_size=16)
    first = train_ensemble(data, split, config, options, members=1)
    result = fold_result(data, split, first)
    errors = result.errors()
    assert errors["MML"]["MAE"] < errors["mean"]["MAE"]
    again = train_ensemble(data, split, config, options, members=1)
    assert first[0].predict(data, split.test) == pytest.approx(again[0].predict(data, split.test), abs=1e-5)


def test_metrics_of_known_numbers():
    truth, predicted = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 4.0])
    assert summary(truth, predicted) == {"MAE": 0.6667, "RMSE": 1.1547, "R2": -1.0, "n": 3}
    assert r_squared(truth, truth) == 1.0
