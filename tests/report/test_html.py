"""The report as a file: whole, alone, honest about what it shows."""

import io
import json
import re
import sys
from dataclasses import replace
from html import escape

import pandas as pd
import pytest
from ase.io import read
from typer.testing import CliRunner

from ase_bimetal.cli.report import report
from ase_bimetal.errors import MissingPackageError, ScreenError
from ase_bimetal.model.checkpoint import load_checkpoint
from ase_bimetal.model.energy_parts import energy_parts
from ase_bimetal.model.nearest import nearest_labelled
from ase_bimetal.model.registry import get_model
from ase_bimetal.numbers import formula, number
from ase_bimetal.palette import element_colour
from ase_bimetal.report import cards, charts, html, read_results, summarise, write_figures, write_report
from ase_bimetal.report.html import BEST, render
from ase_bimetal.report.results import FRONT, NAME, Results, candidate_name, shell_parts
from ase_bimetal.report.table import table_block
from ase_bimetal.report.words import failure_groups, measured
from ase_bimetal.screening import candidate_atoms
from ase_bimetal.screening import columns as c
from ase_bimetal.structures.motifs import DOPANTS
from ase_bimetal.system import as_system


@pytest.fixture(scope="module")
def text(page):
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def static(text):
    """What a reader without JavaScript sees."""
    return re.sub(r"<script.*?</script>", "", text, flags=re.S)


def test_the_report_is_one_file_that_asks_for_no_other(page, text, static):
    assert [p.name for p in page.parent.iterdir() if p.suffix != ".html"] == []
    assert "default-src 'none'" in static
    assert not re.findall(r'\ssrc\s*=\s*"(?!data:image/png;base64,)|@import|url\(', static)
    links = re.findall(r"<(\w+)[^>]*\shref\s*=\s*\"([^\"]*)", static)
    assert {tag for tag, target in links if target.startswith("http")} == {"a"}
    assert all(target.startswith("https://doi.org/") for tag, target in links if tag == "a")
    assert len(text.encode()) < 8e6


def test_the_summary_needs_no_script(static, results):
    assert "34 candidates: " not in static or len(results.predicted) + len(results.failed) == 34
    for sentence in summarise(results)[:1]:
        assert sentence in static
    best = results.predicted.iloc[0]
    assert formula(best["name"]) in static and " ± " in static
    assert results.info["level"] in static and results.info["model"] in static
    assert "UnsupportedElementError" in static and "Gd" in static


def test_titles_and_reasons_cannot_break_the_page(static, text):
    assert "Dopants &lt;in&gt; gold" in static and "Dopants <in> gold" not in text


def test_the_table_holds_every_number_of_the_screening(results):
    block, flags = table_block(results, 1000)
    data = json.loads(block)
    place = {column["key"]: i for i, column in enumerate(data["columns"])}
    assert len(data["rows"]) == len(results.predicted)
    for row, (_, expected) in zip(data["rows"], results.predicted.iterrows(), strict=True):
        assert row[place["energy"]] == pytest.approx(
            [expected[c.FORMATION_ENERGY], expected[c.FORMATION_ENERGY_STD]], abs=6e-5
        )
        assert row[place["accessible"]] is bool(expected[c.ACCESSIBLE])
        assert [flags[i] for i in row[place["flags"]]] == list(expected[c.FLAGS])


def test_the_order_is_passing_first_then_the_upper_bound(results):
    rows = results.predicted
    assert 0 < len(results.passing) < len(rows)
    assert rows[c.PASSES].astype(bool).is_monotonic_decreasing
    assert results.passing[c.FORMATION_ENERGY_HIGH].is_monotonic_increasing
    assert results.favourable == (-0.3, -3.0)


def test_nothing_beats_the_front(results):
    rows = results.predicted.dropna(subset=[c.PHI])
    front = rows[rows[FRONT]]
    assert 0 < len(front) < len(rows)
    for _, row in front.iterrows():
        better = (rows[c.FORMATION_ENERGY] < row[c.FORMATION_ENERGY]) & (rows[c.PHI] > row[c.PHI])
        assert not better.any()


def test_the_heat_map_holds_the_lowest_energy_of_each_dopant_and_ligand(results, static):
    assert charts.heat_hosts(results, ["Au", "Pt"]) == ["Au"]
    [drawn] = json.loads(charts.heat_chart(results, "Au"))["data"]
    assert drawn["x"] == list(DOPANTS) and drawn["y"] == ["PMe₃", "SMe"]
    rows = results.predicted
    for i in range(2):
        for k, dopant in enumerate(drawn["x"]):
            mine = rows[(rows[c.DOPANTS] == dopant) & (rows[c.LIGAND] == ["PMe3", "SMe"][i])]
            assert drawn["z"][i][k] == pytest.approx(mine[c.FORMATION_ENERGY].min(), abs=6e-5)
            assert drawn["customdata"][i][k][0] == mine.loc[mine[c.FORMATION_ENERGY].idxmin(), c.ID]
    assert 'data-chart="heat-Au"' in static and "Dopant by ligand" in static


def test_one_ligand_makes_no_heat_map(results):
    one = results.predicted[results.predicted[c.LIGAND] == "SMe"]
    few = Results(results.folder, one, results.failed, results.skipped, results.info)
    assert charts.heat_hosts(few, ["Au"]) == [] and "Dopant by ligand" not in render(few)


def test_fewer_rows_are_said_to_be_fewer(results):
    page = render(results, rows=5)
    assert f"The best 5 of {len(results.predicted)} predicted candidates." in page
    found = json.loads(re.search(r'id="rows">(.*?)</script>', page, re.S)[1])
    assert len(found["rows"]) == 5


def test_a_screening_in_which_all_failed_still_has_a_report(results):
    empty = Results(results.folder, results.predicted.head(0), results.failed, results.skipped, results.info)
    page = render(empty)
    assert f"{len(results.failed)} candidates: 0 predicted, {len(results.failed)} failed" in page
    assert 'id="map"' not in page and "Best candidates" not in page


def test_failures_are_grouped_by_kind():
    rows = pd.DataFrame({c.ID: ["a", "b", "c"], c.REASON: ["LigandError: x", "GeometryError: y", "LigandError: z"]})
    groups = failure_groups(rows)
    assert [(g.kind, g.count, g.examples) for g in groups] == [("LigandError", 2, "a, c"), ("GeometryError", 1, "b")]


def test_without_the_model_the_card_is_said_to_be_missing(results):
    info = {**results.info, "model": "other@00000000"}
    page = render(Results(results.folder, results.predicted, results.failed, results.skipped, info))
    assert "not on this machine" in page and "leave one dopant out" not in page


def test_a_folder_without_a_screening_is_an_error(tmp_path):
    for act in (read_results, lambda path: write_report(path, path / "x.html"), lambda path: write_figures(path, path)):
        with pytest.raises(ScreenError):
            act(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_names_read_like_formulas():
    assert candidate_name("Au8Pd", "2 Cl + 6 PMe3") == "Au8Pd(PMe3)6(Cl)2"
    assert candidate_name("Au6Pd3", "2 Cp + 4 PMe3 + 2 SPh") == "Au6Pd3(SPh)2(Cp)2(PMe3)4"
    assert candidate_name("CuZn", None) == "CuZn"


def test_a_narrow_table_has_its_heads_beside_the_values(static):
    best = static.partition('aria-label="Best candidates">')[2].partition("</table>")[0]
    heads = [re.sub(r"<[^>]*>", " ", head).split()[0] for head in re.findall(r'<th scope="col"[^>]*>(.*?)</th>', best)]
    [first, *_] = re.findall(r"<tr><td>1</td>(.*?)</tr>", best, re.S)
    beside = [head.split()[0].rstrip(",") for head in re.findall(r'data-head="([^"]*)"', first)]
    assert beside == heads[2:] and len(beside) == first.count("<td")


def test_cards_hold_notes_ligands_and_numbers_in_full(results, static):
    shown = re.findall(r"<article.*?</article>", static, re.S)
    assert len(shown) == BEST
    assert "Ligands are drawn free" in static
    for card, (_, row) in zip(shown, results.predicted.iterrows(), strict=False):
        assert f'aria-label="{formula(row[NAME])}"' in card and card.count("<svg") == len(shell_parts(row[c.LIGANDS]))
        assert all(escape(flag, quote=True) in card for flag in row[c.FLAGS])
        assert ("No flags" in card) is (len(row[c.FLAGS]) == 0)
        assert 'src="data:image/png;base64,' in card


def lines(card: str, caption: str) -> list[tuple[str, float]]:
    """Rows of one small table of a card, as words and numbers."""
    table = card[card.index(caption) :].split("</table>")[0]
    found = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', table)
    return [(what, float(value.replace("−", "-"))) for what, value in found]


def test_the_parts_of_a_card_add_up_to_what_it_says(results, static):
    for card, (_, row) in zip(
        re.findall(r"<article.*?</article>", static, re.S), results.predicted.iterrows(), strict=False
    ):
        *parts, (name, total) = lines(card, "What E_form is made of")
        assert [what for what, _ in parts] == [
            "networks, at GFN1-xTB",
            "step to PBE-referenced GFN1-xTB",
            "reference state dimer",
        ]
        assert name == "E_form" and total == round(row[c.FORMATION_ENERGY], 3)
        assert sum(value for _, value in parts) == pytest.approx(total, abs=1e-9)
        assert f"<dd>{measured(row)} eV/metal</dd>" in card
        *shares, (_, whole) = lines(card, "What ± is made of")
        assert whole == round(row[c.FORMATION_ENERGY_STD], 3)
        assert sum(value**2 for _, value in shares) ** 0.5 == pytest.approx(whole, abs=1.5e-3)
        assert dict(shares)["unrelaxed template"] == round(row[c.TEMPLATE_ERROR], 3)


def test_a_card_names_the_nearest_labelled_cluster_and_its_colours(results, static):
    for card, (_, row) in zip(
        re.findall(r"<article.*?</article>", static, re.S), results.predicted.iterrows(), strict=False
    ):
        nearest = nearest_labelled(as_system(candidate_atoms(results.folder, row[c.ID])))
        assert f"({nearest.cluster.prototype}): {nearest.difference}</dd>" in card
        for symbol in ("Au", row[c.DOPANTS]):
            assert f'<i style="background:{element_colour(symbol)}"></i>{symbol}</span>' in card


def test_another_reference_state_is_a_part_of_its_own(results):
    model, row = get_model("mml-gfn1-pbe"), results.predicted.iloc[0].copy()
    system = as_system(candidate_atoms(results.folder, row[c.ID]))
    [found] = model.predict([system], "hydride")
    row[c.FORMATION_ENERGY], row[c.REFERENCE_STATE] = found.formation_energy_per_metal, "hydride"
    parts = energy_parts(model, system, "hydride")
    *told, (_, total) = cards.energy_lines(row, cards.Background(parts, None))
    assert told[2] == ("reference state hydride, from dimer", number(parts.reference_state, 3, "+"))
    assert abs(parts.reference_state) > 0.1
    numbers = [float(value.replace("−", "-")) for _, value in (*told, ("", total))]
    assert sum(numbers[:-1]) == pytest.approx(numbers[-1], abs=1e-9)
    assert numbers[-1] == round(found.formation_energy_per_metal, 3)


def test_a_screening_by_auto_is_taken_apart_as_one_by_name(results, static):
    info = results.info | {"config": results.info["config"] | {"model": "auto"}}
    page = render(replace(results, predicted=results.predicted.head(1), info=info))
    first = re.search(r"<article.*?</article>", page, re.S)[0]
    assert lines(first, "What E_form is made of") == lines(static, "What E_form is made of")


def test_a_prediction_that_the_model_no_longer_gives_is_not_taken_apart(results):
    rows = results.predicted.head(1).copy()
    rows[c.FORMATION_ENERGY] += 0.1
    page = render(replace(results, predicted=rows))
    assert "What E_form is made of" not in page and "of ±, the unrelaxed template" in page


def test_structures_of_the_page_can_be_read_and_predicted_again(results, text):
    found = json.loads(re.search(r'id="files">(.*?)</script>', text, re.S)[1])
    assert [entry["id"] for entry in found] == list(results.predicted[c.ID].head(BEST))
    assert len({entry["stem"] for entry in found}) == BEST
    atoms = candidate_atoms(results.folder, found[0]["id"])
    xyz = read(io.StringIO(found[0]["xyz"]), format="extxyz")
    assert xyz.info["ligand_smiles"] == atoms.info["ligand_smiles"]
    assert as_system(xyz).symbols == as_system(atoms).symbols and abs(xyz.positions - atoms.positions).max() < 1e-6
    boxed = read(io.StringIO(found[0]["cif"]), format="cif")
    assert boxed.pbc.all() and sorted(boxed.symbols) == sorted(atoms.symbols)
    assert abs(boxed.get_all_distances() - atoms.get_all_distances()).max() < 1e-3
    assert min(boxed.cell.lengths() - (atoms.positions.max(0) - atoms.positions.min(0))) == pytest.approx(16, abs=1e-3)


def test_errors_are_those_of_the_model_and_the_best_of_the_others():
    worse, better = {"MAE": 0.5, "RMSE": 1, "R2": 0.1, "n": 9}, {"MAE": 0.2, "RMSE": 1, "R2": 0.1, "n": 9}
    metrics = {"random": {"MML": better, "mean": worse, "ridge": better | {"MAE": 0.3}}, "alone": {"MML": better}}
    rows = html._metrics(replace(load_checkpoint().card, metrics=metrics))
    assert [(row["split"], row["model"], row["mae"]) for row in rows] == [
        ("random", "MML", "0.200"),
        ("random", "ridge", "0.300"),
        ("alone", "MML", "0.200"),
    ]


def test_the_command_writes_what_is_asked_for(folder, tmp_path, monkeypatch):
    import typer

    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(report)
    runner = CliRunner()
    result = runner.invoke(app, [str(folder), "--figures", "figures"])
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "report.html").exists()
    assert {p.name for p in (tmp_path / "figures").iterdir()} == {
        f"{name}.{ending}" for name in ("map", "distribution", "ranking", "rose-Au") for ending in ("png", "svg")
    }
    assert runner.invoke(app, [str(folder)]).exit_code == 0 and (tmp_path / "report.html").exists()
    assert runner.invoke(app, ["no-such-folder"]).exit_code == 2


def test_without_plotly_the_extra_is_named(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(MissingPackageError, match=r"plotly is not installed; pip install 'ase-bimetal\[report\]'"):
        write_report(folder, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


EVIL = (
    "</script><script>document.title='taken'</script><img src=x onerror=alert(1)><a href=\"javascript:alert(2)\">x</a>"
)


@pytest.fixture(scope="module")
def hostile(results):
    """The screening with names, ligands, motifs, flags, reasons and configuration values that are HTML."""

    def changed(rows):
        rows = rows.copy()
        for column in (NAME, c.MOTIF, c.GEOMETRY, c.REASON):
            if column in rows:
                rows[column] = EVIL
        rows[c.FLAGS] = [[EVIL]] * len(rows)
        rows[c.LIGAND], rows[c.LIGANDS] = EVIL + rows[c.LIGAND], "8 " + EVIL
        return rows

    config = results.info["config"] | {"title": EVIL, "ligands": [EVIL], "currency": EVIL, "dopants": [EVIL]}
    info = results.info | {"config": config, "level": EVIL, "version": EVIL}
    return replace(results, predicted=changed(results.predicted), failed=changed(results.failed), info=info)


def test_no_name_or_value_can_become_part_of_the_page(hostile):
    page = render(hostile, 50)
    assert EVIL not in page and "<script>document" not in page and "<img src=x" not in page
    assert "&lt;script&gt;document" in page
    # The heat map has a line for each ligand's name.
    heat = json.loads(re.search(r'id="heat-Au">(.*?)</script>', page, re.S)[1])
    assert heat["data"][0]["y"] == [escape(formula(EVIL + name)) for name in ("PMe3", "SMe")]


def test_a_hostile_screening_runs_nothing_in_a_browser(hostile, tmp_path, browse):
    (tmp_path / "a.html").write_text(render(hostile, 50), encoding="utf-8")
    shown, console = browse(tmp_path / "a.html")
    assert "<title>taken" not in shown and '<img src="x"' not in shown and "alert" not in console
    assert re.search(r'<[^<>]*href="javascript', shown) is None
    assert 'data-ready="yes"' in shown and "Uncaught" not in console
