"""Work over threads: how many, and in which order the results come."""

import threading
import time

from cvbaseline.parallel import for_blocks, threads, worker_count


def test_threads_are_limited_within_the_block_only():
    before = worker_count()
    with threads(3):
        assert worker_count() == 3
        with threads(1):
            assert worker_count() == 1
        with threads(None):
            assert worker_count() == 3
    assert worker_count() == before


def test_the_environment_says_how_many(monkeypatch):
    monkeypatch.setenv("CVBASELINE_THREADS", "5")
    assert worker_count() == 5
    with threads(2):
        assert worker_count() == 2


def test_blocks_come_in_order_from_several_threads():
    used = set()

    def task(start: int, stop: int) -> tuple[int, int]:
        used.add(threading.get_ident())
        time.sleep(0.02 if start == 0 else 0.001)
        return start, stop

    with threads(2):
        assert for_blocks(task, 10, 4) == [(0, 4), (4, 8), (8, 10)]
    assert len(used) == 2
