"""`ase-bimetal dataset`: what the shipped labels hold; or pack new ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def dataset(
    pack_folder: Annotated[Path | None, typer.Option("--pack", help="Pack this labelling folder.")] = None,
    target: Annotated[Path | None, typer.Option(help="Packed file; default: the shipped one.")] = None,
) -> None:
    """Print counts per family, dopant and ligand, and the rejects; with --pack, write the packed file first.

    Example: ase-bimetal dataset
    """
    from rich.console import Console
    from rich.table import Table

    from ase_bimetal.reference.dataset import SHIPPED, describe, load_reference, pack

    path = target or SHIPPED
    if pack_folder is not None:
        pack(pack_folder, path)
    data = load_reference(path)
    console = Console()
    energies = data.frame.formation_energy
    console.print(f"{len(data.frame)} configurations of {data.frame.prototype.nunique()} prototypes, "
                  f"{len(data.rejects)} rejected; digest {data.digest}")
    console.print(f"E_form (GFN1-xTB, dimer reference): {energies.min():.2f} to {energies.max():.2f} eV/metal")
    for title, counts in describe(data).items():
        table = Table(title, "count")
        for name, n in counts.items():
            table.add_row(str(name), str(n))
        console.print(table)
