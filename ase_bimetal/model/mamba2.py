"""Mamba2 in plain PyTorch: the selective state-space layer that fuses the model's tokens.

Dao and Gu, "Transformers are SSMs", ICML 2024 (state-space duality, the chunked algorithm of section 6).
Parameters have the names and shapes of ``mamba_ssm.modules.mamba2.Mamba2``, whose kernels run long sequences on
a GPU when they are installed. Letters in the einsum formulas: b batch, c chunk, q and k positions in a chunk,
g group, r head within its group, h head, p channel of a head, n state.
"""

from __future__ import annotations

import importlib.util
import math
from typing import cast

import torch
from torch import nn
from torch.nn import functional as F

from ase_bimetal.model.layers import Linear, RMSNorm, per_member

#: Range of the step sizes that dt_bias starts from, as in mamba_ssm.
_DT_MIN, _DT_MAX, _DT_FLOOR = 1e-3, 1e-1, 1e-4
_A_MIN, _A_MAX = 1.0, 16.0
#: Tokens at which mamba_ssm's kernels were measured to be faster than plain PyTorch; at 64 they are not (lab notes).
KERNEL_LENGTH = 512


def selective_scan(
    x: torch.Tensor, dt: torch.Tensor, A: torch.Tensor, B: torch.Tensor, C: torch.Tensor, chunk_size: int = 64
) -> torch.Tensor:
    """Run the recurrence s_t = exp(dt_t A) s_{t−1} + dt_t x_t ⊗ B_t, y_t = s_t C_t over a sequence.

    Parameters
    ----------
    x
        Inputs, (b, l, h, p).
    dt
        Step sizes ≥ 0, (b, l, h); a step of zero leaves the state as it is.
    A
        Decay rates < 0, (h,), or (b, 1, h) where they differ within the batch.
    B, C
        Input and output maps, (b, l, g, n); each group serves h / g heads.
    chunk_size
        Positions that are handled by one matrix product; changes the cost, not the result.

    Returns
    -------
    torch.Tensor
        y, (b, l, h, p), in the dtype of `x`.

    Examples
    --------
    >>> one = torch.ones(1, 3, 1, 1)
    >>> selective_scan(one, one[..., 0], -torch.ones(1) * math.log(2), one, one).flatten().tolist()
    [1.0, 1.5, 1.75]
    """
    if kernels_usable(x) and A.ndim == 1:
        from mamba_ssm.ops.triton.ssd_combined import mamba_chunk_scan_combined

        y: torch.Tensor = mamba_chunk_scan_combined(x, dt, A, B, C, chunk_size)
        return y
    return _chunked_scan(x, dt, A, B, C, chunk_size)


def kernels_usable(x: torch.Tensor) -> bool:
    """Whether mamba_ssm's fused kernels take this tensor (b, l, …): on CUDA, not float64, long, and installed.

    They multiply in TF32: outputs agree with plain PyTorch to 1e-4 of the largest value, gradients to 4e-3.
    """
    fits = x.is_cuda and x.dtype != torch.float64 and x.shape[1] >= KERNEL_LENGTH
    return fits and importlib.util.find_spec("mamba_ssm") is not None


def _chunked_scan(
    x: torch.Tensor, dt: torch.Tensor, A: torch.Tensor, B: torch.Tensor, C: torch.Tensor, chunk_size: int
) -> torch.Tensor:
    """Chunked algorithm: quadratic within chunks, a recurrence of states between them."""
    length, groups = x.shape[1], B.shape[2]
    size = min(chunk_size, length)
    inputs = _heads_by_group(_chunks(x * dt[..., None], size), groups)
    decay = _heads_by_group(_chunks(dt * A, size), groups).cumsum(dim=2)  # log decay since the chunk began
    B, C = _chunks(B, size), _chunks(C, size)
    y = _within_chunks(inputs, decay, B, C)
    if inputs.shape[1] > 1:
        y = y + _from_earlier_chunks(inputs, decay, B, C)
    return y.flatten(3, 4).flatten(1, 2)[:, :length]


def _chunks(values: torch.Tensor, size: int) -> torch.Tensor:
    """(b, l, …) → (b, c, size, …), zero-padded at the end: a zero step leaves the state alone."""
    padding = -values.shape[1] % size
    if padding:
        values = F.pad(values, (0, 0) * (values.ndim - 2) + (0, padding))
    chunks: torch.Tensor = values.unflatten(1, (-1, size))
    return chunks


def _heads_by_group(values: torch.Tensor, groups: int) -> torch.Tensor:
    """(b, c, q, h, …) → (b, c, q, g, r, …)."""
    grouped: torch.Tensor = values.unflatten(3, (groups, -1))
    return grouped


def _within_chunks(inputs: torch.Tensor, decay: torch.Tensor, B: torch.Tensor, C: torch.Tensor) -> torch.Tensor:
    """Outputs due to the inputs of the same chunk: (b, c, q, g, r, p)."""
    size = decay.shape[2]
    earlier = torch.ones(size, size, dtype=torch.bool, device=decay.device).tril()
    by_head = decay.permute(0, 1, 3, 4, 2)  # b c g r q
    between = by_head[..., :, None] - by_head[..., None, :]
    # Later positions are masked before exp, where they could overflow and turn the gradient into NaN.
    weight = between.masked_fill(~earlier, -torch.inf).exp()
    similarity = C.permute(0, 1, 3, 2, 4) @ B.permute(0, 1, 3, 4, 2)
    outputs = (weight * similarity[:, :, :, None]) @ inputs.permute(0, 1, 3, 4, 2, 5)  # b c g r q p
    return outputs.permute(0, 1, 4, 2, 3, 5)


def _from_earlier_chunks(inputs: torch.Tensor, decay: torch.Tensor, B: torch.Tensor, C: torch.Tensor) -> torch.Tensor:
    """Outputs due to the state that earlier chunks have left: (b, c, q, g, r, p)."""
    to_end = (decay[:, :, -1:] - decay).exp()
    left = torch.einsum("bckgr,bckgrp,bckgn->bcgrpn", to_end, inputs, B)
    over_chunk = decay[:, :, -1].exp()[..., None, None]
    state, before = torch.zeros_like(left[:, 0]), []
    for chunk in range(left.shape[1]):
        before.append(state)
        state = state * over_chunk[:, chunk] + left[:, chunk]
    return torch.einsum("bcqgr,bcqgn,bcgrpn->bcqgrp", decay.exp(), C, torch.stack(before, dim=1))


class GatedRMSNorm(nn.Module):
    """Root-mean-square norm of x · SiLU(gate), by group."""

    def __init__(self, width: int, n_groups: int = 1, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.n_groups, self.eps = n_groups, eps

    def forward(self, x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """Gate and normalise; all of shape (…, width)."""
        x = (x * F.silu(gate)).unflatten(-1, (self.n_groups, -1))
        return F.rms_norm(x, x.shape[-1:], eps=self.eps).flatten(-2) * per_member(self.weight, 1, gate)


class Mamba2(nn.Module):
    """Mamba2 mixer with the parameter names and shapes of ``mamba_ssm.modules.mamba2.Mamba2``.

    Parameters
    ----------
    d_model
        Width of the tokens.
    d_state
        State size of each channel.
    d_conv
        Width of the causal convolution.
    expand
        Inner width / `d_model`.
    headdim
        Channels per head; divides the inner width.
    ngroups
        Groups that share B and C; divides the number of heads.
    chunk_size
        See `selective_scan`.

    Examples
    --------
    >>> mixer = Mamba2(32, d_state=16, headdim=16)
    >>> mixer(torch.zeros(2, 5, 32)).shape
    torch.Size([2, 5, 32])
    """

    def __init__(
        self,
        d_model: int,
        d_state: int = 128,
        d_conv: int = 4,
        expand: int = 2,
        headdim: int = 64,
        ngroups: int = 1,
        chunk_size: int = 64,
    ) -> None:
        super().__init__()
        self.d_inner, self.d_state, self.ngroups = expand * d_model, d_state, ngroups
        self.headdim, self.chunk_size = headdim, chunk_size
        if self.d_inner % headdim or (self.d_inner // headdim) % ngroups:
            raise ValueError(f"inner width {self.d_inner} must be a multiple of headdim {headdim} × ngroups {ngroups}")
        self.nheads = self.d_inner // headdim
        conv_width = self.d_inner + 2 * ngroups * d_state
        self.in_proj = Linear(d_model, self.d_inner + conv_width + self.nheads, bias=False)
        self.conv1d = nn.Conv1d(conv_width, conv_width, d_conv, groups=conv_width, padding=d_conv - 1)
        self.dt_bias = nn.Parameter(_initial_dt_bias(self.nheads))
        self.A_log = nn.Parameter(torch.empty(self.nheads).uniform_(_A_MIN, _A_MAX).log())
        self.D = nn.Parameter(torch.ones(self.nheads))
        self.norm = GatedRMSNorm(self.d_inner, ngroups)
        self.out_proj = Linear(self.d_inner, d_model, bias=False)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Mix tokens causally.

        Parameters
        ----------
        tokens
            (b, l, d_model).
        mask
            (b, l) bool, True for valid tokens, which must come first in each row (see `pack_left`). Padding
            changes no valid output; outputs at padding are zero.

        Returns
        -------
        torch.Tensor
            (b, l, d_model), in the dtype of `tokens`.
        """
        valid = None if mask is None else mask[..., None].to(tokens.dtype)
        if valid is not None:
            tokens = tokens * valid
        gate, mixed, dt = self._project(tokens)
        dt = F.softplus(dt + per_member(self.dt_bias, 1, dt))
        if valid is not None:
            dt = dt * valid
        out: torch.Tensor = self.out_proj(self.norm(self._scan(mixed, dt), gate))
        return out if valid is None else out * valid

    def _project(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Gate (b, l, d_inner), convolved x, B and C (b, l, d_inner + 2gn), raw steps (b, l, h)."""
        widths = [self.d_inner, self.conv1d.in_channels, self.nheads]
        gate, mixed, dt = self.in_proj(tokens).split(widths, dim=-1)
        return gate, F.silu(self._convolved(mixed)), dt

    def _convolved(self, mixed: torch.Tensor) -> torch.Tensor:
        """Causal convolution of each channel (b, l, c): for a few taps, shifts beat a general convolution."""
        taps = self.conv1d.weight[..., 0, :].unbind(dim=-1)
        padded, length = F.pad(mixed, (0, 0, len(taps) - 1, 0)), mixed.shape[-2]
        convolved = per_member(cast(torch.Tensor, self.conv1d.bias), 1, mixed)
        for k, tap in enumerate(taps):
            convolved = torch.addcmul(convolved, padded[..., k : k + length, :], per_member(tap, 1, mixed))
        return convolved

    def _scan(self, mixed: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        """State-space part with its skip connection D: (…, b, l, d_inner)."""
        width, rates = self.ngroups * self.d_state, -self.A_log.exp()
        x, B, C = mixed.split([self.d_inner, width, width], dim=-1)
        x = x.unflatten(-1, (self.nheads, self.headdim))
        B, C = (part.unflatten(-1, (self.ngroups, self.d_state)) for part in (B, C))
        if rates.ndim == 1:
            y = selective_scan(x, dt, rates, B, C, self.chunk_size)
        else:  # stacked members are more sequences of the same batch
            each = rates[:, None, None].expand(-1, x.shape[1], -1, -1).flatten(0, 1)
            flat_x, flat_dt, flat_B, flat_C = (part.flatten(0, 1) for part in (x, dt, B, C))
            y = selective_scan(flat_x, flat_dt, each, flat_B, flat_C, self.chunk_size).view_as(x)
        whole: torch.Tensor = (y + x * per_member(self.D, 1, dt)[..., None]).flatten(-2)
        return whole


class Mamba2Block(nn.Module):
    """Pre-norm residual block: tokens + Mamba2(RMSNorm(tokens)).

    Parameters
    ----------
    d_model
        Width of the tokens.
    d_state, d_conv, expand, headdim, ngroups, chunk_size
        See `Mamba2`.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int = 128,
        d_conv: int = 4,
        expand: int = 2,
        headdim: int = 64,
        ngroups: int = 1,
        chunk_size: int = 64,
    ) -> None:
        super().__init__()
        self.norm = RMSNorm(d_model, eps=1e-5)
        self.mixer = Mamba2(d_model, d_state, d_conv, expand, headdim, ngroups, chunk_size)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Mix tokens (b, l, d_model); `mask` as in `Mamba2.forward`, tokens at padding pass unchanged."""
        mixed: torch.Tensor = self.mixer(self.norm(tokens), mask)
        return tokens + mixed


def pack_left(tokens: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Move valid tokens to the front of each row, in their order.

    A gap between valid tokens is not neutral to the convolution, even when masked, so segments of unequal
    length must be packed before a Mamba2 layer sees them.

    Parameters
    ----------
    tokens
        (b, l, d).
    mask
        (b, l) bool, True for valid tokens.

    Examples
    --------
    >>> tokens, mask = pack_left(torch.arange(3.0).reshape(1, 3, 1), torch.tensor([[True, False, True]]))
    >>> tokens[mask].flatten().tolist(), mask.tolist()
    ([0.0, 2.0], [[True, True, False]])
    """
    order = torch.argsort((~mask).to(torch.int8), dim=1, stable=True)
    return tokens.take_along_dim(order[..., None], dim=1), mask.take_along_dim(order, dim=1)


def _initial_dt_bias(n: int) -> torch.Tensor:
    """Inverse softplus of step sizes drawn log-uniformly between 0.001 and 0.1."""
    low, high = math.log(_DT_MIN), math.log(_DT_MAX)
    dt = torch.exp(low + (high - low) * torch.rand(n)).clamp(min=_DT_FLOOR)
    return dt + torch.log(-torch.expm1(-dt))


__all__ = ["Mamba2", "Mamba2Block", "pack_left", "selective_scan"]
