"""Clusters that ship with the package, relaxed with GFN1-xTB from the laboratory's motifs."""

from __future__ import annotations

import json
import re

from ase import Atoms

from ase_bimetal.errors import BimetalError
from ase_bimetal.files import DATASETS

_FOLDER = DATASETS / "examples"


def example_names() -> list[str]:
    """List the names that `load_example` knows.

    Returns
    -------
    list of str
        Names in alphabetical order.

    Examples
    --------
    >>> "Au4Pd2(PET)8" in example_names()
    True
    """
    return sorted(path.stem for path in _FOLDER.glob("*.extxyz"))


def load_example(name: str) -> Atoms:
    """Load a cluster with its ligand annotation in ``info["ligand_smiles"]``.

    Parameters
    ----------
    name
        One of `example_names`.

    Returns
    -------
    ase.Atoms
        Relaxed with GFN1-xTB, positions in Å.

    Raises
    ------
    BimetalError
        No example has this name.

    Examples
    --------
    >>> load_example("Au4Pd2(PET)8").info["ligand_smiles"]
    {'SCCc1ccccc1': 8}
    """
    path = _FOLDER / f"{name}.extxyz"
    if name not in example_names():
        raise BimetalError(f"no example {name!r}; allowed: {', '.join(example_names())}")
    # Not by ase.io, whose import takes a third of torch's time.
    _, header, *rows = path.read_text(encoding="utf-8").splitlines()
    [annotation] = re.findall(r'ligand_smiles="_JSON (.*?)" ', header)
    symbols, *coordinates = zip(*map(str.split, rows), strict=True)
    positions = [list(map(float, place)) for place in zip(*coordinates, strict=True)]
    return Atoms(symbols, positions, info={"ligand_smiles": json.loads(annotation.replace('\\"', '"'))})
