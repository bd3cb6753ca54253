"""The album's page: one file that opens from disk, with every feature of every stage.

The mean face is in it once; each drawing lays its shapes over that. Names are escaped where they
are put in.
"""

import base64
from typing import NamedTuple, Optional

import cv2
import numpy as np

from cvbaseline.album.cards import draw, png_uri, render_cards
from cvbaseline.album.chart import render_funnel, render_table
from cvbaseline.album.feature_drawing import RING, attention
from cvbaseline.album.stage_rates import Negatives, Passed
from cvbaseline.album.style import STYLE
from cvbaseline.cascade import Cascade, LbpFeatures
from cvbaseline.html_page import escape, render_page

ENLARGED = 12  # pixels of the embedded face for a pixel of the window
SHOWN = 60  # weak classifiers of a stage that are shown at once; the others unfold

HAAR_LEGEND = """<p>A <b>Haar feature</b> is a number: the brightness of the <b class="o">orange</b>
part less that of the <b class="b">blue</b> part, divided by the window's contrast, so light and
contrast do not matter. It is compared with a threshold, and the outcome is a vote: below a drawing
stands what speaks for the object.{tilted}</p>"""
TILTED_LEGEND = " <b>Tilted</b> features have their rectangles turned by 45°."
LBP_LEGEND = """<p>{glyph}An <b>LBP feature</b> lays 3 × 3 cells over the window and asks of each
outer cell whether it is at least as bright as the centre (outlined). The eight answers, clockwise
from the top left, are the bits of a code from 0 to 255; a table in the cascade says for every code
how to vote. Cells are <b class="o">orange</b> where the answer is mostly yes {whose},
<b class="b">blue</b> where it is mostly no, pale where it may be either. The small square is the
table: 16 × 16 codes, the first four bits down and the last four across, orange where a code speaks
for the object; beside it how many do.</p>"""
VOTE_LEGEND = """<p>A stage adds up its features' votes and passes a window when the sum reaches the
stage's threshold. Below each drawing: the vote <i>for</i> and <i>against</i>{bars}.</p>"""
TREE_LEGEND = """<p>A <b>tree</b> asks several features, one after the other, before it votes: the
one marked ↙ where the first one's number was below the threshold (or its code was in the table),
↘ where it was not, and so on down.</p>"""
OF_POSITIVES = '<b class="p">of the positives</b>'
OF_NEGATIVES = '<b class="n">of the windows without the object that reach the stage</b>'
BIT_VALUES = (128, 64, 32, 16, 8, 4, 2, 1)


class Album(NamedTuple):
    """What the page shows."""

    title: str
    model: str  # the file's name
    cascade: Cascade
    training_known: bool  # whether the file says how it was trained
    face: np.ndarray  # uint8 (height, width) to draw on
    drawn_on: str
    positives: Optional[np.ndarray]  # uint8 (n, height, width)
    hits: Optional[Passed]
    negatives: Optional[Negatives]


def render_album(album: Album) -> str:
    """The page as text."""
    cascade = album.cascade
    title = escape(album.title)
    sections = "\n".join(_section(album, number) for number in range(len(cascade.stages)))
    links = "".join(f'<a href="#stage-{i}">{i}</a>' for i in range(len(cascade.stages)))
    passed = album.negatives.passed if album.negatives else None
    body = f"""<svg class="store" aria-hidden="true"><defs>
<image id="face" width="{cascade.width}" height="{cascade.height}" href="{_face_uri(album.face)}"/>
</defs></svg>
<header>
<div class="portrait">{draw(cascade, "", f"Drawn on {album.drawn_on}")}
<small>{escape(album.drawn_on)}</small></div>
<div>
<h1><bdi>{title}</bdi></h1>
<p class="about">{_about(album)}</p>
<div class="legend">{_legend(album)}</div>
</div>
</header>
<nav aria-label="Stages"><div><span>Stage</span>{links}</div></nav>
<main>
<section>
<h2>Stages at a glance</h2>
<p class="hint">{_measured(album)}</p>
{render_funnel(album.hits, passed)}
{render_table(cascade, album.hits, passed)}
</section>
{sections}
</main>
<footer>{escape(album.model)}, drawn by cvbaseline visualise. Stages and features are
counted from 0, as in the cascade's file.</footer>"""
    return render_page(f"{album.title}: the features of a cascade", STYLE, body)


def _about(album: Album) -> str:
    """The cascade in a sentence."""
    cascade, training = album.cascade, album.cascade.training
    mode = f" {training.mode}" if training.mode else ""
    trained = (
        f"; trained with {training.boost_type}, at least {100 * training.min_hit_rate:.5g}% hits "
        f"and at most {100 * training.max_false_alarm:.3g}% false alarms a stage"
        if album.training_known
        else ""
    )
    return (
        f"{cascade.feature_type}{mode} cascade in {escape(album.model)}: window of "
        f"{cascade.width} × {cascade.height} pixels, {len(cascade.stages)} stages, "
        f"{cascade.weak_count:,} weak classifiers on {len(cascade.features[0]):,} different "
        f"features{trained}."
    )


def _legend(album: Album) -> str:
    """How to read the drawings."""
    known = album.positives is not None
    words = [OF_POSITIVES] if known else []
    words += [OF_NEGATIVES] if album.negatives else []
    bars = f", and how many {' and '.join(words)} get the vote for" if words else ""
    if isinstance(album.cascade.features, LbpFeatures):
        whose = "in the given positives" if known else "among the codes that speak for the object"
        first = LBP_LEGEND.format(glyph=_bit_glyph(), whose=whose)
    else:
        first = HAAR_LEGEND.format(
            tilted=TILTED_LEGEND if album.cascade.features.tilted.any() else ""
        )
    trees = any(len(s.trees.left) > s.trees.count for s in album.cascade.stages)
    return first + VOTE_LEGEND.format(bars=bars) + (TREE_LEGEND if trees else "")


def _bit_glyph() -> str:
    """The value of each cell's bit in the code."""
    cells = "".join(
        f'<rect x="{column}" y="{row}" width="1" height="1"/>'
        f'<text x="{column + 0.5}" y="{row + 0.63}">{value}</text>'
        for (column, row), value in zip(RING, BIT_VALUES)
    )
    return (
        '<svg class="bits" viewBox="-.05 -.05 3.1 3.1" role="img" aria-label="Values of the bits">'
        f'{cells}<rect class="centre" x="1" y="1" width="1" height="1"/></svg>'
    )


def _measured(album: Album) -> str:
    """What the rates were measured on, or how to have them measured."""
    said = []
    if album.hits:
        said.append(f"Hit rates on {album.hits.windows:,} positives.")
    else:
        said.append("Hit rates were not measured: give --positives (a .vec, crops or info.dat).")
    if album.negatives:
        said.append(
            f"False alarms on {album.negatives.passed.windows:,} windows of "
            f"{album.negatives.pictures:,} pictures without the object."
        )
        flat = album.negatives.passed.windows - int(album.negatives.passed.reached[0])
        if flat:
            said.append(f"{flat:,} of them are flat and dropped before stage 0, as by OpenCV.")
    else:
        said.append("False alarm rates were not measured: give --negatives (pictures or bg.txt).")
    return " ".join(said)


def _section(album: Album, number: int) -> str:
    """A stage: its rates, where it looks, its features."""
    cascade, stage = album.cascade, album.cascade.stages[number]
    kept = album.negatives.kept[number] if album.negatives else None
    cards = render_cards(cascade, stage, album.face, album.positives, kept)
    shown = f'<div class="grid">{"".join(cards[:SHOWN])}</div>'
    if len(cards) > SHOWN:
        rest = "".join(cards[SHOWN:])
        shown += (
            f"<details><summary>the other {len(cards) - SHOWN} weak classifiers</summary>"
            f'<div class="grid">{rest}</div></details>'
        )
    heat = (
        f'<image width="{cascade.width}" height="{cascade.height}" '
        f'href="{_heat_uri(attention(cascade, stage.trees))}"/>'
    )
    return f"""<section id="stage-{number}">
<div class="stage">
<div class="look">{draw(cascade, heat, f"Where stage {number} looks")}</div>
<div><h2>Stage {number} <span>{_count(stage.trees.count, "weak classifier")}</span></h2>
{_rates(album, number)}
<p class="hint">Passes when the votes add up to at least {stage.threshold:.4g}. The glow shows where
the stage looks.</p></div>
</div>
{shown}
</section>"""


def _rates(album: Album, number: int) -> str:
    """The stage's own rates in words."""
    words = []
    for passed, kind, what in (
        (album.hits, "p", "hits: {} of {} positives that reach it"),
        (album.negatives and album.negatives.passed, "n", "false alarms: {} of {} windows"),
    ):
        if not passed:
            continue
        reached, through = int(passed.reached[number]), int(passed.passed[number])
        share = f"{through / reached:.2%}" if reached else "none reaches it"
        words.append(
            f'<li class="{kind}"><b>{share}</b> {what.format(f"{through:,}", f"{reached:,}")}</li>'
        )
    return f'<ul class="rates">{"".join(words)}</ul>' if words else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _face_uri(face: np.ndarray) -> str:
    """The face, enlarged smoothly, as a data URI."""
    size = (face.shape[1] * ENLARGED, face.shape[0] * ENLARGED)
    large = cv2.resize(face, size, interpolation=cv2.INTER_CUBIC)
    data = cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _heat_uri(heat: np.ndarray) -> str:
    """Attention as a glow, transparent where there is none."""
    size = (heat.shape[1] * 4, heat.shape[0] * 4)
    smooth = cv2.resize(heat, size, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    pixels = np.zeros((*smooth.shape, 4), np.uint8)
    pixels[..., :3] = (0, 120, 255)  # blue, green, red
    pixels[..., 1] = 60 + 150 * smooth**2
    pixels[..., 3] = 215 * smooth**1.3
    return png_uri(pixels)
