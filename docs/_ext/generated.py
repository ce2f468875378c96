"""Text that is made when the pages are built, so that no number and no list is copied by hand.

A line ``<!-- generated: NAME [ARGUMENT] -->`` of a page is followed by what the maker of that name writes.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path

import cards
import measured
from sphinx.application import Sphinx

PAGES = Path(__file__).parents[1]
MARK = re.compile(r"^<!-- generated: (?P<name>[\w-]+)(?: (?P<argument>\S+))? -->$", re.MULTILINE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Fill the pages as they are read."""
    app.connect("source-read", lambda _, page, source: source.__setitem__(0, fill(source[0])))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def fill(text: str) -> str:
    """A page's Markdown with the made text after each mark."""
    return MARK.sub(lambda mark: f"{mark[0]}\n\n{_made(mark['name'], mark['argument'])}\n", text)


def modules(package: str) -> list[str]:
    """Public modules right inside a package, in alphabetical order; the package itself first if it has contents."""
    parent = importlib.import_module(package)
    inside = [m.name for m in pkgutil.iter_modules(parent.__path__) if not m.ispkg and not m.name.startswith("_")]
    return [f"{package}.{name}" for name in inside]


def _room(package: str | None) -> str:
    """API of every module of a package, from its docstrings."""
    return "\n\n".join(
        f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n```" for name in modules(package or "ase_bimetal")
    )


def _other_pages(_: str | None) -> str:
    """A list of the pages that the start page does not list by hand, so that none is lost."""
    listed = set(re.findall(r"^[\w-]+$", (PAGES / "index.md").read_text(), re.MULTILINE)) | {"index"}
    others = sorted(page.stem for page in PAGES.glob("*.md") if page.stem not in listed)
    return "\n".join(["```{toctree}", ":hidden:", ":caption: More", "", *others, "```"]) if others else ""


MAKERS: dict[str, Callable[[str | None], str]] = {
    "room": _room,
    "other-pages": _other_pages,
    "model-card": cards.model_card,
    "encoder-card": cards.encoder_card,
    "forest-card": cards.forest_card,
    "label-card": cards.label_card,
    "anchor-card": cards.anchor_card,
    "level-difference": cards.level_difference,
    "benchmarks": measured.benchmarks,
}


def _made(name: str, argument: str | None) -> str:
    if name not in MAKERS:
        raise ValueError(f"no maker {name!r} of generated text; allowed: {', '.join(MAKERS)}")
    return MAKERS[name](argument)
