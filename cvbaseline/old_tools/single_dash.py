"""Command lines of OpenCV 3's tools: `-numPos 1000`, single dashes, one word for each value.

Options are a frozen dataclass as everywhere; a field's flag is the first of its metadata's `args`
(those after it are opencv_haartraining's names), `type` makes its value of a word, and `bare` is
the value of a flag that may stand without one (`-show`, `-show 2`). Tutorials' command lines must
work as they stand: a known flag without its dash is taken with a warning, so are flags of the
tools' ancestors that have no meaning any more; any other unknown word is an error that names the
nearest flag.
"""

import difflib
import os
import sys
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, Callable, Literal, Optional, TypeVar, get_args, get_origin

from cvbaseline.commands import INTERRUPTED
from cvbaseline.errors import UserError

Options = TypeVar("Options")


def flag_of(field: "Field[Any]") -> str:
    """The flag of an option: "-numPos"."""
    return field.metadata["args"][0]


def parse_single_dash(
    options_class: type[Options],
    words: list[str],
    tell: Callable[[str], None],
    obsolete: dict[str, int],
) -> Options:
    """The options that the words give.

    Parameters
    ----------
    options_class : a dataclass whose fields name their flags in `args`
    words : the command line after the program's name
    tell : called with a warning for what is taken in spite of a mistake
    obsolete : flags without a meaning any more, and how many values follow each

    Raises UserError for an unknown flag, a missing or wrong value, or a missing option.
    """
    known = {flag_of(field): field for field in fields(options_class)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    rest = list(words)
    while rest:
        flag = find_flag(rest.pop(0), known, obsolete, tell)
        if flag in obsolete:
            tell(f"{flag} means nothing to this tool any more: left out")
            del rest[: obsolete[flag]]
            continue
        field = known[flag]
        if field.type is bool:
            values[field.name] = True
            continue
        if "bare" in field.metadata and (not rest or rest[0].startswith("-")):
            values[field.name] = field.metadata["bare"]
            continue
        if not rest:
            raise UserError(f"{flag} needs a value after it")
        values[field.name] = read_value(flag, field, rest.pop(0))
    for flag, field in known.items():
        if field.name not in values and field.default is MISSING:
            raise UserError(f"{flag} is missing: {field.metadata['help']}")
    return options_class(**values)


def find_flag(
    word: str, known: dict[str, Any], obsolete: dict[str, int], tell: Callable[[str], None]
) -> str:
    """The flag that a word stands for."""
    for flag in (*known, *obsolete):
        if word in (flag, "-" + flag):
            return flag
        if "-" + word == flag:
            tell(f"{word} is taken as {flag}: its dash is missing")
            return flag
        if flag in known and word in known[flag].metadata["args"][1:]:
            tell(f"{word} is taken as {flag}: it is opencv_haartraining's name")
            return flag
    meant = nearest_flag(word, known)
    hint = f"did you mean {meant}?" if meant else f"known are {' '.join(known)}"
    raise UserError(f"unknown argument {word}: {hint}")


def nearest_flag(word: str, known: dict[str, Any]) -> Optional[str]:
    """The known flag that a word was probably meant to be."""
    near = difflib.get_close_matches(word.lower(), [flag.lower() for flag in known], 1)
    return next((flag for flag in known if near and flag.lower() == near[0]), None)


def read_value(flag: str, field: "Field[Any]", word: str) -> Any:
    """The value of a field from its word."""
    kind: Any = field.type
    if get_origin(kind) is Literal:
        if word not in get_args(kind):
            raise UserError(f"{flag} {word}: choose one of {', '.join(get_args(kind))}")
        return word
    if word in (choice for part in get_args(kind) for choice in get_args(part)):
        return word  # of Union[int, Literal["auto"]]
    if get_origin(kind) is not None:  # Optional[kind]
        kind = get_args(kind)[0]
    try:
        return field.metadata.get("type", kind)(word)
    except ValueError:
        what = {int: "a whole number", float: "a number"}.get(kind, "something else")
        raise UserError(f"{flag} needs {what}, not {word!r}") from None


def run_tool(
    program: str,
    options_class: type[Options],
    run: Callable[[Options, Callable[[str], None]], int],
    argv: Optional[Sequence[str]],
    obsolete: dict[str, int],
) -> int:
    """A tool's console script: the exit code is `run`'s, 2 for a user's mistake, 130 after Ctrl-C.

    Parameters
    ----------
    run : takes the options and a function that prints a line
    argv : the words after the program's name (default: the command line's)
    """

    def warn(line: str) -> None:
        print(f"{program}: {line}", file=sys.stderr, flush=True)

    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):  # a file name must never stop a run on any console
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        if not words or words[0] in ("-help", "--help"):
            print(usage(program, options_class), flush=True)
            return 0
        options = parse_single_dash(options_class, words, warn, obsolete)
        return run(options, lambda line: print(line, flush=True))
    except UserError as error:
        warn(str(error))
        return 2
    except KeyboardInterrupt:
        warn("interrupted; what was finished is kept")
        return INTERRUPTED
    except BrokenPipeError:  # `opencv_createsamples ... | head`: the reader has what it wants
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def usage(program: str, options_class: type[Any]) -> str:
    """The help: each flag with its help, defaults in it."""
    rows = [f"usage: {program} -flag value ...", ""]
    width = max(len(flag_of(field)) for field in fields(options_class))
    for field in fields(options_class):
        text = field.metadata["help"].replace("%%", "%")
        rows.append(f"  {flag_of(field):<{width}}  {text}")
    return "\n".join(rows)
