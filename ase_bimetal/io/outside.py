"""What readers of ASE would do beyond reading their file: open others that it names, or write into it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from ase_bimetal.errors import FileFormatError, UnsafeContentError
from ase_bimetal.io.text import text_of

#: Formats whose readers open the file that the text names, and how it names it.
_NAMES_A_FILE = {
    "acemolecule-input": re.compile(r"GeometryFilename.*"),
    "octopus-in": re.compile(r"(?:xyz|pdb|xsf)coordinates\b.*", re.IGNORECASE),
    "onetep-in": re.compile(r"\binclude_file\b.*"),
}


def require_no_other_file(path: str, format: str | None) -> None:
    """Refuse an input that takes its coordinates from elsewhere.

    It could name any file of the disk, a device or a pipe.

    Parameters
    ----------
    path
        The file.
    format
        ASE's name of its format.

    Raises
    ------
    UnsafeContentError
        It names another file.
    """
    if format not in _NAMES_A_FILE:
        return
    if found := _NAMES_A_FILE[format].search(text_of(path)):
        raise UnsafeContentError(
            f"the file takes its content from another one, {found[0].strip()!r:.120}; allowed: "
            "coordinates in the file itself. Give the other file in its place"
        )


def require_database(path: str) -> None:
    """Refuse a file that is no database of ASE's.

    ASE would make one of it: its tables are written into any other SQLite database and into files that are none.

    Parameters
    ----------
    path
        The file, which is opened for reading only.

    Raises
    ------
    FileFormatError
        It lacks ASE's table of systems, or is no SQLite file.
    """
    with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE type='table' AND name='systems'").fetchall()
        except sqlite3.DatabaseError as error:
            raise FileFormatError(f"no SQLite file: {error}. Give a database that ase.db wrote") from None
    if not found:
        raise FileFormatError(
            "an SQLite file without ASE's table of systems; allowed: databases that ase.db wrote. Give one of these"
        )


__all__ = ["require_database", "require_no_other_file"]
