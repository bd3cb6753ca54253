"""A report as one HTML page, light and dark, for screen and paper; nothing is fetched."""

import base64
import io

import numpy as np

from cvbaseline.html_page import escape, escape_lines, render_page
from cvbaseline.reports.blocks import (
    Block,
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
from cvbaseline.reports.charts import CHART_STYLE

NUMBERED_CLASSES = 16  # at most, of a confusion matrix with numbers in it
LONG_NAME = 20  # letters of a class above which columns of a confusion matrix are numbered
SHOWN_CLASSES = 150  # at most, of one that is shown at all

STYLE = f"""{CHART_STYLE}
header,main,footer{{max-width:1080px}}
header{{padding-top:2.2rem}}
h3{{font-size:1rem;margin:1.4rem 0 .2rem}}
main p{{max-width:46rem;margin:.6rem 0}}
.remarks{{list-style:none;margin:0;padding:0;display:grid;gap:.5rem}}
.remarks li{{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--soft);
border-radius:8px;padding:.5rem .8rem;break-inside:avoid}}
.remarks .warning{{border-left-color:var(--o)}}
.remarks b{{color:var(--o);font-weight:600}}
table.numbers td:not(.words),table.numbers th:not(.words){{text-align:right}}
table.numbers tbody th{{text-align:left!important;font-weight:600;white-space:normal;min-width:9.5rem}}
table.numbers thead th:first-child{{text-align:left!important}}
table.numbers td.words{{white-space:normal;overflow-wrap:anywhere}}
td small{{display:block;color:var(--soft);font-size:.85em}}
thead th{{vertical-align:bottom}}
.plot{{padding:.8rem;margin-top:.8rem;max-width:760px}}
.plot figcaption{{padding:.5rem .2rem 0;font-size:.85rem;color:var(--soft)}}
figure.plot{{content-visibility:visible}}
.beside{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr));
gap:0 1rem;align-items:start}}
.beside.alone{{display:block}}
.matrix{{margin-top:.8rem;overflow-x:auto;break-inside:avoid}}
.matrix table{{width:auto;font-size:.8rem}}
.matrix caption{{text-align:left;font-weight:600;padding:.3rem 0;font-size:.95rem}}
.matrix td{{text-align:right;padding:.28rem .5rem;border:1px solid var(--bg);min-width:2.6em;
background:color-mix(in srgb,var(--b) calc(var(--v)*78%),var(--card))}}
@media screen and (prefers-color-scheme:dark){{.matrix td.strong{{color:#101012}}}}
.matrix td.diagonal{{outline:1px solid var(--soft);outline-offset:-1px}}
.many td{{padding:0;border-width:0 1px 1px 0;min-width:0;width:9px;height:9px}}
.many tbody th{{font-size:.5rem!important;line-height:9px!important;padding:0 .4rem!important}}
.matrix th{{padding:.28rem .5rem;border:0;color:var(--soft);font-weight:500;text-align:right}}
.long tbody th{{white-space:normal;overflow-wrap:anywhere;min-width:14em;max-width:40em}}
.matrix thead th{{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;max-height:9em;
vertical-align:top}}
.faces{{display:flex;flex-wrap:wrap;gap:.7rem;margin-top:.8rem}}
.faces figure{{width:var(--w);contain-intrinsic-size:auto 150px}}
.faces img{{display:block;width:100%;image-rendering:auto;background:var(--track)}}
.faces figcaption{{padding:.25rem .4rem .4rem;line-height:1.3;overflow-wrap:anywhere}}
pre{{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;
overflow-x:auto;font-size:.82rem;white-space:pre-wrap}}
details>summary{{margin-bottom:.4rem}}
@media print{{body{{font-size:11pt}}section{{padding-top:1.2rem}}h2{{break-after:avoid}}
.scroll,.matrix{{overflow:visible}}.long td{{min-width:0;padding:.2rem}}
table{{font-size:8.5pt}}th,td{{padding:.25rem .4rem}}
.beside{{grid-template-columns:1fr 1fr}}.alone .plot{{max-width:15cm}}
details::details-content{{content-visibility:visible;display:block}}}}
"""


def render_html(report: Report) -> str:
    """The page as text."""
    remarks = _remarks(list(report.remarks)) if report.remarks else ""
    sections = "\n".join(map(_section, report.sections))
    body = f"""<header>
<h1><bdi>{escape(report.title)}</bdi></h1>
<p class="about">{escape(report.about)}</p>
{remarks}
</header>
<main>
{sections}
</main>
<footer>{escape(report.footer)}</footer>
<!-- {escape(report.generator)} -->"""
    return render_page(report.title, STYLE, body)


def data_uri(picture: np.ndarray) -> str:
    """A grey picture, uint8 (h, w), as the address of an image within the page."""
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def _section(section: Section) -> str:
    hint = f'<p class="hint">{escape(section.hint)}</p>' if section.hint else ""
    return f"<section><h2>{escape(section.title)}</h2>{hint}\n{_blocks(section.blocks)}</section>"


def _blocks(blocks: list[Block]) -> str:
    """Blocks one below the other; remarks in one list, matrices and charts side by side."""
    drawn, waiting = [], []
    for block in (*blocks, None):
        if waiting and type(block) is not type(waiting[0]):
            drawn.append(_together(waiting))
            waiting = []
        if isinstance(block, (Remark, Confusion, Figure)):
            waiting.append(block)
        elif block is not None:
            drawn.append(_block(block))
    return "\n".join(drawn)


def _together(blocks: list[Block]) -> str:
    if isinstance(blocks[0], Remark):
        return _remarks(blocks)
    draw = _figure if isinstance(blocks[0], Figure) else _confusion
    alone = " alone" if len(blocks) == 1 or _has_long_names(blocks[0]) else ""
    return f'<div class="beside{alone}">{"".join(map(draw, blocks))}</div>'


def _has_long_names(block: Block) -> bool:
    """Whether a matrix's names, as those of nested classes, leave no room for one beside it."""
    return isinstance(block, Confusion) and max(map(len, block.classes)) > LONG_NAME


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Faces):
        return _faces(block)
    if isinstance(block, Fold):
        inside = _blocks(block.blocks)
        return f"<details><summary>{escape(block.summary)}</summary>{inside}</details>"
    return f"<pre>{escape_lines(block.text)}</pre>"


def _remarks(remarks: list[Remark]) -> str:
    items = "".join(
        f'<li class="{remark.kind}">'
        f"{'<b>Warning:</b> ' if remark.kind == 'warning' else ''}{escape(remark.text)}</li>"
        for remark in remarks
    )
    return f'<ul class="remarks">{items}</ul>'


def _table(table: Table) -> str:
    def mark(column: int) -> str:
        return ' class="words"' if column in table.words else ""

    head = "".join(
        f'<th scope="col"{mark(column)}>{escape(name)}</th>'
        for column, name in enumerate(table.header)
    )
    rows = ""
    for row in table.rows:
        cells = "".join(
            f"<td{mark(column)}>{escape(text) if column in table.words else _number(text)}</td>"
            for column, text in enumerate(row[1:], 1)
        )
        rows += f'<tr><th scope="row"><bdi>{escape(row[0])}</bdi></th>{cells}</tr>'
    return (
        f'<div class="scroll"><table class="numbers"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _number(text: str) -> str:
    """A value, with its interval in small below."""
    value, bracket, rest = text.partition(" (")
    return f"{escape(value)}<small>({escape(rest)}</small>" if bracket else escape(text)


def _figure(block: Figure) -> str:
    caption = f"<figcaption>{escape(block.caption)}</figcaption>"
    return f'<figure class="plot">{block.svg}{caption}</figure>'


def _confusion(block: Confusion) -> str:
    """Counts over shares of the true class in blue; without numbers for many classes."""
    columns = [*block.classes, "not found"][: block.counts.shape[1]]
    shares = block.counts / np.maximum(block.counts.sum(axis=1, keepdims=True), 1e-9)
    numbers = len(block.classes) <= NUMBERED_CLASSES
    if len(block.classes) > SHOWN_CLASSES:
        return ""
    kind, heads, names = ("", columns, block.classes) if numbers else (" many", [], block.classes)
    if numbers and _has_long_names(block):
        kind, heads = " long", [*map(str, range(1, len(names) + 1)), *columns[len(names) :]]
        names = [f"{name} {number}" for number, name in zip(heads, names)]
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    rows = ""
    for number, name in enumerate(block.classes):
        cells = ""
        for column, (count, share) in enumerate(zip(block.counts[number], shares[number])):
            kinds = ["strong"] if share > 0.55 else []
            kinds += ["diagonal"] if column == number else []
            about = f"{name} taken for {columns[column]}: {count:g} ({share:.0%})"
            cells += (
                f'<td class="{" ".join(kinds)}" style="--v:{share:.3f}" title="{escape(about)}">'
                f"{block.shown(number, column) if numbers and count else ''}</td>"
            )
        rows += f'<tr><th scope="row">{escape(names[number])}</th>{cells}</tr>'
    return (
        f'<div class="matrix{kind}"><table>'
        f"<caption>{escape(block.title)}</caption><thead><tr><th></th>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _faces(block: Faces) -> str:
    figures = "".join(
        f'<figure><img src="{data_uri(picture)}" alt="{escape(caption or "a face")}">'
        + (f"<figcaption>{escape(caption)}</figcaption>" if caption else "")
        + "</figure>"
        for picture, caption in zip(block.pictures, block.captions)
    )
    return f'<div class="faces" style="--w:{block.width}px">{figures}</div>'
