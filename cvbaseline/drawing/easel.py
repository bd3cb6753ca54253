"""From a character's own coordinates to the surface: position, size, tilt and turn of the head.

A character is described in widths of its face: x to the right, y down, (0, 0) between the eyes.
"""

import math
from typing import NamedTuple

import numpy as np

from cvbaseline.drawing.expressions import Expression
from cvbaseline.drawing.sketch import Sketch
from cvbaseline.drawing.styles import FaceStyle

HEAD_DEPTH = 0.5  # radius of the sphere on which eyes, nose and mouth lie
FLATNESS = 0.72  # artists turn a face less than a sphere would: both eyes stay visible


class Pose(NamedTuple):
    """Where a head is and how it is held."""

    x: float  # of the point between the eyes, in pixels
    y: float
    unit: float  # width of the face in pixels
    tilt: float = 0.0  # radians, clockwise
    yaw: float = 0.0  # radians, to the right of the picture
    pitch: float = 0.0  # radians, downwards


def rotated(points: np.ndarray, angle: float) -> np.ndarray:
    """Points turned around the origin by an angle in radians, clockwise as y runs down."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return points @ np.array([[cosine, sine], [-sine, cosine]])


class Easel(NamedTuple):
    """All that drawing one character needs."""

    sketch: Sketch
    pose: Pose
    style: FaceStyle
    expression: Expression
    least_line: float  # thinnest line, in pixels of the surface

    def head(self, points: object, depth: object = 0.0) -> np.ndarray:
        """Points of the head, `depth` before its middle, as pixels (n, 2)."""
        points = np.asarray(points, np.float64)
        pose = self.pose
        narrowed = 1 - 0.5 * (1 - math.cos(pose.yaw))  # a skull is nearly as wide from any side
        x = points[:, 0] * narrowed + depth * math.sin(pose.yaw)
        y = points[:, 1] + depth * math.sin(pose.pitch)
        turned = rotated(np.stack([x, y], axis=1), pose.tilt)
        return turned * pose.unit + (pose.x, pose.y)

    def surface(self, points: object) -> np.ndarray:
        """Points that lie on the front of the face, as pixels (n, 2)."""
        points = np.asarray(points, np.float64)
        depth = FLATNESS * np.sqrt(np.maximum(HEAD_DEPTH**2 - points[:, 0] ** 2, 0.0))
        return self.head(points, depth)

    def body(self, points: object) -> np.ndarray:
        """Points of neck and body, which follow a tilted head only a little, as pixels (n, 2)."""
        points = np.asarray(points, np.float64)
        neck = np.array([[0.0, self.style.chin - 0.1]])
        turned = rotated(points - neck, 0.2 * self.pose.tilt)
        return turned * self.pose.unit + self.head(neck, 0.05)

    def pen(self, width: float) -> float:
        """A line's width in pixels, from widths of the face; never too thin to be seen."""
        return max(width * self.pose.unit, self.least_line)

    @property
    def line(self) -> float:
        """Width of this style's outlines in pixels."""
        return self.pen(self.style.line)
