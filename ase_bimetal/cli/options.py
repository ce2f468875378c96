"""Options that several verbs share, and how their texts are read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer


def complete_ligand(incomplete: str) -> Iterator[str]:
    """Complete the name of a ligand for the shell."""
    from ase_bimetal.ligands import LIGAND_NAMES

    yield from (name for name in LIGAND_NAMES if name.startswith(incomplete))


def complete_model(incomplete: str) -> Iterator[str]:
    """Complete the name of a shipped model for the shell."""
    from ase_bimetal.model.registry import list_models

    yield from (model.name for model in list_models() if model.name.startswith(incomplete))


def complete_any_model(incomplete: str) -> Iterator[str]:
    """Complete a name for ``predict --model`` for the shell."""
    from ase_bimetal.model.registry import AUTO

    yield from (name for name in (AUTO, *complete_model("")) if name.startswith(incomplete))


def complete_start(incomplete: str) -> Iterator[str]:
    """Complete a name for ``train --from`` for the shell."""
    from ase_bimetal.model.registry import DEFAULT

    yield from (name for name in (DEFAULT,) if name.startswith(incomplete))


_FILES = typer.Argument(
    help="Structure files of any format that ASE or pymatgen reads, with ASE's index if wanted (run.traj@-5:); "
    "- for standard input.",
    metavar="FILES",
)
Files = Annotated[list[str], _FILES]
OptionalFiles = Annotated[list[str] | None, _FILES]
Format = Annotated[
    str | None, typer.Option("--format", help="Format of the files, by ASE's or pymatgen's name; needed for '-'.")
]
Ligands = Annotated[
    list[str] | None,
    typer.Option(
        "--ligand",
        help="NAME:count or SMILES:count, for structures that carry no annotation; may be repeated.",
        autocompletion=complete_ligand,
    ),
]
Model = Annotated[str, typer.Option(help="Shipped model or folder of one's own.", autocompletion=complete_model)]
AnyModel = Annotated[
    str,
    typer.Option(
        help="auto for the first that covers the object, a shipped model, or folder of one's own.",
        autocompletion=complete_any_model,
    ),
]
Out = Annotated[Path | None, typer.Option("--out", help="Write to this file; its suffix names the format.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes on this machine.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Tell more on standard error.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="On standard error, tell only what failed.")]


def teller(quiet: bool) -> Callable[[str], None]:
    """Make the function that reports progress.

    It prints a line on standard error, or nothing when the verb is to be quiet.
    """
    return lambda line: None if quiet else print(line, file=sys.stderr, flush=True)


def read_ligands(options: list[str] | None) -> dict[str, int] | None:
    """Read NAME:count options into a dict.

    The count follows the last colon, which no SMILES holds before a number.

    Raises
    ------
    typer.BadParameter
        An option is not of that form, or its ligand cannot be read.
    """
    from ase_bimetal.errors import LigandError
    from ase_bimetal.ligands import Ligand

    found: dict[str, int] = {}
    for option in options or []:
        text, _, count = option.rpartition(":")
        if not text or not count.isdigit():
            raise typer.BadParameter(f"{option!r} is not NAME:count or SMILES:count", param_hint="--ligand")
        try:
            Ligand.parse(text)
        except LigandError as error:
            raise typer.BadParameter(str(error), param_hint="--ligand") from None
        found[text] = found.get(text, 0) + int(count)
    return found or None


def check_files(files: list[str], format: str | None) -> None:
    """Refuse missing files and unknown formats.

    This is done before any work.

    Raises
    ------
    typer.BadParameter
        Naming the file or the format.
    """
    from ase_bimetal.errors import FileFormatError
    from ase_bimetal.io.read import STDIN, known_formats, split_index

    for file in files:
        if file == STDIN and format is None:
            raise typer.BadParameter("standard input needs --format, such as --format extxyz", param_hint="FILES")
        try:
            path = split_index(file)[0]
        except FileFormatError as error:
            raise typer.BadParameter(str(error), param_hint="FILES") from None
        if file != STDIN and not Path(path).exists():
            raise typer.BadParameter(f"no file {file!r}{_next_step(file)}", param_hint="FILES")
    if format is not None and format not in known_formats():
        raise typer.BadParameter(
            f"unknown format {format!r}; allowed: {', '.join(known_formats())}", param_hint="--format"
        )


def _next_step(file: str) -> str:
    """What to write for a missing file: a formula has an option of its own."""
    from ase_bimetal.errors import BimetalError
    from ase_bimetal.structures.formula import ClusterFormula

    try:
        ClusterFormula.parse(file)
    except BimetalError:
        return ". Give the path of a structure file, or a folder of them"
    return f"; to build a cluster of this formula write: ase-bimetal predict --formula '{file}'"


def check_model(model: str) -> None:
    """Refuse a model that is not here.

    It must be shipped or be a folder with a card; torch is not loaded yet.

    Raises
    ------
    typer.BadParameter
        Naming the models that ship.
    """
    _require_model(model, complete_model(""))


def check_start(model: str) -> None:
    """Refuse a model that ``train --from`` cannot go on from.

    Raises
    ------
    typer.BadParameter
        Naming those that ship.
    """
    _require_model(model, complete_start(""), "--from")


def check_any_model(model: str) -> None:
    """Refuse a name that no model has, before torch is loaded.

    Raises
    ------
    typer.BadParameter
        Naming the models that ship.
    """
    _require_model(model, complete_any_model(""))


def _require_model(model: str, names: Iterator[str], option: str = "--model") -> None:
    known = list(names)
    if model not in known and not (Path(model) / "card.json").is_file():
        raise typer.BadParameter(
            f"no model {model!r}; allowed: {', '.join(known)} or a folder with card.json", param_hint=option
        )


def check_device(device: str) -> None:
    """Refuse a device that torch cannot use here.

    The CPU is not tested, since every machine has it.

    Raises
    ------
    typer.BadParameter
        With torch's reason.
    """
    if device == "cpu":
        return
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise typer.BadParameter(f"{device!r} cannot be used: {reason}", param_hint="--device") from None


def check_workers(workers: int, device: str) -> None:
    """Refuse a number of workers that cannot be had.

    Raises
    ------
    typer.BadParameter
        More than one on another device than the CPU.
    """
    if workers == 1:
        return
    from ase_bimetal.errors import OptionError
    from ase_bimetal.model.registry import require_workers

    try:
        require_workers(workers, device)
    except OptionError as error:
        raise typer.BadParameter(str(error), param_hint="--workers") from None
