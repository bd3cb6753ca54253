"""Skies, hills, streets and woods."""

import numpy as np

from cvbaseline.drawing.colours import from_hsv, light, random_vivid, shade
from cvbaseline.drawing.shapes import area, blob, outlined, scaled, scribble, wash
from cvbaseline.drawing.sketch import Sketch, ellipse, mix, spline


def paint_sky(sketch: Sketch, rng: np.random.Generator, horizon: float = 1.0) -> None:
    """Day, evening or night, with clouds or stars, down to the horizon."""
    height, width = sketch.alpha.shape
    time = rng.choice(["day", "day", "day", "evening", "night"])
    runs = {"day": ((86, 150, 226), (206, 234, 250)), "evening": ((96, 84, 160), (252, 190, 130)),
            "night": ((14, 20, 52), (60, 72, 130))}  # fmt: skip
    wash(sketch, *runs[time], 0, horizon)
    if time == "night":
        for x, y in rng.uniform(0, 1, (60, 2)) * (width, height * horizon):
            sketch.fill(ellipse(x, y, *(2 * [rng.uniform(0.5, 2.0)]), samples=6), (250, 250, 230))
        moon = rng.uniform((0.1, 0.08), (0.9, 0.3)) * (width, height)
        sketch.fill(ellipse(*moon, height * 0.05, height * 0.05), (252, 246, 214))
        return
    colour = (255, 255, 255) if time == "day" else (255, 214, 190)
    for _ in range(int(rng.integers(1, 6))):
        x, y = rng.uniform((0, 0.05), (1, max(0.1, 0.8 * horizon))) * (width, height)
        size = rng.uniform(0.08, 0.25) * width
        puffs = []
        for _ in range(4):
            dx, dy, rx, ry = rng.uniform((-0.8, -0.1, 0.3, 0.12), (0.8, 0.1, 0.6, 0.28)) * size
            puffs.append(blob(rng, x + dx, y + dy, rx, ry))
        mask = sketch.mask(*puffs)
        mask[round(horizon * height) :] = 0
        sketch.paint(mask, colour, 0.92)
        low = sketch.mask(*(puff + (0, 0.08 * size) for puff in puffs)) & mask
        sketch.paint(low, mix(colour, (150, 170, 210), 0.35), 0.7)


def paint_hills(sketch: Sketch, rng: np.random.Generator) -> None:
    """Rows of hills, a field or the sea below the sky."""
    horizon = rng.uniform(0.45, 0.75)
    paint_sky(sketch, rng, horizon + 0.02)
    if rng.random() < 0.3:
        wash(sketch, (70, 140, 200), (130, 200, 225), horizon, 1)
        wash(sketch, (238, 222, 180), (226, 204, 156), rng.uniform(0.8, 0.95), 1)
        return
    hue = rng.uniform(80, 170)
    sketch.fill(area(sketch, 0, horizon, 1, 1), from_hsv(hue, 0.25, 0.8))
    for step in range(3):
        y = horizon + 0.13 * step
        x = np.linspace(-0.1, 1.1, 9)
        ridge = np.stack([x, y + rng.uniform(-0.1, 0.06, 9) * (1 - 0.25 * step)], axis=1)
        points = np.concatenate([spline(ridge), [(1.2, 1.1), (-0.2, 1.1)]])
        sketch.fill(scaled(sketch, points), from_hsv(hue, 0.3 + 0.12 * step, 0.75 - 0.1 * step))


def paint_street(sketch: Sketch, rng: np.random.Generator) -> None:
    """Houses with rows of windows along a road, poles and wires."""
    horizon = rng.uniform(0.55, 0.72)
    paint_sky(sketch, rng, horizon)
    x = -0.05
    while x < 1.05:
        wide, top = rng.uniform(0.1, 0.28), rng.uniform(0.0, horizon - 0.2)
        wall = from_hsv(rng.uniform(0, 360), rng.uniform(0.03, 0.3), rng.uniform(0.45, 0.95))
        outlined(sketch, area(sketch, x, top, x + wide, horizon + 0.06), wall)
        glass = from_hsv(rng.uniform(190, 230), 0.35, rng.uniform(0.4, 0.9))
        columns, step = max(2, int(wide / 0.05)), rng.uniform(0.08, 0.14)
        for y in np.arange(top + 0.04, horizon - 0.06, step):
            for column in range(columns):
                left = x + wide * (column + 0.22) / columns
                outlined(
                    sketch,
                    area(sketch, left, y, left + 0.56 * wide / columns, y + 0.6 * step),
                    glass,
                    0.0015,
                )
        if rng.random() < 0.5:
            sign = random_vivid(rng)
            outlined(
                sketch, area(sketch, x + 0.01, horizon - 0.1, x + wide - 0.01, horizon - 0.03), sign
            )
            scribble(sketch, rng, x + 0.02, horizon - 0.085, wide - 0.05, 0.04, light(sign, 0.8))
        x += wide + rng.uniform(0, 0.02)
    wash(sketch, (150, 150, 158), (112, 112, 122), horizon + 0.04, 1)
    sketch.fill(area(sketch, 0, horizon + 0.04, 1, horizon + 0.08), (188, 186, 184))
    for x in rng.uniform(0, 1, 2):
        sketch.fill(area(sketch, x, 0.02, x + 0.014, horizon + 0.1), (104, 98, 96))
        outlined(sketch, area(sketch, x - 0.05, 0.08, x + 0.064, 0.1), (104, 98, 96))
    for y in (0.09, 0.13):
        wire = spline([(-0.1, y), (0.5, y + rng.uniform(0.03, 0.1)), (1.1, y)])
        sketch.stroke(scaled(sketch, wire), 2, (60, 60, 66), (0, 0))


def paint_wood(sketch: Sketch, rng: np.random.Generator) -> None:
    """Trees, bushes and grass; sometimes cherry trees in bloom."""
    height, width = sketch.alpha.shape
    paint_sky(sketch, rng)
    hue, fullness = (
        (rng.uniform(335, 350), 0.25) if rng.random() < 0.3 else (rng.uniform(75, 150), 0.5)
    )
    grass = from_hsv(rng.uniform(85, 125), 0.5, rng.uniform(0.45, 0.75))
    ground = rng.uniform(0.65, 0.85)
    wash(sketch, light(grass, 0.2), shade(grass, 0.3), ground, 1)
    for x in np.sort(rng.uniform(0, 1, int(rng.integers(3, 8)))):
        bark = from_hsv(rng.uniform(15, 35), 0.4, rng.uniform(0.25, 0.5))
        trunk = [
            (x - 0.02, ground + 0.08),
            (x - 0.012, 0.2),
            (x + 0.016, 0.2),
            (x + 0.026, ground + 0.08),
        ]
        outlined(sketch, scaled(sketch, trunk), bark)
        leaf = from_hsv(
            hue + rng.normal(0, 8), fullness + rng.normal(0, 0.06), rng.uniform(0.55, 0.92)
        )
        for depth in (0.35, 0.12, -0.25):
            for _ in range(4):
                cx, cy = x + rng.normal(0, 0.07), rng.uniform(0.02, 0.42) - 0.1 * (depth < 0)
                size = rng.uniform(0.06, 0.13) * (1 if depth > 0 else 0.6)
                colour = shade(leaf, depth) if depth > 0 else light(leaf, -depth)
                sketch.fill(
                    blob(rng, cx * width, cy * height, size * width, size * width * 0.8), colour
                )
    for _ in range(int(rng.integers(0, 9))):
        x, size = rng.uniform(0, 1), rng.uniform(0.03, 0.1)
        bush = from_hsv(rng.uniform(85, 140), 0.5, rng.uniform(0.35, 0.7))
        sketch.fill(
            blob(rng, x * width, (ground + 0.02) * height, size * width, size * width * 0.7), bush
        )
