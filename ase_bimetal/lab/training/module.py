"""The training loop of the multimodal model, on Lightning."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from ase_bimetal.lab.labels.bulk import bare_metals
from ase_bimetal.lab.labels.label import LEVEL
from ase_bimetal.lab.training.data import TrainingData, for_prediction, loader
from ase_bimetal.lab.training.splits import Split, balanced_rows
from ase_bimetal.model.encode import (
    BASELINE_SLOPES,
    N_BASELINE_FEATURES,
    N_METAL_FEATURES,
    Batch,
    baseline_features,
    collate,
    core_graph,
)
from ase_bimetal.model.mml import MML, MMLConfig, contrastive_loss
from ase_bimetal.system import as_system

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig

#: Weight of all bare metals beside that of all labels, where the linear part for them is fitted.
BARE_SHARE = 1.0


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    Attributes
    ----------
    epochs
        Passes over the training rows, or over as many as ``rows_per_epoch``.
    rows_per_epoch
        Rows of an epoch, drawn anew from all and evenly over the prototypes; None shows every row once.
    batch_size
        Clusters per step.
    learning_rate
        Peak of the one-cycle schedule.
    weight_decay
        Of AdamW.
    contrastive_weight
        Weight of the contrastive loss beside the mean squared error (of standardised targets).
    contrastive_every
        Steps from one with the contrastive loss to the next: its graphs of all atoms are two fifths of a step.
    baseline_ridge
        Ridge penalty of the linear baseline on standardised features, fitted first and then held; None leaves the
        baseline out, so that the network learns all.
    property_noise
        Standard deviation of noise on the metals' standardised properties while training, so that the network
        reads them as smooth quantities and not as names of elements.
    ligand_dropout
        Share of ligand rows whose embedding is hidden while training, so that donor and bond probes, which an unseen
        ligand shares with seen ones, carry what they can.
    """

    epochs: int = 40
    rows_per_epoch: int | None = None
    batch_size: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    contrastive_weight: float = 0.05
    contrastive_every: int = 4
    baseline_ridge: float | None = 20.0
    property_noise: float = 0.1
    ligand_dropout: float = 0.3


class EnergyModule(lightning.LightningModule):
    """What trainings share.

    AdamW under a one-cycle schedule, and the weights of the epoch with the best error.

    A subclass appends absolute errors of validation batches to ``errors``; ``options`` has ``learning_rate`` and
    ``weight_decay``.
    """

    def __init__(self, network: torch.nn.Module, options: Any) -> None:
        super().__init__()
        self.network = network
        self.options = options
        self.best_error = float("inf")
        self.best_state = copy.deepcopy(network.state_dict())
        self.errors: list[torch.Tensor] = []

    def on_validation_epoch_end(self) -> None:
        """Remember the best weights."""
        error = float(torch.cat(self.errors).mean())
        self.errors.clear()
        self.log("validation_mae", error)
        if error < self.best_error:
            self.best_error, self.best_state = error, copy.deepcopy(self.network.state_dict())

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the best weights through an interruption."""
        checkpoint["best_error"], checkpoint["best_state"] = self.best_error, self.best_state

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the best weights up again."""
        self.best_error, self.best_state = checkpoint["best_error"], checkpoint["best_state"]

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Make AdamW under a one-cycle schedule."""
        options = self.options
        optimiser = torch.optim.AdamW(
            self.network.parameters(), options.learning_rate, weight_decay=options.weight_decay, fused=True
        )
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.learning_rate, total_steps=steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class MMLModule(EnergyModule):
    """Regression plus contrastive loss."""

    network: MML

    def __init__(self, config: MMLConfig, options: TrainingOptions) -> None:
        super().__init__(MML(config), options)

    def training_step(self, rows: tuple[Batch, torch.Tensor], _: int) -> torch.Tensor:
        """Compute the loss of one batch."""
        batch, target = rows
        if self.global_step % self.options.contrastive_every:
            batch = replace(batch, cluster=None)
        shown = _hidden(_jittered(batch, self.options.property_noise), self.options.ligand_dropout)
        output = self.network(shown)
        loss = torch.nn.functional.mse_loss(output.energy, target)
        if output.joint is not None and output.whole is not None:
            loss = loss + self.options.contrastive_weight * contrastive_loss(output.joint, output.whole)
        return loss

    def validation_step(self, rows: tuple[Batch, torch.Tensor], _: int) -> None:
        """Collect absolute errors."""
        batch, target = rows
        self.errors.append((self.network(batch).energy - target).abs())

    def transfer_batch_to_device(
        self, batch: tuple[Batch, torch.Tensor], device: torch.device, dataloader_idx: int
    ) -> tuple[Batch, torch.Tensor]:
        """Move a batch of graphs."""
        return batch[0].to(device), batch[1].to(device)


def element_noise(properties: torch.Tensor, owner: torch.Tensor, sigma: float) -> torch.Tensor:
    """Draw noise like `properties` (n, f).

    It is the same for all atoms with the same properties and ``owner`` (n,).
    """
    weights = torch.arange(1, properties.shape[1] + 1, dtype=torch.float64, device=properties.device).sqrt()
    kind = owner * 1e6 + properties.double() @ weights  # one number for each element in each cluster: sorts fast
    _, label = torch.unique(kind, return_inverse=True)
    noise = sigma * torch.randn(int(label.max()) + 1, properties.shape[1], device=properties.device)
    return noise[label]


def _jittered(batch: Batch, sigma: float) -> Batch:
    """The batch with noise on the properties of its metals, the same for all atoms of an element in a cluster."""
    if not sigma:
        return batch
    core = batch.core
    noise = element_noise(core.nodes[:, :N_METAL_FEATURES], core.owner, sigma)
    nodes = core.nodes.clone()
    nodes[:, :N_METAL_FEATURES] += noise * core.is_metal[:, None]
    return replace(batch, core=replace(core, nodes=nodes))


def _hidden(batch: Batch, share: float) -> Batch:
    """The batch with the embeddings of a random share of its ligand rows set to zero."""
    if not share:
        return batch
    kept = torch.rand(len(batch.ligand_embedding), 1, device=batch.ligand_embedding.device) >= share
    return replace(batch, ligand_embedding=batch.ligand_embedding * kept)


def train_one(
    data: TrainingData, split: Split, config: MMLConfig, options: TrainingOptions, seed: int, progress: bool = False
) -> tuple[MML, float, float]:
    """Train one network on a split.

    Returns
    -------
    tuple
        The network with its best weights, and the mean and standard deviation [eV/metal] of its training targets.
    """
    lightning.seed_everything(seed, verbose=False)
    mean, std = float(data.targets[split.train].mean()), float(data.targets[split.train].std())
    module = MMLModule(config, options)
    shown = one_epoch(data, split.train, options.rows_per_epoch)
    fit_baseline(module.network, data, shown, (mean, std), options.baseline_ridge)
    with quiet_lightning():
        trainer(options.epochs, progress).fit(
            module,
            loader(data, split.train, mean, std, options.batch_size, seed, True, options.rows_per_epoch),
            loader(data, split.validation, mean, std, 128, seed, train=False),
        )
    module.network.load_state_dict(module.best_state)
    return module.network.cpu().eval(), mean, std


def one_epoch(data: TrainingData, rows: np.ndarray, rows_per_epoch: int | None) -> np.ndarray:
    """Choose the rows of one epoch.

    They are the rows as they are, or as many as an epoch shows, drawn evenly over the prototypes.
    """
    if rows_per_epoch is None:
        return rows
    return balanced_rows(rows, rows_per_epoch, data.frame.prototype.to_numpy())


def fit_baseline(
    network: MML, data: TrainingData, rows: np.ndarray, scale: tuple[float, float], penalty: float | None
) -> None:
    """Fit the linear parts and freeze them.

    The network learns what the baseline leaves over.

    The slopes of `BASELINE_SLOPES` are given, all others those of a ridge regression. A second one, for nearly bare
    metal, sees crystals and particles without ligands too, where the labels are of their level, GFN1-xTB.

    Parameters
    ----------
    network
        Its ``baseline`` and ``bare`` are overwritten.
    data, rows
        The training rows.
    scale
        Mean and standard deviation [eV/metal] that standardise the targets.
    penalty
        Of the ridge regression on standardised features; with None both parts are zero.
    """
    if penalty is None:
        for layer in (network.baseline, network.bare):
            for parameter in layer.requires_grad_(False).parameters():
                parameter.zero_()
        return
    features = np.stack([data.encoded[i].baseline for i in rows]).astype(float)
    bare, energies = _bare_rows(data, rows)
    weights = np.repeat([1.0, BARE_SHARE * len(rows) / max(len(bare), 1)], [len(rows), len(bare)])
    targets = (np.concatenate([data.targets[rows], energies]) - scale[0]) / scale[1]
    features = np.vstack([features, bare])
    _fit_linear(network.baseline, features[: len(rows)], targets[: len(rows)], weights[: len(rows)], scale[1], penalty)
    _fit_linear(network.bare, features, targets, weights, scale[1], penalty)


def _fit_linear(
    layer: torch.nn.Linear, features: np.ndarray, targets: np.ndarray, weights: np.ndarray, std: float, penalty: float
) -> None:
    """Write a ridge regression into a layer and freeze it."""
    given = BASELINE_SLOPES / std
    free = features * (BASELINE_SLOPES == 0)
    scaler = StandardScaler().fit(free, sample_weight=weights)
    ridge = Ridge(penalty).fit(scaler.transform(free), targets - features @ given, sample_weight=weights)
    slopes = ridge.coef_ / scaler.scale_
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy((slopes + given)[None]))
        layer.bias.fill_(float(ridge.intercept_ - slopes @ scaler.mean_))
    layer.requires_grad_(False)


def _bare_rows(data: TrainingData, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the baseline reads of bare metals, and their energies [eV/atom]: none for labels of another level."""
    is_gfn1 = set(data.frame.get("level", ())) == {LEVEL}
    objects, energies = bare_metals(frozenset().union(*data.frame.metals.iloc[rows]) if is_gfn1 else ())
    features = [baseline_features(system, core_graph(system)) for system in map(as_system, objects)]
    return np.reshape(features, (-1, N_BASELINE_FEATURES)), energies


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hold back what Lightning says about choices that are meant."""
    with warnings.catch_warnings():
        # Rows are in memory: worker processes would cost more than they give.
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        # Lightning still asks PyTorch's tree utilities the way that PyTorch 2.13 deprecates.
        warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*", category=FutureWarning)
        # A run that is taken up again finds its own checkpoint and log, as it should.
        warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
        warnings.filterwarnings("ignore", message=".*(Checkpoint|Experiment logs) directory .* exists.*")
        yield


def trainer(epochs: int, progress: bool = False, **more: Any) -> lightning.Trainer:
    """Make Lightning's trainer for all trainings here.

    ``more`` adds to its settings or overrides them.
    """
    if not progress:
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    usual: dict[str, Any] = {
        "max_epochs": epochs,
        "accelerator": "auto",
        "deterministic": "warn",  # else threads add gradients in the order in which they finish
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": progress,
        "enable_model_summary": False,
        "gradient_clip_val": 1.0,
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 1,
    }
    return lightning.Trainer(**usual | more)


@torch.no_grad()
def predict_rows(network: MML, data: TrainingData, rows: np.ndarray, mean: float, std: float) -> np.ndarray:
    """Predict rows at the label level, (n,) [eV/metal]."""
    found = [
        network(collate(for_prediction(data, rows[start : start + 128]))).energy.double().numpy()
        for start in range(0, len(rows), 128)
    ]
    return np.concatenate(found) * std + mean
