"""COCO's object annotations: one JSON file with images, categories, and boxes that name both.

    images      [{"id", "file_name", "width", "height"}]
    categories  [{"id", "name"}]
    annotations [{"id", "image_id", "category_id", "bbox": [x, y, width, height], "iscrowd"}]

Pixels are counted from 0. Crowds (iscrowd 1) are no single objects: they are regions to ignore.
"""

import json
from pathlib import Path
from typing import Any, Union

from cvbaseline.boxes import as_boxes
from cvbaseline.errors import FormatError
from cvbaseline.formats.boxed_picture import BoxedPicture, boxes_from_edges, cut, number


def parse_coco(data: bytes, source: Union[str, Path]) -> list[BoxedPicture]:
    """The pictures from the bytes of the JSON file, in their order there.

    Raises FormatError with the place, such as "annotations[3].bbox".
    """
    try:
        root = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FormatError(source, "expected UTF-8", f"byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise FormatError(source, f"expected JSON: {error.msg}", f"line {error.lineno}") from None
    except (RecursionError, ValueError):
        raise FormatError(
            source, "expected COCO's JSON, found numbers or nesting beyond it"
        ) from None
    reader = _Reader(root, source)
    names = {}
    for place, entry in reader.entries("categories"):
        names[reader.identity(entry, "id", place)] = reader.text(entry, "name", place)
    pictures: dict[int, tuple[str, Any]] = {}
    for place, entry in reader.entries("images"):
        identity = reader.identity(entry, "id", place)
        if identity in pictures:
            raise FormatError(source, f"found the id {identity} twice", f"{place}.id")
        pictures[identity] = (reader.text(entry, "file_name", place), reader.size(entry, place))
    edges: dict[int, list[tuple[float, float, float, float]]] = {key: [] for key in pictures}
    labels: dict[int, list[str]] = {key: [] for key in pictures}
    ignored: dict[int, list[tuple[float, float, float, float]]] = {key: [] for key in pictures}
    for place, entry in reader.entries("annotations"):
        image = reader.identity(entry, "image_id", place)
        category = reader.identity(entry, "category_id", place)
        if image not in pictures:
            raise FormatError(source, f"found no image of id {image}", f"{place}.image_id")
        if category not in names:
            problem = f"found no category of id {category}"
            raise FormatError(source, problem, f"{place}.category_id")
        if entry.get("iscrowd", 0):
            ignored[image].append(reader.edges(entry, place))
            continue
        edges[image].append(reader.edges(entry, place))
        labels[image].append(names[category])
    return [
        BoxedPicture(
            name,
            boxes_from_edges(edges[key]),
            tuple(labels[key]),
            size,
            boxes_from_edges(ignored[key]),
        )
        for key, (name, size) in pictures.items()
    ]


class _Reader:
    """Takes values out of the JSON, each checked."""

    def __init__(self, root: Any, source: Union[str, Path]):
        self.root = root
        self.source = source
        if not isinstance(root, dict):
            raise FormatError(source, f"expected an object {{...}}, found {cut(root)}")

    def entries(self, key: str) -> list[tuple[str, dict[str, Any]]]:
        """The objects of a list, with their places."""
        values = self.root.get(key)
        if not isinstance(values, list):
            raise FormatError(self.source, f"expected a list, found {cut(values)}", key)
        for place, value in enumerate(values):
            if not isinstance(value, dict):
                problem = f"expected an object {{...}}, found {cut(value)}"
                raise FormatError(self.source, problem, f"{key}[{place}]")
        return [(f"{key}[{place}]", value) for place, value in enumerate(values)]

    def identity(self, entry: dict[str, Any], key: str, place: str) -> int:
        """A whole number."""
        value = entry.get(key)
        if isinstance(value, bool) or not isinstance(value, int):
            problem = f"expected a whole number, found {cut(value)}"
            raise FormatError(self.source, problem, f"{place}.{key}")
        return value

    def text(self, entry: dict[str, Any], key: str, place: str) -> str:
        """A text that is not empty."""
        value = entry.get(key)
        if not isinstance(value, str) or not value:
            raise FormatError(self.source, f"expected a text, found {cut(value)}", f"{place}.{key}")
        return value

    def size(self, entry: dict[str, Any], place: str) -> Any:
        """Width and height of an image, None where one is not told."""
        if "width" not in entry or "height" not in entry:
            return None
        return tuple(
            int(number(entry[key], self.source, f"{place}.{key}", 1)) for key in ("width", "height")
        )

    def edges(self, entry: dict[str, Any], place: str) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of an annotation's box."""
        place += ".bbox"
        box = entry.get("bbox")
        if not isinstance(box, list) or len(box) != 4:
            problem = f"expected [x, y, width, height], found {cut(box)}"
            raise FormatError(self.source, problem, place)
        x, y = (number(value, self.source, place) for value in box[:2])
        width, height = (number(value, self.source, place, 0) for value in box[2:])
        return x, y, x + width, y + height


def render_coco(pictures: list[BoxedPicture]) -> bytes:
    """The bytes of the JSON file; categories are numbered from 1 in the order of their names."""
    names = sorted({label for picture in pictures for label in picture.labels})
    categories = {name: place for place, name in enumerate(names, 1)}
    images, annotations = [], []
    for identity, picture in enumerate(pictures, 1):
        image: dict[str, Any] = {"id": identity, "file_name": picture.path}
        if picture.size is not None:
            image["width"], image["height"] = picture.size
        images.append(image)
        for box, label in zip(as_boxes(picture.boxes).tolist(), picture.labels):
            annotations.append({
                "id": len(annotations) + 1, "image_id": identity, "category_id": categories[label],
                "bbox": box, "area": box[2] * box[3], "iscrowd": 0,
            })  # fmt: skip
    root = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": place, "name": name} for name, place in categories.items()],
    }
    try:
        return json.dumps(root, ensure_ascii=False, indent=1).encode()
    except UnicodeEncodeError:  # a file name that is no text: as escapes it can be read back
        return json.dumps(root, indent=1).encode()
