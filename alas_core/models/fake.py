# ruff: noqa: ARG002 - the protocol's arguments, which a fake has no use for
"""A deterministic stand-in for a speech LLM, with an alignment planted in its states.

Every word has a fixed random direction. A text token's state is its word's direction at every
layer; an audio frame's state has exactly that cosine to its word's direction which `binding` says
for the layer, and the rest is noise of the frame's own. So the layer with the highest ALAS is
known in advance, silence binds to nothing, and a wrong transcript finds no frames.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from alas_core.errors import InputError, ModelError
from alas_core.models.grid import FrameGrid
from alas_core.models.protocol import AudioStates, Prompt, TextStates
from alas_core.pauses import check_longest
from alas_core.types import Audio, FloatArray, ModelInfo, Token, WordTiming

_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_PIECE_CHARS = 6


def _direction(name: str, d_model: int) -> FloatArray:
    """Unit vector that depends on the name only, on every machine."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    vector = np.random.default_rng(seed).standard_normal(d_model)
    unit: FloatArray = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


class FakeHead:
    """A `Head` whose vocabulary is the words expected and a hundred that nobody says."""

    def __init__(self, codes: Sequence[str], direction: Callable[[str], FloatArray]) -> None:
        self._codes = [*dict.fromkeys(codes), *(f"filler{i} 1" for i in range(100))]
        self._embedding = torch.from_numpy(np.stack([direction(code) for code in self._codes]))

    @property
    def embedding(self) -> torch.Tensor:
        return self._embedding

    def norm(self, states: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.normalize(states, dim=-1)

    def project(self, normed: torch.Tensor) -> torch.Tensor:
        return 20 * normed @ self._embedding.T

    def texts(self, ids: Sequence[int]) -> list[str]:
        return [" " + self._codes[token].rpartition(" ")[0] for token in ids]

    def spellings(self, word: str) -> tuple[int, ...]:
        named = (code.rpartition(" ")[0] for code in self._codes)
        return tuple(index for index, name in enumerate(named) if name == word.lower())


class FakeSpeechLLM:
    """A `SpeechLLM` without weights: fast, deterministic, and it counts its calls.

    It cannot hear: tell it what is spoken with `expect(transcript, words)`, or hand the words'
    times to the constructor. Without times the words are spread evenly over the audio; without
    any transcript all frames are noise.

    Parameters
    ----------
    n_layers, d_model : int
        Size; layers 0..n_layers.
    frame_rate_hz : float
        Frames a second.
    best_layer : int
        Where the planted binding is strongest.
    timings : sequence of WordTiming
        The words in order with their times; unplaced ones are silent.
    seed : int
        Changes the directions of words and noise.
    strength : float
        Cosine of a frame and its word at `best_layer`; 0 plants nothing (an untrained model).
    known_words : collection of str, optional
        Makes `unknown_words` answer.
    model_id : str
        As shown in `info`.

    Attributes
    ----------
    calls : Counter
        How often each method ran, to prove that a cache hits; `text_states_many` counts
        transcripts.
    binding : tuple of float
        Planted cosine of each layer.
    """

    def __init__(
        self,
        n_layers: int = 4,
        d_model: int = 64,
        frame_rate_hz: float = 25.0,
        best_layer: int = 2,
        timings: Sequence[WordTiming] | None = None,
        seed: int = 0,
        *,
        strength: float = 1.0,
        known_words: frozenset[str] | None = None,
        model_id: str = "fake",
    ) -> None:
        if not 0 <= best_layer <= n_layers:
            raise InputError(f"best_layer is {best_layer}, expected 0 to n_layers = {n_layers}")
        self.calls: Counter[str] = Counter()
        self.seed = seed
        self.binding = tuple(
            strength * (1 - abs(layer - best_layer) / (n_layers + 1))
            for layer in range(n_layers + 1)
        )
        self._grid = FrameGrid(1 / frame_rate_hz)
        self._words = tuple(timings or ())
        self._transcript = " ".join(word.word for word in self._words)
        self._closed = False
        self._info = ModelInfo(
            model_id=model_id,
            revision=f"seed-{seed}-best-{best_layer}-strength-{strength:g}",
            family="fake",
            dtype="float32",
            device="cpu",
            n_layers=n_layers,
            d_model=d_model,
            frame_rate_hz=frame_rate_hz,
            vocabulary_size=1000,
            max_audio_s=30.0,
            name="Fake with a planted alignment",
            known_words=known_words,
        )

    @property
    def info(self) -> ModelInfo:
        return self._info

    def expect(self, transcript: str, words: Sequence[WordTiming] = ()) -> None:
        """Tell the fake what the next audio says.

        Parameters
        ----------
        transcript : str
            The words; with no `words` they are spread evenly over the audio.
        words : sequence of WordTiming
            Their times, for example `reference.words`.
        """
        self._transcript, self._words = transcript, tuple(words)

    def default_instruction(self, task: str) -> str:
        return f"{task}:" if task else ""

    def unknown_words(self, words: Sequence[str]) -> tuple[str, ...]:
        known = self._info.known_words
        if known is None:
            return ()
        return tuple(dict.fromkeys(word for word in words if word.lower() not in known))

    def audio_states(self, audio: Audio, prompt: Prompt) -> AudioStates:
        """States of planted cosine to the words expected; `prompt` changes nothing."""
        self._count("audio_states")
        check_longest(audio, self._info.max_audio_s, self._info.model_id)
        if audio.duration_s < self._info.min_audio_s:
            raise InputError(
                f"the audio lasts {audio.duration_s:.2f} s, expected at least "
                f"{self._info.min_audio_s} s for '{self._info.model_id}'; use a longer recording"
            )
        n_frames = math.ceil(audio.duration_s * self._info.frame_rate_hz - 1e-6)
        spans = self._grid.spans(n_frames, audio.duration_s)
        codes = self._frame_codes(spans, audio.duration_s)
        sound = audio.sha
        noise = np.stack([self._code(f"noise {i} {sound}") for i in range(len(spans))])
        noise = _orthogonal(noise, codes)
        cosines = np.asarray(self.binding, dtype=np.float32)[:, None, None]
        states = cosines * codes + np.sqrt(1 - cosines**2) * noise
        states[:, ~codes.any(axis=1)] = noise[~codes.any(axis=1)]
        return AudioStates(torch.from_numpy(states.astype(np.float32)), spans)

    def text_states(self, transcript: str, prompt: Prompt) -> TextStates:
        """One token per six characters of each word, each in its word's direction."""
        self._count("text_states")
        return self._text_states(transcript)

    def text_states_many(
        self, transcripts: Sequence[str], prompt: Prompt, batch_size: int = 16
    ) -> Iterator[TextStates]:
        for transcript in transcripts:
            self._count("text_states_many")
            yield self._text_states(transcript)

    def answer(
        self,
        prompt: Prompt,
        *,
        audio: Audio | None = None,
        transcript: str = "",
        max_new_tokens: int = 64,
    ) -> str:
        self._count("answer")
        words = (self._transcript if audio is not None else transcript).split()
        return " ".join(words[:max_new_tokens])

    def head(self) -> FakeHead:
        """Reads the planted directions back as words."""
        return FakeHead([code for _, code in self._tokens(self._transcript)], self._code)

    def prompt_tokens(
        self, prompt: Prompt, *, audio: Audio | None = None, transcript: str = ""
    ) -> list[tuple[str, str]]:
        """The prompt's tokens and their kinds, as in the transformers adapter."""
        words = [(word, "prompt") for word in prompt.instruction.split()]
        if audio is not None:
            content = [("<audio>", "audio")] * math.ceil(
                audio.duration_s * self._info.frame_rate_hz - 1e-6
            )
        else:
            content = [(token.text, "transcript") for token, _ in self._tokens(transcript)]
        return words + content if prompt.instruction_first else content + words

    def close(self) -> None:
        self._closed = True

    def _count(self, method: str) -> None:
        if self._closed:
            raise ModelError("this model was closed; get it anew from the registry")
        self.calls[method] += 1

    def _code(self, name: str) -> FloatArray:
        return _direction(f"{self.seed} {name}", self._info.d_model)

    def _text_states(self, transcript: str) -> TextStates:
        pairs = self._tokens(transcript)
        if not pairs:
            raise InputError("the transcript is empty, expected at least one word; type one")
        states = np.stack([self._code(code) for _, code in pairs])
        layers = np.broadcast_to(states, (self._info.n_layers + 1, *states.shape))
        return TextStates(torch.from_numpy(layers.copy()), tuple(token for token, _ in pairs))

    def _tokens(self, transcript: str) -> list[tuple[Token, str]]:
        """Tokens with the names of their words' directions (word and which occurrence)."""
        seen: Counter[str] = Counter()
        pairs = []
        for match in _WORD.finditer(transcript):
            word = match.group().lower()
            seen[word] += 1
            for start in range(match.start(), match.end(), _PIECE_CHARS):
                end = min(start + _PIECE_CHARS, match.end())
                token = Token(transcript[start:end], start, end)
                pairs.append((token, f"{word} {seen[word]}"))
        return pairs

    def _frame_codes(self, spans: FloatArray, duration_s: float) -> FloatArray:
        """(n_frames, d_model): the direction of each frame's word, zeros in silence."""
        codes = np.zeros((len(spans), self._info.d_model), dtype=np.float32)
        middles = spans.mean(axis=1)
        seen: Counter[str] = Counter()
        for name, start_s, end_s in self._spoken(duration_s):
            seen[name] += 1
            inside = (middles >= start_s) & (middles < end_s)
            codes[inside] = self._code(f"{name} {seen[name]}")
        return codes

    def _spoken(self, duration_s: float) -> list[tuple[str, float, float]]:
        """(word, start_s, end_s) in order; nan times hold no frame."""
        if self._words:
            return [(word.word.lower(), word.start_s, word.end_s) for word in self._words]
        words = [
            m.group().lower()
            for m in _WORD.finditer(self._transcript)
            if m.group().isalnum() or len(m.group()) > 1
        ]
        step = duration_s / max(len(words), 1)
        return [(word, i * step, (i + 1) * step) for i, word in enumerate(words)]


def _orthogonal(noise: FloatArray, codes: FloatArray) -> FloatArray:
    """Noise without its part along the codes, unit length: cosines come out exactly as planted."""
    rest = noise - (noise * codes).sum(axis=1, keepdims=True) * codes
    unit: FloatArray = (rest / np.linalg.norm(rest, axis=1, keepdims=True)).astype(np.float32)
    return unit
