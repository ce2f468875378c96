"""Pairs come without torch, and leave vesin whole for others."""

import subprocess
import sys


def run(code):
    return subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)


def test_featurizing_loads_neither_torch_nor_transformers():
    code = """
import sys
from ase.build import bulk
from ase_bimetal import load_example
from ase_bimetal.descriptors import all_descriptors
from ase_bimetal.system import as_system
crystal = bulk("Cu", cubic=True); crystal.symbols[0] = "Au"
for atoms in (load_example("Au4Pd2(PET)8"), crystal):
    assert all_descriptors(as_system(atoms))
print(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "transformers", "vesin"}))
"""
    assert run(code).stdout.strip() == "[]"


def test_vesin_loaded_later_takes_tensors():
    code = """
import numpy as np
from ase_bimetal.neighbors import pairs_within
place = (np.array([[0.0, 0, 0], [2.0, 0, 0]]), np.zeros((3, 3)), (False,) * 3, 3.0)
first = pairs_within(*place).distance
import torch, vesin
search = vesin.NeighborList(cutoff=3.0, full_list=True)
[found] = search.compute(torch.tensor(place[0]), torch.zeros(3, 3, dtype=torch.float64), False, "d")
print(isinstance(found, torch.Tensor), found.tolist() == first.tolist() == pairs_within(*place).distance.tolist())
"""
    assert run(code).stdout.strip() == "True True"
