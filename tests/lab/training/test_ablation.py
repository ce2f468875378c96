"""The switches of the ablations, their fixed subset, and a table that survives interruption."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from ase_bimetal.errors import BimetalError, MissingDataError, WeightsError
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.training.ablation import (
    RESULTS,
    VARIANTS,
    Budget,
    Variant,
    markdown_table,
    run_ablations,
    stratified_rows,
    train_member,
    with_ligands,
)
from ase_bimetal.lab.training.calibrate import Holdout
from ase_bimetal.lab.training.data import prepare, trainable
from ase_bimetal.lab.training.figures import draw_calibration, draw_learning_curve, draw_parity, observed_coverage
from ase_bimetal.lab.training.module import fit_baseline
from ase_bimetal.lab.training.recompute import Recomputed, recompute, within_clusters
from ase_bimetal.lab.training.splits import random_split
from ase_bimetal.model.card import Uncertainty
from ase_bimetal.model.checkpoint import load_checkpoint
from ase_bimetal.model.encode import collate
from ase_bimetal.model.ligand_encoder import LigandEncoder
from ase_bimetal.model.mml import FUSIONS, MML, MMLConfig


@pytest.fixture(scope="module")
def labels():
    """Some tens of labels of two families and three dopants."""
    whole = load_labels()
    names = ["Au4M2-Pd-SMe", "Au4M2-Ni-SMe", "M@Au8-Os-PMe3-Cl"]
    return replace(whole, frame=whole.frame[whole.frame.prototype.isin(names)])


@pytest.fixture(scope="module")
def data(labels):
    frame = trainable(labels.frame)
    rows = [*np.flatnonzero(frame.family == "Au4M2")[:3], *np.flatnonzero(frame.family == "M@Au8")[:3]]
    return prepare(frame.iloc[rows].reset_index(drop=True), LigandEncoder())


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_predicts_and_learns(fusion, data):
    torch.manual_seed(0)
    network = MML(MMLConfig(width=32, fusion=fusion))
    output = network(collate(data.encoded))
    output.energy.sum().backward()
    assert output.energy.shape == (6,)
    assert all(p.grad is not None for p in network.blocks.parameters())
    assert len(list(network.blocks)) == (0 if fusion == "pooling" else 4)


def test_an_unknown_fusion_is_refused():
    with pytest.raises(WeightsError, match="allowed: mamba2, attention, pooling"):
        MMLConfig(fusion="concatenation")


def test_cards_from_before_the_choice_mean_mamba2():
    card = dict(load_checkpoint().card.config)
    card.pop("fusion", None)
    assert MMLConfig(**card).fusion == "mamba2"


def test_the_published_variants_are_all_there():
    names = {v.name for v in VARIANTS}
    assert names >= {"full: log P and H_mix", "no descriptors", "H_mix only", "log P only"}
    assert {v.name: v.parts for v in VARIANTS if v.parts != "baseline and network"} == {
        "baseline only": "baseline",
        "network without baseline": "network",
    }
    assert {v.ligands for v in VARIANTS} == {"bundled T5", "random T5", "one-hot"}
    for variant in VARIANTS:
        MMLConfig(**variant.config)


def test_the_subset_is_fixed_and_keeps_the_shares(labels):
    frame = trainable(labels.frame)
    rows = stratified_rows(frame, 30)
    assert len(set(rows)) == 30 and np.array_equal(rows, stratified_rows(frame, 30))
    whole, part = (table.groupby(["family", "dopant"]).size() / len(table) for table in (frame, frame.iloc[rows]))
    assert (whole - part).abs().max() < 0.05
    assert len(stratified_rows(frame, 10**6)) == len(frame)


def test_one_hot_ligands_tell_ligands_apart_and_nothing_else(data):
    changed = with_ligands(data, "one-hot")
    vectors = np.unique(np.concatenate([item.ligand_embedding for item in changed.encoded]), axis=0)
    assert len(vectors) == 3 and np.array_equal(vectors.sum(axis=1), np.ones(3))
    assert changed.encoded[0].core is data.encoded[0].core
    with pytest.raises(BimetalError, match="one-hot"):
        with_ligands(data, "morgan")


def test_the_baseline_alone_is_what_its_layer_says(labels):
    whole = prepare(trainable(labels.frame), LigandEncoder())
    split = random_split(len(whole.targets))
    found = train_member(whole, split, Variant("baseline only", parts="baseline"), epochs=1, seed=0)
    assert found["n"] == len(split.test)
    network = MML(MMLConfig())
    fit_baseline(network, whole, split.train, (-3.0, 0.5), 20.0)  # no scale of the targets changes it
    slopes, intercept = network.baseline.weight[0].numpy(), float(network.baseline.bias)
    said = np.array([whole.encoded[i].baseline @ slopes + intercept for i in split.test]) * 0.5 - 3.0
    assert found["MAE"] == pytest.approx(np.abs(said - whole.targets[split.test]).mean(), abs=1e-4)


@pytest.mark.heavy
def test_a_random_t5_is_another_encoder_of_the_same_shape(data):
    changed = with_ligands(data, "random T5").encoded[0].ligand_embedding
    assert changed.shape == data.encoded[0].ligand_embedding.shape
    assert not np.allclose(changed, data.encoded[0].ligand_embedding)
    assert np.array_equal(changed, with_ligands(data, "random T5").encoded[0].ligand_embedding)


def test_a_tiny_table_goes_on_where_it_stopped(labels, tmp_path):
    few = [Variant("plain", {"fusion": "pooling"}), Variant("codes", {}, {"contrastive_weight": 0.0}, "one-hot")]
    budget = Budget(rows=50, epochs=1, seeds=1)
    results = run_ablations(labels, tmp_path, budget, few[:1])
    first = results["members"]["plain"]["0"]
    said = []
    results = run_ablations(labels, tmp_path, budget, few, said.append)
    assert len(said) == 1 and "codes, seed 0" in said[0]
    assert results["members"]["plain"]["0"] == first and first["MAE"] > 0
    assert json.loads((tmp_path / RESULTS).read_text()) == results
    assert "| codes |" in (tmp_path / "ablations.md").read_text()
    with pytest.raises(BimetalError, match="another folder"):
        run_ablations(labels, tmp_path, Budget(rows=50, epochs=2, seeds=1), few)


def test_the_table_gives_mean_and_spread():
    budget = {
        "labels": "abc",
        "rows": 3000,
        "epochs": 5,
        "split": "random 8:1:1, seed 0",
        "left out": ["Pd", "Re", "Zn"],
    }
    row = {"RMSE": 0.1, "n": 300, "seconds": 10.0, "left out": {"MAE": 0.2}}
    members = {"full": {"0": row | {"MAE": 0.04, "R2": 0.9}, "1": row | {"MAE": 0.06, "R2": 0.9}}}
    table = markdown_table({"budget": budget, "members": members})
    assert "| full | 0.0500 ± 0.0141 | 0.9000 ± 0.0000 | 0.2000 ± 0.0000 | 2 | 10 |" in table
    assert "clusters doped with Pd, Re or Zn, by a network" in table
    del budget["left out"]  # as of a run before there were such
    assert "| full | 0.0500 ± 0.0141 | 0.9000 ± 0.0000 | 2 | 10 |" in markdown_table(
        {"budget": budget, "members": members}
    )


def test_a_card_is_checked_against_its_weights(labels):
    checkpoint = load_checkpoint()
    found = recompute(checkpoint, labels)
    assert len(found.rows) == found.errors["n"] == len(trainable(labels.frame)) // 10
    honest = replace(checkpoint.card, metrics={"random": {"MML": found.errors}}, intervals={"random": found.interval})
    assert found.agrees(honest)
    better = replace(honest, metrics={"random": {"MML": found.errors | {"MAE": found.errors["MAE"] - 0.01}}})
    assert not found.agrees(better) and found.differences(better)["MAE"] == pytest.approx(0.01)


def test_configurations_are_compared_within_their_cluster():
    rows = pd.DataFrame(
        {"prototype": list("aaabbbcd"), "kind": ["breathing"] * 6 + ["rattle"] * 2, "family": ["f"] * 8}
    )
    truth = np.array([0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 5.0, 6.0])
    # Cluster b is far off as a whole, which is no matter here; the last two are alone in their clusters.
    mean = np.array([0.1, 1.1, 2.4, -3.0, -2.0, -2.5, 5.0, 6.0])
    held = Holdout(truth, mean, np.zeros(8))
    table = within_clusters(Recomputed(rows, held, {}, {}, True))
    assert list(table.index) == ["breathing"]
    assert table.loc["breathing", "rows"] == 6 and table.loc["breathing", "spread"] == pytest.approx(0.8944, abs=1e-4)
    # Labels −1, 0, 1 twice; predictions −1.1, −0.1, 1.2 and −0.5, 0.5, 0: ranks 1, 3, 6 and 2, 5, 4.
    assert table.loc["breathing", "rank correlation"] == pytest.approx(0.8367, abs=1e-4)
    assert table.loc["breathing", "MAE"] == pytest.approx((0.1 + 0.1 + 0.2 + 0.5 + 0.5 + 1.0) / 6)


@pytest.mark.heavy
def test_the_core_graph_ranks_cores_and_not_ligands():
    """What the model card says of configurations of one cluster."""
    table = within_clusters(recompute(load_checkpoint(), load_labels()))
    found = table["rank correlation"].round(2)
    assert found["breathing"] > 0.98 and found["metal displacement"] > 0.95 and found["dopant position"] > 0.85
    assert abs(found["ligand torsion"]) < 0.3


def test_a_model_of_other_data_cannot_be_recomputed(labels):
    checkpoint = load_checkpoint()
    other = replace(checkpoint, card=replace(checkpoint.card, training={"split": "5-fold cross-validation"}))
    with pytest.raises(MissingDataError, match="cannot be found again"):
        recompute(other, labels)


def test_figures_are_drawn(tmp_path):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    held = Holdout(truth, truth + rng.normal(scale=0.1, size=200), np.full(200, 0.02))
    terms = Uncertainty(floor=0.1, scale=1.0)
    assert observed_coverage(held, Uncertainty(floor=0.1, scale=3.0), [0.9]) > observed_coverage(held, terms, [0.5])
    draw_parity(held, ["M@Au24-centre", "Au4M2-capped"] * 100, tmp_path / "p.png")
    draw_calibration(held, terms, tmp_path / "c.png")
    draw_learning_curve([5, 10], {"a": np.array([[1.0, 2.0], [0.5, 0.7]])}, tmp_path / "l.png", {"flat": 0.6})
    assert all((tmp_path / f"{name}.png").stat().st_size > 10_000 for name in "pcl")
