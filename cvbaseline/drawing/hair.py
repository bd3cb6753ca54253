"""Hair: what hangs behind, bangs, side locks, their light and strands.

A piece of hair is a closed outline with the lines drawn on it; `paint_hair` gives it two tones.
"""

from typing import NamedTuple

import numpy as np

from cvbaseline.drawing.easel import Easel
from cvbaseline.drawing.sketch import bezier, ellipse, spline, tangents
from cvbaseline.drawing.styles import FaceStyle

CROWN = (0.0, -0.16)  # middle of the skull


class Hair(NamedTuple):
    """Outlines in pixels (filled), and lines: (points, width factor) drawn over them."""

    shapes: list[np.ndarray]
    lines: list[tuple[np.ndarray, float]]


def tail(spine: object, widths: object, samples: int = 7) -> np.ndarray:
    """A strand: its outline around a smooth spine, as wide as given at each of its points."""
    curve = spline(spine, samples=samples)
    widths = np.interp(np.linspace(0, 1, len(curve)), np.linspace(0, 1, len(widths)), widths)
    normal = tangents(curve)[0][:, ::-1] * (-1.0, 1.0) * (widths / 2)[:, None]
    return np.concatenate([curve + normal, (curve - normal)[::-1]])


def cap(style: FaceStyle, left: float = 180.0, right: float = 360.0) -> np.ndarray:
    """The hair's outer edge over the skull, from the left over the top (n, 2)."""
    radius = 0.5 + style.volume
    if style.back == "spiky" or (style.bangs == "spiky" and style.seed % 2):
        rng = np.random.default_rng(style.seed + 1)
        count = int(rng.integers(7, 12))
        angles = np.linspace(left, right, 2 * count + 1)
        lengths = np.where(
            np.arange(2 * count + 1) % 2, rng.uniform(1.12, 1.32, 2 * count + 1), 1.0
        )
        lean = np.where(np.arange(2 * count + 1) % 2, rng.uniform(-4, 14, 2 * count + 1), 0.0)
        lean *= np.sign(angles - 270 + 1e-3)
        turn = np.radians(angles - lean * 0.6)
        points = np.stack([np.cos(turn), np.sin(turn)], axis=1) * lengths[:, None]
        return points * (radius, radius + 0.02) + CROWN
    return ellipse(*CROWN, radius, radius + 0.04, left, right, samples=25)


def tip_height(style: FaceStyle, x: float, rng: np.random.Generator) -> float:
    """How far down (y) a lock of the bangs reaches at x."""
    side = 1.0 if style.bang_sweep >= 0 else -1.0
    if style.bangs == "blunt":
        y = -0.15
    elif style.bangs == "swept":
        y = -0.2 + 0.22 * (x - style.part) * side + rng.normal(0, 0.02)
    elif style.bangs == "parted":
        y = -0.44 + 1.25 * min(abs(x - style.part), 0.36)
    elif style.bangs == "crossed":
        y = 0.0 if abs(x) < 0.09 else -0.16 + 0.35 * max(abs(x) - 0.15, 0)
        y += rng.normal(0, 0.02)
    elif style.bangs == "one_eye":
        y = -0.22 + 0.36 * max(side * x + 0.1, 0) ** 0.8
    elif style.bangs == "spiky":
        y = -0.13 + rng.normal(0, 0.06)
    else:
        y = -0.13 + rng.normal(0, 0.045)
    return y + style.bang_length


def bangs(easel: Easel) -> Hair:
    """The hair over the forehead, with the cap it belongs to."""
    style = easel.style
    rng = np.random.default_rng(style.seed + 2)
    top = cap(style, 168, 372)
    if style.bangs == "none":
        return swept_back(easel, top, rng)
    count = style.bang_count + (3 if style.bangs == "blunt" else 0)
    bounds = np.linspace(-0.5, 0.5, count + 1)
    bounds[1:-1] += rng.normal(0, 0.22 / count, count - 1)
    if style.bangs == "parted":
        bounds[np.argmin(np.abs(bounds - style.part))] = style.part
    deep = {"blunt": 0.035, "swept": 0.15, "crossed": 0.2, "spiky": 0.24, "messy": 0.16}.get(
        style.bangs, 0.12
    )
    tips, gaps = [], []
    for a, b in zip(bounds[:-1], bounds[1:]):
        middle = (a + b) / 2
        lean = style.bang_sweep
        if style.bangs == "parted":
            lean = np.sign(middle - style.part) * 0.12
        elif style.bangs in ("swept", "one_eye"):
            lean = 0.12 * (1 if style.bang_sweep >= 0 else -1)
        elif style.bangs in ("messy", "spiky"):
            lean += rng.normal(0, 0.05)
        elif style.bangs == "blunt":
            lean = 0.0
        tips.append((middle + lean * (1 - 0.5 * abs(middle)), tip_height(style, middle, rng)))
    for index, x in enumerate(bounds):
        near = [tips[i][1] for i in (index - 1, index) if 0 <= i < count]
        y = min(near) - deep * rng.uniform(0.6, 1.3)
        if style.bangs == "parted" and x == style.part:
            y = -0.5
        gaps.append((x, max(y, -0.52)))
    gaps[0], gaps[-1] = (-0.54, max(0.02, gaps[0][1])), (0.54, max(0.02, gaps[-1][1]))
    edge = [lock_edge(style, gaps[i], tips[i], gaps[i + 1]) for i in range(count)]
    edge_pixels = [easel.surface(part) for part in edge]
    outline = np.concatenate([easel.head(top, 0.0)] + [part[::-1] for part in edge_pixels[::-1]])
    lines = [(part, 1.0) for part in edge_pixels]
    whorl = np.array([style.part * 0.6, -0.66])
    for x, y in gaps[1:-1]:
        length = rng.uniform(0.15, 0.75)
        root = np.array([x, y])
        end = root + (whorl - root) * length
        bend = (root + end) / 2 + (0.12 * x, -0.02)
        lines.append((easel.surface(bezier(root, bend, end)), 0.7))
    return Hair([outline], lines)


def lock_edge(style: FaceStyle, gap: tuple, tip: tuple, after: tuple) -> np.ndarray:
    """The lower edge of one lock: down from a gap to the tip and up to the next gap (n, 2)."""
    if style.bangs == "blunt":
        y = tip[1]
        return np.array([gap, (gap[0] + 0.006, y - 0.01), (gap[0] + 0.02, y), (after[0] - 0.02, y),
                         (after[0] - 0.006, y - 0.01), after])  # fmt: skip
    gap, tip, after = np.array(gap), np.array(tip), np.array(after)
    full = 0.05 if style.bangs == "spiky" else 0.3
    down = bezier(gap, gap + (tip - gap) * (0.5 - full, 0.5 + full * 0.6), tip, samples=9)
    up = bezier(tip, after + (tip - after) * (0.5 - full, 0.5 + full * 0.6), after, samples=9)
    return np.concatenate([down, up[1:]])


def swept_back(easel: Easel, top: np.ndarray, rng: np.random.Generator) -> Hair:
    """No bangs: a hairline with a slight peak, strands running back from it."""
    style = easel.style
    y = -0.4 + 0.3 * style.bang_length
    right = [
        (0.54, 0.0),
        (0.47, -0.12),
        (0.42, y * 0.75),
        (0.24, y - 0.03),
        (0.06 + style.part * 0.3, y - 0.06),
    ]
    left = [(-0.24, y - 0.03), (-0.42, y * 0.75), (-0.47, -0.12), (-0.54, 0.0)]
    hairline = easel.surface(spline(np.array(right + left), samples=6))
    lines = [(hairline, 0.8)]
    for x in rng.uniform(-0.36, 0.36, 7):
        root = np.array([x, y - 0.05])
        lines.append((easel.surface(bezier(root, root * (1.15, 1.2), (x * 0.9, -0.66))), 0.6))
    return Hair([np.concatenate([easel.head(top), hairline])], lines)


def side_locks(easel: Easel) -> Hair:
    """Locks that hang before the ears."""
    style = easel.style
    shapes: list[np.ndarray] = []
    lines: list[tuple[np.ndarray, float]] = []
    rng = np.random.default_rng(style.seed + 3)
    if style.sidelocks == "none":
        return Hair(shapes, lines)
    for side in (-1, 1):
        length = style.sidelock_length * rng.uniform(0.9, 1.1)
        wide = {"thin": 0.14, "wide": 0.2, "curl": 0.17}[style.sidelocks]
        bend = 0.08 if style.sidelocks == "curl" else rng.normal(0.0, 0.02)
        spine = np.array([(0.43, -0.36), (0.48, -0.1), (0.47 + bend, 0.1 + 0.4 * length),
                          (0.42 - bend, 0.06 + length)])  # fmt: skip
        widths = [wide * 0.9, wide, wide * 0.85, 0.0]
        shapes.append(easel.head(tail(spine * (side, 1), widths), 0.12))
        if style.sidelocks == "wide":
            twin = spine + np.array([(0, 0), (0.03, 0), (0.05, 0.0), (0.08, -0.12)])
            shapes.append(easel.head(tail(twin * (side, 1), widths), 0.1))
        middle = spline(spine * (side, 1))
        lines.append((easel.head(middle[6:-4], 0.12), 0.6))
    lines += [(np.concatenate([shape[2:], shape[:1]])[:-1], 1.0) for shape in shapes]
    return Hair(shapes, lines)


def ends(
    left: tuple, right: tuple, count: int, rng: np.random.Generator, deep: float
) -> np.ndarray:
    """A jagged lower edge of hair from the right to the left end (n, 2)."""
    x = np.linspace(right[0], left[0], 2 * count + 1)
    y = np.linspace(right[1], left[1], 2 * count + 1)
    y[1::2] += deep * rng.uniform(0.5, 1.3, count)
    x[1:-1] += rng.normal(0, 0.02, 2 * count - 1)
    return np.stack([x, y], axis=1)


def behind(easel: Easel) -> Hair:
    """The hair that hangs behind head and neck."""
    style = easel.style
    rng = np.random.default_rng(style.seed + 4)
    wide = 0.5 + style.volume
    length = {
        "long": style.back_length, "wavy": style.back_length, "bob": 0.42 + 0.1 * style.back_length,
        "cropped": 0.12, "spiky": 0.3,
    }.get(style.back, 0.34)  # fmt: skip
    flare = float(rng.uniform(-0.05, 0.12)) + (0.06 if style.back in ("long", "wavy") else 0.0)
    if style.back in ("short", "cropped", "pony", "buns", "twin_tails", "side_pony"):
        flare = -0.08
    steps = np.linspace(0, 1, 9)
    side = np.stack([wide + flare * steps**1.5, -0.16 + (length + 0.16) * steps], axis=1)
    if style.back == "wavy":
        side[:, 0] += 0.05 * np.sin(steps * length * 9) * (steps > 0.1)
    elif style.back == "bob":
        side[-3:, 0] += (0.01, -0.01, -0.06) if rng.random() < 0.6 else (0.02, 0.06, 0.12)
    right = spline(side, samples=3)
    bottom = ends(side[-1] * (-1, 1), side[-1], int(rng.integers(5, 10)), rng, 0.12)
    outline = np.concatenate([cap(style), right, bottom[1:-1], right[::-1] * (-1, 1)])
    shapes = [easel.head(outline, -0.12)] + tied_hair(easel, rng)
    closed = [np.concatenate([shape, shape[:1]]) for shape in shapes]
    lines = [(shape, 1.0) for shape in closed]
    if style.back in ("long", "wavy", "bob"):
        for x in np.concatenate([rng.uniform(0.48, 0.62, 3), -rng.uniform(0.48, 0.62, 3)]):
            strand = bezier(
                (x, 0.0), (x * 1.04, length * 0.5), (x * 1.02, length * rng.uniform(0.7, 1))
            )
            lines.append((easel.head(strand, -0.12), 0.6))
    return Hair(shapes, lines)


def tied_hair(easel: Easel, rng: np.random.Generator) -> list[np.ndarray]:
    """Twin tails, pony tails and buns, in pixels."""
    style, length = easel.style, easel.style.back_length
    sides = (-1, 1) if style.back in ("twin_tails", "buns") else (style.ornament_side,)
    shapes = []
    for side in sides:
        if style.back == "buns":
            shapes.append(easel.head(ellipse(side * 0.44, -0.64, 0.19, 0.18), -0.1))
        elif style.back in ("twin_tails", "side_pony"):
            y = -0.42 if style.seed % 3 else 0.2
            swing = rng.uniform(0.1, 0.35)
            spine = np.array([(0.5, y), (0.72 + swing / 2, y + 0.12),
                              (0.8 + swing, y + 0.5 * length),
                              (0.7 + swing * 0.6, y + 0.1 + length)])  # fmt: skip
            shapes.append(easel.head(tail(spine * (side, 1), [0.12, 0.3, 0.3, 0.0]), -0.1))
        elif style.back == "pony":
            spine = np.array([(0.2, -0.66), (0.5, -0.84), (0.78, -0.4), (0.74, 0.1 + 0.5 * length)])
            shapes.append(easel.head(tail(spine * (side, 1), [0.14, 0.26, 0.3, 0.0]), -0.2))
    return shapes


def ahoge(easel: Easel) -> Hair:
    """The loose hair that stands up from the crown."""
    style = easel.style
    rng = np.random.default_rng(style.seed + 5)
    top = -0.16 - (0.54 + style.volume)
    shapes = []
    for _ in range(style.ahoge):
        side = rng.choice([-1, 1])
        spine = np.array(
            [(0.0, top + 0.06), (0.03, top - 0.1), (0.14, top - 0.18), (0.26, top - 0.08)]
        )
        shapes.append(
            easel.head(tail(spine * (side * rng.uniform(0.6, 1.1), 1), [0.06, 0.06, 0.05, 0.0]))
        )
    return Hair(shapes, [(shape, 1.0) for shape in shapes])
