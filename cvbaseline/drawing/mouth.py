"""Mouths: lines, openings with teeth and tongue, cat mouths and trembling waves."""

import numpy as np

from cvbaseline.drawing.colours import shade, skin_shade
from cvbaseline.drawing.easel import Easel, rotated
from cvbaseline.drawing.expressions import Expression
from cvbaseline.drawing.sketch import bezier, ellipse, mix
from cvbaseline.drawing.styles import FaceStyle

INSIDE = (148, 52, 56)
TONGUE = (232, 122, 118)
TEETH = (252, 250, 248)


def mouth_middle(style: FaceStyle) -> tuple[float, float]:
    """Middle of the closed mouth in widths of the face."""
    return 0.0, 0.66 * style.chin


def mouth_line(style: FaceStyle, expression: Expression) -> np.ndarray:
    """The closed mouth, or the upper lip of an open one, from left to right corner (n, 2).

    Widths of the face; corners lie above the middle (smaller y) when `curve` is positive.
    """
    half = expression.mouth_width / 2 * (0.85 + 0.3 * style.jaw / 0.36)
    curve = expression.curve
    if expression.mouth == "wave":
        x = np.linspace(-half, half, 19)
        swing = (0.008 + 0.012 * expression.tremble) * np.sin(np.linspace(0, 5.5 * np.pi, 19))
        line = np.stack([x, swing + -curve * (x / half) ** 2 + curve / 2], axis=1)
    elif expression.mouth == "cat":
        left = bezier(
            (-half, -curve), (-half * 0.75, curve), (-half * 0.1, curve * 1.1), (0.0, -0.008)
        )
        line = np.concatenate([left, left[::-1][1:] * (-1, 1)])
    else:
        # The middle of a cubic lies at 3/4 of its inner controls: the sag is `curve` high.
        line = bezier(
            (-half, -curve / 2), (-half * 0.5, curve * 0.83), (half * 0.5, curve * 0.83),
            (half, -curve / 2), samples=17,
        )  # fmt: skip
    x, y = mouth_middle(style)
    return rotated(line, expression.mouth_tilt) + (x, y)


def mouth_opening(style: FaceStyle, expression: Expression) -> np.ndarray:
    """Outline of an open mouth (n, 2): upper lip from left to right, lower lip back."""
    x, y = mouth_middle(style)
    half = expression.mouth_width / 2 * (0.85 + 0.3 * style.jaw / 0.36)
    room = max(style.chin - y - 0.07, 0.06)
    opening, curve = min(expression.opening, room * 1.35), expression.curve
    top = y - 0.36 * opening
    if expression.mouth == "teeth":
        top = y - 0.5 * opening
    round_lips = curve > -0.01 and expression.emotion == "surprised"
    rise = -0.42 * opening if round_lips else curve * 0.9 - (0.012 if curve < 0 else 0.0)
    middle = y + 0.1 * opening if round_lips else top - curve * 0.5
    upper = bezier(
        (-half, middle), (-half * 0.62, top + rise), (half * 0.62, top + rise), (half, middle),
        samples=15,
    )  # fmt: skip
    low = top + opening
    spread = half * expression.bottom_width
    reach = (low - 0.25 * middle) / 0.75
    lower = bezier((half, middle), (spread, reach), (-spread, reach), (-half, middle), samples=17)
    if expression.bottom_width > 0.85:  # a boxy shout
        corner = np.array([[spread, low - 0.25 * opening], [spread * 0.75, low]])
        lower = np.concatenate([
            bezier((half, middle), (half * 1.06, (middle + low) / 2), corner[0], corner[1],
                   samples=9),
            bezier(corner[1], (0, low + 0.06 * opening), corner[1] * (-1, 1), samples=7),
            bezier(corner[1] * (-1, 1), corner[0] * (-1, 1), (-half * 1.06, (middle + low) / 2),
                   (-half, middle), samples=9),
        ])  # fmt: skip
    shape = np.concatenate([upper, lower[1:-1]])
    return rotated(shape - (x, y), expression.mouth_tilt) + (x, y)


def draw_mouth(easel: Easel) -> None:
    """The mouth that the expression asks for."""
    if easel.expression.mouth in ("open", "teeth") and easel.expression.opening > 0:
        draw_opening(easel)
        return
    style, sketch = easel.style, easel.sketch
    line = mouth_line(style, easel.expression)
    colour = mix(style.outline(style.skin), (120, 40, 40), 0.3 * style.line_tint)
    if style.lip > 0.2:
        draw_lips(easel, line)
    sketch.stroke(easel.surface(line), easel.line * 1.15, colour, (0.22, 0.22))
    if easel.expression.mouth == "line" and style.paint == "cel" and style.look != "chibi":
        x, y = mouth_middle(style)
        half = easel.expression.mouth_width * 0.22
        under = bezier((x - half, y + 0.055), (x, y + 0.066), (x + half, y + 0.055))
        sketch.stroke(
            easel.surface(under), easel.line * 0.8, skin_shade(style.skin, 0.5), (0.4, 0.4)
        )


def draw_lips(easel: Easel, line: np.ndarray) -> None:
    """Painted lips around the line of the mouth."""
    style = easel.style
    half = np.linspace(-1, 1, len(line))[:, None]
    bow = np.array([[0.0, -0.022]]) * (1 - half**2) * (1 - 0.35 * np.exp(-((half / 0.2) ** 2)))
    under = np.array([[0.0, 0.034]]) * (1 - half**2)
    colour = mix(style.skin, (196, 70, 84), 0.35 + 0.4 * style.lip)
    shape = np.concatenate([line + bow, (line + under)[::-1]])
    easel.sketch.paint(easel.sketch.mask(easel.surface(shape)), colour)


def draw_opening(easel: Easel) -> None:
    """An open mouth with what is seen inside."""
    style, expression, sketch = easel.style, easel.expression, easel.sketch
    shape = mouth_opening(style, expression)
    outline = easel.surface(shape)
    inside = sketch.mask(outline)
    x0, y0 = shape.min(axis=0)
    x1, y1 = shape.max(axis=0)
    height, middle = y1 - y0, (x0 + x1) / 2
    line = style.outline(style.skin)
    if style.lip > 0.2:
        rim = np.concatenate([outline, outline[:2]])
        colour = mix(style.skin, (196, 70, 84), 0.35 + 0.4 * style.lip)
        sketch.stroke(rim, easel.pen(0.03), colour, (0, 0))
    if expression.mouth == "teeth":
        sketch.paint(inside, TEETH)
        across = np.array(
            [[x0, y0 + 0.52 * height], [middle, y0 + 0.54 * height], [x1, y0 + 0.52 * height]]
        )
        sketch.stroke(easel.surface(across), easel.line * 0.7, line, (0, 0), clip=inside)
        if expression.curve < 0 or style.look in ("cartoon", "western"):
            for x in np.linspace(x0, x1, 7)[1:-1]:
                gap = np.array([[x, y0], [x, y0 + height / 2], [x, y1]])
                sketch.stroke(easel.surface(gap), easel.line * 0.5, line, (0, 0), clip=inside)
    else:
        sketch.paint(inside, mix(INSIDE, shade(INSIDE, 0.5), style.shade_depth * 2))
        if expression.tongue:
            tongue = easel.surface(ellipse(middle, y1, (x1 - x0) * 0.36, height * 0.42))
            sketch.paint(sketch.mask(tongue) & inside, TONGUE)
        if expression.upper_teeth:
            row = easel.surface(ellipse(middle, y0, (x1 - x0) * 0.42, height * 0.26))
            sketch.paint(sketch.mask(row) & inside, TEETH)
    sketch.stroke(np.concatenate([outline, outline[:2]]), easel.line, line, (0, 0))
