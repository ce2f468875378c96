"""Filters of edges read from a table over distance, in place of running the filter networks for every edge.

A filter depends on an edge's length and on the sum of its atoms' radii. Radii are whole picometres, so that for a pair
of elements it is a smooth function of the length alone: between points 1/256 Å apart a cubic through four of them
deviates by less than the rounding of single precision adds up to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from ase_bimetal.model.core_encoder import FilteredEdges
from ase_bimetal.workers import lock_for_forks

if TYPE_CHECKING:
    from ase_bimetal.model.core_encoder import GraphEncoder
    from ase_bimetal.model.encode import GraphBatch

#: Points per Å of length, a power of two, so that the place of a length between two points is exact.
_POINTS = 128
#: Steps of the sum of two radii per Å, and the largest sum [Å].
_RADIUS_STEPS, _LARGEST_SUM = 100, 6.0
#: A sum of radii further than this [Å] from a step is in no table: single precision has 5e-7 Å at 6 Å.
_RADIUS_TOLERANCE = 1e-5
#: With fewer edges the networks themselves are as fast.
_FEWEST_EDGES = 512
#: Rows of the table at most; when they are full, it begins anew.
_MOST_ROWS = 32_768
_LOCK = lock_for_forks()


class FilterTable:
    """The tabulated filters of a frozen encoder.

    Every layer's filters are tabulated where graphs have asked for them.

    Whether a graph is read from the table depends on that graph alone, so that what was predicted before changes no
    bit of what follows.

    Parameters
    ----------
    encoder
        Its weights must not change any more.
    """

    def __init__(self, encoder: GraphEncoder) -> None:
        self._encoder = encoder
        # The row of each point, by sum of radii and length; −1 where it is not known.
        self._row = torch.empty(0, dtype=torch.long)
        self._layers: list[torch.Tensor] = []
        self._used = 0

    def __getstate__(self) -> dict[str, GraphEncoder]:
        """Leave the rows behind: they are made anew."""
        return {"_encoder": self._encoder}

    def __setstate__(self, state: dict[str, GraphEncoder]) -> None:
        """Begin with an empty table."""
        self.__init__(state["_encoder"])  # type: ignore[misc]

    @property
    def _n_points(self) -> int:
        """Points of length for each sum of radii."""
        return int(self._encoder.radial.cutoff * _POINTS) + 1

    @torch.inference_mode()
    def look_up(self, graph: GraphBatch) -> TabulatedEdges | None:
        """Find a graph's edges in the table.

        The table is filled as far as they need.

        Parameters
        ----------
        graph
            On the CPU.

        Returns
        -------
        TabulatedEdges or None
            None where the networks are as fast, or an edge lies outside the table.
        """
        lengths = graph.lengths
        if len(lengths) < _FEWEST_EDGES or lengths.device.type != "cpu" or lengths.dtype != torch.float32:
            return None
        total = (lengths - graph.stretches) * _RADIUS_STEPS
        step = total.round()
        if (total - step).abs_().max() > _RADIUS_TOLERANCE * _RADIUS_STEPS:
            return None
        place, n_points = lengths * _POINTS, self._n_points
        # The four points around a length; at both ends of the table it lies beside them.
        point = place.floor().clamp_(1, n_points - 3)
        first = step.long() * n_points + point.long() - 1
        size = int(_LARGEST_SUM * _RADIUS_STEPS) * n_points
        if first.min() < 0 or first.max() + 3 >= size:
            return None
        points = first[:, None] + torch.arange(4)
        needed = torch.zeros(size, dtype=torch.bool)
        needed[points] = True
        asked = needed.nonzero()[:, 0]
        if len(asked) > min(len(lengths), _MOST_ROWS):
            return None
        weights = _cubic_weights(place - point)
        weights *= graph.weights[:, None]
        with _LOCK:
            self._fill(asked, size)
            return TabulatedEdges(graph.edges, self._row[points], weights, tuple(self._layers))

    def _fill(self, points: torch.Tensor, size: int) -> None:
        """Add those of some points, of `size` in all, that are not in the table."""
        new = points[self._row[points] < 0] if len(self._row) else points
        if not len(self._row) or self._used + len(new) > _MOST_ROWS:
            self._row, self._layers, self._used = torch.full((size,), -1), [], 0
            new = points
        if not len(new):
            return
        lengths = (new % self._n_points).float() / _POINTS
        totals = (new // self._n_points).float() / _RADIUS_STEPS
        filters = self._encoder.filters_at(lengths, lengths - totals)
        self._reserve(self._used + len(new), [layer.shape[1:] for layer in filters])
        rows = torch.arange(self._used, self._used + len(new))
        for table, values in zip(self._layers, filters, strict=True):
            table[rows] = values.flatten(1)
        self._row[new] = rows
        self._used += len(new)

    def _reserve(self, n_rows: int, shapes: list[torch.Size]) -> None:
        """Have room for some rows. A table in use is never moved, but followed by a larger one."""
        room = len(self._layers[0]) if self._layers else 0
        if n_rows <= room:
            return
        room = min(max(2 * room, n_rows), _MOST_ROWS)
        larger = [torch.empty(room, shape.numel()) for shape in shapes]
        for old, new in zip(self._layers, larger, strict=False):
            new[: self._used] = old[: self._used]
        self._layers = larger


@dataclass(frozen=True)
class TabulatedEdges:
    """Edges (2, e) with their rows in the table.

    The rows are four points (e, 4) in each layer's table, with the weights of these (e, 4).
    """

    edges: torch.Tensor
    rows: torch.Tensor
    weights: torch.Tensor
    layers: tuple[torch.Tensor, ...]

    def filtered(self, layer: int, size: int, shape: tuple[int, ...]) -> Iterator[FilteredEdges]:
        """Give one layer's filtered edges in blocks.

        Parameters
        ----------
        layer
            Its number.
        size
            Edges of a block at most.
        shape
            Of one edge's filters.
        """
        parts = (part.split(size) for part in (*self.edges, self.rows, self.weights))
        for first, second, rows, weights in zip(*parts, strict=True):
            filters = F.embedding_bag(rows, self.layers[layer], mode="sum", per_sample_weights=weights)
            yield FilteredEdges(first, second, filters.view(-1, *shape))


def _cubic_weights(t: torch.Tensor) -> torch.Tensor:
    """Lagrange's weights (e, 4) of the points −1, 0, 1 and 2 at t (e,)."""
    below, above, far = t + 1, t - 1, t - 2
    return torch.stack([-t * above * far / 6, below * above * far / 2, -below * t * far / 2, below * t * above / 6], 1)


__all__ = ["FilterTable", "TabulatedEdges"]
