"""Shared clusters."""

from collections.abc import Callable

import pytest
from ase import Atoms
from ase.io import read

from ase_bimetal import load_example
from ase_bimetal.files import DATASETS
from ase_bimetal.structures.assembly import assemble
from ase_bimetal.structures.motifs import Prototype

PET = "SCCc1ccccc1"
_ANCHORS = DATASETS / "anchors.extxyz"


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
