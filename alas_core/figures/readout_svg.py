"""The vocabulary read-out as a still picture for a report: layers down, time across, no script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from unicodedata import east_asian_width

import numpy as np
from plotly.colors import sample_colorscale

from alas_core.figures.axes import frame_edges, time_title
from alas_core.figures.lens_payload import token_label
from alas_core.figures.palette import REFERENCE, SIMILARITY, TEXT, palette
from alas_core.numerals import number
from alas_core.readout import NEXT, OTHER, OWN
from alas_core.types import Analysis, Lens

_WIDTH, _LEFT, _RIGHT = 1140, 48, 8
_LEGEND_PX, _HEAD_PX, _FOOT_PX = 26, 22, 40
_LIGHT = 0.55
"""From here up the scale is bright, and its text dark."""

_FRAMES = {OWN: f'stroke="{REFERENCE}"', NEXT: f'stroke="{TEXT}" stroke-dasharray="3 3"'}
_SAYS = {OWN: ", the word itself", NEXT: ", the word after it", OTHER: ""}


@dataclass(frozen=True)
class Run:
    """Neighbouring frames of a layer, `start` to before `stop`, that name one token alike.

    names : OWN, NEXT or OTHER; share : mean of their probabilities (layer 0: cosines, 0 at least)
    """

    start: int
    stop: int
    token: int
    names: int
    share: float


def runs(lens: Lens, layer: int, n_frames: int) -> Iterator[Run]:
    """The runs of one layer, in order; together they hold every frame once."""
    tops, names = lens.tops[layer, :n_frames, 0], lens.names()[layer, :n_frames]
    shares = lens.values[layer, :n_frames, 0].astype(np.float32).clip(0, 1)
    changes = np.flatnonzero((np.diff(tops.astype(np.int64)) != 0) | (np.diff(names) != 0)) + 1
    edges = [0, *changes.tolist(), n_frames]
    for start, stop in pairwise(edges):
        share = float(shares[start:stop].mean())
        yield Run(start, stop, int(tops[start]), int(names[start]), share)


def readout_svg(analysis: Analysis, lens: Lens, font: str = "inherit") -> str:
    """The first token of each layer and audio frame as one SVG element, all text escaped.

    Parameters
    ----------
    lens : of this analysis
    font : "inherit" on a page; a family for a file of its own

    Returns
    -------
    str
        Neighbouring frames that name one token are one cell with one title (time, token,
        probability), so that the length grows with what changes and not with frames x layers.
    """
    row = 20 if analysis.n_layers < 20 else 15
    end = max(analysis.utterance.audio.duration_s, float(analysis.frame_spans[-1, 1]))
    scale = (_WIDTH - _LEFT - _RIGHT) / end
    top = _LEGEND_PX + _HEAD_PX
    height = top + row * (analysis.n_layers + 1) + _FOOT_PX
    parts = [*_legend(), *_words(analysis, scale), *_axes(analysis, row, end, scale)]
    edges = (_LEFT + scale * frame_edges(analysis)).tolist()
    for layer in range(analysis.n_layers + 1):
        at = top + layer * row
        for run in runs(lens, layer, analysis.n_frames):
            sides = edges[run.start], edges[run.stop]
            parts.append(_cell(analysis, lens, layer, run, sides, at, row))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="100%" '
        f'role="img" font-family="{font}" '
        f'font-size="11" fill="{palette("light").foreground}">'
        "<title>Vocabulary read-out: layers by audio frames</title>" + "".join(parts) + "</svg>"
    )


def _cell(
    analysis: Analysis,
    lens: Lens,
    layer: int,
    run: Run,
    sides: tuple[float, float],
    top: float,
    row: int,
) -> str:
    start_s = float(analysis.frame_spans[run.start, 0])
    stop_s = float(analysis.frame_spans[run.stop - 1, 1])
    left, width = sides[0], sides[1] - sides[0]
    label = token_label(lens.vocabulary[run.token])
    what = "cosine" if layer == 0 else "probability"
    said = (
        f"layer {layer}, {start_s:.2f} to {stop_s:.2f} s: ‘{label}’, {what} "
        f"{number(run.share)}{_SAYS[run.names]}"
    )
    ink = "#1b1f24" if run.share > _LIGHT else "#fff"
    weight = ' font-weight="600"' if run.names == OWN else ""
    fill = _shade(run.share)
    frame = _FRAMES.get(run.names)
    return (
        f"<g><title>{escape(said)}</title>"
        + _box(left, top, width - 0.7, row - 1, f'fill="{fill}"')
        + (_box(left + 1, top + 1, width - 2.7, row - 3, f'fill="none" stroke-width="2" {frame}')
           if frame else "")
        + _write(_fit(label, width - 5), left + width / 2, top + row / 2 + 3.5,
                 f'fill="{ink}"{weight}')
        + "</g>"
    )  # fmt: skip


def _shade(share: float) -> str:
    return str(sample_colorscale(SIMILARITY, [round(share, 2)], colortype="rgb")[0])


def _legend() -> Iterator[str]:
    stops = "".join(f'<stop offset="{k / 8}" stop-color="{_shade(k / 8)}"/>' for k in range(9))
    yield f'<linearGradient id="readout-scale">{stops}</linearGradient>'
    yield _write("probability (layer 0: cosine) 0", _LEFT, 14, anchor="start")
    yield _box(222, 5, 70, 11, 'fill="url(#readout-scale)"')
    yield _write("1", 297, 14, anchor="start")
    for left, names, text in ((330, OWN, "the word itself"), (440, NEXT, "the word after it")):
        yield _box(left, 5, 14, 10, f'fill="none" stroke-width="2" {_FRAMES[names]}')
        yield _write(text, left + 20, 14, anchor="start")


def _words(analysis: Analysis, scale: float) -> Iterator[str]:
    muted = palette("light").muted
    for word in analysis.words:
        if not word.placed:
            continue
        left, right = (_LEFT + time * scale for time in (word.start_s, word.end_s))
        yield _write(_fit(word.word, right - left - 3), (left + right) / 2, _LEGEND_PX + 12)
        for edge in (left, right):
            yield _box(edge - 0.5, _LEGEND_PX + _HEAD_PX - 6, 1, 6, f'fill="{muted}"')


def _axes(analysis: Analysis, row: int, end: float, scale: float) -> Iterator[str]:
    n_layers = analysis.n_layers
    muted = f'fill="{palette("light").muted}"'
    top = _LEGEND_PX + _HEAD_PX
    bottom = top + row * (n_layers + 1)
    for layer in range(0, n_layers + 1, 1 if row == 20 else 2):
        yield _write(str(layer), _LEFT - 6, top + layer * row + row / 2 + 3.5, muted, "end")
    middle = (top + bottom) / 2
    yield _write("layer", 12, middle, f'{muted} transform="rotate(-90 12 {middle:.1f})"')
    step = next((s for s in (0.1, 0.2, 0.5, 1, 2, 5) if s * scale > 55), 10)
    for tick in range(int(end / step) + 1):
        yield _write(f"{tick * step:g}", _LEFT + tick * step * scale, bottom + 14, muted)
    yield _write(time_title(analysis), _LEFT + end * scale / 2, bottom + 32, muted)


def _box(left: float, top: float, width: float, height: float, look: str) -> str:
    width = max(width, 0.5)
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height}" {look}/>'


def _write(text: str, x: float, y: float, look: str = "", anchor: str = "middle") -> str:
    if not text:
        return ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {look}>{escape(text)}</text>'


def _fit(text: str, room: float) -> str:
    """As much of a text as fits, at the widths that letters usually have at this size."""
    widths = [11.0 if east_asian_width(letter) in "WF" else 6.1 for letter in text]
    if sum(widths) <= room:
        return text
    kept = int((np.cumsum(widths) + 7 <= room).sum())
    return f"{text[:kept]}…" if kept >= 2 else ""
