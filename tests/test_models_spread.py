"""A model whose layers lie on several GPUs: each leaves its state on its own, the result on one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import accelerate
import numpy as np
import pytest
import torch

from alas_core.models import adapter as module
from alas_core.models.adapter import TransformersSpeechLLM
from alas_core.models.head import head_of
from alas_core.models.identity import Loading
from alas_core.models.loading import Checkpoint, load
from alas_core.models.protocol import Prompt
from alas_core.types import Audio
from tests import tiny

PROMPT = Prompt("Repeat the words.")
SOUND = Audio(np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1, 16000)
FIRST, SECOND = torch.device("cuda:0"), torch.device("cuda:1")


class OnCard(torch.Tensor):
    """A CPU tensor that says it lies on a GPU and, as there, takes no other GPU's beside it."""

    card: torch.device

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self.card

    def to(self, device: Any) -> OnCard:  # type: ignore[override]
        return on_card(self, torch.device(device))

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        cards = {one.card for one in inside(args) if hasattr(one, "card")}
        if len(cards) > 1:
            raise RuntimeError(f"Expected all tensors to be on the same device, found {cards}")
        out = super().__torch_function__(function, types, args, kwargs or {})
        if isinstance(out, OnCard) and cards:
            out.card = next(iter(cards))
        return out


def inside(value: Any) -> Iterator[OnCard]:
    if isinstance(value, OnCard):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from inside(one)


def on_card(tensor: torch.Tensor, card: torch.device) -> OnCard:
    made = torch.Tensor._make_subclass(OnCard, tensor.as_subclass(torch.Tensor))
    made.card = card
    return made


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder: Path = tiny.qwen2_audio(tmp_path_factory.mktemp("spread") / "tiny")
    return load(folder, Loading(device="cpu"))


def test_states_of_several_gpus_are_brought_to_the_models_own(checkpoint, monkeypatch) -> None:
    alone = TransformersSpeechLLM(checkpoint, "tiny", "test")
    spread = TransformersSpeechLLM(checkpoint, "tiny", "test")
    spread._checkpoint = dataclasses.replace(checkpoint, device=str(FIRST))
    heard = alone._audio_inputs(SOUND, PROMPT)
    read = module.padded_inputs(checkpoint, [alone._text_input("the red fox", PROMPT)])

    def passed(inputs: dict[str, torch.Tensor]) -> Any:
        states, last = alone._hidden_states(inputs)
        placed = [on_card(s, FIRST if i < 2 else SECOND) for i, s in enumerate(states)]
        return placed, on_card(last, SECOND)

    monkeypatch.setattr(spread, "_hidden_states", passed)
    monkeypatch.setattr(spread, "_audio_inputs", lambda *_: heard)
    monkeypatch.setattr(module, "padded_inputs", lambda *_: read)
    audio = spread.audio_states(SOUND, PROMPT)
    text = spread.text_states("the red fox", PROMPT)
    assert audio.hidden_states.device == text.hidden_states.device == FIRST
    monkeypatch.undo()
    for found, expected in (
        (audio.hidden_states, alone.audio_states(SOUND, PROMPT).hidden_states),
        (text.hidden_states, alone.text_states("the red fox", PROMPT).hidden_states),
    ):
        assert torch.equal(found.as_subclass(torch.Tensor), expected)
    assert not audio.last_is_normed


def test_norm_and_output_head_have_the_hook_that_moves_states(checkpoint) -> None:
    """Where a model is spread, its library moves what goes into each of its parts."""
    parts = ("model.audio_tower", "model.multi_modal_projector", "lm_head")
    inner = ("embed_tokens", "layers.0", "layers.1", "norm", "rotary_emb")
    names = [*parts, *(f"model.language_model.{name}" for name in inner)]
    accelerate.dispatch_model(checkpoint.model, dict.fromkeys(names, "cpu"), force_hooks=True)
    head = head_of(checkpoint)
    assert head is not None
    for part in (head._norm, head._output):
        assert part._hf_hook.execution_device == "cpu"
