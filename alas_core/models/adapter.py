"""The generic transformers adapter: one class for every family in `facts`.

Two prefills on the base model (no output head, no cache); of all hidden states only those at the
audio's or the transcript's positions are kept.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from alas_core.errors import InputError, ModelError
from alas_core.models import lora, memory
from alas_core.models.answering import answer_ids
from alas_core.models.guard import Guard, first_line, release_memory
from alas_core.models.head import head_of
from alas_core.models.inputs import (
    audio_inputs,
    audio_token_id,
    batches,
    longest_audio_s,
    model_info,
    padded_inputs,
    prompt_notes,
    text_input,
)
from alas_core.models.loading import Checkpoint
from alas_core.models.measuring import settled, weight_bytes
from alas_core.models.prompting import TextInput
from alas_core.models.protocol import AudioStates, Head, Prompt, TextStates
from alas_core.pauses import check_longest
from alas_core.types import Audio, FloatArray, ModelInfo

_INSTRUCTIONS = {
    "transcribe": "Repeat the words.",
    "emotion": "Which emotion does the speaker express? Answer with one word.",
    "question": "Answer the question.",
}
_BATCH_BYTES = 256 * 2**20
"""Of all states of a batch of texts, on the device."""

_AFTER_NORM = (
    "The last layer is shown after the final norm: this class gives no state from before it."
)


class TransformersSpeechLLM:
    """A frozen speech LLM of transformers behind the `SpeechLLM` protocol.

    Parameters
    ----------
    checkpoint : Checkpoint
        From `alas_core.models.loading.load`.
    model_id, revision : str
        As the registry knows them; shown in `info`.

    Raises
    ------
    ModelError
        If the processor's frames do not grow with the audio as the family's facts say.
    """

    def __init__(self, checkpoint: Checkpoint, model_id: str, revision: str) -> None:
        self._checkpoint: Checkpoint | None = checkpoint
        self._model_id = model_id
        self._audio_token_id = audio_token_id(checkpoint)
        with torch.no_grad(), self._guard():
            self._checkpoint, self.frame_check = settled(checkpoint, longest_audio_s(checkpoint))
        self.weight_bytes = weight_bytes(self._checkpoint.model)
        self._info = model_info(self._checkpoint, model_id, revision)

    @property
    def info(self) -> ModelInfo:
        return self._info

    def default_instruction(self, task: str) -> str:
        """The checkpoint's own instruction for the task, or a plain English one."""
        own = self._open.about.get("instructions", {})
        return str(own.get(task) or _INSTRUCTIONS.get(task) or own.get("transcribe") or "")

    def unknown_words(self, words: Sequence[str]) -> tuple[str, ...]:
        """Words outside the checkpoint's stated vocabulary, each once, in order."""
        known = self._info.known_words
        if known is None:
            return ()
        return tuple(dict.fromkeys(word for word in words if word.casefold() not in known))

    def audio_states(self, audio: Audio, prompt: Prompt) -> AudioStates:
        """States at the audio's positions, without those that start after its end.

        Raises
        ------
        InputError
            If the audio is shorter or longer than the model takes.
        ModelError
            If the forward pass fails or does not fit into memory.
        """
        with torch.no_grad(), self._guard():
            inputs = self._audio_inputs(audio, prompt)
            positions = (inputs["input_ids"][0] == self._audio_token_id).nonzero()[:, 0].tolist()
            spans = self._open.family.grid.spans(len(positions), audio.duration_s)
            if len(spans) < 2:
                raise InputError(
                    f"the audio lasts {audio.duration_s:.2f} s and gives {len(spans)} frames, "
                    "expected at least 2; use a longer recording"
                )
            states, last = self._hidden_states(inputs)
            positions = positions[: len(spans)]
            kept = self._kept(states, 0, positions)
            tied = last is not None and torch.equal(kept[-1:], self._kept([last], 0, positions))
            notes = self._notes(spans, audio, prompt, tied=tied)
        return AudioStates(kept, spans, notes, last_is_normed=tied)

    def text_states(self, transcript: str, prompt: Prompt) -> TextStates:
        """States at the transcript's tokens, with their offsets into the transcript."""
        return next(self.text_states_many([transcript], prompt, 1))

    def text_states_many(
        self, transcripts: Sequence[str], prompt: Prompt, batch_size: int = 16
    ) -> Iterator[TextStates]:
        """The same for many transcripts, in order.

        Right padding changes nothing in a causal model, so a batch equals single passes up to
        rounding. It is smaller than `batch_size` where its states would fill the device. Hold the
        device's lock while drawing from this iterator.
        """
        with self._guard():
            texts = [self._text_input(transcript, prompt) for transcript in transcripts]
            a_position = (self._info.n_layers + 1) * self._info.d_model * self._open.dtype.itemsize
        for batch in batches(texts, batch_size, _BATCH_BYTES // a_position):
            with torch.no_grad(), self._guard():
                states, _ = self._hidden_states(padded_inputs(self._open, batch))
                kept = [self._kept(states, row, text.positions) for row, text in enumerate(batch)]
                del states
            yield from map(TextStates, kept, [text.tokens for text in batch])

    def answer(
        self,
        prompt: Prompt,
        *,
        audio: Audio | None = None,
        transcript: str = "",
        max_new_tokens: int = 64,
    ) -> str:
        """The greedy answer to the audio or, without audio, to the transcript."""
        with torch.no_grad(), self._guard():
            if audio is not None:
                inputs = self._audio_inputs(audio, prompt)
            else:
                inputs = padded_inputs(self._open, [self._text_input(transcript, prompt)])
            new = answer_ids(self._open, inputs, max_new_tokens)
            text: str = self._open.processor.tokenizer.decode(new, skip_special_tokens=True)
        return text.strip()

    def head(self) -> Head | None:
        """Final norm, output head and token texts of the checkpoint."""
        with self._guard():
            return head_of(self._open)

    def prompt_tokens(
        self, prompt: Prompt, *, audio: Audio | None = None, transcript: str = ""
    ) -> list[tuple[str, str]]:
        """The prompt as the model sees it, token by token.

        Returns
        -------
        list of (str, str)
            Text of each token and its kind: "prompt", "audio" or "transcript". Take away the
            last two kinds and what is left is the same in both runs, up to the markers that the
            template puts around audio.
        """
        tokenizer = self._open.processor.tokenizer
        with self._guard():
            if audio is not None:
                kind, ids = "audio", self._audio_inputs(audio, prompt)["input_ids"][0].tolist()
                held = {i for i, token in enumerate(ids) if token == self._audio_token_id}
            else:
                text = self._text_input(transcript, prompt)
                kind, ids, held = "transcript", list(text.ids), set(text.positions)
            return [
                (tokenizer.decode([token]), kind if i in held else "prompt")
                for i, token in enumerate(ids)
            ]

    def close(self) -> None:
        """Free the device's memory; every later call raises `ModelError`."""
        self._checkpoint = None
        release_memory()

    @property
    def _open(self) -> Checkpoint:
        if self._checkpoint is None:
            raise ModelError(
                f"the model '{self._model_id}' was closed; get it anew from the registry"
            )
        return self._checkpoint

    def _guard(self) -> Guard:
        def explain(error: BaseException) -> str:
            return (
                f"the model '{self._model_id}' failed on this input: {first_line(error)}; try "
                "other audio or another model, and report this with the log"
            )

        def advice() -> str:
            return memory.pass_advice(model_info(self._open, self._model_id, ""))

        return Guard(f"a pass of {self._model_id}", self._open.device, explain, advice)

    def _audio_inputs(self, audio: Audio, prompt: Prompt) -> dict[str, torch.Tensor]:
        self._check_duration(audio)
        inputs = audio_inputs(self._open, audio, prompt)
        self._check_length(inputs["input_ids"].shape[1], "audio")
        return inputs

    def _text_input(self, transcript: str, prompt: Prompt) -> TextInput:
        text = text_input(self._open, transcript, prompt)
        self._check_length(len(text.ids), "transcript")
        return text

    def _check_length(self, n_tokens: int, content: str) -> None:
        limit = getattr(self._open.text_config, "max_position_embeddings", None)
        if limit is not None and n_tokens > limit:
            raise InputError(
                f"{content} and instruction give a prompt of {n_tokens} tokens, expected at most "
                f"{limit} for '{self._model_id}'; shorten the {content} or the instruction"
            )

    def _hidden_states(
        self, inputs: dict[str, torch.Tensor]
    ) -> tuple[list[torch.Tensor], torch.Tensor | None]:
        """States (batch, positions, d_model) of all layers where they lie; the output, if any."""
        checkpoint = self._open
        model = checkpoint.model.base_model
        options: dict[str, Any] = dict(checkpoint.family.forward_options)
        if _has_head(model):
            options["logits_to_keep"] = 1
        lora.switch(checkpoint.model, on=checkpoint.loading.lora)
        output = model(**inputs, output_hidden_states=True, use_cache=False, **options)
        states = list(output.hidden_states)
        if checkpoint.family.active_state:
            stream = getattr(checkpoint.text_config, checkpoint.family.active_state)
            states = [state[stream] if state.ndim == 4 else state for state in states]
        expected = (self._info.n_layers + 1, inputs["input_ids"].shape[1])
        if (len(states), states[0].shape[1]) != expected:
            raise ModelError(
                f"'{self._model_id}' gave {len(states)} states of {states[0].shape[1]} positions, "
                f"expected {expected[0]} (n_layers + 1) of {expected[1]}; this version of its "
                "class is not supported"
            )
        return states, getattr(output, "last_hidden_state", None)

    def _kept(
        self, states: Sequence[torch.Tensor], row: int, positions: Sequence[int]
    ) -> torch.Tensor:
        """These positions of each state; spread over GPUs, a layer leaves its state on its own."""
        # One layer after another into its place: a list of them would be a copy more of all.
        chosen = (state[row, list(positions)].to(self._open.device) for state in states)
        first = next(chosen)
        kind = torch.promote_types(states[0].dtype, states[-1].dtype)
        kept = first.new_empty((len(states), *first.shape), dtype=kind)
        kept[0] = first
        for layer, state in enumerate(chosen, start=1):
            kept[layer] = state
        return kept

    def _check_duration(self, audio: Audio) -> None:
        shortest = self._info.min_audio_s
        check_longest(audio, self._info.max_audio_s, self._model_id)
        if audio.duration_s < shortest:
            raise InputError(
                f"the audio lasts {audio.duration_s:.2f} s, expected at least {shortest:g} s for "
                f"'{self._model_id}'; use a longer recording"
            )

    def _notes(
        self, spans: FloatArray, audio: Audio, prompt: Prompt, *, tied: bool
    ) -> tuple[str, ...]:
        rest = audio.duration_s - float(spans[-1, 1])
        notes = list(prompt_notes(self._open, prompt))
        if rest > 1 / self._info.frame_rate_hz:
            notes.append(f"The last {rest:.2f} s of the audio hold no frame.")
        if tied:
            notes.append(_AFTER_NORM)
        return (*notes, *self._info.notes)


def _has_head(model: Any) -> bool:
    """Whether the base model, or the language model in it, would compute logits."""
    parts = (model, getattr(model, "language_model", model))
    return any("logits_to_keep" in inspect.signature(part.forward).parameters for part in parts)
