"""dlib's imglab: one XML file for all pictures.

    <dataset> <images> <image file="a.jpg">
      <box top="1" left="2" width="30" height="40"> <label>face</label> </box> ...

Pixels are counted from 0. Boxes with ignore="1" are regions to ignore; parts
(landmarks) are not read.
"""

from pathlib import Path
from typing import Union
from xml.etree.ElementTree import Element, SubElement

from cvbaseline.boxes import as_boxes
from cvbaseline.errors import FormatError
from cvbaseline.formats.boxed_picture import BoxedPicture
from cvbaseline.formats.xml_tree import attribute_number, parse_xml, render_xml

NO_LABEL = "face"  # of boxes without one


def parse_imglab(data: bytes, source: Union[str, Path]) -> list[BoxedPicture]:
    """The pictures from the bytes of the XML file.

    Raises FormatError with the place, such as "image[3]/box[1]/@left" (counted from 1).
    """
    root = parse_xml(data, "dataset", source)
    images = root.find("images")
    if images is None:
        raise FormatError(source, "expected <images>", "dataset")
    # imglab declares this encoding and writes file names as the system has them.
    mistaken = b"ISO-8859-1" in data[:200].upper()
    pictures = []
    for count, image in enumerate(images.findall("image"), 1):
        place = f"image[{count}]"
        path = image.get("file")
        if not path:
            raise FormatError(source, "expected the attribute file", place)
        boxes, labels, ignored = [], [], []
        for number, box in enumerate(image.findall("box"), 1):
            x, y, width, height = (
                attribute_number(box, name, source, f"{place}/box[{number}]")
                for name in ("left", "top", "width", "height")
            )
            if width < 1 or height < 1:
                problem = f"expected at least 1 x 1 pixels, found {width} x {height}"
                raise FormatError(source, problem, f"{place}/box[{number}]")
            if box.get("ignore") == "1":
                ignored.append((x, y, width, height))
                continue
            boxes.append((x, y, width, height))
            labels.append((box.findtext("label") or "").strip() or NO_LABEL)
        path = (_as_utf8(path) if mistaken else path).replace("\\", "/")
        pictures.append(
            BoxedPicture(path, as_boxes(boxes), tuple(labels), None, as_boxes(ignored))
        )
    return pictures


def _as_utf8(name: str) -> str:
    """A name that is UTF-8 in truth, although it was read as ISO-8859-1."""
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


def render_imglab(pictures: list[BoxedPicture]) -> bytes:
    """The bytes of the XML file."""
    root = Element("dataset")
    SubElement(root, "name").text = "boxes"
    images = SubElement(root, "images")
    for picture in pictures:
        image = SubElement(images, "image", file=picture.path)
        for (x, y, width, height), label in zip(as_boxes(picture.boxes).tolist(), picture.labels):
            sides = {"top": y, "left": x, "width": width, "height": height}
            box = SubElement(image, "box", {name: str(side) for name, side in sides.items()})
            SubElement(box, "label").text = label
    return render_xml(root)
