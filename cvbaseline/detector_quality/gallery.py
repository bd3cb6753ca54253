"""Pictures of misses and false boxes: a part of the picture around each, with all boxes drawn."""

import base64
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.errors import PictureError
from cvbaseline.html_page import escape
from cvbaseline.images import read_colour

CONTEXT = 2.4  # side of the part that is shown, in sides of the box
LEAST_SIDE = 96  # pixels of it
SHOWN_SIDE = 240  # pixels it is brought to when it has more
QUALITY = 80

GALLERY_STYLE = """
.shots{grid-template-columns:repeat(auto-fill,minmax(min(100%,170px),1fr));margin-top:.8rem}
.shots figure{contain-intrinsic-size:auto 260px}
.shots svg{display:block;width:100%;aspect-ratio:1;background:var(--track)}
.shots figcaption{padding-top:.5rem}
.shots figcaption b{display:block;font-size:.86rem}
.shots figcaption small{display:block;color:var(--soft);overflow-wrap:anywhere;line-height:1.3;
margin-top:.15rem}
.shots rect,.key rect{fill:none;stroke-width:1.6;vector-effect:non-scaling-stroke}
.shots rect.main{stroke-width:3.4}
rect.true{stroke:#22c55e}rect.found{stroke:var(--a,#ff7a1a)}rect.other{stroke:var(--b)}
rect.ignore{stroke:#d4d4d8;stroke-dasharray:2 3}
rect.candidate{stroke:#fde047;stroke-dasharray:5 3}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;margin:.5rem 0 0;padding:0;
color:var(--soft);font-size:.85rem}
.key svg{width:1.1em;height:1.1em;vertical-align:-.15em;margin-right:.35rem;background:#57534e;
border-radius:3px}
@media(max-width:560px){.shots{grid-template-columns:1fr 1fr}}
"""


class DrawnBox(NamedTuple):
    """A box and the classes of its looks: true, found, other, ignore, candidate; main."""

    box: Sequence[int]  # x, y, width, height
    kind: str


class Shot(NamedTuple):
    """A place in a picture worth a look."""

    path: Path
    box: Sequence[int]  # what it is about: x, y, width, height
    drawn: list[DrawnBox]
    title: str
    note: str = ""


def render_gallery(shots: Sequence[Shot], most: int) -> str:
    """The first `most` shots as HTML; says how many there are when these are not all."""
    if not shots:
        return '<p class="hint">None.</p>'
    figures = "".join(_figure(shot) for shot in shots[:most])
    told = f'<p class="hint">The first {most:,} of {len(shots):,}.</p>' if len(shots) > most else ""
    return f'{told}<div class="grid shots">{figures}</div>'


def render_key(entries: Sequence[tuple[str, str]]) -> str:
    """What the boxes' colours mean: (kind, words)."""
    items = "".join(
        '<li><svg viewBox="0 0 16 16" aria-hidden="true">'
        f'<rect class="{kind}" x="2.5" y="2.5" width="11" height="11"/></svg>{escape(words)}</li>'
        for kind, words in entries
    )
    return f'<ul class="key">{items}</ul>'


def _figure(shot: Shot) -> str:
    title, note, name = escape(shot.title), escape(shot.note), escape(shot.path.name)
    return (
        f"<figure>{_drawing(shot)}<figcaption><b>{title}</b>{note}"
        f'<small title="{escape(str(shot.path))}"><bdi>{name}</bdi></small></figcaption></figure>'
    )


def _drawing(shot: Shot) -> str:
    """The part of the picture as SVG in the picture's own pixels, with the boxes over it."""
    picture = _picture(shot.path)
    if picture is None:
        return '<svg viewBox="0 0 1 1" role="img" aria-label="the picture is gone"></svg>'
    x, y, side = part_shown(shot.box, picture.shape[1], picture.shape[0])
    boxes = "".join(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>'.format(drawn.kind, *drawn.box)
        for drawn in sorted(shot.drawn, key=lambda drawn: "main" in drawn.kind)
    )
    return (
        f'<svg viewBox="{x} {y} {side} {side}" role="img" '
        f'aria-label="{escape(shot.title)}">{_image(picture, x, y, side)}{boxes}</svg>'
    )


def part_shown(box: Sequence[int], width: int, height: int) -> tuple[int, int, int]:
    """Left, top and side of a square with the box; of a picture of that size as much as fits."""
    side = max(LEAST_SIDE, round(CONTEXT * max(box[2:])))

    def begin(at: int, length: int, limit: int) -> int:
        if side >= limit:
            return (limit - side) // 2
        return min(max(at + length // 2 - side // 2, 0), limit - side)

    return begin(box[0], box[2], width), begin(box[1], box[3], height), side


def _image(picture: np.ndarray, x: int, y: int, side: int) -> str:
    """What of the square is in the picture, as an SVG image at its place."""
    import cv2

    left, top = max(0, x), max(0, y)
    part = picture[top : max(top, y + side), left : max(left, x + side)]
    if part.size == 0:
        return ""
    height, width = part.shape[:2]
    shrink = min(1.0, SHOWN_SIDE / side)
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    coded = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    data = base64.b64encode(coded.tobytes()).decode()
    return (
        f'<image x="{left}" y="{top}" width="{width}" height="{height}" '
        f'preserveAspectRatio="none" href="data:image/jpeg;base64,{data}"/>'
    )


@lru_cache(maxsize=4)
def _picture(path: Path) -> Optional[np.ndarray]:
    try:
        return read_colour(path)
    except PictureError:
        return None
