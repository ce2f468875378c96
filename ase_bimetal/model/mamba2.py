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

from ase_bimetal.model.layers import Linear, RMSNorm, per_member, rms_normalised

#: Range of the step sizes that dt_bias starts from, as in mamba_ssm.
_DT_MIN, _DT_MAX, _DT_FLOOR = 1e-3, 1e-1, 1e-4
_A_MIN, _A_MAX = 1.0, 16.0
#: Tokens at which mamba_ssm's kernels were measured to be faster than plain PyTorch; at 64 they are not (lab notes).
KERNEL_LENGTH = 512


def selective_scan(
    x: torch.Tensor, dt: torch.Tensor, A: torch.Tensor, B: torch.Tensor, C: torch.Tensor, chunk_size: int = 64
) -> torch.Tensor:
    """Run the selective recurrence over a sequence.

    It is s_t = exp(dt_t A) s_{t−1} + dt_t x_t ⊗ B_t, y_t = s_t C_t.

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
    """Say whether mamba_ssm's fused kernels take this tensor.

    It must be (b, l, …) on CUDA, not float64, and long, and the kernels installed.

    They multiply in TF32: outputs agree with plain PyTorch to 1e-4 of the largest value, gradients to 4e-3.
    """
    fits = x.is_cuda and x.dtype != torch.float64 and x.shape[1] >= KERNEL_LENGTH
    return fits and importlib.util.find_spec("mamba_ssm") is not None


def _chunked_scan(
    x: torch.Tensor, dt: torch.Tensor, A: torch.Tensor, B: torch.Tensor, C: torch.Tensor, chunk_size: int
) -> torch.Tensor:
    """Chunked algorithm: quadratic within chunks, a recurrence of states between them."""
    length, groups = x.shape[1], B.shape[2]
    if length <= chunk_size and groups == 1:
        return _one_chunk(x * dt[..., None], (dt * A).mT.cumsum(dim=-1), B, C)
    size = min(chunk_size, length)
    inputs = _heads_first(x * dt[..., None], size, groups)
    decay = _heads_first(dt * A, size, groups).cumsum(dim=-1)  # log decay since the chunk began
    B, C = (_heads_first(part, size, groups)[:, :, :, 0] for part in (B, C))
    y = _weights(decay, (C @ B.mT)[:, :, :, None]) @ inputs
    if inputs.shape[1] > 1:
        y = y + _from_earlier_chunks(inputs, decay, B, C)
    return y.permute(0, 1, 4, 2, 3, 5).reshape(x.shape[0], -1, *x.shape[2:])[:, :length]


def _heads_first(values: torch.Tensor, size: int, groups: int) -> torch.Tensor:
    """(b, l, h, …) → (b, c, g, r, size, …), zero-padded at the end: a zero step leaves the state alone."""
    padding = -values.shape[1] % size
    if padding:
        values = F.pad(values, (0, 0) * (values.ndim - 2) + (0, padding))
    split = values.reshape(values.shape[0], -1, size, groups, values.shape[2] // groups, *values.shape[3:])
    return split.permute(0, 1, 3, 4, 2, *range(5, split.ndim))


def _one_chunk(inputs: torch.Tensor, decay: torch.Tensor, B: torch.Tensor, C: torch.Tensor) -> torch.Tensor:
    """The same for one group and a short sequence, as the model's six tokens, with fewer changes of shape."""
    weights = _weights(decay, C.transpose(1, 2) @ B.permute(0, 2, 3, 1))
    return (weights @ inputs.transpose(1, 2)).transpose(1, 2)


def _weights(decay: torch.Tensor, overlap: torch.Tensor) -> torch.Tensor:
    """How much each input counts in each output of the same chunk, (…, q, k), from log decays (…, q) and C · B."""
    later = decay.new_full((decay.shape[-1],) * 2, -torch.inf).triu(1)
    # Later positions are masked before exp, where they could overflow and turn the gradient into NaN.
    return (decay[..., :, None] - decay[..., None, :] + later).exp() * overlap


def _from_earlier_chunks(inputs: torch.Tensor, decay: torch.Tensor, B: torch.Tensor, C: torch.Tensor) -> torch.Tensor:
    """Outputs due to the state that earlier chunks have left: (b, c, g, r, q, p)."""
    to_end = (decay[..., -1:] - decay).exp()
    left = torch.einsum("bcgrk,bcgrkp,bcgkn->bcgrpn", to_end, inputs, B)
    over_chunk = decay[..., -1].exp()[..., None, None]
    state, before = torch.zeros_like(left[:, 0]), []
    for chunk in range(left.shape[1]):
        before.append(state)
        state = state * over_chunk[:, chunk] + left[:, chunk]
    return torch.einsum("bcgrq,bcgqn,bcgrpn->bcgrqp", decay.exp(), C, torch.stack(before, dim=1))


class GatedRMSNorm(nn.Module):
    """Root-mean-square norm of x · SiLU(gate), by group."""

    def __init__(self, width: int, n_groups: int = 1, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.n_groups, self.eps = n_groups, eps

    def forward(self, x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        """Gate and normalise; all of shape (…, width)."""
        x = x * F.silu(gate)
        grouped = x.view(*x.shape[:-1], self.n_groups, -1)
        return rms_normalised(grouped, self.eps).view(x.shape) * per_member(self.weight, 1, gate)


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
        self.dt_bias = nn.Parameter(torch.empty(self.nheads))
        self.A_log = nn.Parameter(torch.empty(self.nheads))
        self.D = nn.Parameter(torch.ones(self.nheads))
        self.norm = GatedRMSNorm(self.d_inner, ngroups)
        self._draw_rates()
        self.out_proj = Linear(self.d_inner, d_model, bias=False)

    def _draw_rates(self) -> None:
        """Draw the first step sizes and decay rates."""
        if self.A_log.is_meta:  # weights of a file will follow; arithmetic without memory imports torch's compiler
            return
        with torch.no_grad():
            self.dt_bias.copy_(_initial_dt_bias(self.nheads))
            self.A_log.uniform_(_A_MIN, _A_MAX).log_()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Mix tokens causally.

        Parameters
        ----------
        tokens
            (b, l, d_model).

        Returns
        -------
        torch.Tensor
            (b, l, d_model), in the dtype of `tokens`.
        """
        gate, mixed, dt = self._project(tokens)
        dt = F.softplus(dt + per_member(self.dt_bias, 1, dt))
        out: torch.Tensor = self.out_proj(self.norm(self._scan(mixed, dt), gate))
        return out

    def _project(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Gate (b, l, d_inner), convolved x, B and C (b, l, d_inner + 2gn), raw steps (b, l, h)."""
        widths = [self.d_inner, self.conv1d.in_channels, self.nheads]
        gate, mixed, dt = self.in_proj(tokens).split(widths, dim=-1)
        return gate, F.silu(self._convolved(mixed)), dt

    def _convolved(self, mixed: torch.Tensor) -> torch.Tensor:
        """Causal convolution of each channel (b, l, c): for a few taps, shifts beat a general convolution."""
        *earlier, last = per_member(self.conv1d.weight[..., 0, :], 2, mixed[..., None]).unbind(dim=-1)
        convolved = torch.addcmul(per_member(cast("torch.Tensor", self.conv1d.bias), 1, mixed), mixed, last)
        length = mixed.shape[-2]
        for gap, tap in enumerate(reversed(earlier[-length + 1 :] if length > 1 else []), start=1):
            rest = length - gap
            convolved.narrow(-2, gap, rest).addcmul_(mixed.narrow(-2, 0, rest), tap)
        return convolved

    def _scan(self, mixed: torch.Tensor, dt: torch.Tensor) -> torch.Tensor:
        """State-space part with its skip connection D: (…, b, l, d_inner)."""
        width, rates = self.ngroups * self.d_state, -self.A_log.exp()
        batch, length = mixed.shape[-3:-1]
        # Stacked members are more sequences of the same batch.
        flat, steps = mixed.reshape(-1, length, mixed.shape[-1]), dt.reshape(-1, length, self.nheads)
        if rates.ndim > 1:
            rates = rates.repeat_interleave(batch, dim=0)[:, None]
        x, B, C = flat.split([self.d_inner, width, width], dim=-1)
        x = x.reshape(*steps.shape, self.headdim)
        B, C = (part.reshape(*steps.shape[:2], self.ngroups, self.d_state) for part in (B, C))
        y = selective_scan(x, steps, rates, B, C, self.chunk_size).reshape(*dt.shape, -1)
        return torch.addcmul(y, x.view_as(y), per_member(self.D, 1, dt)[..., None]).flatten(-2)


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

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Mix tokens (b, l, d_model)."""
        mixed: torch.Tensor = self.mixer(self.norm(tokens))
        return tokens + mixed


def _initial_dt_bias(n: int) -> torch.Tensor:
    """Inverse softplus of step sizes drawn log-uniformly between 0.001 and 0.1."""
    low, high = math.log(_DT_MIN), math.log(_DT_MAX)
    dt = torch.exp(low + (high - low) * torch.rand(n)).clamp(min=_DT_FLOOR)
    return dt + torch.log(-torch.expm1(-dt))


__all__ = ["Mamba2", "Mamba2Block", "selective_scan"]
