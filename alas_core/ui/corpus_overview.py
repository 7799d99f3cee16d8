"""Utterances x layers with their mean, and the same by group or beside other runs."""

from __future__ import annotations

import streamlit as st

from alas_core.corpus import choosing
from alas_core.corpus.heat import Heat, heat
from alas_core.corpus.profiles import Profile, beating_null, by_chance, by_group, profile
from alas_core.corpus.resampling import Estimate
from alas_core.corpus.run import Run
from alas_core.definitions import SCORES
from alas_core.errors import AlasError
from alas_core.figures.corpus import corpus_figure, groups_figure
from alas_core.numerals import number
from alas_core.types import IntArray
from alas_core.ui import corpus_guide, corpus_lists, corpus_scope
from alas_core.ui.chart import Cell, chart
from alas_core.ui.corpus_scope import Scope
from alas_core.ui.look import theme
from alas_core.ui.text import plain

_BIN = "run_bin"
_CLICKED = "run_layer_clicked"
_NO_GROUP = "all"


def utterances(looked: Scope) -> None:
    """The heatmap in the order of any metric; a click opens an utterance, or lists a column.

    Below it the same as a list, to read and to choose from without a pointer.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = _sort_by(looked)
        first = st.segmented_control("First", ["best", "worst"], required=True, key="run_first")
        corpus_guide.about("utterances", looked.score)
    order = (looked.key, by, first, looked.layer if by in SCORES else None)
    ordered = choosing.order(looked.run, looked.rows, by, looked.layer, best_first=first == "best")
    drawn = heat(looked.run, ordered, looked.score)
    labels = column_labels(looked.run, drawn)
    mean = _profile(looked.key, looked.run, looked.rows, looked.score)
    sorted_by = f"{order_label(by)} at layer {looked.layer}" if by in SCORES else order_label(by)
    figure = corpus_figure(
        drawn,
        mean,
        labels,
        layer=looked.layer,
        sorted_by=f"{sorted_by}, {first} first",
        theme=theme(),
    )

    def on_pick(cell: Cell) -> None:
        members = drawn.members(cell.column)
        if len(members) == 1:
            corpus_lists.open_utterance(looked, int(members[0]))
        elif len(members):
            st.session_state[_BIN] = (order, cell.column)

    chart(figure, key="run_heat", filename=f"{looked.name}-utterances", on_pick=on_pick)
    corpus_lists.follow()
    if drawn.binned:
        clicked_in, column = st.session_state.get(_BIN, (None, -1))
        _column(looked, drawn, column if clicked_in == order else -1)
    else:
        st.caption(
            "Click a column: its utterance opens in Explore. Drag to zoom in, double click to undo."
        )
        corpus_lists.utterance_list(looked, drawn.rows, "run_heat_list")


def _sort_by(looked: Scope) -> str:
    options = [*looked.run.scores, *choosing.number_columns(looked.run)]
    if st.session_state.get("run_sort") not in options:
        st.session_state["run_sort"] = looked.score if looked.score in options else options[0]
    st.selectbox("Sort by", options, format_func=order_label, key="run_sort", width=260)
    return str(st.session_state["run_sort"])


def order_label(name: str) -> str:
    """What utterances are ordered by, in words."""
    return SCORES[name].label if name in SCORES else choosing.label(name)


def column_labels(run: Run, drawn: Heat) -> list[str]:
    """What a reader is told of each column of the heatmap."""
    if drawn.binned:
        pairs = zip(drawn.edges, drawn.edges[1:], strict=False)
        return [f"utterances {a + 1} to {b} of {len(drawn.rows)}" for a, b in pairs]
    chosen = run.utterances[drawn.rows]
    ids, words = chosen["utterance"], chosen["transcript"].fill_null("")
    return [f"{key} · {text}" for key, text in zip(ids, words, strict=True)]


def _column(looked: Scope, drawn: Heat, column: int) -> None:
    """The utterances of the column that was clicked; -1 where none was in this order."""
    members = drawn.members(column)
    if len(members):
        st.markdown("**Utterances of the column you clicked**")
        corpus_lists.utterance_list(looked, members, "run_bin_list")
    else:
        st.caption(
            f"Each column is the mean of about {len(drawn.rows) // (len(drawn.edges) - 1)} "
            "neighbours in this order. Click one to list its utterances; filters in the sidebar "
            "narrow the choice until each utterance has a column of its own."
        )


@st.cache_data(max_entries=64, show_spinner=False)
def _profile(key: str, _run: Run, _rows: IntArray, score: str, name: str = "") -> Profile:
    del key
    return profile(_run, _rows, score, name)


@st.cache_data(max_entries=32, show_spinner=False)
def _by_group(key: str, _run: Run, _rows: IntArray, score: str, column: str) -> tuple[Profile, ...]:
    del key
    return by_group(_run, choosing.groups(_run, _rows, column), score)


def profiles(looked: Scope) -> None:
    """Mean profiles by group, or of several runs over relative depth."""
    if st.session_state.pop(_CLICKED, False):
        st.rerun()  # the whole page: the layer is also the sidebar's and the sentences'
    options = {_NO_GROUP: "No groups"}
    options |= {name: choosing.label(name) for name in choosing.group_columns(looked.run)}
    others = [name for name in corpus_scope.runs() if name != looked.name]
    if st.session_state.get("run_group") not in options:
        st.session_state["run_group"] = next(iter(list(options)[1:]), _NO_GROUP)
    kept = [name for name in st.session_state.get("run_others", []) if name in others]
    st.session_state["run_others"] = kept
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = st.selectbox(
            "Group by", options, format_func=options.__getitem__, key="run_group", width=240
        )
        compared = st.multiselect(
            "Beside other runs", others, key="run_others", width=360, placeholder="choose runs",
            help="Means over all of their utterances, against relative depth, so that models "
            "with different numbers of layers can be compared.",
        )  # fmt: skip
        corpus_guide.about("profiles", looked.score)
    shown = _profiles_of(looked, str(column), compared)
    depth = bool(compared)
    figure = groups_figure(shown, layer=looked.layer, depth=depth, theme=theme())
    layers = () if depth else range(looked.run.n_layers + 1)
    name = f"{looked.name}-profiles"
    chart(figure, key="run_groups", filename=name, rows=layers, on_pick=_choose_layer)
    _table(looked, shown)


def _choose_layer(cell: Cell) -> None:
    st.session_state["run_layer"], st.session_state[_CLICKED] = cell.row, True


def _profiles_of(looked: Scope, column: str, compared: list[str]) -> tuple[Profile, ...]:
    run, rows, score = looked.run, looked.rows, looked.score
    if compared:
        found = [_profile(looked.key, run, rows, score, looked.name)]
        for name in compared:
            try:
                other = corpus_scope.opened(corpus_scope.runs()[name])
                key = f"{other.folder.url} {corpus_scope.runs()[name].stamp} all"
                found.append(_profile(key, other, other.everyone(), score, name))
            except AlasError as error:
                st.warning(plain(error), icon=":material/error:")
        return tuple(found)
    if column == _NO_GROUP:
        return (_profile(looked.key, run, rows, score, "all utterances"),)
    return _by_group(looked.key, run, rows, score, column)


def _table(looked: Scope, shown: tuple[Profile, ...]) -> None:
    """Each group's best layer and its mean there, and at the chosen layer."""
    label = SCORES[looked.score].label
    rows = []
    for found in shown:
        best = found.band.at(found.best)
        row: dict[str, object] = {
            "group": found.name,
            "n": best.n,
            "best layer": found.best,
            f"{label} there (95 %)": _with_ends(best),
        }
        if found.n_layers == looked.run.n_layers:
            row[f"at layer {looked.layer} (95 %)"] = _with_ends(found.band.at(looked.layer))
        if found.null_high is not None:
            row[f"{found.null_name} reach"] = number(float(found.null_high[found.best]))
        rows.append(row)
    st.dataframe(rows, hide_index=True, placeholder="", key="run_group_table")
    share = beating_null(looked.run, looked.rows, looked.layer)
    if share.n:
        st.caption(
            f"Of all {share.n} utterances {100 * share.value:.0f} % beat their "
            f"{looked.run.null_name} at layer {looked.layer} (95 % interval "
            f"{100 * share.low:.0f} to {100 * share.high:.0f} %; {by_chance(looked.run)}). "
            "A group's band is the interval of its mean; groups were not chosen before looking, so "
            "small differences mean little."
        )


def _with_ends(estimate: Estimate) -> str:
    return f"{number(estimate.value)} ({estimate.ends.removeprefix('95 % ')})"
