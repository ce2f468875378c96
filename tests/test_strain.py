"""Strained bonds inside ligands, which the model does not read, widen its ±."""

import numpy as np
import pytest
from ase import Atoms

from ase_bimetal import as_system, load_example, predict
from ase_bimetal.geometry import ligand_strain
from ase_bimetal.model.predictor import get_predictor


def stretched_pair(lengths):
    """Two thiols on two metals, with S–H bonds of given lengths [Å]."""
    a, b = lengths
    return as_system(
        Atoms("AuPdSHSH", [[0, 0, 0], [0, 0, 2.7], [0, 0, -2.3], [a, 0, -2.3], [0, 0, 5.0], [b, 0, 5.0]]), {"SH": 2}
    )


def test_bonds_that_are_alike_and_of_two_lengths_are_strained():
    # Variance among two: (0.1² + 0.1²) Å²; twice that over two metals.
    assert ligand_strain(stretched_pair((1.2, 1.4))) == pytest.approx(0.02, abs=1e-9)
    assert ligand_strain(stretched_pair((1.3, 1.3))) == pytest.approx(0, abs=1e-12)


def test_bonds_that_differ_by_connectivity_may_differ_in_length():
    cluster = load_example("Au4Pd2(PET)8")
    assert ligand_strain(as_system(cluster)) < 2e-4
    metals = cluster[[i for i, s in enumerate(cluster.symbols) if s in ("Au", "Pd")]]
    assert ligand_strain(as_system(metals, cluster.info["ligand_smiles"])) == 0


def test_the_order_of_atoms_does_not_matter():
    cluster = load_example("Au4Pd2(PET)8")
    cluster.rattle(0.04, seed=1)
    shuffled = cluster[np.random.default_rng(0).permutation(len(cluster))]
    shuffled.info = cluster.info
    assert ligand_strain(as_system(shuffled)) == pytest.approx(ligand_strain(as_system(cluster)), rel=1e-9)


def test_a_rattled_cluster_is_flagged_and_its_uncertainty_grows():
    start, strained = load_example("Au4Pd2(PET)8"), load_example("Au4Pd2(PET)8")
    strained.rattle(0.03, seed=1)
    before, after = predict([start, strained])
    assert not any("strained ligands" in flag for flag in before.flags)
    assert any(flag.startswith("strained ligands: the model gives the energy of relaxed ones") for flag in after.flags)
    widened = 12 * as_system(strained).strain
    assert 0.4 < widened < 0.7
    scale = get_predictor().card.level_difference.scale
    expected = np.hypot(before.formation_energy_std, scale * widened)
    assert after.formation_energy_std == pytest.approx(expected, rel=0.15)
    assert after.formation_energy_std > 2 * before.formation_energy_std


@pytest.mark.heavy
def test_intervals_hold_strongly_rattled_labels():
    from ase_bimetal.lab.labels.dataset import load_labels
    from ase_bimetal.lab.training.data import MAX_RATTLE

    frame = load_labels().frame
    rows = frame[(frame.kind == "rattle") & (frame.amplitude > MAX_RATTLE)]
    assert len(rows) == 938
    systems = [as_system(atoms) for atoms in rows.atoms]
    energies, deviations = get_predictor().label_level(systems)
    errors = energies - rows.formation_energy.to_numpy()
    strains = np.array([system.strain for system in systems])
    assert np.corrcoef(strains, errors)[0, 1] < -0.95
    assert 0.88 < np.mean(np.abs(errors) < 1.645 * deviations) < 0.94
