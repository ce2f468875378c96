"""First lines of docstrings: short enough to be read at a glance."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ase_bimetal
from ase_bimetal import _HOME

PACKAGE = Path(ase_bimetal.__file__).parent
#: Rooms whose every public name a user may call, beside those that the package offers itself.
FOR_USERS = ("calculators", "featurizers", "io", "screening")
FILES = sorted({*PACKAGE.rglob("*.py"), *(path for room in FOR_USERS for path in (PACKAGE / room).glob("*.py"))})
OFFERED = set(_HOME.values())
#: Words that begin a noun phrase or a clause.
NO_VERBS = {
    "A",
    "All",
    "An",
    "As",
    "Every",
    "How",
    "Nothing",
    "One",
    "Some",
    "The",
    "What",
    "Where",
    "Whether",
    "Which",
    "Who",
    "Why",
}


def public(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    """Public classes, functions and methods below a node, with their dotted names."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.ClassDef | ast.FunctionDef) or child.name.startswith("_"):
            continue
        if any(ast.unparse(mark) == "overload" for mark in child.decorator_list):
            continue
        yield prefix + child.name, child
        if isinstance(child, ast.ClassDef):
            yield from public(child, f"{prefix}{child.name}.")


def summary(node: ast.ClassDef | ast.FunctionDef) -> str:
    return " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())


def is_for_users(path: Path) -> bool:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0] in FOR_USERS or ".".join(["ase_bimetal", *parts]) in OFFERED


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=place)
def test_first_lines_are_short_sentences(path):
    most = 10 if is_for_users(path) else 14
    found = {name: summary(node) for name, node in public(ast.parse(path.read_text(encoding="utf-8")))}
    wrong = {name: line for name, line in found.items() if not line.endswith(".") or len(line.split()) > most}
    assert wrong == {}


@pytest.mark.parametrize("path", FILES, ids=place)
def test_functions_begin_with_a_verb(path):
    found = {
        name: summary(node)
        for name, node in public(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and not any("property" in ast.unparse(d) for d in node.decorator_list)
    }
    wrong = {name: line for name, line in found.items() if line.split()[0] in NO_VERBS}
    assert wrong == {}


def test_a_name_of_the_workshop_and_one_for_users_are_told_apart():
    assert is_for_users(PACKAGE / "model/registry.py") and is_for_users(PACKAGE / "screening/run.py")
    assert not is_for_users(PACKAGE / "lab/labels/label.py")


def test_the_check_sees_methods_and_not_overloads():
    tree = ast.parse("class A:\n    def b(self): ...\n    def _c(self): ...\n@overload\ndef d(): ...\n")
    assert [name for name, _ in public(tree)] == ["A", "A.b"]
