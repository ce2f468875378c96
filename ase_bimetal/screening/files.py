"""Files that are either whole or not there, whatever stops the process."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, wait until the disk holds it, then move it into place in one step.

    Parameters
    ----------
    path
        The file; its folder is made when missing.
    content
        All of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
