"""Neck, body and what is worn on it."""

import numpy as np

from cvbaseline.drawing.colours import shade, skin_shade
from cvbaseline.drawing.easel import Easel
from cvbaseline.drawing.sketch import Colour, bezier, ellipse, shifted, spline

NECK = 0.17  # half width


def body_levels(easel: Easel) -> tuple[float, float]:
    """y of the neck's foot and of the shoulders."""
    chin = easel.style.chin
    return chin + 0.16, chin + 0.34


def torso(easel: Easel, grow: float = 0.0) -> np.ndarray:
    """Outline of shoulders, arms and trunk, in widths of the face (n, 2)."""
    neck, shoulder = body_levels(easel)
    wide = easel.style.shoulders + grow
    right = [(0.16 + grow, neck - 0.03), (wide * 0.72, shoulder - 0.07), (wide, shoulder + 0.12),
             (wide + 0.12, shoulder + 0.9), (wide + 0.1, shoulder + 2.0)]  # fmt: skip
    half = spline(right, samples=6)
    return np.concatenate([half, half[::-1] * (-1, 1)])


def draw_neck(easel: Easel) -> None:
    """Neck and bare shoulders' base, with the shadow of the chin."""
    style, sketch = easel.style, easel.sketch
    neck, shoulder = body_levels(easel)
    wide = NECK * (1 if style.feminine else 1.25)
    shape = np.array([(-wide, 0.1), (wide, 0.1), (wide, neck - 0.05), (wide * 2.2, shoulder),
                      (0, shoulder + 0.4), (-wide * 2.2, shoulder),
                      (-wide, neck - 0.05)])  # fmt: skip
    points = easel.body(shape)
    sketch.fill(points, style.skin)
    for side in (-1, 1):
        line = np.array(
            [(side * wide, 0.1), (side * wide, neck - 0.06), (side * wide * 1.5, neck + 0.04)]
        )
        sketch.stroke(easel.body(spline(line)), easel.line, style.outline(style.skin), (0, 0.3))
    if style.paint != "flat":
        chin = easel.body(np.array([(-0.4, 0.0), (0.4, 0.0), (0.24, style.chin + 0.07),
                                    (0, style.chin + 0.13),
                                    (-0.24, style.chin + 0.07)]))  # fmt: skip
        sketch.paint(
            sketch.mask(chin) & sketch.mask(points),
            skin_shade(style.skin, style.shade_depth + 0.08),
        )


def draw_body(easel: Easel, behind: bool = False) -> None:
    """The body in its clothes, from the front or from behind, down to the feet."""
    style, sketch = easel.style, easel.sketch
    draw_legs(easel)
    draw_neck(easel)
    points = easel.body(torso(easel))
    _, shoulder = body_levels(easel)
    if style.clothes == "dress":
        sketch.fill(points, style.skin)
        sketch.stroke(points, easel.line, style.outline(style.skin), (0.05, 0.05))
        top = easel.body(np.array([(-style.shoulders * 0.62, shoulder + 0.22), (0, shoulder + 0.3),
                                   (style.shoulders * 0.62, shoulder + 0.22),
                                   (style.shoulders * 0.75, shoulder + 2.0),
                                   (-style.shoulders * 0.75, shoulder + 2.0)]))  # fmt: skip
        cover(easel, top, style.cloth)
        for side in (-1, 1):
            strap = np.array(
                [
                    (side * 0.3, shoulder - 0.1),
                    (side * 0.34, shoulder + 0.05),
                    (side * 0.38, shoulder + 0.26),
                ]
            )
            sketch.stroke(easel.body(strap), easel.pen(0.06), style.cloth, (0, 0))
        return
    cover(easel, points, style.cloth)
    for side in (-1, 1):  # arms
        fold = bezier((side * style.shoulders * 0.72, shoulder + 0.5),
                      (side * style.shoulders * 0.8, shoulder + 1.0),
                      (side * style.shoulders * 0.78, shoulder + 2.0))  # fmt: skip
        sketch.stroke(easel.body(fold), easel.line, style.outline(style.cloth), (0.5, 0))
    if not behind:
        COLLARS[style.clothes](easel)


def draw_legs(easel: Easel) -> None:
    """A skirt or trousers and legs, for figures that stand far away."""
    style = easel.style
    _, shoulder = body_levels(easel)
    hip = shoulder + 1.8
    for side in (-1, 1):
        leg = np.array(
            [
                (side * 0.06, hip),
                (side * 0.46, hip),
                (side * 0.36, hip + 3.0),
                (side * 0.12, hip + 3.0),
            ]
        )
        colour = style.skin if style.feminine else shade(style.cloth, 0.35)
        cover(easel, easel.body(leg), colour)
    wide = 0.75 if style.feminine else 0.5
    hem = 0.9 if style.feminine else 0.3
    skirt = np.array([(-0.5, hip - 0.2), (0.5, hip - 0.2), (wide, hip + hem), (-wide, hip + hem)])
    cover(easel, easel.body(skirt), shade(style.cloth_trim, 0.1))


def cover(easel: Easel, points: np.ndarray, colour: Colour, line: bool = True) -> None:
    """Fill cloth with its fold of shadow and outline it."""
    style, sketch, unit = easel.style, easel.sketch, easel.pose.unit
    sketch.fill(points, colour)
    if style.paint != "flat":
        mask = sketch.mask(points)
        sketch.paint(
            mask & ~shifted(mask, style.light * 0.1 * unit, 0),
            shade(colour, style.shade_depth),
            0.9,
        )
    if line:
        sketch.stroke(
            np.concatenate([points, points[:2]]), easel.line, style.outline(colour), (0, 0)
        )


def collar_sailor(easel: Easel) -> None:
    """A sailor's collar with stripe and scarf."""
    style = easel.style
    neck, shoulder = body_levels(easel)
    for side in (-1, 1):
        flap = np.array([(0.19, neck - 0.08), (0.44, shoulder - 0.06), (0.46, shoulder + 0.14),
                         (0.0, shoulder + 0.5),
                         (0.0, shoulder + 0.36)]) * (side, 1)  # fmt: skip
        cover(easel, easel.body(flap), style.cloth_trim)
        stripe = np.array(
            [(0.4, shoulder - 0.02), (0.4, shoulder + 0.12), (0.02, shoulder + 0.42)]
        ) * (side, 1)
        easel.sketch.stroke(easel.body(stripe), easel.pen(0.02), (250, 250, 250), (0, 0))
    draw_bow(easel, easel.body, 0.0, shoulder + 0.46, 0.24, style.ornament_colour)


def collar_shirt(easel: Easel) -> None:
    """Two collar points, perhaps a tie."""
    style = easel.style
    neck, shoulder = body_levels(easel)
    if style.seed % 2:
        tie = np.array([(-0.06, shoulder - 0.02), (0.06, shoulder - 0.02), (0.09, shoulder + 0.9),
                        (0, shoulder + 1.05),
                        (-0.09, shoulder + 0.9)])  # fmt: skip
        cover(easel, easel.body(tie), style.ornament_colour)
    else:
        line = np.array([(0, shoulder), (0, shoulder + 0.6), (0, shoulder + 2)])
        easel.sketch.stroke(easel.body(line), easel.line, style.outline(style.cloth), (0, 0))
    for side in (-1, 1):
        point = np.array(
            [(0.18, neck - 0.1), (0.24, neck + 0.0), (0.2, shoulder + 0.16), (0.0, shoulder + 0.02)]
        )
        cover(easel, easel.body(point * (side, 1)), (250, 250, 252))


def collar_blazer(easel: Easel) -> None:
    """Lapels over a shirt."""
    style = easel.style
    neck, shoulder = body_levels(easel)
    front = np.array([(-0.2, neck - 0.06), (0.2, neck - 0.06), (0, shoulder + 0.95)])
    cover(easel, easel.body(front), (246, 246, 248))
    collar_shirt(easel)
    for side in (-1, 1):
        lapel = np.array(
            [
                (0.2, neck - 0.06),
                (0.34, neck + 0.08),
                (0.36, shoulder + 0.3),
                (0.02, shoulder + 0.98),
            ]
        )
        cover(easel, easel.body(lapel * (side, 1)), shade(style.cloth, 0.1))


def collar_hoodie(easel: Easel) -> None:
    """A hood lying on the shoulders, and its cords."""
    style = easel.style
    neck, shoulder = body_levels(easel)
    for side in (-1, 1):
        hood = spline(np.array([(0.16, neck - 0.16), (0.36, neck - 0.12), (0.46, neck + 0.12),
                                (0.2, shoulder + 0.22),
                                (0.0, shoulder + 0.28), (0.1, neck + 0.1)]) * (side, 1),
                                closed=True)  # fmt: skip
        cover(easel, easel.body(hood), shade(style.cloth, 0.08))
        cord = np.array(
            [(0.12, shoulder + 0.2), (0.14, shoulder + 0.4), (0.12, shoulder + 0.6)]
        ) * (side, 1)
        easel.sketch.stroke(easel.body(cord), easel.pen(0.03), (245, 245, 240), (0, 0))


def collar_turtleneck(easel: Easel) -> None:
    """A high collar."""
    style = easel.style
    neck, _ = body_levels(easel)
    wide = NECK * (1.15 if style.feminine else 1.4)
    shape = np.array([(-wide, neck - 0.16), (wide, neck - 0.16), (wide * 1.15, neck + 0.06),
                      (0, neck + 0.12),
                      (-wide * 1.15, neck + 0.06)])  # fmt: skip
    cover(easel, easel.body(shape), shade(style.cloth, 0.06))


def collar_kimono(easel: Easel) -> None:
    """Crossed collars."""
    style = easel.style
    neck, shoulder = body_levels(easel)
    for side in (1, -1):
        band = np.array(
            [
                (0.2, neck - 0.1),
                (0.32, neck - 0.04),
                (-0.12, shoulder + 0.95),
                (-0.24, shoulder + 0.9),
            ]
        )
        cover(easel, easel.body(band * (side, 1)), style.cloth_trim)


def collar_gakuran(easel: Easel) -> None:
    """A student's standing collar and buttons."""
    style = easel.style
    collar_turtleneck(easel)
    _, shoulder = body_levels(easel)
    line = np.array([(0, shoulder - 0.1), (0, shoulder + 0.6), (0, shoulder + 2)])
    easel.sketch.stroke(easel.body(line), easel.line, style.outline(style.cloth), (0, 0))
    for y in (0.1, 0.45, 0.8):
        easel.sketch.fill(easel.body(ellipse(0, shoulder + y, 0.04, 0.04)), (226, 190, 90))


def collar_tee(easel: Easel) -> None:
    """A round neckline with a print."""
    style = easel.style
    neck, shoulder = body_levels(easel)
    hole = easel.body(ellipse(0, neck - 0.04, 0.26, 0.17, 0, 180))
    easel.sketch.fill(hole, style.skin)
    easel.sketch.stroke(hole, easel.pen(0.03), shade(style.cloth, 0.15), (0, 0))
    cover(easel, easel.body(ellipse(0, shoulder + 0.7, 0.22, 0.2)), style.cloth_trim)


COLLARS = {
    "sailor": collar_sailor,
    "shirt": collar_shirt,
    "blazer": collar_blazer,
    "hoodie": collar_hoodie,
    "turtleneck": collar_turtleneck,
    "kimono": collar_kimono,
    "gakuran": collar_gakuran,
    "tee": collar_tee,
}


def draw_bow(easel: Easel, place: object, x: float, y: float, size: float, colour: Colour) -> None:
    """A ribbon's bow; `place` maps the character's coordinates to pixels."""
    for side in (-1, 1):
        scale = np.array([side * size, size])
        end = np.array([(0.0, 0.05), (0.35, 0.75), (0.6, 0.95), (0.1, 0.5)])
        cover(easel, place(end * scale + (x, y)), shade(colour, 0.12))
        loop = np.array([(0.0, 0.0), (0.55, -0.42), (0.85, -0.28), (0.85, 0.3), (0.5, 0.34)])
        cover(easel, place(spline(loop * scale + (x, y), closed=True)), colour)
    cover(easel, place(ellipse(x, y, 0.16 * size, 0.18 * size)), colour)
