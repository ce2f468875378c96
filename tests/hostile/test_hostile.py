"""Hostile objects and damaged files: a typed error, a flag, or a number that a cluster can have."""

import logging
import os
import sys
import warnings

import numpy as np
import pytest
from hostile_campaign import page, run
from hostile_mutations import MUTATIONS
from hostile_trials import FORMATS, files, listening, mutated, objects, try_file, try_object, try_path, warm_up
from hypothesis import HealthCheck, given, settings
from rdkit import rdBase
from relations import ALLOWED, RELATIONS, apart
from relations import trials as relations

SLICE = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


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
    *damage, door = item
    outcome = try_object(mutated(*damage), door)
    assert not outcome.is_wrong, outcome


@SLICE
@given(files())
def test_hostile_files(item):
    outcomes = try_file(*item)
    assert [outcome for outcome in outcomes if outcome.is_wrong] == []


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_damaged_files(name):
    outcomes = [outcome for seed in range(8) for outcome in try_file(name, seed)]
    assert [outcome for outcome in outcomes if outcome.is_wrong] == []


SAYING = {
    "a warning": lambda: warnings.warn("heard", stacklevel=1),
    "a log line": lambda: logging.warning("heard"),
    "a print": lambda: print("heard"),
    "a complaint": lambda: print("heard", file=sys.stderr),
    "a print of a compiled library": lambda: os.write(1, b"heard\n"),
    "RDKit": lambda: rdBase.LogErrorMsg("heard"),
}


@pytest.mark.parametrize("how", SAYING)
def test_whatever_is_said_is_heard(how):
    with listening() as said:
        SAYING[how]()
    assert len(said) == 1 and "heard" in said[0]


#: Files that make ASE's or pymatgen's readers warn, log or print.
TALKATIVE = {
    "a.cell": "%BLOCK LATTICE_CART\nfurlong\n10 0 0\n0 10 0\n0 0 10\n%ENDBLOCK LATTICE_CART\n"
    "%BLOCK POSITIONS_ABS\nAu 0 0 0\nPd 0 0 2.7\n%ENDBLOCK POSITIONS_ABS\nNO_SUCH_KEYWORD : 1\n",
    "geometry.in": "lattice_vector 10 0 0\natom 0 0 0 Au\natom 0 0 2.7 Pd\nhomogeneous_field 0 0 1\nno_keyword 2\n",
    "a.cif": "data_a\n_cell_length_a 10\n_cell_length_b 10\n_cell_length_c 10\n_cell_angle_alpha 90\n"
    "_cell_angle_beta 90\n_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'X 99'\nloop_\n"
    "_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n"
    "Au1 0 0 0 1\nPd1 0 0 0.27(1 1\nPd2 0 0 0.5\n",
    "a.sdf": "\n  x\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 Au  0  0\n"
    "    0.0000    0.0000    2.7000 Pd  0  0\n  1  9  1  0\nM  END\n",
}


@pytest.mark.parametrize("name", TALKATIVE)
def test_no_reader_speaks_to_the_user(name, tmp_path):
    (tmp_path / name).write_text(TALKATIVE[name])
    assert [outcome for outcome in try_path(tmp_path / name) if outcome.is_wrong] == []


@pytest.mark.parametrize("name", sorted(RELATIONS))
def test_a_cluster_written_otherwise_has_the_same_energy(name):
    found = np.array([apart(name, number) for number in range(3)])
    assert np.isfinite(found).any() and not (found > ALLOWED).any()


@SLICE
@given(relations())
def test_clusters_written_otherwise_have_the_same_energy(item):
    assert not apart(*item) > ALLOWED


@pytest.mark.heavy
def test_a_hundred_thousand(tmp_path):
    text = page(run(100_000, tmp_path / "log.jsonl"))
    assert "\n0 of them wrong." in text, text
