"""Small XML files of annotations: read safely, with places for errors, and written."""

from pathlib import Path
from typing import Optional, Union
from xml.etree.ElementTree import Element, ParseError

from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.boxed_picture import cut, number


def parse_xml(data: bytes, root: str, source: Union[str, Path]) -> Element:
    """The root element, of that name; FormatError for anything else, entities included."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        element = fromstring(data, forbid_dtd=False)
    except ParseError as error:
        line = error.position[0]
        problem = f"expected XML: {str(error).split(':')[0]}"
        raise FormatError(source, problem, f"line {line}") from None
    except DefusedXmlException:
        raise FormatError(source, "expected XML without entities of its own") from None
    except (LookupError, ValueError) as error:  # an unknown encoding
        raise FormatError(source, f"expected XML ({error})") from None
    if element.tag != root:
        raise FormatError(source, f"expected <{root}>, found <{element.tag}>")
    return element


def child_text(element: Element, name: str, source: Union[str, Path], place: str) -> str:
    """The text of a child that must be there and hold some."""
    text = (element.findtext(name) or "").strip()
    if not text:
        raise FormatError(source, f"expected <{name}> with a text", place)
    return text


def child_number(element: Element, name: str, source: Union[str, Path], place: str) -> float:
    """The number that a child holds."""
    return number(child_text(element, name, source, place), source, f"{place}/{name}")


def attribute_number(element: Element, name: str, source: Union[str, Path], place: str) -> int:
    """The whole number that an attribute holds."""
    value: Optional[str] = element.get(name)
    if value is None:
        raise FormatError(source, f"expected the attribute {name}", place)
    converted = number(value, source, f"{place}/@{name}")
    if converted != int(converted):
        raise FormatError(
            source, f"expected a whole number, found {cut(value)}", f"{place}/@{name}"
        )
    return int(converted)


def render_xml(root: Element) -> bytes:
    """The bytes of a file; UserError for characters that XML cannot hold."""
    from xml.etree.ElementTree import indent, tostring

    for element in root.iter():
        for text in (element.text or "", *element.attrib.values()):
            if any(ord(c) < 32 and c not in "\t\n\r" or 0xD800 <= ord(c) < 0xE000 for c in text):
                raise UserError(f"{text!r} has characters that XML cannot hold: rename it")
    indent(root, "\t")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "utf-8") + b"\n"
