"""Readers of other packages without what they say on the side: warnings, log lines, prints."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout


@contextmanager
def quiet_readers() -> Iterator[None]:
    """Silence warnings, log lines and prints of a reader.

    What fails still raises.

    Examples
    --------
    >>> with quiet_readers():
    ...     print("keyword not understood")
    """
    before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)


__all__ = ["quiet_readers"]
