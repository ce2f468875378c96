"""SMILES to pretrain on: a public file, ligands made from building blocks, and batches in a fixed order."""

from __future__ import annotations

import gzip
import io
import itertools
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np
from rdkit import Chem
from tqdm import tqdm

from ase_bimetal.errors import MissingDataError
from ase_bimetal.lab.pretraining.ligand_smiles import ligand_smiles
from ase_bimetal.lab.pretraining.span_corruption import SpanCorruption

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

#: Where the `molsets` wheel (MOSES, MIT licence) keeps its 1.6 M training molecules.
MOLSETS_MEMBER = "moses/dataset/data/train.csv.gz"
MAX_TOKENS = 160  # longer SMILES are left out: a handful of them would set the cost of a whole batch
_RANDOM_SPELLING = 0.3  # share of training SMILES that are not in canonical spelling


@dataclass(frozen=True)
class SmilesCorpus:
    """Tokenised SMILES.

    Attributes
    ----------
    train
        Sequences of token ids without end token, each (n,) uint8.
    held_out
        Pool name (``"public"``, ``"ligands"``) → sequences never trained on, in canonical spelling.
    n_public, n_ligands
        Training sequences from the public file and from building blocks.
    """

    train: tuple[np.ndarray, ...]
    held_out: dict[str, tuple[np.ndarray, ...]]
    n_public: int
    n_ligands: int


@contextmanager
def _open_text(path: Path) -> Iterator[TextIO]:
    """Open text, gzipped text, or the training file inside the `molsets` wheel."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel, wheel.open(MOLSETS_MEMBER) as packed:
            yield io.TextIOWrapper(gzip.GzipFile(fileobj=packed), encoding="utf-8")
    else:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as file:
            yield file


def read_smiles(path: Path | str, n: int) -> list[str]:
    """Read at most the first `n` SMILES of a file.

    The file has one a line or in its first column: plain, ``.gz`` or a molsets wheel.

    Raises
    ------
    MissingDataError
        The file does not exist or holds fewer than two SMILES: one to train on and one to hold out.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"no SMILES file at {path}; `pip download --no-deps molsets` fetches one")
    with _open_text(path) as file:
        columns = (line.strip().split(",")[0].split() for line in file)
        texts = (column[0] for column in columns if column and column[0].upper() != "SMILES")
        found = list(itertools.islice(texts, n))
    if len(found) < 2:
        raise MissingDataError(f"{path} holds {len(found)} SMILES; allowed: 2 or more, one a line or first column")
    return found


def spell(smiles: str, seed: int | None = None) -> str:
    """Spell a SMILES in the canonical way.

    With a seed the spelling is random but repeatable; stereo marks and isotopes go.

    Examples
    --------
    >>> spell("C(S)Cc1ccccc1"), len(spell("SCCc1ccccc1", seed=3)) >= 11
    ('SCCc1ccccc1', True)
    """
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise MissingDataError(f"SMILES {smiles!r} in the pretraining file cannot be read")
    if seed is None:
        return Chem.MolToSmiles(mol, isomericSmiles=False)
    [spelling] = Chem.MolToRandomSmilesVect(mol, 1, randomSeed=seed, isomericSmiles=False)
    return str(spelling)


def build_corpus(
    tokenizer: PreTrainedTokenizerFast,
    n_smiles: int,
    corpus: Path | str | None,
    seed: int,
    n_held_out: int = 1000,
    progress: bool = True,
) -> SmilesCorpus:
    """Collect, spell and tokenise the training molecules.

    They are `n_smiles`, with `n_held_out` more of each pool.

    Parameters
    ----------
    tokenizer
        The SMILES tokenizer.
    n_smiles
        Training molecules. With a public file up to 60 % come from it, the others are generated.
    corpus
        Public SMILES file, see `read_smiles`.
    seed
        Seed of the drawn ligands and of the random spellings.
    n_held_out
        Molecules held out of each pool; of a file too short for that, one tenth.
    progress
        Show progress bars, where standard error is a terminal.
    """
    public = read_smiles(corpus, round(0.6 * n_smiles) + n_held_out) if corpus else []
    n_tested = min(n_held_out, -(-len(public) // 10))
    n_public = len(public) - n_tested
    drawn = _progress(ligand_smiles(n_smiles - n_public + n_held_out, seed), "ligands", progress)
    pools = {"ligands": _split(list(drawn), n_held_out)} | ({"public": _split(public, n_tested)} if public else {})
    rng = np.random.default_rng(seed)
    held_out = {name: [spell(s) for s in tested] for name, (tested, _) in pools.items()}
    train = [_augmented(s, rng) for name in sorted(pools) for s in _progress(pools[name][1], name, progress)]
    return SmilesCorpus(
        train=_tokenised(tokenizer, train),
        held_out={name: _tokenised(tokenizer, pool) for name, pool in held_out.items()},
        n_public=n_public,
        n_ligands=n_smiles - n_public,
    )


def _split(pool: list[str], n_held_out: int) -> tuple[list[str], list[str]]:
    """The held-out beginning of a pool, and the rest."""
    return pool[:n_held_out], pool[n_held_out:]


def _progress(items: Iterable[str], name: str, shown: bool) -> Iterable[str]:
    bar: Iterable[str] = tqdm(
        items, desc=f"SMILES ({name})", unit="mol", mininterval=2.0, disable=None if shown else True
    )
    return bar


def _augmented(smiles: str, rng: np.random.Generator) -> str:
    random_spelling, seed = rng.random() < _RANDOM_SPELLING, int(rng.integers(2**31 - 1))
    return spell(smiles, seed if random_spelling else None)


def _tokenised(tokenizer: PreTrainedTokenizerFast, smiles: list[str]) -> tuple[np.ndarray, ...]:
    rows = tokenizer(smiles, add_special_tokens=False)["input_ids"]
    return tuple(np.array(row, dtype=np.uint8) for row in rows if 0 < len(row) <= MAX_TOKENS)


@dataclass(frozen=True)
class BatchPlan:
    """Which sequences each training step sees.

    It is a pure function of (seed, step), so that runs can be resumed.

    Every epoch is a new permutation; within windows of 64 batches sequences are sorted by length, which saves
    padding, and the batches of a window are shuffled again.
    """

    lengths: np.ndarray
    batch_size: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in one pass over the data."""
        return max(1, len(self.lengths) // self.batch_size)

    def epoch(self, number: int) -> np.ndarray:
        """List the sequence indices of one pass.

        Shape (steps_per_epoch, batch_size).
        """
        rng = np.random.default_rng([self.seed, number])
        size = self.steps_per_epoch * self.batch_size
        order = np.resize(rng.permutation(len(self.lengths)), size)
        window = 64 * self.batch_size
        batches = []
        for start in range(0, size, window):
            part = order[start : start + window]
            part = part[np.argsort(self.lengths[part], kind="stable")].reshape(-1, self.batch_size)
            batches.append(rng.permutation(part))
        return np.concatenate(batches)

    def steps(self, start: int, stop: int) -> np.ndarray:
        """List the sequence indices of some training steps.

        The steps are `start` … `stop` − 1; the shape is (stop − start, batch_size).
        """
        first, last = start // self.steps_per_epoch, stop // self.steps_per_epoch
        rows = np.concatenate([self.epoch(number) for number in range(first, last + 1)])
        offset = first * self.steps_per_epoch
        return rows[start - offset : stop - offset]


@dataclass(frozen=True)
class CorruptedBatches:
    """Corrupted, padded batches as a map-style torch dataset whose items are whole batches.

    Attributes
    ----------
    sequences
        The token sequences.
    rows
        (n_batches, batch_size) sequence indices.
    task
        What is hidden.
    seed, start
        Batch `i` is corrupted with the random state (seed, start + i).
    """

    sequences: tuple[np.ndarray, ...]
    rows: np.ndarray
    task: SpanCorruption
    seed: int
    start: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        rng = np.random.default_rng([self.seed, 1, self.start + index])
        return self.task.batch([self.sequences[k] for k in self.rows[index]], rng)


__all__ = ["BatchPlan", "CorruptedBatches", "SmilesCorpus", "build_corpus", "read_smiles", "spell"]
