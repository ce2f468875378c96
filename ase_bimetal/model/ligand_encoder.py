"""Ligand embeddings: mean-pooled last hidden states of a T5 encoder over SMILES.

The package ships a small encoder and runs it in NumPy; any Hugging Face T5 (for example MolT5) goes through the same
argument and runs in transformers. The common ligands' embeddings are shipped beside the weights.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save, save_file

from ase_bimetal.errors import LigandError, WeightsError
from ase_bimetal.extras import name_extra
from ase_bimetal.files import user_cache, write_whole
from ase_bimetal.model.smiles_t5 import SmilesT5, require_short

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, T5EncoderModel

#: Name of the encoder that the package ships.
BUNDLED = "bundled"
#: Files beside the weights of the bundled encoder.
COMMON_FILE, CHECKSUM_FILE = "common_ligands.safetensors", "sha256.json"
_HUB_FILES = ["*.json", "*.model", "model*.safetensors", "pytorch_model*.bin"]
_WEIGHT_PATTERNS = ("model*.safetensors", "pytorch_model*.bin")
_TOKENIZER_FILES = ("tokenizer.json", "spiece.model")


def bundled_folder() -> Path:
    """Find the folder of the encoder that ships."""
    return Path(str(resources.files("ase_bimetal.weights"))) / "ligand-t5"


class LigandEncoder:
    """A frozen T5 encoder that turns SMILES into vectors.

    Parameters
    ----------
    source
        ``"bundled"``, the path of a Hugging Face folder, or a hub id such as ``"laituan245/molt5-small"``.
        Only a hub id that is not in the local Hugging Face cache needs the network.
    device
        Torch device on which another encoder than the shipped one runs.

    Raises
    ------
    WeightsError
        The folder lacks weights or tokenizer, a bundled file was altered, or the hub cannot be reached.

    Examples
    --------
    >>> encoder = LigandEncoder()
    >>> encoder.embed(["SCCc1ccccc1", "c1ccc(P(c2ccccc2)c2ccccc2)cc1"]).shape == (2, encoder.width)
    True
    """

    def __init__(self, source: str | os.PathLike[str] = BUNDLED, device: str = "cpu") -> None:
        self.source, self.device = os.fspath(source), device
        self.folder = _find_folder(self.source)
        if self.source == BUNDLED:
            verify_checksums(self.folder)
        self.digest = encoder_digest(self.folder)
        self.width = _read_width(self.folder)
        self._known = _read_common(self.folder)

    def __getstate__(self) -> dict[str, object]:
        """Leave the loaded T5 behind: it is read again from `folder` when a SMILES needs it."""
        return {name: value for name, value in vars(self).items() if name != "_loaded"}

    @cached_property
    def _loaded(self) -> Callable[[str], np.ndarray]:
        """What embeds one SMILES; the shipped encoder needs no transformers."""
        if self.source == BUNDLED:
            return SmilesT5(self.folder).embed
        return partial(compute_embedding, *load_t5(self.folder, self.device))

    def require_digest(self, digest: str) -> None:
        """Refuse to stand in for another encoder.

        `digest` is that of the encoder a model was trained with.

        Raises
        ------
        WeightsError
            The digests differ.
        """
        if digest != self.digest:
            raise WeightsError(
                f"the model was trained with ligand encoder {digest[:16]}, but {self.source!r} is "
                f"{self.digest[:16]}; use the encoder that the model's card names"
            )

    def embed(self, smiles: Sequence[str]) -> np.ndarray:
        """Embed SMILES; each row depends on its own SMILES alone.

        Parameters
        ----------
        smiles
            n SMILES, spelled as `Ligand.smiles` spells them: another spelling is another input.

        Returns
        -------
        numpy.ndarray
            (n, `width`) float32: mean of the last hidden states over the tokens.

        Raises
        ------
        LigandError
            An entry is empty or not a string.
        """
        for text in smiles:
            if not isinstance(text, str) or not text:
                raise LigandError(
                    f"an embedding needs a SMILES string, not {text!r}; allowed: Ligand.smiles"
                    ". Pass Ligand.parse(text).smiles"
                )
            if text not in self._known:
                self._known[text] = self._cached(text)
        if len(smiles) == 0:
            return np.empty((0, self.width), dtype=np.float32)
        return np.stack([self._known[text] for text in smiles])

    def _cached(self, smiles: str) -> np.ndarray:
        """Read one embedding from the disk cache, or compute it and leave it there."""
        path = _cache_path(self.digest, smiles)
        vector = _read_cached(path, smiles)
        if vector is None or vector.shape != (self.width,):
            vector = self._loaded(smiles)
            _write_cached(path, {smiles: vector})
        return vector


@name_extra()
def load_t5(folder: Path, device: str = "cpu") -> tuple[PreTrainedTokenizerBase, T5EncoderModel]:
    """Load tokenizer and encoder from a local folder.

    It is a Hugging Face folder; they come in float32 and evaluation mode.
    """
    import torch
    from transformers import AutoTokenizer, T5EncoderModel

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    with _no_progress_bar():
        model = T5EncoderModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    torch.nn.Module.to(model, device)
    return tokenizer, model.eval()


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Keep transformers from drawing a progress bar for a file that loads in milliseconds."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def compute_embedding(tokenizer: PreTrainedTokenizerBase, model: T5EncoderModel, smiles: str) -> np.ndarray:
    """Average the last hidden states of one SMILES.

    The mean over its tokens is (d,) float32.

    One SMILES at a time: no padding, so no neighbour in a batch can change the last bits.

    Raises
    ------
    LigandError
        It has more tokens than encoders were trained with.
    """
    import torch

    tokens = tokenizer(smiles, return_tensors="pt", verbose=False)["input_ids"].to(model.device)
    require_short(smiles, tokens.shape[1])
    with torch.inference_mode():
        states = model(input_ids=tokens).last_hidden_state
    vector: np.ndarray = states[0].mean(0).float().cpu().numpy()
    return vector


def encoder_digest(folder: Path) -> str:
    """Hash an encoder's weight files and tokenizer.

    A checkpoint remembers this sha256 of its encoder.
    """
    digest = hashlib.sha256()
    for path in (*_weight_files(folder), _tokenizer_file(folder)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def verify_checksums(folder: Path) -> None:
    """Compare every file of a folder with its ``sha256.json``.

    Raises
    ------
    WeightsError
        A listed file is missing or altered, or the list itself is missing.
    """
    listing = folder / CHECKSUM_FILE
    if not listing.is_file():
        raise WeightsError(f"no {CHECKSUM_FILE} in {folder}; reinstall ase-bimetal")
    for name, expected in json.loads(listing.read_text(encoding="utf-8")).items():
        path = folder / name
        if not path.is_file():
            raise WeightsError(f"{name} is missing from {folder}; reinstall ase-bimetal")
        found = file_sha256(path)
        if found != expected:
            raise WeightsError(f"{path} was altered: sha256 {found}, not {expected}; reinstall ase-bimetal")


def file_sha256(path: Path) -> str:
    """Hash one file to hexadecimal text."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _find_folder(source: str) -> Path:
    if source == BUNDLED:
        return bundled_folder()
    path = Path(source).expanduser()
    return path.resolve() if path.is_dir() else _fetch_from_hub(source)


def _fetch_from_hub(repo: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(repo, allow_patterns=_HUB_FILES))
    except (OSError, ValueError) as error:  # the hub's own errors are one or the other
        raise WeightsError(
            f"ligand encoder {repo!r} is neither a folder nor a Hugging Face id that can be fetched; "
            f"allowed: {BUNDLED!r}, a folder, or a hub id such as 'laituan245/molt5-small' ({error})"
            ". Check the name, or give the path of a folder"
        ) from error


def _weight_files(folder: Path) -> list[Path]:
    for pattern in _WEIGHT_PATTERNS:
        files = sorted(folder.glob(pattern))
        if files:
            return files
    raise WeightsError(
        f"no encoder weights in {folder}; looked for {' and '.join(_WEIGHT_PATTERNS)}. Write them with save_pretrained"
    )


def _tokenizer_file(folder: Path) -> Path:
    for name in _TOKENIZER_FILES:
        if (folder / name).is_file():
            return folder / name
    raise WeightsError(
        f"no tokenizer in {folder}; looked for {' and '.join(_TOKENIZER_FILES)}. Write it with save_pretrained"
    )


def _read_width(folder: Path) -> int:
    config = folder / "config.json"
    if not config.is_file():
        raise WeightsError(f"no config.json in {folder}. Write it with save_pretrained")
    facts = json.loads(config.read_text(encoding="utf-8"))
    if facts.get("model_type") != "t5":
        raise WeightsError(
            f"{folder} holds a model of type {facts.get('model_type')!r}; allowed: 't5'. Use a T5 encoder"
        )
    return int(facts["d_model"])


def _read_common(folder: Path) -> dict[str, np.ndarray]:
    path = folder / COMMON_FILE
    return dict(load_file(path)) if path.is_file() else {}


def write_common(folder: Path, smiles: Iterable[str]) -> None:
    """Write the embeddings of common ligands.

    They are saved beside the weights, keyed by SMILES.
    """
    tokenizer, model = load_t5(folder)
    save_file({text: compute_embedding(tokenizer, model, text) for text in smiles}, folder / COMMON_FILE)


def _cache_path(digest: str, smiles: str) -> Path:
    name = hashlib.sha256(smiles.encode()).hexdigest()
    return user_cache() / "ligand-embeddings" / digest[:16] / f"{name}.safetensors"


def _read_cached(path: Path, smiles: str) -> np.ndarray | None:
    """Embedding from the cache; None when it is not there or its file was cut short."""
    try:
        return load_file(path).get(smiles)
    except (OSError, SafetensorError):
        return None


def _write_cached(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """Write a cache file in one step, so that no reader sees half of it; a full disk is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, save(tensors))
    except OSError:
        return


__all__ = ["BUNDLED", "LigandEncoder", "bundled_folder", "encoder_digest", "verify_checksums"]
