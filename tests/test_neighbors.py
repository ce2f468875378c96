"""Pairs come without torch, and leave vesin whole for others."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ase_bimetal import neighbors
from ase_bimetal.neighbors import pairs_within


def run(code):
    return subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)


def test_featurizing_loads_neither_torch_nor_transformers():
    code = """
import sys
from ase.build import bulk
from ase_bimetal import load_example
from ase_bimetal.descriptors import all_descriptors
from ase_bimetal.system import as_system
crystal = bulk("Cu", cubic=True); crystal.symbols[0] = "Au"
for atoms in (load_example("Au4Pd2(PET)8"), crystal):
    assert all_descriptors(as_system(atoms))
print(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "transformers", "vesin"}))
"""
    assert run(code).stdout.strip() == "[]"


def test_vesin_loaded_later_takes_tensors():
    code = """
import numpy as np
from ase_bimetal.neighbors import pairs_within
place = (np.array([[0.0, 0, 0], [2.0, 0, 0]]), np.eye(3) * 9.0, (True,) * 3, 3.0)
first = pairs_within(*place).distance
import torch, vesin
search = vesin.NeighborList(cutoff=3.0, full_list=True)
[found] = search.compute(torch.tensor(place[0]), torch.eye(3, dtype=torch.float64) * 9.0, True, "d")
print(isinstance(found, torch.Tensor), found.tolist() == first.tolist() == pairs_within(*place).distance.tolist())
"""
    assert run(code).stdout.strip() == "True True"


def test_few_atoms_have_the_pairs_that_the_search_finds(monkeypatch):
    positions = np.random.default_rng(0).normal(size=(60, 3)) * 3
    place = (positions, np.zeros((3, 3)), (False,) * 3, 3.5)
    few = pairs_within(*place)
    monkeypatch.setattr(neighbors, "_FEW", 0)
    many = pairs_within(*place)
    order = np.lexsort([many.second, many.first])
    assert len(few.first) > 400 and not few.shift.any()
    assert (few.first == many.first[order]).all() and (few.second == many.second[order]).all()
    assert few.distance == pytest.approx(many.distance[order], abs=1e-12)


def test_components_are_those_of_a_graph_search():
    rng = np.random.default_rng(0)
    for n_atoms, n_pairs in ((1, 0), (200, 90), (200, 190), (500, 600)):
        first, second = rng.integers(0, n_atoms, (2, n_pairs))
        graph = coo_matrix((np.ones(n_pairs), (first, second)), shape=(n_atoms, n_atoms))
        count, owner = connected_components(graph, directed=False)
        lowest = np.array([np.flatnonzero(owner == k).min() for k in range(count)])
        assert (neighbors.components(first, second, n_atoms) == lowest[owner]).all()


@pytest.mark.parametrize("pbc", [(True, True, True), (False, True, True), (True, False, False)])
def test_the_search_in_sparse_cells_finds_what_the_other_finds(pbc):
    rng = np.random.default_rng(1)
    cell, positions = rng.normal(size=(3, 3)) * 2 + np.eye(3) * 7, rng.normal(size=(20, 3)) * 6
    box = np.where(np.array(pbc)[:, None], cell, 0.0)
    usual = pairs_within(positions, cell, pbc, 4.0)
    few = neighbors._pairs_of_few(positions, box, np.array(pbc), 4.0)

    def listed(pairs):
        return sorted(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.shift.tolist(), strict=True))

    assert listed(few) == listed(usual) and len(few.first) > 20
    assert np.sort(few.distance) == pytest.approx(np.sort(usual.distance), abs=1e-9)


def test_flat_wide_and_sparse_cells_neither_kill_nor_hang():
    wide = np.array([[1750.0, -529, 1322], [479, 1085, -795], [1314, 2336, 1192]])
    assert len(pairs_within(np.diag([8.0, 8, 5]), wide, (False, True, True), 4.0).first) == 0
    far = np.array([[71444.0, 800, 85755], [0, 0, 0], [1.0, 0, 0]])
    assert pairs_within(far, wide, (False, True, True), 2.8).distance == pytest.approx([1.0, 1.0])
