"""Splits without leaks, data as the network sees it, and a training run that learns."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.training import evaluate, module
from ase_bimetal.lab.training.data import MAX_RATTLE, EvenSampler, prepare, trainable
from ase_bimetal.lab.training.evaluate import Run, evaluate_folds, fold_result, train_ensemble
from ase_bimetal.lab.training.metrics import r_squared, summary
from ase_bimetal.lab.training.module import TrainingOptions, fit_baseline, train_one
from ase_bimetal.lab.training.splits import (
    HELD_OUT,
    Split,
    balanced_rows,
    leave_dopant_out,
    leave_dopants_out,
    leave_ligand_out,
    random_split,
)
from ase_bimetal.model.encode import N_BASELINE_FEATURES, encode, without_donors
from ase_bimetal.model.ligand_encoder import LigandEncoder
from ase_bimetal.model.mml import MML, MMLConfig
from ase_bimetal.system import as_system


@pytest.fixture(scope="module")
def data():
    frame = trainable(load_labels().frame)
    few = frame[frame.prototype.isin(["Au4M2-Pd-SMe", "Au4M2-Ni-SMe", "M@Au8-Pd-PMe3-Cl"])]
    return prepare(few.reset_index(drop=True), LigandEncoder())


def test_random_split_is_eight_one_one_without_overlap():
    split = random_split(1000)
    parts = [set(split.train), set(split.validation), set(split.test)]
    assert [len(p) for p in parts] == [800, 100, 100]
    assert len(set.union(*parts)) == 1000


@pytest.fixture
def mixed():
    """Cores of several dopants and hosts; some hold an element that is not their dopant."""
    cores = [("Ag", "AuAg"), ("Cu", "AuCu"), ("Cu", "AgCu"), ("Au", "Au"), ("Au", "CuAu"), ("Pd", "AuPdAg")] * 20
    return pd.DataFrame(
        {
            "dopant": [dopant for dopant, _ in cores],
            "metals": [frozenset(re.findall("[A-Z][a-z]", text)) for _, text in cores],
            "ligand_names": [frozenset(names) for names in (["SMe"], ["PH3", "Cl"], ["PH3", "Br"])] * 40,
            "family": ["Au4M2", "M@Au24-centre", "M@Au24-staple"] * 40,
            "n_metals": [6, 25, 55] * 40,
        }
    )


def test_leave_dopant_out_never_shows_the_element(mixed):
    splits = {split.name: split for split in leave_dopant_out(mixed)}
    assert set(splits) == {"Ag", "Au", "Cu", "Pd"}
    for name in ("Ag", "Cu", "Pd"):
        assert set(mixed.dopant.iloc[splits[name].test]) == {name}
        assert all(name not in metals for metals in mixed.metals.iloc[[*splits[name].train, *splits[name].validation]])
    assert set(mixed.metals.iloc[splits["Au"].test]) == {frozenset({"Au"})}


def test_several_dopants_are_left_out_together(mixed):
    split = leave_dopants_out(mixed, ["Ni", "Pd"])
    each = [one for one in leave_dopant_out(mixed) if one.name in ("Ni", "Pd")]
    assert set(split.test) == set().union(*(one.test for one in each))
    seen = [*split.train, *split.validation]
    assert set(seen) == set.intersection(*({*one.train, *one.validation} for one in each))


def test_leave_ligand_out_holds_every_cluster_that_carries_it(mixed):
    splits = {split.name: split for split in leave_ligand_out(mixed)}
    assert set(splits) == {"SMe", "PH3", "Cl", "Br"}
    assert len(splits["PH3"].test) == 80
    for name, split in splits.items():
        assert all(name not in names for names in mixed.ligand_names.iloc[split.train])


@pytest.mark.parametrize("name", HELD_OUT)
def test_held_out_rows_are_in_one_part_only(name, mixed):
    for split in HELD_OUT[name](mixed):
        parts = [set(split.train), set(split.validation), set(split.test)]
        assert all(parts) and sum(map(len, parts)) == len(set.union(*parts))


def test_rows_drawn_evenly_keep_rare_kinds():
    kinds = np.array(["rare"] * 5 + ["common"] * 95)
    kept = balanced_rows(np.arange(100), 20, kinds)
    assert len(set(kept)) == 20 and (kinds[kept] == "rare").sum() == 5


def test_every_epoch_draws_other_rows_evenly_from_all():
    kinds = np.array(["rare"] * 5 + ["common"] * 95)
    sampler = EvenSampler(kinds, 20, seed=0)
    epochs = [list(sampler) for _ in range(30)]
    assert all(len(set(rows)) == len(sampler) == 20 and (kinds[rows] == "rare").sum() == 5 for rows in epochs)
    assert len(set().union(*epochs)) > 90
    repeated = EvenSampler(kinds, 20, seed=0)
    assert epochs == [list(repeated) for _ in range(30)]


def test_families_are_cores_and_sizes_extrapolate(mixed):
    assert [split.name for split in HELD_OUT["leave one family out"](mixed)] == ["Au4M2", "M@Au24"]
    [split] = HELD_OUT["larger cores"](mixed)
    assert set(mixed.n_metals.iloc[split.test]) == {55} and set(mixed.n_metals.iloc[split.train]) == {6, 25}


def test_strong_rattles_are_not_trained_on(data):
    rattled = data.frame[data.frame.kind == "rattle"]
    assert len(rattled) > 0 and rattled.amplitude.max() <= MAX_RATTLE


def test_without_donors_leaves_the_bare_core(data):
    item = data.encoded[0]
    bare = without_donors(item)
    assert item.core.is_metal.sum() == len(bare.core.nodes) < len(item.core.nodes)
    assert bare.core.edges.max() < len(bare.core.nodes)


def test_without_donors_is_how_a_bare_core_is_read(data):
    row, item = data.frame.iloc[0], data.encoded[0]
    core = row.atoms[row.atoms.arrays["fragment"] == 0]
    core.info["ligand_smiles"] = row.atoms.info["ligand_smiles"]
    read, shown = encode(as_system(core), LigandEncoder("bundled").embed), without_donors(item)
    assert read.baseline == pytest.approx(shown.baseline, abs=1e-5)
    assert read.core.nodes == pytest.approx(shown.core.nodes)


def test_a_short_training_learns_and_repeats(data):
    rows = np.random.default_rng(0).permutation(len(data.targets))
    split = Split("small", rows[16:], rows[8:16], rows[:8])
    run = Run(data, MMLConfig(width=32), TrainingOptions(epochs=4, batch_size=16))
    first = train_ensemble(run, split, members=1)
    result = fold_result(run, split, first)
    errors = result.errors()
    assert errors["MML"]["MAE"] < errors["mean"]["MAE"]
    again = train_ensemble(run, split, members=1)
    assert first[0].predict(data, split.test) == pytest.approx(again[0].predict(data, split.test), abs=1e-5)


def test_every_fourth_step_has_the_contrastive_loss(data, monkeypatch):
    steps, compared = [], []
    loss, step = module.contrastive_loss, module.MMLModule.training_step
    monkeypatch.setattr(module, "contrastive_loss", lambda *pair: compared.append(len(steps)) or loss(*pair))
    monkeypatch.setattr(module.MMLModule, "training_step", lambda *given: steps.append(0) or step(*given))
    rows = np.arange(len(data.targets))
    train_one(
        data,
        Split("small", rows[:40], rows[40:48], rows[48:50]),
        MMLConfig(width=32),
        TrainingOptions(epochs=2, batch_size=8),
        seed=0,
    )
    assert len(steps) == 10 and compared == [1, 5, 9]


def test_a_stopped_evaluation_goes_on_and_gives_the_same(data, tmp_path, monkeypatch):
    rows = np.arange(len(data.targets))
    splits = [Split("*/a", rows[20:40], rows[10:20], rows[:10]), Split("b", rows[:20], rows[20:30], rows[30:40])]
    folds = {"kind": splits}
    settings = MMLConfig(width=32), TrainingOptions(epochs=1, batch_size=16)
    whole = evaluate_folds(Run(data, *settings), folds, seeds=2)
    trained = evaluate.train_one

    def only_three(*arguments):
        if len(list(tmp_path.glob("fold-*"))) == 3:
            raise KeyboardInterrupt
        return trained(*arguments)

    run = Run(data, *settings, tmp_path)
    monkeypatch.setattr(evaluate, "train_one", only_three)
    with pytest.raises(KeyboardInterrupt):
        evaluate_folds(run, folds, seeds=2)
    calls = []
    monkeypatch.setattr(evaluate, "train_one", lambda *arguments: calls.append(1) or trained(*arguments))
    again = evaluate_folds(run, folds, seeds=2)
    assert len(calls) == 1
    for one, other in zip(whole["kind"], again["kind"], strict=True):
        assert one.seeds.shape == (2, 10) and one.seeds == pytest.approx(other.seeds, abs=1e-5)
        assert len(one.errors()["MML"]["MAE by seed"]) == 2


def test_metrics_of_known_numbers():
    truth, predicted = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 4.0])
    assert summary(truth, predicted) == {"MAE": 0.6667, "RMSE": 1.1547, "R2": -1.0, "n": 3}
    assert r_squared(truth, truth) == 1.0


@pytest.mark.parametrize(
    ("level", "metals", "same"),
    [
        ("GFN1-xTB", {"Ni", "Zn"}, True),
        ("my level", {"Au", "Ag"}, True),
        ("GFN1-xTB", {"Au", "Ag"}, False),
    ],
)
def test_bare_metal_is_seen_where_it_has_labels_of_the_same_level(level, metals, same):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, N_BASELINE_FEATURES))
    data = SimpleNamespace(
        encoded=[SimpleNamespace(baseline=row) for row in features],
        targets=rng.normal(size=40) - 3.0,
        frame=pd.DataFrame({"level": level, "metals": [frozenset(metals)] * 40}),
    )
    network = MML(MMLConfig(ligand_width=8))
    fit_baseline(network, data, np.arange(40), (-3.0, 1.0), 20.0)
    assert network.baseline.weight.equal(network.bare.weight) is same
    assert not network.baseline.weight.requires_grad and not network.bare.weight.requires_grad


def test_a_network_without_baseline_learns_all(data):
    network = MML(MMLConfig(ligand_width=8))
    fit_baseline(network, data, np.arange(40), (-3.0, 1.0), None)
    for layer in (network.baseline, network.bare):
        assert not layer.weight.any() and not layer.bias.any() and not layer.weight.requires_grad
