"""Pretraining of the ligand encoder: its task, its data, and runs that resume exactly."""

import doctest
import gzip
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ase_bimetal.errors import MissingDataError
from ase_bimetal.lab.pretraining.ligand_smiles import ligand_smiles
from ase_bimetal.lab.pretraining.smiles_corpus import MOLSETS_MEMBER, BatchPlan, read_smiles
from ase_bimetal.lab.pretraining.span_corruption import SpanCorruption
from ase_bimetal.ligands import Ligand
from ase_bimetal.model.ligand_encoder import bundled_folder

FIRST = 100


def restored(inputs, targets):
    """Put the hidden spans back where their sentinels stand."""
    spans = {}
    for token in targets[:-1]:
        if token >= FIRST:
            current = spans.setdefault(token, [])
        else:
            current.append(token)
    return [t for token in inputs[:-1] for t in (spans[token] if token >= FIRST else [token])]


@pytest.mark.parametrize("n", [1, 2, 3, 10, 47, 160])
def test_nothing_is_lost_between_inputs_and_targets(n):
    task, rng = SpanCorruption(first_sentinel=FIRST), np.random.default_rng(0)
    tokens = np.arange(n) % 90 + 2
    for _ in range(50):
        inputs, targets = task.corrupt(tokens, rng)
        assert restored(inputs, targets) == tokens.tolist()
        assert inputs[-1] == targets[-1] == task.end


def test_share_of_hidden_tokens():
    task, rng = SpanCorruption(first_sentinel=FIRST, density=0.25), np.random.default_rng(0)
    assert [task.hidden_mask(n, rng).sum() for n in (1, 2, 4, 40, 100)] == [1, 1, 1, 10, 25]


def test_padding_is_masked_in_inputs_and_ignored_in_labels():
    batch = SpanCorruption(first_sentinel=FIRST).batch([np.arange(2, 5), np.arange(2, 60)], np.random.default_rng(0))
    assert (batch["input_ids"][batch["attention_mask"] == 0] == 0).all()
    assert batch["labels"].min() == -100
    assert batch["attention_mask"].sum(1).min() < batch["input_ids"].shape[1]


def test_drawn_ligands_are_in_the_protonation_state_of_ligand_parse():
    drawn = list(ligand_smiles(150, seed=3))
    ligands = [Ligand.parse(smiles) for smiles in drawn]
    assert [ligand.smiles for ligand in ligands] == drawn
    assert {ligand.donor for ligand in ligands} >= {"S", "Se", "P", "C", "N", "O"}
    assert len(set(drawn)) == 150


def test_public_smiles_are_read_plain_packed_and_from_the_wheel(tmp_path):
    text = "SMILES,SPLIT\nCCO,train\nc1ccccc1,train\n"
    plain, packed, wheel = tmp_path / "a.csv", tmp_path / "a.csv.gz", tmp_path / "molsets.whl"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MOLSETS_MEMBER, packed.read_bytes())
    assert [read_smiles(path, 2) for path in (plain, packed, wheel)] == [["CCO", "c1ccccc1"]] * 3


def test_a_missing_or_short_file_is_named(tmp_path):
    with pytest.raises(MissingDataError, match="nowhere.csv"):
        read_smiles(tmp_path / "nowhere.csv", 1)
    (tmp_path / "short.smi").write_text("CCO\n")
    with pytest.raises(MissingDataError, match="holds 1 SMILES"):
        read_smiles(tmp_path / "short.smi", 2)


def test_batches_are_a_function_of_seed_and_step():
    plan = BatchPlan(np.random.default_rng(0).integers(3, 60, 100), batch_size=8, seed=1)
    assert plan.steps_per_epoch == 12
    np.testing.assert_array_equal(plan.steps(5, 30)[10:20], plan.steps(15, 25))
    rows = plan.steps(0, 12)
    assert len(np.unique(rows)) == rows.size == 96


def test_an_interrupted_run_resumes_to_the_same_encoder(tmp_path, monkeypatch):
    from safetensors.numpy import load_file

    from ase_bimetal.lab.pretraining.pretrain import PretrainSettings, SpanCorruptionModule, pretrain_ligand_encoder
    from ase_bimetal.model.ligand_encoder import LigandEncoder

    settings = PretrainSettings(
        n_smiles=60, n_held_out=20, steps=4, batch_size=4, warmup=2, d_model=16, d_ff=32, n_heads=4, n_layers=1
    )
    whole = pretrain_ligand_encoder(tmp_path / "whole", settings, slice_steps=2, progress=False)

    step = SpanCorruptionModule.training_step

    def stop_at_third(self, batch, index):
        if self.global_step == 3:
            raise RuntimeError("power cut")
        return step(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(SpanCorruptionModule, "training_step", stop_at_third)
        with pytest.raises(RuntimeError, match="power cut"):
            pretrain_ligand_encoder(tmp_path / "cut", settings, slice_steps=2, progress=False)
    resumed = pretrain_ligand_encoder(tmp_path / "cut", settings, slice_steps=2, progress=False)

    expected = load_file(whole / "model.safetensors")
    for name, tensor in load_file(resumed / "model.safetensors").items():
        np.testing.assert_array_equal(tensor, expected[name])
    card = json.loads((resumed / "card.json").read_text(encoding="utf-8"))
    assert card["steps_done"] == 4
    assert card["held_out"]["ligands"]["perplexity"] > 1.0
    assert card["digest"] == LigandEncoder(resumed).digest


def test_the_page_of_the_encoder_speaks_true(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    page = Path(__file__).parents[3] / "docs" / "ligand-encoder.md"
    assert doctest.testfile(str(page), module_relative=False).failed == 0
    card = json.loads((bundled_folder() / "card.json").read_text(encoding="utf-8"))
    text = page.read_text(encoding="utf-8")
    for pool, title in (("public", "MOSES"), ("ligands", "generated ligands")):
        score = card["held_out"][pool]
        assert f"| {title} | {100 * score['token_accuracy']:.0f} % | {score['perplexity']:.2f} |" in text
    assert f"step {card['steps_done']:,} of" in text and f"{card['n_parameters']:,} weights" in text
