"""The page of `evaluate`: measures, curves, recall by size, galleries of misses and false boxes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cvbaseline.bootstrap import Estimate
from cvbaseline.boxes import iou
from cvbaseline.detection_metrics import score_in_words
from cvbaseline.detection_parameters import option_line
from cvbaseline.detector_quality.annotated_pictures import drawn_whole
from cvbaseline.detector_quality.charts import (
    CHART_STYLE,
    coloured,
    render_froc,
    render_precision_recall,
)
from cvbaseline.detector_quality.evaluate import (
    Evaluation,
    details_of,
    headline,
    size_name,
)
from cvbaseline.detector_quality.gallery import (
    GALLERY_STYLE,
    DrawnBox,
    Shot,
    render_gallery,
    render_key,
)
from cvbaseline.detector_quality.measures import MEASURES, taken_faces, written
from cvbaseline.detector_quality.searching import SearchedPicture
from cvbaseline.formats.files import make_folder_of, write_bytes
from cvbaseline.html_page import escape, render_page

NEAR = 0.1  # overlap with a missed face from which on a dropped candidate is worth naming

PAGE_STYLE = """
header{padding-top:2.2rem}
.setting{margin:0;overflow-wrap:anywhere}
.setting code{font-size:.92rem}
.cautions{margin:1rem 0 0;padding:.6rem 1rem;border-left:4px solid #e0a100;background:var(--card);
border-radius:0 10px 10px 0}
.cautions p{margin:.2rem 0}
.big{display:flex;flex-wrap:wrap;gap:.6rem 2.4rem;margin:1.2rem 0 0}
.big div{min-width:6.5rem}
.big b{display:block;font-size:1.9rem;line-height:1.15;letter-spacing:-.02em;
font-variant-numeric:tabular-nums}
.big small{color:var(--soft)}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,540px),1fr));gap:0 1rem;
align-items:start}
td.number,th.number{text-align:right}
th small{display:block;color:var(--soft);font-weight:400}
.range{position:relative;height:8px;min-width:7rem;border-radius:4px;background:var(--track)}
.range i{position:absolute;inset:0 auto 0 var(--low);width:calc(var(--high) - var(--low));
min-width:2px;border-radius:4px;background:var(--p);opacity:.45}
.range u{position:absolute;top:-2px;bottom:-2px;left:calc(var(--at) - 1.5px);width:3px;
border-radius:2px;background:var(--p)}
@media(max-width:560px){th,td{padding:.42rem .5rem}th{white-space:normal}.range{min-width:4.5rem}}
.skipped{color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}
"""


def write_evaluation_page(path: Path, evaluation: Evaluation, most: int) -> None:
    """Write the page; raises UserError when that is not possible."""
    make_folder_of(path)
    write_bytes(path, render_evaluation(evaluation, most).encode("utf-8"))


def render_evaluation(evaluation: Evaluation, most: int) -> str:
    """The page as text, with at most so many pictures in each gallery."""
    name, quality = evaluation.detector.name, evaluation.quality
    curves = coloured([name], [quality])
    misses, false = misses_of(evaluation), false_boxes_of(evaluation)
    source = evaluation.source.resolve().name or str(evaluation.source)
    about = headline(evaluation.searched, f"{name}", Path(source))
    _, drawn = drawn_whole([entry.picture for entry in evaluation.searched])
    body = f"""<header>
<h1><bdi>{escape(name)}</bdi> on <bdi>{escape(source)}</bdi></h1>
<p class="about">{
        escape(about.partition(": ")[2])
    }. A face counts as found when a box overlaps it by
{evaluation.min_iou:g} or more (intersection over union).</p>
<p class="setting"><code>{escape(option_line(evaluation.parameters))}</code></p>
{_big(evaluation)}
{render_notes(evaluation.warnings, evaluation.skipped)}
</header>
<main>
<section><h2>Curves</h2>
<p class="hint">Whatever min_neighbors: candidates that two windows agree on, ranked by score; with
a verifier only those that pass it, so a lower --verify-above shows more of the curve. The dot is
the setting, a bar the 95 % interval.</p>
<div class="charts">{render_froc(curves, bars=True)}{
        render_precision_recall(curves)
    }</div></section>
<section><h2>Measures</h2>
<div class="two">{_measures(evaluation)}{_sizes(evaluation)}</div></section>
<section id="misses"><h2>Misses <span>{len(misses):,}</span></h2>
<p class="hint">Faces that no box overlaps enough, largest first.</p>
{
        render_key(
            [
                ("true", "face"),
                ("found", "box found"),
                ("candidate", "candidate that was dropped"),
                ("ignore", "region to ignore"),
            ]
        )
    }
{render_gallery(misses, most)}</section>
<section id="false-boxes"><h2>False boxes <span>{len(false):,}</span></h2>
<p class="hint">Boxes without a face, highest score first.</p>
{render_gallery(false, most)}</section>
</main>
<footer>Made by cvbaseline evaluate. Intervals come from drawing the {drawn} anew 1,000
times.</footer>"""
    style = PAGE_STYLE + CHART_STYLE + GALLERY_STYLE
    return render_page(f"{name} on {source}", style, body)


def render_notes(cautions: list[str], skipped: list[str]) -> str:
    """What to keep in mind, and what was left out."""
    html = ""
    if cautions:
        lines = "".join(
            f"<p>{escape(caution[0].upper() + caution[1:])}.</p>" for caution in cautions
        )
        html += f'<div class="cautions">{lines}</div>'
    if skipped:
        lines = "<br>".join(map(escape, skipped))
        html += f'<p class="skipped">{len(skipped):,} pictures are left out:<br>{lines}</p>'
    return html


def _big(evaluation: Evaluation) -> str:
    estimates, details = evaluation.quality.estimates, details_of(evaluation.quality)
    parts = "".join(
        f"<div><b>{written(estimates[name].value, min(2, measure.decimals))}</b>"
        f"{measure.title}<br><small>{details.get(name, '&nbsp;')}</small></div>"
        for name, measure in MEASURES.items()
        if name in ("recall", "precision", "f1", "false_per_picture", "milliseconds")
    )
    return f'<div class="big">{parts}</div>'


def _measures(evaluation: Evaluation) -> str:
    more = f"<small>{details_of(evaluation.quality)['best_f1']}</small>"
    rows = "".join(
        f'<tr><th scope="row">{measure.title}{more if name == "best_f1" else ""}</th>'
        f"{number_cells(evaluation.quality.estimates[name], measure.decimals)}</tr>"
        for name, measure in MEASURES.items()
    )
    head = '<th>Measure</th><th class="number">Value</th><th>95 % interval</th>'
    return table(head, rows)


def _sizes(evaluation: Evaluation) -> str:
    if not evaluation.quality.sizes:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{size_name(size)}</th>'
        f'<td class="number">{size.found} of {size.faces}</td>'
        f'<td class="number">{size.recall.value:.2f}</td><td>{_range(size.recall)}</td></tr>'
        for size in evaluation.quality.sizes
    )
    head = (
        '<th>Size of the face</th><th class="number">Found</th><th class="number">Recall</th>'
        "<th>95 % interval</th>"
    )
    return table(head, rows)


def table(head: str, rows: str) -> str:
    """A table that scrolls by itself on a narrow screen."""
    inside = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<div class="scroll"><table>{inside}</table></div>'


def number_cells(estimate: Estimate, decimals: int) -> str:
    """A value and its interval."""
    value, low, high = (written(number, decimals) for number in estimate)
    return f'<td class="number">{value}</td><td class="none">{low} to {high}</td>'


def _range(estimate: Estimate) -> str:
    low, at, high = (f"{number:.1%}" for number in (estimate.low, estimate.value, estimate.high))
    return (
        f'<div class="range" style="--low:{low};--at:{at};--high:{high}" '
        f'title="{estimate.low:.2f} to {estimate.high:.2f}"><i></i><u></u></div>'
    )


def misses_of(evaluation: Evaluation) -> list[Shot]:
    """The faces that are not found, largest first."""
    shots = []
    for entry in evaluation.searched:
        taken = set(taken_faces(entry, entry.found, evaluation.min_iou).tolist())
        for face, box in enumerate(entry.picture.boxes.tolist()):
            if face not in taken:
                shots.append(_miss(entry, box, face))
    return sorted(shots, key=lambda shot: (-shot.box[2] * shot.box[3], str(shot.path)))


def _miss(entry: SearchedPicture, box: list[int], face: int) -> Shot:
    overlaps = iou(np.array([box]), entry.candidates.boxes)[0]
    drawn = [*boxes_of(entry), DrawnBox(box, "true main")]
    note = "no candidate near"
    if overlaps.size and overlaps.max() >= NEAR:
        best = int(overlaps.argmax())
        drawn.append(DrawnBox(entry.candidates.boxes[best].tolist(), "candidate"))
        score = entry.candidates.scores[best]
        note = f"nearest candidate: overlap {overlaps[best]:.2f}, score {score_in_words(score)}"
    return Shot(entry.picture.path, box, drawn, f"{box[2]} × {box[3]} pixels", note)


def false_boxes_of(evaluation: Evaluation) -> list[Shot]:
    """The boxes without a face, highest score first."""
    shots: list[tuple[float, Shot]] = []
    for entry in evaluation.searched:
        for index in false_indices(entry, evaluation.min_iou):
            box, score = entry.found.boxes[index].tolist(), float(entry.found.scores[index])
            drawn = [*boxes_of(entry), DrawnBox(box, "found main")]
            note = f"{box[2]} × {box[3]} pixels{_overlap_words(entry, box)}"
            title = f"score {score_in_words(score)}"
            shots.append((score, Shot(entry.picture.path, box, drawn, title, note)))
    return [shot for _, shot in sorted(shots, key=lambda pair: (-pair[0], str(pair[1].path)))]


def _overlap_words(entry: SearchedPicture, box: list[int]) -> str:
    overlaps = iou(np.array([box]), entry.picture.boxes)
    best = overlaps.max(initial=0)
    return f", overlaps a face by {best:.2f}" if best >= NEAR else ""


def false_indices(entry: SearchedPicture, min_iou: float) -> Iterator[int]:
    """Which of the found boxes are false."""
    taken = taken_faces(entry, entry.found, min_iou)
    return iter(np.flatnonzero(taken == -1).tolist())


def boxes_of(entry: SearchedPicture) -> list[DrawnBox]:
    """All that is in a picture and was found in it."""
    return [
        *(DrawnBox(box, "ignore") for box in entry.picture.ignore.tolist()),
        *(DrawnBox(box, "true") for box in entry.picture.boxes.tolist()),
        *(DrawnBox(box, "found") for box in entry.found.boxes.tolist()),
    ]
