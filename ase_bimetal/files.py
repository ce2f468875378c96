"""Where the shipped files lie, and how a file is written so that a kill leaves the old or the new one."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

PACKAGE = Path(__file__).parent
#: Shipped tables and labels.
DATASETS = PACKAGE / "datasets"
#: Shipped models, one folder each.
WEIGHTS = PACKAGE / "weights"
_NOWHERE = Path(os.devnull).absolute() / "ase-bimetal"


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that it is never seen half written.

    Parameters
    ----------
    path
        The file; its folder exists. A file already there is replaced in one step.
    content
        What it shall hold; text is stored as UTF-8.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "a.txt", "ready")
    ...     (Path(folder) / "a.txt").read_text()
    'ready'
    """
    path = Path(path)
    raw = content.encode() if isinstance(content, str) else content
    # The name is the writer's own, so that two processes that write one file do not mix their bytes.
    partial = path.with_name(f".{path.name}.{uuid4().hex}.partial")
    try:
        with partial.open("xb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def user_cache() -> Path:
    """Find the folder for what can be computed again.

    It need not exist. Where nobody knows the user's home, it lies where nothing can be written, so that nothing is
    remembered.

    Returns
    -------
    pathlib.Path
        An absolute path.

    Examples
    --------
    >>> user_cache().is_absolute()
    True
    """
    from platformdirs import user_cache_dir

    try:
        folder = Path(user_cache_dir("ase-bimetal"))
    except RuntimeError:  # neither HOME nor the list of users tells
        return _NOWHERE
    return folder if folder.is_absolute() else _NOWHERE
