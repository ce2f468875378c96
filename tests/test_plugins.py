"""Entry points as others read them, the real `ase` command, and what an import costs."""

import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import entrypoints
import pytest
from matminer.featurizers.base import BaseFeaturizer

import ase_bimetal
from ase_bimetal import featurizers, plugins

FEATURIZERS = set(featurizers.__all__) - {"BimetallicFeaturizer"}


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_groups_through_importlib_metadata():
    points = entry_points(group="matminer.featurizers")
    assert {point.name for point in points} >= FEATURIZERS
    assert all(issubclass(point.load(), BaseFeaturizer) for point in points if point.name in FEATURIZERS)
    assert "bimetal" in {point.name for point in entry_points(group="ase.plugins")}


def test_groups_through_the_old_entrypoints_package():
    assert set(entrypoints.get_group_named("matminer.featurizers")) >= FEATURIZERS
    assert entrypoints.get_single("matminer.featurizers", "LigandLogP").load() is featurizers.LigandLogP
    module = entrypoints.get_single("ase.plugins", "bimetal").load()
    assert [plugin.name for plugin in module.__ase_plugins__] == ["bimetal", "bimetal-descriptors"]


def test_available_featurizers_finds_third_parties(monkeypatch):
    third = EntryPoint("Third", "matminer.featurizers.composition:Stoichiometry", plugins.FEATURIZER_GROUP)
    own = entry_points(group=plugins.FEATURIZER_GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [third, *own])
    found = ase_bimetal.available_featurizers()
    assert set(found) >= FEATURIZERS | {"Third"}
    assert found["Third"].load().__name__ == "Stoichiometry"


def test_ase_lists_the_calculator():
    ase = Path(sys.executable).with_name("ase")
    listed = run(str(ase), "info", "--plugins")
    assert "ase_bimetal" in listed and "CalculatorPlugin" in listed
    assert {"bimetal", "bimetal-descriptors"} <= set(listed.replace(",", " ").split())


def test_ase_plugin_gives_the_calculator_class():
    from ase._4.plugins import plugins as installed

    [plugin] = [p for p in installed if p.name == "bimetal"]
    assert plugin.implementation is ase_bimetal.MMLFormationCalculator


@pytest.mark.parametrize(
    "statement",
    [
        "import ase_bimetal",
        "import ase_bimetal.calculators",
        "import ase.io",
        "import ase_bimetal.calculators.ase_plugin",
    ],
)
def test_imports_stay_light(statement):
    heavy = ("torch", "transformers", "pymatgen", "rdkit", "matminer", "sklearn")
    code = f"{statement}; import sys; print([m for m in {heavy} if m in sys.modules])"
    assert run(sys.executable, "-c", code).strip() == "[]"


def test_lazy_names_are_real():
    for name in ase_bimetal.__all__:
        assert getattr(ase_bimetal, name) is not None
    assert set(ase_bimetal.__all__) <= set(dir(ase_bimetal))
    assert ase_bimetal.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ase_bimetal.nothing  # noqa: B018
