"""Help beside each figure: what it shows, what good looks like, how it is computed."""

from __future__ import annotations

import streamlit as st

from alas_core.definitions import FIGURES, SCORES
from alas_core.ui.text import plain

WHAT = "What am I looking at?"

_SHEET = """
**One recording, heard and read by the same frozen model.** The model runs twice: once on the sound,
once on its transcript. Both runs give one state per position and layer. An *audio frame* is a
position that holds sound (for the demo model, 40 ms of it), a *text token* a position that holds a
piece of a word.

- **Top**: the sound and its words. Choose a word to hear just it.
- **Middle**: layers run down, time runs right. Green: at this layer, frames at this moment point to
  the word being spoken; brown: they point elsewhere; grey: no better than an even spread. At its
  right, the same as one number a layer, with the band of *wrong transcripts* and, thin and pink,
  the chosen word alone.
- **Bottom**: the chosen layer alone. Bright: this frame and this token are similar. The outline is
  the reference, the line the path the model itself prefers. *Cosine* is what was measured, in the
  colours of its own layer; *Share of mass* is what ALAS makes of it, from 0 to 1 at every layer.

**What would good look like?** Layers whose curve leaves the grey band; green under every word; at
that layer a bright staircase inside the outlines. A curve inside the band means: any sentence of
this length would score as well.
"""

_MAP = """
Each dot is one state at the chosen layer: an audio frame or a text token. Lines tie each word's
frames to its tokens; the rings are the chosen word. Choose a dot to hear it and to see its word in
every other view; change the layer to see the dots move.

**What would good look like?** Short lines: a word's sound lies near its text. Two separate clouds
with long lines are the *modality gap*; the words can still be in matching order inside each cloud,
which the scores see and a flat map may not.

- **PCA** keeps the two or three directions with the largest spread.
- **UMAP** keeps neighbourhoods; its distances between groups and sizes of groups mean nothing.
- All layers share their axes: each layer is scaled to one spread and turned towards the layer
  before, and UMAP starts each layer where its neighbour's dots lie. So what moves has moved.
- **Finds its word** colours a frame green where its nearest token belongs to the word being spoken,
  orange where it belongs to another, grey where no word is spoken.
- **Trails** follow the middle of a word's frames (solid) and tokens (dashed) from layer 0 on.
- **Trustworthiness** (Venna and Kaski 2001) falls where the map invents neighbours: 1 means it
  shows none that are far apart among the 50 stored components; points thrown at random have 0.5.
"""

_LAYERS = """
Rows are layers of the run on sound, columns layers of the run on text; a bright cell says that the
two layers arrange their content alike. The mark is where audio and text of the chosen layer meet.

**What would good look like?** A bright diagonal: hearing and reading go in step. Brightness below
the diagonal: hearing reaches a stage of meaning only at deeper layers than reading.

*CKA* compares how the words of this utterance are arranged among each other (debiased, linear).
*Correlation* compares only the mean vectors of the two runs. With few words CKA is noisy.
"""

_ALAS = r"""
p_{ik} = \mathrm{softmax}_k\!\left(\frac{\cos(a_i, t_k)}{\tau}\right) \qquad
m_i = \sum_{k \in w(i)} p_{ik} \qquad u_i = \frac{|w(i)|}{K} \qquad
\mathrm{ALAS} = \frac{\overline{m} - \overline{u}}{1 - \overline{u}}
"""


def about_sheet(score: str) -> None:
    """Two buttons: what the sheet shows, and how the chosen score is computed."""
    with st.container(horizontal=True, width="content"):  # where room is short both wrap together
        with st.popover(WHAT, icon=":material/help:", type="tertiary"):
            st.markdown(_SHEET)
        about_score(score)


def about_score(name: str) -> None:
    """How a score is computed: definition, unit, baseline, source."""
    score = SCORES[name]
    with st.popover(f"How is {score.label} computed?", icon=":material/function:", type="tertiary"):
        st.markdown(plain(score.plain))
        if name == "alas":
            st.latex(_ALAS)
        st.code(score.definition, language=None, wrap_lines=True)
        st.markdown(
            f"**Unit** {plain(score.unit or 'none')} · **Baseline** {plain(score.baseline)} · "
            f"**Source** {plain(score.source)}"
        )


def about_map() -> None:
    """What the map shows and how far to trust it."""
    about(WHAT, _MAP, FIGURES["map"])


def about_layers() -> None:
    """What the layers-against-layers map shows."""
    about(WHAT, _LAYERS, FIGURES["layers"])


def about(title: str, text: str, definition: str = "") -> None:
    """A button with plain words and, one click further, how it is computed."""
    with st.container(horizontal=True, width="content"):
        with st.popover(title, icon=":material/help:", type="tertiary"):
            st.markdown(text)
        if definition:
            with st.popover("How is this computed?", icon=":material/function:", type="tertiary"):
                st.code(definition, language=None, wrap_lines=True)
