"""Options are written once: frozen dataclasses that library functions take and argparse shows.

A verb's parameters are one frozen dataclass beside the verb; the command line's class inherits
from it (argparse_dataclass builds the parser from the fields). Annotations must be real types:
no `from __future__ import annotations`, `Optional[int]` and not `int | None`, `Literal[...]` for
a closed vocabulary.
"""

from dataclasses import MISSING, field
from typing import Any


def option(default: Any = MISSING, help: str = "", **metadata: Any) -> Any:
    """A dataclass field with its help; the default is shown in `--help`.

    Parameters
    ----------
    default : the field's value when none is given; without one the option is required
    help : one line for `--help`
    metadata : what argparse_dataclass understands: args (flag names), metavar, nargs, type
    """
    shown = default is not MISSING and default is not None and not isinstance(default, bool)
    if shown and default != ():
        help = f"{help} (default: {default})"
    metadata["help"] = help.replace("%", "%%")
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def argument(help: str = "", **metadata: Any) -> Any:
    """A positional argument: `files: list[Path] = argument("...", args=["files"], nargs="+")`."""
    return field(metadata={"help": help.replace("%", "%%"), **metadata})
