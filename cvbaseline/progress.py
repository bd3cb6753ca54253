"""A line on the terminal that shows how far long work has come, and how long it may still take."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from tqdm import tqdm

Progress = Callable[[str, int, int], None]  # what is under way, done, total

_listener: ContextVar[Optional[Progress]] = ContextVar("listener", default=None)


@contextmanager
def progress_told_to(listener: Progress) -> Iterator[None]:
    """Work within tells the listener how far it has come, and shows no line."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)


class ProgressLine:
    """Called with what is under way, how much of it is done, and how much there is.

    It is shown on standard error when that is a terminal, and nowhere else; lines given to `tell`
    appear above it.
    """

    def __init__(self) -> None:
        self._bar: Optional["tqdm[None]"] = None
        self._what, self._done = "", 0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show the state; work of another name begins a new line in the place of the old one."""
        listener = _listener.get()
        if listener is not None:
            listener(what, done, total)
            return
        if self._bar is None or what != self._what or done < self._done:
            from tqdm import tqdm

            self.close()
            hidden = True if sys.stderr is None else None  # None: shown on a terminal
            self._bar = tqdm(total=total, desc=what, leave=False, disable=hidden, file=sys.stderr)
            self._what, self._done = what, 0
        self._bar.update(done - self._done)
        self._done = done

    def tell(self, line: str) -> None:
        """Print a line on standard output, out of the way of the progress."""
        self.close()
        print(line, flush=True)

    def close(self) -> None:
        """Take the line away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
