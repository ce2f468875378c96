"""Mutation test: break one expression at a time and see whether a test notices; ``make mutation``.

A broken module is compiled in a forked process of its own, so that no file changes and libraries are loaded once. What
only makes an error message is left alone. Survivors are printed with their line; some change nothing that a user
could see, such as a tolerance between two values that no structure has.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "ase_bimetal"
#: Module → the tests that are to hold it, quick ones first; its own doctests are run before them.
TESTS = {
    "formation": ["tests/test_check_values.py"],
    "descriptors": ["tests/test_descriptors.py", "tests/test_check_values.py"],
    "system": ["tests/test_system_values.py", "tests/test_system.py", "tests/test_check_values.py"],
    "perception": [
        "tests/test_perception_values.py",
        "tests/test_donors.py",
        "tests/test_perception.py",
        "tests/test_system.py",
    ],
}
#: Loaded before the forks: what takes long and is not ours.
LIBRARIES = (
    "numpy",
    "scipy.spatial",
    "scipy.sparse.csgraph",
    "ase.io",
    "rdkit.Chem",
    "pymatgen.core",
    "pymatgen.io.ase",
    "monty.json",
)
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
}
#: Arguments that change no result: checks of the code itself, sizes of caches.
HARMLESS = ("strict", "maxsize")
#: Names of constants that bound the effort and change no result within it.
EFFORT = "_MAX_"
PATIENCE = 300  # s of processor time for the tests of one mutant; one that never ends is noticed


def places(tree: ast.AST) -> Iterator[ast.AST]:
    """Expressions that can be broken, in the order of the file."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.Raise | ast.JoinedStr) or isinstance(child, ast.AnnAssign) and child.value is None:
            continue
        if isinstance(child, ast.keyword) and child.arg in HARMLESS:
            continue
        if isinstance(child, ast.Assign) and ast.unparse(child.targets[0]).startswith(EFFORT):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if broken(child) is not None:
            yield child
        yield from places(child.value if isinstance(child, ast.AnnAssign) and child.value else child)


def broken(node: ast.AST) -> ast.AST | None:
    """The expression with one thing wrong, or None if there is nothing to break."""
    wrong = copy.deepcopy(node)
    if isinstance(wrong, ast.Compare) and type(wrong.ops[0]) in SWAPS:
        wrong.ops[0] = SWAPS[type(wrong.ops[0])]()
    elif isinstance(wrong, ast.BoolOp | ast.BinOp) and type(wrong.op) in SWAPS:
        wrong.op = SWAPS[type(wrong.op)]()
    elif isinstance(wrong, ast.UnaryOp) and isinstance(wrong.op, ast.Not | ast.USub):
        return wrong.operand
    elif isinstance(wrong, ast.Constant) and isinstance(wrong.value, bool | int | float):
        wrong.value = _other(wrong.value)
    else:
        return None
    return wrong


def _other(value: bool | int | float) -> bool | int | float:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) or not value else value * 1.25


class _Replace(ast.NodeTransformer):
    """Puts the broken expression in the place of the node with a number."""

    def __init__(self, target: ast.AST) -> None:
        self._target = target

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._target:
            return ast.copy_location(broken(node) or node, node)
        return self.generic_visit(node)


def mutants(path: Path) -> list[tuple[int, str, ast.Module]]:
    """Line, what changes, and the syntax tree of every mutant of a file."""
    source, found = path.read_text(encoding="utf-8"), []
    for number in range(sum(1 for _ in places(ast.parse(source)))):
        tree = ast.parse(source)
        node = list(places(tree))[number]
        change = f"{ast.unparse(node)}  →  {ast.unparse(broken(node) or node)}"
        found.append((node.lineno, change, ast.fix_missing_locations(_Replace(node).visit(tree))))
    return found


def survives(path: Path, tree: ast.Module, tests: list[str]) -> bool:
    """Whether all tests pass with a broken module."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = _tested(path, tree, tests)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _tested(path: Path, tree: ast.Module, tests: list[str]) -> int:
    """Exit status of pytest where a module is compiled from another tree."""
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)  # processor time: a busy machine breaks nothing
    compiled = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> object:
        return compile(tree, self.path, "exec") if Path(self.path).resolve() == path else compiled(self, fullname)

    SourceFileLoader.get_code = get_code
    # pytest would compile the module itself to rewrite its asserts.
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        return int(
            pytest.main(
                [
                    "-x",
                    "-m",
                    "not heavy",
                    "-p",
                    "no:cacheprovider",
                    "-p",
                    "no:xdist",
                    "--assert=plain",
                    str(path),
                    *tests,
                ]
            )
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=list(TESTS), help="of " + ", ".join(TESTS))
    parser.add_argument("-n", type=int, default=40, help="mutants of a module, drawn with a fixed seed; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--least", type=float, default=0.9, help="share that must be noticed")
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for name in LIBRARIES:
        importlib.import_module(name)
    killed = total = 0
    for module in options.modules:
        path = PACKAGE / f"{module}.py"
        if not survives(path, ast.parse(path.read_text(encoding="utf-8")), TESTS[module]):
            print(f"{module}: its tests fail before anything is broken")
            return 2
        drawn = mutants(path)
        random.Random(options.seed).shuffle(drawn)
        drawn = sorted(drawn[: options.n or None], key=lambda mutant: mutant[0])
        alive = 0
        for line, change, tree in drawn:
            if survives(path, tree, TESTS[module]):
                alive += 1
                print(f"survived  {path.relative_to(ROOT)}:{line}  {change}", flush=True)
        print(f"{module}: {len(drawn) - alive} of {len(drawn)} killed", flush=True)
        killed, total = killed + len(drawn) - alive, total + len(drawn)
    print(f"killed {killed} of {total}, {killed / total:.0%}")
    return int(killed < options.least * total)


if __name__ == "__main__":
    raise SystemExit(main())
