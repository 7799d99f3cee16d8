"""A run's layers against layers, and all its words on one map."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from alas_core.corpus import layers as queries
from alas_core.corpus.pooled import Pooled, pooled, principal, same_word_rank
from alas_core.corpus.run import Run
from alas_core.errors import InputError
from alas_core.figures.corpus_maps import corpus_layers_figure, pooled_figure
from alas_core.figures.layers import NAMES
from alas_core.numerals import number
from alas_core.types import FloatArray
from alas_core.ui import corpus_guide
from alas_core.ui.chart import chart, webgl_chart
from alas_core.ui.corpus_scope import Scope
from alas_core.ui.jobs import Runner, Step
from alas_core.ui.look import theme
from alas_core.ui.text import plain

_maps: Runner[FloatArray] = Runner("maps of runs", max_kept=16)
_COLOURS = {"modality": "Sound and text", "word": "Frequent words"}
_KINDS = {"pca": "PCA", "umap": "UMAP"}


def layers(looked: Scope) -> None:
    """Mean matrices over the corpus, their diagonal, and the tree of layers."""
    names = queries.matrices(looked.run)
    if not names:
        st.info("This run holds no layer-by-layer matrices: an earlier version made it.")
        return
    if st.session_state.get("run_matrix") not in names:
        st.session_state["run_matrix"] = names[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.segmented_control(
            "Likeness", names, format_func=_matrix_label, required=True, key="run_matrix"
        )
        side = st.segmented_control(
            "Tree of the layers of", ["audio", "text"], required=True, key="run_tree_side"
        )
        corpus_guide.about("layers", looked.score)
    matrix = queries.cross_layer(looked.run, name or names[0])
    tree = queries.layer_tree(matrix, side or "audio")
    figure = corpus_layers_figure(
        matrix, tree, layer=looked.layer, side=side or "audio", theme=theme()
    )
    chart(figure, key="run_layers", filename=f"{looked.name}-{matrix.name}")
    st.caption(
        f"Mean over all {matrix.n} utterances of the run with this matrix (filters do not apply: "
        "the run keeps only the mean). Without any likeness both measures would be 0."
    )


def _matrix_label(name: str) -> str:
    return NAMES.get(name, (name, True))[0]


@st.cache_data(max_entries=8, show_spinner="Reading the words' states …")
def _pooled(key: str, _run: Run, layer: int) -> Pooled:
    del key
    return pooled(_run, layer)


@st.cache_data(max_entries=32, show_spinner=False)
def _nearest(key: str, _found: Pooled) -> tuple[float, float, int]:
    del key
    return same_word_rank(_found)


def pooled_map(looked: Scope) -> None:
    """Words of many utterances, each as sound and as text, at the chosen layer."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Projection", list(_KINDS), format_func=_KINDS.__getitem__, required=True,
            key="run_map_kind",
        )  # fmt: skip
        colour = st.segmented_control(
            "Colour", list(_COLOURS), format_func=_COLOURS.__getitem__, required=True,
            key="run_map_colour",
        )  # fmt: skip
        corpus_guide.about("map", looked.score)
    run = looked.run
    key = f"{run.folder.url} {run.info.get('updated')} {looked.layer}"
    try:
        found = _pooled(key, run, looked.layer)
    except InputError as error:
        st.info(plain(error), icon=":material/info:")
        return
    points = _points(key, found, str(kind))
    _say_nearest(looked, key, found)
    figure = pooled_figure(
        points,
        found.table["modality"].to_list(),
        found.table["word"].to_list(),
        found.table["utterance"].to_list(),
        colour="word" if colour == "word" else "modality",
        theme=theme(),
    )
    webgl_chart(figure, key="run_map", filename=f"{looked.name}-map-{kind}-layer-{looked.layer}")


def _say_nearest(looked: Scope, key: str, found: Pooled) -> None:
    share, chance, n = _nearest(key, found)
    nearest = (
        f"{100 * share:.0f} % of words as sound have a text of the same word in another utterance "
        f"nearest to them (a blind guess: {number(100 * chance)} %; n = {n} words, cosine in the "
        "shared space)"
        if n
        else "no word as sound has a text in another utterance to compare it with"
    )
    st.markdown(
        plain(
            f"Layer {looked.layer}: {nearest}. {len(found.table)} points of "
            f"{found.table['utterance'].n_unique()} utterances; filters do not apply here."
        )
    )


def _points(key: str, found: Pooled, kind: str) -> FloatArray:
    """PCA at once; UMAP when it is ready."""
    if kind != "umap":
        return principal(found.vectors)
    state = _maps.ask(key, lambda: _umap_steps(found.vectors))
    if state.result is not None:
        return state.result
    if state.error:
        st.caption(plain(f"PCA is shown, since UMAP cannot be: {state.problem}"))
    else:
        _wait(state.key)
    return principal(found.vectors)


def _umap_steps(vectors: FloatArray) -> Iterator[Step[FloatArray]]:
    n = len(vectors)
    yield Step(f"placing {n} words with UMAP (20,000 take about half a minute)")
    from alas_core import projection

    yield Step("done", result=projection.umap_points(principal(vectors, 50)))


@st.fragment(run_every=1.0)
def _wait(key: str) -> None:
    state = _maps.look(key)
    if state is None or state.finished or state.result is not None:
        st.rerun()
    else:
        st.caption(f"Showing PCA meanwhile: {state.stage} …")
