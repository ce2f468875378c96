"""The members as one network give what each of them gives alone."""

import numpy as np
import pytest
import torch

from ase_bimetal.model import core_encoder, ensemble
from ase_bimetal.model.core_encoder import RadialBasis
from ase_bimetal.model.encode import collate, encode
from ase_bimetal.model.ensemble import batches, few_threads, member_outputs, stack
from ase_bimetal.model.mml import MML, MMLConfig
from ase_bimetal.system import as_system


def embed(smiles):
    """A stand-in for the ligand encoder: one fixed random row per SMILES."""
    return np.stack([np.random.default_rng(len(s)).normal(size=16).astype(np.float32) for s in smiles])


def trained_apart(**switches):
    """Three networks whose every weight differs, as after training."""
    members = []
    for seed in range(3):
        torch.manual_seed(seed)
        member = MML(MMLConfig(ligand_width=16, width=32, **switches)).eval()
        with torch.no_grad():
            for weight in member.parameters():
                weight.add_(0.05 * torch.randn_like(weight))
        members.append(member)
    return members


@pytest.mark.parametrize("switches", [
    {}, {"fusion": "attention"}, {"fusion": "pooling"}, {"use_pre_fusion": False}, {"use_log_p": False},
])  # fmt: skip
def test_stacked_members_equal_the_loop_over_members(cluster, core, switches):
    members = trained_apart(**switches)
    batch = collate([encode(as_system(atoms), embed) for atoms in (cluster, core, cluster)])
    with torch.no_grad():
        apart = torch.stack([member(batch).energy for member in members])
        together = stack(members)(batch).energy
    assert together.shape == (3, 3) and apart.std(dim=0).min() > 1e-3
    torch.testing.assert_close(together, apart, atol=1e-6, rtol=0)


def test_the_contrastive_pair_of_stacked_members_is_that_of_each(cluster):
    members = trained_apart()
    batch = collate([encode(as_system(cluster), embed, whole_cluster=True)] * 2)
    with torch.no_grad():
        output, apart = stack(members)(batch), [member(batch) for member in members]
    torch.testing.assert_close(output.joint, torch.stack([a.joint for a in apart]), atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(output.whole, torch.stack([a.whole for a in apart]), atol=1e-6, rtol=1e-6)


def test_blocks_of_edges_change_no_energy(cluster, monkeypatch):
    network, batch = stack(trained_apart()), collate([encode(as_system(cluster), embed)])
    with torch.no_grad():
        whole = network(batch).energy
        monkeypatch.setattr(core_encoder, "EDGES_PER_BLOCK", 7)
        torch.testing.assert_close(network(batch).energy, whole, atol=1e-6, rtol=0)


def test_stacking_leaves_the_members_alone(cluster):
    members = trained_apart()
    before = {name: value.clone() for name, value in members[0].state_dict().items()}
    stack(members)
    assert all(torch.equal(value, before[name]) for name, value in members[0].state_dict().items())


def test_no_gaussian_is_a_denormal_number():
    radial = RadialBasis(6.0)(torch.linspace(1.5, 5.9, 200), torch.linspace(-1.0, 3.0, 200))
    assert radial[radial > 0].min() > 1e-30
    assert radial.min() > 0


def test_training_still_reaches_every_weight_through_the_blocks(cluster):
    torch.manual_seed(0)
    network = MML(MMLConfig(ligand_width=16, width=32))
    network(collate([encode(as_system(cluster), embed)])).energy.sum().backward()
    without = {name for name, weight in network.named_parameters() if weight.grad is None}
    assert all(name.startswith(("whole.", "project_")) for name in without)


def test_batches_are_cut_by_edges_and_by_number(cluster, core, monkeypatch):
    small, large = (encode(as_system(atoms), embed) for atoms in (core, cluster))
    edges = len(small.core.lengths)
    assert edges < len(large.core.lengths)
    monkeypatch.setattr(ensemble, "_MOST_EDGES", 3 * edges)
    monkeypatch.setattr(ensemble, "_MOST_SYSTEMS", 2)
    assert [len(part) for part in batches([small] * 5)] == [2, 2, 1]
    monkeypatch.setattr(ensemble, "_MOST_EDGES", edges)
    assert [len(part) for part in batches([large, small, small])] == [1, 1, 1]
    assert list(batches([])) == []


def test_cut_batches_give_what_one_batch_gives(cluster, core, monkeypatch):
    network = stack(trained_apart())
    items = [encode(as_system(atoms), embed) for atoms in (cluster, core, cluster, core)]
    whole = member_outputs(network, items)
    monkeypatch.setattr(ensemble, "_MOST_EDGES", 1)
    assert whole.shape == (4, 3)
    np.testing.assert_allclose(member_outputs(network, items), whole, atol=1e-6)
    assert member_outputs(network, []).shape == (0, 3)


@pytest.mark.parametrize(("edges", "threads"), [(100, 1), (2 * ensemble._EDGES_PER_THREAD, 2), (10**9, 3)])
def test_small_graphs_run_on_one_thread_and_leave_the_setting_alone(edges, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with few_threads(edges):
            assert torch.get_num_threads() == threads
        assert torch.get_num_threads() == 3
        with pytest.raises(ZeroDivisionError), few_threads(edges):
            _ = 1 / 0
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
