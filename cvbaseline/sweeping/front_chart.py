"""The Pareto front: recall over false boxes a picture, coloured by the time; and its table."""

import numpy as np

from cvbaseline.html_page import escape
from cvbaseline.sweeping.heatmaps import colour
from cvbaseline.sweeping.result import SweepResult, as_word, describe, rounded, varied_fields

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
.table td:not(.word),.table th:not(.word){text-align:right}
.table td{padding-block:.25rem;line-height:1.25}
.table small{color:var(--soft);font-size:.8em;display:block}
"""


def render_front(result: SweepResult) -> str:
    """The chart: all settings pale, those on the front in full, the recommended one ringed."""
    recall = result.measures["recall"].value
    rates = result.measures["false_per_picture"].value
    speed = result.measures["ms_per_picture"].value
    most_rate = next((rate for rate in RATES if rate >= max(rates.max(), 1.0)), RATES[-1])
    least_recall = np.floor(recall.min() * 10) / 10 if recall.min() < 1 else 0.9

    def place(rate: float, reached: float) -> tuple[float, float]:
        across = np.log(max(rate, LEAST_RATE) / LEAST_RATE) / np.log(most_rate / LEAST_RATE)
        up = (reached - least_recall) / (1 - least_recall)
        x = LEFT + (WIDTH - LEFT - RIGHT) * min(float(across), 1.0)
        return x, TOP + (HEIGHT - TOP - BOTTOM) * (1 - up)

    drawn = []
    for rate in (rate for rate in RATES if rate <= most_rate):
        x, y = place(rate, least_recall)
        word = "0" if rate == LEAST_RATE else f"{rate:g}"
        drawn.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{y:.1f}"/>'
            f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{word}</text>'
        )
    for reached in np.arange(round(least_recall * 10), 11) / 10:
        x, y = place(0, reached)
        drawn.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 9}" y="{y + 4:.1f}" text-anchor="end">{reached:.1f}</text>'
        )
    paints, names = shades(speed), varied_fields(result.settings)
    for i in np.argsort(result.front, kind="stable"):
        x, y = place(rates[i], recall[i])
        kind, radius = ("on", 6.5) if result.front[i] else ("off", 4)
        drawn.append(
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{paints[i]}">'
            f"<title>{escape(describe(result.settings[i], names))}</title></circle>"
        )
    x, y = place(rates[result.choice.chosen], recall[result.choice.chosen])
    anchor, label = ("end", x - 10) if x > LEFT + 130 else ("start", x - 4)
    drawn.append(
        f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="10"/>'
        f'<text class="chosen" x="{label:.1f}" y="{y - 14:.1f}" text-anchor="{anchor}">recommended'
        "</text>"
    )
    middle = (LEFT + WIDTH - RIGHT) / 2
    return (
        f'<div class="chart"><svg class="front" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Recall over false boxes a picture">{"".join(drawn)}'
        f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">false boxes a picture</text>'
        f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">recall'
        "</text></svg></div>"
        f'<p class="axes">{speed.max():.0f} ms<i class="scale"></i>{speed.min():.0f} ms a picture, '
        "logarithmic</p>"
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
    rows = rows[np.lexsort((result.measures["false_per_picture"].value[rows],
                            -result.measures["recall"].value[rows]))]  # fmt: skip
    first = _table(result, rows[:SHOWN])
    if len(rows) <= SHOWN:
        return first
    return (
        f"{first}<details><summary>{len(rows) - SHOWN} more</summary>"
        f"{_table(result, rows[SHOWN:])}</details>"
    )


def _table(result: SweepResult, rows: np.ndarray) -> str:
    names = varied_fields(result.settings)
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
