"""Clusters that were labelled after the model was made: particles under staples with GFN1-xTB, others with PBE."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ase_bimetal import predict
from ase_bimetal.formation import formation_energy
from ase_bimetal.lab.labels.campaign import read_shard, record_atoms
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.labels.pbe import load_pbe
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


#: Error of the shipped model against PBE energies that no level difference was fitted on [eV/metal].
PBE_ERRORS = {"M13-bridged-Cu-in-Cu-SH/0": -0.128}


def test_the_model_meets_pbe_energies_that_it_never_saw() -> None:
    unseen = {label.record: label for label in load_pbe(Path(__file__).with_name("unseen_pbe.json.xz"))}
    assert unseen.keys() == PBE_ERRORS.keys()
    assert not unseen.keys() & {label.record for label in load_pbe()}
    for record, label in unseen.items():
        [prediction] = predict([label.atoms], model="mml-gfn1-pbe")
        low, high = prediction.formation_energy_interval
        assert prediction.formation_energy_per_metal - label.pbe == pytest.approx(PBE_ERRORS[record], abs=0.005)
        assert low < label.pbe < high
