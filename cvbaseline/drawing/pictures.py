"""Whole pictures: one face as a crop, or several figures in a scene, with their truth."""

from typing import NamedTuple, Optional, Sequence, Union

import numpy as np

from cvbaseline.boxes import as_boxes, intersection
from cvbaseline.drawing.backgrounds import draw_background
from cvbaseline.drawing.easel import Pose
from cvbaseline.drawing.expressions import random_expression
from cvbaseline.drawing.figure import Truth, draw_back_view, draw_figure, random_pose
from cvbaseline.drawing.finish import finished
from cvbaseline.drawing.foreground import cover_partly, draw_bubble, draw_subtitle
from cvbaseline.drawing.sketch import Picture, Sketch
from cvbaseline.drawing.styles import FaceStyle, random_style
from cvbaseline.drawing.terms import EMOTIONS, LEAST_FACE, most_faces
from cvbaseline.errors import require

STYLE, EXPRESSION, VIEW, FINISH = range(4)  # independent streams of chance from one seed


class DrawnFace(NamedTuple):
    """A crop: image uint8 (size, size, 3) RGB, box (x, y, width, height), emotion, and the
    landmarks float32 (6, 2) named in `cvbaseline.drawing.figure.LANDMARKS`."""

    image: np.ndarray
    box: tuple[int, int, int, int]
    emotion: str
    landmarks: np.ndarray


class DrawnScene(NamedTuple):
    """A scene: image uint8 (h, w, 3) RGB, boxes int32 (n, 4), an emotion for each, and landmarks
    float32 (n, 6, 2)."""

    image: np.ndarray
    boxes: np.ndarray
    emotions: tuple[str, ...]
    landmarks: np.ndarray


def composed(below: np.ndarray, above: Picture, x: int = 0, y: int = 0) -> np.ndarray:
    """A picture with a drawing laid over it at (x, y), uint8."""
    image = below.copy()
    height, width = above.alpha.shape
    part = image[y : y + height, x : x + width]
    mixed = part * (1 - above.alpha[..., None]) + above.colour
    image[y : y + height, x : x + width] = np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)
    return image


def integer_box(truth: Truth, factor: float, width: int, height: int) -> tuple[int, int, int, int]:
    """The truth's square on the reduced picture in whole pixels, moved inside it."""
    side = min(max(1, round(truth.side / factor)), width, height)
    x = min(max(0, round(truth.x / factor)), width - side)
    y = min(max(0, round(truth.y / factor)), height - side)
    return x, y, side, side


def check_emotion(emotion: str) -> None:
    """Raise UserError unless the emotion is one of the seven."""
    require(emotion in EMOTIONS, f"unknown emotion {emotion!r}: one of {', '.join(EMOTIONS)}")


def draw_face(
    seed: int, emotion: str, size: int = 128, style: Optional[FaceStyle] = None
) -> DrawnFace:
    """Draw one face with the given emotion as a square crop of `size` pixels.

    The seed decides character, pose, framing and finish; the same seed with another emotion is
    the same character with another expression. Same arguments, same bytes.

    Raises UserError for an unknown emotion or a size below 16.
    """
    check_emotion(emotion)
    require(size >= 16, f"size {size} is too small to draw a face: at least 16 pixels")
    if style is None:
        style = random_style(np.random.default_rng([seed, STYLE]))
    expression = random_expression(emotion, np.random.default_rng([seed, EXPRESSION]))
    view = np.random.default_rng([seed, VIEW])
    factor = 3 if size >= 64 else 4
    side = size * view.uniform(0.58, 0.92)
    unit = factor * side / max(style.chin + 0.42, 0.9)
    middle = factor * size / 2
    pose = random_pose(view, middle, middle - unit * (style.chin - 0.42) / 2, unit)
    slack = factor * (size - side) / 2
    pose = pose._replace(
        x=pose.x + view.uniform(-0.7, 0.7) * slack, y=pose.y + view.uniform(-0.3, 0.9) * slack
    )
    sketch = Sketch(factor * size, factor * size)
    truth = draw_figure(sketch, style, expression, pose, 0.7 * factor)
    if view.random() < 0.1:
        cover_partly(sketch, view, truth.x, truth.y, truth.side)
    image = composed(draw_background(view, size, size), sketch.reduce(factor))
    image = finished(image, np.random.default_rng([seed, FINISH]))
    box = integer_box(truth, factor, size, size)
    return DrawnFace(image, box, emotion, np.float32(truth.landmarks / factor))


class Place(NamedTuple):
    """Where a figure stands: its pose in pixels of the scene."""

    pose: Pose
    style: FaceStyle


def find_places(
    rng: np.random.Generator, styles: Sequence[FaceStyle], width: int, height: int
) -> list[Place]:
    """A place for every figure, side by side, so that no figure in front hides a face."""
    count = len(styles)
    for part in np.linspace(0.72, 0.3, 40):  # figures shrink until all are seen
        edges = np.linspace(0, width, count + 1)
        edges[1:-1] += rng.uniform(-0.12, 0.12, count - 1) * width / count
        places = []
        for style, left, right in zip(styles, edges[:-1], edges[1:]):
            largest = min(part * (right - left), 0.58 * height)
            least = min(max(LEAST_FACE * 1.15, 0.13 * height), largest)
            unit = float(np.exp(rng.uniform(np.log(least), np.log(largest))))
            reach = 0.62 * unit  # keeps the box inside when the head is tilted
            x = rng.uniform(left + reach, right - reach)
            low = max(reach, 0.4 * height - unit)
            y = rng.uniform(low, max(low + 1, min(0.62 * height, height - 0.85 * unit)))
            places.append(Place(random_pose(rng, x, y, unit), style))
        if not any(hides(front, back) for front in places for back in places):
            break
    return places


def hides(front: Place, back: Place) -> bool:
    """Whether the larger figure's head or body reaches over the smaller one's face."""
    near, far = front.pose, back.pose
    if near.unit <= far.unit:
        return False
    aside, below = abs(near.x - far.x), far.y + 0.6 * far.unit - near.y
    head = aside < 0.7 * near.unit + 0.5 * far.unit and -0.85 * near.unit < below
    body = aside < 1.1 * near.unit + 0.5 * far.unit and 0.7 * near.unit < below
    return head or body


def draw_scene(
    seed: int, width: int = 640, height: int = 480, faces: Union[int, Sequence[str]] = 2
) -> DrawnScene:
    """Draw a picture with several figures before a background.

    Parameters
    ----------
    seed : decides everything; same arguments, same bytes
    width, height : size in pixels, at least 96
    faces : how many (their emotions by chance), or the emotions of the faces; 0 or () for none

    Raises UserError for an unknown emotion, a picture that is too small, or too many faces for it.
    """
    rng = np.random.default_rng([seed, VIEW])
    require(
        min(width, height) >= 96, f"{width} x {height} is too small for a scene: at least 96 pixels"
    )
    count = faces if isinstance(faces, int) else len(faces)
    most = most_faces(width)
    require(0 <= count <= most, f"{count} faces do not fit in {width} pixels: at most {most}")
    emotions = (
        tuple(str(e) for e in rng.choice(EMOTIONS, count))
        if isinstance(faces, int)
        else tuple(faces)
    )
    for emotion in emotions:
        check_emotion(emotion)
    styles = [random_style(np.random.default_rng([seed, STYLE, number])) for number in range(count)]
    image = draw_background(rng, width, height)
    places = find_places(rng, styles, width, height) if count else []
    boxes, landmarks = [(0, 0, 0, 0)] * count, np.zeros((count, 6, 2), np.float32)
    if rng.random() < (0.6 if count == 0 else 0.2):
        image = add_back_view(image, rng, places)
    for number in sorted(range(count), key=lambda index: places[index].pose.unit):
        expression = random_expression(
            emotions[number], np.random.default_rng([seed, EXPRESSION, number])
        )
        image, boxes[number], landmarks[number] = add_figure(image, rng, places[number], expression)
    image = add_foreground(image, rng, as_boxes(boxes))
    image = finished(image, np.random.default_rng([seed, FINISH]))
    return DrawnScene(image, as_boxes(boxes), emotions, landmarks)


def window(pose: Pose, width: int, height: int) -> tuple[int, int, int, int]:
    """The part of the picture (x0, y0, x1, y1) that a figure can reach."""
    x0, x1 = max(0, int(pose.x - 2.2 * pose.unit)), min(width, int(pose.x + 2.2 * pose.unit) + 1)
    y0, y1 = max(0, int(pose.y - 1.9 * pose.unit)), min(height, int(pose.y + 6.5 * pose.unit) + 1)
    return x0, y0, x1, y1


def add_figure(
    image: np.ndarray, rng: np.random.Generator, place: Place, expression: object
) -> tuple[np.ndarray, tuple[int, int, int, int], np.ndarray]:
    """The picture with one more figure, its box and its landmarks."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = window(place.pose, width, height)
    pose = place.pose
    factor = 2 if pose.unit > 120 else 3
    sketch = Sketch(factor * (x1 - x0), factor * (y1 - y0))
    large = pose._replace(
        x=factor * (pose.x - x0), y=factor * (pose.y - y0), unit=factor * pose.unit
    )
    truth = draw_figure(sketch, place.style, expression, large, 0.7 * factor)
    if rng.random() < 0.08:
        cover_partly(sketch, rng, truth.x, truth.y, truth.side)
    image = composed(image, sketch.reduce(factor), x0, y0)
    landmarks = np.float32(truth.landmarks / factor) + np.float32((x0, y0))
    moved = truth._replace(x=truth.x + factor * x0, y=truth.y + factor * y0)
    return image, integer_box(moved, factor, width, height), landmarks


def add_back_view(image: np.ndarray, rng: np.random.Generator, places: list[Place]) -> np.ndarray:
    """The picture with somebody seen from behind, where no figure's face is."""
    height, width = image.shape[:2]
    unit = rng.uniform(0.12, 0.4) * height
    pose = random_pose(rng, rng.uniform(0, width), rng.uniform(0.3, 0.8) * height, unit)
    x0, y0, x1, y1 = window(pose, width, height)
    sketch = Sketch(2 * (x1 - x0), 2 * (y1 - y0))
    large = pose._replace(x=2 * (pose.x - x0), y=2 * (pose.y - y0), unit=2 * unit)
    draw_back_view(sketch, random_style(rng), random_expression("neutral", rng), large, 1.4)
    return composed(image, sketch.reduce(2), x0, y0)


def add_foreground(image: np.ndarray, rng: np.random.Generator, boxes: np.ndarray) -> np.ndarray:
    """The picture with speech bubbles beside the faces and subtitles."""
    height, width = image.shape[:2]
    sketch = Sketch(2 * width, 2 * height)
    if rng.random() < 0.12:
        size = rng.uniform(0.12, 0.25) * height
        x, y = rng.uniform(size, width - size), rng.uniform(0.6 * size, 0.4 * height)
        taken = [(round(x - size), round(y - size), round(2 * size), round(2 * size))]
        if not intersection(boxes, taken).any():
            draw_bubble(sketch, rng, 2 * x, 2 * y, 2 * size, int(rng.choice([-1, 1])))
    if rng.random() < 0.12 and not (boxes[:, 1] + boxes[:, 3] > 0.76 * height).any():
        draw_subtitle(sketch, rng)
    return composed(image, sketch.reduce(2))
