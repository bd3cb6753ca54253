"""Head, ears, nose, blush and the light on the skin."""

import numpy as np

from cvbaseline.drawing.colours import light, shade, skin_shade
from cvbaseline.drawing.easel import Easel
from cvbaseline.drawing.sketch import (
    Colour,
    bezier,
    ellipse,
    mix,
    shifted,
    softened,
    spline,
)
from cvbaseline.drawing.styles import FaceStyle


def head_outline(style: FaceStyle) -> tuple[np.ndarray, np.ndarray]:
    """The right half of the head from crown to chin: points (n, 2) and their depths (n,)."""
    chin, jaw = style.chin, style.jaw
    points = np.array([
        (0.0, -0.64), (0.24, -0.6), (0.42, -0.44), (0.49, -0.2), (0.492, 0.02),
        (style.cheek, 0.36 * chin), (jaw, 0.7 * chin), (style.chin_width * 1.5, 0.93 * chin),
        (style.chin_width * 0.6, 0.99 * chin), (0.0, chin),
    ])  # fmt: skip
    depths = np.array([0.0, 0.0, 0.0, 0.0, 0.04, 0.1, 0.19, 0.28, 0.32, 0.34])
    return points, depths


def head_polygon(easel: Easel) -> np.ndarray:
    """The head's closed outline in pixels, clockwise from the crown."""
    right, depths = head_outline(easel.style)
    left = right[-2:0:-1] * (-1, 1)
    points = np.concatenate([right, left])
    return spline(
        easel.head(points, np.concatenate([depths, depths[-2:0:-1]])), closed=True, samples=6
    )


def draw_ears(easel: Easel) -> None:
    """Both ears, behind the cheeks; elves have long ones."""
    style, sketch = easel.style, easel.sketch
    for side in (-1, 1):
        if style.ears == "elf":
            shape = [(0.44, -0.06), (0.62, -0.16), (0.86, -0.22), (0.68, 0.02), (0.46, 0.16)]
        else:
            shape = [(0.45, -0.08), (0.54, -0.09), (0.58, 0.0), (0.53, 0.13), (0.45, 0.17)]
        points = spline(easel.head(np.array(shape) * (side, 1), -0.08), closed=True)
        sketch.fill(points, style.skin)
        if style.paint != "flat":
            inner = spline(
                easel.head((np.array(shape) * 0.6 + (0.21, 0.012)) * (side, 1), -0.08), closed=True
            )
            sketch.paint(sketch.mask(inner), skin_shade(style.skin, style.shade_depth))
        sketch.stroke(
            np.concatenate([points, points[:2]]), easel.line, style.outline(style.skin), (0, 0)
        )


def draw_head(easel: Easel, shadow_of_hair: np.ndarray) -> np.ndarray:
    """Skin with its light and shadow; returns the head's mask.

    shadow_of_hair : mask of the hair in front, whose shadow falls on the forehead
    """
    style, sketch = easel.style, easel.sketch
    polygon = head_polygon(easel)
    sketch.fill(polygon, style.skin)
    inside = sketch.mask(polygon)
    if style.paint != "flat":
        paint_shadows(easel, inside, shadow_of_hair)
    jaw = polygon[len(polygon) * 7 // 36 : len(polygon) * 29 // 36]
    sketch.stroke(jaw, easel.line, style.outline(style.skin), (0.08, 0.08))
    return inside


def paint_shadows(easel: Easel, inside: np.ndarray, shadow_of_hair: np.ndarray) -> None:
    """The hair's shadow, and the side of the face that is turned from the light."""
    style, sketch, unit = easel.style, easel.sketch, easel.pose.unit
    dark = skin_shade(style.skin, style.shade_depth)
    cast = shifted(
        shadow_of_hair, -style.light * 0.03 * unit, (0.035 + 0.1 * style.shade_depth) * unit
    )
    away = np.zeros_like(inside)
    if abs(style.light) > 0.35:
        away = inside & ~shifted(inside, style.light * 0.13 * unit, -0.02 * unit)
    if style.paint == "soft":
        cast = softened(cast, 0.03 * unit)
        away = softened(away, 0.05 * unit)
        cheeks = sketch.mask(
            *(
                easel.surface(ellipse(s * style.eye_gap * 1.15, 0.3 * style.chin, 0.14, 0.09))
                for s in (-1, 1)
            )
        )
        sketch.paint(softened(cheeks, 0.06 * unit) & inside, (255, 150, 140), 0.16, soft=True)
    soft = style.paint == "soft"
    sketch.paint(away & inside, dark, 0.85, soft)
    sketch.paint(cast & inside, dark, 1.0, soft)


def draw_nose(easel: Easel) -> None:
    """The nose of the style, from nothing to a full one."""
    style, sketch = easel.style, easel.sketch
    y, side = 0.4 * style.chin, 1 if style.light < 0 else -1
    dark, ink = skin_shade(style.skin, 0.55), style.outline(style.skin)
    line = easel.line * 0.9
    if style.nose == "dot":
        sketch.paint(
            sketch.mask(easel.surface(ellipse(0.005 * side, y, 0.012, 0.009))), mix(ink, dark, 0.5)
        )
    elif style.nose == "line":
        points = bezier((0.0, y - 0.03), (side * 0.018, y), (side * 0.004, y + 0.008))
        sketch.stroke(easel.surface(points), line, mix(ink, dark, 0.4), (0.5, 0.2))
    elif style.nose == "wedge":
        points = bezier(
            (-side * 0.005, y - 0.09),
            (side * 0.035, y),
            (side * 0.03, y + 0.01),
            (-side * 0.02, y + 0.018),
        )
        sketch.stroke(easel.surface(points), line, ink, (0.6, 0.2))
    elif style.nose == "shadow":
        shape = np.array([(0.0, y - 0.045), (side * 0.03, y + 0.008), (-side * 0.01, y + 0.014)])
        sketch.paint(sketch.mask(easel.surface(shape)), dark)
    elif style.nose == "round":
        points = bezier(
            (-0.045, y - 0.02), (-0.05, y + 0.045), (0.05, y + 0.045), (0.045, y - 0.02)
        )
        sketch.stroke(easel.surface(points), line, ink, (0.2, 0.2))
    elif style.nose in ("bridge", "full"):
        draw_full_nose(easel, y, side, dark, line)
    if style.nose in ("line", "shadow", "bridge", "full") and style.paint == "cel":
        spot = easel.surface(ellipse(-side * 0.006, y - 0.02, 0.007, 0.013))
        sketch.paint(sketch.mask(spot), light(style.skin, 0.7))


def draw_full_nose(easel: Easel, y: float, side: int, dark: Colour, line: float) -> None:
    """Bridge in shadow, tip and nostrils."""
    style, sketch = easel.style, easel.sketch
    ink = style.outline(style.skin)
    plane = np.array([(side * 0.035, -0.04), (side * 0.022, y * 0.6), (side * 0.055, y + 0.01),
                      (0.0, y + 0.025),
                      (side * 0.012, y * 0.6)])  # fmt: skip
    sketch.paint(sketch.mask(easel.surface(spline(plane, closed=True))), dark, 0.8)
    bridge = bezier((side * 0.03, y * 0.3), (side * 0.02, y * 0.7), (side * 0.04, y))
    sketch.stroke(easel.surface(bridge), line * 0.8, ink, (0.8, 0.2), strength=0.7)
    base = bezier((-0.035, y + 0.012), (0.0, y + 0.035), (0.035, y + 0.012))
    sketch.stroke(easel.surface(base), line, ink, (0.3, 0.3))
    if style.nose == "full":
        for wing in (-1, 1):
            points = bezier(
                (wing * 0.048, y - 0.03), (wing * 0.072, y + 0.005), (wing * 0.05, y + 0.02)
            )
            sketch.stroke(easel.surface(points), line * 0.9, ink, (0.4, 0.3))


def draw_blush(easel: Easel, inside: np.ndarray) -> None:
    """Blush by the expression's strength: soft clouds, flat ovals or a hatch of strokes."""
    style, sketch, strength = easel.style, easel.sketch, easel.expression.blush
    if strength > 0.12:
        red = mix(style.skin, (240, 70, 80), 0.55)
        y = 0.4 * style.eye_height * 0.85 + 0.055
        kind = style.seed % 3
        for side in (-1, 1):
            x = side * (style.eye_gap + 0.07)
            if kind < 2:
                cloud = sketch.mask(easel.surface(ellipse(x, y, 0.1, 0.05)))
                soft = kind == 0 or style.paint == "soft"
                if soft:
                    cloud = softened(cloud, 0.03 * easel.pose.unit)
                sketch.paint(cloud & inside, red, 0.35 + 0.4 * strength, soft)
            if kind == 2 or strength > 0.6:
                for step in (-0.045, 0.0, 0.045):
                    dash = np.array(
                        [(x + step + 0.014, y - 0.03), (x + step, y), (x + step - 0.014, y + 0.03)]
                    )
                    sketch.stroke(
                        easel.surface(dash),
                        easel.line * 0.8,
                        mix(red, (190, 40, 60), 0.5),
                        (0.3, 0.3),
                    )
    if style.freckles:
        rng = np.random.default_rng(style.seed)
        for x, y in rng.uniform((-0.3, 0.08), (0.3, 0.2), (16, 2)):
            dot = easel.surface(ellipse(x, y, 0.009, 0.008, samples=8))
            sketch.paint(sketch.mask(dot), skin_shade(style.skin, 0.8), 0.7)


def draw_beard(easel: Easel, inside: np.ndarray) -> None:
    """Stubble, goatee or full beard, clipped to the face."""
    style, sketch, chin = easel.style, easel.sketch, easel.style.chin
    if style.beard == "none":
        return
    colour = shade(style.hair, 0.2)
    if style.beard == "goatee":
        shape = [(-0.1, 0.85 * chin), (0.1, 0.85 * chin), (0.08, 1.04 * chin), (-0.08, 1.04 * chin)]
    else:
        shape = [(-0.52, 0.1), (-0.4, 0.35 * chin), (-0.2, 0.52 * chin), (0.0, 0.56 * chin),
                 (0.2, 0.52 * chin), (0.4, 0.35 * chin), (0.52, 0.1), (0.4, 1.1 * chin),
                 (-0.4, 1.1 * chin)]  # fmt: skip
    mask = sketch.mask(easel.surface(np.array(shape))) & inside
    if style.beard != "goatee":  # leave the mouth free
        free = sketch.mask(easel.surface(ellipse(0, 0.7 * chin, 0.15, 0.11 * chin + 0.03)))
        mask &= ~free
    sketch.paint(mask, colour, 0.3 if style.beard == "stubble" else 1.0)
