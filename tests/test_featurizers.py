"""Featurizers: matminer's and scikit-learn's ways of use, labels, citations, errors."""

import pickle
from collections.abc import Callable

import bibtexparser
import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from matminer.featurizers.base import MultipleFeaturizer
from pymatgen.core import Composition, Molecule
from pymatgen.io.ase import AseAtomsAdaptor
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ase_bimetal import featurizers
from ase_bimetal.descriptors import ALL_DESCRIPTORS, PAPER_FEATURES, all_descriptors, paper_features
from ase_bimetal.errors import BimetalError, MissingDataError, NoMetalError
from ase_bimetal.featurizers import (
    AccessibilityIndex,
    BimetallicDescriptors,
    EnvironmentElectronegativity,
    FormationEnergy,
    LigandLogP,
    MetalMetalDistance,
)
from ase_bimetal.system import as_system

CLASSES = [getattr(featurizers, name) for name in featurizers.__all__ if name != "BimetallicFeaturizer"]
CHEAP = [cls for cls in CLASSES if cls is not FormationEnergy]


@pytest.fixture
def frame(anchor: Callable[[str], Atoms]) -> pd.DataFrame:
    """Four clusters with charges, in an index that is not 0, 1, 2, 3."""
    clusters = [anchor(metal) for metal in ("Pd", "Ag", "Cu", "Hg")]
    for atoms in clusters:
        charges = np.where(atoms.numbers == 79, 0.1, 0.0)
        atoms.set_initial_charges(charges - charges.mean())
    return pd.DataFrame({"cluster": pd.Series(clusters, dtype=object), "y": [1.0, 2.0, 3.0, 4.0]}, index=None).set_axis(
        [10, 20, 30, 40]
    )


@pytest.mark.parametrize("cls", CLASSES)
def test_contract_of_every_class(cls):
    featurizer = cls()
    labels = featurizer.feature_labels()
    assert labels and all(label.endswith(")") and "(" in label for label in labels), "labels carry units"
    assert featurizer.feature_labels() is not labels
    assert featurizer.get_feature_names_out().tolist() == labels
    for text in featurizer.citations():
        [entry] = bibtexparser.loads(text).entries
        assert {"author", "title", "year", "journal", "doi"} <= set(entry)
    assert featurizer.implementors()
    assert featurizer.n_jobs == 1
    assert cls.__doc__


@pytest.mark.parametrize("cls", CHEAP)
def test_every_class_in_every_way_of_use(cls, frame):
    featurizer = cls()
    labels = featurizer.feature_labels()
    direct = np.array([featurizer.featurize(atoms) for atoms in frame["cluster"]])
    assert direct.shape == (4, len(labels)) and np.isfinite(direct).all()
    assert featurizer.transform(list(frame["cluster"])) == pytest.approx(direct)
    table = featurizer.featurize_dataframe(frame, "cluster", pbar=False)
    assert table[labels].to_numpy() == pytest.approx(direct)
    assert list(table.index) == [10, 20, 30, 40]
    again = pickle.loads(pickle.dumps(featurizer))
    assert again.transform(frame["cluster"]) == pytest.approx(direct)


def test_presets_are_the_functions(frame):
    atoms = frame["cluster"].iloc[0]
    paper, everything = (BimetallicDescriptors.from_preset(name) for name in ("paper", "all"))
    assert paper.feature_labels() == list(PAPER_FEATURES)
    assert paper.featurize(atoms) == pytest.approx(list(paper_features(as_system(atoms)).values()))
    values = all_descriptors(as_system(atoms))
    assert everything.featurize(atoms) == pytest.approx([values[label] for label in everything.feature_labels()])
    assert set(ALL_DESCRIPTORS) - set(everything.feature_labels()) == {"delta Q_CT (e)"}
    with pytest.raises(BimetalError, match="allowed: paper, all"):
        BimetallicDescriptors.from_preset("some")
    with pytest.raises(BimetalError, match="unknown descriptors"):
        BimetallicDescriptors(["colour"]).feature_labels()


def test_all_kinds_of_input_give_the_same_numbers(frame):
    atoms = Atoms(frame["cluster"].iloc[0].symbols, frame["cluster"].iloc[0].positions)
    boxed = atoms.copy()
    boxed.center(vacuum=8.0)
    boxed.pbc = True
    objects = [
        atoms,
        Molecule(list(atoms.symbols), atoms.positions),
        AseAtomsAdaptor.get_structure(boxed),
        as_system(atoms),
    ]
    rows = BimetallicDescriptors.from_preset("all").transform(objects)
    assert rows == pytest.approx(np.tile(rows[0], (4, 1)), abs=1e-8)
    composition = Composition(atoms.get_chemical_formula())
    [[by_composition]] = EnvironmentElectronegativity().transform([composition])
    assert by_composition == pytest.approx(EnvironmentElectronegativity().featurize(atoms)[0])


def test_pandas_output_keeps_the_index(frame):
    featurizer = BimetallicDescriptors().set_output(transform="pandas")
    for column in (frame["cluster"], frame[["cluster"]]):
        table = featurizer.transform(column)
        assert list(table.columns) == list(PAPER_FEATURES) and list(table.index) == [10, 20, 30, 40]
    assert featurizer.transform([]).shape == (0, 8)


def test_clone_keeps_processes_and_output(frame):
    featurizer = EnvironmentElectronegativity(substrate="donor").set_output(transform="pandas")
    featurizer.set_n_jobs(2)
    copy = clone(featurizer)
    assert (copy.n_jobs, copy.substrate) == (2, "donor")
    copy.set_n_jobs(1)
    assert isinstance(copy.transform(frame["cluster"]), pd.DataFrame)


def test_column_transformer_and_pipeline(frame):
    columns = ColumnTransformer(
        [("bimetal", BimetallicDescriptors.from_preset("paper"), ["cluster"])],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    table = columns.fit_transform(frame)
    assert list(table.columns) == [*PAPER_FEATURES, "y"]
    assert columns.get_feature_names_out().tolist() == list(table.columns)
    scaled = make_pipeline(BimetallicDescriptors(), StandardScaler()).fit_transform(frame["cluster"])
    assert scaled.mean(axis=0) == pytest.approx(0, abs=1e-9)


def test_ligands_in_a_second_column():
    core = Atoms("Au2Pd", [[0, 0, 0], [2.8, 0, 0], [0, 2.8, 0]])
    annotated = core.copy()
    annotated.info["ligand_smiles"] = {"PPh3": 1}
    frame = pd.DataFrame({"core": pd.Series([core, core, annotated], dtype=object), "shell": ["PET", {"SMe": 2}, None]})
    found = LigandLogP().featurize_dataframe(frame, ["core", "shell"], pbar=False)["log P (-)"]
    assert found.to_numpy()[:, None] == pytest.approx(LigandLogP().transform(frame))
    assert found[0] == pytest.approx(2.16, abs=0.005)
    assert len(set(found)) == 3
    frame["shell"] = ["PET", "PET", np.nan]
    assert LigandLogP().transform(frame)[2] == pytest.approx(LigandLogP().featurize(annotated))


def test_multiple_featurizer_and_multi_index(frame):
    each = [cls() for cls in CHEAP if cls is not BimetallicDescriptors]
    together = MultipleFeaturizer(each)
    together.set_n_jobs(1)
    table = together.featurize_dataframe(frame, "cluster", pbar=False)
    assert set(PAPER_FEATURES) <= {label for one in each for label in one.feature_labels()} <= set(table.columns)
    both = MultipleFeaturizer([LigandLogP(), EnvironmentElectronegativity()])
    both.set_n_jobs(1)
    table = both.featurize_dataframe(frame, "cluster", multiindex=True, pbar=False)
    assert ("LigandLogP", "log P (-)") in table.columns
    assert ("EnvironmentElectronegativity", "chi_env (Pauling)") in table.columns
    assert both.citations() and both.implementors() == ["The ase-bimetal developers"]


def test_errors_are_not_hidden_unless_asked(frame):
    bad = frame.copy()
    bad.at[20, "cluster"] = Atoms("CH4", np.eye(5, 3) * 3)
    with pytest.raises(NoMetalError, match="no metal atom in CH4"):
        BimetallicDescriptors().transform(bad["cluster"])
    with pytest.raises(NoMetalError, match="no metal atom in CH4"):
        BimetallicDescriptors().featurize_dataframe(bad, "cluster", pbar=False)
    table = BimetallicDescriptors().featurize_dataframe(
        bad, "cluster", ignore_errors=True, return_errors=True, pbar=False
    )
    assert table[list(PAPER_FEATURES)].isna().all(axis=1).tolist() == [False, True, False, False]
    reasons = table["BimetallicDescriptors Exceptions"]
    assert "no metal atom in CH4" in reasons[20] and reasons.drop(20).isna().all()


def test_one_metal_lacks_only_what_needs_two(frame):
    pure = Atoms("Au2", [[0, 0, 0], [0, 0, 2.8]], info={"ligand_smiles": {"CS": 2}})
    table = pd.DataFrame({"cluster": [pure, frame.cluster.iloc[0]]})
    all_names = BimetallicDescriptors.from_preset("all")
    found = all_names.featurize_dataframe(table.copy(), "cluster", return_errors=True, ignore_errors=True, pbar=False)
    empty = found[all_names.feature_labels()].isna()
    assert set(empty.columns[empty.loc[0]]) == {"D (Å)", "reduced distance (-)", "phi (-)"}
    assert not empty.loc[1].any()
    assert found.loc[0, "N_metal (atoms)"] == 2.0 and found.loc[0, "H_mix (kJ/mol)"] == 0.0
    reasons = found["BimetallicDescriptors Exceptions"]
    assert reasons[0].startswith("one metal only (Au): D, D̃, φ") and np.isnan(reasons[1])
    alone = MetalMetalDistance().featurize_dataframe(
        table.copy(), "cluster", return_errors=True, ignore_errors=True, pbar=False
    )
    assert np.isnan(alone["D (Å)"][0]) and alone["D (Å)"][1] > 2
    assert alone["MetalMetalDistance Exceptions"][0] == reasons[0]
    assert np.isnan(AccessibilityIndex().transform([pure])[0, 0])


def test_a_missing_value_is_an_error_never_a_number():
    pair = Atoms("AuSn", [[0, 0, 0], [0, 0, 2.8]])
    with pytest.raises(BimetalError, match="'Sn'"):
        featurizers.CoreComposition().transform([pair])
    with pytest.raises(MissingDataError, match="atomic charges"):
        featurizers.ChargeTransfer().transform([Atoms("AuAg", [[0, 0, 0], [0, 0, 2.8]])])
