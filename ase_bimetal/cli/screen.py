"""`ase-bimetal screen`: predict many clusters into a results folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from ase_bimetal.screening.run import ScreenSummary


def screen(
    config: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="YAML configuration.")] = None,
    out: Annotated[Path, typer.Option(help="Results folder; an interrupted run goes on.")] = Path("results"),
    scheduler: Annotated[str | None, typer.Option(help="Dask scheduler, such as tcp://host:8786.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 1,
    example: Annotated[bool, typer.Option(help="Screen 16 dopants × 12 ligands × 5 motifs.")] = False,
    best: Annotated[int, typer.Option(help="Rows of the table shown at the end.")] = 10,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress bar.")] = False,
) -> None:
    """Enumerate clusters, predict, filter and rank them; results go to Parquet files.

    Candidates that fail are rows with a reason; the exit code is 1 when not one could be predicted.

    Example: ase-bimetal screen screen.yaml --out results
    """
    from ase_bimetal.screening.config import ScreenConfig, example_path
    from ase_bimetal.screening.ranking import top_candidates
    from ase_bimetal.screening.run import screen as run

    if example == (config is not None):
        raise typer.BadParameter("give a configuration file, or --example")
    found = run(ScreenConfig.from_yaml(config or example_path()), out, scheduler, workers, progress=not quiet)
    _show(found, top_candidates(out, best))
    raise typer.Exit(0 if found.n_ok else 1)


def _show(summary: ScreenSummary, best: pd.DataFrame) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(
        f"{summary.n_ok} predicted, {summary.n_failed} failed, {summary.n_skipped} combinations skipped; "
        f"{summary.n_passing} pass all filters. {summary.n_reused} rows were there before; {summary.seconds:.0f} s.",
        highlight=False,
    )
    table = Table(title="Best by the upper end of the 90 % interval")
    for name in ("", "core", "motif", "ligands", "E_form [eV/metal]", "±", "φ", "H_mix [kJ/mol]", "flags"):
        table.add_column(name, justify="right" if name in ("", "±", "φ") or "[" in name else "left")
    for row in best.itertuples():
        table.add_row(
            str(row.rank), row.composition, row.motif, row.ligands, f"{row.formation_energy:.2f}",
            f"{row.formation_energy_std:.2f}", f"{row.phi:.2f}", f"{row.mixing_enthalpy:.0f}", str(len(row.flags)),
        )
    if len(best):
        console.print(table)
    console.print(
        f"E_form: {summary.level}, reference {summary.reference}, model {summary.model}; unrelaxed template "
        f"geometries. Rows, units and templates: {summary.out}",
        highlight=False, soft_wrap=True,
    )
