"""Reports: axes hold their values, charts stay in their frame, text stays text."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cvbaseline.bootstrap import Estimate
from cvbaseline.reports.blocks import (
    Code,
    Confusion,
    Faces,
    Figure,
    Fold,
    Paragraph,
    Remark,
    Report,
    Section,
    Table,
)
from cvbaseline.reports.chart_axes import linear_axis, logarithmic_axis
from cvbaseline.reports.charts import (
    LETTER,
    LINE,
    WIDTH,
    Row,
    Series,
    bar_chart,
    line_chart,
    row_chart,
    scatter_chart,
    standalone,
)
from cvbaseline.reports.html import render_html
from cvbaseline.reports.markdown import render_figures, render_markdown

NUMBERS = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=6)


@given(values=NUMBERS)
def test_a_linear_axis_holds_its_values_between_marks(values):
    axis = linear_axis("x", values)
    slack = 1e-6 * max(1.0, axis.high - axis.low)
    assert axis.low <= min(values) + slack and max(values) <= axis.high + slack
    assert 2 <= len(axis.marks) <= 8
    assert np.allclose([axis.marks[0], axis.marks[-1]], [axis.low, axis.high], atol=slack)
    assert len(set(np.round(np.diff(axis.marks) / (axis.high - axis.low), 6))) == 1
    places = [axis.place(value) for value in sorted(values)]
    assert all(0 <= place <= 1 for place in places) and places == sorted(places)


@given(values=st.lists(st.floats(1e-4, 1e6), min_size=1, max_size=6))
def test_a_logarithmic_axis_holds_its_values(values):
    axis = logarithmic_axis("x", values)
    assert axis.low < min(values) and max(values) < axis.high and len(axis.marks) <= 12
    ratio = axis.place(values[0] * 1.1) - axis.place(values[0])
    assert ratio > 0


def charts():
    """One of each kind, with names that are no names."""
    x, y = logarithmic_axis("n", [10, 900]), linear_axis("accuracy", [0.2, 0.9], 1)
    row = Row("<b>", "#123456", Estimate(0.5, 0.4, 0.6))
    series = [
        Series("<b>", "#123456", [(10, 0.2), (900, 0.9)], [(0.2, 0.3), (0.8, 0.9)]),
        Series('a "quoted" & long name', "#654321", [(20, 0.4)]),
    ]
    return [
        line_chart("lines", series, x, y),
        line_chart("diagonal", series, y, y, diagonal=True),
        scatter_chart("dots", [(row, 20.0)], x, y),
        row_chart("rows", [("", [row])], y, 0.3),
        row_chart("groups", [("class & co", [row, row])], y),
        bar_chart("bars", [("a<b", 3), ("c", 0)]),
    ]


def test_charts_are_xml_within_their_frame():
    for chart in charts():
        svg = ElementTree.fromstring(standalone(chart))
        _, _, width, height = map(float, svg.get("viewBox").split())
        assert width == WIDTH
        for dot in svg.iter("{http://www.w3.org/2000/svg}circle"):
            assert 0 <= float(dot.get("cx")) <= width and 0 <= float(dot.get("cy")) <= height
        assert "<b>" in "".join(svg.itertext()) or "bars" in chart


def test_names_in_a_scatter_chart_cover_neither_each_other_nor_the_dots():
    rng = np.random.default_rng(5)
    x, y = linear_axis("n", [0, 100]), linear_axis("accuracy", [0, 1], 1)
    for _ in range(20):
        places, values = rng.uniform(0, 100, 9), rng.uniform(0.5, 0.6, 9)
        rows = [
            (Row("x" * rng.integers(3, 60), "#123456", Estimate(value, value, value)), place)
            for place, value in zip(places, values)
        ]
        svg = ElementTree.fromstring(standalone(scatter_chart("dots", rows, x, y)))
        boxes = []
        for text in svg.iter("{http://www.w3.org/2000/svg}text"):
            if text.get("class") == "name" and "x" in text.text:
                width, at = LETTER * len(text.text), float(text.get("x"))
                left = at - width if text.get("text-anchor") == "end" else at
                assert left >= 0 and left + width <= WIDTH
                boxes.append((left, left + width, float(text.get("y"))))
        assert len(boxes) == 9
        for i, (left, right, line) in enumerate(boxes):
            for start, end, other in boxes[:i]:
                assert right <= start or end <= left or abs(line - other) >= LINE - 0.2
            for dot in svg.iter("{http://www.w3.org/2000/svg}circle"):
                beside = not left < float(dot.get("cx")) < right
                assert beside or not line - 12 < float(dot.get("cy")) < line + 3


REPORT = Report(
    title="<Faces> & *co*",
    about="About _this_",
    remarks=[Remark("warning", "mind <this>")],
    sections=[
        Section(
            "Blocks",
            [
                Paragraph("a `b` [c]"),
                Table(("name", "x|y", "words"), [("a_b", "0.5 (0.4 to 0.6)", "-")], frozenset({2})),
                Confusion("who", ("a", "b"), np.array([[3.0, 1.0, 0.0], [0.0, 2.0, 4.0]])),
                Figure("lines", "A chart.", charts()[0]),
                Faces([np.zeros((8, 8), np.uint8)], ["<face>"]),
                Fold("more", [Code("x = <y>\n  z", "sh")]),
            ],
            hint="how",
        ),
        Section(
            "Nothing but faces",
            [
                Paragraph("named"),
                Faces([np.zeros((8, 8), np.uint8)], [""]),
                Fold("more", [Faces([np.zeros((8, 8), np.uint8)], [""])]),
            ],
            "hint",
        ),
    ],
    footer="end",
    generator="test",
)


def test_html_holds_every_block_and_escapes_it():
    page = render_html(REPORT)
    for part in (
        "&lt;Faces&gt; &amp; *co*", "<b>Warning:</b> mind &lt;this&gt;", "a `b` [c]", "x|y",
        "0.5<small>(0.4 to 0.6)</small>", "not found", "&lt;face&gt;", "x = &lt;y&gt;\n  z",
        'alt="a face"', "data:image/png;base64,",
    ):  # fmt: skip
        assert part in page
    cells = re.findall(r'--v:([\d.]+)" title="([^"]*)"', page)
    assert cells[0] == ("0.750", "a taken for a: 3 (75%)")
    assert cells[5] == ("0.667", "b taken for not found: 4 (67%)")


def test_counts_that_are_means_over_repeats_add_up():
    counts = np.array([[1233.5, 0.5, 0.0], [1 / 3 + 2 / 3, 1.0, 0.0]])
    section = Section("Confusion", [Confusion("who", ("a", "b"), counts)])
    report = REPORT._replace(sections=[section])
    assert "| a | 1233.5 | 0.5 | 0 |\n| b | 1 | 1 | 0 |" in render_markdown(report)
    assert re.findall(r'%\)">([^<]*)</td>', render_html(report)) == [
        "1233.5", "0.5", "", "1", "1", "",
    ]  # fmt: skip


def test_long_names_leave_room_for_the_confusion_matrix():
    """Their columns are numbered as the rows are, and matrices stand one below the other."""

    def page(*names):
        matrix = Confusion("who", names, np.ones((2, 3)))
        section = Section("Confusion", [matrix, matrix])
        return render_html(REPORT._replace(sections=[section]))

    nested = [f"drawings/a series of many words/{name}" for name in "ab"]
    long, short = page(*nested), page("a", "b")
    heads = [re.findall(r"<th>([^<]*)</th>", text)[1:4] for text in (long, short)]
    assert heads == [["1", "2", "not found"], ["a", "b", "not found"]]
    rows = re.findall(r'<th scope="row">([^<]*)</th>', long)
    assert rows[:2] == [f"{nested[0]} 1", f"{nested[1]} 2"]
    assert '<div class="beside alone"><div class="matrix long">' in long
    assert '<div class="beside"><div class="matrix">' in short


def test_markdown_holds_every_block_but_faces_and_escapes_it():
    text = render_markdown(REPORT)
    for part in (
        "# \\<Faces> & \\*co\\*", "About \\_this\\_", "- **Warning:** mind \\<this>",
        "a \\`b\\` \\[c]",
        "| name | x\\|y | words |", "| --- | ---: | --- |", "| a\\_b | 0.5 (0.4 to 0.6) | - |",
        "| b | 0 | 2 | 4 |", "![A chart.](figures/lines.svg)", "```sh\nx = <y>\n  z\n```",
    ):  # fmt: skip
        assert part in text, part
    assert "Nothing but faces" not in text and "base64" not in text
    assert list(render_figures(REPORT)) == ["lines.svg"]
