"""Work cut into blocks over threads: for kernels that release the interpreter's lock.

A block's bounds depend on the work alone, never on the number of threads, and a block writes
only its own rows: so results are the same with one thread and with many.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Optional, TypeVar

Result = TypeVar("Result")

_asked: ContextVar[Optional[int]] = ContextVar("threads asked for", default=None)


@contextmanager
def threads(count: Optional[int]) -> Iterator[None]:
    """Within the block, work is cut over so many threads; None leaves it as it is."""
    token = _asked.set(count or _asked.get())
    try:
        yield
    finally:
        _asked.reset(token)


def worker_count() -> int:
    """The threads asked for, or the environment's CVBASELINE_THREADS, or one per processor."""
    here = _asked.get()
    if here is not None:
        return here
    asked = os.environ.get("CVBASELINE_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def one_core_each() -> Iterator[None]:
    """Within the block OpenCV does not split a picture among threads."""
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def for_blocks(task: Callable[[int, int], Result], count: int, block: int) -> list[Result]:
    """task(start, stop) for every block of 0..count, over threads; results in the blocks' order.

    The first block that raises ends the work, and its exception is raised here.
    """
    bounds = [(start, min(start + block, count)) for start in range(0, count, block)]
    workers = min(worker_count(), len(bounds))
    if workers <= 1:
        return [task(start, stop) for start, stop in bounds]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda bound: task(*bound), bounds))
