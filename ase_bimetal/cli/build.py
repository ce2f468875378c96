"""`ase-bimetal build` and `ase-bimetal sample`: clusters from motifs, and configurations around one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ase_bimetal.cli.targets import check_structures
from ase_bimetal.extras import require

if TYPE_CHECKING:
    from ase_bimetal.structures.motifs import Prototype


def build(
    family: Annotated[str, typer.Argument(help="Motif family, such as Au4M2; an unknown one lists all.")],
    dopant: Annotated[str, typer.Argument(help="Element at the dopant sites.")],
    target: Annotated[Path, typer.Argument(help="File to write; its suffix names the format.")],
    ligand: Annotated[
        list[str] | None,
        typer.Option(help="role=NAME or role=SMILES, such as thiolate=PET; once per role of the family."),
    ] = None,
    host: Annotated[str, typer.Option(help="Element at all other metal sites.")] = "Au",
    arrangement: Annotated[str, typer.Option(help="core-shell, random-30, third-Ag-2; default: the family's.")] = "",
    relax: Annotated[bool, typer.Option(help="Relax with GFN1-xTB.")] = False,
) -> None:
    """Build one ligand-protected cluster.

    Example: ase-bimetal build Au4M2 Pd cluster.extxyz --ligand thiolate=PET
    """
    from ase.io import write

    from ase_bimetal.structures.assembly import assemble
    from ase_bimetal.structures.motifs import Prototype

    check_structures(target, "TARGET")
    prototype = Prototype(family, dopant, _shell(ligand or []), host, arrangement)
    _check(prototype)
    if relax:
        require("label")
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
    from ase import Atoms
    from ase.io import write

    from ase_bimetal.lab.labels.sampling import sample as draw

    check_structures(target, "TARGET")
    parent = _first_frame(source)
    if not isinstance(parent, Atoms) or "fragment" not in parent.arrays:
        raise typer.BadParameter(f"{source} has no 'fragment' array; allowed: extxyz files written by build")
    frames = []
    for index in range(1, number + 1):
        drawn = draw(parent, index, seed)
        drawn.atoms.info |= {"kind": drawn.kind, "amplitude": drawn.amplitude}
        frames.append(drawn.atoms)
    write(target, frames)
    print(f"{number} configurations → {target}")


def _check(prototype: Prototype) -> None:
    """Refuse what is no metal, roles left open, and ligands that do not fit their roles."""
    from ase_bimetal.errors import BimetalError
    from ase_bimetal.structures.placements import require_metal
    from ase_bimetal.structures.roles import fill

    try:
        core = prototype.core()
        for symbol in dict.fromkeys(core.symbols):
            require_metal(symbol)
        wanted = {site.role for site in core.sites}
        if wanted != set(prototype.shell):
            raise BimetalError(
                f"{prototype.family} needs a ligand for each of the roles {', '.join(sorted(wanted))}: "
                + " ".join(f"--ligand {role}=NAME" for role in sorted(wanted))
            )
        fill(prototype.family, prototype.shell, {})
    except BimetalError as error:
        raise typer.BadParameter(str(error)) from None


def _first_frame(source: Path) -> object:
    """What the first frame of a file holds.

    Raises
    ------
    BimetalError
        It cannot be read.
    """
    from ase_bimetal.errors import BimetalError
    from ase_bimetal.io.read import read_frames

    content = next(read_frames(source)).content
    if isinstance(content, BimetalError):
        raise content
    return content


def _shell(options: list[str]) -> dict[str, str]:
    """Read role=LIGAND options; the first ``=`` ends the role, for SMILES hold more of them."""
    shell = {}
    for option in options:
        role, _, ligand = option.partition("=")
        if not role or not ligand:
            raise typer.BadParameter(
                f"{option!r} is not role=NAME or role=SMILES; write the role first, as in --ligand thiolate=PET",
                param_hint="--ligand",
            )
        shell[role] = ligand
    return shell
