"""Text of any common encoding and line ending: UTF-8 with or without a byte-order mark, UTF-16, Latin-1."""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ase.io.formats import open_with_compression

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD = 65536


def decoded_lines(stream: Iterable[bytes]) -> Iterator[str]:
    """Decode the lines of a binary stream.

    Each is text that ends in a newline, one at a time.

    Examples
    --------
    >>> list(decoded_lines([b"\\xef\\xbb\\xbf2\\r\\n", b"5 \\xc5\\n"]))
    ['2\\n', '5 Å\\n']
    """
    lines = iter(stream)
    first = next(lines, b"")
    if first.startswith(_UTF16):
        yield from _split(decoded(first + b"".join(lines)))
        return
    yield from _split(decoded(first))
    for line in lines:
        yield from _split(decoded(line))


def decoded(raw: bytes) -> str:
    """Decode bytes into text.

    The byte-order mark decides, else UTF-8, else Latin-1, which fits any bytes.
    """
    if raw.startswith(_UTF16):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def text_of(path: str) -> str:
    """Read a file's text, compressed or not."""
    with open_with_compression(path, "rb") as stream:
        return decoded(stream.read())


def _split(text: str) -> Iterator[str]:
    parts = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    yield from (f"{part}\n" for part in parts[:-1])
    if parts[-1]:
        yield parts[-1]


@contextmanager
def as_utf8(path: str) -> Iterator[str]:
    """Give a path to the file's text in UTF-8.

    It is the file itself where it is UTF-8 or no text, else a copy.
    """
    if not _needs_copy(Path(path)):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / Path(path).name
        copy.write_text("".join(_split(decoded(Path(path).read_bytes()))), encoding="utf-8", newline="\n")
        yield str(copy)


def _needs_copy(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        if head.startswith(_UTF16):
            return True
        if b"\0" in head or _is_compressed(head):
            return False
        if head.startswith(codecs.BOM_UTF8):
            return True
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while head:
                decoder.decode(head)
                head = stream.read(_HEAD)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return True
    return False


def _is_compressed(head: bytes) -> bool:
    return head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ"))


__all__ = ["as_utf8", "decoded", "decoded_lines", "text_of"]
