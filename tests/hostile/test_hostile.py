"""Hostile objects and damaged files: a typed error, a flag, or a number that a cluster can have."""

import numpy as np
import pytest
from hostile_campaign import page, run
from hostile_mutations import MUTATIONS, objects
from hostile_trials import FORMATS, mutated, try_file, try_object, warm_up
from hypothesis import HealthCheck, given, settings
from relations import RELATIONS, apart
from relations import trials as relations

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


@pytest.mark.parametrize("name", sorted(RELATIONS))
def test_a_cluster_written_otherwise_has_the_same_energy(name):
    found = np.array([apart(name, number) for number in range(3)])
    assert np.isfinite(found).any() and not (found > 1e-6).any()


@SLICE
@given(relations())
def test_clusters_written_otherwise_have_the_same_energy(item):
    assert not apart(*item) > 1e-6


@pytest.mark.heavy
def test_a_hundred_thousand(tmp_path):
    text = page(run(100_000, tmp_path / "log.jsonl"))
    assert "\n0 of them wrong." in text, text
