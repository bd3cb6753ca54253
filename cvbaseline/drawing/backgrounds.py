"""Places to stand in: skies, rooms, streets, woods, patterns; no faces anywhere in them."""

from typing import Callable

import cv2
import numpy as np

from cvbaseline.drawing.colours import from_hsv, light, random_vivid
from cvbaseline.drawing.indoors import paint_classroom, paint_corridor, paint_room
from cvbaseline.drawing.outdoors import paint_hills, paint_sky, paint_street, paint_wood
from cvbaseline.drawing.shapes import area, scaled, wash
from cvbaseline.drawing.sketch import Sketch, ellipse, softened

Painter = Callable[[Sketch, np.random.Generator], None]


def paint_pattern(sketch: Sketch, rng: np.random.Generator) -> None:
    """Dots, stripes, checks or stars on a plain ground."""
    height, width = sketch.alpha.shape
    ground = from_hsv(rng.uniform(0, 360), rng.uniform(0.05, 0.6), rng.uniform(0.55, 1))
    wash(sketch, light(ground, 0.3), ground)
    colour = light(ground, 0.5) if rng.random() < 0.6 else random_vivid(rng)
    kind, step = rng.choice(["dots", "stripes", "checks", "stars"]), rng.uniform(0.05, 0.16) * width
    if kind == "stripes":
        lean = rng.uniform(-1, 1) * height
        for x in np.arange(-height, width + height, step):
            sketch.fill(
                np.array(
                    [(x, 0), (x + step / 2, 0), (x + step / 2 + lean, height), (x + lean, height)]
                ),
                colour,
            )
        return
    for row, y in enumerate(np.arange(0, height + step, step)):
        for x in np.arange(-step, width + step, step) + (row % 2) * step / 2:
            if kind == "dots":
                sketch.fill(ellipse(x, y, step * 0.24, step * 0.24), colour)
            elif kind == "checks":
                sketch.fill(
                    np.array([(x, y), (x + step / 2, y), (x + step / 2, y + step), (x, y + step)]),
                    colour,
                )
            else:
                angle = np.arange(10) * np.pi / 5 - np.pi / 2
                reach = np.where(np.arange(10) % 2, 0.14, 0.34) * step
                sketch.fill(
                    np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], axis=1), colour
                )


def paint_speed_lines(sketch: Sketch, rng: np.random.Generator) -> None:
    """Lines that rush to a point: shock, speed, anger."""
    height, width = sketch.alpha.shape
    ground = from_hsv(rng.uniform(0, 360), rng.uniform(0, 0.7), rng.uniform(0.7, 1))
    sketch.fill(area(sketch, 0, 0, 1, 1), ground)
    centre = np.array([rng.uniform(0.35, 0.65) * width, rng.uniform(0.35, 0.65) * height])
    ink = (30, 26, 40) if rng.random() < 0.5 else light(ground, 0.7)
    reach = np.hypot(width, height)
    for angle in rng.uniform(0, 2 * np.pi, int(rng.integers(40, 140))):
        inner = rng.uniform(0.2, 0.4) * min(width, height)
        wide = rng.uniform(0.002, 0.02)
        tip = centre + inner * np.array([np.cos(angle), np.sin(angle)])
        ends = [
            centre + reach * np.array([np.cos(angle + d), np.sin(angle + d)]) for d in (-wide, wide)
        ]
        sketch.fill(np.array([tip, *ends]), ink)


def paint_glow(sketch: Sketch, rng: np.random.Generator) -> None:
    """A soft run of colour with circles of light."""
    height, width = sketch.alpha.shape
    hue = rng.uniform(0, 360)
    top = from_hsv(hue, rng.uniform(0, 0.6), rng.uniform(0.3, 1))
    wash(sketch, top, from_hsv(hue + rng.normal(0, 40), rng.uniform(0, 0.5), rng.uniform(0.5, 1)))
    for _ in range(int(rng.integers(0, 18))):
        x, y = rng.uniform(0, 1, 2) * (width, height)
        size = rng.uniform(0.01, 0.09) * width
        disc = sketch.mask(ellipse(x, y, size, size))
        sketch.paint(disc, light(top, 0.7), rng.uniform(0.15, 0.5))


PAINTERS: tuple[tuple[Painter, float], ...] = (
    (paint_sky, 0.09),
    (paint_hills, 0.08),
    (paint_room, 0.2),
    (paint_classroom, 0.1),
    (paint_street, 0.13),
    (paint_wood, 0.13),
    (paint_corridor, 0.06),
    (paint_pattern, 0.06),
    (paint_speed_lines, 0.05),
    (paint_glow, 0.1),
)


def draw_background(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A drawn place without faces, uint8 (height, width, 3) RGB; sometimes out of focus."""
    sketch = Sketch(2 * width, 2 * height)
    painters, weights = zip(*PAINTERS)
    painters[rng.choice(len(painters), p=weights)](sketch, rng)
    if rng.random() < 0.4:  # light falling in from above
        glow = softened(
            sketch.mask(scaled(sketch, ellipse(rng.uniform(0, 1), 0.1, 0.5, 0.5))), 0.12 * width
        )
        sketch.paint(glow, (255, 246, 220), rng.uniform(0.1, 0.45), soft=True)
    image = np.rint(sketch.reduce(2).colour).astype(np.uint8)
    if rng.random() < 0.35:
        return blurred(image, rng.uniform(0.003, 0.012) * width)
    return image


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """The picture out of focus, `sigma` in pixels."""
    return cv2.GaussianBlur(image, (0, 0), max(0.3, sigma))
