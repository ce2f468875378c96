"""`train` on one's own energies and `evaluate`, as a user types them."""

from dataclasses import replace

import pytest
from ase.io import read, write
from typer.testing import CliRunner

from ase_bimetal.cli.app import app
from ase_bimetal.cli.tables import markdown_metrics
from ase_bimetal.lab.labels import dataset
from ase_bimetal.lab.labels.corrections import ANCHORS

runner = CliRunner()


def run(*words):
    return runner.invoke(app, [str(word) for word in words])


@pytest.fixture
def mine(tmp_path):
    """Nine clusters with a formation energy of one's own, and one without."""
    frames = [frame for frame in read(ANCHORS, ":") if frame.info["name"].startswith("Au4M2(SH)8_")][:9]
    for k, frame in enumerate(frames):
        frame.info = {"mine": -3.0 - k / 10}
    silent = frames[0].copy()
    silent.info = {}
    write(tmp_path / "mine.extxyz", [*frames, silent])
    return tmp_path / "mine.extxyz"


def test_a_shift_is_learned_and_predicts(mine, tmp_path):
    result = run(
        "train",
        tmp_path / "m",
        "--data",
        mine,
        "--level",
        "PBE0/def2-TZVP",
        "--formation-energy-key",
        "mine",
        "--from",
        "mml-gfn1-pbe",
        "--epochs",
        "1",
        "-q",
    )
    assert result.exit_code == 0, result.output
    assert "left out: mine.extxyz@9: MissingDataError: no 'mine'" in result.stderr
    assert "m: PBE0/def2-TZVP, 9 rows, 1 left out" in result.stdout and "unchanged start" in result.stdout
    predicted = run("predict", mine, "--model", tmp_path / "m", "--output", "csv")
    assert predicted.exit_code == 0 and "PBE0/def2-TZVP" in predicted.stdout
    shown = run("evaluate", "--model", tmp_path / "m")
    assert shown.exit_code == 0, shown.output
    assert "5-fold cross-validation" in shown.stdout and "not recomputed" in shown.stdout


def test_own_energies_need_a_level(mine, tmp_path):
    result = run("train", tmp_path / "m", "--data", mine)
    assert result.exit_code == 2 and "--level" in result.output
    assert run("train", tmp_path / "m", "--level", "PBE").exit_code == 2
    assert not (tmp_path / "m").exists()


def test_evaluate_says_whether_labels_and_model_belong_together(tmp_path, monkeypatch):
    whole = dataset.load_labels()
    few = whole.frame[whole.frame.prototype.isin(["M@Au8-Os-PMe3-Cl", "Au4M2-Pd-SMe", "Au4M2-Ni-SMe"])]
    monkeypatch.setattr(dataset, "load_labels", lambda path: replace(whole, frame=few, digest="other"))
    result = run("evaluate", "--figures", tmp_path / "figures")
    assert result.exit_code == 0, result.output
    assert "not those the model was trained on" in result.stdout and "where it fails" in result.stdout
    assert (tmp_path / "figures" / "parity.png").is_file() and (tmp_path / "figures" / "calibration.png").is_file()
    monkeypatch.setattr(dataset, "load_labels", lambda path: replace(whole, frame=few, digest=_digest()))
    result = run("evaluate")
    assert result.exit_code == 1 and "the card says otherwise" in result.stdout


def _digest():
    from ase_bimetal.model.checkpoint import load_checkpoint

    return load_checkpoint().card.data.digest


def test_the_table_of_errors_names_the_best_regressor_of_each_split_alone():
    row = {"MAE": 0.1, "RMSE": 0.2, "R2": 0.9, "n": 5}
    models = {"MML": row, "mean": row, "ridge, 8 features": row | {"MAE": 0.3}, "SVR, 8 features": row | {"MAE": 0.2}}
    shown = markdown_metrics({"random": models, "larger cores": {"MML": row}})
    assert "SVR, 8 features" in shown and "ridge" not in shown and shown.count("| MML |") == 2
