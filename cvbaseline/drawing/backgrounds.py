"""Places to stand in: skies, rooms, streets, woods, patterns; no faces anywhere in them.

Every painter fills a sketch of any size; x and y are parts of its width and height.
"""

from typing import Callable

import numpy as np

from cvbaseline.drawing.colours import from_hsv, light, random_cloth, random_vivid, shade
from cvbaseline.drawing.sketch import Colour, Sketch, ellipse, mix, softened, spline

Painter = Callable[[Sketch, np.random.Generator], None]


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


def blob(rng: np.random.Generator, x: float, y: float, rx: float, ry: float, bumps: int = 9) -> np.ndarray:
    """A bumpy closed outline: foliage, a cloud, a bush."""
    angle = np.linspace(0, 2 * np.pi, bumps * 2, endpoint=False)
    reach = np.where(np.arange(bumps * 2) % 2, 0.86, 1.06) * rng.uniform(0.88, 1.12, bumps * 2)
    return spline(np.stack([x + rx * reach * np.cos(angle), y + ry * reach * np.sin(angle)], axis=1), closed=True)


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
        puffs = [blob(rng, x + size * rng.uniform(-0.8, 0.8), y + size * rng.uniform(-0.1, 0.1),
                      size * rng.uniform(0.3, 0.6), size * rng.uniform(0.12, 0.28)) for _ in range(4)]  # fmt: skip
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
    for step in range(3):
        y = horizon + 0.13 * step
        x = np.linspace(-0.1, 1.1, 9)
        ridge = np.stack([x, y + rng.uniform(-0.1, 0.06, 9) * (1 - 0.25 * step)], axis=1)
        points = np.concatenate([spline(ridge), [(1.2, 1.1), (-0.2, 1.1)]])
        sketch.fill(scaled(sketch, points), from_hsv(hue, 0.3 + 0.12 * step, 0.75 - 0.1 * step))


def paint_window(sketch: Sketch, rng: np.random.Generator, x: float, y: float, w: float, h: float) -> None:
    """A window with panes and perhaps curtains."""
    sky = from_hsv(rng.uniform(190, 225), rng.uniform(0.15, 0.5), rng.uniform(0.8, 1))
    outlined(sketch, area(sketch, x, y, x + w, y + h), sky)
    pane = area(sketch, x, y, x + w, y + h)
    sketch.gradient(sketch.mask(pane), sky, light(sky, 0.6))
    frame = random_cloth(rng) if rng.random() < 0.4 else (236, 232, 226)
    thick = max(2.0, 0.012 * sketch.alpha.shape[1])
    for part in (0.0, 0.5, 1.0):
        sketch.stroke(scaled(sketch, [(x + part * w, y), (x + part * w, y + h)]), thick, frame, (0, 0))
        sketch.stroke(scaled(sketch, [(x, y + part * h), (x + w, y + part * h)]), thick, frame, (0, 0))
    if rng.random() < 0.5:
        cloth = random_cloth(rng)
        for end in (x - 0.02, x + w - 0.06):
            outlined(sketch, area(sketch, end, y - 0.03, end + 0.08, y + h + 0.06), cloth)


def paint_shelf(sketch: Sketch, rng: np.random.Generator, x: float, y: float, w: float, h: float) -> None:
    """A shelf full of books."""
    wood = from_hsv(rng.uniform(18, 38), rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.75))
    outlined(sketch, area(sketch, x, y, x + w, y + h), shade(wood, 0.4))
    rows = int(rng.integers(2, 5))
    for row in range(rows):
        base, at = y + h * (row + 1) / rows, x + 0.005
        while at < x + w - 0.02:
            thick, tall = rng.uniform(0.008, 0.024), rng.uniform(0.5, 0.85) * h / rows
            if rng.random() < 0.85:
                outlined(sketch, area(sketch, at, base - tall, at + thick, base), random_cloth(rng), 0.001)
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
        sketch.stroke(scaled(sketch, [(0.5 + (x - 0.5) * 0.5, floor), (x, 1.0)]), 2, shade(wood, 0.3), (0, 0))
    things = rng.permutation(4)
    for slot, thing in enumerate(things[: int(rng.integers(2, 5))]):
        x = 0.02 + 0.25 * slot + rng.uniform(-0.02, 0.04)
        if thing == 0:
            paint_window(sketch, rng, x, rng.uniform(0.08, 0.2), rng.uniform(0.16, 0.26), rng.uniform(0.3, 0.42))
        elif thing == 1:
            paint_shelf(sketch, rng, x, rng.uniform(0.2, 0.4), rng.uniform(0.12, 0.24), floor - 0.35)
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
        outlined(sketch, area(sketch, x + 0.01, y + 0.01, x + 0.19, y + 0.07), light(wood, 0.15), 0.002)
        sketch.fill(scaled(sketch, ellipse(x + 0.1, y + 0.04, 0.007, 0.009)), shade(wood, 0.5))
    if rng.random() < 0.5:
        outlined(sketch, area(sketch, x + 0.07, top - 0.07, x + 0.12, top), (190, 110, 80))
        for _ in range(7):
            tip = (x + 0.095 + rng.uniform(-0.08, 0.08), top - rng.uniform(0.15, 0.3))
            leaf = scaled(sketch, spline([(x + 0.095, top - 0.06), ((x + 0.095 + tip[0]) / 2, tip[1] + 0.03), tip]))
            sketch.stroke(leaf, 0.014 * sketch.alpha.shape[1], from_hsv(rng.uniform(95, 140), 0.5, 0.6), (0.1, 0.8))
        return
    height, width = sketch.alpha.shape
    cx, cy, r = (x + 0.1) * width, (top - 0.09) * height, 0.07 * height
    outlined(sketch, ellipse(cx, cy, r, r), (244, 240, 230))
    for hand in rng.uniform(0, 6.28, 2):
        sketch.stroke(np.array([(cx, cy), (cx + 0.7 * r * np.cos(hand), cy + 0.7 * r * np.sin(hand))]), 3, (40, 40, 50), (0, 0))


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


def scribble(sketch: Sketch, rng: np.random.Generator, x: float, y: float, w: float, h: float, colour: Colour) -> None:
    """A line of unreadable writing."""
    at = x
    while at < x + w:
        size = h * rng.uniform(0.5, 0.9)
        points = rng.uniform((at, y), (at + size * 0.7, y + h), (5, 2))
        sketch.stroke(scaled(sketch, points), max(1.5, 0.12 * h * sketch.alpha.shape[0]), colour, (0, 0))
        at += size


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
                outlined(sketch, area(sketch, left, y, left + 0.56 * wide / columns, y + 0.6 * step), glass, 0.0015)
        if rng.random() < 0.5:
            sign = random_vivid(rng)
            outlined(sketch, area(sketch, x + 0.01, horizon - 0.1, x + wide - 0.01, horizon - 0.03), sign)
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
    hue, fullness = (rng.uniform(335, 350), 0.25) if rng.random() < 0.3 else (rng.uniform(75, 150), 0.5)
    grass = from_hsv(rng.uniform(85, 125), 0.5, rng.uniform(0.45, 0.75))
    ground = rng.uniform(0.65, 0.85)
    wash(sketch, light(grass, 0.2), shade(grass, 0.3), ground, 1)
    for x in np.sort(rng.uniform(0, 1, int(rng.integers(3, 8)))):
        bark = from_hsv(rng.uniform(15, 35), 0.4, rng.uniform(0.25, 0.5))
        trunk = [(x - 0.02, ground + 0.08), (x - 0.012, 0.2), (x + 0.016, 0.2), (x + 0.026, ground + 0.08)]
        outlined(sketch, scaled(sketch, trunk), bark)
        leaf = from_hsv(hue + rng.normal(0, 8), fullness + rng.normal(0, 0.06), rng.uniform(0.55, 0.92))
        for depth in (0.35, 0.12, -0.25):
            for _ in range(4):
                cx, cy = x + rng.normal(0, 0.07), rng.uniform(0.02, 0.42) - 0.1 * (depth < 0)
                size = rng.uniform(0.06, 0.13) * (1 if depth > 0 else 0.6)
                colour = shade(leaf, depth) if depth > 0 else light(leaf, -depth)
                sketch.fill(blob(rng, cx * width, cy * height, size * width, size * width * 0.8), colour)
    for _ in range(int(rng.integers(0, 9))):
        x, size = rng.uniform(0, 1), rng.uniform(0.03, 0.1)
        bush = from_hsv(rng.uniform(85, 140), 0.5, rng.uniform(0.35, 0.7))
        sketch.fill(blob(rng, x * width, (ground + 0.02) * height, size * width, size * width * 0.7), bush)


def paint_corridor(sketch: Sketch, rng: np.random.Generator) -> None:
    """A corridor in perspective, with doors or lockers."""
    wall = from_hsv(rng.uniform(0, 360), rng.uniform(0.03, 0.2), rng.uniform(0.6, 0.95))
    x, y, size = rng.uniform(0.3, 0.7), rng.uniform(0.35, 0.55), rng.uniform(0.08, 0.2)
    sketch.fill(area(sketch, 0, 0, 1, 1), wall)
    far = np.array([(x - size, y - size), (x + size, y - size), (x + size, y + size), (x - size, y + size)])
    near = np.array([(-0.1, -0.2), (1.1, -0.2), (1.1, 1.2), (-0.1, 1.2)])
    tones = (light(wall, 0.4), shade(wall, 0.12), shade(wall, 0.4), shade(wall, 0.2))
    for edge in range(4):
        after = (edge + 1) % 4
        outlined(sketch, scaled(sketch, [near[edge], near[after], far[after], far[edge]]), tones[edge])
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
            sketch.fill(np.array([(x, 0), (x + step / 2, 0), (x + step / 2 + lean, height), (x + lean, height)]), colour)
        return
    for row, y in enumerate(np.arange(0, height + step, step)):
        for x in np.arange(-step, width + step, step) + (row % 2) * step / 2:
            if kind == "dots":
                sketch.fill(ellipse(x, y, step * 0.24, step * 0.24), colour)
            elif kind == "checks":
                sketch.fill(np.array([(x, y), (x + step / 2, y), (x + step / 2, y + step), (x, y + step)]), colour)
            else:
                angle = np.arange(10) * np.pi / 5 - np.pi / 2
                reach = np.where(np.arange(10) % 2, 0.14, 0.34) * step
                sketch.fill(np.stack([x + reach * np.cos(angle), y + reach * np.sin(angle)], axis=1), colour)


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
        ends = [centre + reach * np.array([np.cos(angle + d), np.sin(angle + d)]) for d in (-wide, wide)]
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
        glow = softened(sketch.mask(scaled(sketch, ellipse(rng.uniform(0, 1), 0.1, 0.5, 0.5))), 0.12 * width)
        sketch.paint(glow, (255, 246, 220), rng.uniform(0.1, 0.45))
    image = np.rint(sketch.reduce(2).colour).astype(np.uint8)
    if rng.random() < 0.35:
        return blurred(image, rng.uniform(0.003, 0.012) * width)
    return image


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """The picture out of focus, `sigma` in pixels."""
    import cv2

    return cv2.GaussianBlur(image, (0, 0), max(0.3, sigma))
