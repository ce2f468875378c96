"""The `ase-bimetal` command."""

from __future__ import annotations

import sys

import typer

from ase_bimetal.cli import dataset, demo, info, label, predict, train
from ase_bimetal.errors import BimetalError

app = typer.Typer(
    help="Formation energies and descriptors of ligand-protected bimetallic clusters.", no_args_is_help=True
)
app.command("demo")(demo.demo)
app.command("predict")(predict.predict_files)
app.command("info")(info.info)
app.command("label")(label.label)
app.command("dataset")(dataset.dataset)
app.command("train")(train.train)


def main() -> None:
    """Run the command line: exit code 0 for success, 1 when some input failed, 2 for wrong usage."""
    try:
        app()
    except BimetalError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        raise SystemExit(1) from None
