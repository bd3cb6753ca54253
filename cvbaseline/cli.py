"""The command line: it alone knows argv and exit codes.

What the verbs are and do is in `commands`.
"""

import argparse
import difflib
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, Optional, Sequence, TextIO

from argparse_dataclass import ArgumentParser

from cvbaseline import __version__
from cvbaseline.commands import (
    COMMANDS,
    INTERRUPTED,
    KEEPING,
    OLD_TOOLS,
    let_go,
    tell,
    warn,
)
from cvbaseline.errors import UserError

USER_MISTAKE = 2
RANGE_BELOW_ZERO = re.compile(r"-\.?\d[\d.]*[-,:][-\d.,:]*")


def named_path(text: str) -> Path:
    """A path; never of an empty text, which Path takes for the current folder.

    `sort "$PICTURES" --mode move` must not move whatever lies here when the variable is not set.
    """
    if not text:
        raise argparse.ArgumentTypeError("the name is empty: name a file or folder, . for this one")
    return Path(text)


class VerbParser(ArgumentParser):
    """A parser made from a verb's options; a mistake is one line and exit code 2."""

    def __init__(self, *args: Any, **more: Any):
        super().__init__(*args, **more)
        self.register("type", Path, named_path)

    def error(self, message: str) -> NoReturn:
        """Print the mistake and the way to the help; leave."""
        unknown = message.removeprefix("unrecognized arguments: ").split()
        if message.startswith("unrecognized") and unknown:
            near = difflib.get_close_matches(unknown[0], self._option_string_actions, 1)
            message = f"unknown argument {unknown[0]}" + (
                f", did you mean {near[0]}?" if near else ""
            )
        warn(f"{self.prog}: {message} (see {self.prog} --help)")
        sys.exit(USER_MISTAKE)


def overview() -> str:
    """The text of `cvbaseline --help`."""
    summaries = {name: command.summary for name, command in COMMANDS.items()} | OLD_TOOLS
    width = max(len(name) for name in summaries) + 2
    rows = "\n".join(f"  {name:<{width}}{summary}" for name, summary in summaries.items())
    return (
        "usage: cvbaseline COMMAND [options]\n\n"
        "Classical computer-vision baselines on faces.\n\n"
        f"commands:\n{rows}\n\n"
        "cvbaseline COMMAND --help shows a command's options; cvbaseline --version the version."
    )


def split_command(argv: Sequence[str]) -> tuple[str, list[str]]:
    """The verb's name and the words after it; verbs of two words go before those of one."""
    for length in (2, 1):
        name = " ".join(argv[:length])
        if name in COMMANDS:
            return name, list(argv[length:])
    family = [name for name in COMMANDS if name.split()[0] == argv[0] and " " in name]
    if family:
        raise UserError(f"cvbaseline {argv[0]} needs one more word: {', '.join(family)}")
    near = difflib.get_close_matches(argv[0], [*COMMANDS, *OLD_TOOLS], 1)
    meant = f", did you mean {near[0]}?" if near else ""
    raise UserError(f"unknown command {argv[0]!r}{meant} (see cvbaseline --help)")


def parse(name: str, words: list[str]) -> Any:
    """The verb's options from the words after it."""
    command = COMMANDS[name]
    module, options_class = command.options.split(":")
    options_type = getattr(import_module(f"cvbaseline.{module}"), options_class)
    parser = VerbParser(
        options_type,
        prog=f"cvbaseline {name}",
        description=(options_type.__doc__ or command.summary).split("\n\n")[0],
        formatter_class=argparse.HelpFormatter,
    )
    return parser.parse_args(joined_ranges(words))


def joined_ranges(words: list[str]) -> list[str]:
    """Words in which `--flag -1,1` or `--flag -1-2:0.5` is `--flag=-1,1`.

    argparse knows -1 for a number, but not a list or range that begins so.
    """
    result: list[str] = []
    for word in words:
        if result and result[-1].startswith("--") and RANGE_BELOW_ZERO.fullmatch(word):
            result[-1] += f"={word}"
        else:
            result.append(word)
    return result


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one verb; the exit code is 0, 2 for a user's mistake, 130 after Ctrl-C.

    A verb may have others, as `doctor` for warnings and `cascade train` without a first stage: 1.
    """
    argv, keeps = list(sys.argv[1:] if argv is None else argv), False
    for stream in (sys.stdout, sys.stderr):  # a file name must never stop a run on any console
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        if not argv or argv[0] in ("-h", "--help", "help"):
            tell(overview())
            return 0
        if argv[0] == "--version":
            tell(f"cvbaseline {__version__}")
            return 0
        if argv[0] in OLD_TOOLS:
            return import_module(f"cvbaseline.old_tools.{argv[0]}").main(argv[1:])
        name, words = split_command(argv)
        keeps = name in KEEPING
        return COMMANDS[name].run(parse(name, words)) or 0
    except UserError as error:
        warn(f"cvbaseline: {error}")
        return USER_MISTAKE
    except KeyboardInterrupt:
        warn("cvbaseline: interrupted" + ("; what was finished is kept" if keeps else ""))
        return INTERRUPTED
    except MemoryError as error:
        reason = f" ({error})" if str(error) else ""
        warn(f"cvbaseline: the memory of this machine does not suffice{reason}: ask for less")
        return USER_MISTAKE
    except BrokenPipeError:  # `cvbaseline ... | head`: the reader has what it wants
        let_go(sys.stdout)
        return 0
    except OSError as error:  # a closed folder, a full disk: the system's reason is the user's
        place = f"{error.filename}: " if error.filename else ""
        warn(f"cvbaseline: {place}{error.strerror or error}")
        _flush_or_let_go(sys.stdout)
        return USER_MISTAKE


def _flush_or_let_go(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        let_go(stream)


def mergevec() -> int:
    """The console script `mergevec`."""
    return main(["mergevec", *sys.argv[1:]])


def visualisation() -> int:
    """The console script `opencv_visualisation`."""
    return main(["visualise", *sys.argv[1:]])
