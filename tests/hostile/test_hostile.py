"""Hostile objects and damaged files: a typed error, a flag, or a number that a cluster can have."""

import numpy as np
import pytest
from hostile_campaign import page, run
from hostile_mutations import EXAMPLE, MUTATIONS, objects
from hostile_trials import FORMATS, mutated, try_file, try_object, warm_up
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ase_bimetal import load_example, predict

SLICE = settings(max_examples=60, deadline=None, derandomize=True, database=None,
                 suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "")  # put back what `warm_up` sets
        warm_up(tmp_path_factory.mktemp("cache"))
        yield


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_each_kind_of_damage(name):
    outcomes = [try_object(mutated(name, seed)) for seed in range(6)]
    assert [outcome for outcome in outcomes if outcome.is_wrong] == []
    assert any(outcome.kind != "number" for outcome in outcomes)


@SLICE
@given(objects())
def test_hostile_objects(item):
    outcome = try_object(mutated(*item))
    assert not outcome.is_wrong, outcome


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_damaged_files(name):
    outcomes = [outcome for seed in range(8) for outcome in try_file(name, seed)]
    assert [outcome for outcome in outcomes if outcome.is_wrong] == []


@SLICE
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_rotation_translation_order_and_mirror_change_nothing(seed, mirror):
    rng = np.random.default_rng(seed)
    cluster = load_example(EXAMPLE)
    [expected] = predict([cluster])
    moved = cluster[rng.permutation(len(cluster))]
    moved.info = cluster.info
    moved.rotate(rng.uniform(0, 360), rng.normal(size=3))
    moved.positions = moved.positions * (-1 if mirror else 1) + rng.normal(size=3) * 50
    [found] = predict([moved])
    assert found.formation_energy_per_metal == pytest.approx(expected.formation_energy_per_metal, abs=1e-5)
    assert found.flags == expected.flags


@pytest.mark.heavy
def test_a_hundred_thousand(tmp_path):
    text = page(run(100_000, tmp_path / "log.jsonl"))
    assert "\n0 of them wrong." in text, text
