"""MOL, SDF and MOL2 files: every molecule of a file, with the charge that it declares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from rdkit import Chem, rdBase

from ase_bimetal.errors import FileFormatError

#: Formats of this reader; ASE reads the first two without their charges.
MOL_FORMATS = ("mol", "sdf", "mol2")
_MOL2_BEGIN = "@<TRIPOS>MOLECULE"
_SDF_END = "$$$$"


def molecules(path: str, format: str) -> Iterator[Atoms | FileFormatError]:
    """Read the molecules of a file.

    Parameters
    ----------
    path
        The file, in UTF-8.
    format
        One of `MOL_FORMATS`.

    Yields
    ------
    Atoms or FileFormatError
        In the order of the file; formal charges in ``info["charge"]``, partial ones as initial charges [e].
    """
    text = Path(path).read_text(encoding="utf-8")
    records = _mol2_records(text) if format == "mol2" else _sdf_records(text)
    for number, record in enumerate(records):
        with rdBase.BlockLogs():
            mol = _parsed(record, format)
        if mol is None or not mol.GetNumConformers():
            yield FileFormatError(
                f"molecule {number} is no {format.upper()} record with coordinates. Write it anew, or as extxyz"
            )
        else:
            yield _atoms(mol, format)


def _sdf_records(text: str) -> list[str]:
    records = [record.removeprefix("\n") for record in text.split(_SDF_END)]
    return [record for record in records if record.strip()]


def _mol2_records(text: str) -> list[str]:
    return [_MOL2_BEGIN + record for record in text.split(_MOL2_BEGIN)[1:]]


def _parsed(record: str, format: str) -> Chem.Mol | None:
    if format == "mol2":
        return Chem.MolFromMol2Block(record, sanitize=False, removeHs=False, cleanupSubstructures=False)
    return Chem.MolFromMolBlock(record, sanitize=False, removeHs=False, strictParsing=False)


def _atoms(mol: Chem.Mol, format: str) -> Atoms:
    atoms = Atoms([atom.GetSymbol() for atom in mol.GetAtoms()], mol.GetConformer().GetPositions())
    # MOL2 has no formal charges; RDKit guesses them from the bonds.
    if format != "mol2" and (charge := Chem.GetFormalCharge(mol)):
        atoms.info["charge"] = charge
    key = "_TriposPartialCharge"
    partial = np.array([atom.GetDoubleProp(key) if atom.HasProp(key) else 0.0 for atom in mol.GetAtoms()])
    if partial.any():
        atoms.set_initial_charges(partial)
    return atoms


__all__ = ["MOL_FORMATS", "molecules"]
