"""The Mamba2 layer against its own definition, transformers' layer, and itself under padding."""

import sys
import types

import pytest
import torch
from torch.nn import functional as F

from ase_bimetal.model import mamba2
from ase_bimetal.model.mamba2 import Mamba2, Mamba2Block, selective_scan

SHAPES = [
    {"d_model": 16, "d_state": 8, "headdim": 8},
    {"d_model": 24, "d_state": 5, "headdim": 6, "ngroups": 2, "d_conv": 3, "expand": 3},
]


def make_mixer(seed=0, **shape):
    """Return a float64 mixer whose every parameter is away from its starting value."""
    torch.manual_seed(seed)
    mixer = Mamba2(**shape).double()
    with torch.no_grad():
        for parameter in mixer.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return mixer


def recurrence(mixer, tokens):
    """Return the layer's output from its definition, one token after the other, in float64."""
    heads, states, groups = mixer.nheads, mixer.d_state, mixer.ngroups
    conv_width = mixer.d_inner + 2 * groups * states
    gate, mixed, dt = (tokens @ mixer.in_proj.weight.T).split([mixer.d_inner, conv_width, heads], -1)
    kernel = mixer.conv1d.weight[:, 0]
    history = torch.cat([mixed.new_zeros(len(mixed), kernel.shape[1] - 1, conv_width), mixed], dim=1)
    state = tokens.new_zeros(len(tokens), heads, mixer.headdim, states)
    rows = []
    for t in range(tokens.shape[1]):
        window = history[:, t : t + kernel.shape[1]]
        now = F.silu((window * kernel.T).sum(1) + mixer.conv1d.bias)
        x, B, C = now.split([mixer.d_inner, groups * states, groups * states], -1)
        x = x.reshape(-1, heads, mixer.headdim)
        B, C = (part.reshape(-1, groups, states).repeat_interleave(heads // groups, 1) for part in (B, C))
        step = F.softplus(dt[:, t] + mixer.dt_bias)
        decay = (step * -mixer.A_log.exp()).exp()
        state = state * decay[..., None, None] + (step[..., None] * x)[..., None] * B[:, :, None]
        rows.append((state * C[:, :, None]).sum(-1) + x * mixer.D[:, None])
    y = torch.stack(rows, dim=1).flatten(2) * F.silu(gate)
    grouped = y.unflatten(-1, (groups, -1))
    grouped = grouped / (grouped.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    return (grouped.flatten(-2) * mixer.norm.weight) @ mixer.out_proj.weight.T


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("length", [1, 7, 8, 21])
def test_equals_the_recurrence_forward_and_backward(shape, length):
    mixer = make_mixer(**shape, chunk_size=8)
    tokens = torch.randn(3, length, shape["d_model"], dtype=torch.float64, requires_grad=True)
    out, expected = mixer(tokens), recurrence(mixer, tokens)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)

    weights = torch.randn_like(out)
    inputs = [tokens, *mixer.parameters()]
    found = torch.autograd.grad((out * weights).sum(), inputs)
    right = torch.autograd.grad((expected * weights).sum(), inputs)
    for gradient, reference in zip(found, right, strict=True):
        torch.testing.assert_close(gradient, reference, rtol=1e-10, atol=1e-10)


def test_chunk_size_does_not_matter():
    tokens = torch.randn(2, 37, 16, dtype=torch.float64)
    outputs = [make_mixer(**SHAPES[0], chunk_size=size)(tokens) for size in (1, 4, 16, 64)]
    for out in outputs[1:]:
        torch.testing.assert_close(out, outputs[0], rtol=0, atol=1e-12)


def test_strong_decay_gives_finite_gradients():
    mixer = make_mixer(**SHAPES[0], chunk_size=64)
    with torch.no_grad():
        mixer.A_log += 8.0
    mixer(torch.randn(1, 64, 16, dtype=torch.float64)).sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in mixer.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dtype_is_kept(dtype):
    block = Mamba2Block(16, d_state=8, headdim=8).to(dtype)
    assert block(torch.randn(2, 5, 16, dtype=dtype)).dtype == dtype


def test_impossible_head_count_is_refused():
    with pytest.raises(ValueError, match="multiple of headdim 24"):
        Mamba2(16, headdim=24)


def test_state_dict_loads_into_transformers_mixer():
    from transformers import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    torch.manual_seed(0)
    ours = Mamba2(32, d_state=16, headdim=16, ngroups=2)
    config = Mamba2Config(
        hidden_size=32,
        state_size=16,
        head_dim=16,
        num_heads=4,
        n_groups=2,
        expand=2,
        conv_kernel=4,
        chunk_size=64,
    )
    theirs = Mamba2Mixer(config, layer_idx=0)
    shapes = {name: tensor.shape for name, tensor in ours.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in theirs.state_dict().items()}
    theirs.load_state_dict(ours.state_dict())
    tokens = torch.randn(2, 40, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(tokens), theirs(tokens), rtol=0, atol=1e-5)


def test_fused_kernel_gets_what_mamba_ssm_expects(monkeypatch):
    seen = []

    def stand_in(x, dt, A, B, C, chunk_size):
        seen.append([tuple(part.shape) for part in (x, dt, A, B, C)] + [chunk_size])
        return torch.zeros_like(x)

    module = types.ModuleType("mamba_ssm.ops.triton.ssd_combined")
    module.mamba_chunk_scan_combined = stand_in
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(mamba2, "kernels_usable", lambda x: True)
    Mamba2(16, d_state=8, headdim=8, ngroups=2, chunk_size=32)(torch.randn(3, 5, 16))
    assert seen == [[(3, 5, 4, 8), (3, 5, 4), (4,), (3, 5, 2, 8), (3, 5, 2, 8), 32]]


def test_kernels_are_not_used_on_the_cpu():
    x = torch.ones(1, 2, 1, 1)
    assert not mamba2.kernels_usable(x)
    assert selective_scan(x, x[..., 0], -torch.ones(1), x, x).shape == x.shape
