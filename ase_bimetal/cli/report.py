"""`ase-bimetal report`: one HTML file of a screening, and figures for papers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Results folder of a screening.")],
    out: Annotated[Path | None, typer.Option(help="HTML file; default: report.html, unless --figures.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Folder for PNG and SVG figures, one column wide.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="At most so many rows in the table, best first.")] = 5000,
) -> None:
    """Write the report of a screening as one self-contained HTML file, or its figures for a paper.

    Example: ase-bimetal report results --out report.html --figures figures
    """
    from ase_bimetal.report import write_figures, write_report

    if figures is not None:
        for path in write_figures(folder, figures):
            print(path)
    if out is not None or figures is None:
        print(write_report(folder, out or Path("report.html"), rows))
