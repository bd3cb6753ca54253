"""Charts as SVG: lines with intervals, and rows of dots with intervals.

Colours of text and lines come from the page's style, so a chart is light or dark as the page is;
`standalone` makes a file of one, with that style in it.
"""

import textwrap
from collections.abc import Sequence
from typing import NamedTuple, Optional

from cvbaseline.bootstrap import Estimate
from cvbaseline.html_page import escape
from cvbaseline.reports.chart_axes import Axis

WIDTH, HEIGHT = 560, 330  # of a line chart without its legend, in its own units
LEFT, RIGHT, TOP, BOTTOM = 58, 24, 14, 46
LETTER = 7.2  # about the width of a letter
ROW, GAP = 15, 12  # of a chart of rows: a row's height, and between groups of rows
LINE, LONGEST_LINE = 16, 28  # a line of a row's name: its height, and letters at most

# One for each contender, readable on light and dark cards; after the last they repeat.
COLOURS = (
    "#1c7ed6", "#d9480f", "#2f9e44", "#ae3ec9", "#b58900", "#0c8599", "#e64980", "#6741d9",
    "#868e96", "#74b816",
)  # fmt: skip

CHART_STYLE = """
svg.chart{display:block;width:100%;height:auto}
.chart text{fill:var(--soft);font-size:13px}
.chart .name{fill:var(--ink)}
.chart .axis{stroke:var(--line);stroke-width:1}
.chart .reference{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:3 4;fill:none}
.chart .line{fill:none;stroke:var(--c);stroke-width:2.2;stroke-linejoin:round}
.chart .thin{stroke-width:1.2;opacity:.55}
.chart .dashed{stroke-dasharray:5 4}
.chart .interval{stroke:var(--c);stroke-width:2;opacity:.45}
.chart .bar{fill:#1c7ed6}
.chart .dot{fill:var(--c);stroke:var(--card);stroke-width:1.5}
"""

STANDALONE_STYLE = """
:root{--card:#fff;--ink:#1d1c1a;--soft:#5d5a55;--line:#dedbd6}
svg{background:var(--card);font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
@media(prefers-color-scheme:dark){:root{--card:#212123;--ink:#ecebe8;--soft:#a19e99;--line:#3a3a3e}}
"""


class Series(NamedTuple):
    """One line of a chart."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]  # (x, y), ascending x
    intervals: Sequence[tuple[float, float]] = ()  # (low, high) of each point, or none
    style: str = ""  # CSS classes: thin, dashed
    dots: bool = True


class Row(NamedTuple):
    """One dot with its interval in a chart of rows."""

    name: str
    colour: str
    value: Estimate


class _Frame(NamedTuple):
    """The axes of a line chart and where its field begins."""

    across: Axis
    up: Axis
    top: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The place of a point in the chart's units."""
        field = self.top + HEIGHT - BOTTOM
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * self.across.place(x),
            field - (HEIGHT - BOTTOM) * self.up.place(y),
        )


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each name."""
    return {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}


def line_chart(
    title: str,
    series: Sequence[Series],
    across: Axis,
    up: Axis,
    diagonal: bool = False,
    names: Optional[dict[str, str]] = None,
) -> str:
    """Lines through points.

    diagonal : draw where both axes have the same value
    names : those of the legend with their colours; without it the series'
    """
    legend, top = _legend(names or {one.name: one.colour for one in series})
    frame = _Frame(across, up, top)
    drawn = legend + _grid(frame)
    if diagonal:
        start, end = max(across.low, up.low), min(across.high, up.high)
        (x1, y1), (x2, y2) = frame.at(start, start), frame.at(end, end)
        drawn += f'<path class="reference" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'
    for one in series:
        drawn += f'<g style="--c:{one.colour}"><title>{escape(one.name)}</title>'
        points = [frame.at(x, y) for x, y in one.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn += f'<polyline class="line {one.style}" points="{path}"/>'
        for (x, _), ends in zip(one.points, one.intervals):
            (left, y1), (_, y2) = (frame.at(x, end) for end in ends)
            drawn += _interval(left, y1, left, y2)
        drawn += "".join(_dot(x, y) for x, y in points) if one.dots else ""
        drawn += "</g>"
    return _svg(title, top + HEIGHT, drawn)


def scatter_chart(title: str, rows: Sequence[tuple[Row, float]], across: Axis, up: Axis) -> str:
    """Named dots with intervals; each comes with its place on the axis across."""
    frame = _Frame(across, up, TOP)
    drawn = _grid(frame)
    dots = [frame.at(place, row.value.value) for row, place in rows]
    # Left, right and line of what names must not cover: the dots, and the names so far.
    taken = [(x - 6, x + 6, y + 4) for x, y in dots]
    for row, place in sorted(rows, key=lambda one: -one[0].value.value):
        x, y = frame.at(place, row.value.value)
        name = row.name
        if LETTER * len(name) > max(x - LEFT, WIDTH - RIGHT - x) - 10:
            name = f"{_wrapped(name)[0].rstrip(',')} …"
        left, line = _free_place(x, y, LETTER * len(name), taken)
        taken.append((left, left + LETTER * len(name), line))
        where = f'x="{x + 10:.1f}"' if left > x else f'x="{x - 10:.1f}" text-anchor="end"'
        drawn += f'<g style="--c:{row.colour}"><title>{escape(row.name)}: {row.value}</title>'
        drawn += _interval(
            x, frame.at(place, row.value.low)[1], x, frame.at(place, row.value.high)[1]
        )
        drawn += _dot(x, y)
        drawn += f'<text class="name" {where} y="{line:.1f}">{escape(name)}</text></g>'
    return _svg(title, TOP + HEIGHT, drawn)


def _free_place(
    x: float, y: float, length: float, taken: Sequence[tuple[float, float, float]]
) -> tuple[float, float]:
    """Where a name of that length, right or left of a dot, begins, and its line: the nearest free.

    taken : left, right and line of what it must not cover
    """
    places = []
    for left in (x + 10, x - 10 - length):
        near = [line for start, end, line in taken if left < end and start < left + length]
        # The dot's own line, then those below and above it.
        lines = (y + 4 + way * step for step in range(HEIGHT) for way in (1, -1))
        free = (one for one in lines if all(abs(one - line) >= LINE for line in near))
        places.append((left, next(free, y + 4)))
    inside = [one for one in places if one[0] >= LEFT and one[0] + length <= WIDTH - RIGHT]
    return min(inside or places, key=lambda one: abs(one[1] - y - 4))


def row_chart(
    title: str,
    groups: Sequence[tuple[str, Sequence[Row]]],
    axis: Axis,
    reference: Optional[float] = None,
) -> str:
    """Groups of rows, each a dot with its interval; a dashed line at `reference`.

    The rows of groups that have names are known by their colours; else a group is a single row
    that has its own name.
    """
    by_name = any(name for name, _ in groups)
    legend, top = _legend(
        {row.name: row.colour for _, rows in groups for row in rows} if by_name else {}
    )
    names = [_wrapped(name if by_name else rows[0].name) for name, rows in groups]
    left = 20 + LETTER * max(len(line) for lines in names for line in lines)
    heights = [
        max(ROW * len(rows), LINE * len(lines)) for lines, (_, rows) in zip(names, groups)
    ]
    bottom = top + sum(heights) + GAP * len(groups)

    def across(value: float) -> float:
        return left + (WIDTH - RIGHT - left) * axis.place(value)

    drawn = legend
    for mark in map(_tidy, axis.marks):
        x = across(mark)
        drawn += f'<path class="axis" d="M{x:.1f} {top}V{bottom}"/>'
        drawn += f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{mark:g}</text>'
    middle = (left + WIDTH - RIGHT) / 2
    drawn += f'<text x="{middle:.1f}" y="{bottom + BOTTOM - 8}" text-anchor="middle">'
    drawn += f"{escape(axis.name)}</text>"
    if reference is not None:
        drawn += f'<path class="reference" d="M{across(reference):.1f} {top}V{bottom}"/>'
    y = top + GAP / 2
    for lines, height, (_, rows) in zip(names, heights, groups):
        for number, line in enumerate(lines):
            centre = y + height / 2 + LINE * (number - (len(lines) - 1) / 2) + 4
            drawn += f'<text class="name" x="{left - 10:.1f}" y="{centre:.1f}" text-anchor="end">'
            drawn += f"{escape(line)}</text>"
        end = y + height + GAP
        y += (height - ROW * len(rows)) / 2
        for row in rows:
            low, value, high = map(across, (row.value.low, row.value.value, row.value.high))
            drawn += f'<g style="--c:{row.colour}"><title>{escape(row.name)}: {row.value}</title>'
            drawn += _interval(low, y + ROW / 2, high, y + ROW / 2)
            drawn += f"{_dot(value, y + ROW / 2)}</g>"
            y += ROW
        y = end
    return _svg(title, bottom + BOTTOM, drawn)


def bar_chart(title: str, bars: Sequence[tuple[str, int]]) -> str:
    """Counts as bars, one below the other, with their numbers."""
    left = 20 + LETTER * max(len(name) for name, _ in bars)
    most = max(count for _, count in bars) or 1
    widest = WIDTH - RIGHT - left - LETTER * (2 + len(f"{most:,}"))
    drawn, y = "", TOP
    for name, count in bars:
        length, centre = widest * count / most, y + ROW / 2 + 4
        drawn += (
            f'<text class="name" x="{left - 10:.1f}" y="{centre:.1f}" text-anchor="end">'
            f'{escape(name)}</text><rect class="bar" x="{left:.1f}" y="{y}" rx="3" '
            f'width="{length:.1f}" height="{ROW}"/>'
            f'<text x="{left + length + 8:.1f}" y="{centre:.1f}">{count:,}</text>'
        )
        y += ROW + GAP / 2
    return _svg(title, y + TOP, drawn)


def standalone(svg: str) -> str:
    """A chart as a file of its own."""
    start, rest = svg.split(">", 1)
    return (
        f'{start} xmlns="http://www.w3.org/2000/svg"><style>{STANDALONE_STYLE}{CHART_STYLE}'
        f"</style>{rest}\n"
    )


def _wrapped(name: str) -> list[str]:
    """A name in lines that leave room for what is drawn beside them."""
    return textwrap.wrap(name, LONGEST_LINE, break_on_hyphens=False) or [name]


def _legend(names: dict[str, str]) -> tuple[str, float]:
    """Which colour is whose, and where the field below begins; nothing for a single name."""
    if len(names) < 2:
        return "", TOP
    drawn, x, y = "", 4.0, 16
    for name, colour in names.items():
        width = 36 + LETTER * len(name)
        if x > 4 and x + width > WIDTH:
            x, y = 4.0, y + 20
        drawn += f'<g style="--c:{colour}">{_dot(x + 6, y - 4)}</g>'
        drawn += f'<text class="name" x="{x + 16:.1f}" y="{y}">{escape(name)}</text>'
        x += width
    return drawn, y + 16


def _grid(frame: _Frame) -> str:
    """Lines at the axes' marks, their numbers and names."""
    across, up, drawn = frame.across, frame.up, ""
    for mark in map(_tidy, up.marks):
        (left, y), (right, _) = frame.at(across.low, mark), frame.at(across.high, mark)
        drawn += f'<path class="axis" d="M{left:.1f} {y:.1f}H{right:.1f}"/>'
        drawn += f'<text x="{left - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>'
    for mark in map(_tidy, across.marks):
        (x, top), (_, bottom) = frame.at(mark, up.high), frame.at(mark, up.low)
        label = f"{mark:,.0f}" if mark >= 1000 else f"{mark:g}"
        drawn += f'<path class="axis" d="M{x:.1f} {top:.1f}V{bottom:.1f}"/>'
        drawn += f'<text x="{x:.1f}" y="{bottom + 18:.1f}" text-anchor="middle">{label}</text>'
    (left, top), (right, bottom) = frame.at(across.low, up.high), frame.at(across.high, up.low)
    drawn += f'<text x="{(left + right) / 2:.1f}" y="{bottom + 38:.1f}" text-anchor="middle">'
    drawn += f"{escape(across.name)}</text>"
    turn = f"translate(14 {(top + bottom) / 2:.1f}) rotate(-90)"
    return drawn + f'<text transform="{turn}" text-anchor="middle">{escape(up.name)}</text>'


def _interval(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path class="interval" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def _dot(x: float, y: float) -> str:
    return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'


def _tidy(number: float) -> float:
    """Without the last bits of sums."""
    return float(f"{number:.6g}")


def _svg(title: str, height: float, drawn: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="{escape(title)}">{drawn}</svg>'
    )
