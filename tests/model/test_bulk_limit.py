"""Large particles: with size the energy goes to minus the cohesive energy of the crystal, from above."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_bimetal import predict
from ase_bimetal.lab.labels.bulk import bare_metals, bulk_metals
from ase_bimetal.model.encode import baseline_features, core_graph
from ase_bimetal.model.predictor import get_predictor
from ase_bimetal.system import as_system

CRYSTALS = {metal.symbol: metal for metal in bulk_metals()}
#: How far from PBE the limit may be [eV/atom]. GFN1-xTB itself is known for small particles of Cu, Pd and Pt alone.
LIMITS = {"Au": 0.15, "Ag": 0.15, "Cu": 0.3, "Pd": 0.3, "Pt": 0.3}


def sphere(symbol: str, n: int) -> Atoms:
    """The n atoms of a crystal nearest to a hole, with chlorides on six far from one another."""
    crystal = bulk(symbol, "fcc", CRYSTALS[symbol].lattice_constant, cubic=True) * (12, 12, 12)
    points = crystal.positions - crystal.positions.mean(axis=0)
    points = points[np.argsort(np.linalg.norm(points, axis=1), kind="stable")[:n]]
    ends = [int((points @ axis).argmax()) for axis in np.vstack([np.eye(3), -np.eye(3)])]
    away = points[ends] / np.linalg.norm(points[ends], axis=1)[:, None]
    atoms = Atoms([symbol] * n + ["Cl"] * 6, np.vstack([points, points[ends] + 2.3 * away]))
    atoms.info["ligand_smiles"] = {"[Cl-]": 6}
    atoms.set_array("fragment", np.r_[np.zeros(n, int), np.arange(1, 7)])
    return atoms


@pytest.mark.parametrize("symbol", CRYSTALS)
def test_the_limit_of_large_particles_is_the_crystal(symbol: str) -> None:
    sizes = (300, 1100, 3000)
    found = predict([sphere(symbol, n) for n in sizes], model="mml-gfn1-pbe")
    energies = [answer.formation_energy_per_metal for answer in found]
    assert sorted(energies, reverse=True) == energies, "a larger particle binds each of its atoms more strongly"
    slope, limit = np.polyfit(np.array(sizes) ** (-1 / 3), energies, 1)
    assert limit == pytest.approx(CRYSTALS[symbol].pbe, abs=LIMITS[symbol])
    assert all(any("metal atoms" in flag for flag in answer.flags) for answer in found)


def test_the_linear_part_for_bare_metal_has_its_gfn1_xtb_energies() -> None:
    objects, energies = bare_metals(frozenset(CRYSTALS))
    predictor = get_predictor("mml-gfn1-pbe")
    systems = [as_system(atoms) for atoms in objects]
    features = np.array([baseline_features(system, core_graph(system)) for system in systems])
    for member in predictor.checkpoint.members:
        weight = member.bare.weight.detach().double().numpy()[0]
        found = (features @ weight + member.bare.bias.item()) * predictor.card.target.std + predictor.card.target.mean
        assert np.abs(found - energies).mean() == pytest.approx(0.15, abs=0.07)
