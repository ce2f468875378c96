"""`ase-bimetal predict --formula`: the formula door on the command line."""

import csv
import io

import pytest
from typer.testing import CliRunner

from ase_bimetal import load_example, predict
from ase_bimetal.cli.app import app
from ase_bimetal.structures.formula import build_formula

runner = CliRunner()


def test_formulas_are_built_said_and_predicted():
    result = runner.invoke(app, ["predict", "--formula", "Au4Pd2(PET)8", "--formula", "Au4Pt2(SMe)8"])
    assert result.exit_code == 0, result.output
    bundled, built = csv.DictReader(io.StringIO(result.stdout))
    [known] = predict([load_example("Au4Pd2(PET)8")])
    assert float(bundled["E_form (eV/metal)"]) == round(known.formation_energy_per_metal, 4)
    assert float(bundled["std (eV/metal)"]) == round(known.formation_energy_std, 4)
    made = build_formula("Au4Pt2(SMe)8")
    [alone] = predict([made.atoms])
    assert float(built["std (eV/metal)"]) == round(made.widened(alone.formation_energy_std), 4)
    assert float(built["std (eV/metal)"]) > 0.16
    assert "motif Au4M2, not relaxed" in built["flags"]
    assert "Au4Pt2(SMe)8: motif Au4M2, template, mean relaxed core" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--formula", "Au4Pd2(PET)7"], "Au4Pd2(PET)8"),
        (["--formula", "Au4Pd2"], "names no ligands"),
        ([], "--formula such as Au24Pd(PET)18"),
    ],
)
def test_what_cannot_be_built_is_wrong_usage(words, said):
    result = runner.invoke(app, ["predict", *words], env={"COLUMNS": "300"})
    assert result.exit_code == 2
    assert said in result.stderr
