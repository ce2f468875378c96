"""Attention of many clusters together, and of the rows that a network was not trained on."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from ase import Atoms

from ase_bimetal import as_system, load_example
from ase_bimetal.errors import UnsupportedSystemError, WeightsError
from ase_bimetal.lab.gcnn.attention import attention_of_test_rows, ligand_table
from ase_bimetal.lab.labels.dataset import load_labels
from ase_bimetal.lab.training.data import trainable
from ase_bimetal.lab.training.splits import random_split

pytest.importorskip("torch_geometric")


@pytest.fixture(scope="module")
def labels():
    """A few shipped labels, whatever ships."""
    frame = load_labels().frame
    return SimpleNamespace(frame=frame.iloc[:: max(1, len(frame) // 60)].reset_index(drop=True), digest="these")


def counting(digest):
    """A network that gives every atom the number of atoms of its cluster."""
    card = SimpleNamespace(data=SimpleNamespace(digest=digest))
    return SimpleNamespace(
        name="counting",
        card=card,
        attentions=lambda systems: [
            np.full((len(system.symbols), 7), float(len(system.symbols))) for system in systems
        ],
    )


def test_rows_are_the_test_rows_of_the_split(labels):
    frame, values = attention_of_test_rows(counting("these"), labels)
    usable = trainable(labels.frame)
    assert frame.id.tolist() == usable.id.iloc[random_split(len(usable)).test].tolist()
    assert [value.tolist() for value in values] == [[float(len(atoms))] * len(atoms) for atoms in frame.atoms]


def test_other_labels_are_refused(labels):
    with pytest.raises(WeightsError, match="trained on labels others, not on these"):
        attention_of_test_rows(counting("others"), labels)


def test_attention_does_not_depend_on_company():
    from ase_bimetal.model.gcnn_model import GraphModel

    model, small = GraphModel.load(), load_example("Au4Pd2(PET)8")
    other = small.copy()
    other.symbols[other.symbols == "Pd"] = "Cu"
    together = model.attentions([as_system(small), as_system(other)])
    for atoms, found in zip((small, other), together, strict=True):
        assert found == pytest.approx(model.attention(atoms), abs=1e-5, nan_ok=True)
    bare = as_system(Atoms("AuPd", [[0, 0, 0], [0, 0, 2.7]]))
    with pytest.raises(UnsupportedSystemError):
        model.attentions([as_system(small), bare])


def test_a_hydride_has_no_heavy_atom_to_look_at():
    atoms = Atoms("AuHCl", [[0, 0, 0], [0, 0, 1.6], [0, 0, -2.3]])
    atoms.arrays["fragment"] = np.array([0, 1, 2])
    frame = pd.DataFrame({"id": ["a"], "atoms": [atoms], "charges": [np.array([0.2, -0.1, -0.1])]})
    table = ligand_table(frame, [np.array([0.5, np.nan, 0.25])])
    assert table[["fragment", "formula", "mean"]].to_numpy().tolist() == [[2, "Cl", 0.25]]
