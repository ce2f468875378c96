"""`ase-bimetal screen`: predict many clusters into a results folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ase_bimetal.cli import options
from ase_bimetal.extras import require

if TYPE_CHECKING:
    import pandas as pd

    from ase_bimetal.screening.run import ScreenSummary


def screen(
    config: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="YAML configuration.")] = None,
    out: Annotated[Path, typer.Option(file_okay=False, help="Results folder; an interrupted run goes on.")] = Path(
        "results"
    ),
    scheduler: Annotated[str | None, typer.Option(help="Dask scheduler, such as tcp://host:8786.")] = None,
    workers: options.Workers = 1,
    example: Annotated[bool, typer.Option(help="Screen 16 dopants × 12 ligands × 5 motifs.")] = False,
    best: Annotated[int, typer.Option(help="Rows of the table shown at the end.")] = 10,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Name every failed candidate on standard error.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Screen clusters, or metal pairs on supports.

    Candidates are enumerated, predicted, filtered and ranked; results go to Parquet files.

    Candidates that fail are rows with a reason; the exit code is 1 when not one could be predicted.

    Example: ase-bimetal screen --example --out results
    """
    require("screen", *(["cluster"] if scheduler else []))
    from ase_bimetal.cli.batches import INTERRUPTED
    from ase_bimetal.errors import ScreenError
    from ase_bimetal.screening.config import ScreenConfig, example_path
    from ase_bimetal.screening.ranking import top_candidates
    from ase_bimetal.screening.run import screen as run

    if example == (config is not None):
        raise typer.BadParameter("give a configuration file, or --example")
    try:
        settings = ScreenConfig.from_yaml(config or example_path())
    except ScreenError as error:
        raise typer.BadParameter(str(error), param_hint="CONFIG") from None
    try:
        found = run(settings, out, scheduler, workers, progress=not quiet)
    except KeyboardInterrupt:
        print(f"interrupted: finished rows are in {out}; the same command goes on from there", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if verbose:
        _name_failures(out)
    _show(found, top_candidates(out, best))
    raise typer.Exit(0 if found.n_ok else 1)


def _name_failures(out: Path) -> None:
    from ase_bimetal.screening import columns as c
    from ase_bimetal.screening.results import iter_results

    for frame in iter_results(out, [c.ID, c.STATUS, c.REASON]):
        for row in frame[frame[c.STATUS] != c.OK].itertuples():
            print(f"{row.id}: {row.status}: {row.reason}", file=sys.stderr)


def _show(summary: ScreenSummary, best: pd.DataFrame) -> None:
    from rich.table import Table

    from ase_bimetal.cli.render import console_for
    from ase_bimetal.numbers import number
    from ase_bimetal.report.results import candidate_name

    console = console_for(sys.stdout)
    console.print(
        f"{summary.n_ok} predicted, {summary.n_failed} failed, {summary.n_skipped} combinations skipped; "
        f"{summary.n_passing} pass all filters. {summary.n_reused} rows were there before; {summary.seconds:.0f} s.",
        highlight=False,
    )
    table = Table(title="Best by the upper end of the 90 % interval")
    for name in ("", "candidate", "motif"):
        table.add_column(name, overflow="fold")
    for name in ("E_form ± std\neV/metal", "φ\n-", "H_mix\nkJ/mol", "flags"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in best.itertuples():
        place = f" #{row.arrangement:.0f}" if best.arrangement.nunique() > 1 else ""
        table.add_row(
            str(row.rank),
            candidate_name(row.composition, row.ligands) + place,
            row.motif,
            f"{number(row.formation_energy)} ± {number(row.formation_energy_std)}",
            number(row.phi),
            number(row.mixing_enthalpy, 0),
            str(len(row.flags)),
        )
    if len(best):
        console.print(table)
    console.print(
        f"E_form: {summary.level}, reference state {summary.reference_state}, model {summary.model}; templates are not "
        f"relaxed. Rows, units and templates: {summary.out}",
        highlight=False,
        soft_wrap=True,
    )
