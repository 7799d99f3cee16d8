"""Kept analyses as recordings: the bundles in the server's folders, and those that are uploaded."""

from __future__ import annotations

import streamlit as st

from alas_core import bundles
from alas_core.bundle import SUFFIX
from alas_core.errors import StoreError
from alas_core.mode import readonly
from alas_core.types import Analysis
from alas_core.ui import url
from alas_core.ui.shelf import MAX_UPLOAD_MB, Recording, on_shelf, shelf
from alas_core.ui.text import cut, plain, told_apart

BUNDLE = "bundle"
_OPENED = "opened_bundles"
_LISTED_S = 3.0
"""How long a list of the folders serves: one run of a page asks several times."""


def labels() -> dict[str, str]:
    """Id to label: what this session opened, the newest first, then what lies in the folders."""
    return told_apart(_opened() | _in_folders())


@st.cache_resource(ttl=_LISTED_S, max_entries=1, show_spinner=False)
def _in_folders() -> dict[str, str]:
    return {kept.id: _label(kept) for kept in bundles.listed(bundles.roots()).values()}


def _label(kept: bundles.Kept) -> str:
    if kept.problem:
        return f"{kept.id} · cannot be opened"
    return f"{cut(kept.transcript, 60)} · {cut(kept.model, 40)} · {kept.id}"


def _opened() -> dict[str, str]:
    if readonly():
        return {}
    known: list[str] = list(st.session_state.get(_OPENED, []))
    linked = st.session_state.get("utterance")
    if linked and linked not in known and is_bundle(linked):
        known.append(linked)
        st.session_state[_OPENED] = known
    return shelf.labels(known)


def is_bundle(shelf_id: str) -> bool:
    """Whether what lies under that id on the shelf is a kept analysis."""
    held = shelf.get(shelf_id)
    return held is not None and held.name.endswith(SUFFIX)


def open_kept(bundle_id: str) -> Analysis:
    """The analysis that a label stands for; knows nothing of the session.

    Raises
    ------
    AlasError
        If it is neither in the folders nor on the shelf, or cannot be read.
    """
    kept = bundles.listed(bundles.roots()).get(bundle_id)
    if kept is not None:
        return bundles.open_bundle(kept.path)
    held = on_shelf(bundle_id, "bundle")
    return bundles.read_bundle(held.data, held.name)


def open_a_bundle() -> None:
    """The form: one file, taken over at once; a file that is no bundle is refused with why."""
    if readonly():
        return
    uploaded = st.file_uploader(
        f"Open a bundle, up to {MAX_UPLOAD_MB} MB",
        type=[SUFFIX.removeprefix(".")],
        key="bundle_file",
        max_upload_size=MAX_UPLOAD_MB,
        on_change=_accept,
        help=f"A {SUFFIX} file, as Share and 'alas analyse --out' write it: it holds sound, maps, "
        "scores and nulls, so neither the model nor a GPU is needed. Nothing in it is executed. "
        "Folders of bundles on the server are listed above (ALAS_BUNDLES names them).",
    )
    problem = st.session_state.get("bundle_problem")
    if problem and uploaded is not None:
        st.error(plain(problem), icon=":material/error:")


def _accept() -> None:
    uploaded = st.session_state.get("bundle_file")
    st.session_state.pop("bundle_problem", None)
    if uploaded is None:
        return
    raw = uploaded.getvalue()
    try:
        words = bundles.read_bundle(raw, uploaded.name).utterance.transcript
    except StoreError as error:
        st.session_state["bundle_problem"] = str(error)
        return
    bundle_id = shelf.put(Recording(uploaded.name, raw, words))
    known: list[str] = st.session_state.setdefault(_OPENED, [])
    if bundle_id not in known:
        known.append(bundle_id)
    st.session_state["data"], st.session_state["utterance"] = BUNDLE, bundle_id
    url.forget_choice()


def invite() -> None:
    """What stands on the page while no bundle is open."""
    with st.container(border=True):
        st.markdown("#### :material/inventory_2: No bundle is open")
        st.markdown(
            f"Upload a `{SUFFIX}` file in the sidebar: it holds a finished analysis. Share and "
            "`alas analyse --out` write such files; ALAS_BUNDLES names folders of them."
        )
