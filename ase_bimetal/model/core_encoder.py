"""Graph encoder: continuous-filter convolutions over atoms, read out as tokens that know no order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from ase_bimetal.model.encode import GraphBatch
from ase_bimetal.model.layers import LayerNorm, Linear

if TYPE_CHECKING:
    from ase_bimetal.model.filter_table import FilterTable


def scatter_sum(values: torch.Tensor, index: torch.Tensor, size: int, axis: int = 0) -> torch.Tensor:
    """Sum the entries of `values` along an axis into `size` bins by `index` (n,)."""
    shape = list(values.shape)
    shape[axis] = size
    return values.new_zeros(shape).index_add(axis, index, values)


def scatter_softmax(scores: torch.Tensor, presence: torch.Tensor, index: torch.Tensor, size: int) -> torch.Tensor:
    """Compute the softmax within bins.

    The `scores` (…, n, k) are normalised over n, within the bins given by `index` (n,). Each counts by its `presence`
    (n,), from 1 to 0.
    """
    shape = (*scores.shape[:-2], size, scores.shape[-1])
    peak = scores.new_full(shape, -torch.inf)
    peak = peak.scatter_reduce(-2, index[:, None].expand_as(scores), scores, "amax")
    weight = (scores - peak.index_select(-2, index)).exp() * presence[:, None]
    return weight / scatter_sum(weight, index, size, axis=-2).index_select(-2, index)


#: Gaussians of each of the two distances, and the ranges [Å] that those of the second cover: bonds, not second shells.
_N_GAUSSIANS, _STRETCHES = 24, (-0.8, 1.6)
#: Gaussians end at exp(−60) = 9e-27: below 1e-38 numbers are denormal, with which some processors are much slower.
_LARGEST_EXPONENT = 60.0
#: Edges that are handled at once without gradients: their intermediates stay in the processor's cache.
EDGES_PER_BLOCK = 1024


@dataclass(frozen=True)
class EdgeBlock:
    """Some edges of a graph.

    Their ends (e,), how much each counts (e, 1), and their radial features (e, k).
    """

    first: torch.Tensor
    second: torch.Tensor
    weights: torch.Tensor
    radial: torch.Tensor


@dataclass(frozen=True)
class FilteredEdges:
    """Some edges with the filters of one layer.

    Their ends (e,), and filters (e, …, width), which multiply the messages along them.
    """

    first: torch.Tensor
    second: torch.Tensor
    filters: torch.Tensor


class RadialBasis(nn.Module):
    """Gaussians of a distance and of its excess [Å].

    The excess is that over a bond; both are under a smooth cutoff: 2 × (e,) → (e, size).
    """

    size = 2 * _N_GAUSSIANS
    lengths: torch.Tensor
    stretches: torch.Tensor

    def __init__(self, cutoff: float) -> None:
        super().__init__()
        self.cutoff = cutoff
        self.widths = cutoff / _N_GAUSSIANS, (_STRETCHES[1] - _STRETCHES[0]) / _N_GAUSSIANS
        self.register_buffer("lengths", torch.linspace(1.5, cutoff, _N_GAUSSIANS, device="cpu"), persistent=False)
        self.register_buffer("stretches", torch.linspace(*_STRETCHES, _N_GAUSSIANS, device="cpu"), persistent=False)

    def forward(self, lengths: torch.Tensor, stretches: torch.Tensor) -> torch.Tensor:
        """Expand distances (e,) and stretches (e,), both in Å."""
        envelope = 0.5 * (1 + torch.cos(torch.pi * lengths.clamp(max=self.cutoff) / self.cutoff))
        far = (lengths[:, None] - self.lengths) / self.widths[0]
        bonded = (stretches[:, None] - self.stretches) / self.widths[1]
        exponent = torch.cat([far, bonded], dim=1).square_().clamp_(max=_LARGEST_EXPONENT)
        return exponent.neg_().exp_().mul_(envelope[:, None])


class FilterConvolution(nn.Module):
    """Message passing through filters of the distance.

    The target's own state gates each message; messages go both ways on an edge.
    """

    def __init__(self, width: int, n_radial: int) -> None:
        super().__init__()
        self.filter = nn.Sequential(Linear(n_radial, width), nn.SiLU(), Linear(width, width))
        self.send = Linear(width, width)
        self.gate = Linear(width, width)
        self.update = nn.Sequential(LayerNorm(width), Linear(width, width), nn.SiLU(), Linear(width, width))

    def filtered(self, edges: EdgeBlock) -> FilteredEdges:
        """Give edges with this layer's filters."""
        return FilteredEdges(edges.first, edges.second, self.filter(edges.radial).mul_(edges.weights).movedim(-2, 0))

    def forward(self, state: torch.Tensor, blocks: Iterable[FilteredEdges]) -> torch.Tensor:
        """Update node states (…, n, width) from all edges, block by block."""
        sent = self.sent(state)
        return self.updated(state, received(sent, blocks))

    def sent(self, state: torch.Tensor) -> torch.Tensor:
        """Compute what nodes send, before filters.

        States (…, n, width) give messages (n, …, width) along their edges.
        """
        sent: torch.Tensor = self.send(state).movedim(-2, 0).contiguous()
        return sent

    def updated(self, state: torch.Tensor, received: torch.Tensor) -> torch.Tensor:
        """Update states (…, n, width) by what nodes have received.

        What they have received is (n, …, width).
        """
        change: torch.Tensor = self.update(state + received.movedim(0, -2) * torch.sigmoid(self.gate(state)))
        return state + change


def received(sent: torch.Tensor, blocks: Iterable[FilteredEdges]) -> torch.Tensor:
    """Sum what each node's neighbours send.

    Messages (n, …, width) go along filtered edges, both ways.
    """
    total = torch.zeros_like(sent)
    for edges in blocks:
        # In place: the sum's derivative does not need the sum.
        total.index_add_(0, edges.second, sent.index_select(0, edges.first) * edges.filters)
        total.index_add_(0, edges.first, sent.index_select(0, edges.second) * edges.filters)
    return total


class GraphEncoder(nn.Module):
    """Encode a batch of graphs into a fixed number of order-free tokens each.

    Each token is an attention-weighted mean over the graph's nodes with its own learned query, so the tokens of
    a graph do not depend on the order of its atoms, nor does their number on the graph's size.
    """

    def __init__(self, n_features: int, width: int, n_layers: int, n_tokens: int, cutoff: float) -> None:
        super().__init__()
        self.radial = RadialBasis(cutoff)
        self.embed = Linear(n_features, width)
        self.layers = nn.ModuleList(FilterConvolution(width, RadialBasis.size) for _ in range(n_layers))
        self.score = Linear(width, n_tokens)
        self.value = Linear(width, width)
        #: Filters known by distance; for frozen networks only, see `ase_bimetal.model.ensemble.stack`.
        self.table: FilterTable | None = None

    @property
    def convolutions(self) -> Iterable[FilterConvolution]:
        """The layers, by their type."""
        return cast("Iterable[FilterConvolution]", self.layers)

    def forward(self, graph: GraphBatch, size: int) -> torch.Tensor:
        """Compute tokens (…, size, n_tokens, width) of `size` graphs."""
        state = self.embed(graph.nodes)
        for layer, edges in zip(self.convolutions, self.filtered(graph), strict=True):
            state = layer(state, edges)
        return self.read(state, graph, size)

    def filtered(self, graph: GraphBatch) -> Iterator[Iterable[FilteredEdges]]:
        """Give each layer's filtered edges, block by block.

        Filters are the largest of all arrays, so that only one block is held at a time.
        """
        found = None if self.table is None or torch.is_grad_enabled() else self.table.look_up(graph)
        if found is None:
            blocks = self.blocks(graph)
            return (map(layer.filtered, blocks) for layer in self.convolutions)
        shape = self.embed.bias.shape  # with the members of stacked weights first
        return (found.filtered(number, EDGES_PER_BLOCK, shape) for number in range(len(self.layers)))

    def filters_at(self, lengths: torch.Tensor, stretches: torch.Tensor) -> list[torch.Tensor]:
        """Compute each layer's filters (e, …, width).

        They are for lengths (e,) and stretches (e,) [Å].
        """
        radial = self.radial(lengths, stretches)
        return [layer.filter(radial).movedim(-2, 0) for layer in self.convolutions]

    def read(self, state: torch.Tensor, graph: GraphBatch, size: int) -> torch.Tensor:
        """Read tokens from the last states of nodes.

        Shape (…, size, n_tokens, width) for `size` graphs.
        """
        weight = scatter_softmax(self.score(state), graph.presence, graph.owner, size)
        return scatter_sum(weight[..., None] * self.value(state)[..., None, :], graph.owner, size, axis=-3)

    def blocks(self, graph: GraphBatch) -> list[EdgeBlock]:
        """Cut the edges of a graph into blocks.

        There is one block for gradients, where every block is held until the end anyway.
        """
        size = max(len(graph.lengths), 1) if torch.is_grad_enabled() else EDGES_PER_BLOCK
        parts = (part.split(size) for part in (*graph.edges, graph.weights[:, None], graph.lengths, graph.stretches))
        return [EdgeBlock(a, b, c, self.radial(d, s)) for a, b, c, d, s in zip(*parts, strict=True)]
