"""On a GPU: mamba_ssm's kernels against the plain layer in float64, and predictions against those of the CPU.

All are skipped without a GPU, those of the kernels also without mamba_ssm.
"""

from importlib.util import find_spec

import pytest
import torch

from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.model import mamba2
from ase_bimetal.model.mamba2 import Mamba2
from ase_bimetal.model.predictor import Predictor
from ase_bimetal.system import as_system

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
needs_kernels = pytest.mark.skipif(find_spec("mamba_ssm") is None, reason="needs mamba_ssm")

#: The kernels multiply in TF32, whose mantissa has ten bits. Errors are relative to the largest value.
TF32_ERROR = 1e-2
SHAPES = [
    {"d_model": 64, "d_state": 32, "headdim": 32},  # the shipped model's
    {"d_model": 64, "d_state": 16, "headdim": 16, "ngroups": 2, "chunk_size": 32},
]


def relative_error(found, right):
    """Largest deviation, in units of the largest value; of one token, A's gradient is zero throughout."""
    return float((found.double().cpu() - right).abs().max() / right.abs().max().clamp(min=1e-12))


@needs_kernels
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("length", [1, 6, 64, 150])
def test_kernels_equal_the_plain_layer_forward_and_backward(shape, length, monkeypatch):
    monkeypatch.setattr(mamba2, "KERNEL_LENGTH", 1)
    torch.manual_seed(0)
    plain = Mamba2(**shape).double()
    fused = Mamba2(**shape).cuda()
    fused.load_state_dict(plain.state_dict())
    tokens = torch.randn(3, length, shape["d_model"], dtype=torch.float64)
    mask = torch.arange(length) < torch.tensor([[length], [(length + 1) // 2], [length]])
    weights = torch.randn(3, length, shape["d_model"], dtype=torch.float64)
    results = []
    for mixer, device, dtype in ((plain, "cpu", torch.float64), (fused, "cuda", torch.float32)):
        inputs = tokens.to(device, dtype).requires_grad_()
        assert mamba2.kernels_usable(inputs) == (device == "cuda")
        out = mixer(inputs, mask.to(device))
        gradients = torch.autograd.grad((out * weights.to(out)).sum(), [inputs, *mixer.parameters()])
        results.append([out.detach(), *gradients])
    for right, found in zip(*results, strict=True):
        assert relative_error(found, right) < TF32_ERROR


@needs_kernels
@pytest.mark.parametrize("shape", SHAPES)
def test_state_dict_loads_into_mamba_ssm(shape):
    from mamba_ssm import Mamba2 as TheirMamba2

    torch.manual_seed(0)
    ours = Mamba2(**shape).double()
    # Their default path needs a second package, causal_conv1d; the other computes the same.
    theirs = TheirMamba2(**{"chunk_size": 64} | shape, use_mem_eff_path=False).cuda()
    shapes = {name: tensor.shape for name, tensor in ours.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in theirs.state_dict().items()}
    theirs.load_state_dict(ours.state_dict())
    tokens = torch.randn(2, 100, shape["d_model"], dtype=torch.float64)
    with torch.no_grad():
        assert relative_error(theirs(tokens.cuda().float()), ours(tokens)) < TF32_ERROR


@needs_kernels
def test_short_sequences_are_left_to_plain_pytorch():
    short, long = (torch.ones(1, n, 4, 8, device="cuda") for n in (mamba2.KERNEL_LENGTH - 1, mamba2.KERNEL_LENGTH))
    assert not mamba2.kernels_usable(short)
    assert mamba2.kernels_usable(long)
    assert not mamba2.kernels_usable(long.double())


@pytest.mark.parametrize(
    ("kernel_length", "tolerance"), [(mamba2.KERNEL_LENGTH, 1e-5), pytest.param(1, 1e-3, marks=needs_kernels)]
)
def test_predictions_are_those_of_the_cpu(kernel_length, tolerance, monkeypatch):
    monkeypatch.setattr(mamba2, "KERNEL_LENGTH", kernel_length)
    systems = [as_system(atoms) for atoms in load_labels().frame.atoms.iloc[::300]]
    here, there = (
        [p.formation_energy_per_metal for p in Predictor(device=device).predict(systems)] for device in ("cpu", "cuda")
    )
    assert there == pytest.approx(here, rel=0, abs=tolerance)  # eV per metal atom
