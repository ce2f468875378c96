"""What depends on coordinates alone is computed once, and is right for every metal on the sites."""

import numpy as np
import pytest
from ase import Atoms

from ase_bimetal import as_system, descriptors, elements, geometry, load_example
from ase_bimetal.descriptors import all_descriptors
from ase_bimetal.exchange import MetalExchange

METALS = [["Pt", *["Au"] * 5], ["La", "Ni", *["Au"] * 4], ["Cu"] * 3 + ["Ag"] * 3]


@pytest.fixture
def exchange():
    """The example cluster, with nothing remembered of its sites."""
    geometry._near_on_sites.cache_clear()
    descriptors.metal_pairs.cache_clear()
    return MetalExchange(load_example("Au4Pd2(PET)8"))


def afresh(exchange, metals):
    """The same cluster read from Atoms, which shares no array."""
    return as_system(exchange.system(metals).to_atoms())


@pytest.mark.parametrize("metals", METALS)
def test_geometry_and_descriptors_are_those_of_a_fresh_reading(exchange, metals):
    all_descriptors(exchange.start), exchange.start.geometry
    system, fresh = exchange.system(metals), afresh(exchange, metals)
    assert system.geometry == fresh.geometry
    found, expected = all_descriptors(system), all_descriptors(fresh)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-12)
    pairs, right = geometry._distances(system), geometry._distances(fresh)
    assert all(np.array_equal(a, b) for a, b in zip(pairs, right, strict=True))


def test_the_metal_distance_is_the_mean_over_unlike_neighbours(exchange):
    system = exchange.system(["Pt", "Pt", *["Au"] * 4])
    xyz = system.positions[system.metals]
    unlike = np.linalg.norm(xyz[:2, None] - xyz[2:], axis=-1)
    reach = 1.25 * (elements.metallic_radius("Pt") + elements.metallic_radius("Au")) / 100
    assert 0 < (unlike < reach).sum() < unlike.size
    assert descriptors.metal_distance(system) == pytest.approx(unlike[unlike < reach].mean(), abs=1e-12)


def test_distances_of_the_same_sites_are_computed_once(exchange):
    for metals in METALS:
        all_descriptors(exchange.system(metals)), exchange.system(metals).geometry
    assert geometry._near_on_sites.cache_info().misses == 1
    moved = load_example("Au4Pd2(PET)8")
    moved.positions[0] += 0.1
    assert as_system(moved).geometry is not None
    assert geometry._near_on_sites.cache_info().misses == 2


def test_bonds_of_exchanged_metals_are_those_of_a_fresh_reading(exchange):
    for metals in METALS:
        np.testing.assert_array_equal(exchange.system(metals).bonds, afresh(exchange, metals).bonds)


def test_an_atom_behind_a_closer_one_binds_no_exchanged_metal():
    leaning = Atoms(
        "AuPdCCHCCH",
        [
            [0, 0, 0],
            [2.8, 0, 0],
            [0, 2.0, 0],
            [1.18, 2.15, 0],
            [2.2, 2.3, 0],
            [2.8, -2.0, 0],
            [3.98, -2.15, 0],
            [5.0, -2.3, 0],
        ],
    )
    exchange = MetalExchange(leaning, {"C#C": 2})
    for metals in (["Au", "Pd"], ["Pt", "Ag"]):
        np.testing.assert_array_equal(exchange.system(metals).bonds, afresh(exchange, metals).bonds)
    assert exchange.start.bonds.tolist() == [[2, 0], [5, 1]]
