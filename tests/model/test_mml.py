"""The network: order-free, size-free, and with the switches of the ablations."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms

from ase_bimetal.ligands import parse_ligands
from ase_bimetal.model.encode import collate, encode
from ase_bimetal.model.mml import MML, MMLConfig, contrastive_loss
from ase_bimetal.system import as_system


def embed(smiles):
    """A stand-in for the ligand encoder: one fixed random row per SMILES."""
    return np.stack([np.random.default_rng(len(s)).normal(size=16).astype(np.float32) for s in smiles])


@pytest.fixture
def network():
    torch.manual_seed(0)
    return MML(MMLConfig(ligand_width=16, width=32)).eval()


def energies(network, items):
    with torch.no_grad():
        return network(collate(items)).energy.numpy()


def test_order_of_atoms_does_not_matter(network, cluster):
    shuffled = cluster[np.random.default_rng(1).permutation(len(cluster))]
    one, other = (encode(as_system(atoms), embed) for atoms in (cluster, shuffled))
    assert energies(network, [one]) == pytest.approx(energies(network, [other]), abs=1e-5)


def test_a_batch_equals_its_parts(network, cluster, core):
    items = [encode(as_system(atoms), embed, whole_cluster=True) for atoms in (cluster, core, cluster)]
    together = energies(network, items)
    apart = np.concatenate([energies(network, [item]) for item in items])
    assert together == pytest.approx(apart, abs=1e-5)


def test_energy_per_metal_does_not_change_when_the_cluster_is_doubled(network, core):
    """Two copies far apart: the same composition, cores that do not see each other, one and the same answer."""
    twice = core + core
    twice.positions[len(core) :] += [40.0, 0, 0]
    twice.info["ligand_smiles"] = {"PET": 16}
    single, double = (encode(as_system(atoms), embed) for atoms in (core, twice))
    assert energies(network, [double]) == pytest.approx(energies(network, [single]), abs=1e-6)


def test_a_cell_and_its_double_give_the_same_core_tokens(network):
    """In the small cell most bonds lead from an atom to its own image."""
    cell = Atoms("AuCu", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=[2.75, 2.75, 3.7], pbc=True)
    one, two = (
        # No door lets ligands on endless metal in; the encoder must be right all the same.
        replace(as_system(atoms), ligands=parse_ligands({"PET": n}), kind="cluster")
        for n, atoms in ((1, cell), (2, cell.repeat((2, 1, 1))))
    )
    one, two = (network.core(collate([encode(system, embed)]).core, 1) for system in (one, two))
    assert torch.allclose(one, two, atol=1e-5)


def test_contrastive_pair_comes_with_whole_clusters_only(network, cluster):
    system = as_system(cluster)
    assert network(collate([encode(system, embed)])).joint is None
    output = network(collate([encode(system, embed, whole_cluster=True)] * 2))
    assert output.joint.shape == output.whole.shape == (2, 64)


def test_contrastive_loss_is_small_for_matching_pairs():
    rows = torch.eye(4)
    assert contrastive_loss(rows, rows) < 0.01
    assert contrastive_loss(rows, rows.flip(0)) > 5


@pytest.mark.parametrize("switch", ["use_log_p", "use_mixing_enthalpy"])
def test_a_descriptor_switched_off_has_no_say(cluster, switch):
    torch.manual_seed(0)
    network = MML(replace(MMLConfig(ligand_width=16, width=32), **{switch: False})).eval()
    item = encode(as_system(cluster), embed)
    column = 0 if switch == "use_log_p" else 1
    changed = replace(item, descriptors=item.descriptors + np.eye(2, dtype=np.float32)[column])
    assert energies(network, [item]) == pytest.approx(energies(network, [changed]), abs=1e-7)


def test_every_input_has_a_say(network, cluster):
    item = encode(as_system(cluster), embed)
    reference = energies(network, [item])
    stretched = replace(item, core=replace(item.core, lengths=item.core.lengths * 1.1))
    other_ligand = replace(item, ligand_embedding=item.ligand_embedding + 1)
    for changed in (stretched, other_ligand, replace(item, descriptors=item.descriptors + 1)):
        assert abs(energies(network, [changed]) - reference).item() > 1e-6
