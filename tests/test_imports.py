"""The contract of the rooms: who may import whom."""

import ast
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import ase_bimetal

PACKAGE = Path(ase_bimetal.__file__).parent
#: Rooms of the shop from left to right; a room imports from its own and from those before it.
ORDER = (
    ("errors", "files", "extras", "workers", "numbers", "elements", "cells"),
    ("ligands", "ions", "annotation", "neighbors", "sites"),
    ("shell", "probes", "strain", "trained_distances", "geometry"),
    ("supports", "parts", "perception"),
    ("inputs", "disorder", "surroundings"),
    ("system", "exchange"),
    ("examples",),
    ("structures", "descriptors", "formation"),
    ("model",),
    ("io", "plots", "calculators", "featurizers", "plugins"),
    ("screening",),
    ("report",),
    ("cli",),
)
#: Rooms of the workshop, likewise; all may import the shop.
WORKSHOP = (("labels",), ("training", "pretraining", "gcnn", "regressors"), ("paper",))


def imports_of(path: Path, inside_functions: bool) -> set[str]:
    """Modules of the package that a file imports, those for type checkers left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()

    def visit(node: ast.AST, in_function: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            deeper = in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if not in_function or inside_functions:
                if isinstance(child, ast.ImportFrom) and child.module and child.module.startswith("ase_bimetal"):
                    found.update(f"{child.module}.{alias.name}" for alias in child.names)
                elif isinstance(child, ast.Import):
                    found.update(alias.name for alias in child.names if alias.name.startswith("ase_bimetal"))
            visit(child, deeper)

    visit(tree, False)
    return found


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def room_of(dotted: str) -> str:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ""


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


SHOP = [path for path in files_of(PACKAGE) if not relative(path).startswith("lab/")]
# `rglob` does not follow links, and the two public faces are linked into the package.
SHOP += [path for name in ("calculators", "featurizers") for path in sorted((PACKAGE / name).glob("*.py"))]


@pytest.mark.parametrize("path", SHOP, ids=relative)
def test_what_a_user_runs_never_imports_the_laboratory(path):
    verbs_may = relative(path).startswith("cli/")
    into_lab = {name for name in imports_of(path, inside_functions=not verbs_may) if room_of(name) == "lab"}
    assert not into_lab


def test_the_contract_sees_an_arrow_the_wrong_way(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from ase_bimetal.lab.labels import cp2k\n")
    assert imports_of(wrong, inside_functions=True) == {"ase_bimetal.lab.labels.cp2k"}
    assert imports_of(wrong, inside_functions=False) == set()
    wrong.write_text("from ase_bimetal.lab import labels\n")
    assert imports_of(wrong, inside_functions=False) == {"ase_bimetal.lab.labels"}


@pytest.mark.parametrize("path", SHOP, ids=relative)
def test_rooms_of_the_shop_import_from_their_left(path):
    level = {room: k for k, rooms in enumerate(ORDER) for room in rooms}
    room = Path(relative(path)).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    late = {
        name
        for name in imports_of(path, inside_functions=False)
        if room_of(name) in level and level[room_of(name)] > level[room]
    }
    assert not late


@pytest.mark.parametrize("path", files_of(PACKAGE / "lab"), ids=relative)
def test_rooms_of_the_workshop_import_from_their_left(path):
    level = {room: k for k, rooms in enumerate(WORKSHOP) for room in rooms}
    parts = Path(relative(path)).parts
    used = imports_of(path, inside_functions=True)
    assert not {name for name in used if room_of(name) in ("report", "cli")}
    if parts[1] in level:
        rooms = {name.split(".")[2] for name in used if name.startswith("ase_bimetal.lab.")}
        assert not {room for room in rooms if level.get(room, 0) > level[parts[1]]}


def modules_of(paths: Iterable[Path], package: Path) -> dict[str, Path]:
    """Dotted name → file."""
    found = {}
    for path in paths:
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def circle_of(modules: dict[str, Path]) -> list[str]:
    """Modules that import each other when they are loaded, the first one again at the end; empty when none do."""
    graph = {
        name: {
            used if used in modules else used.rpartition(".")[0] for used in imports_of(path, inside_functions=False)
        }
        & set(modules) - {name}
        for name, path in modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_modules_import_each_other_in_a_circle():
    assert circle_of(modules_of([*SHOP, *files_of(PACKAGE / "lab")], PACKAGE)) == []


def test_a_circle_of_three_files_is_seen(tmp_path):
    package = tmp_path / "ase_bimetal"
    package.mkdir()
    for name, text in {
        "a": "from ase_bimetal import b\n",
        "b": "from ase_bimetal.c import thing\n",
        "c": "import ase_bimetal.a\n",
        "d": "def late():\n    from ase_bimetal import e\n",
        "e": "from ase_bimetal import d\n",
    }.items():
        (package / f"{name}.py").write_text(text)
    modules = modules_of(package.glob("*.py"), package)
    assert set(circle_of(modules)) == {"ase_bimetal.a", "ase_bimetal.b", "ase_bimetal.c"}
    (package / "c.py").write_text("def late():\n    import ase_bimetal.a\n")
    assert circle_of(modules) == []


def test_results_are_written_in_one_step():
    """Files that outlive a process go through `write_whole`; these write into folders that end with them."""
    temporary = {"io/read.py", "io/text.py", "lab/labels/cp2k.py"}
    found = {
        str(path.relative_to(PACKAGE))
        for path in files_of(PACKAGE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("write_text", "write_bytes")
    }
    assert found == temporary
