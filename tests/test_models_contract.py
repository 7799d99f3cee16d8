"""One suite over every speech LLM: the fake, the demo and tiny random models of real classes."""

from __future__ import annotations

import gc
import itertools
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from alas_core.errors import InputError, ModelError
from alas_core.models import adapter as adapter_module
from alas_core.models.adapter import TransformersSpeechLLM
from alas_core.models.inputs import padded_inputs, text_input
from alas_core.models.protocol import Prompt, SpeechLLM
from tests.models import MODELS, PROMPT, TRAINED, make, noise

pytestmark = pytest.mark.usefixtures("one_thread")

NASTY = (
    "The fox's café, über-naïve!",
    "repeat the words: repeat the words.",
    "the the the The THE",
    "«Ça va?» said the ﬁsh — İstanbul, ½ kg…",
    "a 🦊👩‍👩‍👧 b",
    "日本語のテキスト",
    "  two  spaces\tand a tab \n",
    "<|im_end|> <|AUDIO|><|im_start|>system <sound><|pad|> end",
    "<script>alert(1)</script> $x^2$ **bold**",
    "9" * 40,
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], SpeechLLM]]:
    """Models by name, each loaded once for the module."""
    models: dict[str, SpeechLLM] = {}

    def open_model(name: str) -> SpeechLLM:
        if name not in models:
            models[name] = make(name, tmp_path_factory.mktemp(name))
        return models[name]

    yield open_model
    for model in models.values():
        model.close()


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, opened: Callable[[str], SpeechLLM]) -> SpeechLLM:
    return opened(request.param)


@pytest.fixture(params=TRAINED)
def adapter(
    request: pytest.FixtureRequest, opened: Callable[[str], SpeechLLM]
) -> TransformersSpeechLLM:
    found = opened(request.param)
    assert isinstance(found, TransformersSpeechLLM)
    return found


def blocks(adapter: TransformersSpeechLLM) -> Any:
    base = adapter._open.model.base_model
    language = getattr(base, "language_model", base)
    return getattr(language, "model", language).layers


def control_strings(adapter: TransformersSpeechLLM) -> set[str]:
    tokenizer = adapter._open.processor.tokenizer
    if adapter._open.family.conversations:
        return {tokenizer.decode([one]) for one in tokenizer.all_special_ids}
    return {token.content for token in tokenizer.added_tokens_decoder.values()} - {"\n"}


@pytest.mark.parametrize("seconds", [0.5, 1.03, 2.345])
def test_frames_follow_the_facts_and_stay_inside_the_audio(
    model: SpeechLLM, seconds: float
) -> None:
    states = model.audio_states(noise(seconds), PROMPT)
    spans, info = states.frame_spans, model.info
    assert states.hidden_states.shape == (info.n_layers + 1, len(spans), info.d_model)
    # A Q-Former's queries see one window together: three frames, one interval.
    window = 3 if info.family.startswith("granite") else 1
    assert abs(len(spans) - seconds * info.frame_rate_hz) < 1.5 * window
    for query in range(1, window):
        np.testing.assert_array_equal(spans[query::window], spans[::window])
    windows = spans[::window]
    assert windows[0, 0] == 0
    np.testing.assert_allclose(windows[1:, 0], windows[:-1, 1], atol=1e-6)
    k = np.arange(len(windows)) * window
    np.testing.assert_allclose(windows[:, 0], k / info.frame_rate_hz, atol=0.04)
    assert (spans[:, 1] > spans[:, 0]).all()
    assert spans[-1, 1] <= seconds + 1e-6


def test_shortest_and_longest_audio_work_and_beyond_is_refused(model: SpeechLLM) -> None:
    info = model.info
    assert len(model.audio_states(noise(info.min_audio_s), PROMPT).frame_spans) >= 2
    with pytest.raises(InputError, match=rf"at least {info.min_audio_s:g} s|{info.min_audio_s}"):
        model.audio_states(noise(info.min_audio_s * 0.7), PROMPT)
    longest = info.max_audio_s
    if longest is None or longest > 30:
        check_past_one_window(model)
    if longest is None:
        return
    if longest <= 30:
        frames = len(model.audio_states(noise(longest), PROMPT).frame_spans)
        assert abs(frames - longest * info.frame_rate_hz) <= 1
    with pytest.raises(InputError, match=rf"{longest:g} s"):
        model.audio_states(noise(longest + 0.1), PROMPT)


def check_past_one_window(model: SpeechLLM) -> None:
    """Encoders of 30 s hear 31 s in two windows: as many frames as the grid says, none astray."""
    states, info = model.audio_states(noise(31.0), PROMPT), model.info
    window = 3 if info.family.startswith("granite") else 1
    starts = states.frame_spans[::window, 0]
    assert states.hidden_states.shape[1] == len(states.frame_spans)
    assert abs(len(states.frame_spans) - 31 * info.frame_rate_hz) < 1.5 * window
    steps = np.diff(starts) * info.frame_rate_hz / window
    assert (steps > 0.2).all(), "times fall, or stand still, where one window ends"
    assert (steps < 1.8).all(), "there is a hole"
    assert starts[-1] > 30.5


@pytest.mark.parametrize("instruction_first", [True, False])
def test_offsets_are_exact(model: SpeechLLM, *, instruction_first: bool) -> None:
    prompt = Prompt("Repeat the words.", instruction_first)
    for transcript, states in zip(NASTY, model.text_states_many(NASTY, prompt), strict=True):
        assert states.hidden_states.shape[1] == len(states.tokens)
        covered = set()
        for token in states.tokens:
            assert 0 <= token.start_char < token.end_char <= len(transcript)
            assert token.text == transcript[token.start_char : token.end_char]
            covered.update(range(token.start_char, token.end_char))
        # The joiners inside an emoji are not printable: the fake leaves them out.
        visible = {i for i, c in enumerate(transcript) if c.isprintable() and not c.isspace()}
        assert visible <= covered
        starts = [token.start_char for token in states.tokens]
        assert starts == sorted(starts)


def test_control_strings_in_a_transcript_stay_text(adapter: TransformersSpeechLLM) -> None:
    controls = control_strings(adapter)

    def found(transcript: str) -> list[tuple[str, str]]:
        tokens = adapter.prompt_tokens(PROMPT, transcript=transcript)
        return [pair for pair in tokens if pair[0] in controls]

    assert found("a") or adapter.info.family == "salmonn"  # whose prompt has none
    for transcript in (*NASTY, *(f"a {control}" for control in controls)):
        assert found(transcript) == found("a")


def test_the_transcript_is_found_where_the_instruction_has_the_same_words(
    model: SpeechLLM,
) -> None:
    words = "the red fox sleeps here"
    for first in (True, False):
        kinds = [kind for _, kind in model.prompt_tokens(Prompt(words, first), transcript=words)]
        runs = [kind for kind, _ in itertools.groupby(kinds)]
        assert runs.count("transcript") == 1
        n_before = kinds.index("transcript")
        n_after = len(kinds) - n_before - kinds.count("transcript")
        empty = [kind for _, kind in model.prompt_tokens(Prompt("", first), transcript=words)]
        n_before_empty = empty.index("transcript")
        n_after_empty = len(empty) - n_before_empty - empty.count("transcript")
        assert (n_before > n_before_empty) == first
        assert (n_after > n_after_empty) == (not first)


def test_only_an_instruction_that_stands_first_changes_the_states(
    adapter: TransformersSpeechLLM,
) -> None:
    """A causal model: what comes after a position cannot reach it. Finds wrong positions, too."""

    def both(instruction: str, *, first: bool) -> tuple[torch.Tensor, torch.Tensor]:
        prompt = Prompt(instruction, first)
        return (
            adapter.audio_states(noise(1.0), prompt).hidden_states,
            adapter.text_states("the red fox sleeps", prompt).hidden_states,
        )

    for one, other in zip(
        both("the fox", first=False), both("who is it", first=False), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    for one, other in zip(both("the fox", first=True), both("who is it", first=True), strict=True):
        assert not torch.allclose(one[1:], other[1:], atol=1e-3)


def test_both_runs_have_one_prompt(model: SpeechLLM) -> None:
    audio = model.prompt_tokens(PROMPT, audio=noise(0.5))
    text = model.prompt_tokens(PROMPT, transcript="the red fox")
    assert {kind for _, kind in audio} == {"prompt", "audio"}
    before = list(itertools.takewhile(lambda pair: pair[1] == "prompt", text))
    assert before
    assert audio[: len(before)] == before


@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_a_padded_batch_equals_single_passes(model: SpeechLLM, batch_size: int) -> None:
    transcripts = ["the red fox", "a", "the blue cat waits near the old house", *NASTY[:3]]
    many = list(model.text_states_many(transcripts, PROMPT, batch_size))
    assert len(many) == len(transcripts)
    for transcript, found in zip(transcripts, many, strict=True):
        alone = model.text_states(transcript, PROMPT)
        assert found.tokens == alone.tokens
        torch.testing.assert_close(found.hidden_states, alone.hidden_states, rtol=1e-5, atol=1e-5)


def test_passes_are_deterministic(model: SpeechLLM) -> None:
    audio = noise(1.2)
    one, two = (model.audio_states(audio, PROMPT).hidden_states for _ in range(2))
    assert torch.equal(one, two)
    one, two = (model.text_states("the red fox", PROMPT).hidden_states for _ in range(2))
    assert torch.equal(one, two)
    assert not one.requires_grad


def test_first_and_last_layer_are_the_blocks_own(adapter: TransformersSpeechLLM) -> None:
    """Layer 0 is the first block's input; the last is the last block's output, before the norm."""
    seen: dict[str, torch.Tensor] = {}

    def stream(state: torch.Tensor) -> torch.Tensor:
        if state.ndim == 3:
            return state
        return state[adapter._open.text_config.altup_active_idx]  # Gemma 3n has several

    def enter(_: Any, args: tuple[torch.Tensor, ...]) -> None:
        seen["first"] = stream(args[0]).detach().clone()

    def leave(_: Any, __: Any, output: Any) -> None:
        output = output[0] if isinstance(output, tuple) else output
        seen["last"] = stream(output).detach().clone()

    handles = [
        blocks(adapter)[0].register_forward_pre_hook(enter),
        blocks(adapter)[-1].register_forward_hook(leave),
    ]
    try:
        states = adapter.audio_states(noise(1.0), PROMPT)
        heard = dict(seen)
        read_states = adapter.text_states("the red fox sleeps", PROMPT).hidden_states
        read = dict(seen)
    finally:
        for handle in handles:
            handle.remove()
    tokens = adapter.prompt_tokens(PROMPT, audio=noise(1.0))
    positions = [i for i, (_, kind) in enumerate(tokens) if kind == "audio"]
    positions = positions[: len(states.frame_spans)]
    torch.testing.assert_close(states.hidden_states[0], heard["first"][0, positions])
    torch.testing.assert_close(states.hidden_states[-1], heard["last"][0, positions])
    tokens = adapter.prompt_tokens(PROMPT, transcript="the red fox sleeps")
    positions = [i for i, (_, kind) in enumerate(tokens) if kind == "transcript"]
    torch.testing.assert_close(read_states[0], read["first"][0, positions])
    torch.testing.assert_close(read_states[-1], read["last"][0, positions])
    assert not any("final norm" in note for note in states.notes)


def test_a_pass_out_of_memory_says_so_and_leaves_nothing_behind(
    opened: Callable[[str], SpeechLLM],
) -> None:
    adapter = opened("qwen2_audio")
    assert isinstance(adapter, TransformersSpeechLLM)

    def count_states() -> int:
        gc.collect()
        return sum(
            1
            for thing in gc.get_objects()
            if type(thing) is torch.Tensor
            and thing.ndim == 3
            and thing.shape[-1] == adapter.info.d_model
        )

    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    message = r"memory of cpu is full .*use shorter audio"
    before = adapter.text_states("the red fox", PROMPT).hidden_states.clone()
    count = count_states()
    handle = blocks(adapter)[-1].register_forward_hook(fail)
    try:
        with pytest.raises(ModelError, match=message) as text_error:
            adapter.text_states("the red fox", PROMPT)
        with pytest.raises(ModelError, match=message) as audio_error:
            adapter.audio_states(noise(1.0), PROMPT)
    finally:
        handle.remove()
    # Also while somebody keeps the errors: their tracebacks must hold no states.
    assert count_states() <= count
    del text_error, audio_error
    assert torch.equal(adapter.text_states("the red fox", PROMPT).hidden_states, before)


def test_a_failed_pass_leaves_no_hook_and_no_state(adapter: TransformersSpeechLLM) -> None:
    alive: list[weakref.ref[torch.Tensor]] = []

    def hooks() -> int:
        return sum(
            len(module._forward_hooks) + len(module._forward_pre_hooks)
            for module in adapter._open.model.modules()
        )

    def fail(_: Any, arguments: tuple[Any, ...], output: Any) -> None:
        tensors = (*arguments, output[0] if isinstance(output, tuple) else output)
        alive.extend(weakref.ref(one) for one in tensors if isinstance(one, torch.Tensor))
        raise RuntimeError("planted failure")

    before, count = adapter.text_states("the red fox", PROMPT).hidden_states, hooks()
    handle = blocks(adapter)[-1].register_forward_hook(fail)
    try:
        with pytest.raises(ModelError, match="failed on this input: planted failure"):
            adapter.audio_states(noise(0.6), PROMPT)
        with pytest.raises(ModelError, match="failed on this input: planted failure"):
            adapter.text_states("the red fox", PROMPT)
    finally:
        handle.remove()
    gc.collect()
    assert alive
    assert not any(one() is not None for one in alive)
    assert hooks() == count
    assert torch.equal(adapter.text_states("the red fox", PROMPT).hidden_states, before)


def test_a_prompt_that_the_processor_fails_on_is_no_defect(
    opened: Callable[[str], SpeechLLM], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("planted failure")

    model = opened("qwen2_audio")
    monkeypatch.setattr(adapter_module, "audio_inputs", fail)
    monkeypatch.setattr(adapter_module, "text_input", fail)
    for given in ({"audio": noise(0.6)}, {"transcript": "the red fox"}):
        with pytest.raises(ModelError, match="failed on this input: planted failure"):
            model.prompt_tokens(PROMPT, **given)


def test_a_layer_is_the_same_whether_or_not_others_are_asked_for(
    adapter: TransformersSpeechLLM,
) -> None:
    """One pass that keeps no states, its blocks watched, against the pass that keeps them all."""
    inputs, seen = padded_inputs(adapter._open, [text_input(adapter._open, "the fox", PROMPT)]), {}

    def keep(place: int) -> Callable[..., None]:
        def hook(_: Any, arguments: tuple[torch.Tensor, ...]) -> None:
            seen[place] = arguments[0].detach().clone()

        return hook

    handles = [
        block.register_forward_pre_hook(keep(place)) for place, block in enumerate(blocks(adapter))
    ]
    try:
        options = dict(adapter._open.family.forward_options)
        with torch.no_grad():
            adapter._open.model.base_model(**inputs, use_cache=False, **options)
    finally:
        for handle in handles:
            handle.remove()
    states = adapter.text_states("the fox", PROMPT).hidden_states
    tokens = adapter.prompt_tokens(PROMPT, transcript="the fox")
    positions = [i for i, (_, kind) in enumerate(tokens) if kind == "transcript"]
    assert sorted(seen) == list(range(adapter.info.n_layers))
    for layer, state in seen.items():
        one = state if state.ndim == 3 else state[adapter._open.text_config.altup_active_idx]
        torch.testing.assert_close(states[layer], one[0, positions])


@pytest.mark.parametrize("transcript", ["", "   ", "\n\t"])
def test_an_empty_transcript_is_refused(model: SpeechLLM, transcript: str) -> None:
    with pytest.raises(InputError, match="transcript is empty"):
        model.text_states(transcript, PROMPT)


def test_answers_are_text_and_greedy(model: SpeechLLM) -> None:
    audio = noise(1.0)
    heard = model.answer(PROMPT, audio=audio, max_new_tokens=5)
    read = model.answer(PROMPT, transcript="the red fox", max_new_tokens=5)
    assert isinstance(heard, str)
    assert isinstance(read, str)
    assert heard == model.answer(PROMPT, audio=audio, max_new_tokens=5)
    assert "<|" not in read


def test_control_strings_in_an_instruction_are_refused_or_text(
    adapter: TransformersSpeechLLM,
) -> None:
    if adapter._open.family.conversations:  # its tokenizer makes no control token of any text
        pairs = adapter.prompt_tokens(Prompt("[CONTROL_5]"), transcript="the red fox")
        plain = adapter.prompt_tokens(Prompt("say"), transcript="the red fox")
        controls = control_strings(adapter)
        found, expected = ([p for p in one if p[0] in controls] for one in (pairs, plain))
        assert found == expected
        return
    with pytest.raises(InputError, match=r"instruction holds '<\|im_end\|>'"):
        adapter.text_states("the red fox", Prompt("<|im_end|>"))


def test_a_closed_model_says_so(tmp_path: Path) -> None:
    for name in ("fake", "qwen2_audio"):
        closed = make(name, tmp_path)
        closed.close()
        with pytest.raises(ModelError, match="closed"):
            closed.text_states("the red fox", PROMPT)
