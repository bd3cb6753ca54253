"""Pascal VOC's annotations: an XML file for each picture.

    <annotation> <filename> <size> <width> <height> <depth> </size>
      <object> <name> <bndbox> <xmin> <ymin> <xmax> <ymax> </bndbox> </object> ... </annotation>

As in the VOC development kit, pixels are counted from 1 and xmax, ymax are the last ones inside:
the box x y width height is xmin = x + 1, xmax = x + width. Labelling tools that write xmin 0 are
taken at the picture's edge. Objects marked <difficult>1 count as any other, except where detectors
are evaluated.
"""

from pathlib import Path
from typing import Union
from xml.etree.ElementTree import Element, SubElement

from cvbaseline.boxes import as_boxes
from cvbaseline.errors import FormatError
from cvbaseline.formats.boxed_picture import BoxedPicture, boxes_from_edges
from cvbaseline.formats.xml_tree import child_number, child_text, parse_xml, render_xml

MAX_BYTES = 16 * 2**20


def parse_voc(data: bytes, source: Union[str, Path]) -> BoxedPicture:
    """The picture from the bytes of its XML file.

    Raises FormatError with the place, such as "object[2]/bndbox/xmin" (counted from 1).
    """
    root = parse_xml(data, "annotation", source)
    path = child_text(root, "filename", source, "annotation").replace("\\", "/")
    size = None
    if (element := root.find("size")) is not None:
        sides = [child_number(element, name, source, "size") for name in ("width", "height")]
        # Some tools write 0 for what they do not know.
        size = (int(sides[0]), int(sides[1])) if min(sides) >= 1 else None
    edges, labels, difficult = [], [], []
    for count, element in enumerate(root.findall("object"), 1):
        place = f"object[{count}]"
        labels.append(child_text(element, "name", source, place))
        difficult.append((element.findtext("difficult") or "").strip() == "1")
        box = element.find("bndbox")
        if box is None:
            raise FormatError(source, "expected <bndbox>", place)
        place += "/bndbox"
        left, top, right, bottom = (
            child_number(box, name, source, place) for name in ("xmin", "ymin", "xmax", "ymax")
        )
        if right < left or bottom < top:
            raise FormatError(source, "expected xmin <= xmax and ymin <= ymax", place)
        edges.append((max(0, left - 1), max(0, top - 1), right, bottom))
    boxes = boxes_from_edges(edges)
    return BoxedPicture(path, boxes, tuple(labels), size, difficult=tuple(difficult))


def render_voc(picture: BoxedPicture) -> bytes:
    """The bytes of the picture's XML file."""
    root = Element("annotation")
    SubElement(root, "filename").text = picture.path
    if picture.size is not None:
        size = SubElement(root, "size")
        for name, value in zip(("width", "height", "depth"), (*picture.size, 3)):
            SubElement(size, name).text = str(value)
    difficult = picture.difficult or (False,) * len(picture.labels)
    for (x, y, width, height), label, hard in zip(
        as_boxes(picture.boxes).tolist(), picture.labels, difficult
    ):
        entry = SubElement(root, "object")
        SubElement(entry, "name").text = label
        for name, text in (
            ("pose", "Unspecified"), ("truncated", "0"), ("difficult", str(int(hard))),
        ):  # fmt: skip
            SubElement(entry, name).text = text
        box = SubElement(entry, "bndbox")
        corners = (x + 1, y + 1, x + width, y + height)
        for name, value in zip(("xmin", "ymin", "xmax", "ymax"), corners):
            SubElement(box, name).text = str(value)
    return render_xml(root)
