"""What the Compare page shows of its two analyses: sentences, figures and a table of words."""

from __future__ import annotations

import streamlit as st

from alas_core.comparison import Axis, settings_apart, share_words, word_rows
from alas_core.contrasts import summary
from alas_core.definitions import FIGURES
from alas_core.figures import comparison as figures
from alas_core.types import Analysis
from alas_core.ui import controls, guide, picture
from alas_core.ui.chart import Cell, chart
from alas_core.ui.compare import layers_of
from alas_core.ui.look import theme
from alas_core.ui.text import cut, plain

_AXES: dict[Axis, str] = {"index": "Layer number", "depth": "Relative depth"}
_HELP = """
**A** is what the sidebar chooses, **B** differs from it in what you choose here. Both stand on
one layer axis and in one colour scale; each has its own null band.

- **Profiles**: the two curves with what *wrong transcripts* reach on each side. At the right B − A;
  its hatched band is what the two nulls differ by. A difference inside the band is no result.
- **Words**: one column for each word, grey is the baseline. Only the same word, in the same
  order, is set against itself; a word of one side alone has no B − A.
- Where only the layer differs, B − A over the layers is nothing and left out.
- **Layer**: each side at its own best one until you choose one, in the sidebar or by a click on a
  profile; then A at that layer and B at the same one, or the same depth. With *Layer* among the
  differences, B at the one that you choose there.

**Relative depth** lays models of different depth over each other: 0 % is the input of the first
block, 100 % the output of the last.
"""


def comparison(first: Analysis, second: Analysis, fresh: bool = True) -> None:
    """Sentences, figures and the table of words of two analyses; `fresh` if both were asked for."""
    view = controls.view()
    if not fresh:
        picture.dim("comparison")
    with st.container(key="comparison"):
        axis: Axis = st.session_state.get("axis", "index")
        layers = layers_of(first, second, axis)
        _what_changed(first, second, layers, axis)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.segmented_control(
                "Layer axis", list(_AXES), format_func=_AXES.__getitem__, required=True,
                key="axis", label_visibility="collapsed",
            )  # fmt: skip
            guide.about(guide.WHAT, _HELP, FIGURES["compare"])
        pair, look = (first, second), theme()
        by_words = share_words(first, second)
        profiles = figures.profiles_figure(
            pair, score=view.score, axis=axis, layers=layers, theme=look
        )
        shown = {"profiles": profiles}
        if by_words:
            words = figures.words_figure(pair, score=view.score, axis=axis, theme=look)
            shown["pair_words"] = words
        shown["maps"] = figures.maps_figure(pair, layers=layers, theme=look)
        for name, figure in shown.items():
            layers_down = name != "maps"
            chart(
                figure,
                key=name,
                filename=f"alas-compare-{name.replace('_', '-')}",
                on_pick=_choose_layer if layers_down else None,
                rows=figures.shown_rows(first, axis).tolist() if layers_down else (),
            )
        if by_words:
            _word_table(first, second, layers)


def _choose_layer(cell: Cell) -> None:
    controls.choose(cell.row, controls.view().word)


def _what_changed(first: Analysis, second: Analysis, layers: tuple[int, int], axis: Axis) -> None:
    with st.container(border=True, gap="xxsmall", key="changes"):
        st.markdown("**What changed from A to B**")
        apart = [*settings_apart(first, second)]
        if layers[0] != layers[1]:
            apart.append(("layer", f"{layers[0]}", f"{layers[1]}"))
        told = "; ".join(f"{name}: {cut(a, 60)} → {cut(b, 60)}" for name, a, b in apart)
        st.caption(plain(told or "Nothing: A and B are made from the same.", 600))
        for sentence in summary(first, second, layers, axis):
            st.markdown(plain(sentence))


def _word_table(first: Analysis, second: Analysis, layers: tuple[int, int]) -> None:
    st.markdown(f"**Word by word** · A at layer {layers[0]}, B at layer {layers[1]}")
    rows = word_rows(first, second, layers)
    columns = {
        name: st.column_config.NumberColumn(format="%.2f")
        for name in rows[0]
        if not name.startswith("Word")
    }
    st.dataframe(rows, hide_index=True, placeholder="", key="pair_table", column_config=columns)
