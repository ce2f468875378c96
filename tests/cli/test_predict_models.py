"""`ase-bimetal predict --model`: every shipped model by name, and the one made for each object."""

import csv

import pytest
from ase import Atoms
from ase.io import write
from typer.testing import CliRunner

from ase_bimetal import load_example, predict
from ase_bimetal.cli.app import app

PARTICLE = Atoms("Cu3Pt", [[0, 0, 0], [2.6, 0, 0], [1.3, 2.25, 0], [1.3, 0.75, 2.2]])


def rows(tmp_path, *options: str) -> list[dict[str, str]]:
    write(tmp_path / "cluster.extxyz", load_example("Au4Pd2(PET)8"))
    out = tmp_path / "out.csv"
    result = CliRunner().invoke(app, ["predict", str(tmp_path / "cluster.extxyz"), "--out", str(out), *options])
    assert result.exit_code == 0, result.output
    with out.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("model", ["gcnn-gfn1-pbe", "descriptor-forest", "mml-gfn1-pbe"])
def test_every_shipped_model_answers_by_name(tmp_path, model):
    [row] = rows(tmp_path, "--model", model)
    [expected] = predict(load_example("Au4Pd2(PET)8"), model=model)
    assert row["model"] == expected.model and row["model"].startswith(model)
    assert float(row["E_form (eV/metal)"]) == pytest.approx(expected.formation_energy_per_metal, abs=1e-4)
    assert float(row["std (eV/metal)"]) == pytest.approx(expected.formation_energy_std, abs=1e-4)


def test_auto_says_which_model_it_took(tmp_path):
    write(tmp_path / "particle.xyz", PARTICLE)
    found = rows(tmp_path, str(tmp_path / "particle.xyz"))
    assert [row["model"].split("@")[0] for row in found] == ["mml-gfn1-pbe", "descriptor-forest"]
    assert found == rows(tmp_path, str(tmp_path / "particle.xyz"), "--model", "auto")
    assert [row["flags"].startswith("predicted by descriptor-forest") for row in found] == [False, True]


def test_a_ligand_that_contradicts_the_annotation_is_an_error(tmp_path):
    write(tmp_path / "cluster.extxyz", load_example("Au4Pd2(PET)8"))
    result = CliRunner().invoke(app, ["predict", str(tmp_path / "cluster.extxyz"), "--ligand", "SMe:8"])
    assert result.exit_code == 1 and "annotated with 8 × PET, but 8 × SMe was asked for" in result.output
