"""The members of an ensemble as one network, which reads every cluster once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import cast

import numpy as np
import torch
from torch import nn

from ase_bimetal.model.encode import Encoded, collate
from ase_bimetal.model.filter_table import FilterTable
from ase_bimetal.model.layers import SideBySide
from ase_bimetal.model.mml import MML
from ase_bimetal.workers import lock_for_forks

#: Layers that torch alone knows how to run: they stay single, side by side.
_UNSTACKED = (nn.TransformerEncoderLayer,)
#: A batch ends before it would hold more directed edges or more systems than this; one system is always taken.
_MOST_EDGES, _MOST_SYSTEMS = 32_768, 256
#: Directed edges that are worth a thread: with fewer, threads wait for one another longer than they work.
_EDGES_PER_THREAD = 60_000
# Threads of Python for which torch is limited to few threads of its own, and those it had before.
_LOCK, _n_limited, _at_rest = lock_for_forks(), 0, torch.get_num_threads()


def stack(members: Sequence[MML]) -> MML:
    """Put members of the same configuration into one network.

    Its energies have the shape (members, n) and equal those of the members, one by one, to rounding.

    Parameters
    ----------
    members
        Networks in evaluation mode.
    """
    network = deepcopy(members[0]).requires_grad_(False)
    _stack_into(network, members)
    network.core.table = FilterTable(network.core)
    return network.eval()


def _stack_into(target: nn.Module, members: Sequence[nn.Module]) -> None:
    """Give a module and all below it the weights of all members, along a new first axis."""
    for name in list(target._parameters):
        weights = [getattr(member, name) for member in members]
        if weights[0] is not None:
            setattr(target, name, nn.Parameter(torch.stack([w.detach() for w in weights]), requires_grad=False))
    for name, child in target.named_children():
        children = [getattr(member, name) for member in members]
        if isinstance(child, _UNSTACKED):
            setattr(target, name, SideBySide(children))
        else:
            _stack_into(child, children)


@torch.inference_mode()
def member_outputs(network: MML, encoded: Sequence[Encoded]) -> np.ndarray:
    """Compute each member's output for each system.

    They are in units of the network's target: (n, members).

    Parameters
    ----------
    network
        From `stack`, on the device where it shall run.
    encoded
        Systems; they are read in batches of about as many edges each.
    """
    weight = cast(torch.Tensor, network.head[0].weight)
    rows = [np.empty((0, len(weight)))]
    for part in batches(encoded):
        edges = sum(map(_n_edges, part))
        with few_threads(edges):
            rows.append(network(collate(part).to(weight.device)).energy.double().cpu().numpy().T)
    return np.concatenate(rows)


def batches(encoded: Sequence[Encoded]) -> Iterator[Sequence[Encoded]]:
    """Group consecutive systems by their edges.

    A batch's cost and memory go with the number of its edges.
    """
    start, edges = 0, 0
    for stop, item in enumerate(encoded):
        if stop > start and (edges + _n_edges(item) > _MOST_EDGES or stop - start == _MOST_SYSTEMS):
            yield encoded[start:stop]
            start, edges = stop, 0
        edges += _n_edges(item)
    if start < len(encoded):
        yield encoded[start:]


@contextmanager
def few_threads(edges: int) -> Iterator[None]:
    """Limit torch's threads to what work is worth.

    Afterwards it has those it had.

    On a busy machine two threads on a small graph were 14 to 50 times slower than one.

    Parameters
    ----------
    edges
        Directed edges that will be handled together.
    """
    global _n_limited, _at_rest
    with _LOCK:
        # A thread that first asks torch while another one is limited is told the few threads of that one.
        before = _at_rest if _n_limited else torch.get_num_threads()
        wanted = min(before, max(1, edges // _EDGES_PER_THREAD))
        is_limited = wanted < before
        if is_limited:
            torch.set_num_threads(wanted)
            _n_limited, _at_rest = _n_limited + 1, before
    try:
        yield
    finally:
        if is_limited:
            with _LOCK:
                torch.set_num_threads(before)
                _n_limited -= 1


def _forget_other_threads() -> None:
    global _n_limited
    _n_limited = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)


def _n_edges(item: Encoded) -> int:
    return len(item.core.lengths)
