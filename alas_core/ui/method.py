"""The parts of the Method page: definitions, a worked example, the null, every score, limits."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from alas_core.definitions import SCORES
from alas_core.numerals import number
from alas_core.types import NO_WORD, content_sha
from alas_core.ui.jobs import Runner, State, Step
from alas_core.ui.text import plain
from alas_core.worked_example import (
    EXAMPLES,
    FRAME_WORD,
    TOKENS,
    WORDS,
    WorkedExample,
    work_out,
)

_examples: Runner[WorkedExample] = Runner("worked examples", max_kept=32)
_GRACE_S = 0.5
_COSINES_WIDTH, _SHARES_WIDTH = 430, 560
"""Pixels in which no column of the two tables is cut."""


def definition() -> None:
    """From states to one number a layer."""
    st.markdown(
        "A frozen speech LLM runs twice with one prompt: once on the **audio**, once on its "
        "**transcript** standing where the audio stood. At layer $l$ this gives states $a_i$ of "
        "$N$ audio frames and $t_k$ of $K$ text tokens. Only the prefill is used; layer 0 is the "
        "input of the first block, the last layer is taken before the final norm."
    )
    st.latex(
        r"S_{ik} = \cos(a_i, t_k) \qquad "
        r"p_{ik} = \frac{e^{S_{ik}/\tau}}{\sum_{k'} e^{S_{ik'}/\tau}} \qquad "
        r"m_i = \sum_{k \in w(i)} p_{ik} \qquad u_i = \frac{|w(i)|}{K}"
    )
    st.latex(r"\mathrm{ALAS} = \frac{\overline{m} - \overline{u}}{1 - \overline{u}}")
    st.markdown(
        "$w(i)$ is the word spoken in frame $i$ by the reference alignment (at least half of the "
        "frame; silence has none and is left out), $k \\in w(i)$ its tokens, $\\tau = 0.1$. "
        "**0** is an even spread over the tokens, **1** all mass on the spoken word, below 0 is "
        "worse than even."
    )


def worked_example() -> None:
    """A matrix to edit, and every number that follows from it."""
    st.markdown(
        "Eight frames of 40 ms say *red fox sleeps* and end in silence; *sleeps* is two tokens. "
        "Choose an example or edit a cosine: the project's own functions compute the rest."
    )
    name = st.segmented_control(
        "Example", list(EXAMPLES), default="Bound", required=True, key="example"
    )
    # Side by side where both tables fit, else one below the other.
    sides = st.container(horizontal=True, gap="large")
    with sides.container(width=_COSINES_WIDTH):
        temperature = st.slider("Temperature τ", 0.02, 1.0, 0.1, 0.02, key="example_temperature")
        st.caption("Cosines $S_{ik}$ (edit them)")
        rows = _editor(str(name))
    with sides.container(width=_SHARES_WIDTH):
        _result(rows, temperature)


def _editor(name: str) -> tuple[tuple[float, ...], ...]:
    table = pd.DataFrame(EXAMPLES[name], columns=list(TOKENS), index=_frame_labels())
    cosine = st.column_config.NumberColumn(min_value=-1, max_value=1, step=0.05, required=True)
    edited = st.data_editor(
        table, column_config=dict.fromkeys(TOKENS, cosine), key=f"cosines_{name}"
    )
    return tuple(tuple(float(v) for v in row) for row in edited.fillna(0.0).to_numpy().tolist())


def _frame_labels() -> list[str]:
    said = ["silence" if w == NO_WORD else WORDS[w] for w in FRAME_WORD]
    return [f"{i * 40}–{(i + 1) * 40} ms · {word}" for i, word in enumerate(said)]


def _result(rows: tuple[tuple[float, ...], ...], temperature: float) -> None:
    key = content_sha(json.dumps([rows, temperature]))
    _examples.ask(key, lambda: iter([Step("", result=work_out(rows, temperature))]))
    state = _examples.wait(key, _GRACE_S)
    if state is None or (state.result is None and not state.finished):
        _wait(key)
    elif state.result is None:
        st.error(plain(state.problem))
    else:
        _numbers(state.result)


@st.fragment(run_every=0.5)
def _wait(key: str) -> None:
    state: State[WorkedExample] | None = _examples.look(key)
    if state is None or state.finished or state.result is not None:
        st.rerun()
    st.skeleton(420)
    st.caption("Loading the libraries that compute it …")


def _numbers(worked: WorkedExample) -> None:
    table = pd.DataFrame(worked.shares, columns=[f"p {t}" for t in TOKENS], index=_frame_labels())
    table["m"], table["u"] = worked.mass, worked.uniform
    table["path"] = [TOKENS[k] for k in worked.path]
    numbers = st.column_config.NumberColumn(format="%.2f")
    st.caption("Shares $p_{ik}$, mass $m_i$ on the spoken word, even share $u_i$, best path")
    looks = dict.fromkeys(table.columns[:-1], numbers)
    st.dataframe(table, placeholder="", column_config=looks)  # silence has no word to be found
    mean, even, alas = worked.mean_mass, worked.mean_uniform, worked.scores["alas"]
    st.latex(rf"\mathrm{{ALAS}} = \frac{{{mean:.3f} - {even:.3f}}}{{1 - {even:.3f}}} = {alas:.3f}")
    with st.container(horizontal=True):
        for name in ("hit_rate", "path_accuracy", "onset_error_ms", "contrast"):
            score, value = SCORES[name], worked.scores[name]
            shown = number(value) if score.unit != "ms" else f"{number(value)} ms"
            st.metric(score.label, shown, help=plain(score.plain), width="content")
            st.caption(f"baseline {number(worked.baselines[name])}", width="content")


def null() -> None:
    """Why a score alone says nothing."""
    st.markdown(
        "Cosines of states are never zero by themselves, and position alone aligns: a model that "
        "knows none of the words can still score high, because first frames resemble first tokens. "
        "So each ALAS stands beside what *wrong words* reach at the same places.\n\n"
        "- **Wrong transcripts** (49 by default): sentences of other recordings, cut to the same "
        "number of words, go through the text run; the word at position $w$ takes the interval of "
        "the word at position $w$. The band is their 2.5 to 97.5 % range, "
        "$p = (1 + n_{\\geq}) / (49 + 1)$, "
        "corrected over the layers (Benjamini-Hochberg). It asks: is it *these words*, or only "
        "their order and number?\n"
        "- **Permuted words** (200 times, no extra pass, there at once): the words of the right "
        "transcript trade places. It is kept beside the first, which is the stricter.\n"
        "- **Demo, untrained**: the same architecture with random weights, in the model list.\n\n"
        "Shifting the reference along time is not used: shifts keep blocks of frames together, and "
        "random weights then came out significant at 5 % in 24 % of utterances."
    )


_WIDTHS = {
    "Score": 125, "In words": 230, "Definition": 230, "Baseline": 140, "Better": 70, "Unit": 110,
    "Source": 140,
}  # fmt: skip
"""Pixels; together they fit beside the sidebar of a window of 1440, so that nothing is cut."""


def every_score() -> None:
    """The table of all scores; rows are read, not hovered."""
    rows = [
        {
            "Score": score.label,
            "In words": score.plain,
            "Definition": score.definition,
            "Baseline": score.baseline,
            "Better": score.better,
            "Unit": score.unit,
            "Source": score.source,
        }
        for score in SCORES.values()
    ]
    st.dataframe(
        rows,
        hide_index=True,
        row_height=96,
        height="content",
        key="all_scores",
        column_config={
            name: st.column_config.TextColumn(width=width) for name, width in _WIDTHS.items()
        },
    )


def likeness() -> None:
    """What the maps of layers against layers show."""
    st.markdown(
        "Explore and Data set set every layer of the run on sound against every layer of the run "
        "on text. **CKA** (centred kernel alignment, debiased and linear) asks whether the $n$ "
        "words of an utterance are arranged alike: $A$ and $T$ hold the $n \\times n$ inner "
        "products of the words' mean states in the two layers, their diagonals set to 0."
    )
    st.latex(
        r"\mathrm{CKA} = \frac{H(A, T)}{\sqrt{H(A, A)\,H(T, T)}} \qquad "
        r"H(K, L) = \frac{1}{n(n-3)}\left[\mathrm{tr}(KL) + "
        r"\frac{\mathbf{1}^\top K \mathbf{1}\;\mathbf{1}^\top L \mathbf{1}}{(n-1)(n-2)} - "
        r"\frac{2}{n-2}\,\mathbf{1}^\top K L \mathbf{1}\right]"
    )
    st.markdown(
        "1 is the same arrangement up to turning and scaling, 0 what unrelated layers have on "
        "average; below four words there is none, and with few words it is noisy. **Correlation** "
        "is Pearson's $r$ of the mean frame and the mean token, over dimensions: it sees no words."
    )


def settings_and_limits() -> None:
    """What can be changed, and what the numbers cannot say."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(
            "#### Settings\n"
            "- **Temperature** 0.1: divides the cosines before the softmax.\n"
            "- **Centering** none: or subtract each modality's mean, or standardise each "
            "dimension. A few large directions can dominate every cosine.\n"
            "- **Mask attention sinks** off: leaves out positions with a norm above ten medians, "
            "in all scores made of single cosines (not in path, word retrieval, layer likeness).\n"
            "- **Instruction before the audio** on: in a causal model the instruction changes the "
            "audio's states only if it comes first.\n"
            "- **Reference** PocketSphinx, forced onto the transcript (English), or your TextGrid, "
            "CTM or JSON. A word it cannot place is listed, never guessed."
        )
    with right:
        st.markdown(
            "#### Limits\n"
            "- A high ALAS says that states are similar at the right place, not that the model "
            "*uses* that similarity.\n"
            "- The exact normalisation of the published score is not known here; ours is stated "
            "above and named so. Compare numbers within this tool only.\n"
            "- The reference has its own error: take word boundaries as ±1 frame.\n"
            "- One utterance is one utterance: frames of one recording are not independent.\n"
            "- The demo model knows a few hundred English words; of others it writes fluent "
            "nonsense, and the page says so."
        )


def sources() -> None:
    """What to cite."""
    st.markdown(
        "- ALAS: arXiv:2505.19937 (monotonic path v1/v2; calibrated similarity in the later "
        "version)\n"
        "- Monotonic alignment search: Kim et al. 2020, arXiv:2005.11129\n"
        "- Modality gap and alignment-path score: arXiv:2510.12116\n"
        "- CKA: Kornblith et al. 2019, arXiv:1905.00414; without bias: Song et al. 2012, JMLR 13\n"
        "- Multiple testing: Benjamini and Hochberg 1995, JRSS B 57(1)\n"
        "- UMAP: McInnes et al. 2018, arXiv:1802.03426\n"
        "- Demo model class: Qwen2-Audio, arXiv:2407.10759; reference aligner: PocketSphinx"
    )
