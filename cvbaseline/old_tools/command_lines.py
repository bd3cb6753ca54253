"""Old command lines read with all their mistakes, for `doctor` to name each and go on.

`single_dash` stops at the first mistake, as a tool must; this collects them, takes the nearest
meaning, and writes the command line anew as it should have been.
"""

import itertools
import re
import shlex
from dataclasses import MISSING, fields
from typing import Any, NamedTuple, Optional

from cvbaseline.errors import UserError
from cvbaseline.old_tools.createsamples import CreatesamplesOptions
from cvbaseline.old_tools.single_dash import (
    find_flag,
    flag_of,
    nearest_flag,
    read_value,
)
from cvbaseline.old_tools.traincascade_options import OBSOLETE, TraincascadeOptions
from cvbaseline.preflight.findings import Finding

TOOLS: dict[str, tuple[type[Any], dict[str, int]]] = {
    "traincascade": (TraincascadeOptions, OBSOLETE),
    "createsamples": (CreatesamplesOptions, {}),
}
NOWHERE = "?"  # stands for a value that is missing
OPERATORS = "&|;<>"  # of a shell: they end a command's words


class CommandLine(NamedTuple):
    """An old command line, read."""

    program: str  # as written: "opencv_traincascade"
    tool: str  # a key of TOOLS
    options: Any  # what could be read; defaults elsewhere
    missing: frozenset[str]  # names of the options that must be there and are not
    flags: list[tuple[str, Optional[str]]]  # flags and their values as they should be written
    findings: list[Finding]


def split_words(words: list[str]) -> list[str]:
    """The words of a command line, which may come as one quoted string.

    Lines that end in a backslash, or in ^ as on Windows, go on; backslashes between names are
    Windows' separators. A shell's operators (`&&`, `>`) are words even where no blank parts them
    from others; the number of a stream before one (`2>`) is left out.
    """
    if len(words) != 1:
        return list(words)
    text = re.sub(r"[\\^]\s*\n", " ", words[0])
    text = re.sub(r"""\\(?![\s"'])""", r"\\\\", text)
    text = re.sub(r"(?<=\s)\d+(?=[<>])", "", text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=OPERATORS)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        return list(lexer)
    except ValueError:
        raise UserError("the command line has a quote without its second: add it") from None


def _is_operator(word: str) -> bool:
    return word != "" and set(word) <= set(OPERATORS)


def find_tool(words: list[str]) -> Optional[tuple[str, str, list[str]]]:
    """The program as written, the tool it is, and the words after it; None for anything else.

    What a shell keeps for itself is in neither: other commands, and where the output goes.
    """
    for index, word in enumerate(words):
        name = re.split(r"[\\/]", word)[-1].lower().removesuffix(".exe").removeprefix("opencv_")
        if name in TOOLS:
            # What stands before is a prompt, sudo, nice, `python -m cvbaseline`.
            before = _up_to_operator(words[:index][::-1])[::-1]
            before = [word for word in before if word not in ("$", "#", "%")]
            return shlex.join([*before, word]), name, _up_to_operator(words[index + 1 :])
    if words and words[0].startswith("-"):
        return "opencv_traincascade", "traincascade", _up_to_operator(words)
    return None


def _up_to_operator(words: list[str]) -> list[str]:
    return list(itertools.takewhile(lambda word: not _is_operator(word), words))


def read_command_line(words: list[str]) -> CommandLine:
    """Read the words; raises UserError when they name none of the tools."""
    found = find_tool(words)
    if found is None:
        raise UserError(
            f"{words[0]!r} is neither a folder nor a command of opencv_traincascade or "
            "opencv_createsamples: write the whole command line"
        )
    program, tool, rest = found
    options_class, obsolete = TOOLS[tool]
    reader = _Reader(options_class, obsolete)
    while rest:
        rest = reader.read_flag(rest)
    options, missing = reader.finish()
    return CommandLine(program, tool, options, missing, reader.flags, reader.findings)


class _Reader:
    """Takes words from the front of a command line."""

    def __init__(self, options_class: type[Any], obsolete: dict[str, int]):
        self.options_class = options_class
        self.known = {flag_of(field): field for field in fields(options_class)}
        self.obsolete = obsolete
        self.values: dict[str, Any] = {}
        self.flags: list[tuple[str, Optional[str]]] = []
        self.findings: list[Finding] = []

    def _found(self, severity: Any, where: str, problem: str, mend: str) -> None:
        self.findings.append(Finding(severity, where, problem, mend))

    def read_flag(self, words: list[str]) -> list[str]:
        """Take a flag and its value; the words that are left."""
        word, rest = words[0], words[1:]
        flag = self._flag(word)
        if flag is None:
            while rest and not self._is_flag(rest[0]):
                rest = rest[1:]
            return rest
        if flag in self.obsolete:
            self._found("warning", flag, "it means nothing to this tool", "leave it out")
            return rest[self.obsolete[flag] :]
        field = self.known[flag]
        if field.type is bool:
            self._take(flag, None, True)
            return rest
        if "bare" in field.metadata and (not rest or rest[0].startswith("-")):
            self._take(flag, None, field.metadata["bare"])
            return rest
        if not rest or self._is_flag(rest[0]):
            self._found("error", flag, "its value is missing", "write it after the flag")
            return rest
        try:
            self._take(flag, rest[0], read_value(flag, field, rest[0]))
        except UserError as error:
            self._found("error", flag, str(error).removeprefix(flag).strip(": "), "correct it")
        return rest[1:]

    def _is_flag(self, word: str) -> bool:
        return word in self.known or word in self.obsolete or bool(re.match(r"-[a-zA-Z]", word))

    def _take(self, flag: str, word: Optional[str], value: Any) -> None:
        self.values[self.known[flag].name] = value
        self.flags = [pair for pair in self.flags if pair[0] != flag] + [(flag, word)]

    def _flag(self, word: str) -> Optional[str]:
        """The flag that a word stands for; None when that cannot be told."""
        notes: list[str] = []
        try:
            flag = find_flag(word, self.known, self.obsolete, notes.append)
        except UserError:
            meant = nearest_flag(word, self.known)
            problem = "there is no such flag, and the old tool leaves it out without a word"
            mend = f"did you mean {meant}?" if meant else "leave it out"
            self._found("error", word, problem, mend)
            return meant
        if notes:
            reason = notes[0].split(": ")[-1]
            problem = f"{reason}, so the old tool leaves it out without a word"
            self._found("warning", word, problem, f"write {flag}")
        return flag

    def finish(self) -> tuple[Any, frozenset[str]]:
        """The options from all values that can stand, and the names of those that are missing."""
        missing: dict[str, Any] = {}
        for flag, field in self.known.items():
            if field.default is MISSING and field.name not in self.values:
                self._found("error", flag, "it is missing", f"give the {field.metadata['help']}")
                missing[field.name] = field.type(NOWHERE)
        needed = {
            field.name: self.values.pop(field.name, missing.get(field.name))
            for field in self.known.values()
            if field.default is MISSING
        }
        accepted: dict[str, Any] = {}
        for name, value in self.values.items():
            try:
                self.options_class(**needed, **accepted, **{name: value})
                accepted[name] = value
            except UserError as error:
                problem, _, mend = str(error).partition(":")
                flag = next(flag for flag, field in self.known.items() if field.name == name)
                self._found("error", flag, problem, mend.strip() or "correct it")
                self.flags = [pair for pair in self.flags if pair[0] != flag]
        return self.options_class(**needed, **accepted), frozenset(missing)


def render_command_line(line: CommandLine, mended: dict[str, str]) -> str:
    """The command line as it should be: with the flags of `mended` set."""
    words: list[str] = []
    for flag, value in {**dict(line.flags), **mended}.items():
        words += [flag] if value is None else [flag, value]
    return f"{line.program} {shlex.join(words)}"


def changed(line: CommandLine, words: list[str], mended: dict[str, str]) -> bool:
    """Whether the command line as it should be differs from the words that were given."""
    found = find_tool(words)
    if found is None:
        return False
    given = [*shlex.split(found[0]), *found[2]]
    return shlex.split(render_command_line(line, mended)) != given
