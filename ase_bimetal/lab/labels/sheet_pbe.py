"""PBE energies of two metals on N-doped carbon, on the smallest flake around the hole of six nitrogen atoms.

The shipped flakes of 66 atoms are beyond reach of PBE here. The ring of 30 atoms around the same hole holds the metals
alike: with GFN1-xTB two metals on it lie 0.35 to 0.67 eV/metal lower than on the shipped flake, at metal–metal
distances within 0.07 Å. So the difference between the two levels can be taken from it.

``python -m ase_bimetal.lab.labels.sheet_pbe FOLDER`` computes what the folder lacks, cheapest first; it may be killed
and started again at any moment. With ``--pack`` it writes what is finished into the shipped file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.constraints import FixAtoms
from filelock import FileLock, Timeout

from ase_bimetal.errors import BimetalError
from ase_bimetal.files import DATASETS, write_whole
from ase_bimetal.lab.labels import cp2k, label
from ase_bimetal.lab.labels.anchors import scan
from ase_bimetal.lab.labels.corrections import atom_energies
from ase_bimetal.lab.labels.pbe import multiplicities
from ase_bimetal.structures.sheets import SMALL_RIM, place_on_sheet, sheet

SHIPPED = DATASETS / "sheet_pbe.json"
SITE = "N6"
#: The name of the flake without metals.
FLAKE = "flake"
#: The source's pairs Au/Ni, Ni/Pt and, for Cu/Gd without a pseudopotential, Cu/Y; then those nearest to them.
PAIRS = (
    *(("Ni", "Pt"), ("Au", "Ni"), ("Cu", "Y"), ("Pd", "Pt"), ("Ag", "Au"), ("Cu", "Au"), ("Cu", "Ag"), ("Ni", "Pd")),
    *(("Cu", "Pd"), ("Pd", "Au"), ("Ni", "Cu"), ("Ni", "Ag"), ("Pt", "Au"), ("Cu", "Pt"), ("Pd", "Ag"), ("Pt", "Ag")),
)
_FMAX = 0.1  # eV/Å, GFN1-xTB


@dataclass(frozen=True)
class SheetLabel:
    """Two metals on the small flake at both levels.

    Attributes
    ----------
    metals
        The two elements.
    atoms
        Metals first, then the flake.
    pbe, gfn1
        Formation energies against the isolated atoms and the metal-free flake [eV/metal].
    multiplicity
        Spin multiplicity of the lowest PBE solution.
    """

    metals: tuple[str, str]
    atoms: Atoms
    pbe: float
    gfn1: float
    multiplicity: int


def flake() -> Atoms:
    """Relax the metal-free small flake with GFN1-xTB."""
    return label.relax(sheet(SITE, SMALL_RIM).atoms, fmax=0.05, steps=120)


def on_flake(metals: tuple[str, str]) -> Atoms:
    """Relax two metals on the small flake with GFN1-xTB.

    Metals, nitrogen and the carbon atoms bonded to it move, as on the shipped flakes.
    """
    piece = sheet(SITE, SMALL_RIM)
    start = place_on_sheet(flake(), piece, metals)
    start.set_constraint(FixAtoms(mask=[False, False, *piece.frozen]))
    return label.relax(start, fmax=_FMAX, steps=60)


def compute(folder: Path) -> None:
    """Compute every energy that the folder lacks.

    The flake comes first, then closed shells, single spin states and several. A failure is a record with its reason.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # All electrons of the flake are paired.
    cheapest_first = sorted(PAIRS, key=lambda pair: multiplicities(Atoms(pair))[::-1])
    for name in (FLAKE, *map("".join, cheapest_first)):
        path = folder / f"{name}.json"
        with suppress(Timeout), FileLock(path.with_suffix(".lock"), blocking=False):
            if not path.exists():
                write_whole(path, json.dumps(_record(name, folder)))
                print(name, json.loads(path.read_text()).get("energy_pbe_eV"), flush=True)


def _record(name: str, folder: Path) -> dict[str, Any]:
    pair = next((pair for pair in PAIRS if "".join(pair) == name), None)
    try:
        atoms = flake() if pair is None else on_flake(pair)
        head = {
            "name": name,
            "symbols": atoms.get_chemical_symbols(),
            "positions": atoms.positions.round(5).tolist(),
            "energy_gfn1_eV": round(label.single_point(atoms).energy, 6),
        }
        spins = (1,) if pair is None else multiplicities(atoms)
        return head | scan(cp2k.boxed(atoms), spins, folder)
    except (CalculationFailed, BimetalError) as failure:
        return {"name": name, "rejected": str(failure)}


def pack(folder: Path) -> int:
    """Write the finished records into the shipped file; returns their number."""
    records = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    done = {record["name"]: record for record in records}
    lines = ",\n".join(json.dumps(done[name]) for name in (FLAKE, *map("".join, PAIRS)) if name in done)
    write_whole(SHIPPED, f'{{"format": 1, "licence": "CC BY 4.0", "records": [\n{lines}\n]}}\n')
    return len(done)


def load_sheet_pbe() -> list[SheetLabel]:
    """Load the pairs that have energies at both levels."""
    records = {record["name"]: record for record in json.loads(SHIPPED.read_text())["records"]}
    return list(_labels(records))


def _labels(records: dict[str, Any]) -> Iterator[SheetLabel]:
    bare, atoms_pbe = records[FLAKE], atom_energies()
    for pair in PAIRS:
        record = records.get("".join(pair))
        if record is None or "rejected" in record:
            continue
        apart = {"pbe": sum(atoms_pbe[s] for s in pair), "gfn1": sum(label.atom_energy(s) for s in pair)}
        pbe, gfn1 = (
            (record[f"energy_{key}_eV"] - bare[f"energy_{key}_eV"] - apart[key]) / 2 for key in ("pbe", "gfn1")
        )
        atoms = Atoms(record["symbols"], np.array(record["positions"]))
        yield SheetLabel(pair, atoms, pbe, gfn1, record["multiplicity"])


def main(
    folder: Annotated[Path, typer.Argument(help="Where calculations and their records are kept.")],
    write: Annotated[bool, typer.Option("--pack", help="Write what is finished into the shipped file.")] = False,
) -> None:
    """Compute PBE energies of metal pairs on the small flake."""
    if write:
        print(f"{pack(folder)} records")
    else:
        compute(folder)


if __name__ == "__main__":
    typer.run(main)
