"""The errors that a user can cause: one line that says what is wrong, where, and the mend.

The command line prints the message and leaves with exit code 2; a traceback is always our bug.
"""

from os import PathLike
from typing import Optional, Union


class UserError(Exception):
    """A mistake in what the user gave: `str(error)` is the one line to show."""


class FormatError(UserError):
    """A file that does not hold what its format demands.

    Parameters
    ----------
    source : the file's name, as the user knows it
    problem : what was expected and what was found, with the mend where there is one
    place : where in the file: "line 3", "byte 12", "stages/_[2]/stageThreshold"
    """

    def __init__(
        self, source: Union[str, "PathLike[str]"], problem: str, place: Optional[str] = None
    ):
        self.source = str(source)
        self.place = place
        self.problem = problem
        where = self.source if place is None else f"{self.source}, {place}"
        super().__init__(f"{where}: {problem}")


class MissingLibrary(UserError, ImportError):
    """A library that the user asked for but has not installed; the message says how to."""


class PictureError(UserError):
    """A picture that cannot be read; batches skip it, name it and count it."""


def require(condition: bool, message: str) -> None:
    """Raise UserError(message) unless the condition holds: the check of an option's value."""
    if not condition:
        raise UserError(message)
