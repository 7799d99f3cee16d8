"""A model looked at before it is believed: its frames against the table, its two prompts."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from alas_core.models import registry
from alas_core.models.identity import Loading
from alas_core.models.measuring import FrameCheck
from alas_core.models.memory import DeviceMemory, device_memory
from alas_core.models.protocol import Prompt
from alas_core.models.watching import WAITING, Watched
from alas_core.types import ModelInfo, Utterance

Pieces = tuple[tuple[str, str], ...]
"""Text of each token and its kind: "prompt", "audio" or "transcript"."""


@dataclass(frozen=True)
class SelfCheck:
    """What was found out about a loaded model.

    Parameters
    ----------
    info : of the model.
    frames : frames of two lengths of silence against the table; None for models that do not say.
    instruction : as both runs got it.
    heard, read : the two prompts, token by token; empty for models that do not show them.
    n_frames : positions of this utterance that hold audio and are compared.
    weight_bytes : what the model's own weights take; None for models that do not say.
    before, after : memory of the device before anything was done and with the model in it.
    """

    info: ModelInfo
    frames: FrameCheck | None
    instruction: str
    heard: Pieces
    read: Pieces
    n_frames: int
    weight_bytes: int | None
    before: DeviceMemory | None
    after: DeviceMemory | None


def self_check(
    model_id: str,
    loading: Loading,
    utterance: Utterance,
    instruction: str | None,
    *,
    instruction_first: bool = True,
) -> Generator[Watched, None, SelfCheck]:
    """Load a model and check it on one utterance; says on the way what is being done.

    Draw from it in one thread: it holds the accelerator's lock.

    Raises
    ------
    ModelError, InputError
        As loading and the passes do.
    """
    yield Watched(WAITING)
    with registry.device_lock:
        before = device_memory(_place(loading))
        model = yield from registry.opening(model_id, loading)
        text = instruction if instruction is not None else utterance.instruction
        text = text or model.default_instruction(utterance.task)
        prompt = Prompt(text, instruction_first, utterance.audio.duration_s)
        yield Watched("Listening once")
        states = model.audio_states(utterance.audio, prompt)
        n_frames = len(states.frame_spans)
        del states
        heard: Pieces = ()
        read: Pieces = ()
        show = getattr(model, "prompt_tokens", None)
        if show is not None:
            heard = tuple(show(prompt, audio=utterance.audio))
            read = tuple(show(prompt, transcript=utterance.transcript))
        return SelfCheck(
            info=model.info,
            frames=getattr(model, "frame_check", None),
            instruction=prompt.instruction,
            heard=heard,
            read=read,
            n_frames=n_frames,
            weight_bytes=getattr(model, "weight_bytes", None),
            before=before,
            after=device_memory(_place(loading, model.info.device)),
        )


def _place(loading: Loading, device: str = "") -> str:
    from alas_core.models.loading import usable_device

    return "spread" if loading.device == "spread" else device or usable_device(loading.device)
