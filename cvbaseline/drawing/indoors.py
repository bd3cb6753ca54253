"""Rooms, classrooms and corridors."""

import numpy as np

from cvbaseline.drawing.colours import (
    from_hsv,
    light,
    random_cloth,
    random_vivid,
    shade,
)
from cvbaseline.drawing.shapes import area, outlined, scaled, scribble, wash
from cvbaseline.drawing.sketch import Sketch, ellipse, spline


def paint_window(
    sketch: Sketch, rng: np.random.Generator, x: float, y: float, w: float, h: float
) -> None:
    """A window with panes and perhaps curtains."""
    sky = from_hsv(rng.uniform(190, 225), rng.uniform(0.15, 0.5), rng.uniform(0.8, 1))
    outlined(sketch, area(sketch, x, y, x + w, y + h), sky)
    pane = area(sketch, x, y, x + w, y + h)
    sketch.gradient(sketch.mask(pane), sky, light(sky, 0.6))
    frame = random_cloth(rng) if rng.random() < 0.4 else (236, 232, 226)
    thick = max(2.0, 0.012 * sketch.alpha.shape[1])
    for part in (0.0, 0.5, 1.0):
        sketch.stroke(
            scaled(sketch, [(x + part * w, y), (x + part * w, y + h)]), thick, frame, (0, 0)
        )
        sketch.stroke(
            scaled(sketch, [(x, y + part * h), (x + w, y + part * h)]), thick, frame, (0, 0)
        )
    if rng.random() < 0.5:
        cloth = random_cloth(rng)
        for end in (x - 0.02, x + w - 0.06):
            outlined(sketch, area(sketch, end, y - 0.03, end + 0.08, y + h + 0.06), cloth)


def paint_shelf(
    sketch: Sketch, rng: np.random.Generator, x: float, y: float, w: float, h: float
) -> None:
    """A shelf full of books."""
    wood = from_hsv(rng.uniform(18, 38), rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.75))
    outlined(sketch, area(sketch, x, y, x + w, y + h), shade(wood, 0.4))
    rows = int(rng.integers(2, 5))
    for row in range(rows):
        base, at = y + h * (row + 1) / rows, x + 0.005
        while at < x + w - 0.02:
            thick, tall = rng.uniform(0.008, 0.024), rng.uniform(0.5, 0.85) * h / rows
            if rng.random() < 0.85:
                outlined(
                    sketch,
                    area(sketch, at, base - tall, at + thick, base),
                    random_cloth(rng),
                    0.001,
                )
            at += thick
        sketch.fill(area(sketch, x, base - 0.012, x + w, base), wood)
    outlined(sketch, area(sketch, x, y - 0.015, x + w, y), wood)


def paint_room(sketch: Sketch, rng: np.random.Generator) -> None:
    """A room: wall, floor, window, shelf, pictures, lamp."""
    wall = from_hsv(rng.uniform(0, 360), rng.uniform(0.03, 0.25), rng.uniform(0.7, 0.97))
    floor = rng.uniform(0.68, 0.9)
    wash(sketch, light(wall, 0.15), shade(wall, 0.12))
    if rng.random() < 0.4:
        for x in np.arange(0, 1, rng.uniform(0.03, 0.09)):
            sketch.fill(area(sketch, x, 0, x + 0.012, floor), shade(wall, 0.08))
    wood = from_hsv(rng.uniform(18, 40), rng.uniform(0.2, 0.55), rng.uniform(0.4, 0.8))
    wash(sketch, wood, shade(wood, 0.25), floor, 1)
    sketch.fill(area(sketch, 0, floor - 0.025, 1, floor), light(wall, 0.4))
    for x in np.linspace(-0.4, 1.4, 12):
        sketch.stroke(
            scaled(sketch, [(0.5 + (x - 0.5) * 0.5, floor), (x, 1.0)]), 2, shade(wood, 0.3), (0, 0)
        )
    things = rng.permutation(4)
    for slot, thing in enumerate(things[: int(rng.integers(2, 5))]):
        x = 0.02 + 0.25 * slot + rng.uniform(-0.02, 0.04)
        if thing == 0:
            paint_window(
                sketch,
                rng,
                x,
                rng.uniform(0.08, 0.2),
                rng.uniform(0.16, 0.26),
                rng.uniform(0.3, 0.42),
            )
        elif thing == 1:
            paint_shelf(
                sketch, rng, x, rng.uniform(0.2, 0.4), rng.uniform(0.12, 0.24), floor - 0.35
            )
        elif thing == 2:
            outlined(sketch, area(sketch, x, 0.12, x + 0.16, 0.36), random_cloth(rng), 0.006)
            outlined(sketch, area(sketch, x + 0.02, 0.15, x + 0.14, 0.33), random_vivid(rng))
        else:
            paint_cabinet(sketch, rng, x, floor)


def paint_cabinet(sketch: Sketch, rng: np.random.Generator, x: float, floor: float) -> None:
    """A chest of drawers with a plant or a clock on it."""
    wood = random_cloth(rng)
    top = floor - rng.uniform(0.18, 0.3)
    outlined(sketch, area(sketch, x, top, x + 0.2, floor + 0.03), wood)
    for y in np.linspace(top, floor, 4)[:-1]:
        outlined(
            sketch, area(sketch, x + 0.01, y + 0.01, x + 0.19, y + 0.07), light(wood, 0.15), 0.002
        )
        sketch.fill(scaled(sketch, ellipse(x + 0.1, y + 0.04, 0.007, 0.009)), shade(wood, 0.5))
    if rng.random() < 0.5:
        outlined(sketch, area(sketch, x + 0.07, top - 0.07, x + 0.12, top), (190, 110, 80))
        for _ in range(7):
            tip = (x + 0.095 + rng.uniform(-0.08, 0.08), top - rng.uniform(0.15, 0.3))
            leaf = scaled(
                sketch,
                spline([(x + 0.095, top - 0.06), ((x + 0.095 + tip[0]) / 2, tip[1] + 0.03), tip]),
            )
            sketch.stroke(
                leaf,
                0.014 * sketch.alpha.shape[1],
                from_hsv(rng.uniform(95, 140), 0.5, 0.6),
                (0.1, 0.8),
            )
        return
    height, width = sketch.alpha.shape
    cx, cy, r = (x + 0.1) * width, (top - 0.09) * height, 0.07 * height
    outlined(sketch, ellipse(cx, cy, r, r), (244, 240, 230))
    for hand in rng.uniform(0, 6.28, 2):
        sketch.stroke(
            np.array([(cx, cy), (cx + 0.7 * r * np.cos(hand), cy + 0.7 * r * np.sin(hand))]),
            3,
            (40, 40, 50),
            (0, 0),
        )


def paint_classroom(sketch: Sketch, rng: np.random.Generator) -> None:
    """A blackboard, windows and rows of desks."""
    wall = from_hsv(rng.uniform(30, 60), rng.uniform(0.05, 0.18), rng.uniform(0.8, 0.96))
    wash(sketch, wall, shade(wall, 0.15))
    board = (46, 92, 74) if rng.random() < 0.7 else (240, 244, 246)
    x0 = rng.uniform(0.02, 0.3)
    outlined(sketch, area(sketch, x0, 0.1, x0 + 0.55, 0.5), board, 0.008)
    chalk = (232, 236, 228) if board[0] < 100 else (60, 70, 160)
    for row in range(int(rng.integers(1, 5))):
        scribble(sketch, rng, x0 + 0.04, 0.16 + 0.08 * row, rng.uniform(0.2, 0.45), 0.03, chalk)
    for x in (x0 - 0.28, x0 + 0.62):
        paint_window(sketch, rng, x, 0.12, 0.22, 0.36)
    wash(sketch, (196, 160, 116), (160, 122, 84), 0.72, 1)
    for row in range(3):
        y = 0.68 + 0.1 * row
        for x in np.arange(-0.1, 1.1, 0.2 + 0.05 * row) + rng.uniform(0, 0.1):
            wide = 0.13 + 0.04 * row
            outlined(sketch, area(sketch, x, y, x + wide, y + 0.035 + 0.01 * row), (214, 176, 124))
            for leg in (x + 0.01, x + wide - 0.015):
                sketch.fill(area(sketch, leg, y + 0.03, leg + 0.008, y + 0.16), (120, 124, 134))


def paint_corridor(sketch: Sketch, rng: np.random.Generator) -> None:
    """A corridor in perspective, with doors or lockers."""
    wall = from_hsv(rng.uniform(0, 360), rng.uniform(0.03, 0.2), rng.uniform(0.6, 0.95))
    x, y, size = rng.uniform(0.3, 0.7), rng.uniform(0.35, 0.55), rng.uniform(0.08, 0.2)
    sketch.fill(area(sketch, 0, 0, 1, 1), wall)
    far = np.array(
        [(x - size, y - size), (x + size, y - size), (x + size, y + size), (x - size, y + size)]
    )
    near = np.array([(-0.1, -0.2), (1.1, -0.2), (1.1, 1.2), (-0.1, 1.2)])
    tones = (light(wall, 0.4), shade(wall, 0.12), shade(wall, 0.4), shade(wall, 0.2))
    for edge in range(4):
        after = (edge + 1) % 4
        outlined(
            sketch, scaled(sketch, [near[edge], near[after], far[after], far[edge]]), tones[edge]
        )
    outlined(sketch, scaled(sketch, far), light(wall, 0.6))
    door = random_cloth(rng)
    for part in (0.25, 0.5, 0.72):
        for edge, after in ((3, 0), (1, 2)):
            low, high = (near[edge], near[after]) if edge == 3 else (near[after], near[edge])
            low_far, high_far = (far[edge], far[after]) if edge == 3 else (far[after], far[edge])
            a, b = low + (low_far - low) * part, low + (low_far - low) * (part + 0.16)
            c, d = high + (high_far - high) * (part + 0.16), high + (high_far - high) * part
            outlined(sketch, scaled(sketch, [a, b, b + (c - b) * 0.72, a + (d - a) * 0.72]), door)
    for part in np.linspace(0.1, 0.9, 7):
        a, b = near[3] + (far[3] - near[3]) * part, near[2] + (far[2] - near[2]) * part
        sketch.stroke(scaled(sketch, [a, b]), 2, shade(wall, 0.55), (0, 0))
