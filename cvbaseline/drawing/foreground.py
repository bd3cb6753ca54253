"""What stands before a figure: hands, books, speech bubbles, subtitles."""

import numpy as np

from cvbaseline.drawing.colours import light, random_cloth, random_skin, random_vivid
from cvbaseline.drawing.easel import rotated
from cvbaseline.drawing.shapes import area, outlined, scribble
from cvbaseline.drawing.sketch import Sketch, spline


def draw_hand(
    sketch: Sketch, rng: np.random.Generator, x: float, y: float, size: float, side: int
) -> None:
    """A sleeve with a hand, fingers up, its palm at (x, y), `size` pixels wide."""
    skin, cloth = random_skin(rng), random_cloth(rng)
    lean = rng.uniform(-0.5, 0.3) * side

    def place(points: object) -> np.ndarray:
        return rotated(np.asarray(points, np.float64) * (side * size, size), lean) + (x, y)

    outlined(sketch, place([(-0.3, 0.5), (0.3, 0.5), (0.6, 3.5), (-0.4, 3.5)]), cloth, 0.004)
    for finger in range(4):
        left = -0.42 + 0.22 * finger
        tall = (0.62, 0.78, 0.74, 0.55)[finger]
        shape = [
            (left, -0.1),
            (left + 0.01, -tall),
            (left + 0.1, -tall - 0.07),
            (left + 0.19, -tall),
            (left + 0.2, -0.1),
        ]
        outlined(sketch, place(spline(shape, samples=5)), skin, 0.003)
    thumb = [(0.3, 0.25), (0.55, -0.05), (0.66, -0.28), (0.54, -0.34), (0.36, -0.12)]
    outlined(sketch, place(spline(thumb, closed=True)), skin, 0.003)
    palm = [(-0.42, -0.25), (0.4, -0.2), (0.44, 0.2), (0.26, 0.6), (-0.26, 0.6), (-0.44, 0.2)]
    sketch.fill(place(spline(palm, closed=True)), skin)


def draw_book(
    sketch: Sketch, rng: np.random.Generator, x: float, y: float, size: float, side: int
) -> None:
    """A book or a sign with writing, its middle at (x, y)."""
    colour = random_vivid(rng) if rng.random() < 0.7 else (246, 246, 240)
    corners = rotated(
        np.array([(-0.5, -0.65), (0.5, -0.65), (0.5, 0.65), (-0.5, 0.65)]) * size,
        side * rng.uniform(0, 0.4),
    )
    outlined(sketch, corners + (x, y), colour, 0.006)
    height, width = sketch.alpha.shape
    ink = light(colour, 0.75) if sum(colour) < 500 else (50, 50, 70)
    for row in (-0.4, -0.1, 0.25):
        scribble(
            sketch,
            rng,
            (x - 0.3 * size) / width,
            (y + row * size) / height,
            0.6 * size / width,
            0.14 * size / height,
            ink,
        )


def draw_bubble(
    sketch: Sketch, rng: np.random.Generator, x: float, y: float, size: float, side: int
) -> None:
    """A speech bubble with unreadable words."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    if rng.random() < 0.25:  # a shout has spikes
        reach = np.where(np.arange(40) % 2, 0.82, 1.08)
    else:
        reach = np.ones(40)
    points = np.stack(
        [x + 0.8 * size * reach * np.cos(angle), y + 0.6 * size * reach * np.sin(angle)], axis=1
    )
    tail = np.array(
        [
            (x - 0.2 * size, y + 0.45 * size),
            (x + 0.1 * size, y + 0.5 * size),
            (x + side * 0.5 * size, y + 0.95 * size),
        ]
    )
    outlined(sketch, tail, (255, 255, 255), 0.004)
    outlined(sketch, points, (255, 255, 255), 0.004)
    sketch.fill(tail + (0, -0.04 * size), (255, 255, 255))
    height, width = sketch.alpha.shape
    for row in (-0.3, -0.06, 0.18):
        scribble(
            sketch,
            rng,
            (x - 0.45 * size) / width,
            (y + row * size) / height,
            0.9 * size / width,
            0.14 * size / height,
            (30, 30, 36),
        )


def draw_subtitle(sketch: Sketch, rng: np.random.Generator) -> None:
    """White writing with a dark edge along the bottom, or a text box of a visual novel."""
    height, width = sketch.alpha.shape
    if rng.random() < 0.4:
        outlined(sketch, area(sketch, 0.04, 0.78, 0.96, 0.96), random_cloth(rng), 0.004)
    x, wide = rng.uniform(0.1, 0.3), rng.uniform(0.3, 0.55)
    words = int(rng.integers(1 << 31))
    for dx, dy, colour in ((2, 2, (20, 20, 20)), (0, 0, (250, 250, 245))):
        copy = np.random.default_rng(words)
        scribble(sketch, copy, x + dx / width, 0.87 + dy / height, wide, 0.045, colour)


def cover_partly(sketch: Sketch, rng: np.random.Generator, x: float, y: float, side: float) -> None:
    """Put a hand, a book or a bubble over an edge of the square face at x, y (pixels)."""
    end = int(rng.choice([-1, 1]))
    kind = rng.choice(3, p=[0.5, 0.3, 0.2])
    middle = x + side / 2
    if kind == 0:
        draw_hand(
            sketch,
            rng,
            middle + end * side * rng.uniform(0.34, 0.6),
            y + side * rng.uniform(0.75, 1.05),
            side * 0.34,
            end,
        )
    elif kind == 1:
        draw_book(
            sketch,
            rng,
            middle + end * side * rng.uniform(0.2, 0.6),
            y + side * rng.uniform(1.1, 1.35),
            side * 0.7,
            end,
        )
    else:
        draw_bubble(
            sketch,
            rng,
            middle + end * side * rng.uniform(0.75, 0.95),
            y + side * rng.uniform(-0.1, 0.2),
            side * 0.55,
            -end,
        )
