"""One bad object of many costs itself alone, whatever goes wrong with it."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from typer.testing import CliRunner

from ase_bimetal import load_example, predict, surroundings
from ase_bimetal.cli.app import app
from ase_bimetal.errors import ChargedSystemError, PerceptionError, UnexpectedError
from ase_bimetal.io import read_frames
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


@pytest.mark.parametrize(
    ("module", "name", "what"),
    [
        (surroundings, "perceive_ligands", "reading the object failed"),
        (predictor, "encode", "encoding BimetallicSystem(Au4Pd2, 8 PET, cluster, 150 atoms) failed"),
        (predictor, "level_shift", "encoding BimetallicSystem(Au4Pd2, 8 PET, cluster, 150 atoms) failed"),
    ],
)
def test_an_object_that_breaks_is_a_failure_and_the_others_are_predicted(module, name, what, monkeypatch):
    expected = predict(three())
    monkeypatch.setattr(module, name, failing_at(2, getattr(module, name)))
    first, bad, last = predict(three(), errors="collect")
    assert isinstance(bad.error, UnexpectedError)
    assert str(bad.error) == (
        f"{what}, RuntimeError: bond orders exploded. Leave it out, and report it with its coordinates"
    )
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


FILES = {
    "a.cif": "cif",
    "POSCAR": "vasp",
    "a.traj": "traj",
    "a.db": "db",
    "a.pdb": "proteindatabank",
    "a.cube": "cube",
    "a.com": "gaussian-in",
    "a.xsf": "xsf",
    "a.json": "json",
}


def written(folder: Path) -> list[Path]:
    """A pair of metal atoms in a cell, in every format."""
    pair = Atoms("AuPd", [[5, 5, 5], [5, 5, 7.7]], cell=[10, 10, 12], pbc=True)
    folder.mkdir()
    for name, format in FILES.items():
        more = {"data": np.zeros((2, 2, 2))} if format == "cube" else {}
        write(folder / name, pair, format=format, **more)
    return [folder / name for name in FILES]


def test_one_bad_file_of_every_format_costs_itself_alone(tmp_path):
    good, bad = written(tmp_path / "good"), written(tmp_path / "bad")
    for path in bad:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 3] if path.suffix != ".db" else b"no database")
    files = [str(path) for both in zip(bad, good, strict=True) for path in both]
    run = CliRunner().invoke(app, ["predict", *files])
    names = [line.split(",")[0] for line in run.stdout.splitlines()[1:]]
    assert names == [f"{path}@0" for path in good]
    assert run.exit_code == 1 and f"{len(good)} written, {len(bad)} failed" in run.stderr
    for path in bad:
        assert re.search(rf"{re.escape(str(path))}\S*: \w+Error: ", run.stderr), path


def test_a_file_of_mixed_frames_gives_each_its_own(tmp_path):
    """A cluster, a slab with CO, an ion, a molecule without metal, two clusters: what each is, in their order."""
    cases = Path(__file__).parent / "cases"
    names = ["Au4Pd2_SeMe8.xyz", "slab_CuPd_CO.extxyz", "anion.com", "unbound_PH3.xyz", "Z2_Au4Pd2_SMe8.cif"]
    frames = [frame.content for name in names for frame in read_frames(cases / name)]
    write(tmp_path / "a.extxyz", [*frames[:3], Atoms("CO", [[0, 0, 0], [0, 0, 1.1]]), *frames[3:]])
    run = CliRunner().invoke(app, ["predict", str(tmp_path / "a.extxyz")])
    rows = [line.split(",")[0].rpartition("@")[2] for line in run.stdout.splitlines()[1:]]
    assert rows == ["0", "1", "4", "5 cluster 1 of 2", "5 cluster 2 of 2"]
    assert "@2: ChargedSystemError" in run.stderr and "@3: NoMetalError" in run.stderr and run.exit_code == 1


def test_oxidation_states_that_add_up_to_nothing_are_no_charge():
    from pymatgen.core import Lattice, Structure

    places = [[5, 5, 5], [5, 5, 7.7], [5, 5, 2.7], [5, 5, 10.0]]
    structure = Structure(Lattice.orthorhombic(10, 10, 15), ["Au", "Pd", "Cl", "Cl"], places, coords_are_cartesian=True)
    [plain] = predict([structure])
    structure.add_oxidation_state_by_element({"Au": 1, "Pd": 1, "Cl": -1})
    [found] = predict([structure])
    assert found.formation_energy_per_metal == pytest.approx(plain.formation_energy_per_metal, abs=1e-6)
    structure.add_oxidation_state_by_element({"Au": 3, "Pd": 2, "Cl": -1})
    [failure] = predict([structure], errors="collect")
    assert isinstance(failure.error, ChargedSystemError) and "charge +3" in failure.reason
