"""PBE labels: which are chosen, how they survive a stop, and what the shipped ones say."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import CalculationFailed

from ase_bimetal.lab.labels import cp2k, pbe
from ase_bimetal.lab.labels.bulk import bare_clusters, bulk_metals
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.labels.level_difference import FORMS, differences, left_out_errors
from ase_bimetal.lab.labels.pbe import PbeTask, compute, label_path, load_pbe, load_rejects, pack_pbe, plan


@pytest.fixture(scope="module")
def frame():
    return load_labels().frame


@pytest.fixture
def task(frame):
    row = frame[frame.id == "Au4M2-Pd-SH/0"].iloc[0]
    return PbeTask(row.id, row.atoms, row.energy, (1,), None, 3.0)


def test_the_plan_is_a_design_with_partners(frame):
    tasks = plan(frame, 25)
    assert len({task.record for task in tasks}) == 25
    partners = [task for task in tasks if task.parent]
    assert [tasks.index(task) for task in partners] == [4, 9, 14, 19, 24]
    for task in partners:
        assert task.record.partition("/")[0] == task.parent.partition("/")[0]
        assert task.parent in {other.record for other in tasks[: tasks.index(task)]}
    assert all(set(task.atoms.info["ligand_smiles"]) <= pbe.SMALL_LIGANDS for task in tasks)
    metals = {symbol for task in tasks for symbol in task.atoms.symbols}
    assert {"Pt", "Pd", "Hg", "Re", "Fe", "Rh", "Co"} <= metals


def test_spins_follow_the_electron_count_and_the_metal():
    assert pbe.multiplicities(Atoms("Au2")) == (1,)
    assert pbe.multiplicities(Atoms("Au")) == (2,)
    assert pbe.multiplicities(Atoms("AuCo")) == (1, 3)


def test_a_field_that_mixing_does_not_settle_goes_on_by_orbital_transformation(monkeypatch, tmp_path):
    solvers = []

    def run(text, work, stage):
        solvers.append(next(name for name in ("BROYDEN_MIXING", "MINIMIZER DIIS", "MINIMIZER CG") if name in text))
        (work / "job-RESTART.wfn").write_text("orbitals")
        assert ("SCF_GUESS ATOMIC" in text) == (len(solvers) == 1)
        return "Leaving inner SCF loop"

    monkeypatch.setattr(cp2k, "run", run)
    with pytest.raises(CalculationFailed, match="the SCF did not reach 2e-05"):
        cp2k._converge(Atoms("Cu2", [[0, 0, 0], [0, 0, 2.5]]), 1, tmp_path, False)
    assert solvers == ["BROYDEN_MIXING", "MINIMIZER DIIS", "MINIMIZER CG"]


def test_a_label_is_whole_and_never_made_twice(task, tmp_path, monkeypatch):
    calls = []

    def scanned(atoms, multiplicities, folder, guess):
        calls.append(multiplicities)
        return {"energy_pbe_eV": -12896.793123, "multiplicity": 1, "gradient": 1e-5}

    monkeypatch.setattr(pbe, "scan", scanned)
    compute(task, tmp_path)
    compute(task, tmp_path)
    assert calls == [(1,)]
    target = tmp_path / "packed.json.xz"
    assert pack_pbe(tmp_path, target) == 1
    [label] = load_pbe(target)
    assert label.record == task.record and label.prototype == "Au4M2-Pd-SH"
    assert label.pbe == pytest.approx(-3.672, abs=1e-3)
    assert label.gfn1 == pytest.approx(-3.555, abs=1e-3)


def test_a_failure_is_a_record_with_its_reason(task, tmp_path, monkeypatch):
    def failing(*arguments):
        raise CalculationFailed("the SCF did not reach 2e-05")

    monkeypatch.setattr(pbe, "scan", failing)
    compute(task, tmp_path)
    assert "did not reach" in json.loads(label_path(tmp_path, task.record).read_text())["rejected"]
    target = tmp_path / "packed.json.xz"
    assert pack_pbe(tmp_path, target) == 0
    assert load_rejects(target) == {task.record: "the SCF did not reach 2e-05"}


def test_shipped_labels_are_converged_and_belong_to_the_records(frame):
    rows = frame.set_index("id")
    labels = load_pbe()
    assert len(labels) >= 24
    for label in labels:
        assert label.gradient < 1e-4
        row = rows.loc[label.record]
        assert np.allclose(label.atoms.positions, row.atoms.positions)
        assert label.gfn1 == pytest.approx(row.formation_energy, abs=5e-3)


def test_gfn1_binds_bulk_metal_wrongly_as_measured():
    excess = {metal.symbol: metal.gfn1 - metal.pbe for metal in bulk_metals()}
    assert excess["Au"] == pytest.approx(-0.53, abs=0.1)
    assert excess["Ag"] == pytest.approx(-1.05, abs=0.1)
    assert excess["Pd"] == pytest.approx(0.68, abs=0.1)
    twenty = {cluster.name: cluster.gfn1 - cluster.pbe for cluster in bare_clusters()}
    assert twenty["Au20"] == pytest.approx(-0.207, abs=1e-3)


def test_the_gaussian_process_describes_the_difference_best():
    rows = differences()
    for group, error in (("prototype", 0.077), ("dopant", 0.097), ("family", 0.123)):
        errors = {form: np.abs(left_out_errors(rows, form, group)).mean() for form in FORMS}
        assert min(errors, key=errors.get) == "Gaussian process on all of them"
        assert errors["Gaussian process on all of them"] == pytest.approx(error, abs=0.002)


def test_a_box_turns_a_molecule_and_mirrors_nothing():
    # Four unlike atoms around a fifth: a molecule with a hand.
    hand = Atoms("CHFClBr", [[0, 0, 0], [0.6, 0.6, 0.6], [-1.3, -1.3, 1.3], [-1.0, 1.0, -1.0], [2.4, -2.4, -2.4]])
    hand.rotate(37, (1, 2, 3))
    found = cp2k.boxed(hand)
    assert found.get_all_distances() == pytest.approx(hand.get_all_distances())
    hands = [np.linalg.det(atoms.positions[1:4] - atoms.positions[0]) for atoms in (hand, found)]
    assert hands[0] == pytest.approx(hands[1]) and abs(hands[0]) > 1
    extents = np.ptp(found.positions, axis=0)
    assert extents[0] > extents[1] > extents[2]
    assert (found.cell.lengths() >= extents + cp2k.BOX_MARGIN).all() and found.pbc.all()


def test_a_second_configuration_is_turned_like_its_parent():
    parent = Atoms("Au4", [[0, 0, 0], [3, 0, 0], [0, 2.9, 0], [3, 2.9, 0.1]])  # its own axes are close to a tie
    moved = parent.copy()
    moved.positions[2, 1] += 0.3
    found = cp2k.boxed(moved, like=parent).positions
    change = found - cp2k.boxed(parent).positions
    change -= change[0]
    assert np.linalg.norm(change, axis=1) == pytest.approx([0, 0, 0.3, 0], abs=1e-6)
