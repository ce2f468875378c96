"""How well hidden tokens of molecules never trained on are guessed: by a T5, and by token frequencies alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import torch

from ase_bimetal.lab.pretraining.span_corruption import IGNORED


def held_out_scores(metrics: Mapping[str, torch.Tensor], pools: Iterable[str]) -> dict[str, dict[str, float]]:
    """Collect the scores of each held-out pool.

    Perplexity and accuracy per hidden token come from a trainer's logged metrics.

    Hidden tokens are all that the decoder must say: SMILES tokens, sentinels and the end token.
    """
    return {
        pool: {
            "perplexity": math.exp(float(metrics[f"{pool}/loss"])),
            "token_accuracy": float(metrics[f"{pool}/accuracy"]),
        }
        for pool in pools
    }


def unigram_perplexity(trained: Iterable[np.ndarray], held_out: Iterable[np.ndarray], vocabulary: int) -> float:
    """Compute the perplexity of guessing by frequency.

    Every hidden token is guessed by how often it is asked for, whatever surrounds it.

    Parameters
    ----------
    trained
        Label arrays of any shape whose tokens are counted, each token once more than it occurs; `IGNORED` is skipped.
    held_out
        Label arrays whose tokens are guessed.
    vocabulary
        Number of token ids.

    Examples
    --------
    >>> even = np.repeat(np.arange(4), 1000)
    >>> round(unigram_perplexity([even], [even], vocabulary=4), 6)
    4.0
    """
    frequencies = _counts(trained, vocabulary) + 1.0
    asked = _counts(held_out, vocabulary)
    surprise = -np.log(frequencies / frequencies.sum())
    return math.exp(float(asked @ surprise / asked.sum()))


def _counts(labels: Iterable[np.ndarray], vocabulary: int) -> np.ndarray:
    counts = np.zeros(vocabulary)
    for block in labels:
        counts += np.bincount(np.asarray(block)[np.asarray(block) != IGNORED], minlength=vocabulary)
    return counts


__all__ = ["held_out_scores", "unigram_perplexity"]
