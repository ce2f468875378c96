"""The table, the quantile forest, its conformal intervals, its flags and its card."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import bulk, fcc111

from ase_bimetal import errors, load_example
from ase_bimetal.cli.tables import markdown_forest, markdown_forest_pbe
from ase_bimetal.lab.regressors import forest_card
from ase_bimetal.lab.regressors.labelled_table import Shifts, build_table, thin
from ase_bimetal.model import forest
from ase_bimetal.model.forest import DescriptorForest, QuantileForest, forest_features, get_forest
from ase_bimetal.model.forest_card import read_forest_card
from ase_bimetal.model.level import SHIPPED_SUPPORTS, level_digest, level_terms, load_level_difference
from ase_bimetal.model.table import (
    CHI_ENV,
    FEATURES,
    N_METAL,
    DescriptorTable,
    cells_in,
    material_features,
    read_table,
    surroundings,
)
from ase_bimetal.structures.alloys import alloy
from ase_bimetal.system import as_system


@pytest.fixture(scope="module")
def made_up() -> DescriptorTable:
    """E_form = H_mix / 10 with noise that grows with H_mix, 40 prototypes of ten rows."""
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.uniform(0, 1, (400, 8)), columns=list(FEATURES))
    rows["H_mix (kJ/mol)"] *= 20
    noise = rng.normal(0, 0.02 + 0.02 * rows["H_mix (kJ/mol)"])
    names = {"prototype": np.arange(400) // 10, "surroundings": "ligands", "host": "Au", "dopant": "Pd"}
    return DescriptorTable(rows.assign(gfn1=rows["H_mix (kJ/mol)"] / 10 + noise, shift=0.0, minimum=0, **names))


def row(**changes) -> pd.DataFrame:
    """A shipped cluster's descriptors as one row, changed."""
    first = read_table().rows.query("surroundings == 'ligands'").iloc[[0]]
    return first.assign(**changes)


def test_shipped_table_card_and_settings_belong_together():
    card = json.loads(forest.CARD.read_text())
    table = read_table()
    assert card["digest"] == forest.forest_digest(table)
    assert card["rows"]["all"] == len(table.rows) and card["rows"]["minima"] == table.rows.prototype.nunique()
    assert card["level_difference"] == level_digest()
    assert card["support_difference"] == level_digest(SHIPPED_SUPPORTS)
    assert table.to_csv() == forest_card.SHIPPED.read_text()


def test_shipped_intervals_hold_what_they_promise_out_of_fold():
    card = json.loads(forest.CARD.read_text())
    assert set(card["calibration"]) == {"prototype", "metal pair", "surroundings"}
    for novelty in ("prototype", "metal pair"):
        found = card["calibration"][novelty]["coverage"]
        assert abs(found["widened"] - forest.COVERAGE) < 0.05
    # What is newer to the forest must be predicted with wider intervals.
    errors_of = {name: found["errors"]["all"]["MAE"] for name, found in card["calibration"].items()}
    assert errors_of["prototype"] < errors_of["metal pair"]


def test_an_altered_table_is_refused():
    table = read_table()
    altered = DescriptorTable(table.rows.assign(gfn1=table.rows.gfn1 + 0.1))
    with pytest.raises(errors.WeightsError, match="python -m ase_bimetal.lab.regressors.forest_card"):
        DescriptorForest(altered, read_forest_card(forest.CARD))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (("level_error",), "field 'level_error' is missing"),
        (("calibration", "metal pair", "widening"), "field 'calibration', 'metal pair', field 'widening' is missing"),
        (("donor_error",), "field 'donor_error' is missing"),
    ],
)
def test_a_card_without_a_field_is_refused_with_its_name(tmp_path, keys, message):
    card = json.loads(forest.CARD.read_text())
    part = card
    for key in keys[:-1]:
        part = part[key]
    del part[keys[-1]]
    (tmp_path / "forest.json").write_text(json.dumps(card))
    with pytest.raises(errors.WeightsError, match=message):
        read_forest_card(tmp_path / "forest.json")


def test_a_newer_object_never_takes_the_narrower_widening():
    found = {"prototype": {"all": 0.5, "zeolite": 0.125}, "metal pair": {"all": 0.25}, "surroundings": {"all": 2.0}}
    asked = [("prototype", "zeolite"), ("prototype", "oxide"), ("metal pair", "zeolite"), ("metal pair", "oxide")]
    assert [forest.widening(found, *one) for one in asked] == [0.125, 0.5, 0.25, 0.5]
    assert forest.widening(found, "surroundings", "oxide") == 2.0


def test_forest_is_bit_equal_on_repeat():
    first, again = (DescriptorForest(read_table(), read_forest_card(forest.CARD)) for _ in range(2))
    rows = read_table().rows.iloc[::25]
    assert first.estimate_rows(rows) == again.estimate_rows(rows)
    assert get_forest() is get_forest()


def test_estimates_do_not_depend_on_company():
    rows = read_table().rows.iloc[::40]
    alone = [get_forest().estimate_rows(rows.iloc[[i]])[0] for i in range(len(rows))]
    assert get_forest().estimate_rows(rows) == alone


def test_quantiles_follow_the_spread(made_up):
    grown = QuantileForest(made_up)
    ask = forest_features(made_up.rows.iloc[[0, 0]])
    ask["H_mix (kJ/mol)"] = [2.0, 18.0]
    quiet, loud = grown.quantiles(ask, (0.05, 0.5, 0.95))
    assert quiet[0] < quiet[1] < quiet[2] and loud[0] < loud[1] < loud[2]
    assert loud[2] - loud[0] > 1.5 * (quiet[2] - quiet[0])
    assert quiet[1] == pytest.approx(0.2, abs=0.2) and loud[1] == pytest.approx(1.8, abs=0.4)


def test_quantiles_of_all_rows_in_one_leaf_are_plain_quantiles(made_up, monkeypatch):
    grown = QuantileForest(made_up)
    monkeypatch.setattr(grown, "_leaves", np.zeros_like(grown._leaves))
    monkeypatch.setattr(grown, "_apply", lambda features: np.zeros((len(features), grown._leaves.shape[1])))
    [[low, high]] = grown.quantiles(forest_features(made_up.rows.iloc[[0]]), (0.05, 0.95))
    assert (made_up.targets < low).mean() == pytest.approx(0.05, abs=0.01)
    assert (made_up.targets > high).mean() == pytest.approx(0.05, abs=0.01)


def test_calibration_reaches_the_intended_coverage(made_up, monkeypatch):
    monkeypatch.setattr(forest_card, "FOLDS", 3)
    found = forest_card.calibrate(made_up, made_up.rows.prototype.to_numpy())
    assert found["coverage"]["widened"] == pytest.approx(0.9, abs=0.04)
    assert set(found["widening"]) == {"all", "ligands"}


def test_out_of_fold_needs_something_to_leave_out(made_up):
    with pytest.raises(errors.MissingDataError, match="at least two groups"):
        forest_card.out_of_fold(made_up, made_up.rows.surroundings.to_numpy())


def test_held_out_coverage_takes_its_widening_from_other_folds():
    scores = np.r_[np.zeros(50), np.ones(50)]
    held = forest_card.held_out_coverage(scores, np.array(["ligands"] * 100), [np.arange(50, 100), np.arange(50)])
    assert held.tolist() == [False] * 50 + [True] * 50 or held.tolist() == [True] * 50 + [False] * 50


def test_few_rows_of_a_kind_never_take_less_than_the_common_widening():
    kinds = np.array(["ligands"] * 95 + ["zeolite"] * 5)
    easy = forest_card.widenings(np.r_[np.ones(95), np.zeros(5)], kinds)
    assert easy == {"all": 1, "ligands": 1, "zeolite": 1}
    hard = forest_card.widenings(np.r_[np.zeros(95), np.full(5, 2.0)], kinds)
    assert hard == {"all": 0, "ligands": 0, "zeolite": 2}


def test_unseen_surroundings_take_the_widening_of_the_worst_kind():
    kinds = np.array(["ligands"] * 95 + ["zeolite"] * 5)
    scores = np.r_[np.zeros(95), np.full(5, 2.0)]
    assert forest_card.widenings(scores, kinds, worst=True)["all"] == 2
    held = forest_card.held_out_coverage(scores, kinds, [np.arange(95), np.arange(95, 100)], worst=True)
    assert held[:95].all() and not held[95:].any()


def test_error_of_the_level_without_donor_reference_is_larger():
    card = json.loads(forest.CARD.read_text())
    assert card["donor_error"] == forest_card.donor_transfer_error()
    assert 0.1 < card["donor_error"] < 1 and 0 < card["level_error"]["ligands"] < 0.2


def test_flags_and_interval_say_what_is_new():
    [known] = get_forest().estimate_rows(row())
    assert known.novelty == "prototype"
    [pair] = get_forest().estimate_rows(row(host="Tl", dopant="In"))
    assert pair.novelty == "metal pair"
    assert any("element never seen in training: In, Tl" in flag for flag in pair.flags)
    assert "fewer than 3 density-functional energies for In (0), Tl (0)" in pair.flags
    [oxide] = get_forest().estimate_rows(row(surroundings="oxide"))
    assert oxide.novelty == "surroundings" and any("never seen in training: oxide" in flag for flag in oxide.flags)
    assert oxide.level != known.level and oxide.level_error > known.level_error
    assert known.formation_energy_std < min(pair.formation_energy_std, oxide.formation_energy_std)
    [far] = get_forest().estimate_rows(row(**{"D (Å)": 40.0}))
    assert any(flag.startswith("D (Å) = 40; ligands in training: ") for flag in far.flags)


def test_interval_holds_the_mean():
    for found in get_forest().estimate_rows(read_table().rows.iloc[::20]):
        low, high = found.formation_energy_interval
        assert low <= found.formation_energy_per_metal <= high
        assert found.formation_energy_std == pytest.approx((high - low) / 3.29, rel=1e-3)


@pytest.mark.parametrize(
    ("atoms", "name"),
    [
        (load_example("Au4Pd2(PET)8"), "ligands"),
        (Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]]), "bare particle"),
        (bulk("Au"), "bare solid"),
        (bulk("NiO", "rocksalt", a=4.2), "oxide"),
    ],
)
def test_surroundings_by_elements(atoms, name):
    assert surroundings(as_system(atoms)) == name


def test_silicon_and_carbon_hosts_are_told_apart():
    extended = replace(as_system(load_example("Au4Pd2(PET)8")), kind="extended")
    assert surroundings(extended) == "doped carbon"
    symbols = tuple("Si" if s == "C" else "O" if s == "S" else s for s in extended.symbols)
    assert surroundings(replace(extended, symbols=symbols)) == "zeolite"
    symbols = tuple({"C": "B", "S": "N"}.get(s, s) for s in extended.symbols)
    assert surroundings(replace(extended, symbols=symbols)) == "nitride"


@pytest.mark.parametrize("repeat", [(2, 1, 1), (1, 3, 1), (2, 2, 1)])
def test_a_supercell_is_the_same_point(repeat):
    slab = fcc111("Cu", (2, 2, 3), vacuum=8.0)
    slab.symbols[0] = "Pt"
    one, more = as_system(slab), as_system(slab * repeat)
    assert cells_in(more) == np.prod(repeat)
    assert material_features(more) == pytest.approx(material_features(one), nan_ok=True)


def test_a_displaced_copy_is_no_supercell():
    slab = fcc111("Cu", (2, 2, 3), vacuum=8.0)
    slab.symbols[0] = "Pt"
    doubled = slab * (2, 1, 1)
    doubled.positions[3, 0] += 0.1
    assert cells_in(as_system(doubled)) == 1
    assert material_features(as_system(doubled))[N_METAL] == 24


def test_table_of_labels_keeps_pairs_alone_and_finds_minima(cluster):
    gold = cluster.copy()
    gold.symbols[gold.symbols == "Pd"] = "Au"
    frame = pd.DataFrame(
        {
            "id": ["p/1", "p/0", "g/0"],
            "prototype": ["p", "p", "g"],
            "family": "f",
            "atoms": [cluster, cluster, gold],
            "formation_energy": [-3.0, -2.0, -1.0],
        }
    )
    level = load_level_difference()
    table = build_table(frame, Shifts(level, level, level))
    shift, deviation = level.predict(level_terms(as_system(cluster)))
    assert table.rows.id.tolist() == ["p/0", "p/1"] and table.rows.minimum.tolist() == [0, 1]
    assert table.targets == pytest.approx([-2.0 + shift, -3.0 + shift])
    assert table.rows.deviation.tolist() == pytest.approx([deviation] * 2)
    assert table.pairs.tolist() == ["Au-Pd"] * 2 and table.rows.surroundings.unique() == ["ligands"]
    assert thin(table, 0).rows.id.tolist() == ["p/1"]


def particle(first: str, second: str, share: int) -> Atoms:
    """An icosahedron of 13 with ``share`` atoms of the second metal on its surface."""
    atoms = alloy("icosahedron-13", "core", first, first, seed=0)
    atoms.symbols[1 : 1 + share] = second
    return atoms


@pytest.mark.parametrize(("rich", "poor"), [("Pt", "Au"), ("Cu", "Au"), ("Pt", "Ni")])
def test_the_majority_metal_counts(rich, poor):
    """Platinum and copper bind more strongly than gold, platinum more strongly than nickel: 3 of 13 atoms changed."""
    one, other = (get_forest().estimate(as_system(particle(*pair, 3))) for pair in ((rich, poor), (poor, rich)))
    assert one.formation_energy_per_metal < other.formation_energy_per_metal - 0.15


def test_features_tell_a_metal_from_its_partner():
    rows = row(host=["Au"], dopant=["Ni"], **{"dopant ratio (-)": 3 / 27})
    swapped = rows.assign(host="Ni", dopant="Au")
    one, other = (forest_features(r)[list(forest.MAJORITY_FEATURES)].iloc[0].tolist() for r in (rows, swapped))
    assert one == pytest.approx([2.47, 3.88], abs=0.005) and other == pytest.approx([1.98, 4.37], abs=0.005)


@pytest.mark.parametrize(
    ("rich", "poor", "a", "pbe"),
    [("Cu", "Au", 3.75, -3.32), ("Au", "Ag", 4.15, -2.79), ("Pt", "Au", 4.02, -4.98)],
)
def test_ordered_crystals_come_near_their_elements_with_pbe(rich, poor, a, pbe):
    """Minus the cohesive energies of three parts and one; mixing changes them by less than 0.1 eV/atom."""
    crystal = bulk(rich, a=a, cubic=True)
    crystal.symbols[0] = poor
    assert get_forest().estimate(as_system(crystal)).formation_energy_per_metal == pytest.approx(pbe, abs=0.3)


def test_coordination_never_seen_is_flagged():
    """Two metals alone have one neighbour each; the smallest labelled particle has thirteen atoms."""
    flags = get_forest().estimate(as_system(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]]))).flags
    assert any(flag.startswith("coordination (-) = 1; bare particle in training: ") for flag in flags)


def test_metals_out_of_reach_of_each_other_get_no_energy():
    with pytest.raises(errors.SeveralClustersError, match="1 × Au, 1 × Pt"):
        get_forest().estimate(as_system(Atoms("AuPt", [[0, 0, 0], [0, 0, 15.0]])))


def test_bare_metal_has_no_environment_in_the_table():
    assert np.isnan(material_features(as_system(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]])))[CHI_ENV])


def test_page_shows_the_calibration_of_the_card():
    page = Path(__file__).parents[2] / "docs" / "descriptor-model.md"
    card = json.loads(forest.CARD.read_text())
    assert markdown_forest(card) in page.read_text() and markdown_forest_pbe(card) in page.read_text()


def test_metals_on_carbon_are_flagged_where_no_pair_has_a_density_functional_energy():
    rows = read_table().rows.query("surroundings == 'doped carbon' and minimum == 1").set_index("prototype", drop=False)
    known, unknown = get_forest().estimate_rows(rows.loc[["CuPd@sheet-N6", "CuZn@sheet-N6"]])
    assert not any("density-functional energy of" in flag for flag in known.flags)
    assert "no density-functional energy of Zn bound to doped carbon" in unknown.flags
    assert unknown.level_error > known.level_error
