"""Eyes and brows: the carriers of expression."""

from typing import NamedTuple

import numpy as np

from cvbaseline.drawing.colours import light, shade
from cvbaseline.drawing.easel import Easel
from cvbaseline.drawing.expressions import Expression
from cvbaseline.drawing.sketch import Colour, bezier, ellipse, mix, shifted
from cvbaseline.drawing.styles import FaceStyle

INK = (32, 22, 30)
EYE_WHITE = (252, 250, 250)


class Lids(NamedTuple):
    """The curves of one open eye from its inner to its outer corner, in widths of the face."""

    upper: np.ndarray
    lower: np.ndarray
    height: float  # of the opening in the middle


def lids(style: FaceStyle, expression: Expression, side: int) -> Lids:
    """Upper and lower lid of the eye on the given side (-1 left, 1 right of the picture)."""
    width, height = style.eye_width, style.eye_height
    up = 0.6 * height * expression.openness
    down = 0.4 * height * (1 - 0.8 * expression.lower_lid) * min(expression.openness, 1.15) ** 0.4
    cross, droop = max(expression.lid_slope, 0.0), max(-expression.lid_slope, 0.0)
    inner = np.array([style.eye_gap - width / 2, 0.03 * height + 0.14 * up * cross])
    outer = np.array([style.eye_gap + width / 2, -style.eye_tilt + 0.12 * up * droop])
    reach = 0.12 + 0.3 * style.squareness
    upper = bezier(
        inner,
        inner + (width * (0.16 - 0.1 * style.squareness), -up / 0.72 * (1 - 0.62 * cross)),
        outer + (-width * reach * 0.8, -up / 0.72 * (1 + 0.06 * cross - 0.55 * droop)),
        outer,
    )
    lower = bezier(
        inner,
        inner + (width * 0.14, down / 0.75),
        outer + (-width * 0.12, down / 0.75 + style.eye_tilt),
        outer,
    )
    mirror = np.array([side, 1.0])
    return Lids(upper * mirror, lower * mirror, up + down)


def brow_line(style: FaceStyle, expression: Expression, side: int) -> np.ndarray:
    """Middle line of a brow from its inner to its outer end, in widths of the face (n, 2)."""
    half = style.eye_width * style.brow_length / 2
    lifted = 0.6 * style.eye_height * max(expression.openness - 1.0, 0.0)
    y = -(0.6 * style.eye_height + style.brow_gap + expression.brow_raise + 0.5 * lifted)
    slope = expression.brow_slope * (0.75 + style.brow_length / 3)
    inner = (style.eye_gap - half * 0.95, y - slope / 2)
    outer = (style.eye_gap + half * 1.1, y + slope / 2)
    arch = (style.eye_gap + 0.25 * half, y - 0.032 * expression.brow_arch)
    points = bezier(inner, arch, outer, samples=12)
    return points * np.array([side, 1.0])


def draw_brows(easel: Easel, strength: float = 1.0) -> None:
    """Both brows, and the frown between them."""
    style, expression = easel.style, easel.expression
    colour = mix(shade(style.hair, 0.35), INK, 0.35 if style.line_tint else 0.8)
    for side in (-1, 1):
        line = easel.surface(brow_line(style, expression, side))
        easel.sketch.stroke(
            line, easel.pen(style.brow), colour, (0.12 * style.brow_taper, style.brow_taper),
            strength=strength,
        )  # fmt: skip
    if expression.frown_lines:
        y = -(0.6 * style.eye_height + style.brow_gap) + 0.05
        for side in (-1, 1):
            fold = easel.surface(
                bezier((side * 0.03, y - 0.05), (side * 0.015, y), (side * 0.04, y + 0.03))
            )
            easel.sketch.stroke(fold, easel.line * 0.8, style.outline(style.skin), (0.5, 0.5))


def draw_eyes(easel: Easel) -> None:
    """Both eyes in the shape that the expression asks for."""
    for side in (-1, 1):
        shape = easel.expression.eyes
        if shape == "wink":
            shape = "smiling" if side == easel.style.ornament_side else "open"
        if shape == "open":
            draw_open_eye(easel, side)
        elif shape == "blank":
            draw_blank_eye(easel, side)
        else:
            draw_shut_eye(easel, side, shape)


def draw_shut_eye(easel: Easel, side: int, shape: str) -> None:
    """A shut eye: an arch ("smiling"), a hanging curve ("closed") or > ("squeezed")."""
    style, sketch = easel.style, easel.sketch
    half, height = style.eye_width * 0.47, style.eye_height
    inner, outer = style.eye_gap - half, style.eye_gap + half
    mirror = np.array([side, 1.0])
    width = easel.pen(max(style.lash * 0.85, style.line))
    if shape == "squeezed":
        reach = min(0.32 * height, 0.09)
        for end in (-reach, reach):
            line = bezier((outer, end * 1.15), (style.eye_gap, end * 0.35), (inner + 0.05, 0.0))
            sketch.stroke(easel.surface(line * mirror), width, INK, (0.2, 0.12))
        return
    depth = min(0.34 * height, 0.11)
    slope = 0.5 * easel.expression.brow_slope
    if shape == "smiling":
        y, bend = 0.06 * height + depth * 0.45, -depth * 1.9
    else:
        y, bend = 0.12 * height, depth * 1.3
    line = bezier((inner, y - slope), (style.eye_gap - half * 0.4, y + bend),
                  (style.eye_gap + half * 0.5, y + bend), (outer, y + slope))  # fmt: skip
    sketch.stroke(easel.surface(line * mirror), width, INK, (0.3, 0.15))
    for number in range(style.lash_spikes):
        root = line[-2 - 2 * number]
        way = np.array([0.05, 0.035 if shape == "closed" else -0.02])
        spike = np.stack([root, root + way * 0.6, root + way])
        sketch.stroke(easel.surface(spike * mirror), width * 0.6, INK, (0.0, 0.9))
    if style.crease and shape == "closed":
        crease = easel.surface((line[3:-2] + (0.0, -0.14 * height - 0.06)) * mirror)
        sketch.stroke(crease, easel.line * 0.6, style.outline(style.skin), (0.4, 0.4))


def draw_blank_eye(easel: Easel, side: int) -> None:
    """The empty white disc of comic horror, with a speck for an iris or none."""
    style, sketch = easel.style, easel.sketch
    rx, ry = style.eye_width * 0.46, max(style.eye_height * 0.52, style.eye_width * 0.4)
    disc = easel.surface(ellipse(side * style.eye_gap, 0, rx, ry))
    sketch.fill(disc, EYE_WHITE)
    sketch.stroke(np.concatenate([disc, disc[:2]]), easel.line * 1.3, INK, (0, 0))
    if style.highlights % 2:
        sketch.fill(easel.surface(ellipse(side * style.eye_gap, 0, rx * 0.16, rx * 0.16)), INK)


def iris_ellipse(style: FaceStyle, expression: Expression, side: int) -> tuple[float, ...]:
    """Centre x, y and radii of an iris in widths of the face."""
    rx = style.iris * style.eye_width / 2
    ry = min(rx * style.iris_tall, max(style.eye_height * 0.62, rx))
    gaze_x = expression.gaze[0] * style.eye_width * 0.3
    gaze_y = expression.gaze[1] * style.eye_height * 0.3
    x = side * (style.eye_gap - 0.015) + gaze_x
    y = -0.06 * style.eye_height + gaze_y
    return x, y, rx * expression.iris, ry * expression.iris


def draw_open_eye(easel: Easel, side: int) -> None:
    """White, iris with pupil and highlights, lashes and crease."""
    style, expression, sketch = easel.style, easel.expression, easel.sketch
    curves = lids(style, expression, side)
    x, y, rx, ry = iris_ellipse(style, expression, side)
    if style.eye == "button":  # two dark ovals carry it all
        ry = min(max(ry, 1.25 * rx), 0.6 * curves.height)
        button = easel.surface(ellipse(x, y, rx * 0.72, ry))
        sketch.fill(button, INK)
        draw_highlights(easel, x, y, rx * 0.8, ry, np.full_like(sketch.alpha, 255))
        draw_lashes(easel, curves, side)
        return
    opening = np.concatenate([curves.upper, curves.lower[::-1]])
    inside = sketch.mask(easel.surface(opening))
    drop = 0.13 * curves.height * easel.pose.unit
    sketch.paint(inside, EYE_WHITE)
    if style.paint != "flat":
        sketch.paint(inside & ~shifted(inside, 0, drop), (196, 198, 216))
    colour = style.iris_colour_left if side < 0 else style.iris_colour
    draw_iris(easel, (x, y, rx, ry), colour, inside, shifted(inside, 0, 1.4 * drop))
    draw_highlights(easel, x, y, rx, ry, inside)
    draw_lashes(easel, curves, side)


def draw_iris(
    easel: Easel, place: tuple[float, ...], colour: Colour, inside: np.ndarray, lit: np.ndarray
) -> None:
    """An iris clipped to the mask `inside`; outside `lit` the upper lid's shadow lies on it."""
    style, sketch = easel.style, easel.sketch
    x, y, rx, ry = place

    def part(dy: float, sx: float, sy: float) -> np.ndarray:
        return sketch.mask(easel.surface(ellipse(x, y + dy * ry, rx * sx, ry * sy))) & inside

    dark = mix(shade(colour, 0.6), INK, 0.45)
    whole = part(0, 1, 1)
    sketch.paint(whole, dark)
    if style.eye == "disc" or style.paint == "flat":
        sketch.paint(part(0, 0.82, 0.86), colour)
    else:
        sketch.gradient(part(0, 0.86, 0.9), shade(colour, 0.55), light(colour, 0.2))
        sketch.paint(part(0.52, 0.62, 0.34), light(colour, 0.45), 0.75)
    if style.pupil == "slit":
        sketch.paint(part(0, 0.16, 0.7), dark)
    elif style.pupil == "ring":
        sketch.paint(part(0, 0.5, 0.5), dark)
        sketch.paint(part(0, 0.34, 0.34), light(colour, 0.3))
    elif style.pupil != "none":
        size = 0.56 if style.pupil == "large" else 0.4
        sketch.paint(part(-0.05, size, size), mix(dark, (0, 0, 0), 0.45))
    sketch.paint(whole & ~lit, mix(dark, (0, 0, 0), 0.3), 0.7)


def draw_highlights(
    easel: Easel, x: float, y: float, rx: float, ry: float, inside: np.ndarray
) -> None:
    """White reflections: a large one towards the light, small ones opposite."""
    style, expression, sketch = easel.style, easel.expression, easel.sketch
    if style.highlights == 0 or expression.shine <= 0.1:
        return
    toward = 1 if style.light > 0 else -1
    size = 0.34 * expression.shine
    spots = [(0.36 * toward, -0.4, size, size * 1.15),
             (-0.42 * toward, 0.42, size * 0.55, size * 0.55),
             (0.3 * toward, 0.5, size * 0.35, size * 0.3)]  # fmt: skip
    for dx, dy, sx, sy in spots[: style.highlights]:
        spot = easel.surface(ellipse(x + dx * rx, y + dy * ry, rx * sx, ry * sy))
        sketch.paint(sketch.mask(spot) & inside, (255, 255, 255))


def draw_lashes(easel: Easel, curves: Lids, side: int) -> None:
    """The upper lid's heavy line with its spikes, the lower lid's light one, the crease."""
    style, sketch = easel.style, easel.sketch
    ink = mix(INK, shade(style.hair, 0.5), 0.35 * style.line_tint)
    width = easel.pen(style.lash)
    flick = curves.upper[-1] + (side * 0.03, 0.012 - 0.6 * style.eye_tilt)
    upper = np.concatenate([curves.upper, [flick]]) if style.feminine else curves.upper
    sketch.stroke(easel.surface(upper), width, ink, (0.45, 0.1))
    for number in range(style.lash_spikes):
        root = curves.upper[-1 - 2 * number]
        tip = root + (side * (0.05 - 0.012 * number), -0.028 - 0.014 * number)
        sketch.stroke(
            easel.surface(np.stack([root, (root + tip) / 2, tip])), width * 0.7, ink, (0, 0.9)
        )
    if style.lower_lash > 0.15:
        start = round((1 - style.lower_lash) * 8)
        sketch.stroke(easel.surface(curves.lower[start:]), easel.line * 0.9, ink, (0.6, 0.1))
    if style.crease:
        lift = 0.035 + 0.1 * curves.height
        crease = curves.upper[3:-2] * (1, 0.9) + (0.0, -lift)
        sketch.stroke(
            easel.surface(crease), easel.line * 0.7, style.outline(style.skin), (0.4, 0.4)
        )
