"""Shared clusters."""

import pytest
from ase import Atoms

from ase_bimetal import load_example

PET = "SCCc1ccccc1"


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
