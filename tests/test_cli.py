"""The command line, as a user types it."""

import csv
import io

import pytest
from ase.io import write
from typer.testing import CliRunner

from ase_bimetal.cli.app import app

runner = CliRunner()


def test_help_lists_every_verb():
    text = runner.invoke(app, ["--help"]).output
    for verb in ("demo", "predict", "info", "label", "dataset", "train"):
        assert verb in text


def test_predict_reads_frames_and_names_ligands(cluster, tmp_path):
    del cluster.info["ligand_smiles"]
    write(tmp_path / "two.xyz", [cluster, cluster])
    result = runner.invoke(app, ["predict", str(tmp_path / "two.xyz"), "--ligand", "PET:8"])
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert len(rows) == 2
    assert rows[0]["level"] == "PBE-referenced GFN1-xTB"
    assert float(rows[0]["E_form (eV/metal)"]) == float(rows[1]["E_form (eV/metal)"]) < 0


def test_a_bad_frame_is_reported_and_the_others_are_kept(cluster, tmp_path):
    bad = cluster.copy()
    bad.positions[0] = bad.positions[1]
    write(tmp_path / "mixed.extxyz", [cluster, bad])
    result = runner.invoke(app, ["predict", str(tmp_path / "mixed.extxyz")])
    assert result.exit_code == 1
    assert "mixed.extxyz@1: GeometryError" in result.output
    assert len(list(csv.DictReader(io.StringIO(result.stdout)))) == 1


@pytest.mark.parametrize("option", ["PET", "PET:x", ":8"])
def test_a_ligand_option_without_count_is_wrong_usage(option, cluster, tmp_path):
    write(tmp_path / "x.xyz", cluster)
    result = runner.invoke(app, ["predict", str(tmp_path / "x.xyz"), "--ligand", option])
    assert result.exit_code == 2 and "NAME:count" in result.output


def test_a_missing_file_is_wrong_usage():
    assert runner.invoke(app, ["predict", "no-such-file.xyz"]).exit_code == 2


def test_dataset_prints_counts_and_rejects():
    result = runner.invoke(app, ["dataset"])
    assert result.exit_code == 0
    assert "rejected per reason" in result.output and "configurations" in result.output


def test_info_prints_the_card():
    assert "leave one dopant out" in runner.invoke(app, ["info"]).output
