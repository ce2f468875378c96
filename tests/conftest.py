"""Shared clusters."""

import subprocess
import time
from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms
from ase.io import read
from rdkit import Chem

from ase_bimetal import load_example
from ase_bimetal.files import DATASETS
from ase_bimetal.ligands import Ligand
from ase_bimetal.structures.assembly import assemble, free_molecule
from ase_bimetal.structures.motifs import Prototype

PET = "SCCc1ccccc1"
_ANCHORS = DATASETS / "anchors.extxyz"

#: Longest wait [s] for a program, as long as a machine with much else to do may need.
PATIENCE = 1800.0


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], bool], subprocess.Popen], None]:
    """Waits until something is so, while a program runs; an error where the program ends before."""

    def wait(is_so: Callable[[], bool], program: subprocess.Popen) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            assert program.poll() is None, f"ended with {program.returncode} before"
            assert time.monotonic() < deadline, f"not within {PATIENCE:g} s"
            time.sleep(0.01)

    return wait


@pytest.fixture
def cluster() -> Atoms:
    """Au4Pd2(PET)8 with its annotation."""
    return load_example("Au4Pd2(PET)8")


@pytest.fixture
def core(cluster: Atoms) -> Atoms:
    """Its metal core alone, annotated."""
    bare = cluster[[atom.index for atom in cluster if atom.symbol in ("Au", "Pd")]]
    bare.info["ligand_smiles"] = {PET: 8}
    return bare


@pytest.fixture
def anchor() -> Callable[[str], Atoms]:
    """Relaxed Au4M2(SH)8 by its metal M: real geometries that need no ligand assembly."""
    frames = {frame.info["name"]: frame for frame in read(_ANCHORS, ":")}

    def load(metal: str) -> Atoms:
        frame = frames[f"Au4M2(SH)8_{metal}"]
        return Atoms(frame.symbols, frame.positions)

    return load


@pytest.fixture(scope="session")
def assembled() -> Atoms:
    """Au4Cu2(PET)8(PPh3)2, unrelaxed, with its ligands in ``info`` (218 atoms)."""
    return assemble(Prototype("Au4M2-capped", "Cu", {"thiolate": "PET", "axial": "PPh3"}))


@pytest.fixture(scope="session")
def chelate() -> Callable[[str], Atoms]:
    """Makes a ligand with two donors, each on a metal of its own, 2.3 Å away."""

    def make(text: str) -> Atoms:
        ligand = Ligand.parse(text)
        free = free_molecule(ligand, seed=5)[0]
        mol = Chem.AddHs(ligand.mol)
        metals, gone = [], []
        for donor in ligand.donor_indices:
            bonded = [neighbour.GetIdx() for neighbour in mol.GetAtomWithIdx(donor).GetNeighbors()]
            hydrogens = [i for i in bonded if free.symbols[i] == "H"]
            place = free.positions[donor]
            away = free.positions[hydrogens[0]] - place if hydrogens else place - free.positions[bonded].mean(axis=0)
            metals.append(place + 2.3 * away / np.linalg.norm(away))
            gone += hydrogens
        del free[gone]
        return Atoms(free.symbols, free.positions) + Atoms("AuPd", metals)

    return make
