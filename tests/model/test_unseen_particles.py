"""Clusters that were labelled after the model was made: particles under staples with GFN1-xTB, others with PBE."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ase_bimetal.formation import formation_energy
from ase_bimetal.lab.labels.campaign import read_shard, record_atoms
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.labels.level_difference import differences, fit_level
from ase_bimetal.lab.labels.pbe import load_pbe
from ase_bimetal.model.level import level_terms
from ase_bimetal.model.predictor import get_predictor
from ase_bimetal.system import as_system

RECORDS = read_shard(Path(__file__).with_name("stapled_particles.jsonl"))
#: Mean absolute errors of the shipped networks against these labels [eV/metal].
ERRORS = {
    "M22-stapled-Au-SH": 0.040,
    "M22-stapled-Ag-in-Au-random-10-SH": 0.036,
    "M28-stapled-Au-SH": 0.043,
    "M38-stapled-Au-SH": 0.057,
}


@pytest.mark.parametrize("prototype", ERRORS)
def test_networks_meet_kinds_of_cluster_that_they_never_saw(prototype: str) -> None:
    labels = load_labels()
    assert prototype not in set(labels.frame.prototype)
    records = [record for record in RECORDS if record["prototype"] == prototype]
    atoms = [record_atoms(record) for record in records]
    systems = [as_system(one) for one in atoms]
    energies = [
        formation_energy(record["energy"], system.metal_symbols, one.info["ligand_smiles"], labels.fragments)
        for record, system, one in zip(records, systems, atoms, strict=True)
    ]
    found, deviations = get_predictor("mml-gfn1-pbe").label_level(systems)
    errors = np.abs(found - np.array(energies))
    assert errors.mean() == pytest.approx(ERRORS[prototype], abs=0.005)
    assert (errors < 3 * deviations).all()


#: PBE energies that came after the model before this one, and its errors against them [eV/metal].
PBE_ERRORS = {
    "Au4M2-Co-SH/0": -0.131,
    "M13-bridged-Ag-in-Ag-SH/0": -0.009,
    "M13-bridged-Ag-in-Ag-SH/2": 0.060,
    "M13-bridged-Au-SH/0": 0.110,
    "M13-bridged-Cu-in-Cu-SH/0": -0.129,
    "M13-bridged-Cu-in-Cu-SH/1": -0.050,
    "M19-bridged-Cu-in-Cu-SH/0": -0.166,
    "M@Au10-Ag-PH3-hydride/0": -0.036,
    "M@Au10-Cu-PH3-hydride/0": -0.021,
    "M@Au10-Cu-PH3-hydride/1": -0.058,
    "M@Au12-sulfide-Hg-PH3-sulfide/0": -0.034,
}


def test_the_level_meets_pbe_energies_that_it_was_not_fitted_on() -> None:
    labels = {label.record: label for label in load_pbe()}
    level = fit_level([row for row in differences() if row.name not in PBE_ERRORS])
    systems = [as_system(labels[record].atoms) for record in PBE_ERRORS]
    found, _ = get_predictor("mml-gfn1-pbe").label_level(systems)
    errors = [
        energy + level.predict(level_terms(system))[0] - labels[record].pbe
        for record, energy, system in zip(PBE_ERRORS, found, systems, strict=True)
    ]
    assert errors == pytest.approx(list(PBE_ERRORS.values()), abs=0.005)
    assert np.abs(errors).mean() == pytest.approx(0.073, abs=0.002)
