"""What the network reads of coordinates fades out before it ends."""

import numpy as np
import pytest
from ase import Atoms

from ase_bimetal.model.encode import core_graph
from ase_bimetal.system import as_system

RING = 1.2 * np.stack([np.cos(2 * np.pi * np.arange(5) / 5), np.sin(2 * np.pi * np.arange(5) / 5), np.zeros(5)], axis=1)


def weights(atoms: Atoms, ligands: dict[str, int]) -> dict[float, float]:
    """Length → weight of the edges of a core's graph."""
    graph = core_graph(as_system(atoms, ligands))
    return {round(float(d), 3): round(float(w), 3) for d, w in zip(graph.lengths, graph.weights, strict=True)}


@pytest.mark.parametrize(("length", "weight"), [(3.5, 1.0), (3.75, 0.5), (3.9, 0.104), (3.999, 0.0)])
def test_edges_to_donors_fade_out_below_4_angstrom(length, weight):
    """3x² − 2x³ with x = (4 Å − d) / 0.5 Å."""
    atoms = Atoms("AuAuCl", [[0, 0, 0], [2.8, 0, 0], [2.8 - (7.84 + 2.3**2 - length**2) / 5.6, 0, 0]])
    atoms.positions[2, 1] = np.sqrt(2.3**2 - (atoms.positions[2, 0] - 2.8) ** 2)
    assert weights(atoms, {"Cl": 1}) == {2.8: 1.0, 2.3: 1.0, length: weight}


@pytest.mark.parametrize(("length", "weight"), [(5.5, 1.0), (5.75, 0.5), (5.999, 0.0)])
def test_edges_between_metals_fade_out_below_6_angstrom(length, weight):
    half = length / 2
    atoms = Atoms("AuAuAu", [[-half, 0, 0], [half, 0, 0], [0, np.sqrt(3.0**2 - half**2), 0]])
    assert weights(atoms, {"Cl": 1}) == {3.0: 1.0, length: weight}


@pytest.mark.parametrize(("length", "weight"), [(2.2, 1.0), (2.4, 1.0), (2.5, 0.5), (2.58, 0.028)])
def test_a_ring_fades_out_with_its_distance_to_the_metal(length, weight):
    """3x² − 2x³ with x = (2.6 Å − d) / 0.2 Å for every carbon, in what it sends and in what is read from it."""
    hydrogen = RING * 2.28 / 1.2
    ring = np.concatenate([RING, hydrogen]) + [0, 0, np.sqrt(length**2 - 1.2**2)]
    atoms = Atoms("Ru2C5H5", np.concatenate([[[0, 0, 0], [0, 0, -2.7]], ring]))
    graph = core_graph(as_system(atoms, {"C1=CCC=C1": 1}))
    assert graph.presence == pytest.approx([1, 1, *[weight] * 5], abs=1e-3)
    near = (graph.lengths < 2.6) & (graph.edges[0] == 0)
    assert graph.weights[near] == pytest.approx([weight] * 5, abs=1e-3)


def test_a_carbon_behind_its_neighbour_fades_out():
    """A ring carbon leaves the first shell when a neighbour is closer by 0.12 of the radii's sum, 0.264 Å for Ru."""
    tilt = np.radians(9.0)
    turn = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
    ring = np.concatenate([RING, RING * 2.28 / 1.2]) @ turn.T + [0, 0, 1.75]
    atoms = Atoms("Ru2C5H5", np.concatenate([[[0, 0, 0], [0, 0, -2.7]], ring]))
    graph = core_graph(as_system(atoms, {"C1=CCC=C1": 1}))
    own = np.linalg.norm(atoms.positions[2:7], axis=1)
    beside = np.minimum(np.roll(own, 1), np.roll(own, -1))
    x = np.clip((beside + 0.12 * (1.46 + 0.76) - own) / 0.1, 0, 1)
    assert 0 < x.min() < 1
    assert graph.presence[2:] == pytest.approx(x**2 * (3 - 2 * x), abs=1e-3)


def test_the_closer_end_of_a_triple_bond_holds_its_ligand_alone():
    atoms = Atoms("Au2C2H", [[0, 0, 0], [2.8, 0, 0], [1.4, 2.25, 0], [1.4, 3.47, 0], [1.4, 4.54, 0]])
    graph = core_graph(as_system(atoms, {"C#C": 1}))
    assert np.linalg.norm(atoms.positions[2]) == pytest.approx(2.65, abs=1e-3)
    assert graph.presence.tolist() == [1, 1, 1]
