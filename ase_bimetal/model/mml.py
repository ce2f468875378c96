"""The multimodal model: core graph, ligand SMILES and two descriptors, pre-fused and fused by Mamba2 blocks.

After eqs. (6)–(9) of Gu et al., Chem. Sci. 2025, 16, 19644.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional as F

from ase_bimetal.errors import WeightsError
from ase_bimetal.model.core_encoder import GraphEncoder, scatter_sum
from ase_bimetal.model.encode import (
    CONTACT_CUTOFF,
    DONOR_COUNTS,
    METAL_CUTOFF,
    N_BASELINE_FEATURES,
    N_LIGAND_FEATURES,
    N_NODE_FEATURES,
    Batch,
)
from ase_bimetal.model.layers import Linear, PReLU
from ase_bimetal.model.mamba2 import Mamba2Block

#: What can mix the tokens: state-space blocks, self-attention of about the same size, or nothing before the mean.
FUSIONS = ("mamba2", "attention", "pooling")
#: Donors per metal atom below which the network counts less and less; the labels hold 0.33 and more.
FEWEST_DONORS = 0.25


@dataclass(frozen=True)
class MMLConfig:
    """Sizes of the model.

    Attributes
    ----------
    ligand_width
        Width of the ligand encoder's embeddings.
    width
        Width of all tokens.
    n_layers
        Message-passing layers over the core.
    n_core_tokens
        Order-free tokens read from the core.
    n_blocks
        Mamba2 blocks.
    d_state
        State size of each Mamba2 block.
    dropout
        Dropout on tokens and head while training.
    use_log_p, use_mixing_enthalpy, use_pre_fusion
        Switches for ablations.
    fusion
        What mixes the tokens before they are pooled: one of `FUSIONS`; all but the first are for ablations.
    """

    ligand_width: int = 128
    width: int = 64
    n_layers: int = 2
    n_core_tokens: int = 4
    n_blocks: int = 4
    d_state: int = 32
    dropout: float = 0.1
    use_log_p: bool = True
    use_mixing_enthalpy: bool = True
    use_pre_fusion: bool = True
    fusion: str = "mamba2"

    def __post_init__(self) -> None:
        """Refuse a fusion that does not exist.

        Raises
        ------
        WeightsError
            Naming the fusions there are.
        """
        if self.fusion not in FUSIONS:
            raise WeightsError(f"fusion {self.fusion!r}; allowed: {', '.join(FUSIONS)}")

    def to_dict(self) -> dict[str, object]:
        """Plain values for the model card."""
        return asdict(self)


@dataclass(frozen=True)
class MMLOutput:
    """Predicted energies and the pair of embeddings.

    E_form (n,) in eV per metal atom, at the level of the labels.

    ``joint`` (n, w) and ``whole`` (n, w) are the two sides of the contrastive loss, None when not computed.
    """

    energy: torch.Tensor
    joint: torch.Tensor | None
    whole: torch.Tensor | None


class MML(nn.Module):
    """Multimodal formation-energy model for ligand-protected clusters."""

    def __init__(self, config: MMLConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.core = GraphEncoder(N_NODE_FEATURES, width, config.n_layers, config.n_core_tokens, METAL_CUTOFF)
        self.whole = GraphEncoder(N_NODE_FEATURES, 64, 2, 1, CONTACT_CUTOFF)
        self.ligand = nn.Sequential(
            Linear(config.ligand_width + N_LIGAND_FEATURES, width), nn.SiLU(), Linear(width, width)
        )
        self.log_p = Linear(1, width)
        self.mixing_enthalpy = Linear(1, width)
        self.fuse_core = Linear(3 * width, width)
        self.fuse_ligand = Linear(3 * width, width)
        self.blocks = _fusion_blocks(config)
        self.head = nn.Sequential(Linear(width, width), PReLU(), nn.Dropout(config.dropout), Linear(width, 1))
        self.baseline = Linear(N_BASELINE_FEATURES, 1)
        self.bare = Linear(N_BASELINE_FEATURES, 1)
        self.dropout = nn.Dropout(config.dropout)
        self.project_joint = Linear(2 * width, 64)
        self.project_whole = Linear(64, 64)

    def forward(self, batch: Batch) -> MMLOutput:
        """Predict a batch; the contrastive pair is made when the batch carries whole-cluster graphs.

        Shapes are those of one network; with stacked weights a leading axis of members comes first everywhere.
        """
        return self.fuse(self.core(batch.core, batch.size), batch)

    def fuse(self, core: torch.Tensor, batch: Batch) -> MMLOutput:
        """Predict from the core's tokens.

        They are (size, n_core_tokens, width); the batch gives all but the core graphs.
        """
        ligand = self._shell(batch)
        tokens = self.dropout(self._tokens(core, ligand, batch.descriptors))
        for block in self.blocks:
            tokens = block(tokens)
        energy = self.head(tokens.mean(dim=-2)).squeeze(-1) + self.baseline(batch.baseline).squeeze(-1)
        covered = _covered(batch.baseline)
        energy = covered * energy + (1 - covered) * self.bare(batch.baseline).squeeze(-1)
        if batch.cluster is None:
            return MMLOutput(energy, None, None)
        joint = self.project_joint(torch.cat([core.mean(dim=-2), ligand], dim=-1))
        whole = self.project_whole(self.whole(batch.cluster, batch.size)[..., 0, :])
        return MMLOutput(energy, joint, whole)

    def _shell(self, batch: Batch) -> torch.Tensor:
        """Mean of the ligands' embeddings, weighted with their counts: (size, width), the same for any order."""
        rows = self.ligand(torch.cat([batch.ligand_embedding, batch.ligand_features], dim=-1))
        total = scatter_sum(batch.ligand_count, batch.ligand_owner, batch.size)
        mean = scatter_sum(rows * batch.ligand_count[:, None], batch.ligand_owner, batch.size, axis=-2)
        return mean / total[:, None]

    def _tokens(self, core: torch.Tensor, ligand: torch.Tensor, descriptors: torch.Tensor) -> torch.Tensor:
        """The sequence [f_c', f_l', f_d], eqs. (6)–(8): (size, n_core_tokens + 2, width)."""
        log_p = self.log_p(descriptors[:, :1]) * self.config.use_log_p
        h_mix = self.mixing_enthalpy(descriptors[:, 1:]) * self.config.use_mixing_enthalpy
        if self.config.use_pre_fusion:
            each = log_p[..., None, :].expand_as(core)
            core = self.fuse_core(torch.cat([each, core, each], dim=-1))
            ligand = self.fuse_ligand(torch.cat([h_mix, ligand, h_mix], dim=-1))
        return torch.cat([core, ligand[..., None, :], (log_p + h_mix)[..., None, :]], dim=-2)


def _covered(baseline: torch.Tensor) -> torch.Tensor:
    """How far a cluster is one of ligands and metal, from 1 to 0: (size,), no label having fewer donors per metal.

    On nearly bare metal a linear fit that has seen crystals counts alone, for the network has not.
    """
    share = (baseline[..., DONOR_COUNTS].sum(dim=-1) / FEWEST_DONORS).clamp(max=1.0)
    return share**2 * (3 - 2 * share)


def _fusion_blocks(config: MMLConfig) -> nn.ModuleList:
    """The blocks between tokens and pooling, none for plain pooling."""
    makers: dict[str, Callable[[], nn.Module]] = {
        "mamba2": lambda: Mamba2Block(config.width, d_state=config.d_state, headdim=32),
        "attention": lambda: nn.TransformerEncoderLayer(
            config.width,
            nhead=4,
            dim_feedforward=2 * config.width,
            dropout=0.0,
            activation=F.silu,
            batch_first=True,
            norm_first=True,
        ),
    }
    n_blocks = 0 if config.fusion == "pooling" else config.n_blocks
    return nn.ModuleList(makers[config.fusion]() for _ in range(n_blocks))


def contrastive_loss(joint: torch.Tensor, whole: torch.Tensor, temperature: float = 0.1) -> torch.Tensor:
    """Symmetric cross-entropy that pairs each cluster's graph with its own (core, ligand) embedding.

    Parameters
    ----------
    joint, whole
        Embeddings (n, w); row i of each belongs to the same cluster.
    """
    scores = F.normalize(joint, dim=-1) @ F.normalize(whole, dim=-1).T / temperature
    target = torch.arange(len(scores), device=scores.device)
    return (F.cross_entropy(scores, target) + F.cross_entropy(scores.T, target)) / 2
