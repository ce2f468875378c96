"""`ase-bimetal label`: build, relax, sample and label the reference clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def label(
    folder: Annotated[Path, typer.Argument(help="Where the shards go; an earlier run there is continued.")],
    workers: Annotated[int, typer.Option(help="Processes, one thread each.")] = 2,
    go_on: Annotated[bool, typer.Option("--from-shipped", help="Start from the shipped labels.")] = False,
    only: Annotated[str, typer.Option(help="Only prototypes whose name holds this text.")] = "",
) -> None:
    """Label the reference campaign with GFN1-xTB; stop and restart it at any time.

    Example: ase-bimetal label lab --only Au4M2-Pd-SMe
    """
    from ase_bimetal.reference.campaign import first_campaign, run_campaign
    from ase_bimetal.reference.dataset import unpack

    jobs = [job for job in first_campaign() if only in job.prototype.name]
    if not jobs:
        raise typer.BadParameter(f"no prototype holds {only!r} in its name")
    if go_on and not any(folder.glob("*.jsonl")):
        unpack(folder)
    run_campaign(jobs, folder, workers)
