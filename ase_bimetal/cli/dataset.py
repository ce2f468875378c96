"""`ase-bimetal dataset`: what the labels hold, and packing, export and rebuilding of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ase_bimetal.cli.targets import PICTURES, check_suffix
from ase_bimetal.extras import require

if TYPE_CHECKING:
    from rich.table import Table

    from ase_bimetal.lab.labels.dataset import LabelSet
    from ase_bimetal.lab.labels.hosts import HostData

app = typer.Typer(help="The labels: counts, picture, packing, export, rebuilding.", no_args_is_help=True)
_Source = Annotated[Path | None, typer.Option(help="Packed labels; default: the shipped ones.")]


@app.command()
def info(
    data: _Source = None,
    picture: Annotated[Path | None, typer.Option(help="Also draw the distribution of energies here.")] = None,
    hosts: Annotated[bool, typer.Option("--hosts", help="Zeolites, sheets and alloys in place of clusters.")] = False,
) -> None:
    """Print counts per family, dopant, ligand, size, move and level, and the rejects.

    Example: ase-bimetal dataset info --picture distribution.png
    """
    from rich.console import Console

    if picture is not None:
        check_suffix(picture, PICTURES, "--picture")
    labels, counts = _host_labels(data) if hosts else _cluster_labels(data)
    console = Console()
    energies = labels.frame.formation_energy
    console.print(
        f"{len(labels.frame)} configurations of {labels.frame.prototype.nunique()} prototypes, "
        f"{len(labels.rejects)} rejected; digest {labels.digest}"
    )
    reference = "" if hosts else ", dimer reference"
    console.print(
        f"E_form (GFN1-xTB{reference}): {energies.min():.2f} to {energies.max():.2f} eV/metal, "
        f"{100 * energies.between(-4, -1).mean():.0f} % within −4…−1"
    )
    for table in _count_tables(counts):
        console.print(table)
    if picture is not None:
        from ase_bimetal.lab.labels.figures import draw_distribution

        draw_distribution(labels.frame, picture)


def _cluster_labels(data: Path | None) -> tuple[LabelSet, dict[str, dict[str, int]]]:
    from ase_bimetal.lab.labels.dataset import SHIPPED, describe, load_labels

    labels = load_labels(data or SHIPPED)
    return labels, describe(labels)


def _host_labels(data: Path | None) -> tuple[HostData, dict[str, dict[str, int]]]:
    from ase_bimetal.lab.labels.hosts import SHIPPED_HOSTS, describe_hosts, load_hosts

    labels = load_hosts(data or SHIPPED_HOSTS)
    return labels, describe_hosts(labels)


def _count_tables(counts: dict[str, dict[str, int]]) -> Iterator[Table]:
    from rich.table import Table

    for title, rows in counts.items():
        table = Table(title, "count")
        for name, n in rows.items():
            table.add_row(str(name), str(n))
        yield table


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Labelling folder.")],
    target: Annotated[Path, typer.Argument(help="Packed file to write, such as my-labels.json.xz.")],
) -> None:
    """Pack a labelling folder into one compressed file.

    Every record is checked once more.

    Example: ase-bimetal dataset pack lab my-labels.json.xz
    """
    check_suffix(target, (".xz",), "TARGET")
    from ase_bimetal.lab.labels.dataset import pack as pack_folder

    print(f"digest {pack_folder(folder, target)}")


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="New ASE database, such as labels.db.")],
    data: _Source = None,
) -> None:
    """Write the labels into an ASE database.

    Example: ase-bimetal dataset export labels.db
    """
    from ase_bimetal.lab.labels.dataset import SHIPPED, export_db, load_labels

    check_suffix(target, (".db", ".json"), "TARGET")
    if target.exists():
        raise typer.BadParameter(f"{target} exists; allowed: a new file")
    print(f"{export_db(load_labels(data or SHIPPED).frame, target)} rows")


@app.command()
def rebuild(
    records: Annotated[int, typer.Option(help="How many records.")] = 20,
    seed: Annotated[int, typer.Option(help="Which ones are drawn.")] = 0,
    data: _Source = None,
) -> None:
    """Make some shipped records again and compare.

    Records with up to 60 atoms are drawn, made again from their parents and labelled.

    Example: ase-bimetal dataset rebuild --records 20
    """
    require("label")
    from ase_bimetal.lab.labels.dataset import SHIPPED, load_labels
    from ase_bimetal.lab.labels.dataset import rebuild as again

    labels = load_labels(data or SHIPPED)
    small = labels.frame[[len(atoms) <= 60 for atoms in labels.frame.atoms]]
    table = again(labels, small.sample(records, random_state=seed).id)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    worst = table.difference.abs().max()
    print(f"largest difference {worst:.3f} meV/metal")
    raise typer.Exit(0 if worst < 1.0 else 1)
