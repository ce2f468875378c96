"""Time the Mamba2 layer against its peers in the same run: transformers' on the CPU, mamba_ssm's kernels on a GPU.

Run with ``python benchmarks/mamba2_speed.py``; the second table needs a GPU and ``pip install mamba-ssm``.
"""

from __future__ import annotations

from importlib.util import find_spec

import torch
from torch.utils.benchmark import Timer  # on one thread; waits for the GPU
from transformers import Mamba2Config
from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

from ase_bimetal.model import mamba2
from ase_bimetal.model.mamba2 import Mamba2

WIDTH, STATE, HEAD = 64, 32, 32  # those of the shipped model
SHAPES = [(1, 6), (64, 6), (64, 64), (64, 128), (64, 256), (64, 512), (8, 1500)]
PASSES = ("with torch.no_grad(): layer(tokens)", "layer(tokens).sum().backward()")


def transformers_mixer() -> Mamba2Mixer:
    """The same layer by transformers."""
    sizes = {"hidden_size": WIDTH, "state_size": STATE, "head_dim": HEAD, "num_heads": 2 * WIDTH // HEAD}
    return Mamba2Mixer(Mamba2Config(**sizes, n_groups=1, expand=2, conv_kernel=4, chunk_size=64), layer_idx=0)


def milliseconds(layer: torch.nn.Module, tokens: torch.Tensor) -> list[float]:
    """Median times of a forward pass without gradients, and of a forward and backward pass."""
    names = {"torch": torch, "layer": layer, "tokens": tokens}
    return [1e3 * Timer(work, globals=names).blocked_autorange().median for work in PASSES]


def on_cpu() -> None:
    """Print plain PyTorch against transformers."""
    print("CPU, one thread: batch × tokens, forward ms and with backward ms: ours, transformers (ratio)")
    for shape in SHAPES:
        tokens = torch.randn(*shape, WIDTH)
        layers = Mamba2(WIDTH, STATE, headdim=HEAD), transformers_mixer()
        _print(shape, *(milliseconds(layer, tokens) for layer in layers))


def on_gpu() -> None:
    """Print plain PyTorch against the kernels."""
    print(f"{torch.cuda.get_device_name()}: the same: plain PyTorch, mamba_ssm's kernels (ratio)")
    layer = Mamba2(WIDTH, STATE, headdim=HEAD).cuda()
    for shape in SHAPES:
        tokens, times = torch.randn(*shape, WIDTH, device="cuda"), []
        for mamba2.KERNEL_LENGTH in (10**9, 1):
            times.append(milliseconds(layer, tokens))
        _print(shape, *times)


def _print(shape: tuple[int, int], ours: list[float], peer: list[float]) -> None:
    pairs = (f"{a:.2f}, {b:.2f} ({b / a:.1f})" for a, b in zip(ours, peer, strict=True))
    print(f"{shape[0]:>3} × {shape[1]:<5}" + "   ".join(pairs), flush=True)


if __name__ == "__main__":
    if torch.cuda.is_available() and find_spec("mamba_ssm"):
        on_gpu()
    on_cpu()
