"""What the seven emotions do to brows, eyes and mouth, measured on the curves that are drawn."""

import numpy as np
import pytest

from cvbaseline.drawing import EMOTIONS
from cvbaseline.drawing.expressions import Expression, random_expression
from cvbaseline.drawing.eyes import brow_line, iris_ellipse, lids
from cvbaseline.drawing.marks import drop
from cvbaseline.drawing.mouth import mouth_line, mouth_middle, mouth_opening
from cvbaseline.drawing.sketch import Sketch, bezier, ellipse, ribbon, shifted, spline
from cvbaseline.drawing.styles import random_style

SEEDS = range(120)


def cases(emotion):
    """Pairs of a random style and a random expression of the emotion."""
    for seed in SEEDS:
        rng = np.random.default_rng([7, seed])
        yield random_style(rng), random_expression(emotion, rng)


def brow_slope(style, expression, side=1):
    """How much higher (on the picture) the inner end lies than the outer one."""
    line = brow_line(style, expression, side)
    return line[-1, 1] - line[0, 1]


def upright(expression):
    """The expression with a level mouth."""
    values = dict(vars(expression), mouth_tilt=0.0)
    return Expression(**values)


def test_every_emotion_names_itself_and_varies():
    for emotion in EMOTIONS:
        drawn = [expression for _, expression in cases(emotion)]
        assert {expression.emotion for expression in drawn} == {emotion}
        assert len(set(drawn)) == len(drawn)
        assert len({(expression.mouth, expression.eyes) for expression in drawn}) >= 3


def test_angry_brows_fall_to_the_nose_and_the_troubled_ones_rise():
    for side in (-1, 1):
        for style, expression in cases("angry"):
            assert brow_slope(style, expression, side) < -0.02
        for emotion in ("sad", "scared", "worried"):
            for style, expression in cases(emotion):
                assert brow_slope(style, expression, side) > 0.02
        for style, expression in cases("neutral"):
            assert abs(brow_slope(style, expression, side)) < 0.035


def test_brows_are_highest_in_surprise_and_lowest_in_anger():
    heights = {
        emotion: np.mean([-brow_line(*case, 1)[:, 1].mean() for case in cases(emotion)])
        for emotion in EMOTIONS
    }
    assert max(heights, key=heights.get) == "surprised"
    assert min(heights, key=heights.get) == "angry"


def test_closed_mouths_smile_or_sink():
    """Corners above the middle in joy, below it in sorrow and anger (y runs down)."""
    seen = set()
    for emotion, sign in (("happy", 1), ("sad", -1), ("angry", -1)):
        for style, expression in cases(emotion):
            if expression.mouth != "line":
                continue
            seen.add(emotion)
            line = mouth_line(style, upright(expression))
            assert sign * (line[len(line) // 2, 1] - line[[0, -1], 1].mean()) > 0.015
    assert seen == {"happy", "sad", "angry"}


def test_open_mouths_of_joy_hang_below_their_corners_and_shouts_do_not():
    """Share of the opening above the corners: none in a laugh, some in a shout or a gasp."""

    def above(emotion):
        shares = []
        for style, expression in cases(emotion):
            if expression.mouth == "open" and expression.opening > 0:
                shape = mouth_opening(style, upright(expression))
                top, bottom = shape[:, 1].min(), shape[:, 1].max()
                shares.append((shape[0, 1] - top) / (bottom - top))
        return np.array(shares)

    assert above("happy").max() < 0.1
    assert above("surprised").mean() > 0.2
    assert above("happy").mean() < above("angry").mean() < above("surprised").mean()


def test_openings_stay_between_nose_and_chin():
    for emotion in EMOTIONS:
        for style, expression in cases(emotion):
            if expression.mouth in ("open", "teeth") and expression.opening > 0:
                shape = mouth_opening(style, upright(expression))
                assert shape[:, 1].max() < style.chin
                assert shape[:, 1].min() > 0.35 * style.chin
                assert np.allclose(shape[:, 0].min(), -shape[:, 0].max(), atol=1e-9)


def test_eyes_open_wide_in_surprise_and_fear_and_irises_shrink():
    height, iris = {}, {}
    for emotion in EMOTIONS:
        some = [case for case in cases(emotion) if case[1].eyes == "open"]
        height[emotion] = np.mean([lids(*case, 1).height / case[0].eye_height for case in some])
        iris[emotion] = np.mean([iris_ellipse(*case, 1)[2] / case[0].eye_width for case in some])
    order = sorted(EMOTIONS, key=height.get)
    assert set(order[-2:]) == {"surprised", "scared"} and order[0] in ("sad", "angry")
    assert min(iris, key=iris.get) == "scared" and iris["surprised"] < iris["neutral"]


def test_lids_slope_as_the_emotion_asks():
    """Anger cuts the lid towards the nose, sadness away from it: compare both halves' openings."""

    def inner_part(case):
        upper = lids(*case, 1).upper[:, 1]
        half = len(upper) // 2
        return upper[1:half].mean() - upper[-half:-1].mean()  # > 0: the inner half hangs lower

    style = random_style(np.random.default_rng(0))
    plain = inner_part((style, Expression(emotion="neutral")))
    assert inner_part((style, Expression(emotion="angry", lid_slope=0.8))) > plain + 0.01
    assert inner_part((style, Expression(emotion="sad", lid_slope=-0.8))) < plain - 0.01


@pytest.mark.parametrize("side", [-1, 1])
def test_sides_mirror_each_other(side):
    style, expression = next(cases("worried"))
    mirror = np.array([-1, 1])
    assert np.array_equal(
        brow_line(style, expression, side), brow_line(style, expression, -side) * mirror
    )
    assert np.array_equal(
        lids(style, expression, side).upper, lids(style, expression, -side).upper * mirror
    )


def test_mouth_lies_between_the_eyes_and_the_chin():
    for style, expression in cases("neutral"):
        x, y = mouth_middle(style)
        line = mouth_line(style, upright(expression))
        assert x == 0 and abs(line[:, 0].mean()) < 1e-9
        assert 0.4 * style.chin < y < 0.9 * style.chin


def test_spline_passes_through_its_points():
    points = np.array([(0, 0), (3, 1), (4, 5), (-2, 7)], float)
    for closed in (False, True):
        curve = spline(points, closed)
        for point in points:
            assert np.abs(curve - point).sum(axis=1).min() < 1e-12


def test_bezier_of_equidistant_controls_is_a_straight_line():
    for controls in (((0, 0), (1, 2), (2, 4)), ((0, 0), (1, 2), (2, 4), (3, 6))):
        curve = bezier(*controls)
        assert np.allclose(curve, np.linspace(controls[0], controls[-1], len(curve)))


def area(polygon):
    """Area by the shoelace formula."""
    x, y = polygon.T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


def test_ribbon_is_as_wide_as_asked_and_thins_out():
    line = np.linspace((10.0, 20.0), (110.0, 20.0), 50)
    assert area(ribbon(line, 4.0, (0, 0))) == pytest.approx(400, rel=1e-6)
    tapered = ribbon(line, 4.0, (0.5, 0.5))
    assert area(tapered) < 320 and np.ptp(tapered[:, 1]) == pytest.approx(4, abs=0.2)


def test_fill_covers_the_area_and_reduce_smooths_it():
    sketch = Sketch(120, 120)
    disc = ellipse(60, 60, 40, 40, samples=200)
    sketch.fill(disc, (200, 100, 50))
    assert (sketch.alpha > 0).sum() == pytest.approx(np.pi * 1600, rel=0.04)
    picture = sketch.reduce(3)
    assert picture.alpha.shape == (40, 40)
    assert picture.alpha.sum() == pytest.approx((sketch.alpha > 0).sum() / 9, rel=0.01)
    assert ((picture.alpha > 0) & (picture.alpha < 1)).any()
    assert picture.colour[20, 20] == pytest.approx([200, 100, 50])


def test_paint_blends_by_strength_within_the_mask():
    sketch = Sketch(20, 10)
    sketch.fill(np.array([(-1, -1), (21, -1), (21, 11), (-1, 11)]), (100, 100, 100))
    mask = np.zeros((10, 20), np.uint8)
    mask[2:5, 3:9] = 255
    sketch.paint(mask, (200, 0, 100), 0.5)
    assert sketch.rgb[3, 4].tolist() == [150, 50, 100] and sketch.rgb[6, 4].tolist() == [100] * 3
    half = np.full_like(mask, 128)
    sketch.paint(half, (0, 0, 0), soft=True)
    assert sketch.rgb[6, 4].tolist() == [50] * 3


def test_shifted_moves_whole_pixels():
    mask = np.zeros((6, 8), np.uint8)
    mask[1, 2] = 255
    assert np.argwhere(shifted(mask, 3, 2)).tolist() == [[3, 5]]
    assert not shifted(mask, -3, 0).any()


def test_drop_hangs_from_its_tip():
    points = drop(0.1, 0.2, 0.5)
    assert points[:, 1].min() == pytest.approx(0.2)
    assert points[:, 0].mean() == pytest.approx(0.1, abs=0.02)
    assert np.ptp(points[:, 1]) > np.ptp(points[:, 0])
