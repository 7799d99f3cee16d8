"""Frames and tokens as points, each word's frames tied to its tokens, at one layer or at all.

Every trace names its points in `meta["at"]` (indices into `layouts.with_anchors`; None is a gap),
or in `meta["trail"]` one point that is followed through the layers. So the page's JavaScript can
move a figure to another layer by looking positions up, and `map_figure` does the same for one.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from alas_core.errors import InputError
from alas_core.figures import axes
from alas_core.figures.map_points import (
    hull_indices,
    members,
    own_points,
    sound_anchor,
    text_anchor,
    tie,
    verdicts,
)
from alas_core.figures.palette import (
    AUDIO,
    REFERENCE,
    SELECTION,
    SIMILARITY,
    TEXT,
    WORDS,
    Palette,
    Theme,
    faint,
    palette,
)
from alas_core.layouts import Layout, extents, with_anchors
from alas_core.types import NO_WORD, Analysis, FloatArray

Colour = Literal["modality", "word", "time", "correct"]

MAP_HEIGHT = 480
CHOSEN = "the chosen word"
SOUND_TRAIL, TEXT_TRAIL = "trail of {}", "trail of {}: its text"
"""Names of traces; the first stands in the legend for both: sound solid, text dashed."""


def map_figure(
    analysis: Analysis,
    layout: Layout,
    *,
    layer: int,
    word: int | None = None,
    colour: Colour = "modality",
    lines: bool = True,
    hulls: bool = True,
    trails: tuple[int, ...] = (),
    theme: Theme = "light",
) -> go.Figure:
    """Audio frames (circles) and text tokens (diamonds) in two or three dimensions.

    Parameters
    ----------
    layout : where the points lie, at all layers.
    layer : the layer to show.
    word : index of the word to bring forward, or None.
    colour : "modality" audio and text; "word" a colour each; "time" of the frame, tokens by the
        middle of their word; "correct" frames whose nearest token is in the spoken word.
    lines : whether each word's frames are tied to its tokens.
    hulls : whether the outline of all frames and that of all tokens is drawn.
    trails : words whose way through the layers is drawn, besides the chosen one's.

    Raises
    ------
    InputError
        If the layout does not match the analysis, or the layer does not exist.
    """
    _check(analysis, layout, layer)
    colours = palette(theme)
    places = with_anchors(analysis, layout.points)
    solid = layout.dimensions == 3
    figure = axes.blank_figure(
        theme, MAP_HEIGHT, **_frame(layout, layer, colours), uirevision=analysis.key.digest
    )
    made: list[dict[str, Any]] = []
    if hulls:
        made += _hulls(analysis, layout, layer)
    if lines:
        made += [_ties(analysis, colours), _own_ties(analysis, word)]
    made += _trails(analysis, word, trails, colours)
    made += _clouds(analysis, layer, _shades(analysis, layer, colour, colours), colours, solid)
    made += _marks(analysis, word, solid)
    figure.add_traces([_placed(trace, places, layer) for trace in made])
    return figure


def _check(analysis: Analysis, layout: Layout, layer: int) -> None:
    expected = (analysis.n_layers + 1, analysis.n_frames + analysis.n_tokens)
    if layout.points.shape[:2] != expected or layout.dimensions not in (2, 3):
        raise InputError(
            f"points have shape {layout.points.shape}, expected {(*expected, 2)} or "
            f"{(*expected, 3)}: frames first, then tokens; project this analysis again"
        )
    if not 0 <= layer <= analysis.n_layers:
        raise InputError(f"layer is {layer}, expected 0 to {analysis.n_layers}")


def _frame(layout: Layout, layer: int, colours: Palette) -> dict[str, Any]:
    look = {**axes.axis_look(colours), "showticklabels": False, "zeroline": False, "ticks": ""}
    windows = extents(layout.points)[layer].tolist()
    unit = " (no unit)" if layout.dimensions == 2 else ""  # in 3-D the longer title is cut
    made = {
        f"{name}axis": {
            **look, "title": {"text": f"{layout.name} {place}{unit}"}, "range": window,
        }
        for place, name, window in zip("123", "xyz", windows, strict=False)
    }  # fmt: skip
    if layout.dimensions == 3:
        for axis in made.values():
            del axis["ticklabelstandoff"]  # not known in three dimensions
            axis["backgroundcolor"] = "rgba(0,0,0,0)"
        made = {"scene": {**made, "aspectmode": "data"}}
    else:
        made["yaxis"] |= {"scaleanchor": "x"}
    return {
        **made,
        "margin": {"l": 28, "r": 8, "t": 48, "b": 28},  # two lines of legend: no jump with a trail
        "dragmode": "orbit" if layout.dimensions == 3 else "pan",
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1,
            "yanchor": "bottom",
            "itemsizing": "constant",
            "font": {"color": colours.foreground},
        },
    }


def _placed(trace: dict[str, Any], places: FloatArray, layer: int) -> Any:
    """The trace with its positions, of the kind that its dimensions ask for."""
    meta = trace["meta"]
    if "trail" in meta:
        found = (
            places[:, [meta["trail"]]].squeeze(1) if meta["trail"] is not None else places[:0, 0]
        )
    else:
        at = np.array([-1 if i is None else i for i in meta["at"]], dtype=int)
        found = np.where(at[:, None] < 0, np.nan, places[layer][at])
    columns = dict(zip("xyz", found.T, strict=False))
    if trace.get("alphahull") is not None:
        return go.Mesh3d(**columns, **trace)
    return (go.Scatter if places.shape[2] == 2 else go.Scatter3d)(**columns, **trace)


def _hulls(analysis: Analysis, layout: Layout, layer: int) -> list[dict[str, Any]]:
    parts = (("all frames", AUDIO, 0), ("all tokens", TEXT, 1))
    if layout.dimensions == 3:
        return [
            {"name": name, "color": colour, "opacity": 0.06, "alphahull": 0, "hoverinfo": "skip",
             "meta": {"at": own.tolist()}}
            for (name, colour, _), own in zip(parts, members(analysis), strict=True)
        ]  # fmt: skip
    outlines = hull_indices(analysis, layout)
    return [
        {
            "name": name, "mode": "lines", "fill": "toself", "hoverinfo": "skip",
            "line": {"color": colour, "width": 1, "dash": "dot"}, "showlegend": False,
            "fillcolor": faint(colour, 0.07), "meta": {"at": outlines[part][layer]},
        }
        for name, colour, part in parts
    ]  # fmt: skip


def _ties(analysis: Analysis, colours: Palette) -> dict[str, Any]:
    """From each frame to the middle of its word's tokens."""
    return {
        "name": "frame to its word", "mode": "lines", "hoverinfo": "skip", "opacity": 0.45,
        "line": {"color": colours.muted, "width": 0.7},
        "meta": {"at": [i for word in range(len(analysis.words)) for i in tie(analysis, word)]},
    }  # fmt: skip


def _own_ties(analysis: Analysis, word: int | None) -> dict[str, Any]:
    return {
        "name": "chosen ties", "mode": "lines", "hoverinfo": "skip", "showlegend": False,
        "opacity": 0.9, "line": {"color": SELECTION, "width": 1.6},
        "meta": {"at": tie(analysis, word)},
    }  # fmt: skip


def _trails(
    analysis: Analysis, word: int | None, words: tuple[int, ...], colours: Palette
) -> list[dict[str, Any]]:
    """The way of a word's sound (solid) and of its text (dashed) from layer 0 to the last."""
    labels = axes.word_labels(analysis)
    wanted = [(word, SELECTION, CHOSEN, 2.0)]
    wanted += [(w, word_colour(w, colours), labels[w], 1.4) for w in words]
    ways = ((SOUND_TRAIL, sound_anchor, "solid"), (TEXT_TRAIL, text_anchor, "dash"))
    return [
        {
            "name": trail.format(name), "mode": "lines+markers",
            "line": {"color": colour, "width": width, "dash": dash}, "opacity": 0.85,
            "marker": {"size": 3, "color": colour}, "hoverinfo": "skip",
            "showlegend": trail is SOUND_TRAIL,
            "meta": {"trail": None if index is None else anchor(analysis, index)},
        }
        for index, colour, name, width in wanted
        for trail, anchor, dash in ways
    ]  # fmt: skip


def _shades(
    analysis: Analysis, layer: int, colour: Colour, colours: Palette
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The colour of each frame and of each token, as parts of a marker."""
    if colour == "word":
        shade = [word_colour(w, colours) for w in (*range(len(analysis.words)), NO_WORD)]
        return (
            {"color": [shade[w] for w in analysis.frame_word.tolist()]},
            {"color": [shade[w] for w in analysis.token_word.tolist()]},
        )
    if colour == "time":
        times = analysis.frame_spans.mean(axis=1)
        middles = [(w.start_s + w.end_s) / 2 if w.placed else np.nan for w in analysis.words]
        of_token = np.array([*middles, np.nan], dtype=float)[analysis.token_word]
        scale = {"colorscale": SIMILARITY, "cmin": 0.0, "cmax": float(times.max())}
        bar = {"title": {"text": axes.time_unit(analysis)}, "thickness": 8, "outlinewidth": 0}
        return {"color": times, **scale, "colorbar": bar}, {"color": of_token, **scale}
    if colour == "correct":
        steps = [colours.muted, TEXT, REFERENCE]
        scale = {"colorscale": [(i / 3 + j, c) for i, c in enumerate(steps) for j in (0, 1 / 3)],
                 "cmin": -0.5, "cmax": 2.5}  # fmt: skip
        return {"color": verdicts(analysis)[layer], **scale}, {"color": colours.foreground}
    return {"color": AUDIO}, {"color": TEXT}


def word_colour(word: int, colours: Palette) -> str:
    """A colour for each word, cycled; muted for what belongs to none."""
    return colours.muted if word == NO_WORD else WORDS[word % len(WORDS)]


def _clouds(
    analysis: Analysis,
    layer: int,
    shades: tuple[dict[str, Any], dict[str, Any]],
    colours: Palette,
    solid: bool,
) -> list[dict[str, Any]]:
    words = axes.word_labels(analysis)
    spoken = [
        f"{span} · {words[word] if word != NO_WORD else 'no word'}"
        for span, word in zip(axes.frame_labels(analysis), analysis.frame_word, strict=True)
    ]
    frames, tokens = (part.tolist() for part in members(analysis))
    small = {"line": {"width": 0}, "size": 3 if solid else 6, "opacity": 0.8}
    large = {"line": {"width": 1, "color": colours.background}, "symbol": "diamond",
             "size": 6 if solid else 11}  # fmt: skip
    return [
        {
            "name": "audio frame", "mode": "markers", "customdata": spoken,
            "marker": {**small, "symbol": "circle", **shades[0]}, "hovertemplate": hover(layer)[0],
            "meta": {"at": frames, "pick": "frame"},
        },
        {
            "name": "text token", "marker": {**large, **shades[1]},
            "mode": "markers+text" if analysis.n_tokens <= 2 * axes.MAX_TOKEN_LABELS else "markers",
            "text": axes.token_texts(analysis), "textposition": "top center",
            "textfont": {"size": 11, "color": colours.foreground}, "hovertemplate": hover(layer)[1],
            "meta": {"at": tokens, "pick": "token"},
        },
    ]  # fmt: skip


def hover(layer: int) -> tuple[str, str]:
    """Hover texts of a frame and of a token at a layer."""
    return (
        "%{customdata} · layer " + str(layer) + "<extra></extra>",
        "token ‘%{text}’ · layer " + str(layer) + "<extra></extra>",
    )


def _marks(analysis: Analysis, word: int | None, solid: bool) -> list[dict[str, Any]]:
    """Rings around the chosen word's frames and tokens, and one around the chosen point."""
    ring = {"mode": "markers", "showlegend": False, "hoverinfo": "skip"}
    thin, thick = ({"width": width, "color": SELECTION} for width in (2, 3.5))
    open_ring = {"symbol": "circle-open", "color": SELECTION}
    return [
        {"name": "chosen", **ring, "meta": {"at": own_points(analysis, word)},
         "marker": {**open_ring, "size": 6 if solid else 13, "line": thin}},
        {"name": "chosen point", **ring, "meta": {"at": []},
         "marker": {**open_ring, "size": 9 if solid else 18, "line": thick}},
    ]  # fmt: skip
