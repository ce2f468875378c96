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
    "Au4M2-Ag-SH/25": 0.063,
    "Au4M2-Au-SH/39": -0.083,
    "Au4M2-Cd-SH/16": -0.010,
    "Au4M2-Cu-SH/26": 0.045,
    "Au4M2-Zn-SH/23": 0.078,
    "Au4M2-capped-Ag-SH-PH3/2": 0.023,
    "Au4M2-capped-Cd-SH-PH3/0": 0.011,
    "Au4M2-capped-Cd-SH-PH3/3": 0.018,
    "Au4M2-capped-Cu-SH-PH3/0": -0.118,
    "Au4M2-capped-Cu-SH-PH3/14": -0.030,
    "Au4M2-capped-Hg-SH-PH3/0": -0.255,
    "Au4M2-capped-Hg-SH-PH3/13": 0.002,
    "Au4M2-capped-Pd-SH-PH3/8": -0.024,
    "Au4M2-capped-Pt-SH-PH3/8": -0.069,
    "Au4M2-capped-Zn-SH-PH3/0": 0.051,
    "Au4M2-capped-Zn-SH-PH3/13": -0.016,
    "Au6M2-Cp-Cd-PH3-Br-Cp/0": -0.364,
    "Au6M2-Cp-Pt-PH3-Br-Cp/0": -0.298,
    "Au6M2-Cp-Pt-PH3-Cl-Cp/0": -0.361,
    "Au6M2-Cp-Pt-in-Au-third-Ag-2-PH3-Cl-Cp/0": -0.232,
    "Au6M2-Cp-Zn-PH3-Cl-Cp/0": -0.135,
    "Au6M2-Cp-diphosphine-Au-dhpm-Cl-Cp/0": -0.265,
    "Au6M2-Cp-diphosphine-Au-dhpm-Cl-Cp/3": -0.421,
    "Au6M2-Cp-diphosphine-Pd-dhpm-Cl-Cp/0": -0.193,
    "Au6M2-Cp-diphosphine-Pd-dhpm-Cl-Cp/3": -0.382,
    "M13-bridged-Ag-in-Au-random-50-SH/1": 0.047,
    "M13-bridged-Au-SH/4": -0.001,
    "M13-bridged-Cu-in-Au-random-50-SH/1": -0.093,
    "M19-bridged-Ag-in-Ag-SH/1": 0.034,
    "M19-bridged-Cu-in-Cu-SH/5": -0.072,
    "M28-bridged-Cu-in-Cu-SH/0": -0.260,
    "M38-bridged-Au-SH/0": -0.076,
    "M@Au10-Pd-PH3-hydride/0": 0.022,
    "M@Au8-Hg-PH3-C≡CH/0": -0.010,
    "M@Au8-Pd-PH3-C≡CH/0": 0.062,
    "M@Au8-Pd-PH3-hydride/4": -0.046,
    "M@Au8-Pd-in-Au-third-Cu-2-PH3-Cl/0": -0.026,
    "M@Au8-diphosphine-Hg-dhpm-Cl/0": -0.197,
    "M@Au8-diphosphine-Hg-dhpm-Cl/6": -0.116,
}


def test_the_level_meets_pbe_energies_that_it_was_not_fitted_on() -> None:
    labels = {label.record: label for label in load_pbe()}
    level = fit_level([row for row in differences() if row.name not in PBE_ERRORS])
    systems = [as_system(labels[record].atoms) for record in PBE_ERRORS]
    found, _ = get_predictor("mml-gfn1-pbe").label_level(systems)
    errors = {
        record: energy + level.predict(level_terms(system))[0] - labels[record].pbe
        for record, energy, system in zip(PBE_ERRORS, found, systems, strict=True)
    }
    assert errors == pytest.approx(PBE_ERRORS, abs=0.005)
    half_sandwiches = [abs(error) for record, error in errors.items() if "-Cp" in record]
    others = [abs(error) for record, error in errors.items() if "-Cp" not in record]
    assert np.mean(half_sandwiches) == pytest.approx(0.294, abs=0.003)  # one of them was known
    assert np.mean(others) == pytest.approx(0.065, abs=0.003)
