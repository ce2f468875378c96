"""The ligand encoder: tokens, determinism, shipped and cached embeddings, other T5 folders, altered files."""

import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

from ase_bimetal.errors import LigandError, WeightsError
from ase_bimetal.ligands import LIGAND_NAMES, Ligand
from ase_bimetal.model import ligand_encoder
from ase_bimetal.model.ligand_encoder import LigandEncoder, bundled_folder, compute_embedding, load_t5
from ase_bimetal.model.smiles_t5 import MOST_TOKENS, SmilesT5

UNSEEN = "CCCSc1ccc(Br)cc1"
LIGANDS = sorted(Ligand.parse(name).smiles for name in LIGAND_NAMES)
RARE = ["C[Si](C)(C)C#C", "OB(O)c1ccc(S)cc1", "[SeH]c1ccccc1", "CP(=O)([O-])S", "C[N+](C)(C)CCS", "[2H]C/C=C\\S"]


@pytest.fixture(scope="module")
def bundled_t5():
    return load_t5(bundled_folder())


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep every test's disk cache to itself."""
    folder = tmp_path / "cache"
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(folder))
    return folder


@pytest.fixture(scope="module")
def tiny_t5_folder(tmp_path_factory):
    """Return an ordinary Hugging Face folder that knows nothing of this package."""
    import torch
    from transformers import T5Config, T5EncoderModel

    from ase_bimetal.lab.pretraining.smiles_tokenizer import build_smiles_tokenizer

    folder, tokenizer = tmp_path_factory.mktemp("tiny-t5"), build_smiles_tokenizer()
    torch.manual_seed(0)
    config = T5Config(vocab_size=len(tokenizer), d_model=8, d_kv=4, d_ff=16, num_heads=2, num_layers=1)
    T5EncoderModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("smiles", LIGANDS + RARE)
def test_no_unknown_token(bundled_t5, smiles):
    tokenizer, _ = bundled_t5
    tokens = tokenizer(smiles)["input_ids"]
    assert tokenizer.unk_token_id not in tokens
    assert "".join(tokenizer.convert_ids_to_tokens(tokens[:-1])) == smiles
    assert tokens[-1] == tokenizer.eos_token_id


def test_a_smiles_longer_than_any_of_the_training_is_refused(bundled_t5, caplog, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    longest, longer = "C" * (MOST_TOKENS - 2) + "S", "C" * (MOST_TOKENS - 1) + "S"
    assert LigandEncoder().embed([longest]).shape == (1, LigandEncoder().width)
    for embed in (lambda text: LigandEncoder().embed([text]), lambda text: compute_embedding(*bundled_t5, text)):
        with pytest.raises(LigandError, match=f"has {MOST_TOKENS + 1} tokens; allowed: {MOST_TOKENS} at most"):
            embed(longer)
    assert caplog.messages == []


def test_two_letter_elements_are_one_token_and_aromatic_neighbours_are_two(bundled_t5):
    tokenizer, _ = bundled_t5
    assert tokenizer.tokenize("[SeH]Cl") == ["[", "Se", "H", "]", "Cl"]
    assert tokenizer.tokenize("Sc1cn(C)cn1")[:2] == ["S", "c"]


def test_shipped_embeddings_are_those_of_the_weights(bundled_t5):
    shipped = LigandEncoder().embed(LIGANDS)
    computed = np.stack([compute_embedding(*bundled_t5, smiles) for smiles in LIGANDS])
    np.testing.assert_allclose(shipped, computed, rtol=0, atol=1e-5)


def test_embeddings_tell_ligands_apart_and_are_float32():
    encoder = LigandEncoder()
    vectors = encoder.embed(LIGANDS)
    assert vectors.shape == (len(LIGANDS), encoder.width)
    assert vectors.dtype == np.float32
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    assert distances[~np.eye(len(LIGANDS), dtype=bool)].min() > 0.05


def test_rows_do_not_depend_on_their_neighbours(tiny_t5_folder):
    many = ["CS", UNSEEN, "c1ccc(P(c2ccccc2)c2ccccc2)cc1", "CS"]
    together = LigandEncoder(tiny_t5_folder).embed(many)
    for row, smiles in zip(together, many, strict=True):
        np.testing.assert_allclose(row, LigandEncoder(tiny_t5_folder).embed([smiles])[0], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(together[0], together[3])


def test_padding_with_a_mask_gives_the_same_embedding(bundled_t5):
    import torch

    tokenizer, model = bundled_t5
    batch = tokenizer(["CS", UNSEEN], padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(**batch).last_hidden_state * batch["attention_mask"][..., None]
    pooled = states.sum(1) / batch["attention_mask"].sum(1, keepdim=True)
    np.testing.assert_allclose(compute_embedding(*bundled_t5, "CS"), pooled[0].numpy(), rtol=0, atol=1e-5)


def test_equivalent_spellings_of_a_ligand_embed_alike():
    spellings = ["PET", "[S-]CCc1ccccc1", "c1ccccc1CCS"]
    vectors = LigandEncoder().embed([Ligand.parse(text).smiles for text in spellings])
    assert (vectors == vectors[0]).all()


def test_any_t5_folder_goes_through_the_same_argument(tiny_t5_folder):
    encoder = LigandEncoder(source=tiny_t5_folder)
    assert encoder.embed(["CS", "CCS"]).shape == (2, 8)
    assert encoder.digest != LigandEncoder().digest
    assert LigandEncoder(source=str(tiny_t5_folder)).digest == encoder.digest


def test_a_hub_id_is_fetched_once_and_read_from_there(tiny_t5_folder, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda repo, **options: asked.append(repo) or str(tiny_t5_folder)
    )
    assert LigandEncoder("laituan245/molt5-small").width == 8
    assert asked == ["laituan245/molt5-small"]


def test_a_hub_that_cannot_be_reached_is_named(monkeypatch):
    def offline(repo, **options):
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
    with pytest.raises(WeightsError, match="laituan245/molt5-small"):
        LigandEncoder("laituan245/molt5-small")


def test_a_checkpoint_can_refuse_another_encoder(tiny_t5_folder):
    LigandEncoder().require_digest(LigandEncoder().digest)
    with pytest.raises(WeightsError, match="trained with ligand encoder"):
        LigandEncoder(tiny_t5_folder).require_digest(LigandEncoder().digest)


def test_the_shipped_encoder_embeds_as_transformers_does(bundled_t5):
    for smiles in [*LIGANDS, *RARE, UNSEEN, "C" * 30 + "S", "C" * 300 + "S", "*\n?"]:
        tokenizer, _ = bundled_t5
        assert SmilesT5(bundled_folder()).tokens(smiles) == tokenizer(smiles)["input_ids"]
        found = SmilesT5(bundled_folder()).embed(smiles)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, compute_embedding(*bundled_t5, smiles), rtol=1e-6, atol=3e-6)


def test_an_unseen_ligand_needs_neither_transformers_nor_torch_with_the_shipped_encoder(cache):
    code = (
        "import sys; import platformdirs; platformdirs.user_cache_dir = lambda name: sys.argv[1]; "
        "sys.modules['transformers'] = sys.modules['torch'] = None; "
        "from ase_bimetal.model.ligand_encoder import LigandEncoder; "
        f"print(LigandEncoder().embed(['{UNSEEN}']).shape)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(cache)], check=True, capture_output=True, text=True)
    assert run.stdout == "(1, 128)\n"
    assert list(cache.rglob("*.safetensors"))


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "common_ligands.safetensors"])
def test_an_altered_bundled_file_is_refused(tmp_path, monkeypatch, name):
    copy = shutil.copytree(bundled_folder(), tmp_path / "copy")
    monkeypatch.setattr(ligand_encoder, "bundled_folder", lambda: copy)
    content = bytearray((copy / name).read_bytes())
    content[-1] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(WeightsError, match=f"{name} was altered"):
        LigandEncoder()
    (copy / name).unlink()
    with pytest.raises(WeightsError, match=f"{name} is missing"):
        LigandEncoder()


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_an_incomplete_folder_is_refused(tiny_t5_folder, tmp_path, name):
    copy = shutil.copytree(tiny_t5_folder, tmp_path / "copy")
    (copy / name).unlink()
    with pytest.raises(WeightsError, match="no "):
        LigandEncoder(copy)


def test_a_model_that_is_no_t5_is_refused(tiny_t5_folder, tmp_path):
    copy = shutil.copytree(tiny_t5_folder, tmp_path / "copy")
    (copy / "config.json").write_text('{"model_type": "bert", "d_model": 8}')
    with pytest.raises(WeightsError, match="'bert'"):
        LigandEncoder(copy)


@pytest.mark.parametrize("smiles", ["", None])
def test_an_empty_smiles_is_refused(smiles):
    with pytest.raises(LigandError, match="SMILES string"):
        LigandEncoder().embed([smiles])


def test_an_unseen_ligand_is_computed_once(tiny_t5_folder, monkeypatch):
    first = LigandEncoder(tiny_t5_folder).embed([UNSEEN])
    monkeypatch.setattr(ligand_encoder, "load_t5", lambda *unused: pytest.fail("the cache was not used"))
    np.testing.assert_array_equal(LigandEncoder(tiny_t5_folder).embed([UNSEEN]), first)


def test_a_damaged_cache_file_is_computed_again(tiny_t5_folder, cache):
    first = LigandEncoder(tiny_t5_folder).embed([UNSEEN])
    (file,) = cache.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:20])
    np.testing.assert_array_equal(LigandEncoder(tiny_t5_folder).embed([UNSEEN]), first)
    assert file.stat().st_size > 20


def test_a_cache_that_cannot_be_written_does_no_harm(tiny_t5_folder, cache):
    cache.write_text("a file where the folder should be")
    assert LigandEncoder(tiny_t5_folder).embed([UNSEEN]).shape == (1, 8)


def test_pickles_without_its_t5(tiny_t5_folder):
    encoder = LigandEncoder(tiny_t5_folder)
    row = encoder.embed([UNSEEN])
    copy = pickle.loads(pickle.dumps(encoder))
    assert "_loaded" not in vars(copy)
    np.testing.assert_array_equal(copy.embed([UNSEEN]), row)


def test_common_ligands_need_neither_transformers_nor_torch():
    code = (
        "import sys; from ase_bimetal.model.ligand_encoder import LigandEncoder; "
        "LigandEncoder().embed(['CS', 'SCCc1ccccc1']); "
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ, HF_HUB_OFFLINE="1"))
