"""The shipped ligand encoder's forward pass in NumPy: importing transformers takes seconds, this takes none.

The T5 encoder of Raffel et al., J. Mach. Learn. Res. 2020, 21, 140, as transformers' `T5EncoderModel` computes it:
self-attention without scaling, with biases by relative position that all blocks share; a feed-forward layer with ReLU;
root-mean-square norms before both and at the end.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from ase_bimetal.errors import LigandError

#: Tokens of a SMILES at most, the end counted.
MOST_TOKENS = 512


def require_short(smiles: str, n_tokens: int) -> None:
    """Refuse a SMILES that is longer than what encoders were trained on.

    Raises
    ------
    LigandError
        It has more than `MOST_TOKENS` tokens.
    """
    if n_tokens > MOST_TOKENS:
        raise LigandError(
            f"the SMILES {smiles[:40]}… has {n_tokens} tokens; allowed: {MOST_TOKENS} at most, as many "
            "as the ligand encoder was trained with. Name a ligand of a molecule, not of a polymer"
        )


class SmilesT5:
    """The encoder that the package ships, read from its Hugging Face folder.

    Parameters
    ----------
    folder
        Holds ``config.json``, ``tokenizer.json`` (tokens by a regular expression) and ``model.safetensors``.

    Examples
    --------
    >>> from ase_bimetal.model.ligand_encoder import bundled_folder
    >>> encoder = SmilesT5(bundled_folder())
    >>> len(encoder.tokens("SCCl")), encoder.embed("SCCl").shape
    (4, (128,))
    """

    def __init__(self, folder: Path) -> None:
        self._config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._weights = load_file(folder / "model.safetensors")
        tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        self._pattern = re.compile(tokenizer["pre_tokenizer"]["pattern"]["Regex"], re.DOTALL)
        self._vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
        self._unknown = self._vocabulary[tokenizer["model"]["unk_token"]]

    def tokens(self, smiles: str) -> list[int]:
        """Give the token numbers of a SMILES.

        The one that ends it is included.
        """
        found = [self._vocabulary.get(token, self._unknown) for token in self._pattern.findall(smiles)]
        return [*found, self._config["eos_token_id"]]

    def embed(self, smiles: str) -> np.ndarray:
        """Average the last hidden states of one SMILES.

        The mean over its tokens is (d,) float32.

        Raises
        ------
        LigandError
            It has more than `MOST_TOKENS` tokens.
        """
        numbers, name = self.tokens(smiles), "encoder.block.{}.layer.{}.{}.weight".format
        require_short(smiles, len(numbers))
        states = self._weights["shared.weight"][numbers]
        biases = self._position_biases(len(numbers), name(0, 0, "SelfAttention.relative_attention_bias"))
        for k in range(self._config["num_layers"]):
            attention = {part: self._weights[name(k, 0, f"SelfAttention.{part}")] for part in "qkvo"}
            states = states + self._attention(self._normalised(states, name(k, 0, "layer_norm")), attention, biases)
            into, out = (self._weights[name(k, 1, f"DenseReluDense.{part}")] for part in ("wi", "wo"))
            hidden = self._normalised(states, name(k, 1, "layer_norm")) @ into.T
            states = states + np.maximum(hidden, 0) @ out.T
        embedding: np.ndarray = self._normalised(states, "encoder.final_layer_norm.weight").mean(axis=0)
        return embedding

    def _normalised(self, states: np.ndarray, weight: str) -> np.ndarray:
        square = np.square(states).mean(axis=-1, keepdims=True)
        spread = np.sqrt(square + np.float32(self._config["layer_norm_epsilon"]))
        normalised: np.ndarray = states / spread * self._weights[weight]
        return normalised

    def _attention(self, states: np.ndarray, weights: dict[str, np.ndarray], biases: np.ndarray) -> np.ndarray:
        """Self-attention over tokens (n, d)."""
        q, k, v = (self._by_head(states @ weights[part].T) for part in "qkv")
        scores = q @ k.swapaxes(1, 2) + biases
        share = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed: np.ndarray = (share / share.sum(axis=-1, keepdims=True)) @ v
        joined: np.ndarray = mixed.swapaxes(0, 1).reshape(len(states), -1) @ weights["o"].T
        return joined

    def _by_head(self, values: np.ndarray) -> np.ndarray:
        """(n, heads × d) → (heads, n, d)."""
        return values.reshape(len(values), self._config["num_heads"], -1).swapaxes(0, 1)

    def _position_biases(self, n: int, weight: str) -> np.ndarray:
        """Biases (heads, n, n) by how far a token is behind or ahead, in buckets that widen with the distance."""
        gaps = np.arange(n) - np.arange(n)[:, None]
        half = self._config["relative_attention_num_buckets"] // 2
        exact, farthest = half // 2, self._config["relative_attention_max_distance"]
        far = np.maximum(np.abs(gaps), exact).astype(np.float32) / np.float32(exact)
        wide = exact + (np.log(far) / np.float32(math.log(farthest / exact)) * (half - exact)).astype(int)
        buckets = np.where(np.abs(gaps) < exact, np.abs(gaps), np.minimum(wide, half - 1)) + half * (gaps > 0)
        biases: np.ndarray = self._weights[weight][buckets].transpose(2, 0, 1)
        return biases


__all__ = ["MOST_TOKENS", "SmilesT5", "require_short"]
