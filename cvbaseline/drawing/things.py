"""Glasses, hats, ribbons and other things on the head."""

import numpy as np

from cvbaseline.drawing.clothes import cover, draw_bow
from cvbaseline.drawing.colours import light, shade, skin_shade
from cvbaseline.drawing.easel import Easel
from cvbaseline.drawing.sketch import bezier, ellipse, spline


def draw_glasses(easel: Easel) -> None:
    """Frames with a bridge and a glint."""
    style, sketch = easel.style, easel.sketch
    if style.glasses == "none":
        return
    width = easel.pen(0.018 if style.glasses == "half" else 0.024)
    rx = min(style.eye_gap - 0.025, style.eye_width * 0.68)
    ry = max(0.14, min(0.2, 0.62 * style.eye_height))
    for side in (-1, 1):
        x = side * style.eye_gap
        if style.glasses == "round":
            rim = ellipse(x, 0.03, rx, max(ry, 0.92 * rx), samples=40)
        else:
            corners = np.array(
                [
                    (-1, -0.8),
                    (-0.8, -1),
                    (0.8, -1),
                    (1, -0.8),
                    (0.88, 0.8),
                    (0.6, 1),
                    (-0.6, 1),
                    (-0.88, 0.8),
                ]
            )
            rim = spline(corners * (rx, ry) + (x, 0.03), closed=True, samples=4)
        lower = rim[np.argsort(np.arctan2(rim[:, 0] - x, rim[:, 1]))]
        lower = easel.surface(lower[lower[:, 1] > 0.0])
        rim = easel.surface(rim)
        glass = sketch.mask(rim)
        sketch.paint(glass, (225, 240, 255), 0.16)
        if style.seed % 4 == 0:
            glint = np.array(
                [(x - 0.3 * rx, -ry), (x, -ry), (x - 0.3 * rx, ry), (x - 0.7 * rx, ry)]
            )
            sketch.paint(sketch.mask(easel.surface(glint)) & glass, (255, 255, 255), 0.35)
        ring = lower if style.glasses == "half" else np.concatenate([rim, rim[:2]])
        sketch.stroke(ring, width, style.glasses_colour, (0, 0))
        temple = np.array([(x + side * rx, -0.02), (side * 0.5, -0.03), (side * 0.54, -0.02)])
        sketch.stroke(easel.surface(temple), width, style.glasses_colour, (0, 0))
    gap = style.eye_gap - rx
    bridge = bezier((-gap, 0.01), (0, -0.03), (gap, 0.01))
    sketch.stroke(easel.surface(bridge), width, style.glasses_colour, (0, 0))


def draw_ornament(easel: Easel) -> None:
    """What is worn in the hair."""
    style, sketch, side = easel.style, easel.sketch, easel.style.ornament_side
    colour, radius = style.ornament_colour, 0.5 + style.volume
    if style.ornament == "bow":
        x, y = (0.0, -0.16 - radius) if style.seed % 3 == 0 else (side * 0.42, -0.52)
        draw_bow(easel, easel.head, x, y, 0.3, colour)
    elif style.ornament == "side_bows" or (style.back == "twin_tails" and style.seed % 3):
        for end in (-1, 1):
            draw_bow(easel, easel.head, end * (radius - 0.04), -0.4, 0.22, colour)
    elif style.ornament == "band":
        outer = ellipse(0, -0.14, radius + 0.02, radius * 0.98, 200, 340)
        inner = ellipse(0, -0.1, radius * 0.96, radius * 0.86, 340, 200)
        cover(easel, easel.head(np.concatenate([outer, inner]), 0.12), colour)
    elif style.ornament == "pin":
        for step in (0.0, 0.07):
            pin = np.array([(side * 0.3, -0.36 + step), (side * 0.5, -0.27 + step)])
            sketch.stroke(easel.head(np.linspace(*pin, 5), 0.2), easel.pen(0.045), colour, (0, 0))
    elif style.ornament == "flower":
        for angle in np.arange(5) * 1.2566:
            petal = ellipse(
                side * 0.42 + 0.08 * np.cos(angle), -0.42 + 0.08 * np.sin(angle), 0.07, 0.07
            )
            cover(easel, easel.head(petal, 0.2), light(colour, 0.5))
        sketch.fill(easel.head(ellipse(side * 0.42, -0.42, 0.045, 0.045), 0.2), (250, 214, 90))
    elif style.ornament == "headphones":
        arch = ellipse(0, -0.14, radius + 0.04, radius + 0.05, 180, 360)
        sketch.stroke(easel.head(arch), easel.pen(0.07), shade(colour, 0.3), (0, 0))
        for end in (-1, 1):
            cover(easel, easel.head(ellipse(end * (radius + 0.02), 0.0, 0.1, 0.17), 0.0), colour)
    elif style.ornament == "cat_ears":
        draw_cat_ears(easel)


def draw_cat_ears(easel: Easel) -> None:
    """Pointed ears in the colour of the hair."""
    style = easel.style
    for side in (-1, 1):
        ear = np.array(
            [(0.14, -0.66), (0.3, -0.82), (0.5, -1.02), (0.56, -0.72), (0.52, -0.42)]
        ) * (side, 1)
        cover(easel, easel.head(spline(ear, samples=5)), style.hair)
        inner = (
            np.array([(0.26, -0.66), (0.36, -0.78), (0.47, -0.9), (0.49, -0.7), (0.46, -0.52)])
        ) * (side, 1)
        cover(easel, easel.head(spline(inner, samples=5)), skin_shade(style.skin, 0.3), line=False)


def draw_hat(easel: Easel) -> None:
    """Caps, berets, a witch's hat, a hood."""
    style, radius = easel.style, 0.54 + easel.style.volume
    colour = style.cloth_trim
    if style.hat == "cap":
        dome = ellipse(0, -0.3, radius, 0.52, 180, 360)
        cover(
            easel, easel.head(np.concatenate([dome, [(radius, -0.26), (-radius, -0.26)]])), colour
        )
        peak = spline(
            np.array(
                [(-0.5, -0.34), (0, -0.42), (0.5, -0.34), (0.56, -0.22), (0, -0.27), (-0.56, -0.22)]
            ),
            closed=True,
        )
        cover(easel, easel.head(peak, 0.3), shade(colour, 0.25))
    elif style.hat == "beret":
        shape = spline(
            np.array(
                [
                    (-0.66, -0.5),
                    (-0.4, -0.86),
                    (0.2, -0.95),
                    (0.68, -0.72),
                    (0.6, -0.46),
                    (0, -0.56),
                ]
            ),
            closed=True,
        )
        cover(easel, easel.head(shape * (style.ornament_side, 1), 0.05), colour)
    elif style.hat == "witch":
        cone = np.array(
            [(-0.48, -0.5), (-0.28, -0.95), (0.1, -1.5), (0.24, -1.45), (0.26, -0.95), (0.48, -0.5)]
        )
        cover(easel, easel.head(cone), colour)
        brim = ellipse(0, -0.48, 1.0, 0.14)
        cover(easel, easel.head(brim, 0.15), shade(colour, 0.12))
        band = np.array([(-0.46, -0.6), (0.46, -0.6), (0.47, -0.52), (-0.47, -0.52)])
        cover(easel, easel.head(band, 0.1), style.ornament_colour)
    elif style.hat == "hood":
        outer = ellipse(0, -0.05, radius + 0.14, 0.86, 150, 390, 36)
        inner = ellipse(0, 0.0, radius * 0.93, 0.62, 390, 150, 36)
        cover(easel, easel.head(np.concatenate([outer, inner]), 0.05), style.cloth)
