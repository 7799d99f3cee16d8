"""The Models page: how the chosen model is loaded, what it takes, what exactly is compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from alas_core.errors import AlasError
from alas_core.models import inventory
from alas_core.models.memory import Estimate, gib, what_fits
from alas_core.ui import catalogue, controls, loading, orders, prompts, runners
from alas_core.ui.jobs import State
from alas_core.ui.orders import Order
from alas_core.ui.text import cut, plain
from alas_core.ui.waiting import progress, session

if TYPE_CHECKING:  # torch comes with it: only a runner's thread imports that
    from alas_core.models.selfcheck import SelfCheck

_WANTED = "model_check"
_POLL_S = 0.4
_PLACES = {
    "cpu": "this machine's memory",
    "mps": "this machine's memory",
    "spread": "all GPUs together",
}


def chosen_model() -> None:
    """Options, memory, the buttons, and what the last check of this session found."""
    model_id = str(st.session_state.get("model") or "demo")
    st.markdown(_name(model_id))
    loading.options(model_id, st.columns(5, vertical_alignment="bottom"))
    try:
        order = controls.order()
        found = inventory.estimate(model_id, loading.chosen())
    except AlasError as error:
        st.info(plain(error), icon=":material/info:")
        return
    st.markdown(_memory_text(found))
    if order is None:
        st.info("Choose a recording in the sidebar: the check needs one to look at.")
        return
    _buttons(order)
    with st.container(key="model_check"):
        _check(order)


def _name(model_id: str) -> str:
    label = catalogue.models().get(model_id, model_id)
    about = catalogue.model_description(model_id)
    named = f"**{plain(label)}**" + (f" ({plain(model_id)})" if label != model_id else "")
    return f"{named}: {plain(about)}" if about else named


def _memory_text(found: Estimate | None) -> str:
    if found is None:
        return (
            "What it takes is known once its weights are on this machine (a plug-in does not say)."
        )
    place = _PLACES.get(found.device, found.device)
    text = (
        f"**{_count(found.weights.count)} weights**, about **{gib(found.needed)}** as "
        f"{plain(found.way)} with room for a short pass"
    )
    if found.memory is None:
        return f"{text}; what is free on {plain(place)} is shown once a model was loaded."
    has = f"{gib(found.memory.free)} of {gib(found.memory.total)} are free"
    if found.fits:
        return f"{text}: **fits** into {plain(place)} ({has})."
    advice = what_fits(found.weights, found.memory.total)
    return f"{text}: **does not fit** into {plain(place)} ({has}); {plain(advice)}."


def _count(count: int) -> str:
    for size, name in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if count >= size:
            number = count / size
            return f"{number:.0f} {name}" if number >= 99.5 else f"{number:.2g} {name}"
    return str(count)


def _buttons(order: Order) -> None:
    with st.container(horizontal=True):
        st.button(
            "Load and check",
            type="primary",
            icon=":material/fact_check:",
            on_click=_start,
            args=[order],
            help="Loads the model (the one in memory is let go first), counts its frames, and "
            "shows what it is given in both runs.",
        )
        st.button(
            "Unload",
            icon=":material/eject:",
            on_click=_unload,
            help="Frees the memory of the model that is loaded, when nobody is using it.",
        )


def _start(order: Order) -> None:
    runners.accelerator.forget(orders.check_key(order))
    st.session_state[_WANTED] = order


def _unload() -> None:
    st.session_state.pop(_WANTED, None)
    orders.ask_unload(_reader())
    st.toast("The model is let go as soon as nobody is using it.", icon=":material/eject:")


def _reader() -> str:
    return f"{session()} check"


def _check(order: Order) -> None:
    wanted: Order | None = st.session_state.get(_WANTED)
    if wanted is None:
        st.caption(
            "*Load and check* shows whether its frames are where the table says, what memory it "
            "took, and the two prompts, token by token."
        )
        return
    state = orders.ask_check(wanted, _reader())
    if state.error:
        st.error(plain(state.problem), icon=":material/error:")
    elif state.result is None:
        _poll(state.key)
    else:
        if wanted != order:
            st.caption("This is the check of an earlier choice; press *Load and check* again.")
        _show(state.result)


@st.fragment(run_every=_POLL_S)
def _poll(key: str) -> None:
    state: State[SelfCheck] | None = runners.accelerator.look(key)
    if state is None or state.finished or state.result is not None:
        st.rerun()
    else:
        progress(state)


def _show(check: SelfCheck) -> None:
    info = check.info
    variant = f", {info.variant}" if info.variant else ""
    columns = st.columns([3, 3, 3, 4])
    columns[0].metric("Layers × width", f"{info.n_layers} × {info.d_model}")
    columns[1].metric("Frames a second", f"{info.frame_rate_hz:.3g}")
    columns[2].metric("Loaded as", f"{info.dtype}{variant}")
    own = "unknown" if check.weight_bytes is None else gib(check.weight_bytes)
    columns[3].metric(
        "Its weights",
        own,
        help="The memory that this model's weights take as they are loaded. A pass adds the states "
        "of its positions, and lets them go again.",
    )
    about = f"{info.title} on {info.device}, revision {cut(info.revision, 40)}"
    st.caption(plain(f"{about}. {_memory(check)}"))
    _frames(check)
    for note in info.notes:
        st.caption(plain(note))
    prompts.side_by_side(check)


def _memory(check: SelfCheck) -> str:
    """Of the whole device: a reader must not take it for the model's."""
    if check.before is None or check.after is None:
        return ""
    place = _PLACES.get(check.after.device, check.after.device)
    return (
        f"All programs together use {gib(check.after.used)} of the {gib(check.after.total)} of "
        f"{place}, {gib(check.after.free)} are free (before loading: {gib(check.before.used)} "
        f"used, {gib(check.before.free)} free)."
    )


def _frames(check: SelfCheck) -> None:
    frames = check.frames
    if frames is None:
        st.markdown("This model does not say how many frames it gives to a length of audio.")
        return
    short, long = frames.seconds
    said = (
        f"**Frames:** {frames.counts[0]} in {short:g} s and {frames.counts[1]} in {long:g} s of "
        f"silence, {frames.grown} more"
    )
    if frames.by_table:
        verdict = f"the table says {frames.expected:.3g}: :material/check: as it should be."
    else:
        verdict = ":material/warning: unverified timing, as no table knows this family."
    st.markdown(f"{said}; {verdict} This recording has {check.n_frames} frames.")


def families() -> None:
    """Every family, what it can do, what is missing here, and its models on this machine."""
    rows = [
        {
            "Family": entry.family.label,
            "Runs here": "yes" if entry.runnable else _needs(entry.missing),
            "Frames a second": round(entry.family.grid.rate_hz, 2),
            "Audio": entry.window,
            "Read-out": entry.lens,
            "LoRA switch": bool(entry.family.lora),
            "On this machine": ", ".join(one.name for one in entry.installed),
            "By name": ", ".join(entry.family.hub_ids),
            "model_type": entry.family.model_type,
        }
        for entry in inventory.entries()
    ]
    st.dataframe(
        rows,
        hide_index=True,
        key="families",
        height="content",
        column_config={"Runs here": st.column_config.TextColumn(width=220)},  # all of its longest
    )


def _needs(missing: Sequence[str]) -> str:
    return f"no: pip install {' '.join(missing)}"


def unverified() -> None:
    """What nobody could try where this was made."""
    st.markdown(
        "- Each family's real class ran here with tiny random weights: frames, offsets, layers and "
        "prompts are tested. **No published checkpoint was run**: names on the hub and "
        "gating are as documented, and chat templates follow the layouts that are known.\n"
        "- Frames are placed by the table; tests with silence moved the frames whose centres lie "
        "within 40 ms of it in most families. Read boundaries as ± 1 frame.\n"
        "- Of Granite Speech, three frames share one window of 0.3 s: all get the whole window.\n"
        "- SALMONN is put together from Whisper, BEATs, Vicuna and the published `.pth` after its "
        "authors' code: one folder below `ALAS_MODEL_ROOTS` with a Whisper folder, a Vicuna folder "
        "(both safetensors), the BEATs `.pt` and the SALMONN `.pth`. Names and shapes are tested "
        "on random weights; that it answers as the published model does is not.\n"
        "- 8bit and 4bit weights were tried on a CPU with small models; no GPU, and not several, "
        "could be tried."
    )
