"""Geometry in front of a prediction: impossible ones refused, unusual ones flagged, real ones left alone."""

import json
import time

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from ase_bimetal import as_system, predict
from ase_bimetal.errors import BimetalError, GeometryError
from ase_bimetal.files import DATASETS
from ase_bimetal.geometry import TABLE, examine, require_plausible
from ase_bimetal.lab.labels.bond_lengths import measure
from ase_bimetal.lab.labels.dataset import load_reference
from ase_bimetal.model.interface import Failure


@pytest.fixture(scope="module")
def labels():
    return load_reference()


def test_the_table_is_measured_on_the_labels_that_ship(labels):
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    assert table["labels"] == labels.digest
    for kind, lengths in measure(labels.frame["atoms"].iloc[::200]).items():
        for name, (extreme, _) in lengths.items():
            bound = table[kind][name][0]
            assert extreme >= bound if kind == "closest" else extreme <= bound


def test_no_label_is_refused_and_few_are_flagged(labels):
    findings = [as_system(atoms).geometry for atoms in labels.frame["atoms"].iloc[::40]]
    assert [found.impossible for found in findings if found.impossible] == []
    assert np.mean([bool(found.unusual) for found in findings]) < 0.12


def test_a_shipped_cluster_has_nothing_unusual(cluster):
    assert examine(as_system(cluster)) == as_system(cluster).geometry
    assert as_system(cluster).geometry.impossible is None and as_system(cluster).geometry.unusual == ()


@pytest.mark.parametrize(("scale", "reason"), [(0.7, "S. and 7 .C. are 1.27"), (1.5, "2.73 Å from its nearest atom")])
def test_a_cluster_scaled_too_far_is_refused(cluster, scale, reason):
    cluster.positions *= scale
    with pytest.raises(GeometryError, match=reason):
        predict([cluster])


@pytest.mark.parametrize(("scale", "what"), [(1.3, "4.18 Å from its nearest metal atom"), (0.66, "2.04 Å apart")])
def test_a_core_scaled_a_little_is_flagged(core, scale, what):
    core.positions *= scale
    [found] = predict([core])
    assert any(what in flag for flag in found.flags)


def test_a_core_pulled_apart_is_refused(core):
    core.positions *= 4
    with pytest.raises(GeometryError, match="nearest metal atom"):
        predict([core])


def test_a_ligand_pulled_off_is_refused_and_named(anchor):
    atoms = anchor("Pd")
    hydrogen = next(i for i, s in enumerate(atoms.symbols) if s == "H")
    sulfur = next(i for i, s in enumerate(atoms.symbols) if s == "S" and atoms.get_distance(i, hydrogen) < 1.5)
    shift = atoms.positions[sulfur] - atoms.positions.mean(axis=0)
    atoms.positions[[sulfur, hydrogen]] += 6 * shift / np.linalg.norm(shift)
    atoms.info["ligand_smiles"] = {"S": 8}
    with pytest.raises(BimetalError, match="parts|more than a bond away from any metal"):
        predict([atoms])


def test_elements_shuffled_over_positions_are_refused(cluster):
    rng = np.random.default_rng(0)
    for _ in range(20):
        shuffled = cluster.copy()
        shuffled.numbers = rng.permutation(shuffled.numbers)
        [found] = predict([shuffled], errors="collect")
        assert isinstance(found.error, BimetalError)


def test_an_element_without_labels_is_compared_by_its_radius():
    with pytest.raises(GeometryError, match="1.50 Å"):
        require_plausible(as_system(Atoms("AuSc", [[0, 0, 0], [0, 0, 1.5]]), {"S": 1}))


def test_what_is_no_cluster_is_left_alone():
    assert examine(as_system(Atoms("AuPd", [[0, 0, 0], [0, 0, 1.0]]))).impossible is None


def test_the_check_is_fast(anchor):
    system = as_system(anchor("Pd"))
    examine(system)

    def duration():
        start = time.perf_counter()
        for _ in range(50):
            examine(system)
        return (time.perf_counter() - start) / 50

    assert min(duration() for _ in range(5)) < 1e-3  # 0.2 ms on a quiet machine


@pytest.mark.parametrize("annotated", [True, False])
def test_a_ligand_that_comes_off_is_flagged_where_its_last_bond_ends(annotated):
    [start] = [a for a in read(DATASETS / "anchors.extxyz", ":") if a.info["name"] == "Au4M2(SH)8_Ag"]
    sulfur = start.symbols.search("S")[0]
    group = [sulfur, min(start.symbols.search("H"), key=lambda i: start.get_distance(sulfur, i))]
    away = start.positions[sulfur] - start.positions.mean(axis=0)
    away /= np.linalg.norm(away)

    def flags_at(distance):
        atoms = Atoms(start.symbols, start.positions, info={"ligand_smiles": {"SH": 8}} if annotated else {})
        atoms.positions[group] += distance * away
        [found] = predict([atoms], errors="collect")
        return [found.reason] if isinstance(found, Failure) else [*found.flags]

    words = {step: " ".join(flags_at(step)) for step in (0.0, 0.6, 0.95, 1.6, 1.75)}
    assert ["has come off" in text for text in words.values()] == [False, False, True, True, False]
    assert ("belongs to the ligands given" if annotated else "left out") in words[1.75]
