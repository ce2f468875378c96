"""The package itself: light imports, attributes, and documents that agree with the card."""

import ast
import doctest
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import ase_bimetal
from ase_bimetal.cli.tables import markdown_metrics
from ase_bimetal.featurizers.base import SOURCE
from ase_bimetal.model.checkpoint import load_checkpoint

ROOT = Path(__file__).parents[1]
#: Rooms whose ``__all__`` is the public interface.
PUBLIC = ("", ".calculators", ".featurizers", ".io", ".screening", ".report")


def test_import_is_light():
    code = "import sys, ase_bimetal; print([m for m in sys.modules if m.split('.')[0] in %r])"
    heavy = ("torch", "transformers", "pymatgen", "rdkit", "sklearn", "matminer", "matplotlib")
    run = subprocess.run([sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_prediction_needs_neither_transformers_nor_pymatgen():
    # torch's compiler alone costs as much time as torch; arithmetic on tensors without memory brings it along.
    code = (
        "import sys; sys.modules['matminer'] = sys.modules['transformers'] = None; "
        "from ase_bimetal import load_example, predict; predict([load_example('Au4Pd2(PET)8')]); "
        "names = ('transformers', 'matminer', 'torch_geometric', 'pymatgen', 'sklearn', 'torch._dynamo', 'sympy'); "
        "print([m for m in names if sys.modules.get(m)])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_screened_cluster_loads_neither_statistics_nor_a_compiler(tmp_path):
    code = (
        "import sys; from ase_bimetal.screening import screen; "
        f"screen(out={str(tmp_path)!r}, dopants='Pd', ligands='PET', motifs='Au4M2', dopant_counts=2, progress=False); "
        "names = ('scipy.stats', 'torch._dynamo', 'dask', 'sklearn', 'pymatgen', 'matplotlib'); "
        "print([m for m in names if sys.modules.get(m)])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_training_needs_no_graph_library():
    code = "import sys; sys.modules['torch_geometric'] = None; import ase_bimetal.lab.training.fit"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", [*ase_bimetal.__all__, "__version__"])
def test_public_names_resolve(name):
    assert getattr(ase_bimetal, name) is not None


def test_the_public_names_are_few_and_every_one_resolves():
    """At most sixty; what else is public stands on no list, so that it may change."""
    rooms = [import_module(f"ase_bimetal{room}") for room in PUBLIC]
    names = {name for room in rooms for name in room.__all__}
    assert 40 < len(names) <= 60
    assert all(getattr(room, name) is not None for room in rooms for name in room.__all__)
    listed = (ROOT / "docs" / "reference" / "index.md").read_text()
    assert all(f"`ase_bimetal{room}`" in listed for room in PUBLIC)


def test_names_for_type_checkers_are_those_that_load():
    """A block under TYPE_CHECKING, ``__all__`` and the table of homes say the same."""
    for room in (
        "ase_bimetal",
        "ase_bimetal.calculators",
        "ase_bimetal.screening",
        "ase_bimetal.report",
        "ase_bimetal.lab.paper",
    ):
        module = import_module(room)
        [block] = [
            node
            for node in ast.parse(Path(module.__file__).read_text()).body
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        ]
        typed = {alias.name for line in block.body for alias in line.names}
        assert typed == set(module.__all__) == set(module._HOME), room


def test_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ase_bimetal.nothing


@pytest.mark.parametrize("page", sorted(p.name for p in (ROOT / "docs").glob("*.md")))
def test_examples_in_the_docs_run(page):
    failures, _ = doctest.testfile(str(ROOT / "docs" / page), module_relative=False)
    assert failures == 0


def test_the_version_is_one_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    cited = (ROOT / "CITATION.cff").read_text()
    [released, *_] = re.findall(r"^## ([\d.]+) – (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert f"\nversion: {version}\ndate-released: {released[1]}\n" in cited and released[0] == version


def test_the_citation_names_every_author_of_the_article():
    article = (ROOT / "CITATION.cff").read_text().partition("references:")[2]
    family_names = re.findall(r"family-names: (\w+)", article)
    assert len(family_names) == 13 and (family_names[0], family_names[-1]) == ("Gu", "Ma")
    assert all(f"{name}, " in SOURCE for name in family_names)


def test_readme_shows_the_table_of_the_card():
    table = markdown_metrics(load_checkpoint().card.metrics)
    assert table in (ROOT / "README.md").read_text()
