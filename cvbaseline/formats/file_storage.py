"""OpenCV's FileStorage in XML, as far as cascades need it: maps, sequences, numbers and words.

A map is an element with named children, a sequence one with children named `_`, and a flow of
numbers or words is text separated by blanks. Rendering follows the layout of OpenCV 3.4
(modules/core/src/persistence_xml.cpp): two blanks a level, a closing tag right behind the last
content, flows wrapped behind column 71, whole reals as `2.` and others in `%.16e`, which gives
every float64 back.
"""

import math
import re
from typing import NamedTuple, NoReturn, Optional, Union
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree

from cvbaseline.errors import FormatError

WRAP_COLUMN = 71
INT32_LEAST, INT32_MOST = -(2**31), 2**31 - 1
FLOAT32_MOST = 3.4028234663852886e38

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def is_int32(value: float) -> bool:
    """Whether the number is a 32-bit integer, all that OpenCV knows as integers."""
    return float(value).is_integer() and INT32_LEAST <= value <= INT32_MOST


class Node(NamedTuple):
    """An element and where it stands, so that what is wrong with it can be said."""

    element: Element
    source: str
    parent: Optional["Node"] = None
    label: str = ""  # its name, or `_[3]` in a sequence

    @property
    def place(self) -> str:
        """The path of the element from the root: `stages/_[2]/stageThreshold`."""
        labels, node = [], self
        while node.parent is not None:
            labels.append(node.label)
            node = node.parent
        return "/".join(reversed(labels)) or f"<{self.element.tag}>"

    def fail(self, problem: str) -> NoReturn:
        """Raise FormatError for this element."""
        raise FormatError(self.source, problem, self.place)

    def get(self, name: str) -> Optional["Node"]:
        """The child of that name, None when there is none."""
        found = self.element.findall(name)
        if len(found) > 1:
            self.fail(f"expected one element <{name}>, found {len(found)}")
        return Node(found[0], self.source, self, name) if found else None

    def child(self, name: str) -> "Node":
        """The child of that name."""
        found = self.get(name)
        if found is None:
            self.fail(f"expected an element <{name}>, found none")
        return found

    def items(self) -> list["Node"]:
        """The items of a sequence."""
        for element in self.element:
            if element.tag != "_":
                self.fail(f"expected a sequence of elements <_>, found <{str(element.tag)[:40]}>")
        return [Node(e, self.source, self, f"_[{i}]") for i, e in enumerate(self.element)]

    def tokens(self) -> list[str]:
        """The flow of numbers or words."""
        if len(self.element):
            self.fail(f"expected text, found an element <{str(self.element[0].tag)[:40]}>")
        return (self.element.text or "").split()

    def word(self, allowed: tuple[str, ...]) -> str:
        """A word of a closed vocabulary."""
        text = " ".join(self.tokens()).strip('"')
        if text not in allowed:
            self.fail(f"expected {' or '.join(allowed)}, found {text[:40]!r}")
        return text

    def numbers(self, count: Optional[int] = None) -> list[float]:
        """A flow of finite numbers, `count` of them if that is given."""
        tokens = self.tokens()
        if count is not None and len(tokens) != count:
            self.fail(f"expected {count} number{'s' * (count != 1)}, found {len(tokens)}")
        return [self.real(token) for token in tokens]

    def number(self) -> float:
        """One finite number."""
        return self.numbers(1)[0]

    def integers(self, count: Optional[int] = None) -> list[int]:
        """A flow of 32-bit integers, `count` of them if that is given."""
        return [self.whole(value) for value in self.numbers(count)]

    def integer(self, least: int = INT32_LEAST, most: int = INT32_MOST) -> int:
        """One integer from `least` to `most`."""
        value = self.integers(1)[0]
        if not least <= value <= most:
            self.fail(f"expected an integer from {least} to {most}, found {value}")
        return value

    def real(self, token: str) -> float:
        """The token as a number that single precision can hold, which OpenCV calculates with."""
        value = float(token) if _NUMBER.fullmatch(token) else math.nan
        if not abs(value) <= FLOAT32_MOST:
            self.fail(f"expected a finite number, found {token[:40]!r}")
        return value

    def whole(self, value: float) -> int:
        """The number as a 32-bit integer."""
        if not is_int32(value):
            self.fail(f"expected a 32-bit integer, found {value:.10g}")
        return int(value)


def parse(data: bytes, source: str) -> Node:
    """The first top-level node of a FileStorage file in XML.

    No document type, entity or external reference is followed: FormatError, as for any file that
    is not well-formed XML with the root `opencv_storage`.
    """
    try:
        root = ElementTree.fromstring(data, forbid_dtd=True)
    except ParseError as error:
        line, column = error.position
        problem = f"expected well-formed XML, found {str(error).split(':')[0]}"
        raise FormatError(source, problem, f"line {line}, column {column + 1}") from None
    except (ValueError, LookupError) as error:  # what defusedxml forbids, and unknown encodings
        kind = type(error).__name__
        problem = f"expected plain XML without document type or entities, found {kind}"
        raise FormatError(source, problem) from None
    if root.tag != "opencv_storage" or len(root) == 0:
        found = "nothing in it" if root.tag == "opencv_storage" else f"<{str(root.tag)[:40]}>"
        raise FormatError(source, f"expected <opencv_storage> with an element, found {found}")
    return Node(root[0], source)


# What can be rendered: a dict is a map, a list a sequence, a tuple a flow, the rest a scalar.
# A str in a list is a comment.
Content = Union[dict, list, tuple, str, int, float]


def render(name: str, content: dict, type_id: Optional[str] = None) -> bytes:
    """A FileStorage file in XML with one top-level map."""
    lines = _map_lines(content, 1)
    if type_id is None:
        lines = [f"<{name}>", *lines]
    else:  # OpenCV goes on behind a tag with type_id on the same line
        lines = [f'<{name} type_id="{type_id}">{lines[0].lstrip()}', *lines[1:]]
    lines[-1] += f"</{name}>"
    head, tail = ['<?xml version="1.0"?>', "<opencv_storage>"], ["</opencv_storage>", ""]
    return "\n".join([*head, *lines, *tail]).encode("ascii")


def scalar(value: Union[str, int, float]) -> str:
    """A word, an integer or a real as FileStorage writes it."""
    if isinstance(value, float):
        return f"{int(value)}." if is_int32(value) else f"{value:.16e}"
    return str(value)


def _map_lines(content: dict, depth: int) -> list[str]:
    lines: list[str] = []
    for name, value in content.items():
        lines += _element_lines(name, value, depth)
    return lines


def _sequence_lines(content: list, depth: int) -> list[str]:
    lines: list[str] = []
    for item in content:
        if isinstance(item, str):
            lines.append(f"{'  ' * depth}<!-- {item} -->")
        else:
            lines += _element_lines("_", item, depth)
    return lines


def _element_lines(name: str, content: Content, depth: int) -> list[str]:
    indent = "  " * depth
    if isinstance(content, dict):
        lines = _map_lines(content, depth + 1)
    elif isinstance(content, list):
        lines = _sequence_lines(content, depth + 1)
    elif isinstance(content, tuple):
        lines = _flow_lines([scalar(value) for value in content], depth + 1)
    else:
        return [f"{indent}<{name}>{scalar(content)}</{name}>"]
    lines = [f"{indent}<{name}>", *lines]
    lines[-1] += f"</{name}>"
    return lines


def _flow_lines(tokens: list[str], depth: int) -> list[str]:
    lines: list[str] = []
    for token in tokens:
        # FileStorage does not count the blank in between
        end = len(lines[-1]) + len(token) if lines else WRAP_COLUMN + 1
        if not lines or (end > WRAP_COLUMN and end - 2 * depth > 10):
            lines.append("  " * depth + token)
        else:
            lines[-1] += " " + token
    return lines
