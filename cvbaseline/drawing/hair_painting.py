"""The colour of hair: two tones, strands in shadow, and the light around the crown."""

import numpy as np

from cvbaseline.drawing.colours import light, shade
from cvbaseline.drawing.easel import Easel
from cvbaseline.drawing.hair import CROWN, Hair
from cvbaseline.drawing.sketch import mix, shifted, softened


def paint_hair(easel: Easel, hair: Hair, dark: float = 0.0, gloss: bool = False) -> None:
    """Fill the shapes in two tones and draw their lines; `dark` 0-1 puts them in shadow."""
    style, sketch, unit = easel.style, easel.sketch, easel.pose.unit
    if not hair.shapes:
        return
    base = mix(style.hair, shade(style.hair, 0.45), dark)
    for shape in hair.shapes:
        sketch.fill(shape, base)
    mask = sketch.mask(*hair.shapes)
    if style.hair_tips != style.hair:
        sketch.gradient(mask, base, mix(style.hair_tips, shade(style.hair_tips, 0.45), dark), 0.9)
    if style.paint != "flat":
        low = mask & ~shifted(mask, style.light * 0.06 * unit, -0.07 * unit)
        if style.paint == "soft":
            low = softened(low, 0.05 * unit) & mask
        sketch.paint(low, shade(base, style.shade_depth + 0.05), 0.85, style.paint == "soft")
    if gloss and style.gloss != "none" and style.paint != "flat":
        paint_gloss(easel, mask)
    ink = style.outline(base)
    if style.paint == "cel":
        for points, factor in hair.lines:
            if factor < 1:  # a wedge of shadow beside each strand
                sketch.stroke(
                    points,
                    easel.pen(0.05),
                    shade(base, style.shade_depth + 0.05),
                    (0, 0.9),
                    clip=mask,
                )
    for points, factor in hair.lines:
        if factor == 1:
            sketch.stroke(points, easel.line, ink, (0.12, 0.12))
        else:
            sketch.stroke(points, easel.line * factor, ink, (0.1, 0.7), clip=mask)


def paint_gloss(easel: Easel, mask: np.ndarray) -> None:
    """The light on the hair: a ring, a jagged band, or streaks around the crown."""
    style, sketch = easel.style, easel.sketch
    rng = np.random.default_rng(style.seed + 6)
    x, y = CROWN
    radius, height = 0.5 + style.volume, 0.03 + 0.05 * rng.random()
    middle = np.radians(270 + 26 * style.light)
    angle = middle + np.radians(np.linspace(-58, 58, 25))
    level = rng.uniform(0.62, 0.76)

    def band(factor: np.ndarray) -> np.ndarray:
        return np.stack(
            [x + radius * 0.92 * np.cos(angle), y + radius * factor * np.sin(angle)], axis=1
        )

    fade = np.cos(np.linspace(-1.5, 1.5, 25))
    jag = np.where(np.arange(25) % 2, 1.0, 0.25 if style.gloss == "zigzag" else 0.8)
    upper = band(level + height * 1.3 * fade * (0.6 + 0.4 * jag[::-1]))
    lower = band(level - height * 2.2 * fade * jag)
    shape = easel.surface(np.concatenate([upper, lower[::-1]]))
    part = sketch.mask(shape) & mask
    if style.gloss == "streaks":
        stripes = np.zeros_like(part)
        for number in range(0, 24, 3):
            stripe = slice(number, number + 2)
            corners = np.concatenate([upper[stripe], lower[stripe][::-1]])
            stripes |= sketch.mask(easel.surface(corners))
        part &= stripes
    if style.paint == "soft":
        part = softened(part, 0.02 * easel.pose.unit) & mask
    sketch.paint(part, light(style.hair, 0.4), 0.75, style.paint == "soft")
