"""What can be wrong with an object or a file."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.cluster import Icosahedron
from ase.io import read

from ase_bimetal import load_example
from ase_bimetal.elements import is_metal
from ase_bimetal.files import DATASETS
from ase_bimetal.ligands import LIGAND_NAMES

Mutation = Callable[[Atoms, np.random.Generator], Atoms]
EXAMPLE = "Au4Pd2(PET)8"
#: What is damaged: a whole cluster with and without its annotation, its metal core with one, and relaxed anchors.
BASES = ("annotated cluster", "bare coordinates", "metal core", "anchor")
#: The same and what the forest answers for.
DAMAGED = (*BASES, "crystal", "bare particle")


@lru_cache(maxsize=1)
def _anchors() -> list[Atoms]:
    return [Atoms(frame.symbols, frame.positions) for frame in read(DATASETS / "anchors.extxyz", ":") if len(frame) > 8]


def base(name: str, rng: np.random.Generator) -> Atoms:
    """One of `DAMAGED`."""
    if name in ("crystal", "bare particle"):
        atoms = bulk("Au", cubic=True) * (2, 2, 2) if name == "crystal" else Icosahedron("Au", 3)
        atoms.symbols[::4] = "Pd"
        return Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    if name == "anchor":
        anchors = _anchors()
        return anchors[rng.integers(len(anchors))].copy()
    cluster = load_example(EXAMPLE)
    if name == "bare coordinates":
        return Atoms(cluster.symbols, cluster.positions)
    if name == "metal core":
        core = cluster[[i for i, s in enumerate(cluster.symbols) if is_metal(s)]]
        core.info["ligand_smiles"] = cluster.info["ligand_smiles"]
        return core
    return cluster


def _scale(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.positions *= np.exp(rng.uniform(np.log(0.3), np.log(4)))
    return atoms


def _scale_metals(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    metals = [i for i, s in enumerate(atoms.symbols) if is_metal(s)]
    atoms.positions[metals] *= np.exp(rng.uniform(np.log(0.3), np.log(4)))
    return atoms


def _shuffle(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.numbers = rng.permutation(atoms.numbers)
    return atoms


def _rattle(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.positions += rng.normal(scale=rng.uniform(0.1, 2), size=atoms.positions.shape)
    return atoms


def _line(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.positions = np.outer(np.arange(len(atoms)), [rng.uniform(0.1, 4), 0, 0])
    return atoms


def _random_positions(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.positions = rng.uniform(0, rng.uniform(2, 60), size=atoms.positions.shape)
    return atoms


def _cell(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.cell = rng.normal(size=(3, 3)) * 10 ** rng.uniform(-8, 8)
    if rng.random() < 0.3:
        atoms.cell[1] = atoms.cell[0]
    atoms.pbc = rng.random(3) < 0.8
    return atoms


def _not_finite(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.positions[rng.integers(len(atoms)), rng.integers(3)] = rng.choice([np.nan, np.inf, -np.inf, 1e300, 1e7])
    return atoms


def _two_copies(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    copy = atoms.copy()
    copy.positions += rng.normal(size=3) * rng.uniform(0, 200)
    return atoms + copy


def _lost_atoms(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    del atoms[rng.choice(len(atoms), size=min(int(rng.integers(1, 20)), len(atoms)), replace=False)]
    return atoms


def _charges(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    atoms.set_array("charges", np.array(rng.choice(["x", "nan", "1", ""], size=len(atoms))))
    return atoms


def _annotation(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    values = [
        {"PET": 10**400},
        {"PET": -1},
        {"PET": float("nan")},
        {"": 1},
        {"Q": 8},
        3.0,
        [],
        [None],
        "[" * 3000,
        {"C" * 5000: 1},
        {"PET": "8"},
        b"PET",
        {1: 2},
        '{"PET": 8',
    ]
    atoms.info["ligand_smiles"] = values[rng.integers(len(values))]
    return atoms


def _ligand_names(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    text = str(rng.choice(list(LIGAND_NAMES.values())))
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(0, len(text) + 1))
        junk = str(
            rng.choice(
                [
                    "C",
                    "S",
                    "[",
                    "]",
                    "(",
                    ")",
                    "=",
                    "#",
                    "1",
                    "%",
                    "*",
                    "[Au]",
                    "->",
                    ".",
                    "c",
                    "[S-]",
                    "[N+]",
                    "Q",
                    "\\",
                    "💥",
                    "<script>",
                    "[999C]",
                    "[C+9]",
                    "C" * 600,
                ]
            )
        )
        text = text[:place] + junk + text[place + int(rng.integers(0, 2)) :]
    atoms = Atoms(atoms.symbols, atoms.positions)[[i for i, s in enumerate(atoms.symbols) if is_metal(s)]]
    atoms.info["ligand_smiles"] = {text: 8}
    return atoms


def _odd_elements(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    some = rng.choice(len(atoms), size=int(rng.integers(1, len(atoms) + 1)), replace=False)
    atoms.numbers[some] = rng.integers(0, 119, size=len(some))
    return atoms


MUTATIONS: dict[str, Mutation] = {
    "everything scaled": _scale,
    "metals scaled": _scale_metals,
    "elements shuffled": _shuffle,
    "rattled": _rattle,
    "atoms on a line": _line,
    "random positions": _random_positions,
    "odd cells": _cell,
    "not finite": _not_finite,
    "two copies": _two_copies,
    "atoms lost": _lost_atoms,
    "charges that are text": _charges,
    "odd annotations": _annotation,
    "damaged SMILES": _ligand_names,
    "odd elements": _odd_elements,
}


def mutated(name: str, seed: int, of: str = BASES[0]) -> Atoms:
    """A cluster with one thing wrong, the same for the same seed."""
    rng = np.random.default_rng(seed)
    return MUTATIONS[name](base(of, rng), rng)


def damaged(raw: bytes, seed: int) -> bytes:
    """A file with bytes cut, repeated, changed or swapped for junk, the same for the same seed."""
    rng = np.random.default_rng(seed)
    content = bytearray(raw)
    for _ in range(rng.integers(1, 6)):
        start = int(rng.integers(0, max(len(content), 1)))
        length = int(rng.integers(1, 60))
        kind = rng.integers(5)
        if kind == 0:
            del content[start:]
        elif kind == 1:
            del content[start : start + length]
        elif kind == 2:
            content[start:start] = content[start : start + length]
        elif kind == 3:
            content[start : start + length] = rng.integers(0, 256, size=length, dtype=np.uint8).tobytes()
        else:
            content[start : start + length] = rng.choice([b"nan", b"1e999", b"-" * 40, b"[" * 40, b"\n\n", b"9" * 400])
    return bytes(content)
