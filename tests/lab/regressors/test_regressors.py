"""Regressors, folds without leaks, simple baselines, and the table that compares them."""

import json

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import bulk

from ase_bimetal import errors, load_example
from ase_bimetal.elements import cohesive_energy
from ase_bimetal.lab.regressors import compare as comparison
from ase_bimetal.lab.regressors.tuning import grouped_folds, tune
from ase_bimetal.lab.training.metrics import mean_absolute_error
from ase_bimetal.model import regressors
from ase_bimetal.model.bond_terms import BOND_TERMS, bond_model, bond_terms, chosen_terms, sparse_terms
from ase_bimetal.model.regressors import BARE, REGRESSORS, SPECS, fill_bare, make_regressor, untuned
from ase_bimetal.model.table import CHI_ENV, FEATURES, LEVEL, DescriptorTable, read_table
from ase_bimetal.system import as_system

TWELVE = {
    "random forest",
    "gradient boosting",
    "CatBoost",
    "decision tree",
    "extra trees",
    "XGBoost",
    "AdaBoost",
    "SVR",
    "k nearest neighbours",
    "ridge",
    "linear",
    "lasso",
}


@pytest.fixture(scope="module")
def table() -> DescriptorTable:
    """Forty shipped rows, with bond terms made up of the features so that a bond model can be fitted."""
    rows = read_table().rows.iloc[::7].head(40).reset_index(drop=True)
    bonds = {name: rows[FEATURES[i % 8]].fillna(0.0) for i, name in enumerate(BOND_TERMS)}
    return DescriptorTable(rows.assign(**bonds))


def test_the_twelve_of_the_article_are_there():
    assert set(REGRESSORS) == TWELVE


@pytest.mark.parametrize("name", SPECS)
def test_each_learns_and_repeats(table, name):
    first, again = (make_regressor(name, seed=3).fit(table.features, table.targets) for _ in range(2))
    found = first.predict(table.features)
    assert found == pytest.approx(again.predict(table.features), abs=1e-9)
    assert mean_absolute_error(table.targets, found) < mean_absolute_error(table.targets, table.targets.mean())


def test_settings_are_tuned_values_of_the_search_space():
    recorded = json.loads(regressors.SETTINGS.read_text())
    assert recorded["command"].startswith("python -m ase_bimetal")
    for rows in ("minima", "configurations"):
        assert set(recorded["rows"][rows]) == set(SPECS)
        for name, found in recorded["rows"][rows].items():
            assert set(found["settings"]) == set(SPECS[name].space)
            assert all(value in SPECS[name].space[key] for key, value in found["settings"].items())
            assert 0 < found["MAE"] < 1.5


def test_two_pipelines_do_not_share_an_estimator():
    first, second = untuned("AdaBoost"), untuned("AdaBoost")
    first.set_params(model__estimator__max_depth=2)
    assert second.get_params()["model__estimator__max_depth"] is None


def test_unknown_names_are_refused():
    with pytest.raises(errors.BimetalError, match="allowed: random forest"):
        make_regressor("oracle")
    with pytest.raises(errors.BimetalError, match="allowed: minima, configurations"):
        make_regressor("ridge", rows="all")


def test_bare_metal_is_marked_and_not_taken_for_a_cluster():
    features = pd.DataFrame({name: [0.5, 0.5] for name in FEATURES}).assign(**{CHI_ENV: [np.nan, 0.0]})
    filled = fill_bare(features)
    assert filled[CHI_ENV].tolist() == [0.0, 0.0] and filled[BARE].tolist() == [1.0, 0.0]
    assert features[CHI_ENV].isna().any()


def test_missing_packages_are_skipped_with_a_message(monkeypatch, table):
    monkeypatch.setattr(regressors, "find_spec", lambda name: None if name == "catboost" else object())
    missing = regressors.missing_regressors()
    assert list(missing) == ["CatBoost"] and "ase-bimetal[boost]" in missing["CatBoost"]
    monkeypatch.setattr(comparison, "SPECS", {name: SPECS[name] for name in ("CatBoost", "ridge")})
    found = comparison.compare(table, "configurations")
    assert set(found.errors.model) == {"mean", "ridge", "bond counting"}
    assert "CatBoost is skipped" in found.to_markdown()


def test_folds_keep_groups_on_one_side():
    groups = np.array(list("aabbbcdeefgh"))
    folds = grouped_folds(groups, 4, seed=5)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(12))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])


def test_relatives_are_dealt_to_different_folds():
    groups = np.array([f"{pair}{k}" for pair in "abcdef" for k in range(3)])
    pairs = np.array([name[0] for name in groups])
    for seed in range(5):
        for train, test in grouped_folds(groups, 6, seed, pairs):
            assert set(pairs[test]) <= set(pairs[train]) and len(test) == 3


def test_comparison_never_trains_on_a_test_group(table, monkeypatch):
    """A model that answers with the group it was trained on would betray a leak."""
    seen = []

    class Spy:
        def fit(self, features, targets):
            self.rows = set(features.index)
            return self

        def predict(self, features):
            groups = table.pairs
            seen.append(set(groups[list(self.rows)]) & set(groups[features.index]))
            return np.zeros(len(features))

    comparison.out_of_fold(Spy, table, "by metal pair")
    assert len(seen) > 1 and not any(seen)


def test_comparison_has_every_split_and_unit(table, monkeypatch):
    monkeypatch.setattr(comparison, "SPECS", {"ridge": SPECS["ridge"]})
    found = comparison.compare(table, "configurations")
    assert set(found.errors.split) == {"random", "by prototype", "by metal pair"}
    text = found.to_markdown()
    assert "eV/metal" in text and LEVEL in text
    minima = comparison.compare(table, "minima")
    assert set(minima.errors.split) == {"random", "by metal pair"}
    assert minima.errors.n.iloc[0] == table.rows.minimum.sum()


def test_tuning_chooses_the_better_setting(table):
    found = tune(table, "lasso", trials=6)
    assert found["settings"]["alpha"] <= 0.1
    assert found["MAE"] < mean_absolute_error(table.targets, table.targets.mean())


def test_bond_terms_of_known_objects():
    gold = bond_terms(as_system(bulk("Au", cubic=True)))
    assert gold["metal bonds (eV/metal)"] == pytest.approx(-cohesive_energy("Au"))
    pair = bond_terms(as_system(Atoms("AuCu", [[0, 0, 0], [0, 0, 2.6]])))
    expected = -(cohesive_energy("Au") + cohesive_energy("Cu")) / 2 * np.sqrt(1 / 12)
    assert pair["metal bonds (eV/metal)"] == pytest.approx(expected)
    assert pair["metal bond polarity (1/metal)"] == pytest.approx(0.64**2 / 2)
    assert sum(pair[name] for name in BOND_TERMS[2:]) == 0
    cluster = bond_terms(as_system(load_example("Au4Pd2(PET)8")))
    assert cluster["S bonds (1/metal)"] == pytest.approx(16 / 6)
    assert cluster["P bonds (1/metal)"] == cluster["C bonds (1/metal)"] == 0


def test_bond_terms_do_not_change_with_copies():
    atoms = bulk("Cu", cubic=True)
    atoms.symbols[0] = "Ni"
    one, eight = bond_terms(as_system(atoms)), bond_terms(as_system(atoms * 2))
    assert one == pytest.approx(eight)


def test_a_rare_donor_counts_as_other():
    selenide = Atoms("AuSeH", [[0, 0, 0], [2.45, 0, 0], [2.8, 1.42, 0]])
    assert bond_terms(as_system(selenide, ligands="[SeH2]"))["other bonds (1/metal)"] == 1


def test_bond_counting_recovers_bond_energies():
    rng = np.random.default_rng(0)
    terms = pd.DataFrame(rng.uniform(0, 2, (200, len(BOND_TERMS))), columns=BOND_TERMS)
    energies = terms["metal bonds (eV/metal)"] - 1.5 * terms["S bonds (1/metal)"]
    found = bond_model().fit(terms, energies).predict(terms)
    assert mean_absolute_error(energies.to_numpy(), found) < 0.02


def test_sparse_formula_finds_the_product_it_was_made_of(table):
    features = fill_bare(table.features)
    product = features["H_mix (kJ/mol)"] * features["D (Å)"]
    model = untuned("sparse polynomial").set_params(model__alpha=0.05)
    model.fit(table.features, product.to_numpy() / product.std())
    assert next(iter(chosen_terms(model))) == "H_mix (kJ/mol) × D (Å)"
    assert len(chosen_terms(model)) < 10


def test_sparse_terms_are_finite_for_one_metal():
    alone = pd.DataFrame([dict.fromkeys(FEATURES, 0.0) | {"N_metal (atoms)": 6.0}])
    assert np.isfinite(sparse_terms(alone).to_numpy()).all()
