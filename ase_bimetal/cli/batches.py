"""Frames through a verb, batch by batch: good ones out, bad ones named, an interruption that loses nothing."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import chain, islice

import typer

from ase_bimetal.errors import BimetalError, SeveralClustersError, as_typed
from ase_bimetal.io.read import Frame, read_frames
from ase_bimetal.io.write import Record, RecordWriter
from ase_bimetal.system import BimetallicSystem, Charge, as_system, split_clusters
from ase_bimetal.workers import in_order

#: Frames that are worked on together, and after which finished work is on disk.
BATCH = 64
#: Exit code after Ctrl-C: 128 + SIGINT.
INTERRUPTED = 130

#: Names a record, or the error that says why there is none.
Done = tuple[str, Record | BimetalError]
#: Turns frames that could be read into what they give, a list a frame: one entry for each separate cluster in it.
Work = Callable[[Sequence[Frame]], Sequence[Sequence[Done]]]


@dataclass
class Tally:
    """How many frames were written and how many failed so far."""

    written: int = 0
    failed: int = 0

    def __str__(self) -> str:
        return f"{self.written} written, {self.failed} failed"


def run(
    files: Sequence[str],
    format: str | None,
    work: Work,
    output: AbstractContextManager[RecordWriter],
    verbose: bool = False,
    quiet: bool = False,
    built: Iterable[Frame] = (),
    workers: int = 1,
) -> None:
    """Read, work, write, and leave with the exit code.

    The code is 0 when all is fine, 1 when some inputs failed, and 130 after an interruption.

    Parameters
    ----------
    files, format
        As `read_frames` takes them.
    work
        What to do with a batch.
    output
        Gives the writer and completes the output.
    verbose, quiet
        Count after every batch; no count at the end.
    built
        Frames that come from no file, first in line.
    workers
        Processes that share the batches; `work` must be picklable for more than one.

    Raises
    ------
    typer.Exit
        Always but when all is fine.
    """
    tally = Tally()
    batches = _batches(chain(built, *(read_frames(file, format) for file in files)))
    try:
        with output as writer, closing(in_order(_OnReadable(work), batches, workers)) as finished:
            for frames, worked in finished:
                _write(frames, worked, writer, tally)
                if verbose:
                    print(tally, file=sys.stderr)
    except KeyboardInterrupt:
        print(f"interrupted: {tally}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    except OSError:
        print(f"stopped: {tally}", file=sys.stderr)
        raise
    if not quiet and tally.written + tally.failed > 1:
        print(tally, file=sys.stderr)
    if tally.failed:
        raise typer.Exit(1)


def clusters(
    frame: Frame, ligands: Mapping[str, int] | None, charge: Charge, say: Callable[[str], None]
) -> list[tuple[Frame, BimetallicSystem | BimetalError]]:
    """List the systems of a frame with their frames.

    There are several where a frame holds separate clusters, as in a cell with Z = 2.
    """
    try:
        return [(frame, as_system(frame.content, ligands, charge))]
    except SeveralClustersError:
        pass
    except Exception as error:  # one frame never costs the others
        return [(frame, as_typed(error, "reading the frame"))]
    try:
        systems = split_clusters(frame.content, ligands, charge)
    except Exception as error:
        return [(frame, as_typed(error, "reading the frame"))]
    say(f"{frame.name}: {len(systems)} separate clusters, a row each")
    return [
        (Frame(f"{frame.name} cluster {k} of {len(systems)}", system), system)
        for k, system in enumerate(systems, start=1)
    ]


def _batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    remaining = iter(frames)
    while batch := list(islice(remaining, BATCH)):
        yield batch


@dataclass(frozen=True)
class _OnReadable:
    """Does some work on those frames of a batch that could be read."""

    work: Work

    def __call__(self, frames: Sequence[Frame]) -> Sequence[Sequence[Done]]:
        return self.work([frame for frame in frames if not isinstance(frame.content, BimetalError)])


def _write(frames: Sequence[Frame], worked: Sequence[Sequence[Done]], writer: RecordWriter, tally: Tally) -> None:
    rest = iter(worked)
    done: list[Done] = []
    for frame in frames:
        done += [(frame.name, frame.content)] if isinstance(frame.content, BimetalError) else next(rest)
    records = [result for _, result in done if isinstance(result, Record)]
    with _uninterrupted():
        writer.write(records)
        tally.written += len(records)
        for name, result in done:
            if isinstance(result, BimetalError):
                print(f"{name}: {type(result).__name__}: {result}", file=sys.stderr)
                tally.failed += 1


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block ends, so that no record is written by half."""
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held:
        raise KeyboardInterrupt
