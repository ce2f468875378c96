"""`ase-bimetal label`: build, relax, sample and label the clusters of the data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ase_bimetal.cli import options
from ase_bimetal.extras import require


def label(
    folder: Annotated[
        Path, typer.Argument(file_okay=False, help="Where the shards go; an earlier run there is continued.")
    ],
    workers: Annotated[int, typer.Option(help="Processes on this machine, one thread each.")] = 2,
    scheduler: Annotated[str | None, typer.Option(help="Dask scheduler to use instead: tcp://host:8786.")] = None,
    go_on: Annotated[bool, typer.Option("--from-shipped", help="Start from the shipped labels.")] = False,
    only: Annotated[str, typer.Option(help="Only prototypes whose name holds this text.")] = "",
    level: Annotated[str, typer.Option(help="gfn1-xtb, cp2k-pbe, or module:Class of an ASE calculator.")] = "gfn1-xtb",
    hosts: Annotated[bool, typer.Option("--hosts", help="Zeolites, sheets and alloys in place of clusters.")] = False,
    pbe: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Label so many configurations of the data set with CP2K-PBE, those first that say most per minute.",
        ),
    ] = None,
    at_most: Annotated[int | None, typer.Option(min=1, help="Configurations per prototype, at most.")] = None,
    renew_above: Annotated[
        float | None,
        typer.Option(help="Relax parents with a larger residual force (eV/Å) further, and label their series anew."),
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Label the clusters of the campaign.

    Stop and restart it at any time. Geometries are GFN1-xTB's at every level.

    Example: ase-bimetal label lab --only Au4M2-Pd-SMe
    """
    require("label", *(["cluster"] if scheduler else []))
    if hosts:
        if scheduler is not None or level != "gfn1-xtb":
            raise typer.BadParameter("hosts are labelled with gfn1-xtb on this machine", param_hint="--hosts")
        _label_hosts(folder, workers, go_on, (only, at_most), not quiet)
        return
    if pbe is not None:
        _label_pbe(folder, pbe, workers, (only, go_on), not quiet)
        return
    from ase_bimetal.lab.labels.campaign import Job, run_campaign
    from ase_bimetal.lab.labels.dataset import unpack
    from ase_bimetal.lab.labels.plan import campaign

    jobs = [
        Job(job.prototype, min(job.n_samples, at_most or job.n_samples))
        for job in campaign()
        if only in job.prototype.name
    ]
    if not jobs:
        raise typer.BadParameter(f"no prototype holds {only!r} in its name")
    if go_on and not any(folder.glob("*.jsonl")):
        unpack(folder)
    run_campaign(jobs, folder, workers, scheduler, level, not quiet, renew_above)


def _label_pbe(folder: Path, n_labels: int, workers: int, chosen: tuple[str, bool], progress: bool) -> None:
    from ase_bimetal.lab.labels.dataset import load_labels
    from ase_bimetal.lab.labels.pbe import load_pbe, load_rejects, plan, run_pbe_campaign

    only, go_on = chosen
    frame = load_labels().frame
    rows = frame[frame.prototype.str.contains(only, regex=False)]
    tasks = [] if rows.empty else plan(rows, n_labels)
    if not tasks:
        raise typer.BadParameter(f"no prototype with small ligands holds {only!r} in its name", param_hint="--only")
    shipped = {label.record for label in load_pbe()} | set(load_rejects()) if go_on else set()
    run_pbe_campaign([task for task in tasks if task.record not in shipped], folder, workers, progress)


def _label_hosts(folder: Path, workers: int, go_on: bool, chosen: tuple[str, int | None], progress: bool) -> None:
    from dataclasses import replace

    from ase_bimetal.lab.labels.hosts import host_campaign, run_hosts, unpack_hosts

    only, at_most = chosen
    jobs = [
        replace(job, n_samples=min(job.n_samples, at_most or job.n_samples))
        for job in host_campaign()
        if only in job.name
    ]
    if not jobs:
        raise typer.BadParameter(f"no prototype holds {only!r} in its name")
    if go_on and not any(folder.glob("*.jsonl")):
        unpack_hosts(folder)
    run_hosts(jobs, folder, workers, progress)
