"""One character put together, from the hair behind to the sweat in front."""

import math
from typing import NamedTuple

import numpy as np

from cvbaseline.drawing import hair
from cvbaseline.drawing.clothes import draw_body
from cvbaseline.drawing.easel import Easel, Pose
from cvbaseline.drawing.expressions import Expression
from cvbaseline.drawing.eyes import draw_brows, draw_eyes
from cvbaseline.drawing.hair_painting import paint_hair
from cvbaseline.drawing.head import (
    draw_beard,
    draw_blush,
    draw_ears,
    draw_head,
    draw_nose,
)
from cvbaseline.drawing.marks import draw_anger, draw_gloom, draw_sweat, draw_tears
from cvbaseline.drawing.mouth import draw_mouth, mouth_middle
from cvbaseline.drawing.sketch import Sketch
from cvbaseline.drawing.styles import FaceStyle
from cvbaseline.drawing.things import draw_glasses, draw_hat, draw_ornament

LANDMARKS = ("left eye", "right eye", "nose", "mouth", "chin", "brow")


class Truth(NamedTuple):
    """Where the face is: float box x, y, side and landmarks (6, 2) in pixels of the surface."""

    x: float
    y: float
    side: float
    landmarks: np.ndarray


def random_pose(rng: np.random.Generator, x: float, y: float, unit: float) -> Pose:
    """A head held mostly upright and frontal; tilted up to 30 degrees, turned up to 25."""
    tilt = np.clip(rng.normal(0, 9), -30, 30)
    yaw = np.clip(rng.normal(0, 12), -25, 25)
    pitch = np.clip(rng.normal(0, 6), -12, 14)
    return Pose(x, y, unit, *(math.radians(angle) for angle in (tilt, yaw, pitch)))


def truth(easel: Easel) -> Truth:
    """The square from the hairline to just below the chin, and the landmarks."""
    style = easel.style
    side = max(style.chin + 0.42, 0.9)
    middle = easel.head([(0.0, style.chin + 0.02 - side / 2)], 0.3)[0]
    brow = -(0.6 * style.eye_height + style.brow_gap)
    points = [(-style.eye_gap, 0), (style.eye_gap, 0), (0, 0.4 * style.chin), mouth_middle(style),
              (0, style.chin),
              (0, brow)]  # fmt: skip
    grown = side * (1 + 0.12 * abs(math.sin(easel.pose.tilt))) * easel.pose.unit
    landmarks = np.concatenate(
        [easel.surface(points[:4]), easel.head(points[4:5], 0.3), easel.surface(points[5:])]
    )
    return Truth(middle[0] - grown / 2, middle[1] - grown / 2, grown, landmarks)


def draw_figure(
    sketch: Sketch, style: FaceStyle, expression: Expression, pose: Pose, least_line: float
) -> Truth:
    """Draw a character on the sketch and say where its face is."""
    easel = Easel(sketch, pose, style, expression, least_line)
    front = [hair.bangs(easel), hair.side_locks(easel)]
    paint_hair(easel, hair.behind(easel), dark=0.7)
    draw_body(easel)
    draw_ears(easel)
    inside = draw_head(easel, sketch.mask(*front[0].shapes, *front[1].shapes))
    draw_gloom(easel, inside)
    draw_blush(easel, inside)
    draw_beard(easel, inside)
    draw_nose(easel)
    draw_mouth(easel)
    draw_eyes(easel)
    draw_brows(easel)
    draw_tears(easel, inside)
    draw_glasses(easel)
    paint_hair(easel, front[1])
    paint_hair(easel, front[0], gloss=True)
    paint_hair(easel, hair.ahoge(easel))
    if style.brow_over_hair:
        draw_brows(easel, 0.6)
    draw_ornament(easel)
    draw_hat(easel)
    draw_sweat(easel)
    draw_anger(easel)
    return truth(easel)


def draw_back_view(
    sketch: Sketch, style: FaceStyle, expression: Expression, pose: Pose, least_line: float
) -> None:
    """The same character seen from behind: no face at all."""
    easel = Easel(sketch, pose, style, expression, least_line)
    draw_body(easel, behind=True)
    paint_hair(easel, hair.behind(easel), gloss=True)
    draw_ornament(easel)
    draw_hat(easel)
