"""What a reader takes along of a view: its address, a report, the whole analysis."""

from __future__ import annotations

import streamlit as st
from streamlit.components.v2 import component

from alas_core import files, frontend
from alas_core.fingerprint import fingerprint
from alas_core.types import Analysis
from alas_core.ui import guard, references

_EXPLAIN = (
    "**This link** holds what you see: recording, layer, word, frame, token, score and settings. "
    "Whoever can open this server sees the same."
)
_LEFT_OUT = (
    "Only the reference is not in it: a link loads no checkpoint and holds no file. The bundle "
    "below has its words with their times."
)
_COPY = "Copy link"

_link = component(
    "alas_copy_link",
    html='<div class="alas-link"><input readonly aria-label="Link to this view">'
    f'<button type="button">{_COPY}</button></div>',
    css=frontend.style("copy_link"),
    js=frontend.script("copy_link"),
    isolate_styles=False,
)


@st.fragment
def menu(analysis: Analysis, score: str, layer: int, word: int | None) -> None:
    """A button that opens the ways to pass on what is on the screen."""
    with guard.guarded("the Share menu"):
        _menu(analysis, score, layer, word)


def _menu(analysis: Analysis, score: str, layer: int, word: int | None) -> None:
    # The files are made when it opens, not when one is clicked: Streamlit may throw away a file
    # made at the click before the browser has fetched it, if other sessions run meanwhile.
    opened = st.popover(
        "Share", icon=":material/ios_share:", type="tertiary", key="share", on_change="rerun"
    )
    if not opened.open:
        return
    with opened:
        st.markdown(_EXPLAIN)
        if references.linked() is None:
            st.markdown(_LEFT_OUT)
        _link(key="share_link", data={"label": _COPY})
        with st.spinner("Writing the report …"):
            report = _report(fingerprint(analysis), analysis, score, layer, word)
        st.download_button(
            "Report (HTML)",
            report,
            file_name=f"{file_stem(analysis)}.html",
            mime="text/html",
            on_click="ignore",
            icon=":material/description:",
            width="stretch",
            help="One file that opens from disk without a network, at this layer and word: sound, "
            "sheet, findings, scores, settings, citation.",
        )
        st.download_button(
            "Bundle (.alas)",
            bundle(analysis),
            file_name=f"{file_stem(analysis)}.alas",
            mime="application/octet-stream",
            on_click="ignore",
            icon=":material/deployed_code:",
            width="stretch",
            help="The whole analysis: choose 'Open a bundle' under Recordings on any machine; "
            "neither the model nor a GPU is needed there.",
        )


def bundle(analysis: Analysis) -> bytes:
    """The bytes of the analysis's bundle."""
    return _bundle(fingerprint(analysis), analysis)


@st.cache_resource(max_entries=8, show_spinner=False)
def _report(name: str, _analysis: Analysis, score: str, layer: int, word: int | None) -> str:
    del name
    from alas_core.report import report_html

    return report_html(_analysis, score=score, layer=layer, word=word)


@st.cache_resource(max_entries=8, show_spinner=False)
def _bundle(name: str, _analysis: Analysis) -> bytes:
    del name
    from alas_core.bundle import dumps

    return dumps(_analysis)


def file_stem(analysis: Analysis) -> str:
    """A file name made of safe characters only."""
    return files.file_stem(f"{analysis.model.title}-{analysis.utterance.id}", "analysis")
