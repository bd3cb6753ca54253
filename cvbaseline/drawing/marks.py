"""Marks of emotion beside the features: tears, sweat, anger, gloom."""

import numpy as np

from cvbaseline.drawing.easel import Easel
from cvbaseline.drawing.eyes import lids
from cvbaseline.drawing.sketch import bezier, ellipse, softened

WATER = (196, 226, 250)
WATER_EDGE = (96, 140, 190)


def drop(x: float, y: float, size: float) -> np.ndarray:
    """A drop hanging from its tip at (x, y), in widths of the face (n, 2)."""
    right = bezier((x, y), (x + 0.15 * size, y + 0.6 * size), (x + 0.42 * size, y + 0.7 * size),
                   (x + 0.4 * size, y + 1.05 * size), samples=9)  # fmt: skip
    bottom = ellipse(x, y + 1.05 * size, 0.4 * size, 0.36 * size, 0, 180, 12)
    left = right[::-1] * (-1, 1) + (2 * x, 0)
    return np.concatenate([right, bottom[1:-1], left])


def draw_drop(easel: Easel, x: float, y: float, size: float) -> None:
    """A drop of water with its edge and glint."""
    sketch = easel.sketch
    points = easel.surface(drop(x, y, size))
    sketch.fill(points, WATER)
    sketch.stroke(np.concatenate([points, points[:2]]), easel.line * 0.8, WATER_EDGE, (0, 0))
    sketch.fill(
        easel.surface(
            ellipse(x - 0.12 * size, y + 1.0 * size, 0.1 * size, 0.16 * size, samples=10)
        ),
        (255, 255, 255),
    )


def draw_tears(easel: Easel, inside: np.ndarray) -> None:
    """Water at the lower lids, drops on the cheeks or streams down them."""
    style, expression, sketch = easel.style, easel.expression, easel.sketch
    if expression.tears == "none":
        return
    shut = expression.eyes not in ("open", "blank", "wink")
    for side in (-1, 1):
        low = 0.12 * style.eye_height if shut else lids(style, expression, side).lower[:, 1].max()
        x = side * (style.eye_gap + 0.18 * style.eye_width)
        if expression.tears == "rim":
            rim = bezier((side * (style.eye_gap - 0.3 * style.eye_width), low),
                         (side * style.eye_gap, low + 0.035),
                         (side * (style.eye_gap + 0.48 * style.eye_width), low - 0.03))  # fmt: skip
            sketch.stroke(easel.surface(rim), easel.pen(0.035), WATER, (0.3, 0.2))
            draw_drop(easel, side * (style.eye_gap + 0.42 * style.eye_width), low - 0.06, 0.07)
        elif expression.tears == "drops":
            draw_drop(easel, x, low + 0.01, 0.085)
            if style.seed % 2:
                draw_drop(easel, x + side * 0.05, low + 0.13, 0.06)
        else:
            half = 0.16 * style.eye_width
            stream = np.concatenate([
                bezier((x - half, low), (x - half * 0.8, 0.2),
                (x - half + side * 0.03, style.chin)),
                bezier((x + half, low), (x + half, 0.2), (x + half + side * 0.05,
                                                          style.chin))[::-1],
            ])  # fmt: skip
            mask = sketch.mask(easel.surface(stream)) & inside
            sketch.paint(mask, WATER, 0.85)
            for edge in (stream[:14], stream[14:]):
                sketch.stroke(
                    easel.surface(edge), easel.line * 0.7, WATER_EDGE, (0.1, 0.3), clip=inside
                )


def draw_sweat(easel: Easel) -> None:
    """Drops at temple and forehead."""
    places = [(0.4, -0.32, 0.12), (-0.43, -0.12, 0.09), (-0.3, -0.4, 0.08)]
    side = easel.style.ornament_side
    for x, y, size in places[: easel.expression.sweat]:
        draw_drop(easel, side * x, y, size)


def draw_anger(easel: Easel) -> None:
    """The swollen vein: four hooks around a cross."""
    style, sketch = easel.style, easel.sketch
    if not easel.expression.anger_mark:
        return
    x, y, size = -style.ornament_side * 0.36, -0.4, 0.1
    for sx in (-1, 1):
        for sy in (-1, 1):
            hook = bezier((0.25, 1.0), (0.2, 0.2), (1.0, 0.25)) * (sx * size, sy * size) + (x, y)
            sketch.stroke(easel.surface(hook), easel.pen(0.028), (214, 40, 44), (0.2, 0.2))


def draw_gloom(easel: Easel, inside: np.ndarray) -> None:
    """The blue shade of horror over brow and eyes, with falling lines."""
    style, sketch, strength = easel.style, easel.sketch, easel.expression.gloom
    if strength <= 0.05:
        return
    level = 0.1 + 0.2 * style.chin
    upper = np.array(
        [(-0.6, -0.8), (0.6, -0.8), (0.6, level - 0.1), (0.0, level), (-0.6, level - 0.1)]
    )
    mask = softened(sketch.mask(easel.surface(upper)), 0.08 * easel.pose.unit) & inside
    sketch.paint(mask, (72, 84, 150), 0.2 + 0.3 * strength, soft=True)
    for x in np.linspace(-0.2, 0.38, 7) if style.seed % 2 else np.linspace(-0.38, 0.2, 7):
        end = -0.1 + 0.12 * np.sin(17 * x)
        line = np.array([(x, -0.5), (x, -0.3), (x, end)])
        sketch.stroke(
            easel.surface(line),
            easel.line * 0.6,
            (60, 60, 110),
            (0, 0.6),
            clip=inside,
            strength=0.8,
        )
