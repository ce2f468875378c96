"""The level difference: what it reads, what it says of known and of unknown objects, and that models carry it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_bimetal import load_example, predict
from ase_bimetal.errors import WeightsError
from ase_bimetal.lab.labels.bulk import bulk_metals
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.labels.level_difference import differences, fit_level
from ase_bimetal.lab.training.against_pbe import LeftOut, level_card
from ase_bimetal.model.card import LevelCard
from ase_bimetal.model.checkpoint import load_checkpoint, model_name
from ase_bimetal.model.domain import standard_deviation
from ase_bimetal.model.gcnn_model import GraphModel
from ase_bimetal.model.level import (
    LevelDifference,
    coordination_terms,
    level_of,
    level_terms,
    load_level_difference,
    metal_coordination,
)
from ase_bimetal.model.predictor import get_predictor, level_shift
from ase_bimetal.system import as_system

EXAMPLE = "Au4Pd2(PET)8"


@pytest.fixture(scope="module")
def cluster():
    frame = load_labels().frame
    return frame[frame.id == "Au4M2-Pd-SH/0"].iloc[0].atoms


def crystal(symbol):
    return {symbol: 1.0} | coordination_terms([symbol], np.array([12.0]))


def test_a_close_packed_crystal_counts_twelve_and_no_second_neighbour():
    cell = bulk("Au", cubic=True)
    counts = metal_coordination(cell.get_chemical_symbols(), cell.positions, cell.cell.array, (True, True, True))
    assert counts == pytest.approx([12.0] * 4, abs=1e-9)
    pair = np.array([[0, 0, 0], [0, 0, 1.25 * 2.88]])  # halfway through the fade
    assert metal_coordination(["Au", "Ag"], pair) == pytest.approx([0.5, 0.5])


def test_coordination_knows_which_metal_has_it():
    line = Atoms("AuAgAu", [[0, 0, 0], [0, 0, 2.8], [0, 0, 5.6]])
    terms = level_terms(as_system(line, {"SH": 2, "PH3": 1}))
    assert terms == pytest.approx({
        "Au": 2 / 3, "Ag": 1 / 3, "S-X": 2 / 3, "P-L": 1 / 3, "CN Ag": 2 / 12 / 3, "CN Au": 2 / 12 / 3,
        "CN": 4 / 12 / 3,
    })  # fmt: skip


def test_two_copies_far_apart_have_the_difference_of_one(cluster):
    symbols, metals = zip(
        *[
            (s, p)
            for s, p, k in zip(cluster.symbols, cluster.positions, cluster.arrays["fragment"], strict=True)
            if k == 0
        ],
        strict=True,
    )
    one = metal_coordination(symbols, np.array(metals))
    two = metal_coordination(symbols * 2, np.vstack([metals, np.array(metals) + [0, 0, 60.0]]))
    assert two == pytest.approx([*one, *one], abs=1e-12)
    assert coordination_terms(symbols * 2, two) == pytest.approx(coordination_terms(symbols, one), abs=1e-12)


def test_the_process_follows_its_equations():
    known = LevelDifference(
        ("Au", "CN"), np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([0.1, 0.7]), np.array([4, 16]), "PBE"
    )
    kernel = np.array([[1.05, 1 + 0.05 * np.exp(-2)], [1 + 0.05 * np.exp(-2), 2.05]])
    inverse = np.linalg.inv(kernel + np.diag([0.08**2, 0.08**2 / 4]))
    asked = np.array([1 + 0.05 * np.exp(-0.5), 1.5 + 0.05 * np.exp(-0.5)])
    mean, deviation = known.predict({"Au": 1.0, "CN": 0.5})
    assert mean == pytest.approx(asked @ inverse @ [0.1, 0.7], abs=1e-12)
    assert deviation == pytest.approx(np.sqrt(1.25 + 0.05 - asked @ inverse @ asked + 0.08**2), abs=1e-12)
    # A term that no known object has: its slope is unknown by 1 eV.
    wide = known.predict({"Au": 1.0, "CN": 0.5, "Zr": 0.4})[1]
    far = np.array([1 + 0.05 * np.exp(-0.5 - 0.32), 1.5 + 0.05 * np.exp(-0.5 - 0.32)])
    assert wide == pytest.approx(np.sqrt(1.25 + 0.16 + 0.05 - far @ inverse @ far + 0.08**2), abs=1e-12)


def test_the_shipped_difference_is_that_of_the_shipped_energies():
    fitted, shipped = fit_level(differences()), load_level_difference()
    assert fitted.names == shipped.names and len(fitted.differences) == len(shipped.differences) > 110
    assert fitted.terms == pytest.approx(shipped.terms, abs=1e-5)
    assert fitted.differences == pytest.approx(shipped.differences, abs=1e-5)
    again = LevelDifference.from_json(shipped.to_json())
    assert again.predict(crystal("Au")) == shipped.predict(crystal("Au"))


def test_crystals_come_out_at_their_cohesive_energies_with_pbe():
    """GFN1-xTB alone binds gold and silver 0.5–0.7 eV too strongly, palladium 0.7 too weakly."""
    for metal in bulk_metals():
        shift, deviation = load_level_difference().predict(crystal(metal.symbol))
        assert metal.gfn1 + shift == pytest.approx(metal.pbe, abs=0.1)
        assert deviation < 0.1


def test_what_nobody_computed_with_pbe_is_uncertain():
    difference = load_level_difference()
    known = difference.predict(crystal("Au"))[1]
    assert difference.predict(crystal("Zr"))[1] > 1.0 > 0.2 > known
    assert difference.predict(crystal("Au") | {"N-L": 1.0})[1] > 0.9
    assert difference.counts()["Au"] > 40 and "Zr" not in difference.counts()


def test_a_prediction_is_that_of_the_labels_plus_the_difference():
    system, predictor = as_system(load_example(EXAMPLE)), get_predictor()
    energies, network = predictor.label_level([system])
    mean, deviation = load_level_difference().predict(level_terms(system))
    [found] = predict([system], model="mml-gfn1-pbe")
    assert found.formation_energy_per_metal == pytest.approx(energies[0] + mean, abs=1e-6)
    scale = predictor.card.level_difference.scale
    assert found.formation_energy_std == pytest.approx(scale * np.hypot(network[0], deviation), rel=1e-6)
    assert level_shift(system, predictor.card).deviation == deviation


def test_a_level_without_a_scale_adds_no_uncertainty():
    system, card = as_system(load_example(EXAMPLE)), load_checkpoint().card
    own = replace(card, level_difference=LevelCard(card.level_difference.sha256, {}))
    assert standard_deviation(system, 0.02, own, 0.5) == pytest.approx(standard_deviation(system, 0.02, own, 0.0))
    assert standard_deviation(system, 0.02, card, 0.5) > standard_deviation(system, 0.02, card, 0.1) + 0.3


def test_a_model_belongs_to_the_difference_that_it_was_made_with():
    card = load_checkpoint().card
    other = replace(card, level_difference=replace(card.level_difference, sha256="0" * 64))
    with pytest.raises(WeightsError, match="level_difference.json"):
        level_of(other)
    own = replace(card, level_difference=None, name="own", sha256="abcdef0123")
    assert level_of(own) is None
    assert model_name(other) != model_name(card)
    assert model_name(own) == "own@abcdef01"


@pytest.mark.parametrize("load", [get_predictor, GraphModel.load])
def test_errors_against_left_out_pbe_are_those_of_the_card(load):
    model = load()
    again = level_card(model)
    assert again.counts == model.card.level_difference.counts
    for group, row in again.errors.items():
        assert row == pytest.approx(model.card.level_difference.errors[group], abs=2e-3)
    assert again.scale == pytest.approx(model.card.level_difference.scale, abs=2e-3)


def test_the_shipped_model_meets_left_out_pbe():
    errors = load_checkpoint().card.level_difference.errors
    assert errors["prototype"]["MAE"] <= 0.085
    assert max(errors["dopant"]["MAE"], errors["family"]["MAE"]) <= 0.20
    assert all(0.85 <= row["coverage"] <= 0.96 for row in errors.values()), json.dumps(errors)


def test_intervals_are_scaled_by_the_other_groups_alone():
    found = LeftOut(("a", "a", "b", "b"), np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.1, 0.8, 3.0, 6.0]), np.ones(4))
    row = found.summary()
    # a is measured with 3.0 of b, b with 0.2 of a.
    assert row["coverage"] == 0.5 and row["half_width"] == pytest.approx((3.0 + 3.0 + 0.2 + 0.2) / 4)
    assert row["MAE"] == pytest.approx(1.075)
