"""What worker processes, forks and threads have in common, and work that several processes share in order."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from multiprocessing import parent_process
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from threading import RLock, Thread
from typing import TypeVar

from ase_bimetal.errors import OptionError, WorkerError

Task = TypeVar("Task")
Result = TypeVar("Result")
_IN_FLIGHT_PER_WORKER = 3  # enough that a worker never waits for the next task, few enough to hold little


def in_order(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Generator[tuple[Task, Result], None, None]:
    """Share tasks among processes; results in the tasks' order.

    Tasks are taken from their source only as there is room for them. Where processes can be forked they begin with all
    that this one has loaded, elsewhere each loads it again.

    Parameters
    ----------
    function
        What to do with a task; it and the tasks must be picklable.
    tasks
        Any number of them.
    workers
        Processes; 1 = this one, in which case none is started.

    Yields
    ------
    tuple
        Each task with its result.

    Raises
    ------
    OptionError
        This is a worker process itself, which may start none.
    WorkerError
        A process ended before its task was done.

    Examples
    --------
    >>> [result for _, result in in_order(abs, [-2, -1], workers=1)]
    [2, 1]
    """
    if workers == 1:
        yield from ((task, function(task)) for task in tasks)
        return
    if multiprocessing.current_process().daemon:
        raise OptionError(
            f"workers={workers} within a worker process, which may start none; allowed: 1 there. Pass workers=1"
        )
    context = _context()
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, context, _start, (stop,))
    try:
        waiting: deque[tuple[Task, Future[Result]]] = deque()
        for task in tasks:
            waiting.append((task, _submit(pool, function, task)))
            while waiting and (waiting[0][1].done() or len(waiting) == _IN_FLIGHT_PER_WORKER * workers):
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    except BrokenProcessPool as error:
        raise WorkerError(
            "a worker process ended before its work was done, for want of memory or because it ran the "
            "calling script again; put the call under `if __name__ == '__main__':`, or pass "
            "workers=1"
        ) from error
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _context() -> BaseContext:
    """The start method that was set, else fork on Linux, where it is safe for what this package does."""
    method = multiprocessing.get_start_method(allow_none=True)
    return multiprocessing.get_context(method or ("fork" if sys.platform == "linux" else "spawn"))


def _submit(pool: ProcessPoolExecutor, function: Callable[[Task], Result], task: Task) -> Future[Result]:
    """Submit a task. The first starts the processes; Python 3.12 warns that OpenMP's threads stay behind in a fork,
    for which `allow_forks` has settled what to do."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
        return pool.submit(function, task)


def _start(stop: Event) -> None:
    """Leave Ctrl-C to the process that started this one, and end when it says so."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # a collection would touch, and so copy, all that a fork shares with its parent
    Thread(target=_end_at, args=(stop,), daemon=True).start()
    start_torch_worker()


def _end_at(stop: Event) -> None:
    stop.wait()
    os._exit(1)


def end_with_parent() -> None:
    """End this worker process with its parent.

    A killed run then leaves nothing behind.
    """
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def start_torch_worker() -> None:
    """Limit PyTorch to one thread.

    Several processes with many threads each would fight for the same cores.
    """
    import torch

    end_with_parent()
    torch.set_num_threads(1)


@lru_cache(maxsize=1)
def allow_forks() -> None:
    """Let processes forked from this one use PyTorch, in one thread each.

    A fork copies the memory of OpenMP's threads but not the threads, and the first parallel loop in it would wait for
    them without end.
    """
    import torch

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def lock_for_forks() -> RLock:
    """Make a lock that no forked process finds taken.

    A fork waits until the lock is free; otherwise a thread that does not exist in the new process would hold it there.

    Returns
    -------
    threading.RLock
        A lock for one thread at a time, which may take it again.

    Examples
    --------
    >>> with lock_for_forks():
    ...     print("alone")
    alone
    """
    lock = RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock


#: To take while a library changes for a moment what belongs to the whole process, such as the filters of warnings: two
#: threads that each put back what they found would put back each other's.
WHOLE_PROCESS = lock_for_forks()

__all__ = ["WHOLE_PROCESS", "allow_forks", "end_with_parent", "in_order", "lock_for_forks", "start_torch_worker"]
