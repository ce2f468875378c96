"""Shipped examples read as ase.io reads them."""

import subprocess
import sys

import pytest
from ase.io import read

from ase_bimetal.examples import example_names, load_example
from ase_bimetal.files import DATASETS


@pytest.mark.parametrize("name", example_names())
def test_an_example_is_what_ase_reads(name):
    atoms, read_by_ase = load_example(name), read(DATASETS / "examples" / f"{name}.extxyz")
    assert atoms == read_by_ase and atoms.info == read_by_ase.info
    assert atoms.info["ligand_smiles"] == {"SCCc1ccccc1": 8} and len(atoms) == 150


def test_predicting_loads_no_module_of_files():
    # ase.io and scipy take as long to import as a third of torch.
    code = (
        "import sys; from ase_bimetal import load_example, predict; predict([load_example('Au4Pd2(PET)8')]); "
        "print(sorted({'ase.io', 'scipy.spatial', 'scipy.optimize', 'pandas'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
