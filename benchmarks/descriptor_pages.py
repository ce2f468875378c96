"""Make again all that hangs on the eight features: settings, table, card, pictures, and the tables in the pages.

``python benchmarks/descriptor_pages.py`` takes some minutes on one core; run it whenever the shipped labels change.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from ase_bimetal.cli.explain import explain
from ase_bimetal.cli.tables import markdown_forest, markdown_forest_pbe
from ase_bimetal.lab.labels.level_difference import differences, markdown_support
from ase_bimetal.lab.labels.support_pbe import SUPPORTS
from ase_bimetal.lab.regressors import forest_card, tuning
from ase_bimetal.lab.regressors.compare import compare
from ase_bimetal.lab.regressors.labelled_table import labelled_rows
from ase_bimetal.model.forest_card import CARD
from ase_bimetal.model.regressors import settings

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = ("forest_parity", "pearson", "shap_bar", "shap_beeswarm", "shap_dependence")


def fill(page: Path, mark: str, text: str) -> None:
    """Put text between a page's ``<!-- mark -->`` and ``<!-- /mark -->``."""
    head, rest = page.read_text().split(f"<!-- {mark} -->\n", 1)
    tail = rest.split(f"<!-- /{mark} -->", 1)[1]
    page.write_text(f"{head}<!-- {mark} -->\n{text}\n<!-- /{mark} -->{tail}")


def fit() -> None:
    """Settings, table and card of the forest."""
    tuning.main()
    settings.cache_clear()
    forest_card.main()


def pages() -> None:
    """Tables and pictures of the pages, from what ships."""
    card = json.loads(CARD.read_text())
    fill(DOCS / "descriptor-model.md", "card", markdown_forest(card))
    fill(DOCS / "descriptor-model.md", "pbe", markdown_forest_pbe(card))
    rows = differences()
    for kind in SUPPORTS:
        fill(DOCS / "hosts.md", kind, markdown_support(kind, rows))
    configurations = compare(labelled_rows(), "configurations").to_markdown().strip()
    with TemporaryDirectory() as folder:
        explain(Path(folder), "minima")
        minima = (Path(folder) / "regressors.md").read_text().strip()
        fill(DOCS / "explain.md", "formula", (Path(folder) / "formula.md").read_text().strip())
        for name in PICTURES:
            shutil.copy(Path(folder) / f"{name}.png", DOCS / "images" / f"{name}.png")
    fill(DOCS / "explain.md", "regressors", f"{minima}\n\n{configurations}")


if __name__ == "__main__":
    fit()
    pages()
