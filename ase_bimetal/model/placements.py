"""Energies of many placements of metals on the sites of one cluster, each computed from what has changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from ase_bimetal.exchange import MetalExchange
from ase_bimetal.model.core_encoder import EDGES_PER_BLOCK, FilteredEdges, received
from ase_bimetal.model.encode import GraphBatch, collate, encode
from ase_bimetal.model.ensemble import few_threads
from ase_bimetal.model.predictor import level_shift

if TYPE_CHECKING:
    from ase import Atoms

    from ase_bimetal.formation import ReferenceState
    from ase_bimetal.ligands import LigandAnnotation
    from ase_bimetal.model.core_encoder import GraphEncoder
    from ase_bimetal.model.predictor import Predictor

#: Placements after which all is computed anew, before rounding errors add up.
_LONGEST = 100


class SiteEnergies:
    """Formation energies [eV] of a cluster by the elements on some of its sites.

    Distances never change, an edge's filter only when one of its two atoms does, and an atom's state only when a
    neighbour's has: what two swapped atoms leave as it is, is not computed again. The energies are those of a fresh
    prediction, to rounding.

    Parameters
    ----------
    predictor
        The model.
    atoms
        The cluster; it is not changed.
    sites
        Indices of the metal atoms whose elements are given later.
    ligands, reference_state
        As in `ase_bimetal.predict`.

    Raises
    ------
    BimetalError
        The cluster cannot be read or predicted.
    """

    def __init__(
        self,
        predictor: Predictor,
        atoms: Atoms,
        sites: Sequence[int],
        ligands: LigandAnnotation | None = None,
        reference_state: ReferenceState = "dimer",
    ) -> None:
        self._predictor, self._reference_state = predictor, reference_state
        self._exchange = MetalExchange(atoms, ligands)
        row_of = {int(index): row for row, index in enumerate(self._exchange.start.metals)}
        self._rows = [row_of[int(index)] for index in sites]
        self._tokens = _CoreTokens(predictor.network.core)

    @torch.inference_mode()
    def __call__(self, symbols: Sequence[str]) -> float:
        """Energy [eV], E_form × N_metal, with these elements on the sites."""
        metals = list(self._exchange.start.metal_symbols)
        for row, symbol in zip(self._rows, symbols, strict=True):
            metals[row] = symbol
        system, predictor = self._exchange.system(metals), self._predictor
        shift = level_shift(system, predictor.card, self._reference_state).value
        batch = collate([encode(system, predictor.encoder.embed)]).to(predictor.device)
        with few_threads(2 * len(batch.core.lengths)):
            outputs = predictor.network.fuse(self._tokens.of(batch.core), batch).energy.double().cpu().numpy()
        target = predictor.card.target
        return float((outputs * target.std + target.mean).mean() + shift) * system.n_metals


@dataclass
class _LayerMemory:
    """What one layer saw of the graph: its filters (e, …, width), what nodes sent and received (n, …, width)."""

    state: torch.Tensor
    filters: torch.Tensor
    sent: torch.Tensor
    received: torch.Tensor


class _CoreTokens:
    """Tokens of one core whose metals change, computed from what differs from the graph seen last."""

    def __init__(self, encoder: GraphEncoder) -> None:
        self._encoder = encoder
        self._graph: GraphBatch | None = None
        self._layers: list[_LayerMemory] = []
        self._age = 0

    def of(self, graph: GraphBatch) -> torch.Tensor:
        """Tokens (…, 1, n_tokens, width) of a graph."""
        last, self._age = self._graph, self._age + 1
        if last is None or self._age > _LONGEST or not _same_edges(last, graph):
            self._compute(graph)
        else:
            self._renew(
                graph,
                torch.nonzero((last.nodes != graph.nodes).any(dim=1))[:, 0],
                torch.nonzero(last.stretches != graph.stretches)[:, 0],
            )
        self._graph = graph
        return self._encoder.read(self._state, graph, 1)

    def _compute(self, graph: GraphBatch) -> None:
        """Compute all anew."""
        self._layers, self._age = [], 0
        self._incident = _Incident(graph.edges, len(graph.nodes))
        self._state = self._encoder.embed(graph.nodes)
        for layer, blocks in zip(self._encoder.convolutions, self._encoder.filtered(graph), strict=True):
            filters, sent = _joined(blocks), layer.sent(self._state)
            total = received(sent, [FilteredEdges(graph.edges[0], graph.edges[1], filters)])
            self._layers.append(_LayerMemory(self._state, filters, sent, total))
            self._state = layer.updated(self._state, total)

    def _renew(self, graph: GraphBatch, nodes: torch.Tensor, edges: torch.Tensor) -> None:
        """Compute what follows from other nodes and stretches of edges in these rows."""
        ends = graph.edges[:, edges]
        some = replace(
            graph,
            edges=ends,
            lengths=graph.lengths[edges],
            stretches=graph.stretches[edges],
            weights=graph.weights[edges],
        )
        state = self._encoder.embed(graph.nodes[nodes])
        found = zip(self._encoder.convolutions, self._layers, self._encoder.filtered(some), strict=True)
        for layer, memory, blocks in found:
            memory.state.index_copy_(-2, nodes, state)
            filters = _joined(blocks)
            change = filters - memory.filters.index_select(0, edges)
            memory.received += received(memory.sent, [FilteredEdges(ends[0], ends[1], change)])
            memory.filters.index_copy_(0, edges, filters)
            sent = layer.sent(state)
            reached = _spread(memory, self._incident, nodes, sent - memory.sent.index_select(0, nodes))
            memory.sent.index_copy_(0, nodes, sent)
            nodes = reached
            state = layer.updated(memory.state.index_select(-2, nodes), memory.received.index_select(0, nodes))
        self._state.index_copy_(-2, nodes, state)


def _spread(memory: _LayerMemory, incident: _Incident, nodes: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    """Send on what changes (n, …, width) in some nodes' messages; these nodes, then all others that are reached."""
    edges, senders, targets = incident.of(nodes)
    for rows, sender, to in zip(*(part.split(EDGES_PER_BLOCK) for part in (edges, senders, targets)), strict=True):
        messages = change.index_select(0, sender)
        memory.received.index_add_(0, to, messages.mul_(memory.filters.index_select(0, rows)))
    reached = torch.zeros(len(memory.sent), dtype=torch.bool, device=nodes.device)
    reached[targets] = True
    reached[nodes] = False
    return torch.cat([nodes, torch.nonzero(reached)[:, 0]])


class _Incident:
    """The edges at each node of a graph."""

    def __init__(self, edges: torch.Tensor, n_nodes: int) -> None:
        # Both directions, a loop among them twice, as messages go.
        node, order = edges.flatten().sort(stable=True)
        self._edge, self._other = order % edges.shape[1], edges.flip(0).flatten().index_select(0, order)
        self._count = torch.bincount(node, minlength=n_nodes)
        self._start = self._count.cumsum(0) - self._count

    def of(self, nodes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Edges at some nodes: row of the edge, place of the node among `nodes`, and the other end; each (e,)."""
        count = self._count.index_select(0, nodes)
        place = torch.repeat_interleave(torch.arange(len(nodes), device=nodes.device), count)
        first = self._start.index_select(0, nodes) - (count.cumsum(0) - count)
        at = torch.arange(len(place), device=nodes.device) + first.index_select(0, place)
        return self._edge.index_select(0, at), place, self._other.index_select(0, at)


def _same_edges(one: GraphBatch, other: GraphBatch) -> bool:
    same_size = one.nodes.shape == other.nodes.shape and one.edges.shape == other.edges.shape
    return same_size and all(
        torch.equal(getattr(one, name), getattr(other, name)) for name in ("edges", "lengths", "weights", "presence")
    )


def _joined(blocks: Iterable[FilteredEdges]) -> torch.Tensor:
    """Filters of all blocks (e, …, width)."""
    return torch.cat([block.filters for block in blocks])


__all__ = ["SiteEnergies"]
