"""Pages whose tables a script fills hold what the shipped files say; a failure names the script to run."""

from pathlib import Path

import pytest

from ase_bimetal.cli.tables import markdown_pbe
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.paper import assess_materials
from ase_bimetal.lab.regressors.explain import formula_markdown, sparse_formula
from ase_bimetal.model.card import read_card
from ase_bimetal.model.checkpoint import WEIGHTS, load_checkpoint
from ase_bimetal.model.forest import get_forest
from ase_bimetal.model.table import read_table

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


@pytest.fixture
def scripts(monkeypatch):
    """The folder of the scripts that fill the pages can be imported from."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def block(page, mark):
    """What stands between a page's marks."""
    return (DOCS / page).read_text().split(f"<!-- {mark} -->\n")[1].split(f"\n<!-- /{mark} -->")[0]


def test_fill_replaces_one_block_and_nothing_else(scripts, tmp_path):
    from descriptor_pages import fill

    page = tmp_path / "page.md"
    page.write_text("head\n<!-- a -->\nold\n<!-- /a -->\n<!-- b -->\nkept\n<!-- /b -->\n")
    fill(page, "a", "new")
    assert page.read_text() == "head\n<!-- a -->\nnew\n<!-- /a -->\n<!-- b -->\nkept\n<!-- /b -->\n"
    with pytest.raises(ValueError):
        fill(page, "c", "new")


def test_graph_page_shows_the_card(scripts):
    pytest.importorskip("torch_geometric")
    import graph_pages

    card = read_card(WEIGHTS / "gcnn-gfn1-pbe" / "card.json")
    again = "run python benchmarks/graph_pages.py"
    assert block("gcnn.md", "attention") == graph_pages.attention_text(card), again
    assert block("gcnn.md", "errors") == graph_pages.errors_table(card, load_checkpoint().card), again


def test_explain_page_is_of_the_shipped_table():
    minima, again = read_table().minima(), "run python benchmarks/descriptor_pages.py"
    assert f"Rows: minima, n = {len(minima.targets)}." in block("explain.md", "regressors"), again
    assert block("explain.md", "formula") == formula_markdown(sparse_formula(minima)), again


def test_pages_of_the_published_results_are_of_what_ships(scripts):
    import reproduce_pages

    again, forest = "run python benchmarks/reproduce_pages.py", get_forest()
    shown = block("reproduce.md", "comparison")
    for name in (load_checkpoint().name, forest.name, load_labels().digest):
        assert name in shown, again
    assert block("external-materials.md", "materials") == reproduce_pages.materials(
        assess_materials(forest, read_table()), forest.name
    ), again


def test_readme_leads_with_the_errors_against_pbe_of_the_card():
    card, readme = load_checkpoint().card, (ROOT / "README.md").read_text()
    table = readme.partition("<!-- pbe -->\n")[2].partition("\n<!-- /pbe -->")[0]
    assert table == markdown_pbe(card.level_difference.errors)
    assert readme.index("<!-- pbe -->") < readme.index("<!-- metrics -->")
