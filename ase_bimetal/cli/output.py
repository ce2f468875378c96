"""Where a verb's records go: a table on a terminal, CSV in a pipe, and whatever a file's suffix says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import typer

from ase_bimetal.cli.targets import check_folder
from ase_bimetal.io.write import CsvWriter, ExtxyzWriter, JsonWriter, Record, RecordWriter, open_writer

_BY_SUFFIX = {
    ".csv": "csv",
    ".json": "json",
    ".extxyz": "extxyz",
    ".xyz": "extxyz",
    ".parquet": "parquet",
    ".txt": "table",
}
_STREAMS: Mapping[str, Callable[[IO[str]], RecordWriter]] = {
    "csv": CsvWriter,
    "json": JsonWriter,
    "extxyz": ExtxyzWriter,
}

#: Prints all records at once, for people; takes the stream to print to.
PrintTable = Callable[[Sequence[Record], IO[str]], None]


class TableWriter:
    """A writer that prints its records as a table.

    They are printed when it is closed, since only then all widths are known.
    """

    def __init__(self, stream: IO[str], print_table: PrintTable) -> None:
        self._stream = stream
        self._print_table = print_table
        self._records: list[Record] = []

    def write(self, records: Sequence[Record]) -> None:
        """Keep a batch."""
        self._records.extend(records)

    def close(self) -> None:
        """Print the table."""
        if self._records:
            self._print_table(self._records, self._stream)


def choose(output: str | None, out: Path | None, allowed: Sequence[str]) -> str:
    """Choose the output format.

    The format asked for comes first, then the file's suffix, then a table on a terminal and CSV in a pipe.

    Raises
    ------
    typer.BadParameter
        The format is not allowed, is not that of the suffix, cannot be told from it, or needs a file.
    """
    listed = ", ".join(allowed)
    if output is None and out is None:
        return "table" if sys.stdout.isatty() else "csv"
    by_suffix = None if out is None else _BY_SUFFIX.get(out.suffix.lower())
    if output is not None and by_suffix not in (None, output):
        raise typer.BadParameter(
            f"{str(out)!r} is a file of {by_suffix}, not of {output}; leave --output out, or give "
            "the file another suffix",
            param_hint="--output",
        )
    kind = output or by_suffix
    if kind is None or kind not in allowed:
        asked = repr(output) if output else f"the suffix of {str(out)!r}"
        raise typer.BadParameter(f"{asked} is no output format of this verb; allowed: {listed}", param_hint="--output")
    if kind == "parquet" and out is None:
        raise typer.BadParameter("parquet is binary and needs --out FILE", param_hint="--output")
    if out is not None:
        check_folder(out, "--out")
    return kind


@contextmanager
def open_output(kind: str, out: Path | None, print_table: PrintTable) -> Iterator[RecordWriter]:
    """Open a writer to a file or to standard output.

    Its format is one that `choose` gave; the output is complete when the block ends.
    """
    if kind == "table":
        if out is None:
            with closing(TableWriter(sys.stdout, print_table)) as writer:
                yield writer
            return
        with out.open("w", encoding="utf-8") as stream, closing(TableWriter(stream, print_table)) as writer:
            yield writer
    elif out is None:
        with closing(_STREAMS[kind](sys.stdout)) as writer:
            yield writer
    else:
        with open_writer(kind, out) as writer:
            yield writer
