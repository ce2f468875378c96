"""The page from made-up data whose answer is known: numbers, sentences, files."""

import json
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ase_bimetal.baselines.forest import get_forest
from ase_bimetal.baselines.table import read_table
from ase_bimetal.cli.app import app
from ase_bimetal.reproduce import figures, models, page, sections, words
from ase_bimetal.reproduce.blocks import Section, Table, picture
from ase_bimetal.reproduce.gather import HeldOut, PageData
from ase_bimetal.reproduce.materials import SHIPPED_MATERIALS, assess_materials
from ase_bimetal.reproduce.statistics import correlation, fit_double_weibull


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
    return PageData(
        labels=pd.DataFrame({"family": np.repeat(["A", "B"], 150), "energy": energy}),
        digest="0123", card=json.loads((files("ase_bimetal") / "weights" / "mml-gfn1-pbe" / "card.json").read_text()),
        test=HeldOut(truth, truth + 0.1, np.repeat(["A", "B"], 15), True),
        model="mml@test", forest=forest, table=table,
        charges=pd.DataFrame({"surroundings": "ligands", "chi_env": chi, "delta_q": 0.3 - (chi + 0.4) ** 2}),
        materials=assess_materials(forest, table, few),
    )


def test_distribution_is_fitted_and_told(data):
    section = sections.labels_section(data)
    assert "two humps" in section.sentences[0] and "300 labels" in section.sentences[0]
    assert section.pictures[0].png.startswith(b"\x89PNG")
    assert ("labels", "300", "11,186") in section.tables[0].rows


def test_parity_tells_the_error_and_old_weights(data):
    assert "MAE 0.100 eV/metal" in sections.parity_section(data).sentences[0]
    old = PageData(**vars(data) | {"test": HeldOut(data.test.truth, data.test.predicted, data.test.family, False)})
    assert "may have been trained on" in sections.parity_section(old).sentences[-1]
    assert not any("may have been" in sentence for sentence in sections.parity_section(data).sentences)


def test_volcano_finds_its_top_and_shape(data):
    told = sections.volcano_section(data).sentences[0]
    assert "opens downwards, as a volcano does" in told and "χ_env = −0.40" in told
    upside = PageData(**vars(data) | {"charges": data.charges.assign(delta_q=-data.charges.delta_q)})
    assert "opens upwards" in sections.volcano_section(upside).sentences[0]
    few = PageData(**vars(data) | {"charges": data.charges.head(3)})
    assert sections.volcano_section(few).pictures == ()


def test_descriptors_and_roses_are_drawn(data):
    assert len(sections.descriptors_section(data).sentences) == 4
    roses = sections.roses_section(data)
    assert "Au/M, ligands" in roses.sentences[0] and roses.pictures


def test_rose_takes_each_partner_once():
    rows = pd.DataFrame({"host": ["Au", "Au", "Cu", "Pt"], "dopant": ["Pd", "Pd", "Au", "Ni"],
                         "surroundings": "ligands", "gfn1": [-3.0, -4.0, -2.0, -1.0], "shift": 0.5})
    kind, rose = sections.rose_of(rows, "Au")
    assert kind == "ligands" and list(rose.partner) == ["Pd", "Cu"]
    assert list(rose.energy) == [-3.0, -1.5] and list(rose.half) == [0.5, 0.0]
    assert sections.rose_of(rows, "Ag")[1].empty


def test_materials_are_counted_and_listed(data):
    section = models.materials_section(data)
    assert ("materials", "10", "about 100") in section.tables[0].rows
    assert len(section.tables[1].rows) == 10


def test_equal_materials_count_once(data):
    twice = pd.concat([data.materials, data.materials])
    once, doubled = (models.material_correlations(rows) for rows in (data.materials, twice))
    assert [found.n for found in once.values()] == [found.n for found in doubled.values()]


def test_errors_stand_beside_the_published_ones(data, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "REGRESSORS", ("ridge", "SVR"))
    monkeypatch.setattr(models, "ABLATIONS", tmp_path / "ablations.json")
    networks = {"0": {"MAE": 0.1, "R2": 0.8, "n": 40}, "1": {"MAE": 0.2, "R2": 0.9, "n": 40}}
    (tmp_path / "ablations.json").write_text(json.dumps({"members": {"H_mix only": networks}}))
    section = models.errors_section(data)
    cells = {row[0]: row for row in section.tables[0].rows}
    card = data.card["metrics"]["random"]["MML"]
    assert cells["MML"][1].startswith(f"{card['MAE']:.3f}") and cells["MML"][3] == "0.055"
    assert cells["MML, H_mix only"][1] == "0.150 / 0.850" and cells["MML, log P only"][1] == "–"
    assert [row[0] for row in section.tables[1].rows] == ["ridge", "SVR"]
    assert all(re.fullmatch(r"\d\.\d{3} / −?\d\.\d{3}", cell) for row in section.tables[1].rows for cell in row[1:])


def test_attention_is_told_from_the_card(data, tmp_path, monkeypatch):
    kinds = {"metal": {"mean": 0.9, "std": 0.1, "count": 6}, "S": {"mean": 0.5, "std": 0.2, "count": 8}}
    groups = {"metal": kinds["metal"], "other atoms": {"mean": 0.6, "std": 0.1, "count": 9},
              "coordinating atoms": {"mean": 0.5, "std": 0.2, "count": 8}}
    card = {"name": "gcnn", "attention": {"what": "attention", "kinds": kinds, "groups": groups, "ligands": 1200,
                                          "pearson with electrons": {"mean": -0.25, "sum": float("nan")}}}
    (tmp_path / "card.json").write_text(json.dumps(card))
    monkeypatch.setattr(models, "GRAPH_CARD", tmp_path / "card.json")
    monkeypatch.setattr(models, "_attended_example", lambda: None)
    told = models.attention_section(data).sentences
    assert "another order" in told[0] and "−0.25 (mean), over 1,200 ligands" in told[1]
    assert "attention" in page.section_makers()
    monkeypatch.setattr(models, "GRAPH_CARD", tmp_path / "none.json")
    assert "attention" not in page.section_makers()


def test_sentences_follow_the_numbers():
    assert "0.5 times" in words.compared_errors("MML", 0.05, 0.1, "here")
    assert "about the published" in words.compared_errors("MML", 0.1, 0.1, "here")
    x = np.arange(30.0)
    strong, none = correlation(x, -x + np.sin(x)), correlation(x, np.sin(7 * x))
    assert "zero is outside" in words.correlated(strong, "a", "b")
    assert "zero is within" in words.correlated(none, "a", "b")
    assert "outside" in words.against_published(none, -0.9) and "within" in words.against_published(none, none.r)
    assert "too few" in words.correlated(correlation(x[:2], x[:2]), "a", "b")


def test_a_distribution_that_does_not_fit_is_called_so():
    flat = np.concatenate([np.linspace(-6, -5.9, 400), np.linspace(0, 0.1, 30)])
    assert "does not describe" in words.fitted(fit_double_weibull(flat))


def test_rendering_keeps_text_and_pictures(tmp_path):
    drawn = picture("dots", figures.new_figure(2, 2), "some <dots>", "a caption")
    table = Table(("a", "b"), (("x|y", "−1"), ("z", "2")), "the table")
    written = page.render([Section("First & last", ("A < B.",), (table,), (drawn,))], ("Hello.",), tmp_path)
    html, text = (tmp_path / "reproduce.html").read_text(), (tmp_path / "reproduce.md").read_text()
    assert "First &amp; last" in html and "A &lt; B." in html and "data:image/png;base64," in html
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)
    assert "| a | b |\n| --- | --- |\n| x\\|y | −1 |\n| z | 2 |\n" in text
    assert "](images/reproduce_dots.png)" in text and (tmp_path / "images" / "reproduce_dots.png") in written


@pytest.mark.heavy
def test_the_whole_page_from_what_ships(tmp_path):
    result = CliRunner().invoke(app, ["reproduce", str(tmp_path), "--quiet"])
    assert result.exit_code == 0, result.output
    text = (tmp_path / "reproduce.md").read_text()
    assert text.count("\n## ") == len(page.section_makers()) and not re.search(r"\bnan\b", text)
