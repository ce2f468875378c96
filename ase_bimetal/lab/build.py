"""The conveyor: all that follows from the labels, made again in its order, in a copy of the repository.

``python -m ase_bimetal.lab.build OUT`` copies the checkout to OUT and works there, so that the package in use never
holds half of a new model. A fresh copy counts as up to date: put new labels into its ``ase_bimetal/datasets`` and run
the line again. A step runs when what it reads has changed; a stopped run goes on where it stopped, networks and folds
one by one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ase_bimetal.errors import MissingDataError
from ase_bimetal.files import write_whole

_DATA, _WEIGHTS, _LAB = "ase_bimetal/datasets", "ase_bimetal/weights", "ase_bimetal.lab"
_LABELS, _PBE = f"{_DATA}/reference.json.xz", f"{_DATA}/pbe_labels.json.xz"
_ANCHORS, _BULK, _PROBES = f"{_DATA}/anchors.extxyz", f"{_DATA}/bulk_metals.json", f"{_DATA}/probes.json"
_LEVEL, _CARD = f"{_DATA}/level_difference.json", f"{_WEIGHTS}/mml-gfn1-pbe/card.json"
_ON_SUPPORTS = f"{_DATA}/support_difference.json"
_COPIED = ("ase_bimetal", "calculators", "matminer_featurizers", "benchmarks", "docs", "README.md", "pyproject.toml")
_CLI = ("-c", "from ase_bimetal.cli import main; main()")
_STAMPS = ".build"


@dataclass(frozen=True)
class Step:
    """One command of the conveyor.

    Attributes
    ----------
    name
        How it is called on the command line.
    arguments
        What Python is given.
    reads, writes
        Files relative to the copy; a step runs again when one it reads has changed or one it writes is missing.
    """

    name: str
    arguments: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    def stamp(self, root: Path) -> str:
        """Return the sha256 of the command and of all it reads.

        Parameters
        ----------
        root
            The copy of the repository.

        Raises
        ------
        MissingDataError
            A file that it reads is not there.
        """
        found = hashlib.sha256(repr(self.arguments).encode())
        for name in self.reads:
            path = root / name
            if not path.is_file():
                raise MissingDataError(f"step {self.name!r} reads {name}, which {root} lacks; run the steps before it")
            found.update(path.read_bytes())
        return found.hexdigest()

    def is_due(self, root: Path) -> bool:
        """Say whether the step has to run."""
        path = _stamp_path(root, self)
        absent = any(not (root / name).exists() for name in self.writes)
        return absent or not path.exists() or path.read_text() != self.stamp(root)


#: All steps, each after those whose files it reads.
STEPS = (
    Step("bond lengths", ("-m", f"{_LAB}.labels.bond_lengths"), (_LABELS,), (f"{_DATA}/bond_lengths.json",)),
    Step("networks", (*_CLI, "train", f"{_WEIGHTS}/mml-gfn1-pbe", "--data", _LABELS, "--epochs", "20", "--members", "3",
                      "--workers", "2", "--fold-rows", "1500", "--fold-epochs", "24", "--fold-seeds", "1"),
         (_LABELS, _PROBES), (f"{_WEIGHTS}/mml-gfn1-pbe/weights.safetensors",)),
    Step("graph network", ("-m", f"{_LAB}.gcnn.fit", f"{_STAMPS}/gcnn"), (_LABELS,),
         (f"{_WEIGHTS}/gcnn-gfn1-pbe/weights.safetensors",)),
    Step("geometries", ("-m", f"{_LAB}.labels.geometries"), (_LABELS,), (f"{_DATA}/example_templates.json.xz",)),
    Step("level difference", ("-m", f"{_LAB}.labels.level_difference", "--write"),
         (_PBE, _ANCHORS, _BULK, f"{_DATA}/carbon_pbe.json", f"{_DATA}/zeolite_pbe.json"), (_LEVEL, _ON_SUPPORTS)),
    Step("forest", ("benchmarks/descriptor_pages.py",),
         (_LABELS, f"{_DATA}/hosts.json.xz", _ON_SUPPORTS, _LEVEL),
         (f"{_DATA}/descriptor_forest.json", f"{_DATA}/descriptor_table.csv")),
    Step("picture of the supports", ("-m", f"{_LAB}.labels.host_figure", "docs/images/hosts.png"),
         (f"{_DATA}/hosts.json.xz",), ("docs/images/hosts.png",)),
    Step("cards", ("-m", f"{_LAB}.training.against_pbe"),
         (_LEVEL, f"{_WEIGHTS}/mml-gfn1-pbe/weights.safetensors", f"{_WEIGHTS}/gcnn-gfn1-pbe/weights.safetensors"),
         (_CARD, f"{_WEIGHTS}/gcnn-gfn1-pbe/card.json")),
    Step("template errors", ("benchmarks/screening_geometry.py",), (_CARD, _LABELS), ()),
    Step("pages of the graph network", ("benchmarks/graph_pages.py",), (f"{_WEIGHTS}/gcnn-gfn1-pbe/card.json",), ()),
    Step("published results", ("benchmarks/reproduce_pages.py",), (_CARD, _LABELS), ("docs/reproduce.md",)),
)  # fmt: skip


def build(out: Path, only: str | None = None, source: Path | None = None) -> list[str]:
    """Run the steps that are due, in order, in a copy of the repository.

    Parameters
    ----------
    out
        Folder of the copy; made from the checkout when it does not exist.
    only
        Name of one step to run, due or not; the others are left.
    source
        The checkout; default: the one that this package lies in.

    Returns
    -------
    list of str
        Names of the steps that ran.

    Raises
    ------
    MissingDataError
        The source is no checkout, or a step reads what is not there.
    subprocess.CalledProcessError
        A step failed; those before it are done.
    """
    if not out.exists():
        _copy(source or Path(__file__).parents[2], out)
        for step in STEPS:
            write_whole(_stamp_path(out, step), step.stamp(out))
    ran = []
    for step in STEPS:
        if step.name == only or (only is None and step.is_due(out)):
            stamp = step.stamp(out)
            _run(step, out)
            write_whole(_stamp_path(out, step), stamp)
            ran.append(step.name)
    return ran


def _copy(source: Path, out: Path) -> None:
    """Copy what the steps read and write, links as links."""
    missing = [name for name in _COPIED if not (source / name).exists()]
    if missing:
        raise MissingDataError(f"{source} is no checkout of the repository: it lacks {', '.join(missing)}")
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for name in _COPIED:
        if (source / name).is_dir():
            shutil.copytree(source / name, part / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source / name, part / name)
    part.rename(out)


def _run(step: Step, out: Path) -> None:
    print(f"{step.name} …", flush=True)
    environment = os.environ | {"PYTHONPATH": str(out.resolve()), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *step.arguments], cwd=out, env=environment, check=True)


def _stamp_path(root: Path, step: Step) -> Path:
    path = root / _STAMPS / f"{step.name.replace(' ', '-')}.sha256"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def main(
    out: Annotated[Path, typer.Argument(help="Folder of the copy; made from the checkout when it does not exist.")],
    only: Annotated[str | None, typer.Option(help="Run this step alone.")] = None,
    due: Annotated[bool, typer.Option("--list", help="List the steps and whether they are due, and run none.")] = False,
) -> None:
    """Make the models, cards and pages that follow from the labels."""
    names = [step.name for step in STEPS]
    if only is not None and only not in names:
        raise typer.BadParameter(f"unknown step {only!r}; allowed: {', '.join(names)}")
    if due:
        for step in STEPS:
            print(f"{step.name}: {'due' if out.exists() and step.is_due(out) else 'up to date'}")
        return
    ran = build(out, only)
    print(f"ran: {', '.join(ran) or 'nothing, all is up to date'}")


if __name__ == "__main__":
    typer.run(main)
