"""The sweep's page: the setting to take, heatmaps, the Pareto front, and how it was measured."""

import numpy as np

from cvbaseline.bootstrap import Estimate
from cvbaseline.html_page import escape, escape_lines, render_page
from cvbaseline.sweeping.choice import AS_FAST, FOLDS, HARDLY, REPEATS
from cvbaseline.sweeping.front_chart import FRONT_STYLE, render_front, render_front_table
from cvbaseline.sweeping.heatmaps import (
    HEAT_STYLE,
    capital,
    groups_of,
    render_heatmap,
    render_small,
)
from cvbaseline.sweeping.result import (
    COLUMNS,
    ROWS,
    SweepResult,
    as_word,
    command_line,
    count_of,
    describe,
    python_lines,
    reason,
    rounded,
    said_fields,
    varied_fields,
)

FEW_FACES = 100  # intervals are wide below
MOST_SMALL = 12  # small heatmaps

STYLE = """
header{padding-top:2.2rem}
.pick{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));
gap:1.4rem 2rem;background:var(--card);border:1px solid var(--line);
border-radius:14px;box-shadow:var(--shade);
padding:1.2rem 1.4rem 1.3rem;margin-top:.8rem}
.pick>div{min-width:0}
.setting{display:flex;flex-wrap:wrap;gap:.5rem 1.6rem;margin:0 0 .9rem;padding:0;list-style:none}
.setting b{display:block;font-size:1.5rem;line-height:1.2;letter-spacing:-.02em;
font-variant-numeric:tabular-nums}
.setting li{color:var(--soft);font-size:.85rem}
.setting b{color:var(--ink)}
.pick p{margin:.4rem 0 0}
pre{background:var(--bg);border:1px solid var(--line);border-radius:8px;padding:.55rem .75rem;
margin:.3rem 0 .8rem;font:.82rem/1.5 ui-monospace,"SF Mono",Menlo,Consolas,monospace;
white-space:pre-wrap;overflow-wrap:anywhere;user-select:all}
.pick h3{margin:0;font-size:.85rem;color:var(--soft);font-weight:500}
.worth{font-size:.92rem}
.worth td,.worth th{padding:.34rem .6rem .34rem 0;white-space:normal}
.worth td:nth-child(n+2),.worth th:nth-child(n+2){text-align:right}
.worth small{color:var(--soft);display:block;font-size:.82em;line-height:1.2;white-space:nowrap}
.notes{max-width:62rem;padding-left:1.2rem}.notes li{margin:.3rem 0}
@media print{.pick,.maps,.front{break-inside:avoid}section{padding-top:1.2rem}
}
"""


def render_report(result: SweepResult) -> str:
    """The page as text."""
    material = result.material
    place = material.annotations.resolve()
    folder = place if place.is_dir() else place.parent
    title = f"Detector settings for {folder.name}"
    body = f"""<header>
<h1><bdi>{escape(title)}</bdi></h1>
<p class="about"><bdi>{escape(material.cascade.name)}</bdi> at
{count_of(len(result.settings), "setting")} on {count_of(material.pictures, "picture")} with
{count_of(material.faces, "face")}, {material.megapixels:.2g} megapixels
a picture. All numbers: <a href="records.csv">records.csv</a>,
<a href="records.json">records.json</a>.</p>
</header>
<main>
{_recommended(result)}
{_heatmaps(result)}
{_others(result)}
{_front(result)}
{_how(result)}
{_left_out(result)}
</main>
<footer>{escape(material.program)}; cascade SHA-256 {material.cascade_content[:16]}…</footer>"""
    return render_page(title, STYLE + HEAT_STYLE + FRONT_STYLE, body)


def _recommended(result: SweepResult) -> str:
    """The setting, what it is worth, why, and lines to paste."""
    items = "".join(
        f"<li><b>{escape(as_word(getattr(result.chosen, name)))}</b>{name.replace('_', ' ')}</li>"
        for name in said_fields(result.settings)
    )
    why = " ".join(reason(result))
    return f"""<section id="recommended">
<h2>The setting to take</h2>
<div class="pick">
<div><ul class="setting">{items}</ul>
<h3>Command line (also for crop and sort)</h3><pre>{escape(command_line(result))}</pre>
<h3>Python with OpenCV</h3><pre>{escape_lines(python_lines(result))}</pre>
<p>{escape(why)}</p></div>
<div>{_worth(result)}</div>
</div>
</section>"""


def _worth(result: SweepResult) -> str:
    """A table of the recommended setting's measures: here, and expected elsewhere."""
    rows = []
    for name, values in result.measures.items():
        here = _estimate(values.of(result.choice.chosen))
        other = result.expected.get(name)
        elsewhere = "–" if other is None or name == "ms_per_picture" else _estimate(other)
        rows.append(f"<tr><td>{escape(values.title)}</td><td>{here}</td><td>{elsewhere}</td></tr>")
    return f"""<table class="worth"><thead><tr><th></th><th>on these pictures</th>
<th>expected on others</th></tr></thead><tbody>{"".join(rows)}</tbody></table>
<p class="hint">With 95 % intervals. The setting was chosen on these pictures, so its measures on
them are too good; what to expect is measured on pictures that took no part in the choice.</p>"""


def _estimate(estimate: Estimate) -> str:
    value, low, high = (rounded(one) for one in estimate)
    return f"<b>{value}</b><small>{low} to {high}</small>"


def _heatmaps(result: SweepResult) -> str:
    """Large heatmaps for the other fields of the recommended setting."""
    others = [name for name in varied_fields(result.settings) if name not in (ROWS, COLUMNS)]
    fixed = f", with {describe(result.chosen, others)}" if others else ""
    names = ["recall", "precision", "f1", "ms_per_picture"]
    names += [name for name in ("accuracy", "macro_f1") if name in result.measures]
    group = next(group for group in groups_of(result.settings) if result.choice.chosen in group)
    maps = "".join(render_heatmap(result, name, group) for name in names)
    return f"""<section id="heatmaps">
<h2>Scale factor and min neighbors{escape(fixed)}</h2>
<p class="hint">Scale factor down, min neighbors across; worse<i class="scale"></i>better; the
outlined cell is the setting to take.</p>
<div class="maps">{maps}</div>
</section>"""


def _others(result: SweepResult) -> str:
    """A small heatmap for every other combination of the other fields, the best first."""
    fields = [name for name in varied_fields(result.settings) if name not in (ROWS, COLUMNS)]
    groups = groups_of(result.settings)
    if len(groups) < 2:
        return ""
    values = result.measures[result.chosen_by]
    merit = np.nan_to_num(values.value, nan=-1.0)
    figures = []
    for group in sorted(groups, key=lambda group: -merit[group].max()):
        best = group[int(merit[group].argmax())]
        place = describe(result.settings[best], [ROWS, COLUMNS])
        note = f"best {values.title} {rounded(values.value[best])} at {place}"
        title = describe(result.settings[best], fields)
        figures.append(render_small(result, result.chosen_by, group, title, note))
    shown, more = "".join(figures[:MOST_SMALL]), "".join(figures[MOST_SMALL:])
    folded = ""
    if more:
        count = len(figures) - MOST_SMALL
        summary = f"<summary>{count} more</summary>"
        folded = f'<details>{summary}<div class="small">{more}</div></details>'
    return f"""<section id="others">
<h2>{escape(capital(values.title))} with the other settings</h2>
<p class="hint">Same colours as above, the best first.</p>
<div class="small">{shown}</div>{folded}
</section>"""


def _front(result: SweepResult) -> str:
    return f"""<section id="front">
<h2>What can be traded<span>Pareto front: {count_of(int(result.front.sum()), "setting")}</span></h2>
<p class="hint">No setting finds more, with fewer false boxes and in less time, than one of these.
Pale dots are the settings that one of them beats.</p>
{render_front(result)}
{render_front_table(result)}
</section>"""


def _how(result: SweepResult) -> str:
    """How it was measured, and what that leaves open."""
    material = result.material
    count, drawn = material.drawn
    beside = (
        "while nothing else of the sweep ran"
        if material.jobs == 1
        else "while other pictures were searched on the other cores, which slows all of them down"
    )
    notes = [
        f"A face is found when a box overlaps its true box by an intersection over union of "
        f"{material.min_iou} or more; a true box is found once. What lies in a region to ignore "
        "does not count.",
        "Windows and their groups are those of OpenCV's detectMultiScale. One search serves every "
        "min_neighbors: the windows are grouped once, and a larger one drops groups.",
        f"Milliseconds are processor time of one core for a picture in memory, {beside}; a setting "
        f"has the time of its search. Times within {AS_FAST:.0%} count as equal.",
        f"Intervals hold 95 % of 1,000 bootstrap draws of whole {drawn}. They say how much other "
        f"{drawn} of the same kind would differ, and nothing about other kinds.",
        f"The choice: settings with {result.measures[result.chosen_by].title} at most {HARDLY} "
        "below the highest and not proven lower by the paired bootstrap; the fastest of them.",
        f"What to expect: the {drawn} were divided into {min(FOLDS, count)} parts "
        f"{REPEATS} times; each part was measured with the setting that the same rule chose on the "
        "others.",
    ]
    if material.labelled:
        notes.append(
            f"Accuracy and macro F1 are of {material.labelled:,} labelled faces: cut out where the "
            "setting finds them, named by the model. A missed face counts as wrong."
        )
    if material.faces < FEW_FACES:
        notes.append(
            f"{material.faces} faces are few: annotate more pictures before small differences here "
            "mean anything."
        )
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<section id="how"><h2>How it was measured</h2><ul class="notes">{items}</ul></section>'


def _left_out(result: SweepResult) -> str:
    """Pictures that could not be read."""
    problems = result.material.problems
    if not problems:
        return ""
    items = "".join(f"<li><bdi>{escape(problem)}</bdi></li>" for problem in problems)
    return f'<section id="left-out"><h2>Left out</h2><ul class="notes">{items}</ul></section>'
