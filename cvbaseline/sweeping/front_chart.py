"""The Pareto front: recall over false boxes a picture, coloured by the time; and its table."""

from typing import NamedTuple

import numpy as np

from cvbaseline.html_page import escape
from cvbaseline.sweeping.heatmaps import colour
from cvbaseline.sweeping.result import SweepResult, as_word, describe, rounded, said_fields

WIDTH, HEIGHT = 900, 420  # of the chart, in its own units
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 16, 48
LEAST_RATE = 0.01  # false boxes a picture at the left end, which stands for none
RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
SHOWN = 12  # rows of the table that are not folded away

FRONT_STYLE = """
.chart{overflow-x:auto;margin-top:.8rem;background:var(--card);border:1px solid var(--line);
border-radius:14px;box-shadow:var(--shade)}
.front{display:block;width:100%;min-width:600px}
@media print{.front{min-width:0}}
.front line{stroke:var(--line)}
.front text{fill:var(--soft);font-size:13px}
.front .off{opacity:.22}
.front .on{stroke:color-mix(in srgb,var(--soft) 70%,transparent);stroke-width:1}
.front .ring{fill:none;stroke:var(--ink);stroke-width:2.5}
.front .chosen{fill:var(--ink);font-weight:600;paint-order:stroke;stroke:var(--card);
stroke-width:5px;stroke-linejoin:round}
.table tr.chosen{background:color-mix(in srgb,var(--o) 14%,transparent)}
.table td,.table th{text-align:right}
.table td{padding-block:.25rem;line-height:1.25}
.table small{color:var(--soft);font-size:.8em;display:block}
"""


class _Frame(NamedTuple):
    """The ranges of the axes; false boxes are on a logarithmic scale."""

    most_rate: float
    least_recall: float

    def place(self, rate: float, recall: float) -> tuple[float, float]:
        """Where a point is in the chart."""
        across = np.log(max(rate, LEAST_RATE) / LEAST_RATE) / np.log(self.most_rate / LEAST_RATE)
        up = (recall - self.least_recall) / (1 - self.least_recall)
        x = LEFT + (WIDTH - LEFT - RIGHT) * min(float(across), 1.0)
        return x, TOP + (HEIGHT - TOP - BOTTOM) * (1 - up)


def render_front(result: SweepResult) -> str:
    """The chart: all settings pale, those on the front in full, the recommended one ringed."""
    recall = result.measures["recall"].value
    rates = result.measures["false_per_picture"].value
    speed = result.measures["ms_per_picture"].value
    most_rate = next((rate for rate in RATES if rate >= max(rates.max(), 1.0)), RATES[-1])
    frame = _Frame(most_rate, min(np.floor(recall.min() * 10) / 10, 0.9))
    paints, names = shades(speed), said_fields(result.settings)
    dots = ""
    for i in np.argsort(result.front, kind="stable"):
        x, y = frame.place(rates[i], recall[i])
        kind, radius = ("on", 6.5) if result.front[i] else ("off", 4)
        dots += (
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{paints[i]}">'
            f"<title>{escape(describe(result.settings[i], names))}</title></circle>"
        )
    chosen = result.choice.chosen
    ring = _ring(*frame.place(rates[chosen], recall[chosen]))
    return (
        f'<div class="chart"><svg class="front" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Recall over false boxes a picture">{_axes(frame)}{dots}{ring}</svg></div>'
        f'<p class="axes">{speed.max():.0f} ms<i class="scale"></i>{speed.min():.0f} ms a picture, '
        "logarithmic</p>"
    )


def _axes(frame: _Frame) -> str:
    """Lines with their numbers, and what they are of."""
    drawn = ""
    for rate in (rate for rate in RATES if rate <= frame.most_rate):
        x, y = frame.place(rate, frame.least_recall)
        word = "0" if rate == LEAST_RATE else f"{rate:g}"
        drawn += (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{y:.1f}"/>'
            f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{word}</text>'
        )
    for tenth in range(round(frame.least_recall * 10), 11):
        _, y = frame.place(0, tenth / 10)
        drawn += (
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 9}" y="{y + 4:.1f}" text-anchor="end">{tenth / 10:.1f}</text>'
        )
    return (
        f'{drawn}<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
        f'false boxes a picture</text><text transform="translate(14 {HEIGHT / 2}) rotate(-90)" '
        'text-anchor="middle">recall</text>'
    )


def _ring(x: float, y: float) -> str:
    """The mark of the recommended setting, its word above and to the left where there is room."""
    anchor, start = ("end", x - 10) if x > LEFT + 130 else ("start", x - 4)
    line = y - 14 if y > TOP + 20 else y + 26
    return (
        f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="10"/>'
        f'<text class="chosen" x="{start:.1f}" y="{line:.1f}" text-anchor="{anchor}">recommended'
        "</text>"
    )


def shades(speed: np.ndarray) -> list[str]:
    """A colour for each time, the fastest light."""
    slow = np.log(np.maximum(speed, 1e-6))
    span = slow.max() - slow.min()
    shares = 1 - (slow - slow.min()) / span if span > 0 else np.ones(len(slow))
    return [colour(share) for share in shares]


def render_front_table(result: SweepResult) -> str:
    """The settings on the front, best recall first; the many fold away."""
    rows = np.flatnonzero(result.front)
    recall, rates = result.measures["recall"].value, result.measures["false_per_picture"].value
    rows = rows[np.lexsort((rates[rows], -recall[rows]))]
    first = _table(result, rows[:SHOWN])
    if len(rows) <= SHOWN:
        return first
    return (
        f"{first}<details><summary>{len(rows) - SHOWN} more</summary>"
        f"{_table(result, rows[SHOWN:])}</details>"
    )


def _table(result: SweepResult, rows: np.ndarray) -> str:
    names = said_fields(result.settings)
    heads = [*(name.replace("_", " ") for name in names)]
    heads += [values.title for values in result.measures.values()]
    lines = []
    for i in rows:
        cells = [f"<td>{escape(as_word(getattr(result.settings[i], name)))}</td>" for name in names]
        for values in result.measures.values():
            value, low, high = (rounded(one) for one in values.of(int(i)))
            cells.append(f"<td>{value}<small>{low} to {high}</small></td>")
        chosen = ' class="chosen"' if i == result.choice.chosen else ""
        lines.append(f"<tr{chosen}>{''.join(cells)}</tr>")
    titles = "".join(f"<th>{escape(head)}</th>" for head in heads)
    return (
        f'<div class="scroll table"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )
