"""Weights on disk: checked, pickle-free, and the numbers they give."""

import copy
import dataclasses
import hashlib
import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from ase_bimetal.errors import WeightsError
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.model.card import read_card
from ase_bimetal.model.checkpoint import DEFAULT_MODEL, load_checkpoint, resolve, save_checkpoint
from ase_bimetal.model.predictor import Predictor


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(resolve(DEFAULT_MODEL), tmp_path / "model")


def test_altered_weights_are_refused(copied):
    weights = copied / "weights.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 1
    weights.write_bytes(raw)
    with pytest.raises(WeightsError, match="sha256"):
        load_checkpoint(copied)


def test_an_architecture_that_does_not_fit_is_refused(copied):
    card = json.loads((copied / "card.json").read_text())
    card["config"]["width"] += 32
    (copied / "card.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="do not fit"):
        load_checkpoint(copied)


def test_another_ligand_encoder_is_refused(copied):
    card = json.loads((copied / "card.json").read_text())
    card["ligand_encoder"]["digest"] = "0" * 64
    (copied / "card.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError):
        Predictor(copied)


def test_unknown_model_lists_the_shipped_ones():
    with pytest.raises(WeightsError, match=DEFAULT_MODEL):
        load_checkpoint("no-such-model")


def test_a_card_comes_back_as_it_was_written():
    for name in (DEFAULT_MODEL, "gcnn-gfn1-pbe"):
        path = resolve(name) / "card.json"
        assert read_card(path).as_json() == json.loads(path.read_text())


@pytest.mark.parametrize(
    ("place", "field"),
    [
        (("target",), "mean"),
        ((), "target"),
        ((), "fragments"),
        (("domain",), "n_metals"),
        (("data",), "left out"),
        ((), "ligand_encoder"),
        ((), "uncertainty"),
        (("uncertainty",), "floor"),
        (("level_difference",), "sha256"),
        ((), "reference"),
    ],
)
def test_a_card_without_a_field_is_refused_with_its_name(copied, place, field):
    card = json.loads((copied / "card.json").read_text())
    part = card
    for key in place:
        part = part[key]
    del part[field]
    (copied / "card.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match=f"field '{field}' is missing; give the card"):
        load_checkpoint(copied)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("target", {"mean": "-3.2", "std": 1.0}),
        ("domain", []),
        ("metrics", 3),
        ("limits", "none"),
        ("members", "3"),
    ],
)
def test_a_card_with_a_wrong_kind_of_value_is_refused(copied, key, value):
    card = json.loads((copied / "card.json").read_text()) | {key: value}
    (copied / "card.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match=f"field '{key}'"):
        load_checkpoint(copied)


def test_a_card_cut_short_is_refused(copied):
    text = (copied / "card.json").read_text()
    (copied / "card.json").write_text(text[: len(text) // 2])
    with pytest.raises(WeightsError, match="card model/card.json cannot be read"):
        load_checkpoint(copied)


def test_card_is_complete():
    checkpoint = load_checkpoint()
    card = checkpoint.card
    assert len(checkpoint.members) >= 3
    assert {"random", "leave one dopant out", "leave one ligand out", "leave one family out"} <= set(card.metrics)
    for models in card.metrics.values():
        assert {"MML", "mean", "random forest, 8 features"} <= set(models)
    assert card.limits and card.licence and card.data.digest and card.fragments["H2"] < 0
    parts = card.sha256 + card.level_difference.sha256
    assert checkpoint.name == f"{DEFAULT_MODEL}@{hashlib.sha256(parts.encode()).hexdigest()[:8]}"


def test_card_names_the_labels_that_ship():
    card, labels = load_checkpoint().card, load_labels()
    assert card.data.digest == labels.digest
    assert card.data.labelled == len(labels.frame) >= 1500


def test_the_model_beats_the_forest_on_left_out_dopants():
    models = load_checkpoint().card.metrics["leave one dopant out"]
    assert models["MML"]["MAE"] < models["random forest, 8 features"]["MAE"]


@pytest.mark.parametrize("step", range(4))
def test_a_kill_while_saving_leaves_one_whole_model(copied, step, monkeypatch):
    """After 0, 1, 2 or 3 of its replacements: the old model until the card is there, then the new one."""
    old = load_checkpoint(copied)
    new = [copy.deepcopy(member) for member in old.members]
    for member in new:
        for value in member.state_dict().values():
            value.mul_(1.5)
    done, replace = [], Path.replace

    def killed(self, target):
        if len(done) == step:
            raise KeyboardInterrupt
        done.append(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt) if step < 3 else nullcontext():
        save_checkpoint(copied, new, dataclasses.replace(old.card, name="second"))
    monkeypatch.undo()
    found = load_checkpoint(copied)
    expected, name = (old.members, old.card.name) if step < 2 else (new, "second")
    assert found.card.name == name
    for mine, theirs in zip(found.members, expected, strict=True):
        for key, value in theirs.state_dict().items():
            assert torch.equal(mine.state_dict()[key], value)
    # Saving once more tidies what the kill left.
    save_checkpoint(copied, new, old.card)
    assert [path.name for path in copied.glob("*.safetensors")] == ["weights.safetensors"]
    digest = hashlib.sha256((copied / "weights.safetensors").read_bytes()).hexdigest()
    assert load_checkpoint(copied).card.sha256 == digest
