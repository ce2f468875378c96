"""A whole training run writes a card that says how certain each kind of new object is."""

import dataclasses

import pytest

from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.training.fit import FoldBudget, train_model
from ase_bimetal.lab.training.module import TrainingOptions
from ase_bimetal.model.checkpoint import load_checkpoint


@pytest.mark.heavy
def test_the_card_holds_every_split_and_its_uncertainty(tmp_path):
    labels = load_labels()
    few = labels.frame[
        labels.frame.prototype.isin(["Au4M2-Pd-SMe", "Au4M2-Ni-SMe", "M@Au8-Os-PMe3-Cl", "M@Au8-Pd-PMe3-Cl"])
    ]
    labels = dataclasses.replace(labels, frame=few)
    card = train_model(labels, tmp_path / "m", 2, TrainingOptions(epochs=1), folds=FoldBudget(20))
    assert {"random", "leave one dopant out", "leave one ligand out", "leave one family out"} <= set(card.metrics)
    assert {"unseen_element", "unseen_ligand", "unseen_family"} <= set(card.deviations.outside)
    assert card.level_difference.scale > 0 and card.level_difference.errors["family"]["n"] >= 24
    assert card.intervals["leave one dopant out"]["half_width"] > 0
    assert len(load_checkpoint(tmp_path / "m").members) == 2
