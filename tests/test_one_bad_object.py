"""One bad object of many costs itself alone, whatever goes wrong with it."""

import sys
from collections.abc import Callable

import pytest
from ase import Atoms
from ase.io import write
from typer.testing import CliRunner

from ase_bimetal import load_example, predict, surroundings
from ase_bimetal.cli.app import app
from ase_bimetal.errors import PerceptionError, UnexpectedError
from ase_bimetal.model import forest, predictor

NAME = "Au4Pd2(PET)8"


def bare() -> Atoms:
    """The example without its annotation, so that its ligands are perceived."""
    atoms = load_example(NAME)
    return Atoms(atoms.symbols, atoms.positions)


def failing_at(call: int, function: Callable) -> Callable:
    """The function, which raises something that is no error of ours when it is called for the n-th time."""
    calls = 0

    def called(*args, **options):
        nonlocal calls
        calls += 1
        if calls == call:
            raise RuntimeError("bond orders exploded")
        return function(*args, **options)

    return called


def three() -> list[Atoms]:
    """Three clusters that differ, so that no cache answers for another."""
    images = [bare() for _ in range(3)]
    for seed, atoms in enumerate(images):
        atoms.rattle(0.01, seed=seed)
    return images


@pytest.mark.parametrize(("module", "name", "what"), [
    (surroundings, "perceive_ligands", "reading the object failed"),
    (predictor, "encode", "encoding BimetallicSystem(Au4Pd2, 8 PET, cluster, 150 atoms) failed"),
    (predictor, "level_shift", "encoding BimetallicSystem(Au4Pd2, 8 PET, cluster, 150 atoms) failed"),
])
def test_an_object_that_breaks_is_a_failure_and_the_others_are_predicted(module, name, what, monkeypatch):
    expected = predict(three())
    monkeypatch.setattr(module, name, failing_at(2, getattr(module, name)))
    first, bad, last = predict(three(), errors="collect")
    assert isinstance(bad.error, UnexpectedError)
    assert str(bad.error) == (f"{what}, RuntimeError: bond orders exploded. Leave it out, and report it with its "
                              "coordinates")
    assert isinstance(bad.error.__cause__, RuntimeError)
    for found, good in ((first, expected[0]), (last, expected[2])):
        assert found.formation_energy_per_metal == pytest.approx(good.formation_energy_per_metal, abs=1e-6)
    monkeypatch.setattr(module, name, failing_at(1, getattr(module, name)))
    with pytest.raises(UnexpectedError, match="bond orders exploded"):
        predict(three())


def test_the_forest_loses_one_object_too(monkeypatch):
    monkeypatch.setattr(forest, "material_features", failing_at(2, forest.material_features))
    first, bad, last = predict(three(), model="descriptor-forest", errors="collect")
    assert isinstance(bad.error, UnexpectedError) and first.energy < 0 and last.energy < 0


@pytest.mark.parametrize("verb", ["predict", "featurize"])
def test_the_command_line_keeps_the_good_ones(verb, monkeypatch, tmp_path):
    write(tmp_path / "a.xyz", three())
    monkeypatch.setattr(surroundings, "perceive_ligands", failing_at(2, surroundings.perceive_ligands))
    run = CliRunner().invoke(app, [verb, str(tmp_path / "a.xyz")])
    names = [line.split(",")[0].rpartition("@")[2] for line in run.stdout.splitlines()[1:]]
    assert (run.exit_code, names) == (1, ["0", "2"])
    assert "a.xyz@1: UnexpectedError: reading the frame failed, RuntimeError: bond orders exploded" in run.stderr


def test_a_fragment_that_is_no_ligand_costs_one_of_three():
    images = three()
    images[1].symbols[images[1].symbols.search("S")[0]] = "Te"
    first, bad, last = predict(images, errors="collect")
    assert isinstance(bad.error, PerceptionError) and "touches metal through Te" in bad.reason
    assert first.energy < 0 and last.energy < 0


MATMINER = """
import sys, warnings
import pandas as pd
from ase_bimetal import load_example, predict
from ase_bimetal.featurizers import FormationEnergy
if __name__ == "__main__":
    warnings.simplefilter("ignore")
    cluster = load_example("Au4Pd2(PET)8")
    [expected] = predict([cluster])
    featurizer = FormationEnergy()
    featurizer.set_n_jobs(2)
    table = featurizer.featurize_dataframe(pd.DataFrame({"c": [cluster] * 4}), "c", pbar=False)
    found = table[featurizer.feature_labels()[0]]
    assert len(found) == 4 and abs(found - expected.formation_energy_per_metal).max() < 1e-5, found
"""


def test_two_jobs_of_matminer_after_a_prediction(tmp_path):
    import subprocess

    pytest.importorskip("matminer")
    (tmp_path / "run.py").write_text(MATMINER)
    done = subprocess.run([sys.executable, str(tmp_path / "run.py")], capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
