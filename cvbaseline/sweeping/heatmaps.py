"""A measure over scale factor and min neighbors as a coloured table, light where it is better."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Optional

import numpy as np

from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.html_page import escape
from cvbaseline.sweeping.result import COLUMNS, ROWS, SweepResult, as_word, describe

# Viridis (van der Walt & Smith 2015): even steps of lightness, also for the colour-blind.
VIRIDIS = (
    "440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725",
)  # fmt: skip

HEAT_STYLE = """
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,560px),1fr));gap:1rem;
margin-top:.8rem}
.maps figure{padding:.7rem .9rem .9rem;content-visibility:visible}
.maps h3{margin:0 0 .4rem;font-size:1rem}
.maps h3 span{color:var(--soft);font-weight:400;font-size:.85rem;margin-left:.4rem}
.heat{overflow-x:auto;padding:0 3px 3px 0}
.heat table{width:100%;min-width:calc(3rem + var(--n)*1.55rem);border-collapse:separate;
border-spacing:1.5px;font-size:.75rem;table-layout:fixed}
.heat th,.heat td{border:0;padding:.3rem 0;text-align:center}
.heat th{color:var(--soft);font-weight:500}
.heat tbody th,.heat thead th:first-child{width:3rem;text-align:right;padding-right:.5rem}
.heat td{background:var(--c);color:var(--k);border-radius:3px}
.heat td.none{background:var(--track);color:var(--soft)}
.heat td.chosen{outline:2.5px solid var(--ink);outline-offset:0;font-weight:700}
.ms_per_picture td{font-size:.66rem}
.axes{color:var(--soft);font-size:.75rem;margin:.4rem 0 0}
.scale{display:inline-block;width:7em;height:.65em;border-radius:3px;vertical-align:0;
margin:0 .4em;background:linear-gradient(90deg,#440154,#3b528b,#21918c,#5ec962,#fde725)}
.small{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:.9rem;
margin-top:.8rem}
.small figure{padding:.7rem .8rem}
.small h3{margin:0;font-size:.88rem}
.small p{margin:.1rem 0 .5rem;color:var(--soft);font-size:.8rem}
.small td{padding:0;height:1.15rem}
.small .heat table{border-spacing:1px;font-size:.68rem;min-width:0}
@media print{.heat table{min-width:0}}
"""


class Axes(NamedTuple):
    """The values along the sides of a heatmap."""

    rows: list[float]
    columns: list[int]


def axes_of(settings: Sequence[DetectionParameters]) -> Axes:
    """All scale factors and all min neighbors, sorted."""
    return Axes(
        sorted({getattr(one, ROWS) for one in settings}),
        sorted({getattr(one, COLUMNS) for one in settings}),
    )


def groups_of(settings: Sequence[DetectionParameters]) -> list[list[int]]:
    """Indices of the settings, those together that differ along the axes alone."""
    groups: dict[DetectionParameters, list[int]] = {}
    for index, setting in enumerate(settings):
        same = replace(setting, **{name: getattr(settings[0], name) for name in (ROWS, COLUMNS)})
        groups.setdefault(same, []).append(index)
    return list(groups.values())


def render_heatmap(result: SweepResult, name: str, group: Sequence[int]) -> str:
    """A measure's table for a group of settings."""
    title = capital(result.measures[name].title)
    return (
        f'<figure class="{name}"><h3>{escape(title)}</h3>'
        f"{_table(result, name, group, numbers=True)}</figure>"
    )


def render_small(
    result: SweepResult, name: str, group: Sequence[int], title: str, note: str
) -> str:
    """The same without numbers."""
    return (
        f"<figure><h3>{escape(title)}</h3><p>{escape(note)}</p>"
        f"{_table(result, name, group, numbers=False)}</figure>"
    )


def _table(result: SweepResult, name: str, group: Sequence[int], numbers: bool) -> str:
    axes = axes_of(result.settings)
    at = {}
    for index in group:
        setting = result.settings[index]
        at[getattr(setting, ROWS), getattr(setting, COLUMNS)] = index
    lines = []
    for factor in axes.rows:
        cells = "".join(
            _cell(result, name, at.get((factor, count)), numbers) for count in axes.columns
        )
        lines.append(f'<tr><th scope="row">{as_word(factor)}</th>{cells}</tr>')
    every = 1 if numbers else max(1, len(axes.columns) // 5)
    heads = "".join(
        f'<th scope="col">{count if place % every == 0 else ""}</th>'
        for place, count in enumerate(axes.columns)
    )
    return (
        f'<div class="heat"><table style="--n:{len(axes.columns)}">'
        f"<thead><tr><th></th>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _cell(result: SweepResult, name: str, index: Optional[int], numbers: bool) -> str:
    """One setting's cell; an empty one where there is no such setting, or no value."""
    values = result.measures[name]
    value = np.nan if index is None else values.value[index]
    if index is None or np.isnan(value):
        return f'<td class="none">{"–" if numbers else ""}</td>'
    low, high = np.nanmin(values.value), np.nanmax(values.value)
    worst, best = (low, high) if values.better > 0 else (high, low)
    paint = colour((value - worst) / (best - worst) if high > low else 1.0)
    chosen = ' class="chosen"' if index == result.choice.chosen else ""
    title = f"{describe(result.settings[index], [ROWS, COLUMNS])}: {value:.3f}"
    text = _written(value, high) if numbers else ""
    return f'<td{chosen} style="--c:{paint};--k:{ink_on(paint)}" title="{title}">{text}</td>'


def _written(value: float, highest: float) -> str:
    """A share as .73, a larger number with as many digits as say something."""
    if highest <= 1:
        return "1" if value >= 0.995 else f"{value:.2f}".removeprefix("0")
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def colour(share: float) -> str:
    """Viridis at 0 (dark) to 1 (light), as #rrggbb."""
    place = min(max(share, 0.0), 1.0) * (len(VIRIDIS) - 1)
    index = min(int(place), len(VIRIDIS) - 2)
    ends = [_channels(code) for code in VIRIDIS[index : index + 2]]
    mixed = ends[0] + (ends[1] - ends[0]) * (place - index)
    return "#" + "".join(f"{round(channel):02x}" for channel in mixed)


def ink_on(paint: str) -> str:
    """Black or white, whichever has the higher contrast (WCAG 2.1, relative luminance)."""
    linear = (_channels(paint[1:]) / 255) ** 2.2
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return "#fff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000"


def _channels(code: str) -> np.ndarray:
    return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], np.float64)


def capital(title: str) -> str:
    """The title with a capital first letter."""
    return title[0].upper() + title[1:]
