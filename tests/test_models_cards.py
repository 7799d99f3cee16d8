"""The way through an accelerator, walked on pretended cards: nothing is left behind or mixed up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import accelerate
import numpy as np
import pytest
import torch

from alas_core.datasets import demo
from alas_core.errors import ModelError
from alas_core.models.adapter import TransformersSpeechLLM
from alas_core.pipeline import Request, analyse
from alas_core.reference import checkpoints, get_aligner
from alas_core.types import Analysis, Settings
from tests import tiny_aligners
from tests.cards import OnCard, cards
from tests.models import PROMPT, TRAINED, make, noise

pytestmark = pytest.mark.usefixtures("one_thread")

TRANSCRIPT = "the red fox"
WRONG = ("a dog", "the blue cat waits")
SOUND = noise(1.03)
FIRST, SECOND = "card:0", "card:1"
# SALMONN is put together here and refuses to be spread.
SPREAD = [name for name in TRAINED if name != "salmonn"]

Place = Callable[[torch.nn.Module], Any]


def test_a_card_refuses_what_a_gpu_refuses() -> None:
    with cards():
        here, there, host = torch.ones(2).to(FIRST), torch.ones(2).to(SECOND), torch.ones(2)
        for other in (there, host):
            with pytest.raises(RuntimeError, match="on the same device"):
                here + other
        with pytest.raises(TypeError, match="to numpy"):
            here.numpy()
        with pytest.raises(TypeError, match="to numpy"):
            np.asarray(here)
        assert (here + torch.tensor(1.0)).tolist() == [2.0, 2.0]
        assert torch.zeros(2, device=FIRST).device == here.device == torch.device(FIRST)
        here[:1] += 1
        assert here.cpu().numpy().tolist() == [2.0, 1.0]


def test_what_leaves_a_card_is_counted() -> None:
    with cards() as counting:
        there = torch.ones(3, 4).to(FIRST)
        assert counting.sent == []
        there.sum(0).cpu()
        assert counting.sent == [(4,)]


def opened(
    name: str, folder: Path, place: Place, device: str
) -> tuple[TransformersSpeechLLM, dict[str, Any]]:
    """The model on the card, and what it gave on the CPU."""
    model = make(name, folder)
    assert isinstance(model, TransformersSpeechLLM)
    expected = results(model)
    place(model._open.model)
    checkpoint = dataclasses.replace(model._open, device=device)
    return TransformersSpeechLLM(checkpoint, name, "test"), expected


def results(model: TransformersSpeechLLM) -> dict[str, Any]:
    """All that a pass gives, by name."""
    audio = model.audio_states(SOUND, PROMPT)
    text = model.text_states(TRANSCRIPT, PROMPT)
    many = list(model.text_states_many(WRONG, PROMPT))
    found = {
        "audio": audio.hidden_states,
        "text": text.hidden_states,
        "answer": model.answer(PROMPT, audio=SOUND, max_new_tokens=5),
        **{one: states.hidden_states for one, states in zip(WRONG, many, strict=True)},
    }
    head = model.head()
    if head is not None:
        normed = head.norm(text.hidden_states[-1])
        found |= {"logits": head.project(normed), "embedding": head.embedding[:9]}
    return found


def check(found: dict[str, Any], expected: dict[str, Any], device: str) -> None:
    """What a card gives is what the CPU gives, and its tensors lie there."""
    assert found["answer"] == expected["answer"]
    for name, one in expected.items():
        if name == "answer":
            continue
        assert isinstance(found[name], OnCard), name
        if name in ("audio", "text", *WRONG):
            assert found[name].device == torch.device(device), name
        # Attention goes another way there than on the CPU.
        torch.testing.assert_close(found[name].held, one, atol=1e-4, rtol=1e-4, msg=name)


@pytest.mark.parametrize("name", TRAINED)
def test_every_family_gives_on_a_card_what_it_gives_on_the_cpu(name: str, tmp_path: Path) -> None:
    with cards():
        model, expected = opened(name, tmp_path, lambda module: module.to(SECOND), SECOND)
        check(results(model), expected, SECOND)


@pytest.mark.parametrize("name", SPREAD)
def test_every_family_may_lie_on_two_cards(name: str, tmp_path: Path) -> None:
    """Half of its layers and its norm lie on another card than the rest, by transformers' hooks."""

    def spread(module: torch.nn.Module) -> None:
        accelerate.dispatch_model(module, halves(module), main_device=FIRST, force_hooks=True)

    with cards():
        model, expected = opened(name, tmp_path, spread, FIRST)
        assert {str(one.device) for one in model._open.model.parameters()} == {FIRST, SECOND}
        check(results(model), expected, FIRST)


def halves(model: Any) -> dict[str, str]:
    """A card for each part, as a device map names them."""
    lists = [
        (name, part)
        for name, part in model.named_modules()
        if isinstance(part, torch.nn.ModuleList) and name.endswith("layers")
    ]
    # The language model's: the last list that is not of an encoder.
    encoders = ("audio", "encoder", "vision", "visual", "tower")
    name, layers = next(
        (name, part) for name, part in lists if not any(word in name for word in encoders)
    )
    weights = model.get_input_embeddings().weight
    output = model.get_output_embeddings()
    apart = {"norm", "final_layernorm", "norm_f"}
    if output is not None and output.weight is not weights:
        apart.add("lm_head")
    found: dict[str, str] = {}

    def walk(module: torch.nn.Module, prefix: str) -> None:
        for child, part in module.named_children():
            full = f"{prefix}{child}"
            if full == name:
                half = len(layers) // 2
                found.update(
                    {f"{full}.{i}": FIRST if i < half else SECOND for i in range(len(layers))}
                )
            elif name.startswith(f"{full}."):
                walk(part, f"{full}.")
            else:
                found[full] = SECOND if child in apart else FIRST

    walk(model, "")
    for one, _ in (*model.named_parameters(), *model.named_buffers()):
        if not any(one == part or one.startswith(f"{part}.") for part in found):
            found[one] = FIRST
    return found


def analysed(model: TransformersSpeechLLM, settings: Settings) -> Analysis:
    row = demo().ids()[0]
    reference = str(demo().reference_path(row.id))
    utterance = demo().load(row.id)
    return analyse(Request("demo", utterance, reference, settings, pool=demo().pool(), model=model))


@pytest.mark.parametrize(
    "settings",
    [Settings(n_null=9), Settings(n_null=2, centering="mean", mask_sinks=True)],
    ids=["as it is", "centred and masked"],
)
def test_an_analysis_on_a_card_is_that_of_the_cpu(settings: Settings, tmp_path: Path) -> None:
    expected = analysed(make("demo", tmp_path), settings)
    model = make("demo", tmp_path)
    with cards() as counting:
        model._open.model.to(FIRST)
        there = TransformersSpeechLLM(
            dataclasses.replace(model._open, device=FIRST), "demo", model.info.revision
        )
        found = analysed(there, settings)
    np.testing.assert_allclose(found.similarity, expected.similarity, atol=1e-3)
    assert found.scores.keys() == expected.scores.keys()
    for name, values in expected.scores.items():
        np.testing.assert_allclose(found.scores[name], values, atol=1e-4, err_msg=name)
    np.testing.assert_allclose(found.null.samples, expected.null.samples, atol=1e-4)
    assert found.answers == expected.answers
    assert found.lens is not None
    assert expected.lens is not None
    first = [lens.vocabulary_ids[lens.tops[..., 0]] for lens in (found.lens, expected.lens)]
    assert (first[0] == first[1]).mean() > 0.999
    np.testing.assert_allclose(found.lens.values, expected.lens.values, atol=2e-3)
    # Reduced where they lie: no state leaves the card.
    assert counting.sent
    assert not [shape for shape in counting.sent if shape[-1:] == (model.info.d_model,)]


@pytest.mark.parametrize("kind", ["whisper", "ctc", "qwen3"])
def test_a_neural_aligner_places_words_on_a_card_as_on_the_cpu(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_files = {
        "whisper": lambda: tiny_aligners.whisper(tmp_path, np.repeat(np.arange(11), 12)),
        "ctc": lambda: tiny_aligners.wav2vec2(tmp_path),
        "qwen3": lambda: tiny_aligners.qwen3(tmp_path),
    }[kind]
    name, sound = f"{kind}:{make_files()}", noise(3.0)
    monkeypatch.setattr(checkpoints, "_device", lambda: "cpu")
    expected = get_aligner(name).align(sound, tiny_aligners.SENTENCE)
    checkpoints.close()
    monkeypatch.setattr(checkpoints, "_device", lambda: FIRST)
    with cards() as counting:
        found = get_aligner(name).align(sound, tiny_aligners.SENTENCE)
        checkpoints.close()
    assert counting.sent
    assert [word.word for word in found.words] == [word.word for word in expected.words]
    for one, other in zip(found.words, expected.words, strict=True):
        assert one.start_s == pytest.approx(other.start_s, abs=1e-6, nan_ok=True)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4, nan_ok=True)
        assert one.end_s == pytest.approx(other.end_s, abs=1e-6, nan_ok=True)


def test_a_state_left_on_another_card_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suite's own check: a step that mixes devices fails as on a GPU."""
    with cards():
        model, _ = opened("qwen2_audio", tmp_path, lambda module: module.to(FIRST), FIRST)
        real = TransformersSpeechLLM._hidden_states

        def elsewhere(self: Any, inputs: Any) -> Any:
            states, last = real(self, inputs)
            return states, last.to(SECOND)

        monkeypatch.setattr(TransformersSpeechLLM, "_hidden_states", elsewhere)
        monkeypatch.setattr(
            TransformersSpeechLLM, "_kept", lambda _, states, row, at: torch.stack(
                [state[row, list(at)] for state in states]
            )
        )  # fmt: skip
        with pytest.raises(ModelError, match="on the same device"):
            model.audio_states(SOUND, PROMPT)
