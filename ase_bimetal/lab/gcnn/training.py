"""The training loop of the graph-only network, on Lightning: resumable, and cheap enough for one core."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.nn import functional as F
from torch.utils.data import Sampler
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader

from ase_bimetal.lab.training.module import EnergyModule, element_noise, quiet_lightning, trainer
from ase_bimetal.model.encode import N_METAL_FEATURES
from ase_bimetal.model.gcnn import GCNN, GCNNConfig, cluster_graph, heavy_atoms
from ase_bimetal.model.symmetry_functions import symmetry_functions
from ase_bimetal.system import BimetallicSystem

_CHUNK = 8  # batches that are sorted by size among themselves


@dataclass(frozen=True)
class GCNNOptions:
    """How to train.

    Attributes
    ----------
    epochs
        Passes over the training rows.
    batch_size
        Clusters per step.
    learning_rate
        Peak of the one-cycle schedule.
    weight_decay
        Of AdamW.
    symmetry_weight
        Weight of the auxiliary loss on symmetry functions beside that on the energy, both standardised.
    property_noise
        Standard deviation of noise on the metals' standardised properties while training, as in the multimodal model.
    """

    epochs: int = 20
    batch_size: int = 16
    learning_rate: float = 4e-3
    weight_decay: float = 1e-3
    symmetry_weight: float = 0.1
    property_noise: float = 0.1


@dataclass(frozen=True)
class Scale:
    """Means and standard deviations of the training targets.

    ``mean`` and ``std`` in eV/metal; ``symmetry_mean`` and ``symmetry_std`` (20,) of the symmetry functions.
    """

    mean: float
    std: float
    symmetry_mean: torch.Tensor = field(repr=False)
    symmetry_std: torch.Tensor = field(repr=False)

    @classmethod
    def of(cls, graphs: Sequence[Data]) -> Scale:
        """Measure the targets of training graphs."""
        energy = torch.cat([graph.y for graph in graphs])
        symmetry = torch.cat([graph.symmetry for graph in graphs])
        std = symmetry.std(dim=0).clamp(min=1e-3)
        return cls(float(energy.mean()), float(energy.std()), symmetry.mean(dim=0), std)


def labelled_graph(system: BimetallicSystem, energy: float) -> Data:
    """Build the graph of a cluster with its target.

    The target is ``y`` (1,) [eV/metal] and ``symmetry`` (n, 20).
    """
    graph = cluster_graph(system)
    graph.y = torch.tensor([energy], dtype=torch.float32)
    graph.symmetry = torch.tensor(symmetry_functions(system, heavy_atoms(system)), dtype=torch.float32)
    return graph


class SizeBatches(Sampler[list[int]]):
    """Random batches of graphs of similar size.

    A dense batch costs as much as its largest graph allows.
    """

    def __init__(self, sizes: Sequence[int], batch_size: int, seed: int) -> None:
        self.sizes, self.batch_size = np.asarray(sizes), batch_size
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return -(-len(self.sizes) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        order, chunk = self.rng.permutation(len(self.sizes)), _CHUNK * self.batch_size
        parts = [order[start : start + chunk] for start in range(0, len(order), chunk)]
        ordered = np.concatenate([part[np.argsort(self.sizes[part], kind="stable")] for part in parts])
        batches = [ordered[start : start + self.batch_size] for start in range(0, len(ordered), self.batch_size)]
        return iter([batches[i].tolist() for i in self.rng.permutation(len(batches))])


class GCNNModule(EnergyModule):
    """Energy and symmetry functions."""

    network: GCNN

    def __init__(self, config: GCNNConfig, options: GCNNOptions, scale: Scale) -> None:
        super().__init__(GCNN(config), options)
        self.scale = scale

    def training_step(self, graphs: Batch, _: int) -> torch.Tensor:
        """Compute the loss of one batch."""
        output = self.network(_jittered(graphs, self.options.property_noise))
        loss = F.mse_loss(output.energy, (graphs.y - self.scale.mean) / self.scale.std)
        symmetry = (graphs.symmetry - self.scale.symmetry_mean) / self.scale.symmetry_std
        total: torch.Tensor = loss + self.options.symmetry_weight * F.mse_loss(output.symmetry, symmetry)
        return total

    def validation_step(self, graphs: Batch, _: int) -> None:
        """Collect absolute errors [eV/metal]."""
        energy = self.network(graphs).energy * self.scale.std + self.scale.mean
        self.errors.append((energy - graphs.y).abs())


def _jittered(graphs: Batch, sigma: float) -> Batch:
    """The batch with noise on the properties of its metals, the same for all atoms of an element in a cluster."""
    if not sigma:
        return graphs
    properties = graphs.x[:, :N_METAL_FEATURES]
    is_metal = (properties != 0).any(dim=1, keepdim=True)
    noise = element_noise(properties, graphs.batch, sigma)
    noisy = graphs.clone()
    noisy.x[:, :N_METAL_FEATURES] += noise * is_metal
    return noisy


def train_network(
    train: Sequence[Data],
    validation: Sequence[Data],
    options: GCNNOptions,
    config: GCNNConfig,
    seed: int,
    folder: Path | None = None,
) -> tuple[GCNN, Scale]:
    """Train one network on labelled graphs.

    Parameters
    ----------
    train, validation
        Graphs from `labelled_graph`; the validation graphs choose the epoch.
    options, config
        How to train, and the sizes of the network.
    seed
        Of weights, batches and noise.
    folder
        Where the state is kept after every epoch; a folder that holds one is taken up from there.

    Returns
    -------
    tuple
        The network with its best weights in evaluation mode, and the scale of its output.
    """
    lightning.seed_everything(seed, verbose=False)
    module = GCNNModule(config, options, Scale.of(train))
    state = folder / "last.ckpt" if folder else None
    batches = SizeBatches([graph.num_nodes for graph in train], options.batch_size, seed)
    keep = [ModelCheckpoint(folder, filename="last", enable_version_counter=False)] if folder else None
    with quiet_lightning():
        trainer(options.epochs, callbacks=keep, enable_checkpointing=keep is not None).fit(
            module,
            DataLoader(list(train), batch_sampler=batches),
            DataLoader(_by_size(validation), 64),
            ckpt_path=state if state and state.exists() else None,
            weights_only=True,
        )
    module.network.load_state_dict(module.best_state)
    return module.network.cpu().eval().requires_grad_(False), module.scale


def _by_size(graphs: Sequence[Data]) -> list[Data]:
    return sorted(graphs, key=lambda graph: graph.num_nodes)


__all__ = ["GCNNModule", "GCNNOptions", "Scale", "SizeBatches", "labelled_graph", "train_network"]
