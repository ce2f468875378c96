"""Readers of other packages without what they say on the side: warnings, log lines, prints."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from threading import get_ident
from typing import IO, Any, cast

from ase_bimetal.workers import WHOLE_PROCESS


@contextmanager
def quiet_readers() -> Iterator[None]:
    """Silence warnings, log lines and prints of a reader.

    What fails still raises. Other threads print and log as before; one that wants to read waits.

    Examples
    --------
    >>> with quiet_readers():
    ...     print("keyword not understood")
    """
    with WHOLE_PROCESS, warnings.catch_warnings(), _no_log_lines(), _no_prints():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _no_log_lines() -> Iterator[None]:
    """Keep this thread's log lines from the handlers that take all of a program's."""
    mine = get_ident()

    def of_other_threads(record: logging.LogRecord) -> bool:
        return record.thread != mine

    handlers = [handler for handler in (*logging.root.handlers, logging.lastResort) if handler is not None]
    for handler in handlers:
        handler.addFilter(of_other_threads)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(of_other_threads)


@contextmanager
def _no_prints() -> Iterator[None]:
    out, err = (cast("IO[str]", _OfOtherThreads(stream)) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        yield


class _OfOtherThreads:
    """The stream that is there, for all threads but the one that makes this."""

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream, self._mine = stream, get_ident()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what another thread says."""
        return len(text) if self._stream is None or get_ident() == self._mine else self._stream.write(text)


__all__ = ["quiet_readers"]
