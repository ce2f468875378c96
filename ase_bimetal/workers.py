"""What the package's worker processes, forks and threads have in common."""

from __future__ import annotations

import os
from functools import lru_cache
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from threading import RLock, Thread


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

__all__ = ["WHOLE_PROCESS", "allow_forks", "end_with_parent", "lock_for_forks", "start_torch_worker"]
