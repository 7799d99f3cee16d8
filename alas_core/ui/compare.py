"""The Compare page: A is what the sidebar chooses, B differs from it in what is chosen here."""

from __future__ import annotations

import dataclasses

import streamlit as st

from alas_core.comparison import Axis, layer_at, positions
from alas_core.keys import CENTERINGS
from alas_core.sounds import SOUNDS
from alas_core.types import Analysis
from alas_core.ui import catalogue, controls, gallery, loading, sources
from alas_core.ui.gallery import BUNDLE
from alas_core.ui.orders import Order
from alas_core.ui.text import plain

_KINDS = {
    "model": "Model",
    "recording": "Utterance",
    "kept": "Kept analysis or checkpoint",
    "instruction": "Instruction",
    "settings": "Score settings",
    "audio": "Sound",
    "layer": "Layer",
}
_ANY = ""
"""The revision of another model of B: A's is a commit of A's own repository."""


def second_order() -> Order | None:
    """What B asks for: A's order with the chosen differences; None while there is no A."""
    first = controls.order()
    if first is None:
        return None
    kinds, state = _differs(first), st.session_state
    if "kept" in kinds:
        kept = _chosen("b_kept", _other_kept(first))
        return None if kept is None else Order("", BUNDLE, kept)
    changes: dict[str, object] = {}
    if "model" in kinds:
        model_id = _chosen("b_model", _other_models(first))
        if model_id is not None:
            loading.check_download(model_id, revision=_ANY, place="Model of B")
            changes["model_id"] = model_id
            changes["loading"] = dataclasses.replace(first.loading, revision=_ANY)
    if "recording" in kinds:
        changes["utterance_id"] = _chosen("b_utterance", _others(first)) or first.utterance_id
        changes |= {"part": "", "said": ""}
    if "instruction" in kinds:
        changes["instruction"] = state["b_instruction"].strip() or None
    if "settings" in kinds:
        changes["settings"] = dataclasses.replace(
            first.settings,
            temperature=state["b_temperature"] or first.settings.temperature,
            centering=state["b_centering"],
            mask_sinks=state["b_mask_sinks"],
            instruction_first=state["b_instruction_first"],
        )
    if "audio" in kinds:
        changes["sound"] = _chosen("b_audio", SOUNDS) or ""
    return dataclasses.replace(first, **changes)  # type: ignore[arg-type] # as the fields above


def _differs(first: Order) -> list[str]:
    """In what B differs; kept analyses cannot be computed anew with something changed."""
    finished = sources.source(first.data).finished
    chosen = [kind for kind in st.session_state.get("b") or () if kind in _kinds(finished)]
    if "kept" in chosen:  # a link may name anything beside it
        chosen = [kind for kind in chosen if kind in ("kept", "layer")]
    return chosen or (["kept"] if finished else ["model"])


def _kinds(finished: bool) -> dict[str, str]:
    return {name: _KINDS[name] for name in ("kept", "layer")} if finished else _KINDS


def _other_models(first: Order) -> dict[str, str]:
    return {name: label for name, label in catalogue.models().items() if name != first.model_id}


def _others(first: Order) -> dict[str, str]:
    known = sources.source(first.data).utterances()
    return {name: label for name, label in known.items() if name != first.utterance_id}


def _other_kept(first: Order) -> dict[str, str]:
    """All kept analyses but A; those of the same recording first, the earliest checkpoint ahead."""
    known = {key: label for key, label in gallery.labels().items() if key != first.utterance_id}
    name = first.utterance_id.rsplit("/", 1)[-1]
    same = [key for key in known if key.rsplit("/", 1)[-1] == name]
    return {key: known[key] for key in (*reversed(same), *(k for k in known if k not in same))}


def _chosen(name: str, options: dict[str, str]) -> str | None:
    value = st.session_state.get(name)
    return value if value in options else next(iter(options), None)


def sides(first: Analysis | None, second: Analysis | None) -> None:
    """Two boxes: A as the sidebar chose it, and the choice of what B is."""
    order = controls.order()
    if order is None:
        return
    left, right = st.columns([2, 3], gap="medium")
    with left.container(border=True, height="stretch"):
        st.markdown("**A** · what the sidebar chooses")
        if first is not None:
            st.markdown(plain(f"“{first.utterance.transcript}”", 200))
            st.caption(plain(_made_by(first)))
    with right.container(border=True, height="stretch"):
        finished = sources.source(order.data).finished
        st.session_state["b"] = _differs(order)
        st.pills(
            "**B** · as A, but with another",
            list(_kinds(finished)),
            format_func=_KINDS.__getitem__,
            selection_mode="multi",
            key="b",
            on_change=_keep_apart,
            args=[list(st.session_state["b"])],
        )
        _choices(order, _differs(order))
        if first is not None and second is not None:
            if "layer" in _differs(order):
                _layer(first, second)
            st.caption(_where_b_is(first, second))


def _keep_apart(before: list[str]) -> None:
    """A kept analysis has all but its layer by itself: beside it, what was chosen last stays."""
    chosen = st.session_state["b"]
    new = [kind for kind in chosen if kind not in (*before, "layer")]
    if "kept" in new:
        st.session_state["b"] = [kind for kind in chosen if kind in ("kept", "layer")]
    elif new:
        st.session_state["b"] = [kind for kind in chosen if kind != "kept"]


def _choices(order: Order, kinds: list[str]) -> None:
    if "kept" in kinds:
        _select("Kept analysis", "b_kept", _other_kept(order))
        return
    if "model" in kinds:
        models = _other_models(order)
        _select("Model of B", "b_model", models)
        loading.ask_download(_chosen("b_model", models) or "", "b_", _ANY)
    if "recording" in kinds:
        _select("Utterance of B", "b_utterance", _others(order))
    if "instruction" in kinds:
        st.text_area(
            "Instruction of B", key="b_instruction", height=68, max_chars=2000,
            placeholder="the model's own for this task",
        )  # fmt: skip
    if "audio" in kinds:
        _select("Sound of B", "b_audio", SOUNDS)
    if "settings" in kinds:
        _settings()


def _settings() -> None:
    left, right = st.columns(2)
    left.number_input(
        "Temperature of B", 0.001, 10.0, step=0.05, format="%.3g", key="b_temperature"
    )
    right.selectbox("Centering of B", CENTERINGS, key="b_centering")
    left.toggle("Mask attention sinks", key="b_mask_sinks")
    right.toggle("Instruction before the audio", key="b_instruction_first")


def _layer(first: Analysis, second: Analysis) -> None:
    """The layer of B: at first its best one or, where A is there, the last, so that they differ."""
    at = controls.view().layer_of(first)
    start = next((n for n in (second.best_layer, second.n_layers) if n != at), 0)
    chosen = st.session_state.get("b_layer", start)
    st.session_state["b_layer"] = min(chosen, second.n_layers)
    st.number_input("Layer of B", 0, second.n_layers, key="b_layer")


def _select(label: str, name: str, options: dict[str, str]) -> None:
    if not options:
        st.caption(f"{label}: there is no other one to choose.")
        return
    st.session_state[name] = _chosen(name, options)
    st.selectbox(label, list(options), format_func=options.__getitem__, key=name)


def _made_by(analysis: Analysis) -> str:
    model = analysis.model
    return f"{model.title} · {model.n_layers} layers · {analysis.utterance.id}"


def layers_of(first: Analysis, second: Analysis, axis: Axis) -> tuple[int, int]:
    """Of each side: its best layer, or where the sidebar's layer lies in it; B's own if chosen."""
    chosen, layer = controls.view().layer, controls.view().layer_of(first)
    if "layer" in st.session_state["b"]:
        return layer, st.session_state["b_layer"]
    if chosen is None:
        return layer, second.best_layer
    return layer, layer_at(second, float(positions(first, axis)[layer]), axis)


def _where_b_is(first: Analysis, second: Analysis) -> str:
    """At which layer each side is looked at, and why."""
    axis: Axis = st.session_state.get("axis", "index")
    at, layer = layers_of(first, second, axis)
    if "layer" in st.session_state["b"]:
        why = "as chosen here"
    elif controls.view().layer is None:
        why = "each side's own best layer, until you choose one in the sidebar"
    else:
        why = "the same layer" if axis == "index" else "the same depth"
    return f"A at layer {at}, B at layer {layer}: {why}."
