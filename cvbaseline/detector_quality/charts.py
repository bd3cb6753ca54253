"""Curves of detectors as SVG: FROC (recall over false boxes a picture), precision over recall."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cvbaseline.bootstrap import Estimate
from cvbaseline.detector_quality.measures import FALSE_PER_PICTURE, Quality
from cvbaseline.html_page import escape

WIDTH, HEIGHT = 480, 360  # of a chart, in its own units
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 14, 44
LEAST_RATE, MOST_RATE = 0.01, 10.0  # false boxes a picture: the FROC curve's axis
F1_LINES = (0.5, 0.7, 0.8, 0.9)

# One for each detector, with contrast on light and dark cards alike; after the last they repeat.
# Green is the true boxes'.
COLOURS = ("#d9480f", "#1c7ed6", "#ae3ec9", "#b58900", "#e64980", "#868e96")

CHART_STYLE = """
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:1rem;
margin-top:.8rem}
.charts figure{padding:.6rem}
.charts svg{display:block;width:100%}
.charts text{fill:var(--soft);font-size:13px}
.charts .axis{stroke:var(--line)}
.charts .f1{fill:none;stroke:var(--soft);stroke-dasharray:2 5;opacity:.55}
.charts .f1-name{font-size:11px;paint-order:stroke;stroke:var(--card);stroke-width:4px}
.charts .line{fill:none;stroke-width:2.4;stroke-linejoin:round}
.charts .bar{stroke-width:7;opacity:.22}
.charts .dot{stroke:var(--card);stroke-width:2}
.names{display:flex;flex-wrap:wrap;gap:.2rem 1.3rem;list-style:none;margin:.6rem 0 0;padding:0}
.names li::before{content:"";display:inline-block;width:1.1em;height:.28em;border-radius:2px;
background:var(--c);margin-right:.5rem;vertical-align:.22em}
"""


class Curves(NamedTuple):
    """A detector's name, colour and measures."""

    name: str
    colour: str
    quality: Quality


def coloured(names: Sequence[str], qualities: Sequence[Quality]) -> list[Curves]:
    """The detectors with a colour each."""
    return [
        Curves(name, COLOURS[place % len(COLOURS)], quality)
        for place, (name, quality) in enumerate(zip(names, qualities))
    ]


def render_names(detectors: Sequence[Curves]) -> str:
    """Which colour is whose."""
    items = "".join(
        f'<li style="--c:{detector.colour}"><bdi>{escape(detector.name)}</bdi></li>'
        for detector in detectors
    )
    return f'<ul class="names">{items}</ul>'


def render_froc(detectors: Sequence[Curves], bars: bool) -> str:
    """Recall over false boxes a picture; a dot is the setting, a bar the interval of a recall."""
    rates = np.concatenate([detector.quality.points.false_per_picture for detector in detectors])
    most = min(MOST_RATE, rates.max(initial=1.0))
    decades = np.log10(most / LEAST_RATE)

    def place(rate: float, recall: float) -> tuple[float, float]:
        share = np.log10(max(rate, LEAST_RATE) / LEAST_RATE) / decades
        return _place(share, recall)

    marks = [rate for rate in (*FALSE_PER_PICTURE, 3.0, MOST_RATE) if rate <= most]
    drawn = _recall_axis() + "".join(_rate_mark(*place(rate, 0), rate) for rate in marks)
    for name, colour, quality in detectors:
        if bars:
            drawn += "".join(
                _bar(place(rate, 0)[0], quality.estimates[f"recall_at_{rate:g}"], colour)
                for rate in FALSE_PER_PICTURE
            )
        steps = _steps(quality.points.false_per_picture, quality.points.recall, most)
        drawn += _line([place(*step) for step in steps], colour, name)
        setting = quality.estimates["false_per_picture"].value, quality.estimates["recall"].value
        if setting[0] <= most and not np.isnan(setting[1]):
            drawn += _dot(place(*setting), colour, f"{name} at the setting")
    return _chart("Recall over false boxes a picture", drawn, "false boxes a picture", "recall")


def render_precision_recall(detectors: Sequence[Curves]) -> str:
    """Precision over recall, with lines of equal F1; a dot is the setting."""
    drawn = _recall_axis() + "".join(_f1_line(f1) for f1 in F1_LINES)
    for tenth in range(0, 11, 2):
        x, y = _place(tenth / 10, 0)
        drawn += f'<text x="{x:.1f}" y="{y + 17:.1f}" text-anchor="middle">{tenth / 10:g}</text>'
    for name, colour, quality in detectors:
        points = quality.points
        drawn += _line(list(map(_place, points.recall, points.precision)), colour, name)
        setting = quality.estimates["recall"].value, quality.estimates["precision"].value
        if not np.isnan(setting).any():
            drawn += _dot(_place(*setting), colour, f"{name} at the setting")
    return _chart("Precision over recall", drawn, "recall", "precision")


def _place(across: float, up: float) -> tuple[float, float]:
    """Where parts of the axes, 0 to 1, lie in the chart."""
    return LEFT + (WIDTH - LEFT - RIGHT) * across, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * up


def _steps(rates: np.ndarray, recalls: np.ndarray, most: float) -> list[tuple[float, float]]:
    """The curve's corners: recall stays until the next threshold lets more in."""
    recall = float(recalls[rates <= LEAST_RATE].max(initial=0))
    corners = [(LEAST_RATE, recall)]
    for rate, reached in zip(rates.tolist(), recalls.tolist()):
        if LEAST_RATE < rate <= most:
            corners += [(rate, recall), (rate, reached)]
            recall = reached
    return corners


def _recall_axis() -> str:
    lines = ""
    for tenth in range(0, 11, 2):
        (left, y), (right, _) = _place(0, tenth / 10), _place(1, tenth / 10)
        lines += (
            f'<line class="axis" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{tenth / 10:g}</text>'
        )
    return lines


def _rate_mark(x: float, y: float, rate: float) -> str:
    return (
        f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{y:.1f}"/>'
        f'<text x="{x:.1f}" y="{y + 17:.1f}" text-anchor="middle">{rate:g}</text>'
    )


def _f1_line(f1: float) -> str:
    """Precision = F1 recall / (2 recall - F1)."""
    recalls = np.linspace(f1 / (2 - f1), 1, 40)
    points = [_place(recall, f1 * recall / (2 * recall - f1)) for recall in recalls]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<polyline class="f1" points="{path}"/>'
        f'<text class="f1-name" x="{x - 3:.1f}" y="{y - 4:.1f}" text-anchor="end">F1 {f1:g}</text>'
    )


def _bar(x: float, estimate: Estimate, colour: str) -> str:
    if np.isnan(estimate.low):
        return ""
    low, high = _place(0, estimate.low)[1], _place(0, estimate.high)[1]
    across = f'x1="{x:.1f}" x2="{x:.1f}"'
    return f'<line class="bar" stroke="{colour}" {across} y1="{low:.1f}" y2="{high:.1f}"/>'


def _line(points: Sequence[tuple[float, float]], colour: str, name: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline class="line" stroke="{colour}" points="{path}">'
        f"<title>{escape(name)}</title></polyline>"
    )


def _dot(point: tuple[float, float], colour: str, name: str) -> str:
    return (
        f'<circle class="dot" fill="{colour}" cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="6">'
        f"<title>{escape(name)}</title></circle>"
    )


def _chart(title: str, drawn: str, across: str, up: str) -> str:
    middle = (LEFT + WIDTH - RIGHT) / 2
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">{drawn}'
        f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{across}</text>'
        f'<text transform="translate(12 {HEIGHT / 2 - 14}) rotate(-90)" text-anchor="middle">'
        f"{up}</text></svg></figure>"
    )
