"""The page of `compare`: curves over one another, differences, and the pictures that make them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cvbaseline.boxes import iou
from cvbaseline.detection_metrics import score_in_words
from cvbaseline.detector_quality.annotated_pictures import drawn_whole
from cvbaseline.detector_quality.charts import (
    CHART_STYLE,
    COLOURS,
    coloured,
    render_froc,
    render_names,
    render_precision_recall,
)
from cvbaseline.detector_quality.compare import COMPARED, Comparison, settings_of
from cvbaseline.detector_quality.evaluate import headline
from cvbaseline.detector_quality.evaluation_page import PAGE_STYLE, render_notes, table
from cvbaseline.detector_quality.gallery import (
    GALLERY_STYLE,
    DrawnBox,
    Shot,
    render_gallery,
    render_key,
)
from cvbaseline.detector_quality.measures import MEASURES, difference, taken_faces, written
from cvbaseline.detector_quality.searching import SearchedPicture
from cvbaseline.formats.files import make_folder_of, write_bytes
from cvbaseline.html_page import escape, render_page

SAME_PLACE = 0.3  # overlap from which on two detectors' false boxes are one

COMPARISON_STYLE = """
.verdict{font-weight:600}
.better{color:#2f9e44}.worse{color:#d9480f}
.pair{border-top:1px solid var(--line);margin-top:2.4rem;padding-top:2rem}
h3{font-size:1.05rem;margin:1.6rem 0 0}
h3 span{color:var(--soft);font-weight:400;margin-left:.4rem}
"""

Pair = list[tuple[SearchedPicture, SearchedPicture]]


def write_comparison_page(path: Path, comparison: Comparison, most: int) -> None:
    """Write the page; raises UserError when that is not possible."""
    make_folder_of(path)
    write_bytes(path, render_comparison(comparison, most).encode("utf-8"))


def render_comparison(comparison: Comparison, most: int) -> str:
    """The page as text, with at most so many pictures in each gallery."""
    names = [detector.name for detector in comparison.detectors]
    curves = coloured(names, comparison.qualities)
    source = comparison.source.resolve().name or str(comparison.source)
    about = headline(comparison.searched[0], "", Path(source)).partition(": ")[2]
    _, drawn = drawn_whole([entry.picture for entry in comparison.searched[0]])
    pairs = "".join(_pair(comparison, place, most) for place in range(1, len(names)))
    settings = "".join(
        f'<p class="setting"><code>{escape(line)}</code></p>\n' for line in settings_of(comparison)
    )
    body = f"""<header>
<h1>{len(names)} cascades on <bdi>{escape(source)}</bdi></h1>
<p class="about">{escape(about)}. A face counts as found when a box overlaps it by
{comparison.min_iou:g} or more (intersection over union).</p>
{settings}{render_notes(comparison.warnings, comparison.skipped)}
</header>
<main>
<section><h2>Curves</h2>
<p class="hint">Whatever min_neighbors: candidates that two windows agree on, ranked by score (with
a verifier those that pass it); at equal false boxes the higher curve is better. The dots are the
setting.</p>
{render_names(curves)}
<div class="charts">{render_froc(curves, bars=False)}{render_precision_recall(curves)}</div>
</section>
{pairs}
</main>
<footer>Made by cvbaseline compare. Intervals come from drawing the {drawn} anew 1,000 times, the
same for all cascades.</footer>"""
    style = PAGE_STYLE + CHART_STYLE + GALLERY_STYLE + COMPARISON_STYLE
    return render_page(f"{', '.join(names)} on {source}", style, body)


def _pair(comparison: Comparison, place: int, most: int) -> str:
    """A detector beside the first: the differences, and where they are."""
    first, other = comparison.detectors[0].name, comparison.detectors[place].name
    pictures = list(zip(comparison.searched[0], comparison.searched[place]))
    swapped = [(b, a) for a, b in pictures]
    min_iou = comparison.min_iou
    galleries = [
        (f"Found by {other} alone", faces_of_one(swapped, min_iou, "other", "found")),
        (f"Found by {first} alone", faces_of_one(pictures, min_iou, "found", "other")),
        (f"False boxes of {other} alone", false_of_one(swapped, min_iou, "other", "found")),
        (f"False boxes of {first} alone", false_of_one(pictures, min_iou, "found", "other")),
    ]
    shown = "".join(
        f"<h3>{escape(title)}<span>{len(shots):,}</span></h3>{render_gallery(shots, most)}"
        for title, shots in galleries
    )
    colours = f"--a:{COLOURS[0]};--b:{COLOURS[place % len(COLOURS)]}"
    key = render_key(
        [("true", "face"), ("found", first), ("other", other), ("ignore", "region to ignore")]
    )
    return f"""<section class="pair" style="{colours}">
<h2><bdi>{escape(other)}</bdi> beside <bdi>{escape(first)}</bdi></h2>
<p class="hint">Better or worse is said where the 95 % interval of the difference excludes 0.</p>
{_differences(comparison, place)}
{key}
{shown}</section>"""


def _differences(comparison: Comparison, place: int) -> str:
    first, other = comparison.qualities[0], comparison.qualities[place]
    rows = ""
    for name in COMPARED:
        measure = MEASURES[name]
        estimate, verdict = difference(other, first, name)
        values = "".join(
            f'<td class="number">{written(quality.estimates[name].value, measure.decimals)}</td>'
            for quality in (first, other)
        )
        value, low, high = (written(number, measure.decimals, sign=True) for number in estimate)
        rows += (
            f'<tr><th scope="row">{measure.title}</th>{values}<td class="number">{value}</td>'
            f'<td class="none">{low} to {high}</td>'
            f'<td class="verdict {verdict}">{verdict}</td></tr>'
        )
    columns = "".join(
        f'<th class="number"><bdi>{escape(comparison.detectors[index].name)}</bdi></th>'
        for index in (0, place)
    )
    more = '<th class="number">Difference</th><th>95 % interval</th><th></th>'
    return table(f"<th>Measure</th>{columns}{more}", rows)


def faces_of_one(pair: Pair, min_iou: float, mine: str, others: str) -> list[Shot]:
    """The faces that the first of each pair found and the second did not, largest first.

    mine, others : classes of the boxes that the two found
    """
    shots = []
    for one, two in pair:
        mine_taken = taken_faces(one, one.found, min_iou)
        theirs = set(taken_faces(two, two.found, min_iou).tolist())
        for index, face in enumerate(mine_taken.tolist()):
            if face < 0 or face in theirs:
                continue
            box = one.picture.boxes[face].tolist()
            drawn = [*_boxes(one, two, mine, others), DrawnBox(box, "true main")]
            note = f"score {score_in_words(one.found.scores[index])}"
            shots.append(Shot(one.picture.path, box, drawn, f"{box[2]} × {box[3]} pixels", note))
    return sorted(shots, key=lambda shot: (-shot.box[2] * shot.box[3], str(shot.path)))


def false_of_one(pair: Pair, min_iou: float, mine: str, others: str) -> list[Shot]:
    """The false boxes of the first of each pair where the second has none, highest score first."""
    shots: list[tuple[float, Shot]] = []
    for one, two in pair:
        theirs = two.found.boxes[_false(two, min_iou)]
        for index in _false(one, min_iou):
            box, score = one.found.boxes[index], float(one.found.scores[index])
            if iou(box[None], theirs).max(initial=0) >= SAME_PLACE:
                continue
            drawn = [*_boxes(one, two, mine, others), DrawnBox(box.tolist(), f"{mine} main")]
            title, note = f"score {score_in_words(score)}", f"{box[2]} × {box[3]} pixels"
            shots.append((score, Shot(one.picture.path, box.tolist(), drawn, title, note)))
    return [shot for _, shot in sorted(shots, key=lambda pair: (-pair[0], str(pair[1].path)))]


def _false(entry: SearchedPicture, min_iou: float) -> np.ndarray:
    return np.flatnonzero(taken_faces(entry, entry.found, min_iou) == -1)


def _boxes(
    one: SearchedPicture, two: SearchedPicture, mine: str, others: str
) -> Iterator[DrawnBox]:
    """All that is in a picture and what the two found in it."""
    kinds = (
        (one.picture.ignore, "ignore"),
        (one.picture.boxes, "true"),
        (two.found.boxes, others),
        (one.found.boxes, mine),
    )
    for boxes, kind in kinds:
        yield from (DrawnBox(box, kind) for box in boxes.tolist())
