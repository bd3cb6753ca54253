"""A drawing surface with transparency, and the curves that artists draw with.

Everything is drawn without anti-aliasing on a surface several times too large; `Sketch.reduce`
averages it down, which smooths every edge at once. Points are float (n, 2) as x, y in pixels.
"""

from typing import NamedTuple, Optional

import cv2
import numpy as np

Colour = tuple[int, int, int]

SHIFT = 4  # fractional bits of the coordinates that cv2.fillPoly takes
REACH = 20_000.0  # coordinates beyond are clipped; OpenCV works with 32-bit integers


def spline(points: object, closed: bool = False, samples: int = 8) -> np.ndarray:
    """Uniform Catmull-Rom spline through all points (Catmull and Rom 1974), float (m, 2)."""
    points = np.asarray(points, np.float64)
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, samples, endpoint=False)[:, None, None]
    p0, p1, p2, p3 = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    curve = curve.transpose(1, 0, 2).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, points[-1:]])


def bezier(*controls: object, samples: int = 14) -> np.ndarray:
    """Quadratic (three controls) or cubic (four) Bezier curve, float (samples, 2)."""
    points = np.asarray(controls, np.float64)
    t = np.linspace(0, 1, samples)[:, None]
    if len(points) == 3:
        weights = [(1 - t) ** 2, 2 * t * (1 - t), t**2]
    else:
        weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3]
    return sum(weight * point for weight, point in zip(weights, points))


def ellipse(
    x: float, y: float, rx: float, ry: float, start: float = 0.0, end: float = 360.0,
    samples: int = 28,
) -> np.ndarray:  # fmt: skip
    """Points of an elliptical arc, degrees clockwise from the right, float (samples, 2)."""
    angle = np.radians(np.linspace(start, end, samples))
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def tangents(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit direction of a line at its points (n, 2), and the way between neighbours (n,)."""
    tangent = np.empty_like(points)
    tangent[1:-1] = (points[2:] - points[:-2]) / 2
    tangent[0], tangent[-1] = points[1] - points[0], points[-1] - points[-2]
    step = np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)
    return tangent / step[:, None], step


def ribbon(points: np.ndarray, width: float, taper: tuple[float, float]) -> np.ndarray:
    """Outline of a brush stroke along the points, as wide as `width` in its middle.

    taper : the parts of the stroke's length, at its start and its end, over which it thins out
    """
    tangent, step = tangents(points)
    way = np.cumsum(step) - step[0]
    way = way / max(way[-1], 1e-9)
    half = np.full(len(points), width / 2)
    if taper[0] > 0:
        half *= np.clip(way / taper[0], 0.12, 1) ** 0.7
    if taper[1] > 0:
        half *= np.clip((1 - way) / taper[1], 0.12, 1) ** 0.7
    normal = tangent[:, ::-1] * (-1.0, 1.0) * half[:, None]
    return np.concatenate([points + normal, (points - normal)[::-1]])


def fixed_point(polygon: np.ndarray) -> np.ndarray:
    """Coordinates as OpenCV's fixed-point integers, kept within its range."""
    return np.rint(np.clip(polygon, -REACH, REACH) * (1 << SHIFT)).astype(np.int32)


def mix(a: Colour, b: Colour, part: float) -> Colour:
    """The colour that lies `part` of the way from a to b."""
    return tuple(round(p + (q - p) * part) for p, q in zip(a, b))


class Picture(NamedTuple):
    """An anti-aliased drawing: float32 (h, w, 3) colours times alpha, float32 (h, w) alpha 0-1."""

    colour: np.ndarray
    alpha: np.ndarray


class Sketch:
    """A surface of `width` x `height` pixels, transparent until drawn on."""

    def __init__(self, width: int, height: int):
        self.rgb = np.zeros((height, width, 3), np.uint8)
        self.alpha = np.zeros((height, width), np.uint8)

    def mask(self, *polygons: np.ndarray) -> np.ndarray:
        """The polygons' inside as uint8 (h, w), 255 or 0."""
        mask = np.zeros(self.alpha.shape, np.uint8)
        for polygon in polygons:
            cv2.fillPoly(mask, [fixed_point(polygon)], 255, cv2.LINE_8, SHIFT)
        return mask

    def fill(self, polygon: np.ndarray, colour: Colour) -> None:
        """Paint the inside of a polygon, opaque."""
        points = [fixed_point(polygon)]
        cv2.fillPoly(self.rgb, points, colour, cv2.LINE_8, SHIFT)
        cv2.fillPoly(self.alpha, points, 255, cv2.LINE_8, SHIFT)

    def stroke(
        self, points: np.ndarray, width: float, colour: Colour,
        taper: tuple[float, float] = (0.25, 0.25), clip: Optional[np.ndarray] = None,
        strength: float = 1.0,
    ) -> None:  # fmt: skip
        """Draw a brush stroke along the points; with `clip` or `strength`, on what is there."""
        outline = ribbon(points, width, taper)
        if clip is None and strength >= 1:
            self.fill(outline, colour)
        else:
            mask = self.mask(outline)
            self.paint(mask if clip is None else mask & clip, colour, strength)

    def paint(
        self, mask: np.ndarray, colour: Colour, strength: float = 1.0, soft: bool = False
    ) -> None:  # fmt: skip
        """Blend a colour into what is already drawn where the mask is set.

        soft : the mask holds values between 0 and 255, which weigh the colour
        """
        x, y, width, height = cv2.boundingRect(mask)
        if width == 0 or strength <= 0:
            return
        part = (slice(y, y + height), slice(x, x + width))
        wash = np.empty((height, width, 3), np.uint8)
        wash[:] = colour
        self.lay(part, wash, mask[part], strength, soft)

    def gradient(
        self, mask: np.ndarray, top: Colour, bottom: Colour, strength: float = 1.0
    ) -> None:
        """Blend a vertical run of colour into what is drawn where the mask is set."""
        x, y, width, height = cv2.boundingRect(mask)
        if width == 0:
            return
        part = (slice(y, y + height), slice(x, x + width))
        run = np.linspace(0, 1, height)[:, None, None]
        wash = np.empty((height, width, 3), np.uint8)
        wash[:] = np.asarray(top) * (1 - run) + np.asarray(bottom) * run
        self.lay(part, wash, mask[part], strength, False)

    def lay(
        self, part: tuple[slice, slice], wash: np.ndarray, mask: np.ndarray, strength: float,
        soft: bool,
    ) -> None:  # fmt: skip
        """Blend colours into a part of the surface where its mask is set."""
        below = self.rgb[part]
        if soft:
            weight = cv2.merge([mask] * 3).astype(np.float32) * np.float32(strength / 255)
            mixed = below.astype(np.float32)
            mixed += (wash - mixed) * weight
            below[:] = np.rint(mixed)
            return
        if strength < 1:
            wash = cv2.addWeighted(below, 1 - strength, wash, strength, 0)
        below[:] = cv2.copyTo(wash, mask, below.copy())

    def reduce(self, factor: int) -> Picture:
        """Average blocks of factor x factor pixels: the anti-aliased picture."""
        height, width = self.alpha.shape
        size = (width // factor, height // factor)
        inside = cv2.merge([self.alpha] * 3)
        colour = cv2.resize(cv2.bitwise_and(self.rgb, inside), size, interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(self.alpha, size, interpolation=cv2.INTER_AREA)
        return Picture(colour.astype(np.float32), alpha.astype(np.float32) / 255)


def shifted(mask: np.ndarray, dx: float, dy: float) -> np.ndarray:
    """The mask moved by whole pixels; what comes in from outside is empty."""
    move = np.float32([[1, 0, round(dx)], [0, 1, round(dy)]])
    return cv2.warpAffine(mask, move, mask.shape[::-1], flags=cv2.INTER_NEAREST)


def softened(mask: np.ndarray, radius: float) -> np.ndarray:
    """The mask blurred over about `radius` pixels (three box filters, nearly Gaussian)."""
    side = max(1, round(radius)) * 2 + 1
    x, y, width, height = cv2.boundingRect(mask)
    if width == 0:
        return mask
    reach = 2 * side
    top, left = max(0, y - reach), max(0, x - reach)
    part = (slice(top, y + height + reach), slice(left, x + width + reach))
    soft = np.zeros_like(mask)
    region = mask[part]
    for _ in range(2):
        region = cv2.blur(region, (side, side), borderType=cv2.BORDER_REPLICATE)
    soft[part] = region
    return soft
