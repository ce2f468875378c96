"""Thirty-six structures of every kind, out to five formats and back: the same systems, the same energies."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.io import read, write

from ase_bimetal import predict
from ase_bimetal.errors import BimetalError
from ase_bimetal.io import read_frames
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.motifs import FAMILIES, Prototype
from ase_bimetal.structures.roles import motif_roles
from ase_bimetal.system import split_clusters

CASES = Path(__file__).parent / "cases"
WITHOUT_ENERGY = {"hydrogen atoms missing"}
FORMATS = {"cif": "a.cif", "xyz": "a.xyz", "extxyz": "a.extxyz", "proteindatabank": "a.pdb", "vasp": "POSCAR"}
USUAL = {
    "thiolate": "SMe",
    "axial": "PMe3",
    "phosphine": "PMe3",
    "diphosphine": "dhpm",
    "halide": "Cl",
    "pi": "Cp",
    "sulfide": "sulfide",
}
#: Edge of the cubic cell [Å]. With it, and coordinates of three decimals as PDB has, no format rounds.
EDGE = 100.0


def built(family: str, dopant: str = "Pd", host: str = "Au", arrangement: str = "", **shell: str) -> Atoms:
    roles = {role: shell.get(role, USUAL[role]) for role in motif_roles(family)}
    return assemble(Prototype(family, dopant, roles, host, arrangement))


def with_far(cluster: Atoms, other: Atoms) -> Atoms:
    far = other.copy()
    far.translate(cluster.positions.max(axis=0) + 6.0 - other.positions.min(axis=0))
    return cluster + far


def with_hydride(cluster: Atoms) -> Atoms:
    """A hydrogen atom on the metal atom furthest out, on the side away from all others."""
    metals = cluster.symbols.search("Au")
    middle = cluster.positions.mean(axis=0)
    outward = cluster.positions[metals] - middle
    i = int(np.linalg.norm(outward, axis=1).argmax())
    return cluster + Atoms("H", [middle + outward[i] * (1 + 1.6 / np.linalg.norm(outward[i]))])


def without_hydrogen(cluster: Atoms) -> Atoms:
    return cluster[[i for i, symbol in enumerate(cluster.symbols) if symbol != "H"]]


def two_of(cluster: Atoms) -> Atoms:
    return with_far(cluster, cluster)


def borate() -> Atoms:
    return Atoms("BF4", np.array([[0, 0, 0], [1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]]) * 0.81)


STRUCTURES: dict[str, Callable[[Callable[[str], Atoms]], Atoms]] = {
    **{family: lambda _, family=family: built(family) for family in FAMILIES},
    "ethanethiolate": lambda _: built("Au4M2", "Ag", thiolate="SEt"),
    "benzenethiolate": lambda _: built("Au4M2", "Pt", thiolate="SPh"),
    "selenolate": lambda _: built("Au4M2", "Cu", thiolate="SeMe"),
    "alkynyl": lambda _: built("Au4M2", "Pd", thiolate="C≡CH"),
    "triethylphosphine": lambda _: built("Au4M2-capped", "Hg", axial="PEt3"),
    "bromide": lambda _: built("M@Au8", "Pt", halide="Br", phosphine="PH3"),
    "silver host": lambda _: built("M13", "Cu", host="Ag", arrangement="random-30"),
    "three metals": lambda _: built("M@Au12", "Pd", arrangement="third-Ag-2"),
    "core-shell": lambda _: built("M55", "Ni", arrangement="core-shell"),
    "dppm": lambda _: built("M@Au8-diphosphine", diphosphine="dppm"),
    "dppe": lambda chelate: chelate("dppe"),
    "dithiolate": lambda _: read(CASES / "dithiolate_BDT_CuAu.xyz"),
    "hydride": lambda _: with_hydride(built("Au4M2")),
    "water of crystallisation": lambda _: with_far(built("Au4M2"), molecule("H2O")),
    "solvate": lambda _: with_far(built("M@Au8"), molecule("CH3CN")),
    "counter-ion": lambda _: with_far(built("M@Au10"), borate()),
    "Z = 2": lambda _: two_of(built("Au4M2")),
    "complex ion": lambda _: with_far(built("Au4M2"), Atoms("AuCl2", [[0, 0, 0], [0, 0, 2.3], [0, 0, -2.3]])),
    "Z = 2 with ions": lambda _: with_far(with_far(two_of(built("Au4M2")), borate()), borate()),
    "chelate": lambda _: read(CASES / "chelate_bipy_CuAu.xyz"),
    "hydrogen atoms missing": lambda _: without_hydrogen(built("Au4M2")),
}


@dataclass(frozen=True)
class Found:
    """What a structure was read as: metals, ligands, kind, notes and contacts; the energy, or why there is none."""

    system: tuple[object, ...]
    energy: float
    reason: str = ""


def found(content: Atoms) -> list[Found]:
    try:
        systems = split_clusters(content)
    except BimetalError as error:
        return [Found((), 0.0, f"{type(error).__name__}: {error}")]
    results = predict(systems, errors="collect")
    return [
        Found(
            (s.composition_metals, s.ligand_counts, s.kind, s.notes, len(s.bonds)),
            getattr(result, "formation_energy_per_metal", 0.0),
            getattr(result, "reason", ""),
        )
        for s, result in zip(systems, results, strict=True)
    ]


def on_the_grid(atoms: Atoms) -> Atoms:
    """The atoms in the middle of a cell, at coordinates that every format can write."""
    boxed = Atoms(atoms.symbols, atoms.positions, cell=[EDGE] * 3, pbc=True)
    boxed.positions = np.round(boxed.positions - boxed.positions.mean(axis=0) + EDGE / 2, 3)
    return boxed


def test_there_are_thirty_six():
    assert len(STRUCTURES) == 36


@pytest.mark.parametrize("name", STRUCTURES)
def test_out_to_five_formats_and_back(name: str, chelate: Callable[[str], Atoms], tmp_path: Path):
    atoms = on_the_grid(STRUCTURES[name](chelate))
    expected = found(atoms)
    assert len(expected) == (2 if name.startswith("Z = 2") else 1)
    assert ("missing" in expected[0].reason) == (name == "hydrogen atoms missing")
    assert bool(expected[0].reason) == (expected[0].energy == 0.0) == (name in WITHOUT_ENERGY)
    for format, file in FORMATS.items():
        write(tmp_path / file, atoms, format=format)
        [frame] = read_frames(tmp_path / file)
        back = found(frame.content)
        assert [item.system for item in back] == [item.system for item in expected], format
        assert [item.reason for item in back] == [item.reason for item in expected], format
        assert [item.energy for item in back] == pytest.approx([item.energy for item in expected], abs=1e-5), format
