"""T5's pretraining task: spans of tokens are hidden behind sentinels and asked back (Raffel et al., 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

IGNORED = -100  # label that the cross-entropy of torch skips


@dataclass(frozen=True)
class SpanCorruption:
    """How much is hidden.

    Attributes
    ----------
    first_sentinel, end, pad
        Token ids: the first sentinel (the following ones count up), end of sequence, padding.
    density
        Share of the tokens that is hidden [-].
    mean_span
        Mean length of a hidden span [tokens].
    max_spans
        Number of sentinels there are.
    """

    first_sentinel: int
    end: int = 1
    pad: int = 0
    density: float = 0.25
    mean_span: float = 2.5
    max_spans: int = 64

    def corrupt(self, tokens: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Split one sequence into what the encoder sees and what the decoder must say.

        Parameters
        ----------
        tokens
            (n,) token ids without the end token, n ≥ 1.
        rng
            Source of randomness: the same state gives the same spans.

        Returns
        -------
        inputs, targets
            Both end with `end`; the i-th hidden span is sentinel i in `inputs` and follows sentinel i in
            `targets`.

        Examples
        --------
        >>> task = SpanCorruption(first_sentinel=90)
        >>> inputs, targets = task.corrupt(np.arange(10, 22), np.random.default_rng(0))
        >>> sorted(t for t in (*inputs, *targets) if 10 <= t < 22) == list(range(10, 22))
        True
        """
        hidden = self.hidden_mask(len(tokens), rng)
        starts = hidden & ~np.concatenate([[False], hidden[:-1]])
        sentinels = self.first_sentinel + np.cumsum(starts) - 1
        inputs = np.where(starts, sentinels, tokens)[~hidden | starts]
        targets = np.stack([sentinels, tokens], axis=1)[hidden]
        first = starts[hidden]
        targets = targets.ravel()[np.stack([first, np.ones_like(first)], axis=1).ravel()]
        return np.append(inputs, self.end), np.append(targets, self.end)

    def hidden_mask(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Choose which of `n` tokens to hide.

        The mask is (n,) bool: at least one hidden and, from n = 2, one shown.
        """
        if n == 1:
            return np.ones(1, dtype=bool)
        n_hidden = int(np.clip(round(n * self.density), 1, n - 1))
        most = min(n_hidden, n - n_hidden, self.max_spans)
        n_spans = int(np.clip(round(n_hidden / self.mean_span), 1, most))
        spans = _random_parts(n_hidden, n_spans, rng)
        # The gap before the first span and after the last one may be empty, those in between may not.
        gaps = _random_parts(n - n_hidden + 2, n_spans + 1, rng)
        gaps[[0, -1]] -= 1
        lengths = np.empty(2 * n_spans + 1, dtype=int)
        lengths[0::2], lengths[1::2] = gaps, spans
        return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)

    def batch(self, sequences: Sequence[np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Corrupt and pad a batch.

        Gives `input_ids`, `attention_mask` (b, l) and `labels` (b, m), all int64.
        """
        pairs = [self.corrupt(tokens, rng) for tokens in sequences]
        inputs = _padded([pair[0] for pair in pairs], self.pad)
        labels = _padded([pair[1] for pair in pairs], IGNORED)
        shown = (inputs != self.pad).astype(np.int64)
        return {"input_ids": inputs, "attention_mask": shown, "labels": labels}


def _random_parts(total: int, n_parts: int, rng: np.random.Generator) -> np.ndarray:
    """Split `total` into `n_parts` whole numbers of at least 1, every split equally likely."""
    cuts = np.sort(rng.choice(total - 1, n_parts - 1, replace=False)) + 1
    return np.diff(np.concatenate([[0], cuts, [total]]))


def _padded(rows: Sequence[np.ndarray], value: int) -> np.ndarray:
    out = np.full((len(rows), max(map(len, rows))), value, dtype=np.int64)
    for row, filled in zip(rows, out, strict=True):
        filled[: len(row)] = row
    return out


__all__ = ["SpanCorruption"]
