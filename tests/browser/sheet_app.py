"""A page with the sheet alone, for the browser tests: `?case=` names what it shows.

`?map` adds the map and the layers against layers, `?lens` the read-out, `?chart` a figure of which
nothing can be chosen, `?trials` one whose rows are layers.
"""

import dataclasses
import json
import math

import numpy as np
import streamlit as st

from alas_core.figures import cross_layer_figure, payload
from alas_core.figures.trials import trials_figure
from alas_core.types import Analysis, Reference
from alas_core.ui import url
from alas_core.ui.chart import Link, chart
from alas_core.ui.map_panel import map_panel
from alas_core.ui.panels import layers_panel
from alas_core.ui.readout_panel import readout_panel
from alas_core.ui.sheet import SheetEvent, sheet
from tests.factory import make_analysis, make_audio, make_lens_of
from tests.test_figures import evil_analysis

st.set_page_config(layout="wide")
CASE = st.query_params.get("case", "plain")
LIMIT = st.cache_resource(lambda: payload.MAX_BYTES)()
payload.MAX_BYTES = 10 if CASE == "large" else LIMIT


@st.cache_resource
def analysis_of(case: str) -> Analysis:
    if case == "evil":
        return evil_analysis()
    if case == "long":
        binding = 0.7 * np.sin(np.linspace(-0.5, np.pi - 0.5, 25))  # at first to other words
        words = "seven yellow birds sing " * 12
        return make_analysis(n_layers=24, n_frames=250, words=words, binding=binding)
    if case == "windows":
        return make_analysis(words="seven yellow birds sing", per_window=3)
    base = make_analysis()
    if case == "other":
        return make_analysis(n_frames=60)
    if case == "short":  # the sound ends within its last frame
        audio = make_audio(1.565)
        key = dataclasses.replace(base.key, audio_sha=audio.sha)
        return dataclasses.replace(
            base, key=key, utterance=dataclasses.replace(base.utterance, audio=audio)
        )
    if case == "unplaced":
        lost = dataclasses.replace(
            base.words[2], start_s=math.nan, end_s=math.nan, problem="not in the dictionary"
        )
        words = (*base.words[:2], lost, *base.words[3:])
        key = dataclasses.replace(base.key, reference="lost")  # the payload is cached by it
        return dataclasses.replace(base, key=key, reference=Reference("planted", words))
    return base


def follow(event: SheetEvent) -> None:
    chosen = dataclasses.asdict(event)
    st.session_state.update(chosen)
    st.session_state["events"] = [*st.session_state.get("events", []), chosen]


shown = analysis_of("other" if st.session_state.get("other") else CASE)
st.sidebar.slider("Layer", 0, shown.n_layers, shown.best_layer, key="layer")
st.sidebar.toggle("Words", key="fold")
st.sidebar.toggle("Early", key="early", help="as before the null is there")
st.sidebar.toggle("Waiting", key="waiting", help="as while another analysis is computed")
st.sidebar.toggle("Other", key="other")  # another recording in the same place
if not st.sidebar.toggle("Hide", key="hide"):
    if st.session_state["early"]:
        shown = dataclasses.replace(shown, null=None)
    sheet(
        shown,
        layer=st.session_state["layer"],
        **{name: st.session_state.get(name) for name in ("word", "frame", "token")},
        fold="words" if st.session_state["fold"] else "time",
        theme="dark" if st.context.theme.type == "dark" else "light",
        live=not st.session_state["waiting"],
        on_event=follow,
    )
if "map" in st.query_params:
    url.keep("map_parts", ["lines"])
    map_panel(shown, st.session_state["layer"], "light")
    layers_panel(shown)
if "lens" in st.query_params:
    read = dataclasses.replace(shown, lens=make_lens_of(shown))
    readout_panel(read, st.session_state["layer"], st.session_state.get("word"), "light")
if "chart" in st.query_params:
    chart(cross_layer_figure(shown, score="cka"), key="still", filename="still")
if "trials" in st.query_params:
    layers = range(shown.n_layers + 1)
    curves = trials_figure(shown, [], layer=st.session_state["layer"])
    chart(curves, key="curves", filename="curves", rows=layers, link=Link(shown))
st.code(json.dumps(st.session_state.get("events", [])[-1:]), language=None)
