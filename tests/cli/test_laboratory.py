"""`build`, `sample`, `label` and `dataset`, as a user types them."""

import numpy as np
import pytest
from ase.db import connect
from ase.io import read
from typer.testing import CliRunner

from ase_bimetal.cli.app import app
from ase_bimetal.lab.labels import pbe
from ase_bimetal.system import as_system

runner = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A labelling folder made by the command itself: one small prototype, its parent and two configurations."""
    path = tmp_path_factory.mktemp("verbs") / "lab"
    result = runner.invoke(app, ["label", str(path), "--workers", "1", "--only", "M@Au8-Pd-PH3-Br", "--at-most", "3"])
    assert result.exit_code == 0, result.output
    return path


def test_build_and_sample_write_clusters_that_predict_reads(tmp_path):
    parent, samples = str(tmp_path / "c.extxyz"), str(tmp_path / "s.extxyz")
    built = runner.invoke(app, ["build", "Au4M2", "Pd", parent, "--ligand", "thiolate=SMe"])
    assert built.exit_code == 0, built.output
    assert dict(as_system(read(parent)).composition_metals) == {"Au": 4, "Pd": 2}
    assert runner.invoke(app, ["sample", parent, samples, "-n", "3"]).exit_code == 0
    frames = read(samples, ":")
    assert len(frames) == 3 and all(frame.info["kind"] for frame in frames)
    assert not np.allclose(frames[0].positions, frames[1].positions)


def test_build_names_the_roles_it_needs(tmp_path):
    result = runner.invoke(app, ["build", "Au4M2", "Pd", str(tmp_path / "c.xyz"), "--ligand", "halide=Cl"])
    assert result.exit_code == 2 and "thiolate" in result.output


def test_build_of_an_unknown_family_names_those_there_are(tmp_path):
    result = runner.invoke(app, ["build", "Au5M3", "Pd", str(tmp_path / "c.xyz"), "--ligand", "thiolate=SMe"])
    assert result.exit_code == 2 and "Au5M3" in result.output and "Au4M2" in result.output


def test_sample_refuses_a_file_without_fragments(cluster, tmp_path):
    cluster.write(tmp_path / "c.xyz", format="xyz")
    result = runner.invoke(app, ["sample", str(tmp_path / "c.xyz"), str(tmp_path / "s.extxyz")])
    assert result.exit_code == 2 and "fragment" in result.output


def test_label_shows_progress_unless_told_to_be_quiet(folder):
    again = ["label", str(folder), "--workers", "1", "--only", "M@Au8-Pd-PH3-Br", "--at-most", "3"]
    assert "3/3" in runner.invoke(app, again).stderr
    quiet = runner.invoke(app, [*again, "--quiet"])
    assert quiet.exit_code == 0 and quiet.output == ""


def test_label_of_nothing_is_wrong_usage(tmp_path):
    assert runner.invoke(app, ["label", str(tmp_path), "--only", "no such"]).exit_code == 2


def test_dataset_packs_counts_draws_exports_and_rebuilds(folder, tmp_path):
    packed, picture, database = (str(tmp_path / name) for name in ("p.json.xz", "p.png", "p.db"))
    assert "digest" in runner.invoke(app, ["dataset", "pack", str(folder), packed]).output
    shown = runner.invoke(app, ["dataset", "info", "--data", packed, "--picture", picture])
    assert shown.exit_code == 0 and "M@Au8" in shown.output and "GFN1-xTB, tblite" in shown.output
    assert (tmp_path / "p.png").stat().st_size > 10_000
    assert runner.invoke(app, ["dataset", "export", database, "--data", packed]).exit_code == 0
    assert connect(database).count() >= 2
    again = runner.invoke(app, ["dataset", "rebuild", "--records", "2", "--data", packed])
    assert again.exit_code == 0, again.output


def test_packing_a_folder_without_labels_says_so(tmp_path):
    result = runner.invoke(app, ["dataset", "pack", str(tmp_path), str(tmp_path / "p.json.xz")])
    assert result.exit_code != 0 and not (tmp_path / "p.json.xz").exists()


def test_pbe_labels_leave_out_what_ships_and_take_the_prototypes_asked_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(pbe, "run_pbe_campaign", lambda tasks, *_: asked.append([task.record for task in tasks]))
    command = ["label", str(tmp_path), "--pbe", "6", "--only", "M@Au8-Pd-PH3"]
    for more in ([], ["--from-shipped"]):
        assert runner.invoke(app, [*command, *more]).exit_code == 0
    assert {"M@Au8-Pd-PH3-Cl/0", "M@Au8-Pd-PH3-C≡CH/0"} < set(asked[0])
    assert all(name.startswith("M@Au8-Pd-PH3-") for name in asked[0])
    shipped = {label.record for label in pbe.load_pbe()}
    assert asked[1] == [name for name in asked[0] if name not in shipped]
    assert "M@Au8-Pd-PH3-Cl/56" in asked[1] and "M@Au8-Pd-PH3-Cl/0" not in asked[1]
    wrong = runner.invoke(app, [*command[:-1], "M99"])
    assert wrong.exit_code == 2 and "M99" in wrong.output
