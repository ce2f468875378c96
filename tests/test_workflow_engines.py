"""The page on workflow engines: every block runs where its engine is installed, and gives what the package gives."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from ase_bimetal import load_example, predict

PAGE = (Path(__file__).parents[1] / "docs" / "howto" / "workflow-engines.md").read_text(encoding="utf-8")
BLOCKS = {title: code for title, code in re.findall(r"## ([^\n]+)\n.*?```python\n(.*?)```", PAGE, re.S)}
NEEDS = {
    "Dask": "distributed",
    "Parsl": "parsl",
    "jobflow (atomate2)": "jobflow",
    "quacc": "quacc",
    "scikit-learn": "sklearn",
    "Structures from OPTIMADE": "pymatgen",
}


# The engines' own deprecations are not ours to settle.
pytestmark = pytest.mark.filterwarnings("default")


def run(title: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict:
    """Names that a block leaves, run in an empty folder."""
    if find_spec(NEEDS[title]) is None:
        pytest.skip(f"{NEEDS[title]} is not installed")
    monkeypatch.chdir(folder)
    names: dict = {"__name__": "page"}
    exec(compile(BLOCKS[title], title, "exec"), names)
    return names


def test_every_engine_has_its_block():
    assert list(BLOCKS) == list(NEEDS)
    assert not re.search(r"[A-Z]+_VERSION", PAGE)


@pytest.mark.parametrize("title", ["Dask", "Parsl", "jobflow (atomate2)"])
def test_an_engine_gives_what_predict_gives(title, monkeypatch, tmp_path):
    [expected] = predict([load_example("Au4Pd2(PET)8")])
    found = run(title, monkeypatch, tmp_path)["found"]
    assert len(found) in (1, 4)
    for one in found:
        assert one.formation_energy_per_metal == pytest.approx(expected.formation_energy_per_metal, abs=1e-5)
        assert (one.level, one.reference_state, one.flags) == (expected.level, expected.reference_state, expected.flags)


def test_a_quacc_recipe_keeps_energy_and_level(monkeypatch, tmp_path):
    [expected] = predict([load_example("Au4Pd2(PET)8")])
    summary = run("quacc", monkeypatch, tmp_path)["summary"]
    assert summary["results"]["energy"] == pytest.approx(expected.energy, abs=1e-4)
    assert summary["formation_energy_per_metal"] == pytest.approx(expected.formation_energy_per_metal, abs=1e-5)
    assert summary["level"] == expected.level


def test_a_pickled_pipeline_predicts_as_before(monkeypatch, tmp_path):
    names = run("scikit-learn", monkeypatch, tmp_path)
    cluster = [load_example("Au4Pd2(PET)8")]
    assert names["again"].predict(cluster) == pytest.approx(names["pipeline"].predict(cluster))
    labels = names["rows"].formation_energy
    assert labels.min() <= names["again"].predict(cluster)[0] <= labels.max()


def test_an_optimade_entry_becomes_a_structure_with_an_interval(monkeypatch, tmp_path):
    names = run("Structures from OPTIMADE", monkeypatch, tmp_path)
    low, high = names["result"]["formation_energy_interval"]
    assert names["structure"].composition.reduced_formula == "Cu3Au"
    assert low < names["result"]["formation_energy_per_metal"] < high
