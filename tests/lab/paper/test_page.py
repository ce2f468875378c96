"""The page from made-up data whose answer is known: numbers, sentences, files."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from typer.testing import CliRunner

from ase_bimetal.cli.app import app
from ase_bimetal.descriptors import ligand_log_p, reduced
from ase_bimetal.errors import MissingDataError, WeightsError
from ase_bimetal.lab.paper import (
    explained,
    figures,
    large,
    literature,
    models,
    page,
    printed,
    published,
    sections,
    words,
)
from ase_bimetal.lab.paper.blocks import Section, Table, picture
from ase_bimetal.lab.paper.gather import HeldOut, PageData
from ase_bimetal.lab.paper.log_p import printed_log_p
from ase_bimetal.lab.paper.materials import SHIPPED_MATERIALS, assess_materials
from ase_bimetal.lab.paper.statistics import Parabola, correlation, fit_parabola, lowest_bin
from ase_bimetal.lab.regressors import compare
from ase_bimetal.lab.regressors.explain import ShapValues
from ase_bimetal.lab.regressors.labelled_table import labelled_rows
from ase_bimetal.ligands import Ligand
from ase_bimetal.model.bond_terms import BOND_TERMS
from ase_bimetal.model.card import write_card
from ase_bimetal.model.checkpoint import load_checkpoint
from ase_bimetal.model.forest import get_forest
from ase_bimetal.model.table import FEATURES, DescriptorTable, read_table
from ase_bimetal.numbers import formula
from ase_bimetal.system import BimetallicSystem


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Labels of two humps, a perfect model, charges on a downward parabola, ten materials."""
    rng = np.random.default_rng(0)
    energy = np.concatenate([rng.normal(-4, 0.2, 150), rng.normal(-2, 0.2, 150)])
    truth = energy[::10]
    chi = rng.uniform(-1, 0.2, 60)
    few = tmp_path_factory.mktemp("materials") / "few.csv"
    lines = SHIPPED_MATERIALS.read_text().splitlines()
    few.write_text("\n".join([lines[0], *lines[1:60:6]]) + "\n")
    forest, table = get_forest(), read_table()
    rows = table.rows.iloc[::20].reset_index(drop=True)
    rows = rows.assign(minimum=1 - rows.index % 2, **{term: rows[FEATURES[4]] for term in BOND_TERMS})
    return PageData(
        labels=pd.DataFrame({"family": np.repeat(["A", "B"], 150), "energy": energy}),
        digest="0123",
        card=load_checkpoint().card,
        test=HeldOut(truth, truth + 0.1, np.repeat(["A", "B"], 15), True),
        model="mml@test",
        forest=forest,
        table=table,
        described=DescriptorTable(rows),
        charges=pd.DataFrame({"surroundings": "ligands", "chi_env": chi, "delta_q": 0.3 - (chi + 0.4) ** 2}),
        materials=assess_materials(forest, table, few),
    )


def cells(table):
    """Rows of a table by their first cell."""
    return {first: rest for first, *rest in table.rows}


def changed(data, **changes):
    """The same data but for some fields."""
    return PageData(**vars(data) | changes)


def test_distribution_is_fitted_and_told(data):
    section = sections.labels_section(data)
    assert "two humps" in section.sentences[0] and "300 labels" in section.sentences[0]
    assert section.pictures[0].png.startswith(b"\x89PNG")
    found = cells(section.comparison)
    assert found["Kolmogorov–Smirnov distance (–)"][1] == "0.04" and found["its p (–)"][1] == "0.71"
    assert found["labels"] == ["300", "11,186"] and found["distribution"][1] == "double Weibull"
    flat = np.concatenate([np.linspace(-6, -5.9, 400), np.linspace(0, 0.1, 30)])
    lumps = changed(data, labels=pd.DataFrame({"family": "A", "energy": flat}))
    assert cells(sections.labels_section(lumps).comparison)["distribution"][0] == "double Weibull does not fit"


def test_parity_tells_the_error_and_old_weights(data):
    section = sections.parity_section(data)
    found = cells(section.comparison)
    assert found["MAE (eV/metal)"] == ["0.100", "0.055"] and found["R² (–)"][1] == "0.952"
    dopants = data.card.metrics["leave one dopant out"]["MML"]["MAE"]
    assert found["MAE (eV/metal), leave one dopant out"][0] == f"{dopants:.3f}"
    old = HeldOut(data.test.truth, data.test.predicted, data.test.family, False)
    assert "may have been trained on" in sections.parity_section(changed(data, test=old)).sentences[-1]
    assert section.sentences == ()


def test_volcano_finds_its_top_and_shape(data):
    section = sections.volcano_section(data)
    assert "all our charges opens downwards, as a volcano does" in section.difference
    assert len(section.sentences) == 2 and "χ_env = −0.40" in section.sentences[0]
    assert cells(section.comparison)["curvature (e/Pauling²), all, n = 60"][0].startswith("−1.00 ± ")
    upside = changed(data, charges=data.charges.assign(delta_q=-data.charges.delta_q))
    assert "opens upwards" in sections.volcano_section(upside).difference
    few = changed(data, charges=data.charges.head(3))
    assert sections.volcano_section(few).pictures == () and "too few" in sections.volcano_section(few).difference


def test_volcano_tells_each_kind_of_surroundings(data):
    """Two kinds whose parabolas open to opposite sides must not be told as one."""
    chi = np.linspace(-1, 0, 30)
    mixed = pd.DataFrame(
        {
            "surroundings": np.repeat(["ligands", "zeolite"], 30),
            "chi_env": np.tile(chi, 2),
            "delta_q": np.concatenate([-((chi + 0.5) ** 2), (chi + 0.5) ** 2]),
        }
    )
    found = cells(sections.volcano_table(mixed))
    assert found["curvature (e/Pauling²), ligands, n = 30"][0].startswith("−1.00")
    assert found["curvature (e/Pauling²), zeolite, n = 30"][0].startswith("1.00")
    assert "not told from a straight line" in words.shaped(Parabola((0.1, 0.0, 0.0), 0.2, 9))


def test_descriptors_stand_beside_the_published_ones(data):
    section = sections.descriptors_section(data)
    assert section.difference.count("−0.63") == 1 and section.pictures
    assert cells(section.comparison)["Pearson's r of E_form and φ"][1] == "−0.63"
    share, energy = np.repeat([0.25, 0.55], 6), np.repeat([-4.0, -2.0], 6)
    rows = pd.DataFrame({"surroundings": "ligands", "reduced": share, "energy": energy})
    assert sections._lowest(rows, "ligands", "reduced") == "0.2 to 0.3"
    assert sections._lowest(rows, "zeolite", "reduced") == "too few"
    found = cells(section.comparison)
    assert found["D of lowest mean E_form (Å), ligands"][1] == "about 3.5"
    assert found["D of lowest mean E_form (Å), zeolite"][1] == "about 2.5"


def test_roses_are_drawn_and_orders_compared(data):
    section = sections.roses_section(data)
    assert any(sentence.startswith("Au/M, ligands") for sentence in section.sentences) and section.pictures
    found = cells(section.comparison)
    assert found["Au/Ag clusters, labels"][1] == "−2.59 ± 0.22"
    rising = data.materials.iloc[:3].assign(name=[f"Au24{m}(SR)18" for m in ("Pd", "Cd", "Hg")])
    # Without labels of such clusters, the estimates are compared.
    data = changed(data, table=data.table.where(~data.table.rows.family.str.startswith("M@Au24")))
    same = changed(data, materials=rising.assign(energy=[-3.0, -3.1, -3.2]))
    assert "M in Au24M(SR)18 (forest) in the same order" in sections.roses_section(same).difference
    other = changed(data, materials=rising.assign(energy=[-3.2, -3.1, -3.0]))
    assert "M in Au24M(SR)18 (forest) in another order" in sections.roses_section(other).difference
    none = changed(data, materials=rising.assign(energy=np.nan))
    assert "M in Au24M(SR)18 (forest) not compared" in sections.roses_section(none).difference


def test_labels_of_doped_gold_are_compared_before_estimates(data):
    """Any site counts, other numbers of dopants do not."""
    rows = pd.DataFrame(
        {
            "family": "M@Au24-centre",
            "host": "Au",
            "dopant": ["Pd", "Pd", "Cd", "Pd"],
            "surroundings": "ligands",
            FEATURES[3]: [0.04, 0.04, 0.04, 0.4],
            "minimum": 1,
            "gfn1": [-3.0, -3.2, -3.1, -9.0],
            "shift": 0.0,
        }
    )
    few = changed(data, table=DescriptorTable(rows.assign(**{n: 0.1 for n in FEATURES if n != FEATURES[3]})))
    assert cells(sections.pair_table(few))["Au24Pd(SR)18, lowest label of any site"] == ["−3.20", "−3.56 (DFT)"]
    assert "M in Au24M(SR)18 (labels) in another order" in sections.roses_section(few).difference


def test_lowest_bin_needs_enough_values():
    x, y = np.array([0.05] * 5 + [0.15] * 4), np.array([1.0] * 5 + [-9.0] * 4)
    assert lowest_bin(x, y) == pytest.approx((0.0, 0.1))
    assert lowest_bin(x, y, least=4) == pytest.approx((0.1, 0.2))
    assert lowest_bin(x, y, least=10) is None
    assert fit_parabola(np.zeros(50), np.arange(50.0)) is None


def test_rose_takes_each_partner_once():
    rows = pd.DataFrame(
        {
            "host": ["Au", "Au", "Cu", "Pt"],
            "dopant": ["Pd", "Pd", "Au", "Ni"],
            "surroundings": "ligands",
            "gfn1": [-3.0, -4.0, -2.0, -1.0],
            "shift": 0.5,
            sections._DISTANCE: [2.8, 3.0, 2.7, 2.6],
            sections._RADII: 0.1,
            sections._CHI_ENV: [-0.5, -0.7, np.nan, 0.1],
        }
    )
    kind, rose = sections.rose_of(rows, "Au")
    expected = np.mean([reduced(2.8, 0.1) * -0.5, reduced(3.0, 0.1) * -0.7])
    assert rose.phi[0] == pytest.approx(expected) and np.isnan(rose.phi[1])
    by_mixing, by_phi = sections.rose_pictures({"Au/M": rose})
    assert by_mixing.png != by_phi.png and "colour: φ" in by_phi.caption
    assert kind == "ligands" and list(rose.partner) == ["Pd", "Cu"]
    assert list(rose.energy) == [-3.0, -1.5] and list(rose.half) == [0.5, 0.0]
    assert sections.rose_of(rows, "Ag")[1].empty


def test_materials_are_counted_and_listed(data):
    section = literature.materials_section(data)
    assert cells(section.comparison)["materials"] == ["10", "about 100"]
    found = cells(section.comparison)
    assert [found[f"of them {kind}"][1] for kind in published.MATERIALS] == ["14", "4", "35", "5", "42"]
    assert sum(int(found[f"of them {kind}"][0]) for kind in published.MATERIALS) == 10
    mixes = [found[f"different pairs of metals with H_mix {side} 0"] for side in ("<", "≥")]
    assert [theirs for _, theirs in mixes] == ["44", "31"]
    pairs = {frozenset(pair) for pair in zip(data.materials.host, data.materials.dopant, strict=True)}
    assert sum(int(ours) for ours, _ in mixes) == len(pairs)
    assert len(section.tables[0].rows) == 10 and "published −0.63" in section.difference


def test_formulas_have_subscripts_in_texts_and_pictures(data):
    section = literature.materials_section(data)
    named = section.tables[0].rows[0][0]
    text = Table(("a",), (("E_form of Au4Ru2(SR)8, Mamba2",),), "PPh3, see 10.1021/Au25(x)2").typeset()
    assert text == Table(("a",), (("E_form of Au₄Ru₂(SR)₈, Mamba2",),), "PPh₃, see 10.1021/Au25(x)2")
    told = replace(section, difference="Au25", sentences=("Ag44(SR)30",), tables=(text,)).typeset()
    assert told.difference == "Au₂₅" and told.sentences == ("Ag₄₄(SR)₃₀",)
    rows = data.materials.assign(name="[Ag24Pd(SPhCl2)18]2-")
    axes = figures.materials_figure(rows).axes[0]
    assert {label.get_text() for label in axes.get_yticklabels()} == {"[Ag₂₄Pd(SPhCl₂)₁₈]²⁻"}
    assert named == formula(data.materials.name.iloc[0])


def test_materials_of_the_article_are_named_beside_its_claim(data):
    ours = data.materials.iloc[[0]].assign(doi=published.DOI, name="A", phi=np.nan, phi_low=-0.5, phi_high=-0.4)
    assert cells(literature.comparison(ours, "forest"))["φ of A"] == ["−0.50 to −0.40", "> −0.3"]


def test_equal_materials_count_once(data):
    twice = pd.concat([data.materials, data.materials])
    once, doubled = (literature.material_correlations(rows) for rows in (data.materials, twice))
    assert [found.n for found in once.values()] == [found.n for found in doubled.values()]


def test_errors_stand_beside_the_published_ones(data, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "ABLATIONS", tmp_path / "ablations.json")
    networks = {"0": {"MAE": 0.1, "R2": 0.8, "n": 40}, "1": {"MAE": 0.2, "R2": 0.9, "n": 40}}
    (tmp_path / "ablations.json").write_text(json.dumps({"members": {"H_mix only": networks}}))
    found = cells(models.errors_section(data).comparison)
    card = data.card.metrics["random"]["MML"]
    assert found["MML"][0].startswith(f"{card['MAE']:.3f}") and found["MML"][2] == "0.055"
    assert found["MML, H_mix only"][2:5] == ["0.057", "0.951", "0.061 / 0.938"]
    assert found["MML, H_mix only"][0] == "0.150 / 0.850" and found["MML, log P only"][0] == "–"


def test_regressors_on_both_kinds_of_rows_stand_beside_the_published_forest(data, monkeypatch):
    few = {name: compare.SPECS[name] for name in ("random forest", "ridge", "sparse polynomial")}
    monkeypatch.setattr(compare, "SPECS", few)
    section = models.regressors_section(data)
    header, found = section.comparison.header, cells(section.comparison)
    assert {"ours: minima, random", "ours: minima, by metal pair", "ours: configurations, by prototype"} < set(header)
    assert found["random forest"][-1] == "0.182 / 0.969" and found["SVR"][0] == "not installed"
    assert found["SVR"][-1] == "0.375 / 0.855" and found["lasso"][-1] == "0.649 / 0.640"
    assert any("in the article random forest" in sentence for sentence in section.sentences)
    assert {"bond counting", "mean", "sparse polynomial"} < set(found)
    assert all(re.fullmatch(r"\d\.\d{3} / −?\d+\.\d{3}", cell) for cell in found["ridge"][:-1])
    number = found["mean"][header.index("ours: minima, by metal pair") - 1].split(" / ")[0]
    [told] = re.findall(r"saying the mean by (\d\.\d\d)", section.difference)
    assert float(told) == pytest.approx(float(number), abs=0.0051)  # two decimals of the same number


def test_described_rows_are_the_shipped_ones_with_bonds():
    table = read_table()
    few = table.where(np.arange(len(table.rows)) % 97 == 0)
    described = labelled_rows(ids=set(few.rows.id))
    assert set(described.rows.id) <= set(few.rows.id) and described.bonds.notna().all(axis=None)


def test_attention_is_told_from_the_card(data, tmp_path, monkeypatch):
    kinds = {"metal": {"mean": 0.9, "std": 0.1, "count": 6}, "S": {"mean": 0.5, "std": 0.2, "count": 8}}
    groups = {
        "metal": kinds["metal"],
        "other atoms": {"mean": 0.6, "std": 0.1, "count": 9},
        "coordinating atoms": {"mean": 0.5, "std": 0.2, "count": 8},
    }
    attention = {
        "what": "attention",
        "kinds": kinds,
        "groups": groups,
        "ligands": 1200,
        "pearson with electrons": {"mean": -0.25, "sum": float("nan")},
    }
    write_card(tmp_path / "card.json", replace(data.card, name="gcnn", attention=attention))
    monkeypatch.setattr(explained, "GRAPH_CARD", tmp_path / "card.json")
    monkeypatch.setattr(explained, "_attended_example", lambda: None)
    monkeypatch.setattr(explained, "_ligand_picture", lambda card: ((), ("not drawn",)))
    section = explained.attention_section(data)
    assert "another order" in section.difference and section.sentences[0] == "not drawn"
    found = cells(section.comparison)
    assert found["metal"] == ["0.90 ± 0.10, first", "first"]
    assert found["S atoms"][1] == "0.50"
    assert found["coordinating atoms"] == ["0.50 ± 0.20, third", "second"] and found["S atoms"][0] == "0.50 ± 0.20"
    assert found["Pearson's r of a ligand's attention (mean) and the electrons it took"] == ["−0.25", "correlated"]
    assert "1,200 ligands" in section.comparison.caption
    assert "attention" in page.section_makers()
    monkeypatch.setattr(explained, "GRAPH_CARD", tmp_path / "none.json")
    assert "attention" not in page.section_makers()


def test_ligands_of_unknown_test_rows_are_not_drawn(monkeypatch):
    pytest.importorskip("torch_geometric")
    from ase_bimetal.lab.gcnn import attention

    def refuse(model, reference):
        raise WeightsError("trained on other labels")

    monkeypatch.setattr(attention, "attention_of_test_rows", refuse)
    drawn, told = explained._ligand_picture(load_checkpoint().card)
    assert drawn == () and "trained on other labels" in told[0]


@pytest.mark.heavy  # half a minute and more
def test_features_are_ranked_and_drawn_four_ways(data):
    section = explained.shap_section(data)
    assert [drawn.name for drawn in section.pictures] == ["pearson", "shap_bar", "shap_beeswarm", "shap_dependence"]
    values = [float(row[0].partition(",")[0]) for row in cells(section.comparison).values()]
    assert len(values) == 8 and values == sorted(values, reverse=True)
    assert cells(section.comparison)["χ_env (Pauling)"][1] == "second"
    assert "The article puts dopant ratio, χ_env and N_metal first; here they are" in section.difference
    assert any("sparse polynomial keeps" in sentence for sentence in section.sentences)
    assert sum("goes with more stable structures" in sentence for sentence in section.sentences) == 2


def test_the_direction_of_a_feature_follows_its_shap_values():
    x = np.arange(40.0)
    features = pd.DataFrame({name: x for name in FEATURES})
    values = np.zeros((40, 8))
    values[:, 0], values[:, 3] = np.sin(x) - 0.1 * x, np.sin(x) + 0.1 * x
    found = ShapValues(values, features, 0.0, "forest")
    told = explained.direction(found, FEATURES[0], "a higher χ_env")
    pattern = (
        r"A higher χ_env makes structures more stable in this forest \(Pearson's r of its SHAP values and its "
        r"values −0\.8\d\); in the article a higher χ_env goes with more stable structures\."
    )
    assert re.match(pattern, told), told
    assert "makes structures less stable" in explained.direction(found, FEATURES[3], "a lower ratio")
    assert "is not told by these rows" in explained.direction(found, FEATURES[1], "anything")


def test_single_numbers_stand_beside_the_printed_ones(data):
    section = printed.printed_section(data)
    found = cells(section.comparison)
    assert found["log P of Cp* (–)"] == ["3.31", "0.40"] and "differ by up to 2.9" in section.difference
    assert found["E_form of Au4Re2(SR)8(PR3)2, labels (eV/metal)"][1] == "below −5, with PET and PPh3"
    assert found["φ of Au/Ag clusters, labels (–)"][1] == "−0.16 to −0.10"
    assert found["φ of Cu/Re in zeolites, labels (–)"][1] == "−0.55"
    rows = pd.DataFrame(
        {
            "family": ["Au4M2", "Au4M2", "Au4M2-capped", "Au4M2-capped", "Au4M2"],
            "host": "Au",
            "dopant": ["Pd", "Pd", "Pd", "Ag", "Hg"],
            "energy": [-3.0, -3.2, -3.4, -9.0, -1.0],
        }
    )
    effect, metals = printed.capping_effect(rows)
    assert effect == pytest.approx(-0.3) and metals == ["Pd"]
    assert printed._capping(effect, 1).startswith("two phosphines make Au4M2(SR)8 more stable by 0.30 eV/metal over 1")
    assert "less stable by 0.10 eV/metal over 3 metals, where" in printed._capping(0.1, 3)


def test_large_clusters_have_their_atoms_and_no_invented_energy(data):
    section = large.large_section(data)
    found = cells(section.comparison)
    assert found["Au47Cd2(TBBT)31"][0] == "793" and found["Ag135Cu60(PET)60Cl42"][0] == "1,317"
    assert all(row[4] == "no coordinates" for row in found.values())
    assert [row[-1] for row in found.values()] == ["−3.34", "−2.28", "−2.23", "−1.24", "−1.24"]
    assert found["Au9AgRh(PPh3)8Cl2"][2] == "–"  # three metals have no single H_mix
    assert "0.44 eV/metal" in section.comparison.caption
    [told] = section.sentences
    assert "277 to 1,317 atoms" in told and "Au36Ag38(C≡C(CF3)2Ph)30Cl10 and Au38" in told


def test_printed_log_p_is_the_articles_and_nothing_else():
    shell = BimetallicSystem.from_atoms(Atoms("Au"), ligands={"PET": 3, "PPh3": 1})
    assert ligand_log_p(shell, printed_log_p) == pytest.approx((3 * 2.87 + 5.69) / 4)
    assert printed_log_p(Ligand.parse("SCCc1ccccc1")) == 2.87 and printed_log_p(Ligand.parse("Cp*")) == 0.40
    with pytest.raises(MissingDataError, match="no log P of SMe is printed.*PPh3, PET, Cp"):
        printed_log_p(Ligand.parse("SMe"))


def test_a_correlation_of_few_materials_confirms_nothing():
    x = np.arange(40.0)
    wide, narrow = correlation(x[:5], -x[:5] + 2 * np.sin(9 * x[:5])), correlation(x, np.sin(7 * x))
    told = literature._held({"φ known": wide, "any": narrow})
    assert "φ known (n = 5) holds it and any (n = 40) excludes it" in told and "not confirmed" in told


def test_orders_of_pairs_stand_beside_the_published_ones(data):
    rows = pd.DataFrame(
        {
            "family": "Au4M2",
            "surroundings": "ligands",
            "minimum": 1,
            "shift": 0.0,
            "host": ["Au"] * 5 + ["Cu"] * 4,
            "dopant": ["Os", "Ru", "Pd", "Zn", "Ir", "Os", "Ru", "Pd", "Zn"],
            "gfn1": [-5.0, -4.0, -3.0, -2.0, -4.5, -4.0, -3.0, -2.0, -1.0],
        }
    )
    few = changed(data, table=DescriptorTable(rows.assign(**dict.fromkeys(FEATURES, 0.1))))
    assert sections._best_partners(few, "Au") == (
        "Au/M, ligands: lowest E_form with Os, Ir and Ru; the article puts Os, Re and Ru first, of which Os and Ru are "
        "among ours."
    )
    assert "none labelled" in sections._best_partners(few, "Ni")
    [told] = sections._gold_above_copper(few)
    assert told.startswith("Over 4 partners that both have (ligands), Au/M is more stable than Cu/M by 1.00 eV/metal")


def test_sides_of_the_volcano_are_compared():
    rows = pd.DataFrame({"surroundings": ["zeolite", "ligands"], "chi_env": [-1.0, -0.2]})
    [told] = sections._sides(rows)
    assert "χ_env of −1.00, clusters of −0.20, as in the article" in told
    [told] = sections._sides(rows.assign(chi_env=[0.0, -0.2]))
    assert "unlike in the article" in told
    assert sections._sides(rows.iloc[:1]) == ()


def test_sentences_follow_the_numbers():
    assert "0.5 times" in words.compared_errors("MML", 0.05, 0.1, "here")
    assert "about the published" in words.compared_errors("MML", 0.1, 0.1, "here")
    x = np.arange(30.0)
    strong, none = correlation(x, -x + np.sin(x)), correlation(x, np.sin(7 * x))
    assert "zero is outside" in words.correlated(strong, "a", "b")
    assert "zero is within" in words.correlated(none, "a", "b")
    assert "outside" in words.against_published(none, -0.9) and "within" in words.against_published(none, none.r)
    assert "too few" in words.correlated(correlation(x[:2], x[:2]), "a", "b")


def test_rendering_keeps_text_and_pictures(tmp_path):
    drawn = picture("dots", figures.new_figure(2, 2), "some <dots>", "a caption")
    table = Table(("a", "b"), (("x|y", "−1"), ("z", "2")), "the table")
    both = Table(("what", "ours", "published"), (("x", "1", "<2"),), "side by side")
    section = Section("First & last", "Ours is one.", both, ("A < B.",), (table,), (drawn,))
    written = page.render([section], ("Hello.",), tmp_path)
    html, text = (tmp_path / "reproduce.html").read_text(), (tmp_path / "reproduce.md").read_text()
    assert "First &amp; last" in html and "A &lt; B." in html and "data:image/png;base64," in html
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)
    assert "| a | b |\n| --- | --- |\n| x\\|y | −1 |\n| z | 2 |\n" in text
    assert "**Ours is one.**\n\nside by side\n\n| what | ours | published |" in text
    assert '<p class="difference">Ours is one.</p>' in html and html.count("<table>") == 2 and "&lt;2" in html
    assert html.startswith("<!DOCTYPE html>")
    assert "](images/reproduce_dots.png)" in text and (tmp_path / "images" / "reproduce_dots.png") in written


@pytest.mark.heavy
def test_the_whole_page_from_what_ships(tmp_path):
    result = CliRunner().invoke(app, ["reproduce", str(tmp_path), "--quiet"])
    assert result.exit_code == 0, result.output
    text = (tmp_path / "reproduce.md").read_text()
    parts = text.split("\n## ")[1:]
    assert len(parts) == len(page.section_makers()) and not re.search(r"\bnan\b", text)
    # Each section opens with its sentence and a table of our numbers beside the published ones.
    for part in parts:
        assert re.match(r"[^\n]+\n\n\*\*[^\n]+\.\*\*\n\n[^\n]+\n\n\|[^\n]*our[^\n]*published", part), part[:300]
