"""The map for a browser: every layer's points, and what layer, word, frame and token change."""

from __future__ import annotations

from typing import Any

import numpy as np

from alas_core.figures.linked import Tensors, pack, quantise
from alas_core.figures.map import CHOSEN, SOUND_TRAIL, TEXT_TRAIL, Colour, hover, map_figure
from alas_core.figures.map_points import (
    hull_indices,
    own_points,
    sound_anchor,
    text_anchor,
    tie,
    verdicts,
)
from alas_core.figures.palette import Theme
from alas_core.layouts import Layout, extents, with_anchors
from alas_core.numerals import number
from alas_core.types import Analysis


def map_payload(
    analysis: Analysis,
    layout: Layout,
    *,
    colour: Colour = "modality",
    lines: bool = True,
    hulls: bool = True,
    trails: tuple[int, ...] = (),
    theme: Theme = "light",
    name: str,
) -> bytes:
    """The file of `alas_core.figures.linked` for a map; see `map_figure` for the options.

    Parameters
    ----------
    name : names all that the file depends on; the page asks for it by this.
    """
    figure = map_figure(
        analysis,
        layout,
        layer=analysis.best_layer,
        colour=colour,
        lines=lines,
        hulls=hulls,
        trails=trails,
        theme=theme,
    )
    made = figure.to_plotly_json()
    for trace in made["data"]:
        for axis in "xyz":
            trace.pop(axis, None)  # the page looks them up
    tensors: Tensors = quantise("points", with_anchors(analysis, layout.points).transpose(0, 2, 1))
    tensors["verdicts"] = verdicts(analysis)
    layers = range(analysis.n_layers + 1)
    head = {
        "figure": made,
        "changes": {
            "layers": _layer_changes(analysis, layout, colour, hulls),
            "words": _word_changes(analysis),
            "frames": _point_changes(range(analysis.n_frames)),
            "tokens": _point_changes(range(analysis.n_frames, layout.points.shape[1])),
        },
        "analysis": analysis.key.digest,
        "titles": [f"Map of audio frames and text tokens, layer {i}" for i in layers],
        "notes": [notes(analysis, layout, i) for i in layers],
        "frame_word": analysis.frame_word.tolist(),
        "token_word": analysis.token_word.tolist(),
    }
    return pack(name, head, tensors)


def _layer_changes(
    analysis: Analysis, layout: Layout, colour: Colour, hulls: bool
) -> dict[str, Any]:
    labels = [hover(layer) for layer in range(analysis.n_layers + 1)]
    data: dict[str, Any] = {
        "audio frame": {"hovertemplate": [frame for frame, _ in labels]},
        "text token": {"hovertemplate": [token for _, token in labels]},
    }
    if colour == "correct":
        data["audio frame"]["marker.color"] = "@verdicts"
    if hulls and layout.dimensions == 2:
        outlines = hull_indices(analysis, layout)
        data["all frames"] = {"meta.at": outlines[0]}
        data["all tokens"] = {"meta.at": outlines[1]}
    scene = "scene." if layout.dimensions == 3 else ""
    windows = extents(layout.points).transpose(1, 0, 2).tolist()
    ranges = {f"{scene}{name}axis.range": w for name, w in zip("xyz", windows, strict=False)}
    return {"data": data, "layout": ranges}


def _word_changes(analysis: Analysis) -> dict[str, Any]:
    words = range(len(analysis.words))
    return {
        "data": {
            "chosen": {"meta.at": [own_points(analysis, word) for word in words]},
            "chosen ties": {"meta.at": [tie(analysis, word) for word in words]},
            SOUND_TRAIL.format(CHOSEN): {"meta.trail": [sound_anchor(analysis, w) for w in words]},
            TEXT_TRAIL.format(CHOSEN): {"meta.trail": [text_anchor(analysis, w) for w in words]},
        }
    }


def _point_changes(points: range) -> dict[str, Any]:
    return {"data": {"chosen point": {"meta.at": [[point] for point in points]}}}


def notes(analysis: Analysis, layout: Layout, layer: int) -> list[str]:
    """How far to trust the map of a layer, in plain words with the numbers to compare with."""
    said = []
    if not layout.own[layer]:
        said.append(f"{layout.name} has not reached this layer yet: its PCA is shown meanwhile.")
    trust = float(layout.trust[layer])
    if np.isfinite(trust):
        said.append(
            f"Trustworthiness {number(trust)}: 1 if every neighbour on this map is a "
            "neighbour among the stored components too, about 0.5 for points thrown at random."
        )
    else:
        said.append("Trustworthiness: being measured …")
    if np.isfinite(layout.kept[layer]) and layout.own[layer]:
        share = number(100 * float(layout.kept[layer]))
        said.append(f"These {layout.dimensions} axes show {share} % of the components' variance.")
    mixing = analysis.scores.get("neighbour_mixing")
    if mixing is not None and np.isfinite(mixing[layer]):
        even = number(100 * float(analysis.baselines["neighbour_mixing"][layer]))
        said.append(
            f"{number(100 * float(mixing[layer]))} % of a point's 15 nearest neighbours are "
            f"of the other modality (measured in the model's full space); {even} % if audio and "
            "text were mixed evenly."
        )
    return said
