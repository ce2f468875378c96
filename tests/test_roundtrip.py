"""Ligands and results survive files, databases and monty."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.db import connect
from ase.io import read, write
from monty.json import MontyDecoder, MontyEncoder, MSONable
from pymatgen.core import Composition

from ase_bimetal import BimetallicSystem, MMLFormationCalculator, as_system, predict
from ase_bimetal.annotation import annotation_of
from ase_bimetal.errors import ChargedSystemError, LigandError, MissingDataError
from ase_bimetal.io import annotated, from_row, results_of, to_row, with_results
from ase_bimetal.model.interface import Failure, Prediction

PET = {"SCCc1ccccc1": 8}


@pytest.fixture
def predicted(core):
    """A bare, annotated core: φ, flags with characters beyond ASCII, everything there is to lose."""
    [found] = predict([core])
    assert found.flags and not found.flags[0].isascii()
    return with_results(core, found), found


@pytest.mark.parametrize("name", ["a.extxyz", "a.xyz", "a.traj"])
def test_files_keep_results_and_ligands(name, predicted, tmp_path):
    atoms, found = predicted
    write(tmp_path / name, [atoms, atoms])
    for back in read(tmp_path / name, ":"):
        assert results_of(back) == found
        assert as_system(back).ligand_counts == PET
        assert back.get_potential_energy() == found.energy


@pytest.mark.parametrize("name", ["a.db", "a.json"])
def test_databases_keep_results_and_ligands(name, predicted, tmp_path):
    atoms, found = predicted
    with connect(tmp_path / name) as database:
        database.write(atoms, **to_row(atoms))
    [row] = connect(tmp_path / name).select("bimetal_formation_energy_per_metal<0", bimetal_reference_state="dimer")
    back = from_row(row)
    assert results_of(back) == found and as_system(back).ligand_counts == PET
    assert back.calc.results["formation_energy_std"] == found.formation_energy_std


def test_what_ase_puts_into_data_is_an_annotation(core, tmp_path):
    with connect(tmp_path / "a.db") as database:
        database.write(core, data={"ligand_smiles": {"PET": 8}})
    atoms = connect(tmp_path / "a.db").get_atoms(1, add_additional_information=True)
    assert as_system(atoms).ligand_counts == PET
    atoms.calc = MMLFormationCalculator()
    before = atoms.get_potential_energy()
    atoms.info["data"]["ligand_smiles"] = {"PET": 4}
    assert atoms.get_potential_energy() != before


def test_a_row_without_results_comes_back_without(core, tmp_path):
    with connect(tmp_path / "a.db") as database:
        database.write(core, **to_row(core))
    back = from_row(connect(tmp_path / "a.db").get(1))
    assert results_of(back) is None and back.info["ligand_smiles"] == PET


def test_results_of_moved_atoms_are_not_given(predicted):
    atoms, _ = predicted
    atoms.positions[0] += 0.1
    assert results_of(atoms) is None and "key_value_pairs" in to_row(atoms) and not to_row(atoms)["key_value_pairs"]


def test_results_with_a_hole_are_an_error(predicted):
    atoms, _ = predicted
    del atoms.info["bimetal_level"]
    with pytest.raises(MissingDataError, match="bimetal_level"):
        results_of(atoms)


@pytest.mark.parametrize("given", [{"PET": np.int64(8)}, ["PET"] * 8, {"C/C=C\\S": 8}, {"C≡CPh": 8}, "F", "PPh3"])
def test_annotated_survives_extxyz(given, core, tmp_path):
    core.info["ligand_smiles"] = given
    wanted = as_system(core).ligand_counts
    write(tmp_path / "a.extxyz", annotated(core))
    assert as_system(read(tmp_path / "a.extxyz")).ligand_counts == wanted


@pytest.mark.parametrize("given", [{"PET": 8}, ["PET"] * 8, {"C≡CPh": 8}, "F", "OC(=O)c1ccc(S)cc1", {"SCCc1ccccc1": 8}])
def test_annotations_as_users_write_them_survive_extxyz(given, core, tmp_path):
    core.info["ligand_smiles"] = given
    wanted = as_system(core).ligand_counts
    write(tmp_path / "a.extxyz", core)
    assert as_system(read(tmp_path / "a.extxyz")).ligand_counts == wanted


@pytest.mark.parametrize("text", ['{"PET": 8}', '"PET": 8', '["PET", "PET"]'])
def test_an_annotation_that_comes_back_as_json_text(text):
    assert annotation_of({"ligand_smiles": text}) in ({"PET": 8}, ["PET", "PET"])


def test_a_broken_json_text_is_a_ligand_error():
    with pytest.raises(LigandError, match="no JSON"):
        annotation_of({"ligand_smiles": '{"PET": '})


def monty(obj):
    return json.loads(json.dumps(obj, cls=MontyEncoder), cls=MontyDecoder)


def test_systems_are_msonable(cluster):
    cluster.arrays["charges"] = np.linspace(-0.1, 0.1, len(cluster))
    alloy = Atoms("CuPt", [[0, 0, 0], [0, 0, 2.6]], cell=[5, 5, 9], pbc=(True, True, False))
    for system in (as_system(cluster), as_system(alloy), as_system(Composition("Au4Pd2"), {"PET": 8})):
        assert isinstance(system, MSONable)
        back = monty(system)
        assert isinstance(back, BimetallicSystem) and back.content_key() == system.content_key()
        for name in ("metals", "donors", "bonds", "positions"):
            assert np.array_equal(getattr(back, name), getattr(system, name), equal_nan=True)
        assert (back.charges is None) == (system.charges is None) and back.ligands == system.ligands


def test_a_system_from_json_predicts_the_same(cluster):
    system = as_system(cluster)
    one, two = (predict([item])[0].formation_energy_per_metal for item in (system, monty(system)))
    assert one == two


def test_predictions_and_failures_are_msonable(cluster):
    charged = cluster.copy()
    charged.info["charge"] = 1
    found = predict([cluster, charged], errors="collect")
    good, bad = monty(found)
    assert isinstance(good, Prediction) and good == found[0]
    assert isinstance(bad, Failure) and isinstance(bad.error, ChargedSystemError) and bad.reason == found[1].reason
