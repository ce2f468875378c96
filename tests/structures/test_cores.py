"""Cores: the icosahedra that labels were made from, atom by atom."""

from __future__ import annotations

import numpy as np
import pytest
from ase.cluster import Icosahedron

from ase_bimetal.structures.cores import Core, icosahedral, mackay
from ase_bimetal.structures.particles import bridged_particle


@pytest.mark.parametrize("shells", [1, 2])
def test_a_mackay_icosahedron_is_that_of_ase_but_for_its_size(shells: int) -> None:
    ours = np.vstack([np.zeros((1, 3)), *mackay(shells)])
    theirs = Icosahedron("Au", shells + 1)
    distances = np.sort(np.linalg.norm(ours[:, None] - ours, axis=2).ravel())
    expected = np.sort(theirs.get_all_distances().ravel())
    assert distances / distances.max() == pytest.approx(expected / expected.max(), abs=1e-12)


@pytest.mark.parametrize(
    ("core", "metals", "donors"),
    [
        (icosahedral("Pd", 1), (-10.3475, -10.3475, -10.3475), (-17.9559, -17.9559, -17.9559)),
        (icosahedral("Pd", 2), (-243.9702, -168.9357, -118.0327), (-34.931, -34.931, -34.931)),
        (bridged_particle("M13-bridged", "Pd"), (-10.1305, -10.1305, -10.1305), (35.0192, -23.8678, -6.3219)),
        (bridged_particle("M55-bridged", "Pd"), (-95.2964, -216.2014, -184.9929), (71.8807, 108.8274, 112.1894)),
    ],
    ids=["M13", "M55", "M13-bridged", "M55-bridged"],
)
def test_atoms_of_labelled_icosahedra_lie_where_they_lay(
    core: Core, metals: tuple[float, ...], donors: tuple[float, ...]
) -> None:
    """Sums of positions weighted by the atom's number: another order of atoms would be another cluster."""
    sites = np.array([site.anchor + site.direction * (site.distance or 2.0) for site in core.sites])
    for points, expected in ((core.positions, metals), (sites, donors)):
        assert np.arange(1, len(points) + 1) @ points == pytest.approx(np.array(expected), abs=1e-3)
