"""Files that verbs write, refused before the work when they cannot be written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

#: Suffixes of pictures that matplotlib writes without further programs.
PICTURES = (".png", ".pdf", ".svg", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".eps")


def check_folder(path: Path, hint: str) -> None:
    """Refuse a file in a folder that is not there.

    Raises
    ------
    typer.BadParameter
        Naming the folder.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise typer.BadParameter(
            f"no folder {str(path.parent)!r}; make it first: mkdir -p {path.parent}", param_hint=hint
        )


def check_suffix(path: Path, allowed: Sequence[str], hint: str) -> None:
    """Refuse an output file of a wrong suffix or folder.

    The suffix, of any case, must be one of those allowed, and the folder must exist.

    Raises
    ------
    typer.BadParameter
        Naming the suffixes that are allowed.
    """
    if path.suffix.lower() not in allowed:
        raise typer.BadParameter(
            f"{str(path)!r} ends with {path.suffix or 'no suffix'}; allowed: {', '.join(allowed)}", param_hint=hint
        )
    check_folder(path, hint)


def check_structures(path: Path, hint: str) -> None:
    """Refuse a structure file that ASE cannot write.

    Raises
    ------
    typer.BadParameter
        ASE knows no format by the file's name, or none that it writes; or the folder is not there.
    """
    from ase.io.formats import UnknownFileTypeError, filetype, ioformats

    try:
        writable = ioformats[filetype(str(path), read=False)].can_write
    except (KeyError, UnknownFileTypeError):
        writable = False
    if not writable:
        raise typer.BadParameter(
            f"ASE writes no file like {str(path)!r}; allowed: its formats, such as .extxyz, .cif, .traj or POSCAR",
            param_hint=hint,
        )
    check_folder(path, hint)


__all__ = ["PICTURES", "check_folder", "check_structures", "check_suffix"]
