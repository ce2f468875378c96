"""`pretrain-ligands` as a user types it: an encoder that models take, resumed to the same one, and honestly scored."""

import json

import numpy as np
import pytest
from ase.io import read, write
from safetensors.numpy import load_file
from typer.testing import CliRunner

from ase_bimetal.cli.app import app
from ase_bimetal.errors import WeightsError
from ase_bimetal.lab.labels.corrections import ANCHORS
from ase_bimetal.ligands import Ligand
from ase_bimetal.model.card import EncoderCard
from ase_bimetal.model.ligand_encoder import LigandEncoder

TINY = ("--molecules", "60", "--width", "16", "--layers", "1", "--steps", "4", "--checkpoint-every", "2")


def run(*words):
    return CliRunner().invoke(app, ["pretrain-ligands", *map(str, words)])


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    """Vectors of new ligands go here and not into the home folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def smiles(tmp_path_factory):
    """A public file, too short for the share that it may have."""
    path = tmp_path_factory.mktemp("smiles") / "public.smi"
    path.write_text("".join(f"{'C' * n}O\n" for n in range(1, 21)))
    return path


@pytest.fixture(scope="module")
def whole(smiles, tmp_path_factory):
    """A run in one go: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("whole") / "t5"
    result = run(folder, *TINY, "--smiles", smiles)
    assert result.exit_code == 0, result.output
    return folder, result


def test_the_card_and_the_terminal_tell_the_perplexities(whole):
    folder, result = whole
    card = json.loads((folder / "encoder" / "card.json").read_text(encoding="utf-8"))
    assert (card["steps_done"], card["n_public"], card["n_ligands"]) == (4, 18, 42)
    assert card["data"]["public"] == "first molecules of public.smi"
    for pool in ("public", "ligands"):
        score = card["held_out"][pool]
        # Of 162 tokens, whoever guesses evenly has a perplexity of 162; frequencies must do better.
        assert 1 < score["unigram_perplexity"] < 162 and score["untrained_perplexity"] > 1
        assert f"held-out {pool}: perplexity {score['perplexity']:.2f} per hidden token" in result.stdout
    assert result.stderr.count("step 0, held-out") == 2 and "step 4, held-out ligands" in result.stderr


def test_a_stopped_run_is_resumed_to_the_same_encoder(whole, smiles, tmp_path, monkeypatch):
    from ase_bimetal.lab.pretraining.pretrain import SpanCorruptionModule

    step = SpanCorruptionModule.training_step

    def stop_at_third(self, batch, index):
        if self.global_step == 3:
            raise RuntimeError("power cut")
        return step(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(SpanCorruptionModule, "training_step", stop_at_third)
        assert "power cut" in str(run(tmp_path / "t5", *TINY, "--smiles", smiles, "-q").exception)
    assert not (tmp_path / "t5" / "encoder").exists()
    refused = run(tmp_path / "t5", *TINY, "--smiles", smiles, "-q")
    assert isinstance(refused.exception, WeightsError) and "earlier run" in str(refused.exception)
    other = run(tmp_path / "t5", *TINY, "--smiles", smiles, "-q", "--resume", "--seed", "1")
    assert isinstance(other.exception, WeightsError) and "seed 0 and not 1" in str(other.exception)
    resumed = run(tmp_path / "t5", *TINY, "--smiles", smiles, "-q", "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert "held-out" not in resumed.stderr
    expected = load_file(whole[0] / "encoder" / "model.safetensors")
    found = load_file(tmp_path / "t5" / "encoder" / "model.safetensors")
    assert all(np.array_equal(found[name], tensor) for name, tensor in expected.items())


def test_a_model_takes_the_folder_as_its_ligand_encoder(whole, tmp_path):
    """The argument that takes a Hugging Face T5 takes this folder, and the card remembers whose vectors it reads."""
    from ase_bimetal.lab.training.fine_tune import OwnOptions
    from ase_bimetal.lab.training.module import TrainingOptions
    from ase_bimetal.lab.training.own_data import Columns, load_own_data
    from ase_bimetal.lab.training.own_model import train_own_model

    encoder = LigandEncoder(whole[0] / "encoder")
    assert encoder.embed([Ligand.parse("PET").smiles, "CCCCCCCS"]).shape == (2, 16)
    frames = [frame for frame in read(ANCHORS, ":") if frame.info["kind"] == "anchor"]
    write(tmp_path / "mine.extxyz", frames[:40])
    own = load_own_data(tmp_path / "mine.extxyz", "PBE/DZVP", Columns("energy_pbe_eV"))
    card = train_own_model(
        own,
        tmp_path / "m",
        options=OwnOptions(TrainingOptions(epochs=1), members=1),
        ligand_encoder=str(encoder.folder),
    )
    assert card.ligand_encoder == EncoderCard(str(encoder.folder), encoder.digest)


def test_a_width_that_the_heads_cannot_share_is_refused(tmp_path):
    result = run(tmp_path / "t5", "--width", "18")
    assert result.exit_code == 2 and "multiple of 4" in result.output
    assert not (tmp_path / "t5").exists()
