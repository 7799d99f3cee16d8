"""The vocabulary read-out on the Explore page: linked grid, and where each word is read."""

from __future__ import annotations

import streamlit as st
from streamlit.components.v2 import component

from alas_core import frontend
from alas_core.figures.lens_payload import lens_height, lens_name, lens_payload
from alas_core.figures.palette import Theme
from alas_core.figures.reading import READING_HEIGHT, reading_figure
from alas_core.findings import reading_sentence
from alas_core.readout import word_readings
from alas_core.types import Analysis, Lens
from alas_core.ui import guide
from alas_core.ui.chart import Link, chart
from alas_core.ui.linked import figure_data
from alas_core.ui.share import file_stem
from alas_core.ui.text import plain

_HELP = """
**What would this state say, if it were the last one?** At each layer the state of each audio frame
is taken through the model's own last step (final norm, then output head). What comes out is a
probability for every token of the vocabulary; the grid names the most probable one, and its colour
says how probable. At layer 0 no block has worked yet: there the grid names the *nearest input
embedding*, and colour is a cosine.

- **Solid green frame**: the token is the word being spoken (or a piece of it).
- **Dashed frame**: it is the word that comes after. The last layers of a language model look for
  the *next* token, so this is expected there.
- Time is the sheet's: zoom there, and the grid shows the same seconds.
- Choose a cell: beside it stand its ten most probable tokens. Choose one of these to follow it:
  the grid then shows its probability everywhere (dark where it is not among the ten).

**What would good look like?** Green under most words at some layers. Nothing green does not mean
that the model does not hear: a state may carry a word in a direction that the output head does not
read. So this adds to the alignment above and does not replace it.
"""

_DEFINITION = """logit lens: p(token | layer l, frame i) = softmax(output_head(final_norm(A_l[i])))
the final norm is applied once, at the last layer too
layer 0: cosine of A_0[i] with each row of the input embeddings
a token names a word if it is one of the pieces the tokenizer cuts it into, or another spelling of
the whole word (capitals, with or without the space) that is one token
after arXiv:2506.05140 (logit lens at audio positions) and arXiv:2510.02569 (input embeddings)"""

_SENTENCES_PX = 120
"""What the heading, the sentence and the caption of the lower figure take, about."""

_lens = component(
    "alas_lens",
    html='<div class="alas-lens" tabindex="0" role="group" aria-label="Vocabulary read-out. '
    'Arrow keys move between layers and positions."></div>',
    css=frontend.style("lens"),
    js=frontend.script("lens"),
    isolate_styles=False,
)


@st.cache_resource(max_entries=16, show_spinner=False)
def _payload(name: str, _analysis: Analysis, _lens_of: Lens, theme: Theme) -> bytes:
    del name  # the cache's key: it says all that the payload depends on
    return lens_payload(_analysis, _lens_of, theme=theme)


def readout_panel(analysis: Analysis, layer: int, word: int | None, theme: Theme) -> None:
    """Grid and detail, then the layer at which each word is read."""
    guide.about(guide.WHAT, _HELP, _DEFINITION)
    lens = analysis.lens
    if lens is None:
        _absent(analysis)
        return
    # All of it is made first: what stands here keeps its height until the next stands in its place.
    name = lens_name(analysis, theme)
    payload = _payload(name, analysis, lens, theme)
    sentence = plain(reading_sentence(analysis, lens))
    figure = reading_figure(analysis, lens, layer=layer, word=word, theme=theme)
    readings = word_readings(lens, analysis.frame_word, len(analysis.words))
    with st.container(gap=None):
        _lens(key="lens", data={"id": name}, height=lens_height(analysis.n_layers))
        figure_data(payload, key="lens")
    st.markdown("**At which layer does the model read each word?**")
    st.markdown(sentence)
    chart(
        figure,
        key="reading",
        filename=f"{file_stem(analysis)}-reading",
        rows=range(analysis.n_layers + 1),
        link=Link(analysis, words=[reading.word for reading in readings]),
    )
    st.caption(
        "Ring: the first layer from 1 on at which one of the word's frames names it. Dot: the "
        "first at which half of them do. Cross: at none. Above the line, layer 0: there the "
        "nearest input embedding is the word's, before any block. Chance is one in the vocabulary "
        f"({analysis.model.vocabulary_size:,} tokens). Choose a cell to go to its layer and word."
    )


def _absent(analysis: Analysis) -> None:
    if analysis.null is None and analysis.key.settings.n_null:
        st.caption("The read-out comes after the wrong transcripts.")
        st.skeleton(lens_height(analysis.n_layers) + _SENTENCES_PX + READING_HEIGHT)
    else:
        st.info(
            "This analysis holds no read-out: it was made by an earlier version, or this model's "
            "class does not show its output head. Analyse the recording again to have one where "
            "the model can give it.",
            icon=":material/info:",
        )
