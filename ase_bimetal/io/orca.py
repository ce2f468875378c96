"""ORCA's input: coordinates with the charge that it declares, which neither ASE nor pymatgen reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from ase.units import Bohr

from ase_bimetal.errors import FileFormatError

#: Name of the format.
ORCA_INPUT = "orca-in"
_BEGIN = re.compile(r"^\s*\*\s*(xyzfile|gzmtfile|pdbfile|xyz|int|internal|gzmt)\b(.*)$", re.IGNORECASE)
_BLOCK = re.compile(r"^\s*%coords\b", re.IGNORECASE)
_KEYWORDS = re.compile(r"^\s*!(.*)$")
_SYMBOL = re.compile(r"^([A-Za-z]{1,2}|\d{1,3})(\(\d+\))?$")


def is_orca_input(path: str) -> bool:
    """Say whether a file is ORCA's input.

    It then has a line of keywords and one that begins coordinates.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return any(map(_KEYWORDS.match, lines)) and any(_BEGIN.match(line) or _BLOCK.match(line) for line in lines)


def orca_structures(path: str) -> Iterator[Atoms | FileFormatError]:
    """Read the structure of each job, with ``info["charge"]``.

    Parameters
    ----------
    path
        The file, in UTF-8.

    Yields
    ------
    Atoms or FileFormatError
        In the order of the file.
    """
    lines = [line.partition("#")[0].rstrip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
    in_bohr = False
    for number, line in enumerate(lines):
        if keywords := _KEYWORDS.match(line):
            in_bohr |= "bohrs" in keywords[1].lower().split()
        if line.strip().lower() == "$new_job":
            in_bohr = False
        try:
            if begin := _BEGIN.match(line):
                yield _structure(begin[1].lower(), begin[2].split(), lines[number + 1 :], in_bohr)
            elif _BLOCK.match(line):
                yield _structure_of_block(lines[number + 1 :], in_bohr)
        except FileFormatError as error:
            yield error


def _structure_of_block(lines: list[str], in_bohr: bool) -> Atoms:
    """The structure of a ``%coords`` block, given to the reader of ``* xyz``."""
    said = {"ctyp": "xyz", "charge": "0", "mult": "1", "units": "bohrs" if in_bohr else "angs"}
    for number, line in enumerate(lines):
        words = line.replace("=", " ").split()
        if words and words[0].lower() == "coords":
            atoms = ["*" if other.strip().lower() == "end" else other for other in lines[number + 1 :]]
            is_bohr = said["units"].lower().startswith("bohr")
            return _structure(said["ctyp"].lower(), [said["charge"], said["mult"]], atoms, is_bohr)
        if len(words) > 1:
            said[words[0].lower()] = words[1]
    raise FileFormatError("a block %coords without coords; allowed: coords, a line for each atom, end")


def _structure(kind: str, words: list[str], lines: list[str], in_bohr: bool) -> Atoms:
    if kind != "xyz":
        raise FileFormatError(
            f"coordinates by '* {kind}'; allowed: '* xyz'. Give the file with the coordinates "
            "itself, with its charge in info['charge']"
        )
    try:
        charge, _ = (int(word) for word in words)
    except ValueError:
        raise FileFormatError(f"'* xyz {' '.join(words)}'; allowed: '* xyz', charge and multiplicity") from None
    symbols, positions = [], []
    for line in lines:
        if line.strip() == "*":
            break
        if line.strip():
            symbol, place = _atom(line)
            symbols.append(symbol)
            positions.append(place)
    else:
        raise FileFormatError("the coordinates after '* xyz' do not end with '*'")
    atoms = Atoms(symbols, np.array(positions).reshape(-1, 3) * (Bohr if in_bohr else 1.0))
    if charge:
        atoms.info["charge"] = charge
    return atoms


def _atom(line: str) -> tuple[str, list[float]]:
    """Symbol and position of a line such as ``Au(1) 0.0 0.0 2.7``."""
    words = line.split()
    found = _SYMBOL.match(words[0])
    symbol = found[1].capitalize() if found else ""
    if symbol.isdigit() and 0 < int(symbol) < len(chemical_symbols):
        symbol = chemical_symbols[int(symbol)]
    try:
        x, y, z = (float(word) for word in words[1:4])
    except ValueError:
        symbol = ""
    if atomic_numbers.get(symbol, 0) < 1:
        raise FileFormatError(
            f"{line.strip()!r} is no atom; allowed: an element and three coordinates, no ghost "
            "atoms, point charges or parameters"
        )
    return symbol, [x, y, z]


__all__ = ["ORCA_INPUT", "is_orca_input", "orca_structures"]
