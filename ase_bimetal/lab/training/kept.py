"""Parts of a long run kept as files, so that a run that was stopped goes on where it was."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ase_bimetal.files import write_whole

Arrays = dict[str, np.ndarray]


class Kept:
    """A folder of named arrays, each file whole or not there.

    Parameters
    ----------
    folder
        Where the files are; None keeps nothing.

    Examples
    --------
    >>> Kept(None).get("one", lambda: {"x": np.ones(2)})["x"].tolist()
    [1.0, 1.0]
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def get(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """Get the arrays of this name.

        They are read if they are there, else made and written.
        """
        if self.folder is None:
            return make()
        path = self.folder / f"{name.replace('*', 'star').replace('/', '-')}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as found:
                return dict(found)
        arrays = make()
        self.folder.mkdir(parents=True, exist_ok=True)
        buffer = BytesIO()
        named: dict[str, Any] = dict(arrays)
        np.savez_compressed(buffer, **named)
        write_whole(path, buffer.getvalue())
        return arrays


__all__ = ["Arrays", "Kept"]
