"""Run a screening: templates first, then chunk after chunk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ase import Atoms

from ase_bimetal.errors import BimetalError, ScreenError
from ase_bimetal.extras import name_extra
from ase_bimetal.screening import columns as c
from ase_bimetal.screening.candidates import Candidate, Skip, enumerate_candidates, required_shells
from ase_bimetal.screening.config import ScreenConfig
from ase_bimetal.screening.evaluate import Chunk, Row, evaluate_chunk
from ase_bimetal.screening.models import model_of
from ase_bimetal.screening.runners import Runner, make_runner
from ase_bimetal.screening.store import Store
from ase_bimetal.screening.supports import site_atoms
from ase_bimetal.screening.template_cache import cached_template
from ase_bimetal.screening.templates import (
    read_template,
    template_name,
    template_path,
    write_template,
)
from ase_bimetal.structures.roles import Shell


@dataclass(frozen=True)
class ScreenSummary:
    """What a screening gave.

    Attributes
    ----------
    out
        Results folder.
    n_ok, n_failed, n_skipped
        Rows by status.
    n_passing
        Predicted rows that pass all filters.
    n_reused
        Rows that were already there.
    seconds
        Wall time of this run [s].
    model, level, reference_state
        What the numbers are.
    """

    out: Path
    n_ok: int
    n_failed: int
    n_skipped: int
    n_passing: int
    n_reused: int
    seconds: float
    model: str
    level: str
    reference_state: str


@name_extra()
def screen(
    config: ScreenConfig | None = None,
    out: str | Path = "screening",
    scheduler: str | None = None,
    workers: int = 1,
    progress: bool = True,
    **fields: Any,
) -> ScreenSummary:
    """Screen candidates into a results folder.

    What the folder already holds is not done again.

    Parameters
    ----------
    config
        What to screen; or give its fields by name: ``screen(dopants=[...], ligands=[...], motifs=[...])``.
    out
        Results folder. An interrupted screening goes on where it stopped.
    scheduler
        Address of a Dask scheduler, such as ``"tcp://host:8786"``.
    workers
        Processes on this machine; 1 = this one.
    progress
        Whether to show progress on standard error.

    Returns
    -------
    ScreenSummary
        How many rows there are, and what their numbers are.

    Raises
    ------
    ScreenError
        The configuration is wrong, the folder holds another screening, or the scheduler does not answer.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     found = screen(out=folder, dopants=["Pd"], ligands=["SMe"], motifs=["Au4M2"], progress=False)
    >>> found.n_ok, found.level, found.reference_state
    (1, 'PBE-referenced GFN1-xTB', 'dimer')
    """
    started = time.perf_counter()
    config = config or ScreenConfig.make(**fields)
    store = Store(Path(out))
    about = model_of(config).about
    store.open(config, about)
    _copy_sites(config, store)
    with make_runner(scheduler, workers) as run:
        faults = _build_templates(config, store, run, progress)
        n_reused = _predict_chunks(config, store, run, faults, about, progress)
    counts = _count(store)
    return ScreenSummary(
        store.folder,
        n_ok=counts["n_ok"],
        n_failed=counts["n_failed"],
        n_skipped=counts["n_skipped"],
        n_passing=counts["n_passing"],
        n_reused=n_reused,
        seconds=time.perf_counter() - started,
        model=about["model"],
        level=about["level"],
        reference_state=about["reference_state"],
    )


def _template_or_fault(task: tuple[str, Shell]) -> Atoms | str:
    """A template, or why there is none: a shell that cannot be built costs its own candidates only."""
    try:
        return cached_template(*task)
    except BimetalError as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:  # RDKit and the clash removal have errors of their own
        return f"{type(error).__name__} while assembling {task[0]} with {task[1].label}: {error}"


def _copy_sites(config: ScreenConfig, store: Store) -> None:
    """Write the geometries of labelled pairs that candidates on supports take."""
    if not config.supports:
        return
    for item in enumerate_candidates(config):
        if not isinstance(item, Candidate) or item.site is None:
            continue
        if not template_path(store.templates, item.template).is_file():
            write_template(store.templates, item.template, site_atoms(item.site))


def _build_templates(config: ScreenConfig, store: Store, run: Runner, progress: bool) -> dict[str, str]:
    """Write the templates that are missing; name → reason of those that cannot be built."""
    missing = [
        (motif, shell)
        for motif, shell in required_shells(config)
        if not template_path(store.templates, template_name(motif, shell)).is_file()
    ]
    faults = {}
    with _bar(len(missing), "template", progress) as advance:
        for task, made in run(_template_or_fault, missing):
            if isinstance(made, Atoms):
                write_template(store.templates, template_name(*task), made)
            else:
                faults[template_name(*task)] = made
            advance(1)
    return faults


def _predict_chunks(
    config: ScreenConfig, store: Store, run: Runner, faults: dict[str, str], about: dict[str, str], progress: bool
) -> int:
    """Predict and write the chunks that are missing; the number of rows that were already there."""
    done = store.done()
    total = sum(1 for _ in enumerate_candidates(config)) if progress else None
    reused = 0

    def tasks() -> Iterator[Chunk]:
        """Chunks to do, made when they are asked for."""
        nonlocal reused
        for index, items in enumerate(chunked(enumerate_candidates(config), config.chunk_size)):
            if index in done:
                reused += len(items)
                advance(len(items))
            else:
                yield Chunk(index, items, _templates(items, store, faults), config)

    with _bar(total, "candidate", progress) as advance:
        for chunk, rows in run(evaluate_chunk, tasks()):
            _check_model(rows, about)
            store.write(chunk.index, rows, about)
            advance(len(rows))
    return reused


def _check_model(rows: Sequence[Row], about: dict[str, str]) -> None:
    """Rows of a worker that holds other weights must not mix with ours."""
    if rows[0][c.MODEL] != about["model"]:
        raise ScreenError(
            f"a worker predicts with model {rows[0][c.MODEL]}, this process has {about['model']}; allowed: the same "
            "version of ase-bimetal on every worker. Install it there, and run again"
        )


def chunked(items: Iterable[Candidate | Skip], size: int) -> Iterator[tuple[Candidate | Skip, ...]]:
    """Cut items into chunks of `size`.

    Parameters
    ----------
    items
        What to cut.
    size
        Items of a chunk; the last may have fewer.

    Yields
    ------
    tuple
        Consecutive items.

    Examples
    --------
    >>> list(chunked("abcde", 2))
    [('a', 'b'), ('c', 'd'), ('e',)]
    """
    stream = iter(items)
    while chunk := tuple(islice(stream, size)):
        yield chunk


def _templates(items: Iterable[Candidate | Skip], store: Store, faults: dict[str, str]) -> dict[str, Atoms | str]:
    names = {item.template for item in items if isinstance(item, Candidate)}
    return {name: faults.get(name) or read_template(store.templates, name) for name in sorted(names)}


def _count(store: Store) -> dict[str, int]:
    counts = {"n_ok": 0, "n_failed": 0, "n_skipped": 0, "n_passing": 0}
    for batch in store.batches([c.STATUS, c.PASSES]):
        for status, passes in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
            counts[f"n_{status}"] += 1
            counts["n_passing"] += bool(passes)
    return counts


@contextmanager
def _bar(total: int | None, unit: str, shown: bool) -> Iterator[Callable[[int], object]]:
    """A progress bar on standard error that gives its ``advance``; silent when not wanted or nothing to do."""
    from tqdm import tqdm

    with tqdm(total=total, unit=unit, disable=not shown or total == 0) as bar:
        yield bar.update
