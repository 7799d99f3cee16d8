"""The Details section: all numbers, where they come from, and files to take away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from alas_core import figures
from alas_core.citation import bibtex
from alas_core.figures import axes
from alas_core.figures.profile import profile_figure
from alas_core.figures.readout_svg import readout_svg
from alas_core.types import Analysis
from alas_core.ui import controls, guard, map_panel, orders, share, tables
from alas_core.ui.chart import chart, webgl_chart
from alas_core.ui.text import plain

_TICKED = "word_ticked"
_VIEWS = ("Scores", "Words", "Provenance", "Download")


def details(analysis: Analysis, layer: int) -> None:
    """One of four views; only the chosen one is computed."""
    st.markdown("**Details**")
    chosen = st.segmented_control(
        "Details",
        _VIEWS,
        required=True,
        key="details",
        label_visibility="collapsed",
    )
    if chosen == "Words":
        _words(analysis, layer)
    elif chosen == "Provenance":
        _provenance(analysis)
    elif chosen == "Download":
        _download(analysis, layer)
    else:
        st.dataframe(tables.score_rows(analysis, layer), hide_index=True, key="score_table")


def _words(analysis: Analysis, layer: int) -> None:
    """In plain words and two decimals here; the files keep their names and all digits."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    looks = {name: number(axes.score_label(name), format="%.2f") for name in ("alas", "hit_rate")}
    looks |= {
        "word": text("Word"),
        "start_s": number("From (s)", format="%.2f"),
        "end_s": number("To (s)", format="%.2f"),
        "tokens": number("Tokens"),
        "onset_shift_ms": number("Onset shift (ms)", format="%d"),
        "taken_for": text("Taken for"),
        "problem": text("Problem"),
    }
    rows = tables.shown_words(tables.word_rows(analysis, layer))
    word = controls.view().word_of(analysis)
    # A word that is chosen elsewhere is ticked in a new table: Streamlit keeps the ticks of an old.
    edition, shown = st.session_state.get(_TICKED, (0, None))
    if shown != (analysis.key.digest, word):
        edition += 1
        st.session_state[_TICKED] = edition, (analysis.key.digest, word)
    key = f"word_table_{edition}"

    def on_select() -> None:
        ticked = next(iter(st.session_state[key]["selection"]["rows"]), None)
        st.session_state[_TICKED] = edition, (analysis.key.digest, ticked)
        controls.choose(controls.view().layer, ticked)

    st.dataframe(
        rows,
        hide_index=True,
        placeholder="",
        key=key,
        column_config=looks,
        on_select=on_select,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [] if word is None else [word]}},
    )
    st.caption("Tick a row to choose its word in every view.")


def _provenance(analysis: Analysis) -> None:
    facts = {
        "model": analysis.model.title,
        "revision": analysis.model.revision,
        "dtype": analysis.model.dtype,
        **({"loaded as": analysis.model.variant} if analysis.model.variant else {}),
        "reference": analysis.reference.name,
        "instruction": analysis.utterance.instruction,
        "key": analysis.key.digest,
        **{f"setting: {k}": v for k, v in vars(analysis.key.settings).items()},
        **_flat(analysis.provenance),
    }
    rows = [
        {"what": name, "value": "" if value is None else str(value)}
        for name, value in facts.items()
    ]
    st.dataframe(rows, hide_index=True, key="provenance_table")
    notes = (*analysis.utterance.audio.notes, *analysis.reference.notes, *analysis.model.notes)
    for note in (*notes, *orders.store().notes):
        st.caption(plain(note))


def _flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}: ")
        else:
            flat[prefix + name] = value
    return flat


def _download(analysis: Analysis, layer: int) -> None:
    stem = share.file_stem(analysis)
    _files(analysis, layer, stem)
    st.caption(
        "All files keep all digits; a text cell of a CSV file that a spreadsheet would run as a "
        "formula starts with an apostrophe. The .alas file is safetensors with JSON in its "
        "header: sound, similarity maps, scores, nulls, coordinates, provenance."
    )
    _print(analysis, layer, stem)


@st.fragment
def _files(analysis: Analysis, layer: int, stem: str) -> None:
    """Buttons for what is small; a table is written when its menu opens (see `share.menu`)."""
    with guard.guarded("Download"), st.container(horizontal=True):
        for title, (name, rows) in _tables(analysis, layer).items():
            menu = st.popover(
                title, icon=":material/download:", key=f"file_{name}", on_change="rerun"
            )
            if menu.open:
                found = rows()
                with menu:
                    _file("CSV", f"{stem}-{name}.csv", "text/csv", tables.to_csv(found))
                    _file("Parquet", f"{stem}-{name}.parquet", "application/vnd.apache.parquet",
                          tables.to_parquet(found))  # fmt: skip
        _file("Word times (TextGrid)", f"{stem}-words.TextGrid", "text/plain", _textgrid(analysis))
        _file("Citation (BibTeX)", f"{stem}.bib", "text/x-bibtex", bibtex(analysis))
        _file("Whole analysis (.alas)", f"{stem}.alas", "application/octet-stream",
              share.bundle(analysis))  # fmt: skip


def _tables(
    analysis: Analysis, layer: int
) -> dict[str, tuple[str, Callable[[], list[dict[str, object]]]]]:
    return {
        "Scores of all layers": ("layers", lambda: tables.layer_rows(analysis)),
        f"Words at layer {layer}": (
            f"words-layer{layer}", lambda: tables.word_rows(analysis, layer)
        ),
        f"Frames at layer {layer}": (
            f"frames-layer{layer}", lambda: tables.frame_rows(analysis, layer)
        ),
    }  # fmt: skip


def _file(label: str, name: str, mime: str, content: str | bytes) -> None:
    st.download_button(label, content, file_name=name, mime=mime, on_click="ignore")


def _print(analysis: Analysis, layer: int, stem: str) -> None:
    """A figure on white, as it is printed; SVG scales to any size, PNG has 3 x the pixels.

    The map is the one that the panel shows: its projection, dimensions, colour and parts.
    """
    st.markdown("**Figure for print**")
    absent = (_LIKENESS, not analysis.cross_layer), (_READOUT, analysis.lens is None)
    offered = [name for name in (*_FIGURES, _READOUT) if (name, True) not in absent]
    name = st.selectbox(
        "Figure", offered, key="print_figure", label_visibility="collapsed",
        help="Drawn in the light colours whatever the page wears.",
    )  # fmt: skip
    if name == _READOUT and analysis.lens is not None:
        drawn = readout_svg(analysis, analysis.lens, font="sans-serif")
        with st.container(key="print_readout"):
            st.image(drawn, width="stretch")
            _file("SVG", f"{stem}-read-out.svg", "image/svg+xml", drawn)
        return
    figure = _FIGURES[name](analysis, layer)
    figure.update_layout(paper_bgcolor="white", plot_bgcolor="white")
    file_name = f"{stem}-{name.lower().replace(' ', '-')}-layer{layer}"
    solid = figure.layout.scene.to_plotly_json() != {}
    show = webgl_chart if solid else chart
    show(figure, key=f"print{'_solid' * solid}", filename=file_name)


_READOUT = "Vocabulary read-out"
_LIKENESS = "Layers of hearing and reading"
_FIGURES: dict[str, Callable[[Analysis, int], Any]] = {
    "Sheet": lambda analysis, layer: figures.sheet_figure(
        analysis,
        layer=layer,
        word=controls.view().word_of(analysis),
        score=controls.view().score,
        fold=st.session_state.get("fold") or "time",
        cells=st.session_state.get("cells") or "cosine",
        cell_labels=False,  # they would travel at each rerun; chart.js makes them from `meta`
    ),
    "Layer profile": lambda analysis, layer: profile_figure(
        analysis, layer=layer, score=controls.view().score
    ),
    "Map": lambda analysis, layer: map_panel.as_shown(
        analysis, layer, controls.view().word_of(analysis)
    ),
    _LIKENESS: lambda analysis, layer: figures.cross_layer_figure(
        analysis, score=next(iter(analysis.cross_layer)), layer=layer
    ),
}


def _textgrid(analysis: Analysis) -> str:
    from alas_core.reference import to_textgrid

    return to_textgrid(analysis.reference, analysis.utterance.audio.duration_s)
