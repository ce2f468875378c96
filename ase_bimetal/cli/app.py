"""The `ase-bimetal` command."""

from __future__ import annotations

import errno
import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from ase_bimetal.cli import (
    build,
    dataset,
    demo,
    evaluate,
    explain,
    featurize,
    info,
    label,
    predict,
    pretrain,
    report,
    reproduce,
    screen,
    train,
)
from ase_bimetal.errors import BimetalError
from ase_bimetal.extras import name_extra

# What a full disk, a limit on files, or a folder of somebody else says.
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
app = typer.Typer(
    epilog="Exit codes: 0 all fine; 1 something failed, each with its reason on standard error; 2 wrong usage; "
    "130 interrupted, with finished work kept.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"ase-bimetal {version('ase-bimetal')}")
        raise typer.Exit


@app.callback()
def _every_verb(
    asked: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Formation energies and descriptors of ligand-protected bimetallic clusters."""


app.command("demo")(demo.demo)
app.command("predict")(predict.predict_files)
app.command("featurize")(featurize.featurize)
app.command("info")(info.info)
app.command("label")(label.label)
app.add_typer(dataset.app, name="dataset")
app.command("build")(build.build)
app.command("sample")(build.sample)
app.command("screen")(screen.screen)
app.command("report")(report.report)
app.command("train")(train.train)
app.command("pretrain-ligands")(pretrain.pretrain_ligands)
app.command("evaluate")(evaluate.evaluate)
app.command("reproduce")(reproduce.reproduce)
app.command("explain")(explain.explain)


def main() -> None:
    """Run the command line.

    The exit code is 0 for success, 1 when some input failed, and 2 for wrong usage.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns where it cannot write a cache of its own
    try:
        with name_extra():
            app()
    except BimetalError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        print(
            f"{type(error).__name__}: {error}: what is finished is not lost. Make room, or give a place that can be "
            "written, and run the same command again",
            file=sys.stderr,
        )
        raise SystemExit(1) from None
