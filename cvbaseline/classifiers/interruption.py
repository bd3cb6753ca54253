"""Ctrl-C while a library works that swallows exceptions.

Where numpy asks a JAX array for its numbers, a KeyboardInterrupt that comes just then is lost.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupted_at_checks() -> Iterator[Callable[[], None]]:
    """Within, Ctrl-C raises KeyboardInterrupt where the function that it gives is called.

    Pressed twice it raises at once, as always. Nothing changes in a thread, which signals do not
    reach, or where somebody else answers Ctrl-C or ignores it.
    """
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    pressed = False

    def note(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed:
            signal.default_int_handler(number, frame)
        pressed = True

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    check()
