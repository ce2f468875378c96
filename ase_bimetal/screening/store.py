"""A results folder: chunks of rows in Parquet, each written whole, and a manifest that says what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ase_bimetal.errors import ScreenError
from ase_bimetal.files import write_whole
from ase_bimetal.screening.columns import COLUMNS
from ase_bimetal.screening.config import ScreenConfig
from ase_bimetal.screening.evaluate import Row

_TYPES = {
    "text": pa.string(),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "texts": pa.list_(pa.string()),
}
_MANIFEST, _ROWS, _TEMPLATES = "screen.json", "rows", "templates"
_FORMAT = 1


def schema(about: dict[str, str] | None = None) -> pa.Schema:
    """Give the Arrow schema of the rows.

    Each field's metadata holds its unit and meaning.

    Parameters
    ----------
    about
        What to write beside the table, such as model and level of theory.

    Examples
    --------
    >>> schema().field("formation_energy").metadata[b"unit"]
    b'eV/metal'
    """
    fields = [
        pa.field(column.name, _TYPES[column.type], metadata={"unit": column.unit, "meaning": column.meaning})
        for column in COLUMNS
    ]
    return pa.schema(fields, metadata=about)


@dataclass(frozen=True)
class Store:
    """A results folder."""

    folder: Path

    @property
    def rows(self) -> Path:
        """Folder of the Parquet files."""
        return self.folder / _ROWS

    @property
    def templates(self) -> Path:
        """Folder of the geometries."""
        return self.folder / _TEMPLATES

    def part(self, index: int) -> Path:
        """Give the file of one chunk."""
        return self.rows / f"part-{index:06d}.parquet"

    def done(self) -> set[int]:
        """List the numbers of the chunks on disk.

        Files are renamed into place, so what has its name is whole.
        """
        return {int(path.stem.removeprefix("part-")) for path in self.rows.glob("part-*.parquet")}

    def write(self, index: int, rows: Sequence[Row], about: dict[str, str]) -> None:
        """Write one chunk, whole."""
        buffer = BytesIO()
        pq.write_table(pa.Table.from_pylist(list(rows), schema(about)), buffer, compression="zstd")
        self.rows.mkdir(parents=True, exist_ok=True)
        write_whole(self.part(index), buffer.getvalue())

    def manifest(self) -> dict[str, Any]:
        """Read what the screening is.

        Raises
        ------
        ScreenError
            The folder holds no screening.
        """
        path = self.folder / _MANIFEST
        if not path.is_file():
            raise ScreenError(
                f"{self.folder} holds no screening: no {_MANIFEST} in it"
                ". Give the folder that `ase-bimetal screen --out` wrote"
            )
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content

    def open(self, config: ScreenConfig, about: dict[str, str]) -> None:
        """Start a screening here, or go on with it.

        Another screening in the folder is refused.

        Parameters
        ----------
        config
            The screening.
        about
            Model with hash and level of theory.

        Raises
        ------
        ScreenError
            The folder holds another screening, or one by another model: their rows must not mix.
        """
        if not (self.folder / _MANIFEST).is_file():
            if self.done():
                raise ScreenError(f"{self.folder} holds rows without {_MANIFEST}; give another folder")
            self._write_manifest(config, about)
            return
        found = self.manifest()
        if found["digest"] != config.digest():
            old, new = found["config"], config.model_dump(mode="json")
            changed = [name for name in new if new[name] != old.get(name) and name not in ("title", "device")]
            raise ScreenError(f"{self.folder} holds a screening with other {', '.join(changed)}; give another folder")
        if found["model"] != about["model"]:
            raise ScreenError(
                f"{self.folder} was made with model {found['model']}, this is {about['model']}; give another folder"
            )

    def _write_manifest(self, config: ScreenConfig, about: dict[str, str]) -> None:
        content = {
            "format": _FORMAT,
            "digest": config.digest(),
            **about,
            "version": version("ase-bimetal"),
            "units": {column.name: column.unit for column in COLUMNS if column.unit},
            "config": config.model_dump(mode="json"),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / _MANIFEST, json.dumps(content, indent=1, ensure_ascii=False))

    def batches(self, names: Sequence[str] | None = None, size: int = 10_000) -> Iterator[pa.RecordBatch]:
        """Read the rows some at a time.

        They are in the order of the enumeration.

        Parameters
        ----------
        names
            Columns to read; all by default.
        size
            Rows of a batch at most.
        """
        for index in sorted(self.done()):
            with pq.ParquetFile(self.part(index)) as file:
                yield from file.iter_batches(size, columns=None if names is None else list(names))
