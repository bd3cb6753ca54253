"""Shapes that backgrounds and foregrounds are made of; places are parts of the surface."""

import numpy as np

from cvbaseline.drawing.colours import shade
from cvbaseline.drawing.sketch import Colour, Sketch, spline


def area(sketch: Sketch, x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """A rectangle given in parts of the surface, as its corners in pixels."""
    height, width = sketch.alpha.shape
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) * (width, height)


def scaled(sketch: Sketch, points: object) -> np.ndarray:
    """Points in parts of the surface, in pixels."""
    height, width = sketch.alpha.shape
    return np.asarray(points, np.float64) * (width, height)


def wash(sketch: Sketch, top: Colour, bottom: Colour, y0: float = 0.0, y1: float = 1.0) -> None:
    """A vertical run of colour over a band of the whole width."""
    points = area(sketch, 0, y0, 1, y1)
    sketch.fill(points, top)
    sketch.gradient(sketch.mask(points), top, bottom)


def outlined(sketch: Sketch, points: np.ndarray, colour: Colour, width: float = 0.003) -> None:
    """A filled shape with a thin line around it."""
    sketch.fill(points, colour)
    ring = np.concatenate([points, points[:2]])
    sketch.stroke(ring, max(1.5, width * sketch.alpha.shape[1]), shade(colour, 0.5), (0, 0))


def blob(
    rng: np.random.Generator, x: float, y: float, rx: float, ry: float, bumps: int = 9
) -> np.ndarray:
    """A bumpy closed outline: foliage, a cloud, a bush."""
    angle = np.linspace(0, 2 * np.pi, bumps * 2, endpoint=False)
    reach = np.where(np.arange(bumps * 2) % 2, 0.86, 1.06) * rng.uniform(0.88, 1.12, bumps * 2)
    return spline(
        np.stack([x + rx * reach * np.cos(angle), y + ry * reach * np.sin(angle)], axis=1),
        closed=True,
    )


def scribble(
    sketch: Sketch, rng: np.random.Generator, x: float, y: float, w: float, h: float, colour: Colour
) -> None:
    """A line of unreadable writing."""
    at = x
    while at < x + w:
        size = h * rng.uniform(0.5, 0.9)
        points = rng.uniform((at, y), (at + size * 0.7, y + h), (5, 2))
        sketch.stroke(
            scaled(sketch, points), max(1.5, 0.12 * h * sketch.alpha.shape[0]), colour, (0, 0)
        )
        at += size
