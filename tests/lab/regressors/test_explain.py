"""Correlations and SHAP values of tables whose answer is known, and pictures that hold what they say."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ase_bimetal.lab.regressors import explain
from ase_bimetal.model.table import CHI_ENV, FEATURES, LEVEL, DescriptorTable, read_table


@pytest.fixture(scope="module")
def table() -> DescriptorTable:
    """Made-up rows: E_form = −2 + 0.1 · H_mix, everything else noise; a third of them bare metal."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.uniform(-1, 1, (90, 8)), columns=list(FEATURES))
    rows["H_mix (kJ/mol)"] *= 20
    rows[CHI_ENV] = rows[CHI_ENV].where(np.arange(90) % 3 > 0)
    return DescriptorTable(rows.assign(gfn1=-2.5 + 0.1 * rows["H_mix (kJ/mol)"], shift=0.5))


@pytest.fixture(scope="module")
def found(table) -> explain.ShapValues:
    return explain.shap_values(table)


def test_pearson_of_a_known_dependence(table):
    matrix = explain.pearson_matrix(table)
    assert matrix.shape == (9, 9) and np.allclose(np.diag(matrix), 1)
    assert matrix.loc["H_mix (kJ/mol)", explain.TARGET] == pytest.approx(1)
    assert matrix.loc["D (Å)", explain.TARGET] == pytest.approx(
        np.corrcoef(table.features["D (Å)"], table.targets)[0, 1]
    )


def test_a_feature_that_never_varies_has_no_correlation(table):
    still = DescriptorTable(table.rows.assign(**{"D (Å)": 3.0}))
    matrix = explain.pearson_matrix(still)
    assert np.isnan(matrix.loc["D (Å)", explain.TARGET])
    assert "–" in [text.get_text() for text in explain.pearson_figure(matrix).axes[0].texts]


def test_shap_values_add_up_to_the_prediction_and_name_the_cause(table, found):
    from ase_bimetal.model.regressors import make_regressor

    model = make_regressor("random forest", 0, "minima").fit(table.features, table.targets)
    assert found.base + found.values.sum(axis=1) == pytest.approx(model.predict(table.features), abs=1e-6)
    assert found.importance.index[0] == "H_mix (kJ/mol)"
    assert found.importance.iloc[0] > 5 * found.importance.iloc[1]
    assert list(found.to_frame().columns)[0] == "SHAP of chi_env (Pauling) [eV/metal]"


def test_sparse_formula_names_the_cause_and_is_written_as_a_table(table):
    formula = explain.sparse_formula(table)
    assert formula.index[0] == "H_mix (kJ/mol)" and formula.abs().is_monotonic_decreasing
    assert formula.iloc[0] == pytest.approx(0.1 * table.features["H_mix (kJ/mol)"].std(), rel=0.2)
    text = explain.formula_markdown(pd.Series({"a": 1.5, "b": -0.25, "c": 0.1}), n=2)
    assert text.splitlines()[2:] == ["| a | 1.50 |", "| b | −0.25 |", "", "and 1 smaller terms."]


def test_pictures_carry_units_level_and_every_row(found):
    bar, swarm, dependence = (
        getattr(explain, name)(found) for name in ("shap_bar", "shap_beeswarm", "shap_dependence")
    )
    assert len(bar.axes[0].patches) == 8 and "eV/metal" in bar.axes[0].get_xlabel()
    dots = sum(len(collection.get_offsets()) for collection in swarm.axes[0].collections)
    assert dots == 90 * 8 and "eV/metal" in swarm.axes[0].get_xlabel()
    assert LEVEL in swarm.axes[0].get_title() and "n = 90" in swarm.axes[0].get_title()
    bar.draw_without_rendering()
    title = bar.axes[0].title.get_window_extent()
    assert title.x0 > 0 and title.x1 < bar.bbox.x1, "the title ends outside the picture"
    assert {axes.get_xlabel() for axes in dependence.axes} >= {"D (Å)", "H_mix (kJ/mol)", "ΔM (g/mol)"}


def test_command_writes_tables_and_pictures(tmp_path, monkeypatch):
    from ase_bimetal.cli.app import app
    from ase_bimetal.lab.regressors import compare, forest_card, labelled_table
    from ase_bimetal.model import table
    from ase_bimetal.model.bond_terms import BOND_TERMS

    rows = read_table().rows.iloc[::9].assign(minimum=1).reset_index(drop=True)
    small = DescriptorTable(rows.assign(**dict.fromkeys(BOND_TERMS, 0.0)))
    monkeypatch.setattr(labelled_table, "labelled_rows", lambda: small)
    monkeypatch.setattr(table, "read_table", lambda: small)
    monkeypatch.setattr(forest_card, "FOLDS", 2)
    monkeypatch.setattr(compare, "SPECS", {"ridge": compare.SPECS["ridge"]})
    result = CliRunner().invoke(app, ["explain", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {
        "regressors.csv",
        "regressors.md",
        "pearson.csv",
        "pearson.png",
        "shap.csv",
        "shap_bar.png",
        "shap_beeswarm.png",
        "shap_dependence.png",
        "forest_parity.png",
        "formula.csv",
        "formula.md",
    }
    formula = pd.read_csv(tmp_path / "out" / "formula.csv")
    assert list(formula) == ["term", explain.WEIGHT] and len(formula) > 0
    assert "| ridge |" in result.output
    assert CliRunner().invoke(app, ["explain", "--out", str(tmp_path), "--rows", "some"]).exit_code == 2
