"""What lacks an optional package says which extra brings it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ase_bimetal.errors import BimetalError, MissingPackageError
from ase_bimetal.extras import EXTRAS, name_extra, require

#: Distribution → the name it is imported with, where the two differ.
IMPORTED_AS = {
    "scikit-learn": "sklearn",
    "torch-geometric": "torch_geometric",
    "xgboost-cpu": "xgboost",
    "pyyaml": "yaml",
}
WITHOUT = "import sys; sys.modules[{package!r}] = None; "


def python_without(package, code):
    code = WITHOUT.format(package=package) + code
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def says(package, extra):
    return (
        f"{package} is not installed; pip install 'ase-bimetal[{extra}]' brings it "
        f"(in a clone: pip install -e '.[{extra}]')"
    )


def test_every_package_of_every_extra_is_known():
    declared = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    extras = declared["optional-dependencies"]
    names = {extra: [line.partition(">=")[0].partition("[")[0] for line in extras[extra]] for extra in EXTRAS}
    assert set(extras) - set(EXTRAS) == {"docs", "test", "all"}
    assert extras["all"] == [f"ase-bimetal[{','.join(EXTRAS)}]"]
    for extra, packages in EXTRAS.items():
        assert {IMPORTED_AS.get(name, name) for name in names[extra]} == set(packages) - {"distributed"}


@pytest.mark.parametrize(
    ("package", "extra", "words"),
    [
        ("tblite", "label", ("label", "{tmp}/lab", "--only", "Au4M2-Pd-SMe", "--at-most", "1", "--workers", "1")),
        ("filelock", "label", ("label", "{tmp}/lab", "--only", "Au4M2-Pd-SMe")),
        ("pyarrow", "screen", ("screen", "--example", "--out", "{tmp}/results")),
        ("pydantic", "screen", ("screen", "--example", "--out", "{tmp}/results")),
        ("pyarrow", "screen", ("report", "{tmp}", "--out", "{tmp}/report.html")),
        ("shap", "explain", ("reproduce", "{tmp}/page")),
        ("shap", "explain", ("explain", "--out", "{tmp}/explained")),
        ("tblite", "label", ("build", "Au4M2", "Pd", "{tmp}/b.xyz", "--ligand", "thiolate=SMe", "--relax")),
        ("dask", "cluster", ("screen", "--example", "--scheduler", "tcp://nowhere:1", "--out", "{tmp}/results")),
        ("lightning", "train", ("pretrain-ligands", "{tmp}/t5")),
    ],
)
def test_a_verb_names_the_extra_in_one_line(package, extra, words, tmp_path):
    words = ["ase-bimetal", *(word.format(tmp=tmp_path) for word in words)]
    run = python_without(package, f"sys.argv = {words!r}; from ase_bimetal.cli import main; main()")
    assert run.returncode == 1
    expected = f"MissingPackageError: {says(package, extra)}"
    assert expected in run.stderr.splitlines() and "Traceback" not in run.stderr
    assert not list(tmp_path.iterdir()), "work had begun"


@pytest.mark.parametrize(
    ("package", "extra", "code"),
    [
        ("pyarrow", "screen", "from ase_bimetal.screening import load_results"),
        ("yaml", "screen", "from ase_bimetal.screening import ScreenConfig; ScreenConfig.from_yaml('any.yaml')"),
        ("matminer", "featurize", "import ase_bimetal.featurizers"),
        ("transformers", "ligands", "from ase_bimetal.model.ligand_encoder import load_t5; load_t5(None)"),
        ("shap", "explain", "from ase_bimetal.lab.regressors.explain import shap_values; shap_values(None)"),
        ("torch_geometric", "graph", "from ase_bimetal.model.gcnn_model import GraphModel"),
        ("lightning", "train", "from ase_bimetal.lab.pretraining.pretrain import pretrain_ligand_encoder"),
        ("catboost", "boost", "from ase_bimetal.model.regressors import make_regressor; make_regressor('CatBoost')"),
    ],
)
def test_a_function_raises_the_same(package, extra, code):
    run = python_without(package, code)
    assert run.stderr.splitlines()[-1].endswith(f"MissingPackageError: {says(package, extra)}")


def test_without_the_packages_of_the_forest_auto_still_predicts_clusters():
    run = python_without(
        "sklearn",
        "from ase import Atoms; from ase_bimetal import load_example, predict; "
        "pair = Atoms('CuPt', [[0, 0, 0], [0, 0, 2.6]]); "
        "found, lacking = predict([load_example('Au4Pd2(PET)8'), pair], errors='collect'); "
        "print(found.model, lacking.reason, sep='\\n')",
    )
    model, reason = run.stdout.splitlines()
    assert model.startswith("mml-gfn1-pbe@") and reason == f"MissingPackageError: {says('sklearn', 'train')}"


def test_packages_that_two_extras_bring_name_both():
    with (
        pytest.raises(MissingPackageError, match=r"\[label\]' or pip install 'ase-bimetal\[screen\]' brings it"),
        name_extra(),
    ):
        raise ModuleNotFoundError(name="tqdm")


def test_all_that_is_missing_is_named_at_once(monkeypatch):
    for name in ("shap", "plotly"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        MissingPackageError,
        match=r"shap, plotly are not installed; pip install "
        r"'ase-bimetal\[explain,report\]' brings them",
    ):
        require("screen", "explain", "report")


def test_other_missing_modules_are_bugs_and_stay_what_they_are():
    with pytest.raises(ModuleNotFoundError) as caught, name_extra():
        raise ModuleNotFoundError("No module named 'ase_bimetal.typo'", name="ase_bimetal.typo")
    assert not isinstance(caught.value, BimetalError)


def test_the_error_is_one_of_ours_and_one_of_pythons():
    assert issubclass(MissingPackageError, BimetalError) and issubclass(MissingPackageError, ModuleNotFoundError)
    assert str(MissingPackageError("shap is not installed")) == "shap is not installed"
