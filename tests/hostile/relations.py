"""One object told in many ways: ``python tests/hostile/relations.py page.md``.

Each relation changes how a cluster is written and not what it is; the energy must stay, to 1e-6 eV/metal.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write
from hostile_mutations import BASES, base
from hypothesis import strategies as st
from monty.json import MontyDecoder, MontyEncoder
from rdkit import Chem

from ase_bimetal import as_system, predict
from ase_bimetal.errors import BimetalError
from ase_bimetal.model.interface import Failure

Relation = Callable[[Atoms, np.random.Generator], object]
ANNOTATION = "ligand_smiles"
# Flags name atoms by their place in the object.
_PLACES = re.compile(r"\d+ \(\w+\) and \d+ \(\w+\)")
#: Objects that the page tries each relation on.
COUNT = 200
#: Largest difference [eV/metal].
ALLOWED = 1e-6


def _rotated(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.rotate(rng.uniform(0, 360), rng.normal(size=3))
    return atoms


def _moved(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.positions += rng.normal(size=3) * 50
    return atoms


def _permuted(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    other = atoms[rng.permutation(len(atoms))]
    other.info = atoms.info
    return other


def _mirrored(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.positions[:, rng.integers(3)] *= -1
    return atoms


def _with_cell(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.cell = rng.uniform(5, 60, size=3)
    return atoms


def _periodic(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    """In a periodic box, over whose sides it may hang."""
    atoms.cell = np.ptp(atoms.positions, axis=0) + rng.uniform(25, 40, size=3)
    atoms.pbc = True
    atoms.positions += rng.uniform(0, 60, size=3)
    atoms.wrap()
    return atoms


def _by_json(atoms: Atoms, rng: np.random.Generator) -> object:
    return MontyDecoder().process_decoded(json.loads(json.dumps(as_system(atoms), cls=MontyEncoder)))


def _by_extxyz(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "a.extxyz", atoms)
        return read(Path(folder) / "a.extxyz")


def _single_precision(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.positions = atoms.positions.astype(np.float32)
    return atoms


def _spelled(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    """Its ligands by another SMILES of the same molecules; unchanged where it carries no annotation."""
    if ANNOTATION in atoms.info:
        atoms.info[ANNOTATION] = {
            Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(text), 1, int(rng.integers(1000)))[0]: count
            for text, count in as_system(atoms).ligand_counts.items()
        }
    return atoms


RELATIONS: Mapping[str, Relation] = {
    "rotated": _rotated,
    "moved": _moved,
    "atoms in another order": _permuted,
    "mirrored": _mirrored,
    "with a cell": _with_cell,
    "in a periodic box": _periodic,
    "through JSON": _by_json,
    "through extended XYZ": _by_extxyz,
    "in single precision": _single_precision,
    "ligands spelled otherwise": _spelled,
}


def cluster(number: int) -> Atoms:
    """A cluster of a number, slightly rattled; positions are rounded so that files and floats hold them all."""
    rng = np.random.default_rng(number)
    atoms = base(BASES[number % len(BASES)], rng)
    atoms.rattle(0.02, rng=rng)
    atoms.positions = np.round(atoms.positions * 1024) / 1024
    return atoms


def apart(name: str, number: int) -> float:
    """How far the energies of a cluster told in two ways are [eV/metal]; NaN where both are refused, else infinite."""
    one = cluster(number)
    try:
        other = RELATIONS[name](one.copy(), np.random.default_rng(number))
    except BimetalError:
        other = one  # what is refused cannot be written either
    # Each by itself: networks round the rows of one batch differently, by up to 1e-6.
    [a], [b] = predict([one], errors="collect"), predict([other], errors="collect")
    if isinstance(a, Failure) or isinstance(b, Failure):
        return np.nan if isinstance(a, Failure) and isinstance(b, Failure) else np.inf
    same = [_PLACES.sub("", flag) for flag in a.flags] == [_PLACES.sub("", flag) for flag in b.flags]
    return abs(a.formation_energy_per_metal - b.formation_energy_per_metal) if same else np.inf


def trials() -> st.SearchStrategy[tuple[str, int]]:
    """Names and numbers for `apart`."""
    return st.tuples(st.sampled_from(sorted(RELATIONS)), st.integers(0, 2**32 - 1))


def page() -> str:
    """Try all relations and tell of the worst difference of each, in Markdown."""
    lines = [
        "# One object, many ways to write it",
        "",
        f"{COUNT} clusters (whole ones, bare coordinates, metal cores and anchors, each slightly rattled) are "
        "told twice: as they are, and in another way that changes nothing of what they are. Energy and flags "
        f"must stay; a difference above {ALLOWED:g} eV/metal is a fault, and `inf` says that flags changed or "
        "only one of the two was refused. Made by `tests/hostile/relations.py`; see also "
        "[hostile inputs](hostile-inputs.md).",
        "",
        "| told again | predicted | refused both ways | worst difference (eV/metal) |",
        "| --- | --- | --- | --- |",
    ]
    for name in RELATIONS:
        found = np.array([apart(name, number) for number in range(COUNT)])
        refused = int(np.isnan(found).sum())
        lines.append(f"| {name} | {COUNT - refused} | {refused} | {np.nanmax(found):.1e} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
