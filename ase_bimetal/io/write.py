"""Records out, batch by batch: CSV, JSON, extended XYZ or Parquet.

Every writer leaves a complete, readable file when it is closed, also when that is early.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from io import FileIO, StringIO
from pathlib import Path
from typing import IO, Any, Protocol

from ase import Atoms

from ase_bimetal.errors import FileFormatError


@dataclass(frozen=True)
class Record:
    """One result in the shapes that the formats want.

    Attributes
    ----------
    name
        Which structure it belongs to, as ``file@index``.
    columns
        Single values by name with unit, for tables; None is an empty cell.
    detail
        Everything, in JSON types.
    atoms
        The object with its results attached, for extended XYZ; None where that makes no sense.
    """

    name: str
    columns: Mapping[str, object] = field(hash=False)
    detail: Mapping[str, Any] = field(hash=False)
    atoms: Atoms | None = field(default=None, hash=False)


class RecordWriter(Protocol):
    """A writer that takes records in batches.

    What was written is on disk when `write` returns, or at `close` at the latest.
    """

    def write(self, records: Sequence[Record]) -> None:
        """Write a batch.

        Parameters
        ----------
        records
            Results in the order of the output.
        """
        ...

    def close(self) -> None:
        """Complete the output."""
        ...


class CsvWriter:
    """Comma-separated values, one record a line, flushed after every batch."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._writer: csv.DictWriter[str] | None = None

    def write(self, records: Sequence[Record]) -> None:
        """Write a batch; the first one decides the columns.

        Parameters
        ----------
        records
            Results in the order of the output.
        """
        for record in records:
            if self._writer is None:
                names = ["structure", *record.columns]
                self._writer = csv.DictWriter(self._stream, names, lineterminator="\n")
                self._writer.writeheader()
            self._writer.writerow({"structure": record.name} | dict(record.columns))
        self._stream.flush()

    def close(self) -> None:
        """Do nothing, for nothing is left to write."""


class JsonWriter:
    """A writer of one JSON array of objects.

    There is one object a line, flushed after every batch.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._separator = "[\n"

    def write(self, records: Sequence[Record]) -> None:
        """Write a batch.

        Parameters
        ----------
        records
            Results in the order of the output.
        """
        for record in records:
            text = json.dumps({"structure": record.name} | dict(record.detail), ensure_ascii=False, allow_nan=False)
            self._stream.write(self._separator + text)
            self._separator = ",\n"
        self._stream.flush()

    def close(self) -> None:
        """End the array."""
        self._stream.write("[]\n" if self._separator == "[\n" else "\n]\n")
        self._stream.flush()


class ExtxyzWriter:
    """A writer of extended XYZ with results.

    The results stand in the comment line, flushed after every batch.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, records: Sequence[Record]) -> None:
        """Write a batch.

        Parameters
        ----------
        records
            Results in the order of the output.

        Raises
        ------
        FileFormatError
            A record has no coordinates.
        """
        from ase.io import write

        for record in records:
            if record.atoms is None:
                raise FileFormatError(f"{record.name} has no coordinates to write; allowed: csv, json, table")
            write(self._stream, record.atoms, format="extxyz")
        self._stream.flush()

    def close(self) -> None:
        """Do nothing, for nothing is left to write."""


class ParquetWriter:
    """A writer of Parquet, one row group a batch.

    The file is complete only when closed: a Parquet file ends with its index.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow.parquet
        except ImportError:
            raise FileFormatError(
                "Parquet needs pyarrow: pip install 'ase-bimetal[screen]'; allowed without: csv, json, table"
            ) from None
        self._parquet = pyarrow.parquet
        self._path = path
        self._writer: Any = None

    def write(self, records: Sequence[Record]) -> None:
        """Write a batch of records.

        The first batch decides the columns: floats, but for the structure and texts.

        Parameters
        ----------
        records
            Results in the order of the output.
        """
        import pyarrow as pa

        if not records:
            return
        if self._writer is None:
            texts = {name for name, value in records[0].columns.items() if isinstance(value, str)}
            schema = [("structure", pa.string())]
            schema += [(name, pa.string() if name in texts else pa.float64()) for name in records[0].columns]
            self._writer = self._parquet.ParquetWriter(self._path, pa.schema(schema))
        rows = [{"structure": record.name} | dict(record.columns) for record in records]
        self._writer.write_table(pa.Table.from_pylist(rows, schema=self._writer.schema))

    def close(self) -> None:
        """Write the index."""
        if self._writer is not None:
            self._writer.close()


class _WholeBatches(StringIO):
    """Text that reaches a file when it is flushed, and all of it or, where a disk is full, nothing."""

    def __init__(self, file: FileIO) -> None:
        super().__init__(newline="")
        self._file, self._end = file, 0

    def flush(self) -> None:
        """Write what has come since the last time."""
        if self.closed:
            return
        waiting = self.getvalue().encode()
        self.seek(0)
        self.truncate()
        try:
            while waiting:
                waiting = waiting[self._file.write(waiting) :]
        except OSError:
            self._file.truncate(self._end)
            self._file.seek(self._end)
            raise
        self._end = self._file.tell()


_WRITERS: Mapping[str, Callable[[IO[str]], RecordWriter]] = {
    "csv": CsvWriter,
    "json": JsonWriter,
    "extxyz": ExtxyzWriter,
}


@contextmanager
def open_writer(kind: str, path: str | Path) -> Iterator[RecordWriter]:
    """Open a writer to a file.

    It is completed when the block ends, by whatever way it ends.

    Parameters
    ----------
    kind
        ``"csv"``, ``"json"``, ``"extxyz"`` or ``"parquet"``.
    path
        The file, which is overwritten.

    Yields
    ------
    RecordWriter
        The open writer.

    Raises
    ------
    FileFormatError
        The kind is unknown.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     with open_writer("csv", file.name) as writer:
    ...         writer.write([Record("a.cif@0", {"H_mix (kJ/mol)": 15.0}, {})])
    ...     Path(file.name).read_text()
    'structure,H_mix (kJ/mol)\\na.cif@0,15.0\\n'
    """
    if kind == "parquet":
        with closing(ParquetWriter(Path(path))) as writer:
            yield writer
        return
    if kind not in _WRITERS:
        raise FileFormatError(
            f"unknown output format {kind!r}; allowed: {', '.join([*_WRITERS, 'parquet'])}. Choose one of these"
        )
    with Path(path).open("wb", buffering=0) as file, closing(_WRITERS[kind](_WholeBatches(file))) as writer:
        yield writer


__all__ = ["CsvWriter", "ExtxyzWriter", "JsonWriter", "ParquetWriter", "Record", "RecordWriter", "open_writer"]
