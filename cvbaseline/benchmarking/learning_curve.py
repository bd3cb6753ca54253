"""Accuracy against the number of training pictures, and what more pictures would bring.

The curve is continued by an inverse power law (Figueroa et al., Predicting sample size required
for classification performance, 2012): accuracy = c - a n^-b.
"""

from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.bootstrap import Estimate

LEAST_POINTS = 4
WANTED_GAIN = 0.05
LITTLE = 0.02  # gain of a doubling that nobody would collect pictures for
FARTHEST = 100  # times the pictures of today: beyond that nobody should believe a fit


class Point(NamedTuple):
    """Accuracy after learning from so many pictures."""

    pictures: float  # mean over the splits
    accuracy: Estimate


class PowerLaw(NamedTuple):
    """accuracy(n) = ceiling - scale * n ** -rate."""

    ceiling: float
    scale: float
    rate: float

    def accuracy(self, pictures: float) -> float:
        """What it predicts."""
        return float(self.ceiling - self.scale * pictures**-self.rate)

    def pictures(self, accuracy: float) -> Optional[float]:
        """How many pictures that accuracy takes; None when no number does."""
        if accuracy >= self.ceiling or self.scale <= 0:
            return None
        return float(((self.ceiling - accuracy) / self.scale) ** (-1 / self.rate))


def fit_power_law(points: list[Point]) -> Optional[PowerLaw]:
    """The law through at least four points, the later ones weighing more; None when none fits."""
    from scipy.optimize import least_squares

    if len(points) < LEAST_POINTS:
        return None
    n = np.array([point.pictures for point in points])
    accuracy = np.array([point.accuracy.value for point in points])
    weights = np.sqrt(n / n.max())

    def residuals(law: np.ndarray) -> np.ndarray:
        ceiling, gap, rate = law
        return weights * (ceiling - gap * (n / n.max()) ** -rate - accuracy)

    gap = max(0.01, float(accuracy[-1] - accuracy[0]))
    start = [min(1.0, accuracy[-1] + gap / 2), gap / 2, 0.5]
    result = least_squares(residuals, start, bounds=([0, 0, 0.1], [1, 1, 2]))
    if not result.success:
        return None
    ceiling, gap, rate = result.x
    return PowerLaw(float(ceiling), float(gap * n.max() ** rate), float(rate))


def how_many_more(
    title: str, points: list[Point], last_gain: Estimate, earlier_gain: Estimate
) -> str:
    """One plain sentence or two about more pictures.

    Parameters
    ----------
    last_gain : accuracy at the last point less that at the one before, paired by test face
    earlier_gain : the same over the last two steps
    """
    now = points[-1].pictures
    last, earlier = _step(points[-2], points[-1], last_gain), ""
    if len(points) > 2:
        earlier = _step(points[-3], points[-1], earlier_gain)
    if last_gain.low > 0:
        text = f"{title}: more pictures would help; {last}."
    elif earlier and earlier_gain.low > 0:
        text = f"{title}: more pictures probably help; {earlier}."
    elif last_gain.high < LITTLE:
        return f"{title}: more pictures of the same kind promise little; {last}."
    else:
        return f"{title}: whether more pictures help cannot be told from so few; {last}."
    law = fit_power_law(points)
    if law is None:
        return text
    text += (
        f" If the curve goes on like that, {2 * now:,.0f} pictures reach about "
        f"{law.accuracy(2 * now):.2f}"
    )
    wanted = points[-1].accuracy.value + WANTED_GAIN
    needed = law.pictures(wanted)
    if wanted >= 1 or (needed is not None and needed <= now):  # no target, or none any more
        return f"{text}. This is a guess."
    if needed is None or needed > FARTHEST * now:
        return f"{text}, and {wanted:.2f} is out of its reach. This is a guess."
    more = needed - now
    return f"{text}, and {wanted:.2f} takes about {_round(more):,} more than now. This is a guess."


def _step(before: Point, now: Point, gain: Estimate) -> str:
    return (
        f"from {before.pictures:,.0f} to {now.pictures:,.0f} training pictures accuracy changed by "
        f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
    )


def _round(number: float) -> int:
    """To two digits: a guess pretends to no more."""
    return int(float(f"{max(number, 1):.1e}"))
