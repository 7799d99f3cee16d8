"""What the project asks of a speech LLM: two frozen passes, their states, and an answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from alas_core.types import Audio, FloatArray, ModelInfo, Token


@dataclass(frozen=True)
class Prompt:
    """What stands around the audio (or, in the text run, around the transcript).

    The two runs use one prompt: the transcript stands exactly where the audio stood. `audio_s` is
    the length of the audio, for templates that name it; only the text run cannot measure it.
    """

    instruction: str = ""
    instruction_first: bool = True
    audio_s: float = 0.0


@dataclass(frozen=True)
class AudioStates:
    """States of the audio run at the positions that hold audio.

    hidden_states : torch.Tensor [shape=(n_layers + 1, n_frames, d_model)], on the model's device,
        in the model's dtype; layer 0 is the first block's input, the last is before the final norm.
    frame_spans : np.ndarray [shape=(n_frames, 2), float32], seconds, increasing, inside the audio.
    notes : sentences for the user ("the last 0.7 s hold no frame").
    last_is_normed : the class gives its last state only after the final norm.
    """

    hidden_states: torch.Tensor
    frame_spans: FloatArray
    notes: tuple[str, ...] = ()
    last_is_normed: bool = False


@dataclass(frozen=True)
class TextStates:
    """States of the text run at the positions of the transcript's tokens.

    hidden_states : torch.Tensor [shape=(n_layers + 1, n_tokens, d_model)]
    tokens : one a position, with character offsets into the transcript.
    """

    hidden_states: torch.Tensor
    tokens: tuple[Token, ...]


class Head(Protocol):
    """From a state to the vocabulary, as the model itself goes from its last state to a token.

    Positions are rows: (positions, d_model) in, (positions, n_vocabulary) out, on the model's
    device. Nothing is taken in chunks here: callers bound the number of rows.
    """

    @property
    def embedding(self) -> torch.Tensor:
        """The input embeddings (n_vocabulary, d_model), in the model's dtype."""
        ...

    def norm(self, states: torch.Tensor) -> torch.Tensor:
        """The states after the model's final norm."""
        ...

    def project(self, normed: torch.Tensor) -> torch.Tensor:
        """Float32 logits of normed states, with the model's own scaling."""
        ...

    def texts(self, ids: Sequence[int]) -> list[str]:
        """What each token says, white space included."""
        ...

    def spellings(self, word: str) -> tuple[int, ...]:
        """Tokens that name a word: its pieces, and its other spellings that are one token."""
        ...


class SpeechLLM(Protocol):
    """A frozen speech LLM. Every method may raise `ModelError` or `InputError`, nothing else.

    A class that derives from this needs `info`, `audio_states` and `text_states`; the rest has a
    plain answer here. Not thread-safe: callers hold the accelerator's lock
    (`alas_core.models.registry.device_lock`).
    """

    @property
    def info(self) -> ModelInfo: ...

    def default_instruction(self, task: str) -> str:
        """The instruction this model was made for, or a plain one."""
        del task
        return ""

    def audio_states(self, audio: Audio, prompt: Prompt) -> AudioStates:
        """One prefill on instruction + audio."""
        ...

    def text_states(self, transcript: str, prompt: Prompt) -> TextStates:
        """One prefill on instruction + transcript."""
        ...

    def text_states_many(
        self, transcripts: Sequence[str], prompt: Prompt, batch_size: int = 16
    ) -> Iterator[TextStates]:
        """The same for many transcripts, in order, as right-padded batches (exact: causal)."""
        del batch_size
        for transcript in transcripts:
            yield self.text_states(transcript, prompt)

    def answer(
        self,
        prompt: Prompt,
        *,
        audio: Audio | None = None,
        transcript: str = "",
        max_new_tokens: int = 64,
    ) -> str:
        """The model's greedy answer to the audio, or to the transcript if there is no audio."""
        del prompt, audio, transcript, max_new_tokens
        return ""

    def head(self) -> Head | None:
        """The way from its states to its vocabulary; None where the class does not show it."""
        return None

    def unknown_words(self, words: Sequence[str]) -> tuple[str, ...]:
        """The words this model is known not to know; empty if that is not known."""
        del words
        return ()

    def close(self) -> None:
        """Free the device's memory; the object is not used again."""
        return
