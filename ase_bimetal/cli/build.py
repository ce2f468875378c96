"""`ase-bimetal build` and `ase-bimetal sample`: clusters from motifs, and configurations around one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def build(
    family: Annotated[str, typer.Argument(help="Motif family, such as Au4M2; an unknown one lists all.")],
    dopant: Annotated[str, typer.Argument(help="Element at the dopant sites.")],
    target: Annotated[Path, typer.Argument(help="File to write; its suffix names the format.")],
    ligand: Annotated[list[str], typer.Option(help="role=NAME or role=SMILES; once per role of the family.")],
    host: Annotated[str, typer.Option(help="Element at all other metal sites.")] = "Au",
    arrangement: Annotated[str, typer.Option(help="core-shell, random-30, third-Ag-2; default: the family's.")] = "",
    relax: Annotated[bool, typer.Option(help="Relax with GFN1-xTB.")] = False,
) -> None:
    """Build one ligand-protected cluster.

    Example: ase-bimetal build Au4M2 Pd cluster.extxyz --ligand thiolate=PET
    """
    from ase.io import write

    from ase_bimetal.errors import BimetalError
    from ase_bimetal.structures.assembly import assemble
    from ase_bimetal.structures.motifs import Prototype

    shell = _shell(ligand)
    prototype = Prototype(family, dopant, shell, host, arrangement)
    try:
        wanted = {site.role for site in prototype.core().sites}
    except BimetalError as error:
        raise typer.BadParameter(str(error)) from None
    if wanted != set(shell):
        raise typer.BadParameter(f"{family} needs a ligand for each of the roles {', '.join(sorted(wanted))}")
    atoms = assemble(prototype)
    if relax:
        from ase_bimetal.lab.labels import label

        atoms = label.relax(atoms)
    write(target, atoms)
    print(f"{prototype.name}: {atoms.get_chemical_formula()}, {len(atoms)} atoms → {target}")


def sample(
    source: Annotated[Path, typer.Argument(exists=True, help="Cluster as written by `build` (extxyz).")],
    target: Annotated[Path, typer.Argument(help="File for the configurations; its suffix names the format.")],
    number: Annotated[int, typer.Option("-n", help="Configurations.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the moves.")] = 0,
) -> None:
    """Make configurations around a cluster: displaced metals, breathing, turned ligands, exchanged dopants, rattles.

    Example: ase-bimetal sample cluster.extxyz samples.extxyz -n 20
    """
    from ase.io import read, write

    from ase_bimetal.lab.labels.sampling import sample as draw

    parent = read(source)
    if "fragment" not in parent.arrays:
        raise typer.BadParameter(f"{source} has no 'fragment' array; allowed: extxyz files written by build")
    frames = []
    for index in range(1, number + 1):
        drawn = draw(parent, index, seed)
        drawn.atoms.info |= {"kind": drawn.kind, "amplitude": drawn.amplitude}
        frames.append(drawn.atoms)
    write(target, frames)
    print(f"{number} configurations → {target}")


def _shell(options: list[str]) -> dict[str, str]:
    """Read role=LIGAND options; the first ``=`` ends the role, for SMILES hold more of them."""
    shell = {}
    for option in options:
        role, _, ligand = option.partition("=")
        if not role or not ligand:
            raise typer.BadParameter(f"{option!r} is not role=NAME or role=SMILES")
        shell[role] = ligand
    return shell
