"""The album's numbers: a chart of what is left after each stage, and a table of all stages."""

from typing import Optional

import numpy as np

from cvbaseline.album.stage_rates import Passed
from cvbaseline.cascade import Cascade

WIDTH, HEIGHT = 900, 250  # of the chart, in its own units
LEFT, RIGHT, TOP, BOTTOM = 112, 152, 14, 30


def render_funnel(hits: Optional[Passed], false_alarms: Optional[Passed]) -> str:
    """What is left after each stage on a logarithmic scale, as SVG; nothing without rates."""
    curves = [
        (passed, kind, name)
        for passed, kind, name in ((hits, "p", "positives"), (false_alarms, "n", "background"))
        if passed is not None
    ]
    if not curves:
        return ""
    shares = [np.concatenate([[1.0], passed.passed / passed.windows]) for passed, _, _ in curves]
    least = min(float(share[share > 0].min()) for share in shares)
    decades = max(1, int(np.ceil(-np.log10(least) - 1e-9)))
    stages = len(shares[0]) - 1

    def place(stage: int, share: float) -> str:
        x = LEFT + (WIDTH - LEFT - RIGHT) * stage / max(1, stages)
        y = TOP + (HEIGHT - TOP - BOTTOM) * -np.log10(share) / decades
        return f"{x:.1f},{y:.1f}"

    lines = []
    for decade in range(decades + 1):
        y = TOP + (HEIGHT - TOP - BOTTOM) * decade / decades
        label = "all" if decade == 0 else f"1 in {10**decade:,}"
        lines.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
        )
    every = max(1, -(-stages // 20))
    for stage in range(0, stages, every):
        x = LEFT + (WIDTH - LEFT - RIGHT) * (stage + 1) / stages
        lines.append(f'<text x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{stage}</text>')
    lines.append(f'<text x="{LEFT}" y="{HEIGHT - 8}" text-anchor="middle">stage</text>')
    drawn = []
    for (_, kind, name), share in zip(curves, shares):
        points = [place(stage, value) for stage, value in enumerate(share) if value > 0]
        dots = "".join(
            '<circle cx="{}" cy="{}" r="3"/>'.format(*point.split(",")) for point in points[1:]
        )
        x, y = map(float, points[-1].split(","))
        last = f"{name} {share[-1]:.1%}" if share[-1] > 0.001 else name
        drawn.append(
            f'<g class="{kind}"><polyline points="{" ".join(points)}"/>{dots}'
            f'<text x="{x + 10:.1f}" y="{y + 4:.1f}">{last}</text></g>'
        )
    return (
        f'<svg class="funnel" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="What is left after each stage">'
        f"{''.join(lines)}{''.join(drawn)}</svg>"
    )


def render_table(cascade: Cascade, hits: Optional[Passed], false_alarms: Optional[Passed]) -> str:
    """Every stage with its rates."""
    rows = []
    for number, stage in enumerate(cascade.stages):
        rows.append(
            f'<tr><th scope="row"><a href="#stage-{number}">{number}</a></th>'
            f"<td>{stage.trees.count:,}</td>"
            f"{_rate_cell(hits, number, 'p')}{_rate_cell(false_alarms, number, 'n')}"
            f"<td>{_left(hits, number)}</td><td>{_left(false_alarms, number)}</td></tr>"
        )
    return (
        '<div class="scroll"><table><thead><tr><th>Stage</th><th>Weak classifiers</th>'
        "<th>Hit rate</th><th>False alarm rate</th><th>Positives left</th>"
        "<th>Background left</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _rate_cell(passed: Optional[Passed], number: int, kind: str) -> str:
    """A stage's rate with a bar; says so where it was not measured."""
    if passed is None:
        return '<td class="none">not measured</td>'
    if not passed.reached[number]:
        return '<td class="none">nothing reaches it</td>'
    rate = float(passed.rates[number])
    return (
        f'<td><span class="rate {kind}"><i style="--v:{rate:.2%}"></i><b>{rate:.2%}</b></span></td>'
    )


def _left(passed: Optional[Passed], number: int) -> str:
    """The share of all windows that is left after a stage."""
    if passed is None:
        return "–"
    through = int(passed.passed[number])
    if not through:
        return f"none of {passed.windows:,}"
    share = through / passed.windows
    return f"{share:.1%}" if share >= 0.1 else f"1 in {round(1 / share):,}"
