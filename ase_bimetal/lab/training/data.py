"""Labelled clusters as model input, encoded once and kept in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader, Dataset, RandomSampler, Sampler

from ase_bimetal.descriptors import paper_features
from ase_bimetal.lab.training.splits import balanced_rows
from ase_bimetal.model.encode import Batch, Encoded, collate, encode, without_donors
from ase_bimetal.model.ligand_encoder import LigandEncoder
from ase_bimetal.system import BimetallicSystem, as_system

#: Share of training examples shown without donors, so that a bare core with annotation is no stranger.
CORE_ONLY_SHARE = 0.15
MAX_RATTLE = 0.025  # Å


@dataclass(frozen=True)
class TrainingData:
    """Everything training needs of a set of labels.

    Attributes
    ----------
    frame
        One row per configuration, with ``dopant``, ``family``, ``prototype`` and ``n_metals`` as given, and
        ``metals`` and ``ligand_names``, the sets of elements and of ligands of each cluster.
    systems, encoded
        The same rows as objects and as model input.
    targets
        (n,) formation energies at the label level, dimer reference [eV/metal].
    """

    frame: pd.DataFrame
    systems: list[BimetallicSystem]
    encoded: list[Encoded]
    targets: np.ndarray

    @cached_property
    def features(self) -> pd.DataFrame:
        """The 8-feature scheme, one row per configuration.

        D of a core with one metal is coded as 0.
        """
        return pd.DataFrame([paper_features(system, one_metal_distance=0.0) for system in self.systems])


def trainable(frame: pd.DataFrame) -> pd.DataFrame:
    """Select the labels to learn from.

    They are all but strong rattles.

    A rattle of more than 0.025 Å strains the inside of every ligand, which a core graph and a SMILES do not show.
    """
    strained = (frame.kind == "rattle") & (frame.amplitude > MAX_RATTLE)
    return frame[~strained].reset_index(drop=True)


def prepare(frame: pd.DataFrame, encoder: LigandEncoder, whole_cluster: bool = True) -> TrainingData:
    """Encode labelled Atoms.

    Parameters
    ----------
    frame
        With columns ``atoms`` and ``formation_energy`` [eV/metal], such as ``load_labels().frame``.
    encoder
        Ligand encoder; its embeddings are frozen.
    whole_cluster
        Whether to add the graphs of the contrastive loss.
    """
    systems = [as_system(atoms) for atoms in frame.atoms]
    frame = frame.assign(
        metals=[frozenset(system.metal_symbols) for system in systems],
        ligand_names=[frozenset(ligand.name for ligand, _ in system.ligands) for system in systems],
    )
    encoded = [encode(system, encoder.embed, whole_cluster) for system in systems]
    targets = frame.formation_energy.to_numpy(dtype=float)
    return TrainingData(frame, systems, encoded, targets)


def for_prediction(data: TrainingData, rows: np.ndarray) -> list[Encoded]:
    """Prepare rows as a trained network reads them.

    They lack the graphs of the contrastive loss.
    """
    return [replace(data.encoded[i], cluster=None) for i in rows]


class _Rows(Dataset[Any]):
    """Encoded rows with standardised targets; some shown without donors while training."""

    def __init__(self, encoded: list[Encoded], targets: np.ndarray, core_only_share: float, seed: int) -> None:
        self.encoded = encoded
        self.targets = targets
        self.share = core_only_share
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return len(self.encoded)

    def __getitem__(self, row: int) -> tuple[Encoded, float]:
        item = self.encoded[row]
        bare = self.share > 0 and self.rng.random() < self.share
        return without_donors(item) if bare else item, float(self.targets[row])


def _collate(rows: Sequence[tuple[Encoded, float]]) -> tuple[Batch, torch.Tensor]:
    return collate([item for item, _ in rows]), torch.tensor([target for _, target in rows], dtype=torch.float32)


class EvenSampler(Sampler[int]):
    """Row numbers of each epoch, drawn evenly.

    At most n come in turn from each kind, drawn anew every time from all rows.
    """

    def __init__(self, kinds: np.ndarray, n: int, seed: int) -> None:
        self.kinds, self.n, self.rng = kinds, n, np.random.default_rng(seed)

    def __len__(self) -> int:
        return min(self.n, len(self.kinds))

    def __iter__(self) -> Iterator[int]:
        chosen = balanced_rows(np.arange(len(self.kinds)), self.n, self.kinds, int(self.rng.integers(2**32)))
        return iter(self.rng.permutation(chosen).tolist())


def loader(
    data: TrainingData,
    rows: np.ndarray,
    mean: float,
    std: float,
    batch_size: int,
    seed: int,
    train: bool,
    rows_per_epoch: int | None = None,
) -> DataLoader[Any]:
    """Load batches of some rows.

    Targets are standardised with the given mean and std [eV/metal].

    With ``rows_per_epoch`` every epoch shows so many rows, drawn evenly over the prototypes.
    """
    encoded = [data.encoded[i] for i in rows] if train else for_prediction(data, rows)
    dataset = _Rows(encoded, (data.targets[rows] - mean) / std, CORE_ONLY_SHARE if train else 0.0, seed)
    sampler: Sampler[int] | None = None
    if rows_per_epoch:
        sampler = EvenSampler(data.frame.prototype.to_numpy()[rows], rows_per_epoch, seed)
    elif train:
        sampler = RandomSampler(dataset, generator=torch.Generator().manual_seed(seed))
    return DataLoader(dataset, batch_size, sampler=sampler, collate_fn=_collate)
