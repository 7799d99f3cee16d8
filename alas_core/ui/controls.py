"""The upper half of the sidebar, what is looked at (model, recording), and the view's state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import streamlit as st

from alas_core.definitions import SCORES
from alas_core.errors import ModelError
from alas_core.models.identity import allowed_models
from alas_core.reference.base import checkpoint_of
from alas_core.types import Analysis
from alas_core.ui import (
    catalogue,
    loading,
    neighbours,
    parts,
    references,
    settings,
    source_list,
    sources,
    url,
)
from alas_core.ui.orders import Order
from alas_core.ui.sources import DEMO, YOURS
from alas_core.ui.text import plain

DEFAULT_SCORE = "alas"


@dataclass(frozen=True)
class View:
    """How an analysis is looked at.

    Parameters
    ----------
    layer : None for the best one.
    word, frame, token : index into the words of the reference, the audio frames, the text tokens;
        None where none is chosen.
    score : a name in `alas_core.definitions.SCORES`.
    """

    layer: int | None = None
    word: int | None = None
    frame: int | None = None
    token: int | None = None
    score: str = DEFAULT_SCORE

    def layer_of(self, analysis: Analysis) -> int:
        """The chosen layer if this model has it, else the best one."""
        if self.layer is None or self.layer > analysis.n_layers:
            return analysis.best_layer
        return self.layer

    def word_of(self, analysis: Analysis) -> int | None:
        """The chosen word if this transcript has it."""
        return _within(self.word, len(analysis.words))

    def frame_of(self, analysis: Analysis) -> int | None:
        """The chosen frame if this recording has it."""
        return _within(self.frame, analysis.n_frames)

    def token_of(self, analysis: Analysis) -> int | None:
        """The chosen token if this transcript has it."""
        return _within(self.token, analysis.n_tokens)


def _within(index: int | None, count: int) -> int | None:
    return index if index is not None and index < count else None


def view() -> View:
    """What the session looks at; the defaults where the sidebar was not drawn."""
    state = st.session_state
    chosen = {name: state.get(name) for name in ("layer", "word", "frame", "token")}
    return View(**chosen, score=_valid("score", SCORES) or DEFAULT_SCORE)


def choose(
    layer: int | None, word: int | None, frame: int | None = None, token: int | None = None
) -> None:
    """Set what is chosen for the next run (a click in a figure); the sidebar follows."""
    chosen = {"layer": layer, "word": word, "frame": frame, "token": token}
    for name, value in chosen.items():
        st.session_state[name] = value


def order() -> Order | None:
    """What the session wants analysed; None if there is no recording yet.

    Raises
    ------
    AlasError
        If the settings cannot be used.
    """
    data = source_list.chosen()
    utterance = _valid("utterance", _utterances(data))
    if utterance is None:
        return None
    if sources.source(data).finished:
        return Order("", data, utterance)
    model = st.session_state.get("model") or next(iter(catalogue.models()), None)
    if model is None:
        raise ModelError(
            "there is no model to choose, expected at least the demo model in assets/demo/model; "
            "restore it with 'git checkout -- assets', or name folders with models in "
            "ALAS_MODEL_ROOTS"
        )
    loading.check_download(model)
    reference = references.chosen()
    place = "Reference alignment in the sidebar's settings"
    loading.check_download(checkpoint_of(reference), revision="", place=place)
    return Order(
        model_id=model,
        data=data,
        utterance_id=utterance,
        instruction=settings.instruction(),
        reference=reference,
        settings=settings.settings(),
        loading=loading.chosen(),
        part=parts.chosen(),
        said=parts.said(),
    )


def publish(page: str) -> None:
    """Write the choices that are not defaults into the URL."""
    state, looked = st.session_state, view()
    model = state.get("model")
    data = source_list.chosen()
    url.publish(
        {
            "model": None if model == next(iter(catalogue.models()), None) else model,
            "data": None if data == DEMO else data,
            "utterance": _unless_first("utterance", _utterances(data), always=data != DEMO),
            "layer": looked.layer,
            "score": looked.score,
            "reference": references.linked(),
            "second": references.linked("second"),
        },
        page,
    )


def sidebar() -> None:
    """Draw the shared selectors; their values are read with `order` and `view`."""
    pending = st.session_state.pop("pending_utterance", None)
    if pending is not None:
        st.session_state["data"], st.session_state["utterance"] = YOURS, pending
        url.forget_choice()
    source = sources.source(source_list.chosen())
    settings.keep_instructions_apart(source_list.chosen())
    with st.sidebar:
        if not source.finished:
            _model()
        source_list.draw()
        options = source.utterances()
        _look_for_linked(options)
        if options:
            select("Utterance", "utterance", options, on_change=url.forget_choice)
            neighbours.buttons(list(options))
        _say_lost(bool(options))
        if not source.finished:
            parts.chooser()
        source.tools()


def _look_for_linked(options: dict[str, str]) -> None:
    """Note a recording that an address names and this server has not, with what is chosen in it."""
    linked = st.session_state.get(url.LINKED)
    if linked is None or not (options or source_list.chosen() == YOURS):  # still to be listed
        return
    del st.session_state[url.LINKED]
    if linked not in options:
        url.forget_choice()
        st.session_state[url.LOST] = linked


def _say_lost(another: bool) -> None:
    if url.LOST in st.session_state:
        shown = "Another one is shown." if another else "Add it here, or ask for a bundle of it."
        st.warning(
            f"The link names the recording {plain(st.session_state[url.LOST], 80)}, which is not "
            f"among these. {shown}"
        )


def invite() -> None:
    """What stands on the page while there is no utterance to choose."""
    sources.source(source_list.chosen()).invite()


def _model() -> None:
    options = catalogue.models()
    _take_linked_model(options)
    chosen = st.selectbox(
        "Model",
        list(options),
        format_func=lambda name: options.get(name, name),
        key="model",
        accept_new_options=not allowed_models(),
        on_change=_another_model,
        help="Choose one, or type the path of a model folder or a hub id (owner/name) and press "
        "Enter. Safetensors weights only; no code of a model is ever run.",
    )
    _say_refused_model(chosen)
    st.caption(plain(catalogue.model_description(chosen or "")))
    loading.ask_download(chosen or "")


def _another_model() -> None:
    """It cuts the same words into other frames and tokens, and a person has chosen it."""
    choose(view().layer, view().word)
    st.session_state.pop("linked_model", None)


def _take_linked_model(options: dict[str, str]) -> None:
    """A link may choose among the listed models; only a person may name another one."""
    if st.session_state.get("linked_model") in options:
        st.session_state["model"] = st.session_state.pop("linked_model")


def _say_refused_model(chosen: str | None) -> None:
    """Until a model is chosen: what stands under the link is another one's."""
    linked = st.session_state.get("linked_model")
    if linked not in (None, chosen):
        st.warning(
            f"The link names the model {plain(linked, 80)}, which is not in this list. "
            "Type it under Model to load it."
        )


def _utterances(data: str) -> dict[str, str]:
    return sources.source(data).utterances()


def _valid(name: str, options: Iterable[str]) -> str | None:
    """The session's choice if it is one of the options, else the first of them."""
    known = list(options)
    value = st.session_state.get(name)
    return value if value in known else next(iter(known), None)


def _unless_first(name: str, options: dict[str, str], always: bool = False) -> str | None:
    value = _valid(name, options)
    return value if always or value != next(iter(options), None) else None


def select(
    label: str,
    name: str,
    options: dict[str, str],
    help: str | None = None,  # noqa: A002 - Streamlit's own word
    on_change: Callable[[], None] | None = None,
) -> str | None:
    """A box that keeps the session's choice if it is one of the options, else takes the first."""
    known = list(options)
    if st.session_state.get(name) not in options:
        # Taken away alone, it would leave the old name in the browser's box.
        st.session_state.pop(name, None)
        if known:
            st.session_state[name] = known[0]
    return st.selectbox(
        label, known, format_func=options.__getitem__, key=name, help=help, on_change=on_change
    )
