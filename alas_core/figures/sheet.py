"""The sheet: one figure whose panels share time to the right, and layers or tokens downwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from alas_core.definitions import SCORES
from alas_core.errors import InputError
from alas_core.figures import axes
from alas_core.figures.cells import KINDS, Cells
from alas_core.figures.palette import SELECTION, Palette, Theme, palette
from alas_core.figures.panels import layers_trace, similarity_traces, token_trace
from alas_core.figures.profile import null_caption, profile_traces, word_profile
from alas_core.figures.sound import mel_ticks, sound_traces, tier_traces
from alas_core.figures.views import Fold, frame_view, word_view
from alas_core.numerals import counted, number
from alas_core.types import Analysis

LEFT = (0.0, 0.755)
RIGHT = (0.79, 1.0)
_MARGIN = {"l": 86, "r": 12, "t": 24, "b": 44}
_ROWS = (
    *(("waveform", 30, 2), ("sound", 90, 2), ("tier", 26, 50)),
    *(("layers", 220, 56), ("tokens", 330, 0)),
)
"""Name of each row from the top, its height and the gap below it, in pixels."""

_PLOT = sum(height + gap for _, height, gap in _ROWS)
HEIGHT = _PLOT + _MARGIN["t"] + _MARGIN["b"]
"""Height of the sheet in pixels; the same for every analysis, so that nothing jumps."""


def _domains() -> dict[str, tuple[float, float]]:
    domains, top = {}, _PLOT
    for name, height, gap in _ROWS:
        domains[name] = (max(top - height, 0) / _PLOT, top / _PLOT)
        top -= height + gap
    return domains


ROWS = _domains()


def sheet_figure(
    analysis: Analysis,
    *,
    layer: int,
    word: int | None = None,
    score: str = "alas",
    fold: Fold = "time",
    cells: Cells = "cosine",
    theme: Theme = "light",
    cell_labels: bool = True,
) -> go.Figure:
    """The whole sheet of one analysis at one layer.

    Axes: x time (s), x2 score, x3 hit rate; y mel, y2 waveform, y3 word tier, y4 layer, y5 token.

    Parameters
    ----------
    layer : int
        The layer across; its similarity map is drawn.
    word : int, optional
        Index of the word whose band runs down all panels.
    score : str
        The profile's score, a name of `alas_core.definitions.SCORES`.
    fold : "time" or "words"
        Whether the layers panel has a column for each frame or for each word.
    cells : "cosine" or "share"
        What the tokens panel shows of each frame and token.
    cell_labels : bool
        Whether each heatmap cell carries its hover label; without, a page adds them from `meta`.

    Raises
    ------
    InputError
        If the layer, the word or the score does not exist in this analysis.
    """
    _check(analysis, layer, word, score)
    colours = palette(theme)
    figure = axes.blank_figure(
        theme,
        HEIGHT,
        margin={**_MARGIN, "pad": 0},
        dragmode="zoom",
        uirevision=analysis.key.digest,
        bargap=0,
        **_axes(analysis, score, colours),
        annotations=_annotations(analysis, layer, score, fold, cells, colours),
        shapes=selection_shapes(analysis, layer, word),
    )
    traces = [*sound_traces(analysis, colours), *tier_traces(analysis, score, layer, colours)]
    bars = {row: axes.bar_above(LEFT[1], ROWS[row][1], colours) for row in ("layers", "tokens")}
    traces += [layers_trace(analysis, score, fold, colours, bars["layers"])]
    profile = [*profile_traces(analysis, score, colours), *word_profile(analysis, score, word)]
    traces += [trace.update(xaxis="x2", yaxis="y4") for trace in profile]
    traces += similarity_traces(analysis, layer, colours, bars["tokens"], cells)
    traces += [*_chance(analysis, colours), token_trace(analysis, layer)]
    figure.add_traces(traces)
    if cell_labels:
        for trace in figure.data:
            if trace.meta:
                trace.customdata = axes.spread_labels(trace.meta["rows"], trace.meta["columns"])
    return figure


def _check(analysis: Analysis, layer: int, word: int | None, score: str) -> None:
    if not 0 <= layer <= analysis.n_layers:
        raise InputError(
            f"layer is {layer}, expected 0 to {analysis.n_layers} for '{analysis.model.model_id}'; "
            f"its best layer is {analysis.best_layer}"
        )
    if word is not None and not 0 <= word < len(analysis.words):
        raise InputError(
            f"word is {word}, expected 0 to {len(analysis.words) - 1} or none; choose a word of "
            "the transcript"
        )
    if score not in analysis.scores:
        raise InputError(
            f"score is '{score}', expected one of {', '.join(analysis.scores)}; choose one of these"
        )


def _axes(analysis: Analysis, score: str, colours: Palette) -> dict[str, dict[str, Any]]:
    look = axes.axis_look(colours)
    audio = analysis.utterance.audio
    end = max(audio.duration_s, float(analysis.frame_spans[-1, 1]))
    peak = float(np.abs(audio.samples).max(initial=0)) or 1.0
    hidden = {"visible": False, "fixedrange": True}
    spikes = {
        "showspikes": True, "spikemode": "across", "spikesnap": "cursor", "spikethickness": 1,
        "spikedash": "solid", "spikecolor": colours.muted,
    }  # fmt: skip
    return {
        "xaxis": {
            **look, **spikes, "domain": LEFT, "anchor": "y5", "range": [0, end],
            "title": {"text": axes.escape(axes.time_title(analysis)), "standoff": 6},
            "zeroline": False, "showgrid": False,
        },
        "xaxis2": {
            **look, "domain": RIGHT, "anchor": "y4", "zeroline": False, "nticks": 5,
            "title": {"text": axes.score_label(score), "standoff": 4}, "fixedrange": True,
        },
        "xaxis3": {
            **look, "domain": RIGHT, "anchor": "y5", "range": [0, 1.02], "nticks": 5,
            "title": {"text": "share of frames", "standoff": 6}, "fixedrange": True,
        },
        "yaxis": {
            **look, "domain": ROWS["sound"], "fixedrange": True, "showgrid": False,
            "title": {"text": "kHz", "standoff": 6}, "range": [-0.5, 79.5],
            **mel_ticks(audio.sample_rate),
        },
        "yaxis2": {
            **hidden, "domain": ROWS["waveform"], "range": [-1.1 * peak, 1.1 * peak],
        },
        "yaxis3": {**hidden, "domain": ROWS["tier"], "range": [-0.5, 0.5]},
        "yaxis4": {**look, **axes.layer_axis(analysis.n_layers, domain=ROWS["layers"])},
        "yaxis5": {**look, **axes.token_axis(analysis, domain=ROWS["tokens"])},
    }  # fmt: skip


SIMILARITY_HELP = (
    "green: the reference, frames and tokens of one word<br>"
    "line: the model's path, the best one that never goes back"
)
PROFILE_HELP = (
    "grey or dotted: 95 % of what wrong words reach; dashed: the baseline; diamond: best<br>"
    "thin and pink: the chosen word alone"
)
HITS_HELP = "share of its word's frames whose nearest token is this one; dashed: 1 / tokens"


def similarity_title(layer: int, cells: Cells = "cosine") -> str:
    """Title of the tokens panel, which names its layer."""
    return f"<b>tokens × time</b>  {KINDS[cells].title} at layer {layer}"


def waiting_title(layer: int, drawn: int, cells: Cells = "cosine") -> str:
    """Title of the tokens panel while its map is still of the layer before."""
    return f"<b>tokens × time</b>  path at layer {layer}, {KINDS[cells].title} still of {drawn}"


def lacking_title(layer: int, drawn: int, cells: Cells = "cosine") -> str:
    """Title of the tokens panel where its map is of the one layer that a file holds."""
    held = f"this file holds the {KINDS[cells].title} of {drawn} only"
    return f"<b>tokens × time</b>  path at layer {layer}; {held}"


def _annotations(
    analysis: Analysis, layer: int, score: str, fold: Fold, cells: Cells, colours: Palette
) -> list[dict[str, Any]]:
    view = word_view if fold == "words" else frame_view
    what, _ = view(analysis, score)
    rows = [
        ("sound title", LEFT[0], "waveform", "<b>sound</b>  waveform, mel spectrogram, words", ""),
        ("layers title", LEFT[0], "layers", f"<b>layers × {fold}</b>  {what.short}", what.long),
        (
            "tokens title",
            LEFT[0],
            "tokens",
            similarity_title(layer, cells),
            f"{KINDS[cells].help}<br>{SIMILARITY_HELP}",
        ),
        ("profile title", RIGHT[0], "layers", null_caption(analysis, score), PROFILE_HELP),
        ("hits title", RIGHT[0], "tokens", "hit rate per token", HITS_HELP),
    ]
    titles = [
        {
            "name": name, "text": text, "hovertext": help_text, "x": x,
            "y": ROWS[row][1], "yshift": 3,
            "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom",
            "showarrow": False, "align": "left", "borderpad": 0,
            "font": {"size": 12 if x == LEFT[0] else 11, "color": colours.muted},
        }
        for name, x, row, text, help_text in rows
    ]  # fmt: skip
    return [*titles, _corner(analysis, score, colours)]


def _corner(analysis: Analysis, score: str, colours: Palette) -> dict[str, Any]:
    """Best layer, what it is to be read against, and how much there was to measure."""
    best = SCORES[score].best(analysis.scores[score])
    lines = []
    if best is not None:
        label = SCORES[score].label
        value = number(analysis.scores[score][best])
        lines += [f"<b>best layer {best}</b>", f"{label} {value}"]
        null = analysis.main_null
        if score == "alas":
            lines += [axes.escape(null.name), f"reach {number(null.high[best])}"]
            lines += [f"p = {number(null.p_adjusted[best])} (all layers)"]
    spoken = int((analysis.frame_word >= 0).sum())
    lines.append(f"{spoken} of {analysis.n_frames} frames")
    lines.append(counted(analysis.n_tokens, "token"))
    return {
        "name": "corner", "text": "<br>".join(lines), "x": RIGHT[0], "y": 1,
        "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "top",
        "showarrow": False, "align": "left", "font": {"size": 12, "color": colours.foreground},
    }  # fmt: skip


def selection_shapes(analysis: Analysis, layer: int, word: int | None) -> list[dict[str, Any]]:
    """The chosen layer across, the chosen word down, and the word's tokens across.

    The last two are for a chosen frame and token, which only the page knows: they are hidden.
    """
    chosen = None if word is None else analysis.words[word]
    block = None if word is None else axes.token_blocks(analysis)[word]
    start, end = (chosen.start_s, chosen.end_s) if chosen and chosen.placed else (0.0, 0.0)
    first, last = block if block else (0, 0)
    line = {"color": SELECTION, "width": 1.6}
    thin = {"color": SELECTION, "width": 1, "dash": "dot"}
    # Lines only: a veil would change the colours that the heatmaps are read by.
    band = {"line": {"color": SELECTION, "width": 1.5}}
    return [
        {
            "name": "layer", "type": "rect", "layer": "above", "line": line,
            "xref": "paper", "x0": 0, "x1": 1, "yref": "y4", "y0": layer - 0.5, "y1": layer + 0.5,
        },
        {
            "name": "word", "type": "rect", "layer": "above", **band, "visible": end > start,
            "xref": "x", "x0": start, "x1": end, "yref": "paper", "y0": 0, "y1": 1,
        },
        {
            "name": "word tokens", "type": "rect", "layer": "above", **band,
            "visible": block is not None, "xref": "paper", "x0": RIGHT[0], "x1": RIGHT[1],
            "yref": "y5", "y0": first - 0.5, "y1": last + 0.5,
        },
        {
            "name": "frame", "type": "rect", "layer": "above", "line": thin, "visible": False,
            "xref": "x", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": ROWS["layers"][1],
        },
        {
            "name": "token", "type": "rect", "layer": "above", "line": thin, "visible": False,
            "xref": "paper", "x0": 0, "x1": 1, "yref": "y5", "y0": 0, "y1": 0,
        },
    ]  # fmt: skip


def _chance(analysis: Analysis, colours: Palette) -> list[go.Scatter]:
    """What a blind guess would give each token: its share of all tokens."""
    chance = 1 / analysis.n_tokens
    return [
        go.Scatter(
            name="chance",
            x=[chance, chance],
            y=[-0.5, analysis.n_tokens - 0.5],
            xaxis="x3",
            yaxis="y5",
            mode="lines",
            line={"color": colours.muted, "width": 1.2, "dash": "dash"},
            hoverinfo="skip",
        )
    ]
