"""Layers that run one network, or several of the same shape at once: weights may carry a leading axis of members.

With stacked weights every layer maps (members, …, width), or (…, width) that all members share, to
(members, …, width); `ase_bimetal.model.ensemble.stack` makes such networks. Without, they are torch's own layers.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

#: So few rows are mapped in less time than it takes to say how the result shall lie in memory.
_FEW_ROWS = 64


def per_member(parameter: torch.Tensor, own_axes: int, values: torch.Tensor) -> torch.Tensor:
    """Line up a stacked parameter with members' values.

    Values are (members, …), so that each member's own broadcasts.

    Parameters
    ----------
    parameter
        One network's parameter, which comes back as it is, or a stack with a leading axis of members.
    own_axes
        Number of axes of one network's parameter.
    values
        What it will be combined with.

    Examples
    --------
    >>> per_member(torch.zeros(3, 8), 1, torch.zeros(3, 5, 6, 8)).shape
    torch.Size([3, 1, 1, 8])
    """
    if parameter.ndim == own_axes:
        return parameter
    gap = values.ndim - parameter.ndim
    return parameter.reshape(len(parameter), *[1] * gap, *parameter.shape[1:])


def rms_normalised(values: torch.Tensor, eps: float | None) -> torch.Tensor:
    """Divide values (…, width) by their root mean square.

    Torch's own function takes twice as long on few rows.

    Examples
    --------
    >>> rms_normalised(torch.tensor([3.0, -3.0]), 0.0)
    tensor([ 1., -1.])
    """
    floor = torch.finfo(values.dtype).eps if eps is None else eps
    return values * values.square().mean(-1, keepdim=True).add_(floor).rsqrt_()


class Linear(nn.Linear):
    """Linear layer of one network or of stacked ones."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (…, in) to (…, out)."""
        if self.weight.ndim == 2:
            return F.linear(values, self.weight, self.bias)
        members, width, _ = self.weight.shape
        if values.ndim == 2:  # rows that all members share
            flat = F.linear(values, self.weight.flatten(0, 1), None if self.bias is None else self.bias.flatten())
            return flat.view(-1, members, width).transpose(0, 1)
        rows = values if values.ndim == 3 else values.reshape(members, -1, values.shape[-1])
        mapped = None
        if rows.shape[1] > _FEW_ROWS:
            # A row of all members lies together in memory: gathering and summing rows is three times faster.
            mapped = values.new_empty(rows.shape[1], members, width).transpose(0, 1)
        if self.bias is None:
            mapped = torch.bmm(rows, self.weight.mT, out=mapped)
        else:
            mapped = torch.baddbmm(self.bias[:, None], rows, self.weight.mT, out=mapped)
        return mapped if values.ndim == 3 else mapped.view(*values.shape[:-1], width)


class LayerNorm(nn.LayerNorm):
    """Layer norm of one network or of stacked ones."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Normalise (…, width)."""
        if self.weight.ndim == 1:
            return super().forward(values)
        scaled = F.layer_norm(values, self.normalized_shape, eps=self.eps)
        return scaled * per_member(self.weight, 1, values) + per_member(self.bias, 1, values)


class RMSNorm(nn.RMSNorm):
    """Root-mean-square norm of one network or of stacked ones."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Normalise (…, width)."""
        if self.weight.ndim == 1:
            return super().forward(values)
        return rms_normalised(values, self.eps) * per_member(self.weight, 1, values)


class PReLU(nn.PReLU):
    """Rectifier with a slope of one network or of stacked ones."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Rectify (…, width)."""
        if self.weight.ndim == 1:
            return super().forward(values)
        return torch.where(values > 0, values, per_member(self.weight, 1, values) * values)


class SideBySide(nn.ModuleList):
    """Several networks' layers, each on its member's values.

    The layers are of a kind that cannot be stacked.
    """

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (members, …)."""
        return torch.stack([layer(part) for layer, part in zip(self, values, strict=True)])
