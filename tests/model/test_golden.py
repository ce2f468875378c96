"""The shipped model gives the numbers it was shipped with."""

import pytest

from ase_bimetal.lab.training.fit import golden_predictions
from ase_bimetal.model.checkpoint import DEFAULT_MODEL, load_checkpoint


def test_shipped_model_repeats_its_golden_predictions():
    golden = load_checkpoint(DEFAULT_MODEL).card.golden
    assert golden and golden_predictions(DEFAULT_MODEL) == pytest.approx(golden, abs=1e-5)
