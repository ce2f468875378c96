"""`ase-bimetal predict`: formation energies of structure files."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer


def predict_files(
    files: Annotated[list[Path], typer.Argument(exists=True, help="Structure files that ase.io reads.")],
    ligand: Annotated[list[str] | None, typer.Option(help="NAME:count or SMILES:count; may be repeated.")] = None,
    reference: Annotated[str, typer.Option(help="dimer, hydride or radical.")] = "dimer",
    model: Annotated[str, typer.Option(help="Shipped model or folder of one's own.")] = "mml-gfn1-pbe",
) -> None:
    """Predict every frame and write a CSV table to standard output; failures are listed on standard error.

    Example: ase-bimetal predict cluster.xyz --ligand PET:8
    """
    from ase.io import iread

    from ase_bimetal.model.predictor import Failure, predict

    ligands = _ligands(ligand)
    frames = [(f"{path}@{i}", atoms) for path in files for i, atoms in enumerate(iread(path))]
    results = predict([atoms for _, atoms in frames], model, ligands, reference, errors="collect")
    writer = csv.writer(sys.stdout)
    writer.writerow(["structure", "E_form (eV/metal)", "std (eV/metal)", "energy (eV)", "phi", "level", "reference",
                     "model", "flags"])
    failed = 0
    for (name, _), found in zip(frames, results, strict=True):
        if isinstance(found, Failure):
            failed += 1
            print(f"{name}: {found.reason}", file=sys.stderr)
            continue
        phi = "" if found.accessibility_index is None else f"{found.accessibility_index:.4f}"
        writer.writerow([name, f"{found.formation_energy_per_metal:.4f}", f"{found.formation_energy_std:.4f}",
                         f"{found.energy:.4f}", phi, found.level, found.reference, found.model,
                         "; ".join(found.flags)])
    raise typer.Exit(1 if failed else 0)


def _ligands(options: list[str] | None) -> dict[str, int] | None:
    """Read NAME:count options; the count follows the last colon, which no SMILES holds before a number."""
    if not options:
        return None
    found = {}
    for option in options:
        text, _, count = option.rpartition(":")
        if not text or not count.isdigit():
            raise typer.BadParameter(f"{option!r} is not NAME:count or SMILES:count")
        found[text] = int(count)
    return found
