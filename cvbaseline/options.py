"""Options are written once: frozen dataclasses that library functions take and argparse shows.

A verb's parameters are one frozen dataclass beside the verb; the command line's class inherits
from it (argparse_dataclass builds the parser from the fields). Annotations must be real types:
no `from __future__ import annotations`, `Optional[int]` and not `int | None`, `Literal[...]` for
a closed vocabulary.
"""

import shlex
from dataclasses import MISSING, field, fields
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
        words = " ".join(map(str, default)) if isinstance(default, tuple) else default
        help = f"{help} (default: {words})"
    metadata["help"] = help.replace("%", "%%")
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def argument(help: str = "", **metadata: Any) -> Any:
    """A positional argument: `files: list[Path] = argument("...", args=["files"], nargs="+")`."""
    return field(metadata={"help": help.replace("%", "%%"), **metadata})


def command_line(verb: str, options: Any) -> str:
    """The words that make these options: what differs from the defaults, positional ones first."""
    positional: list[str] = []
    named: list[str] = []
    for item in fields(options):
        value, default = getattr(options, item.name), item.default
        flag = item.metadata.get("args", [f"--{item.name.replace('_', '-')}"])[0]
        words = [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]
        if not flag.startswith("-"):
            positional += words
        elif isinstance(default, bool):
            named += [f"--no-{flag[2:]}" if default else flag] if value != default else []
        elif value != default and value is not None:
            named += [flag, *words]
    return shlex.join(["cvbaseline", *verb.split(), *positional, *named])
