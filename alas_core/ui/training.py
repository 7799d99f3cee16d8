"""The Training page: a folder of checkpoints as layer x step; a cell opens its analysis."""

from __future__ import annotations

import streamlit as st

from alas_core import bundles, series
from alas_core.definitions import FIGURES, SCORES
from alas_core.figures.series import series_figure
from alas_core.ui import controls, guide
from alas_core.ui.chart import chart
from alas_core.ui.gallery import BUNDLE
from alas_core.ui.look import theme
from alas_core.ui.text import cut, plain

_HELP = """
Each column is a **checkpoint** of one model, each row a layer; all have heard the same recording.
Green: better than the baseline; brown: worse; grey: no better. A dot says that ALAS beats its null
(wrong transcripts) in that very checkpoint. The line above is the word error of the
checkpoint's transcripts, where the folder's `index.json` tells it.

**What would good look like?** Dots spread from some layer to others while the word error falls. A
green cell without a dot is no binding: wrong transcripts may score as well there.

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
    guide.about(guide.WHAT, _HELP, FIGURES["training"])
    figure = series_figure(chosen, grown, score=score or "alas", theme=theme())
    picked = f"{chosen.name}-{chosen.utterance}"
    chart(
        figure, key="series_figure", filename=f"alas-training-{picked}",
        on_pick=lambda cell: _open(chosen, cell.column, cell.row),
    )  # fmt: skip
    if st.session_state.pop("series_open", False):
        st.switch_page("pages/explore.py")
    st.caption(
        f"Dot: ALAS beats its {grown.null_name}. Choose a cell to open that checkpoint's "
        "analysis at that layer, or a step here to open it at its best one."
    )
    _by_step(chosen)


def _by_step(chosen: series.Series) -> None:
    """The way to a checkpoint without a pointer."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Training step",
            range(len(chosen.steps)),
            format_func=lambda index: f"{chosen.steps[index]:,}",
            key="series_step",
            width=200,
        )
        st.button("Open this checkpoint", key="open_step", on_click=_open_step, args=[chosen])


def _open_step(chosen: series.Series) -> None:
    # The step as it stands at the press, which may come before the page has run again.
    _open(chosen, st.session_state["series_step"])


def _label(one: series.Series) -> str:
    return f"{one.name} · {len(one.steps)} steps · {cut(one.transcript, 60)} · {one.utterance}"


def _open(chosen: series.Series, column: int, layer: int | None = None) -> None:
    """Have Explore show a checkpoint, at its best layer by default (called before a rerun)."""
    if column < len(chosen.kept):
        st.session_state["data"] = BUNDLE
        st.session_state["utterance"] = chosen.kept[column].id
        controls.choose(layer, None)
        st.session_state["series_open"] = True
