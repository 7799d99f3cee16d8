"""Controls, centering and sensitivity on the Explore page, each computed when it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from alas_core.errors import ModelError
from alas_core.figures import sensitivity as sensitivity_figures
from alas_core.figures import trials as trial_figures
from alas_core.figures.palette import Theme
from alas_core.findings import ranking_sentence
from alas_core.mode import readonly
from alas_core.perturbations import SNRS_DB, SPEEDS
from alas_core.rankings import RULE, agreements
from alas_core.sinks import Sink, sinks
from alas_core.types import Analysis
from alas_core.ui import guide, loading, trials
from alas_core.ui.chart import Link, chart
from alas_core.ui.jobs import Result, Runner, State
from alas_core.ui.share import file_stem
from alas_core.ui.text import plain
from alas_core.variations import (
    CONTROLS,
    TREATMENTS,
    TrialResult,
    best_of,
    judgement,
    sensitivity_sentences,
)

_POLL_S = 0.5
_LINES_PX, _SENTENCES_PX = 60, 200
"""What the text under the centering and the sensitivity figure takes, about."""

_CONTROLS_HELP = """
**Would the score be as high without the words?** Each control takes away what should matter, runs
the model again and draws its score under the real one. The word times stay as they were (or are
scaled with the speed), so all that changes is what there is to hear or read.

- *Noise*, *silence*, *backwards*, *another transcript*: these should fall into the grey band of
  wrong transcripts. A control that stays above it says that position or length makes part of the
  score.
- *Random weights* should not beat what permuting its words gives in that very network: else its
  layout alone makes part of the score.
- *Noise added* should fall step by step as the noise grows.
- *Other speed* should **not** fall: the words are all there, and their times move along.

Full markers beat the null (p ≤ 0.05 after correction over the layers), hollow ones do not.
"""
_CONTROLS_DEFINITION = """two passes a control, no wrong transcripts of its own, no answers
p_l = (1 + number of the recording's null at or above the control's ALAS_l) / (K + 1),
Benjamini-Hochberg over the layers; random weights: permuted words of that run instead
noise instead: white, same RMS; noise added: mean powers at the chosen ratio
other speed: phase vocoder (librosa), times multiplied by new length / old length
verdicts at the recording's best layer, by the rule of the markers: beats is p ≤ 0.05"""

_CENTERING_HELP = """
**Does one large direction make the similarity?** In many models a few dimensions, or a few
positions, are far larger than all others. Then all cosines are alike, or are made by those few.
The curves show the same recording with the states as they are, with each modality's mean taken
away, standardised, and with such positions (*sinks*) left out.

**What would good look like?** Curves with the same shape. If only one of them rises, the score
depends on how states are compared more than on what they hold: say which you use.
The drawer *Settings* in the sidebar chooses one of them for the whole page.

The grey band belongs to the recording's own settings. What wrong words reach moves with the
centering, so each curve is tested against its own words in other orders: full markers beat that
(p ≤ 0.05 after correction over the layers), hollow ones do not.
"""
_CENTERING_DEFINITION = """mean: A_l[i] − mean_i A_l[i], T_l[k] − mean_k T_l[k]
standardise: the same, each dimension divided by its spread over positions
sink: norm above 10 × the median norm of its layer and modality; it takes no part in any score
made of single cosines; path, word retrieval and layer likeness still hold it
p_l = (1 + number of permuted orders of the words, under the same centering, at or above
ALAS_l) / (orders + 1), Benjamini-Hochberg over the layers"""

_SENSITIVITY_HELP = """
**Does the result hang on a choice nobody can justify?** Above: ALAS at other temperatures of its
softmax, and with every word boundary of the reference moved at random (error bars: all draws).
Below: other scores of the same maps, each with its own unit, its baseline dashed, its best layer a
diamond.

**What would good look like?** Levels may move; the *order* of the layers should stay.
"""


def controls_panel(analysis: Analysis, layer: int, theme: Theme, reader: str) -> None:
    """Choose controls; each is computed in the background and drawn under the real curve."""
    guide.about(guide.WHAT, _CONTROLS_HELP, _CONTROLS_DEFINITION)
    chosen = st.pills(
        "Controls to run",
        list(CONTROLS),
        format_func=lambda name: CONTROLS[name].label,
        selection_mode="multi",
        key="controls",
        disabled=readonly(),
        help="Each runs the model twice more on this recording; the others wait meanwhile.",
    )
    with st.container(horizontal=True):
        values = {"snr": _snr(), "speed": _speed()}
    if readonly():
        st.info("This server shows kept analyses only and runs no model.", icon=":material/info:")
    wanted = [(name, values.get(name)) for name in CONTROLS if name in chosen]
    room = _Room("controls_figure", analysis, trial_figures.HEIGHT)
    results = _gather(room, analysis, [] if readonly() else wanted, reader)
    figure = trial_figures.trials_figure(analysis, results, layer=layer, theme=theme)
    _layers_chart(figure, "controls", analysis)
    room.taken()
    for result in results:
        note = f" ({plain(result.note)})" if result.note else ""
        st.markdown(
            f"- **{plain(result.label)}**: {plain(judgement(analysis, result))}{note}. "
            f"{plain(result.trial.plain)}"
        )
    if not chosen:
        st.caption("Choose a control above: it is computed now and drawn into this figure.")


def _layers_chart(figure: Any, name: str, analysis: Analysis) -> None:
    """A figure whose rows are layers, which are chosen there as on the sheet."""
    layers, filename = range(analysis.n_layers + 1), f"{file_stem(analysis)}-{name}"
    chart(figure, key=f"{name}_figure", filename=filename, rows=layers, link=Link(analysis))


def _snr() -> float:
    value: float = st.select_slider(
        "Noise added: signal to noise (dB)", SNRS_DB, key="control_snr", width=230
    )
    return value


def _speed() -> float:
    value: float = st.select_slider("Other speed (times)", SPEEDS, key="control_speed", width=200)
    return value


def centering_panel(analysis: Analysis, layer: int, theme: Theme, reader: str) -> None:
    """The profile under each way to compare states, and the positions that masking leaves out."""
    guide.about(guide.WHAT, _CENTERING_HELP, _CENTERING_DEFINITION)
    wanted: list[tuple[str, float | None]] = [(name, None) for name in TREATMENTS]
    room = _Room("centering_figure", analysis, trial_figures.HEIGHT + _LINES_PX)
    results = _gather(room, analysis, [] if readonly() else wanted, reader)
    figure = trial_figures.trials_figure(analysis, results, layer=layer, theme=theme)
    _layers_chart(figure, "centering", analysis)
    room.taken()
    if results:
        st.markdown(plain("; ".join(map(best_of, results)) + "."))
    found = sinks(analysis)
    if not found:
        st.markdown(
            "**Masked positions**: none. No frame and no token has a norm above ten medians at "
            "any layer, so masking changes nothing here."
        )
        return
    st.markdown(f"**Masked positions** ({len(found)}), if sinks are masked")
    st.dataframe(_sink_rows(analysis, found), hide_index=True, key="sinks")


def _sink_rows(analysis: Analysis, found: Sequence[Sink]) -> list[dict[str, Any]]:
    rows = []
    for sink in found:
        if sink.kind == "frame":
            start, end = analysis.frame_spans[sink.index].tolist()
            what, place = "audio frame", f"{start:.2f} s to {end:.2f} s"
            word = int(analysis.frame_word[sink.index])
        else:
            what, place = "text token", f"“{analysis.tokens[sink.index].text}”"
            word = int(analysis.token_word[sink.index])
        layers = sink.layers
        rows.append(
            {
                "position": f"{what} {sink.index}",
                "where": place,
                "word": analysis.words[word].word if word >= 0 else "none",
                "norm in medians": float(f"{sink.ratio:.2g}"),
                "layers": f"{len(layers)} ({layers[0]} to {layers[-1]})",
            }
        )
    return rows


def sensitivity_panel(analysis: Analysis, layer: int, theme: Theme) -> None:
    """Small profiles under other choices, and whether the order of the layers holds."""
    guide.about(guide.WHAT, _SENSITIVITY_HELP, RULE)
    room = _Room("sensitivity_figure", analysis, sensitivity_figures.HEIGHT + _SENTENCES_PX)
    results = _results([trials.ask_sensitivity(analysis)], trials.sensitivities, room)
    if not results:
        room.taken()
        return
    figure = sensitivity_figures.sensitivity_figure(analysis, results[0], layer=layer, theme=theme)
    _layers_chart(figure, "sensitivity", analysis)
    room.taken()
    sentences = (
        ranking_sentence(analysis, agreements(analysis)),
        *sensitivity_sentences(analysis, results[0]),
    )
    for sentence in sentences:
        st.markdown(f"- {plain(sentence)}")
    st.caption(plain(RULE))


class _Room:
    """The place of a figure and of what is said while it is computed: kept free, so nothing jumps.

    Once the figure of this analysis is drawn it keeps its place by itself until the next one.
    """

    def __init__(self, figure: str, analysis: Analysis, height: int) -> None:
        self.bar, self._skeleton = st.empty(), st.empty()
        self._mark, self._of = f"{figure}_drawn", analysis.key.digest
        if st.session_state.get(self._mark) != self._of:
            self._skeleton.skeleton(height)

    def taken(self) -> None:
        """The figure is there."""
        self._skeleton.empty()
        st.session_state[self._mark] = self._of


def _gather(
    room: _Room, analysis: Analysis, wanted: Sequence[tuple[str, float | None]], reader: str
) -> list[TrialResult]:
    """The results that are there; the rest is asked for, waited for and drawn when it comes."""
    if not (wanted and _model_may_be_had(analysis)):
        return []
    try:
        device = loading.chosen().device
    except ModelError as error:  # a link may name any; the rest of the page needs none
        st.error(plain(error), icon=":material/error:")
        return []
    states = [trials.ask(analysis, name, value, reader, device) for name, value in wanted]
    return _results(states, trials.runner, room)


def _model_may_be_had(analysis: Analysis) -> bool:
    """Whether nothing would be downloaded unasked: a bundle and a link may name any model."""
    model_id, revision = analysis.key.model_id, analysis.key.revision
    if not loading.must_ask(model_id, revision=revision):
        return True
    st.info(
        f"This runs the analysis's own model, '{plain(model_id)}', which is not on this machine. "
        "Press the button to have it downloaded and run; all else on this page needs no model.",
        icon=":material/info:",
    )
    loading.ask_download(model_id, "trials_", revision)
    return False


def _results(states: Sequence[State[Result]], runner: Runner[Result], room: _Room) -> list[Result]:
    """What they hold once all are done; how far they are meanwhile, and what failed."""
    # Waited for in the run itself: a click ends the wait at the next line that is written, and a
    # fragment that polls does not survive several full runs in a row.
    while waiting := [state for state in states if not (state.finished or state.result)]:
        first = waiting[0]
        done, stage = len(states) - len(waiting), f"{first.stage[:1].upper()}{first.stage[1:]}"
        count = f", {done} of {len(states)} done" if len(states) > 1 else ""
        room.bar.progress(done / len(states), text=f"{plain(stage)}{count} …")
        runner.wait(first.key, _POLL_S)
        states = [runner.look(state.key) or state for state in states]
    room.bar.empty()
    for state in states:
        if state.error:
            st.error(plain(state.problem), icon=":material/error:")
            st.button("Try again", on_click=runner.forget, args=[state.key], key=state.key)
    return [state.result for state in states if state.result is not None]
