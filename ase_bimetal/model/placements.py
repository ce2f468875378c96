"""Energies of many placements of metals on the sites of one cluster, each computed from what has changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch

from ase_bimetal.exchange import MetalExchange
from ase_bimetal.formation import ReferenceState
from ase_bimetal.ligands import LigandAnnotation
from ase_bimetal.model.core_encoder import FilteredEdges
from ase_bimetal.model.encode import GraphBatch, collate, encode
from ase_bimetal.model.ensemble import few_threads
from ase_bimetal.model.predictor import level_shift

if TYPE_CHECKING:
    from ase import Atoms

    from ase_bimetal.model.mml import MML
    from ase_bimetal.model.predictor import Predictor


class SiteEnergies:
    """Formation energies [eV] of a cluster by the elements on some of its sites.

    Distances never change, and an edge's filter only when one of its two atoms does: two swapped atoms leave all but
    a hundredth of them as they are. What is computed is what a fresh prediction computes, to rounding.

    Parameters
    ----------
    predictor
        The model.
    atoms
        The cluster; it is not changed.
    sites
        Indices of the metal atoms whose elements are given later.
    ligands, reference
        As in `ase_bimetal.predict`.

    Raises
    ------
    BimetalError
        The cluster cannot be read or predicted.
    """

    def __init__(
        self, predictor: Predictor, atoms: Atoms, sites: Sequence[int], ligands: LigandAnnotation | None = None,
        reference: ReferenceState = "dimer",
    ) -> None:
        self._predictor, self._reference = predictor, reference
        self._exchange = MetalExchange(atoms, ligands)
        row_of = {int(index): row for row, index in enumerate(self._exchange.start.metals)}
        self._rows = [row_of[int(index)] for index in sites]
        self._filters = _Filters(predictor.network)

    @torch.no_grad()
    def __call__(self, symbols: Sequence[str]) -> float:
        """Energy [eV], E_form × N_metal, with these elements on the sites."""
        metals = list(self._exchange.start.metal_symbols)
        for row, symbol in zip(self._rows, symbols, strict=True):
            metals[row] = symbol
        system, predictor = self._exchange.system(metals), self._predictor
        shift = level_shift(system, predictor.card, self._reference)
        batch = collate([encode(system, predictor.encoder.embed)]).to(predictor.device)
        with few_threads(2 * len(batch.core.lengths)):
            core = predictor.network.core.read(self._filters.of(batch.core), batch.core, batch.size)
            outputs = predictor.network.fuse(core, batch).energy.double().cpu().numpy()
        target = predictor.card["target"]
        return float((outputs * target["std"] + target["mean"]).mean() + shift) * system.n_metals


class _Filters:
    """The filters of every layer for the edges of the graph seen last; only edges that differ are filtered anew."""

    def __init__(self, network: MML) -> None:
        self._core = network.core
        self._graph: GraphBatch | None = None
        self._layers: list[list[FilteredEdges]] = []

    def of(self, graph: GraphBatch) -> Iterable[Iterable[FilteredEdges]]:
        """Each layer's filtered edges."""
        last = self._graph
        if last is None or not (torch.equal(last.edges, graph.edges) and torch.equal(last.lengths, graph.lengths)):
            self._layers = [
                [layer.filtered(part) for part in self._core.blocks(graph)] for layer in self._core.convolutions
            ]
        else:
            self._renew(graph, torch.nonzero(last.stretches != graph.stretches)[:, 0])
        self._graph = graph
        return self._layers

    def _renew(self, graph: GraphBatch, changed: torch.Tensor) -> None:
        """Filter the edges in these rows anew."""
        if not len(changed):
            return
        some = GraphBatch(graph.nodes, graph.is_metal, graph.edges[:, changed], graph.lengths[changed],
                          graph.stretches[changed], graph.owner)
        parts = self._core.blocks(some)
        for layer, blocks in zip(self._core.convolutions, self._layers, strict=True):
            fresh = torch.cat([layer.filtered(part).filters for part in parts])
            start = 0
            for block in blocks:
                inside = (changed >= start) & (changed < start + len(block.first))
                block.filters[changed[inside] - start] = fresh[inside]
                start += len(block.first)


__all__ = ["SiteEnergies"]
