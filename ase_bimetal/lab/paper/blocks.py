"""What a page is made of: sections of sentences, tables and pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ase_bimetal.numbers import formulas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 160


@dataclass(frozen=True)
class Picture:
    """A figure of the page.

    Attributes
    ----------
    name
        Stem of its file.
    png
        The picture.
    alt
        What it shows, for who cannot see it.
    caption
        What it shows, with units, level of theory and model.
    """

    name: str
    png: bytes
    alt: str
    caption: str


@dataclass(frozen=True)
class Table:
    """A table of texts: ``header``, ``rows`` of the same length, and a ``caption``."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str

    def typeset(self) -> Table:
        """Write the formulas in all texts with subscripts."""
        rows = tuple(tuple(formulas(text) for text in row) for row in self.rows)
        return Table(self.header, rows, formulas(self.caption))

    def to_markdown(self) -> str:
        """Write header and rows as Markdown.

        Examples
        --------
        >>> print(Table(("a", "b"), (("x|y", "1"),), "").to_markdown())
        | a | b |
        | --- | --- |
        | x\\|y | 1 |
        """
        lines = (self.header, ("---",) * len(self.header), *self.rows)
        return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes
    ----------
    title
        Its heading.
    difference
        One sentence on how our numbers differ from the published ones, and why.
    comparison
        Our numbers beside the published ones; one column is ours, one the article's.
    sentences
        What else the numbers say.
    tables, pictures
        Further tables, and the figures.
    """

    title: str
    difference: str
    comparison: Table
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()

    def typeset(self) -> Section:
        """Write the formulas in all texts with subscripts."""
        return replace(
            self,
            difference=formulas(self.difference),
            comparison=self.comparison.typeset(),
            sentences=tuple(formulas(sentence) for sentence in self.sentences),
            tables=tuple(table.typeset() for table in self.tables),
            pictures=tuple(replace(drawn, caption=formulas(drawn.caption)) for drawn in self.pictures),
        )


def _cell(text: str) -> str:
    """Text that stays in its cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


def picture(name: str, figure: Figure, alt: str, caption: str) -> Picture:
    """Draw a matplotlib figure into a `Picture`."""
    stream = io.BytesIO()
    # No date or version inside, so that equal data give equal files.
    figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None, "Description": caption})
    return Picture(name, stream.getvalue(), alt, caption)


__all__ = ["Picture", "Section", "Table", "picture"]
