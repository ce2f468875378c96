"""Graph encoder: continuous-filter convolutions over atoms, read out as tokens that know no order."""

from __future__ import annotations

import torch
from torch import nn

from ase_bimetal.model.encode import GraphBatch


def scatter_sum(values: torch.Tensor, index: torch.Tensor, size: int) -> torch.Tensor:
    """Sum rows of `values` (n, …) into `size` bins by `index` (n,)."""
    out = values.new_zeros((size, *values.shape[1:]))
    return out.index_add(0, index, values)


def scatter_softmax(scores: torch.Tensor, index: torch.Tensor, size: int) -> torch.Tensor:
    """Softmax of `scores` (n, k) within the bins given by `index` (n,)."""
    peak = scores.new_full((size, scores.shape[1]), -torch.inf)
    peak = peak.scatter_reduce(0, index[:, None].expand_as(scores), scores, "amax")
    weight = (scores - peak[index]).exp()
    return weight / scatter_sum(weight, index, size)[index]


#: Gaussians of each of the two distances, and the ranges [Å] that those of the second cover: bonds, not second shells.
_N_GAUSSIANS, _STRETCHES = 24, (-0.8, 1.6)


class RadialBasis(nn.Module):
    """Gaussians of a distance and of its excess over a bond's [Å], under a smooth cutoff: 2 × (e,) → (e, size)."""

    size = 2 * _N_GAUSSIANS

    def __init__(self, cutoff: float) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.widths = cutoff / _N_GAUSSIANS, (_STRETCHES[1] - _STRETCHES[0]) / _N_GAUSSIANS
        self.register_buffer("lengths", torch.linspace(1.5, cutoff, _N_GAUSSIANS), persistent=False)
        self.register_buffer("stretches", torch.linspace(*_STRETCHES, _N_GAUSSIANS), persistent=False)

    def forward(self, lengths: torch.Tensor, stretches: torch.Tensor) -> torch.Tensor:
        """Expand distances (e,) and stretches (e,), both in Å."""
        envelope = 0.5 * (1 + torch.cos(torch.pi * lengths.clamp(max=self.cutoff) / self.cutoff))
        far = (lengths[:, None] - self.lengths) / self.widths[0]
        bonded = (stretches[:, None] - self.stretches) / self.widths[1]
        return torch.exp(-torch.cat([far, bonded], dim=1).square()) * envelope[:, None]


class FilterConvolution(nn.Module):
    """Message passing in which distance filters and the target's own state gates each message, both ways on an edge."""

    def __init__(self, width: int, n_radial: int) -> None:
        super().__init__()
        self.filter = nn.Sequential(nn.Linear(n_radial, width), nn.SiLU(), nn.Linear(width, width))
        self.send = nn.Linear(width, width)
        self.gate = nn.Linear(width, width)
        self.update = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(
        self, state: torch.Tensor, edges: torch.Tensor, share: torch.Tensor, radial: torch.Tensor
    ) -> torch.Tensor:
        """Update node states (n, width) from edges (2, e), how much each counts (e, 1) and radial features (e, k)."""
        first, second = edges
        sent, filters = self.send(state), self.filter(radial) * share
        received = scatter_sum(sent[first] * filters, second, len(state))
        received = received + scatter_sum(sent[second] * filters, first, len(state))
        return state + self.update(state + received * torch.sigmoid(self.gate(state)))


class GraphEncoder(nn.Module):
    """Encode a batch of graphs into a fixed number of order-free tokens each.

    Each token is an attention-weighted mean over the graph's nodes with its own learned query, so the tokens of
    a graph do not depend on the order of its atoms, nor does their number on the graph's size.
    """

    def __init__(self, n_features: int, width: int, n_layers: int, n_tokens: int, cutoff: float) -> None:
        super().__init__()
        self.radial = RadialBasis(cutoff)
        self.embed = nn.Linear(n_features, width)
        self.layers = nn.ModuleList(FilterConvolution(width, RadialBasis.size) for _ in range(n_layers))
        self.score = nn.Linear(width, n_tokens)
        self.value = nn.Linear(width, width)

    def forward(self, graph: GraphBatch, size: int) -> torch.Tensor:
        """Tokens (size, n_tokens, width) of `size` graphs."""
        state = self.embed(graph.nodes)
        radial = self.radial(graph.lengths, graph.stretches)
        loops = graph.edges[0] == graph.edges[1]
        share = torch.where(loops, 0.5, 1.0).to(radial)[:, None]  # there in both directions, and run both ways
        for layer in self.layers:
            state = layer(state, graph.edges, share, radial)
        weight = scatter_softmax(self.score(state), graph.owner, size)
        return scatter_sum(weight[:, :, None] * self.value(state)[:, None, :], graph.owner, size)
