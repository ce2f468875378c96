"""Fill the pages of the published results, of the ablations and of the known materials.

``python benchmarks/reproduce_pages.py`` takes a few minutes on one core; run it last, after ``graph_pages.py`` and
``descriptor_pages.py``, since it reads what they make.
"""

from __future__ import annotations

import json
import sys

import pandas as pd
from descriptor_pages import DOCS, fill

from ase_bimetal.lab.paper import literature
from ase_bimetal.lab.paper.blocks import Section
from ase_bimetal.lab.paper.gather import PageData, gather
from ase_bimetal.lab.paper.models import ABLATIONS
from ase_bimetal.lab.paper.page import make_sections
from ase_bimetal.lab.training.ablation import markdown_table

#: Those of the page's pictures that the documentation shows.
PICTURES = ("distribution", "parity", "volcano", "descriptors", "roses", "roses_phi", "materials")


def shown(section: Section) -> str:
    """A section's first sentence and table under its title, then its other sentences."""
    told = [f"- {sentence}" for sentence in section.sentences]
    table = f"{section.comparison.caption}\n\n{section.comparison.to_markdown()}"
    return "\n\n".join([f"### {section.title}", section.difference, table, *(["\n".join(told)] if told else [])])


def made_from(data: PageData) -> str:
    """What the numbers were made from."""
    return f"Model {data.model}; descriptor model {data.forest.name}; labels {data.digest}."


def materials(rows: pd.DataFrame, forest: str) -> str:
    """Counts and correlations of the known materials.

    Parameters
    ----------
    rows
        Of `ase_bimetal.lab.paper.materials.assess_materials`.
    forest
        Name of the descriptor forest.
    """
    table = literature.comparison(rows, forest)
    return f"{table.to_markdown()}\n\n{table.caption}"


def main() -> None:
    """Make the sections once and put them where they belong."""
    data = gather()
    sections = make_sections(data, lambda line: print(line, file=sys.stderr, flush=True))
    fill(DOCS / "reproduce.md", "comparison", "\n\n".join([made_from(data), *map(shown, sections)]))
    fill(DOCS / "ablations.md", "ablations", markdown_table(json.loads(ABLATIONS.read_text())).strip())
    fill(DOCS / "external-materials.md", "materials", materials(data.materials, data.forest.name))
    for drawn in (drawn for section in sections for drawn in section.pictures if drawn.name in PICTURES):
        (DOCS / "images" / f"reproduce_{drawn.name}.png").write_bytes(drawn.png)


if __name__ == "__main__":
    main()
