"""`ase-bimetal report`: one HTML file of a screening, and figures for papers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ase_bimetal.cli.targets import check_suffix
from ase_bimetal.extras import require


def report(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Results folder of a screening.")],
    out: Annotated[Path | None, typer.Option(help="HTML file; default: report.html, unless --figures.")] = None,
    figures: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for PNG and SVG figures, one column wide.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="At most so many rows in the table, best first.")] = 5000,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print the summary, too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not name the files written.")] = False,
) -> None:
    """Write the report of a screening.

    It is one self-contained HTML file, or the figures for a paper.

    Example: ase-bimetal report results --out report.html --figures figures
    """
    if out is not None:
        check_suffix(out, (".html", ".htm"), "--out")
    require("screen", "report")
    from ase_bimetal.report import read_results, summarise, write_figures, write_report

    written = [] if figures is None else write_figures(folder, figures)
    if out is not None or figures is None:
        written.append(write_report(folder, out or Path("report.html"), rows))
    if verbose:
        print("\n".join(summarise(read_results(folder))))
    if not quiet:
        print("\n".join(map(str, written)))
