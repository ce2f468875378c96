"""Put the sections together and write them as one HTML file and as Markdown with pictures."""

from __future__ import annotations

import base64
from collections.abc import Callable
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from ase_bimetal.extras import name_extra
from ase_bimetal.files import write_whole
from ase_bimetal.lab.paper import published
from ase_bimetal.lab.paper.blocks import Picture, Section
from ase_bimetal.lab.paper.gather import PageData, gather

TITLE = "Published results beside ours"
_PAGE = files("ase_bimetal.lab.paper") / "page"


@name_extra()
def write_page(folder: str | Path, progress: Callable[[str], None] | None = None) -> list[Path]:
    """Rebuild the page from what ships.

    Parameters
    ----------
    folder
        Where ``reproduce.html`` (with its pictures inside), ``reproduce.md`` and ``images/`` go; made if missing.
    progress
        Told what is being done, one line at a time.

    Returns
    -------
    list of Path
        The files written.
    """
    tell = progress or (lambda line: None)
    tell("loading labels and models")
    data = gather()
    return render(make_sections(data, tell), introduction(data), Path(folder))


def make_sections(data: PageData, tell: Callable[[str], None] = lambda line: None) -> list[Section]:
    """Make all sections in the order of the page.

    Parameters
    ----------
    data
        Of `ase_bimetal.lab.paper.gather.gather`.
    tell
        Told what is being made.
    """
    sections = []
    for title, make in section_makers().items():
        tell(title)
        sections.append(make(data).typeset())
    return sections


def section_makers() -> dict[str, Callable[[PageData], Section]]:
    """List the makers of the page's sections.

    What is said while a section is made → its maker, in the order of the page.
    """
    from ase_bimetal.lab.paper import explained, large, literature, models, printed, sections

    # Attention is there as soon as the weights of the graph-only network are.
    attention = {"attention": explained.attention_section} if explained.GRAPH_CARD.is_file() else {}
    return {
        "errors of the models": models.errors_section,
        "regressors on eight features": models.regressors_section,
        "distribution of labels": sections.labels_section,
        "test rows": sections.parity_section,
        **attention,
        "SHAP values": explained.shap_section,
        "charge transfer": sections.volcano_section,
        "descriptors": sections.descriptors_section,
        "pairs of metals": sections.roses_section,
        "single numbers": printed.printed_section,
        "large clusters": large.large_section,
        "materials from the literature": literature.materials_section,
    }


def introduction(data: PageData) -> tuple[str, ...]:
    """Say what is compared with what."""
    return (
        f"Tables and figures of {published.SOURCE} (doi {published.DOI}), made again from the labels and models "
        f"that ship with ase-bimetal {version('ase-bimetal')}.",
        f"Model {data.model}; descriptor model {data.forest.name}; labels {data.digest}. Level of theory of ours: "
        f"{data.card.level}, ligands against their dimers. The article's labels are density-functional energies of "
        "its own that are not public, of other clusters, with another state of the free surroundings: its errors and "
        "correlations are a yardstick, its absolute energies are not.",
        "Every sentence below is made from the numbers it holds.",
    )


def render(sections: list[Section], intro: tuple[str, ...], folder: Path) -> list[Path]:
    """Write the sections as HTML and as Markdown with an ``images`` folder."""
    from jinja2 import Environment, StrictUndefined

    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    written = []
    for drawn in (drawn for section in sections for drawn in section.pictures):
        written.append(images / f"reproduce_{drawn.name}.png")
        write_whole(written[-1], drawn.png)
    for name, escape in (("reproduce.html", True), ("reproduce.md", False)):
        environment = Environment(
            autoescape=escape,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters["inline"] = _inline
        template = environment.from_string((_PAGE / f"{name}.j2").read_text(encoding="utf-8"))
        text = template.render(title=TITLE, intro=intro, sections=sections, version=version("ase-bimetal"))
        written.append(folder / name)
        write_whole(written[-1], text)
    return written


def _inline(drawn: Picture) -> str:
    """A picture as text that an HTML page can hold."""
    return "data:image/png;base64," + base64.b64encode(drawn.png).decode()


__all__ = ["introduction", "make_sections", "render", "section_makers", "write_page"]
