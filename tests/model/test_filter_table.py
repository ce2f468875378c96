"""Filters read from the table are those that the networks give."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.cluster import Icosahedron

from ase_bimetal.model import filter_table
from ase_bimetal.model.encode import collate, encode
from ase_bimetal.model.ensemble import member_outputs
from ase_bimetal.model.predictor import get_predictor
from ase_bimetal.system import as_system


@pytest.fixture(scope="module")
def network():
    """The shipped members as one network."""
    return get_predictor().network


@pytest.fixture
def table(network, monkeypatch):
    """An empty table in place of the network's."""
    monkeypatch.setattr(network.core, "table", filter_table.FilterTable(network.core))
    return network.core.table


def encoded(seed=0, strain=1.0):
    """A rattled particle of three metals, 147 atoms, as the network reads it."""
    atoms = Icosahedron("Au", 4)
    atoms.symbols[:20], atoms.symbols[20:30] = "Pd", "Cu"
    atoms.positions *= strain
    atoms.rattle(0.1, seed=seed)
    core = Atoms(atoms.symbols, atoms.positions, info={"ligand_smiles": {"SMe": 40}})
    return encode(as_system(core), get_predictor().encoder.embed)


def without_table(network, items):
    """What the networks say of every edge by itself."""
    table, network.core.table = network.core.table, None
    try:
        return member_outputs(network, items)
    finally:
        network.core.table = table


def test_filters_between_the_points_are_those_of_the_networks(network, table):
    graph = collate([encoded()]).core
    with torch.inference_mode():
        exact = network.core.filters_at(graph.lengths, graph.stretches)
        found = table.look_up(graph)
        for number, expected in enumerate(exact):
            blocks = list(found.filtered(number, 100, expected.shape[1:]))
            filters = torch.cat([block.filters for block in blocks])
            assert torch.equal(torch.cat([block.first for block in blocks]), graph.edges[0])
            expected = expected * graph.weights[:, None, None]
            torch.testing.assert_close(filters, expected, atol=1e-5 * float(expected.abs().max()), rtol=0)


@pytest.mark.parametrize("strain", [0.9, 1.0, 1.1])
def test_energies_are_those_without_the_table(network, table, strain):
    items = [encoded(seed, strain) for seed in range(2)]
    expected = without_table(network, items)
    found = member_outputs(network, items)
    assert table._used > 1000
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)


def test_edges_to_own_images_count_as_without_the_table(network, table):
    loops = encoded()
    edges = np.concatenate([loops.core.edges, [[0, 0], [0, 0]]], axis=1)
    core = replace(
        loops.core,
        edges=edges,
        weights=np.append(loops.core.weights, np.float32([1, 1])),
        lengths=np.append(loops.core.lengths, np.float32([5.8, 5.8])),
        stretches=np.append(loops.core.stretches, np.float32([2.92, 2.92])),
    )
    item = type(loops)(**{**vars(loops), "core": core})
    np.testing.assert_allclose(member_outputs(network, [item]), without_table(network, [item]), atol=1e-6, rtol=0)


def test_what_came_before_changes_no_bit(network, table):
    first, second = encoded(0), encoded(1)
    alone = member_outputs(network, [second])
    network.core.table = filter_table.FilterTable(network.core)
    member_outputs(network, [first])
    assert np.array_equal(member_outputs(network, [second]), alone)


def test_a_full_table_begins_anew(network, table, monkeypatch):
    items = [encoded(0, 1.0), encoded(0, 1.05)]
    expected = [without_table(network, [item]) for item in items]
    member_outputs(network, items[:1])
    monkeypatch.setattr(filter_table, "_MOST_ROWS", table._used + 10)
    for item, right in zip(items, expected, strict=True):
        np.testing.assert_allclose(member_outputs(network, [item]), right, atol=1e-6, rtol=0)
        assert table._used <= filter_table._MOST_ROWS


def test_small_graphs_odd_radii_and_long_edges_are_left_to_the_networks(table, monkeypatch):
    graph = collate([encoded()]).core
    assert table.look_up(graph) is not None
    assert table.look_up(replace(graph, stretches=graph.stretches + 0.004)) is None
    assert table.look_up(replace(graph, stretches=graph.stretches - 4.0)) is None
    monkeypatch.setattr(filter_table, "_FEWEST_EDGES", len(graph.lengths) + 1)
    assert table.look_up(graph) is None


def test_training_knows_no_table(network):
    assert get_predictor().checkpoint.members[0].core.table is None
    graph = collate([encoded()]).core
    with torch.enable_grad():
        blocks = next(iter(network.core.filtered(graph)))
    assert len(list(blocks)) == 1


def test_a_pickled_table_is_empty_and_works(network, table):
    item = encoded()
    expected = member_outputs(network, [item])
    copy = pickle.loads(pickle.dumps(network))
    assert copy.core.table._used == 0
    assert np.array_equal(member_outputs(copy, [item]), expected)
