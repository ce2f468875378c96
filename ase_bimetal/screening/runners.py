"""Where the work is done: in this process, in several on this machine, or on a Dask cluster.

A runner takes a function and a stream of tasks and yields (task, result) as results come. It asks for a task only
when there is room for it, so that a million tasks take no more memory than ten. Tasks carry their data, so workers
need no common folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from itertools import islice
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from ase_bimetal.errors import ScreenError
from ase_bimetal.workers import start_torch_worker

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from dask.distributed import Client

Function = Callable[[Any], Any]
Runner = Callable[[Function, Iterable[Any]], Iterator[tuple[Any, Any]]]
_IN_FLIGHT_PER_WORKER = 3  # enough that a worker never waits for the next task, few enough to keep memory flat
_ATTEMPTS = 3
_PATIENCE = 60.0  # s, until a scheduler or its first worker must have answered


def make_runner(scheduler: str | None = None, workers: int = 1) -> AbstractContextManager[Runner]:
    """Make the runner that was asked for.

    Parameters
    ----------
    scheduler
        Address of a Dask scheduler, such as ``"tcp://host:8786"``.
    workers
        Processes on this machine; 1 = this one.

    Raises
    ------
    ScreenError
        Both were given, `workers` is below 1, or no scheduler with a worker answers.
    """
    if workers < 1 or (scheduler and workers > 1):
        raise ScreenError(
            f"workers={workers}, scheduler={scheduler!r}; allowed: at least 1 worker, or a scheduler. Pass workers=1"
        )
    if scheduler:
        return _on_cluster(scheduler)
    return _in_processes(workers) if workers > 1 else nullcontext(_here)


def _here(function: Function, tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    for task in tasks:
        yield task, function(task)


@contextmanager
def _in_processes(workers: int) -> Iterator[Runner]:
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=start_torch_worker)
    try:
        yield lambda function, tasks: _through_pool(pool, function, tasks, _IN_FLIGHT_PER_WORKER * workers)
    except BrokenProcessPool as error:
        raise ScreenError("a worker process died, perhaps for want of memory; run again to go on") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _through_pool(
    pool: ProcessPoolExecutor, function: Function, tasks: Iterable[Any], window: int
) -> Iterator[tuple[Any, Any]]:
    stream = iter(tasks)
    running = {pool.submit(function, task): task for task in islice(stream, window)}
    while running:
        finished, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            task = running.pop(future)
            for following in islice(stream, 1):
                running[pool.submit(function, following)] = following
            yield task, future.result()


@contextmanager
def _on_cluster(scheduler: str) -> Iterator[Runner]:
    from dask.distributed import Client

    try:
        client = Client(scheduler, timeout=_PATIENCE)
    except (OSError, ValueError) as error:
        raise ScreenError(
            f"no Dask scheduler answers at {scheduler!r}: {error}. Start one with `dask scheduler`, or leave it out"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError as error:
            raise ScreenError(
                f"the Dask scheduler at {scheduler!r} has no workers. Start some with `dask worker ADDRESS`"
            ) from error
        window = _IN_FLIGHT_PER_WORKER * max(1, sum(client.nthreads().values()))
        yield lambda function, tasks: _through_cluster(client, function, tasks, window)


def _through_cluster(
    client: Client, function: Function, tasks: Iterable[Any], window: int
) -> Iterator[tuple[Any, Any]]:
    from dask.distributed import as_completed

    stream, waiting = iter(tasks), {}

    def send(task: Any) -> Any:
        """Hand one task to the cluster; pure=False, because equal tasks must not share one result."""
        future = client.submit(function, task, pure=False, retries=_ATTEMPTS)
        waiting[future] = task
        return future

    running = as_completed([send(task) for task in islice(stream, window)])
    for future in running:
        task, result = waiting.pop(future), future.result()
        future.release()
        for following in islice(stream, 1):
            running.add(send(following))
        yield task, result
