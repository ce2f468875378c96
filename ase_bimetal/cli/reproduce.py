"""`ase-bimetal reproduce`: the published tables and figures beside ours, as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ase_bimetal.cli import options
from ase_bimetal.extras import require


def reproduce(
    out: Annotated[Path, typer.Argument(file_okay=False, help="Folder for the page, made if missing.")],
    quiet: options.Quiet = False,
) -> None:
    """Rebuild the page of published results beside ours.

    It is made from what ships: HTML, Markdown and pictures.

    Example: ase-bimetal reproduce reproduced
    """
    require("train", "label", "explain", "report")
    from ase_bimetal.lab.paper import write_page

    for path in write_page(out, options.teller(quiet)):
        print(path)
