"""Explore: one recording, one model, every layer."""

import streamlit as st

from alas_core.ui import controls, details, guide, panels, picture, shell
from alas_core.ui.sheet import sheet

_FOLDS = {"time": "Layers × time", "words": "Layers × words"}

shell.enter()
shown = picture.current()
analysis = shown.analysis
picture.status(shown)

if analysis is None:
    picture.placeholder(shown)
    st.stop()

view = controls.view()
layer, word = view.layer_of(analysis), view.word_of(analysis)
with st.container(key="picture"):
    panels.flags(analysis)
    panels.what_this_says(analysis)
    with st.container(horizontal=True, vertical_alignment="center"):
        fold = st.segmented_control(
            "Fold",
            list(_FOLDS),
            format_func=_FOLDS.__getitem__,
            default="time",
            required=True,
            key="fold",
            label_visibility="collapsed",
        )
        guide.about_sheet(view.score)
    sheet(
        analysis,
        layer=layer,
        word=word,
        score=view.score,
        fold=fold or "time",
        theme=panels.theme(),
        on_event=controls.follow,
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        panels.map_panel(analysis, layer, word)
    with right:
        panels.answers(analysis)
        panels.layers_panel(analysis, layer)
    details.details(analysis, layer)
