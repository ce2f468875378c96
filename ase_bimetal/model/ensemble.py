"""The members of an ensemble as one network, which reads every cluster once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import nn

from ase_bimetal.model.layers import SideBySide
from ase_bimetal.model.mml import MML

#: Layers that torch alone knows how to run: they stay single, side by side.
_UNSTACKED = (nn.TransformerEncoderLayer,)


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
