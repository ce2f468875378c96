"""Charges that files declare and ASE's readers leave out: outputs, inputs, PDB."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from ase_bimetal.errors import FileFormatError
from ase_bimetal.io.text import text_of

_NUMBER = r"([-+]?\d+(?:\.\d*)?)"
# Where a program states the charge of the whole object, by ASE's name of the format.
_STATEMENTS: Mapping[str, str] = {
    "gaussian-out": rf"^\s*Charge\s*=\s*{_NUMBER}\s+Multiplicity\s*=\s*\d+\s*$",
    "orca-output": rf"^\s*Total Charge\s+Charge\s+\.+\s+{_NUMBER}",
    "nwchem-in": rf"^\s*charge\s+{_NUMBER}",
    "nwchem-out": rf"^\s*Charge\s*:\s*{_NUMBER}\s*$",
    "gamess-us-out": rf"^\s*CHARGE OF MOLECULE\s*=\s*{_NUMBER}",
    "cp2k-restart": rf"^\s*CHARGE\s+{_NUMBER}\s*$",
    "espresso-in": rf"\btot_charge\s*=\s*{_NUMBER}",
}
_PDB_REMARK = re.compile(r"^REMARK\b.*\bCHARGE\s*[:=]?\s*([-+]?\d+[-+]?)\s*$", re.IGNORECASE)
_PDB_CHARGE = re.compile(r"^(\d)?([-+])(\d)?$")


def declared_charge(path: str, format: str | None) -> float:
    """Read the charge [e] that a file declares.

    It is 0 where the file says nothing, or ASE's reader gives it.

    Parameters
    ----------
    path
        The file.
    format
        ASE's name of its format.

    Raises
    ------
    FileFormatError
        The file declares several charges, as that of two jobs.
    """
    if format is None or format not in _READERS:
        return 0.0
    found = list(dict.fromkeys(_READERS[format](text_of(path))))
    if len(found) > 1:
        raise FileFormatError(
            f"the file declares the charges {', '.join(f'{q:+g}' for q in found)}; allowed: one. "
            "Give each job or model a file of its own"
        )
    return found[0] if found else 0.0


def _stated(pattern: re.Pattern[str], text: str) -> list[float]:
    return [float(number) for number in pattern.findall(text)]


def _of_pdb(text: str) -> list[float]:
    """Of each model the formal charges in columns 79 and 80, or what a remark says of it."""
    models: list[list[float]] = [[]]
    remarks = []
    for line in text.splitlines():
        if line.startswith(("ATOM", "HETATM")):
            models[-1].append(_signed(line[78:80].strip()))
        elif line.startswith("END") and models[-1]:
            models.append([])
        elif found := _PDB_REMARK.match(line):
            remarks.append(_signed(found[1]))
    sums = [sum(charges) for charges in models if charges]
    return [*remarks, *sums] if any(sums) or not remarks else remarks


def _signed(text: str) -> float:
    """The charge in ``2-``, ``-2``, ``+`` or ``2``; 0 for what is none, as an element in these columns."""
    if text.isdigit():
        return float(text)
    found = _PDB_CHARGE.match(text)
    if found is None or found[1] and found[3]:
        return 0.0
    return float(f"{found[2]}{found[1] or found[3] or 1}")


def _of_outcar(text: str) -> list[float]:
    """Valence electrons of the atoms less those of the calculation."""
    counts = re.search(r"ions per type =\s+([\d ]+)", text)
    valences = re.findall(r"POMASS =\s*[\d.]+;\s*ZVAL\s*=\s*([\d.]+)", text)
    return _missing_electrons(counts[1].split() if counts else [], valences, re.search(r"NELECT =\s*([\d.]+)", text))


def _of_vasprun(text: str) -> list[float]:
    """The same from the table of atom types."""
    rows = re.findall(r"<rc><c>\s*(\d+)\s*</c><c>[^<]*</c><c>[^<]*</c><c>\s*([\d.]+)\s*</c>", text)
    electrons = re.search(r'name="NELECT">\s*([\d.]+)', text)
    return _missing_electrons([n for n, _ in rows], [z for _, z in rows], electrons)


def _missing_electrons(counts: list[str], valences: list[str], electrons: re.Match[str] | None) -> list[float]:
    if electrons is None or not counts or len(counts) != len(valences):
        return []
    charge = sum(int(n) * float(z) for n, z in zip(counts, valences, strict=True)) - float(electrons[1])
    return [round(charge, 4) + 0.0]


_READERS: Mapping[str, Callable[[str], list[float]]] = {
    **{
        name: partial(_stated, re.compile(pattern, re.MULTILINE | re.IGNORECASE))
        for name, pattern in _STATEMENTS.items()
    },
    "proteindatabank": _of_pdb,
    "vasp-out": _of_outcar,
    "vasp-xml": _of_vasprun,
}

__all__ = ["declared_charge"]
