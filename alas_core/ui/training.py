"""The Training page: a folder of checkpoints as layer x step; a cell opens its analysis."""

from __future__ import annotations

import streamlit as st

from alas_core import bundles, series
from alas_core.definitions import SCORES
from alas_core.figures.series import series_figure
from alas_core.ui import controls
from alas_core.ui.gallery import BUNDLE
from alas_core.ui.panels import theme
from alas_core.ui.text import cut, plain

_HELP = """
Each column is a **checkpoint** of one model, each row a layer; all have heard the same recording. A
dot says that ALAS is above what *wrong transcripts* reach in that very checkpoint. The line above
is the word error of the checkpoint's transcripts, where the folder's `index.json` tells it.

**What would good look like?** Dots spread from some layer to others while the word error falls. A
bright cell without a dot is no binding: wrong words score as well there.

**Your own checkpoints**: `alas series CHECKPOINTS speech.wav --transcript "..." --out FOLDER`
analyses one recording with each of them; name the folder in `ALAS_BUNDLES`.
"""


def training() -> None:
    """Choice of the series, one sentence, the figure."""
    known = series.find_series(bundles.roots())
    if not known:
        st.info("There is no folder with checkpoints yet.", icon=":material/timeline:")
        st.markdown(_HELP)
        return
    if st.session_state.get("series") not in known:
        st.session_state["series"] = next(iter(known))
    left, right = st.columns([3, 2])
    name = left.selectbox("Checkpoints and recording", list(known), key="series",
                          format_func=lambda key: _label(known[key]))  # fmt: skip
    score = right.selectbox("Score", list(SCORES), key="score",
                            format_func=lambda key: SCORES[key].label)  # fmt: skip
    chosen = known[name or next(iter(known))]
    grown = series.growth(chosen, score or "alas")
    with st.container(border=True, key="emergence", gap="xxsmall"):
        st.markdown(plain(series.emergence(chosen, series.growth(chosen, "alas"))))
    with st.popover("What am I looking at?", icon=":material/help:", type="tertiary"):
        st.markdown(_HELP)
    figure = series_figure(chosen, grown, score=score or "alas", theme=theme())
    event = st.plotly_chart(
        figure, theme=None, key="series_figure", on_select="rerun", selection_mode="points",
        config={"displaylogo": False, "doubleClick": False},
    )  # fmt: skip
    _follow(chosen, event)
    st.caption("Choose a cell to open that checkpoint's analysis at that layer.")


def _label(one: series.Series) -> str:
    return f"{one.name} · {len(one.steps)} steps · {cut(one.transcript, 60)} · {one.utterance}"


def _follow(chosen: series.Series, event: object) -> None:
    """Open the analysis of the cell that was clicked."""
    points = getattr(getattr(event, "selection", None), "points", None) or []
    cells = [point["customdata"] for point in points if point.get("customdata")]
    if not cells:
        return
    column, layer = int(cells[0][0]), int(cells[0][1])
    st.session_state["data"], st.session_state["utterance"] = BUNDLE, chosen.kept[column].id
    controls.choose(layer, None)
    st.switch_page("pages/explore.py")
