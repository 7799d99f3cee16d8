"""What is measured: the demo model, and random Qwen2-Audio models of a real one's size."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers

from alas_core import datasets
from alas_core.models import registry
from alas_core.models.adapter import TransformersSpeechLLM
from alas_core.models.facts import FAMILIES
from alas_core.models.loading import Checkpoint
from alas_core.models.protocol import SpeechLLM
from alas_core.pipeline import Request, steps
from alas_core.reference import get_aligner
from alas_core.types import Analysis, Audio, Reference, Settings, Utterance
from alas_core.words import split_words
from tests import tiny


class Known:
    """An aligner that already knows the answer: leaves the reference's cost out of a ratio."""

    def __init__(self, reference: Reference) -> None:
        self.name, self._reference = reference.name, reference

    def align(self, audio: Audio, transcript: str) -> Reference:
        return self._reference


@dataclass(frozen=True)
class Subject:
    """A loaded model, an utterance and its reference."""

    model: SpeechLLM
    utterance: Utterance
    known: Known

    def request(self, n_null: int) -> Request:
        return Request(
            self.model.info.model_id,
            self.utterance,
            reference=self.known,
            settings=Settings(n_null=n_null),
            model=self.model,
            instruction="Repeat the words.",
            pool=tiny.TEXT,
        )

    def first_picture(self) -> Analysis:
        """The analysis as soon as the picture stands: no null of other words, no read-out."""
        running = steps(self.request(0))
        try:
            return next(step.analysis for step in running if step.analysis is not None)
        finally:
            running.close()

    def bare_passes(self) -> Callable[[], None]:
        """The two forward passes alone, on the very inputs of an analysis, keeping nothing."""
        network = self.model._open.model.base_model
        inputs: list[dict[str, Any]] = []
        hook = network.register_forward_pre_hook(
            lambda _module, _args, kwargs: inputs.append(dict(kwargs)), with_kwargs=True
        )
        try:
            self.first_picture()
        finally:
            hook.remove()
        if len(inputs) != 2:
            raise RuntimeError(f"an analysis made {len(inputs)} forward passes, expected 2")
        for kwargs in inputs:
            kwargs["output_hidden_states"] = False

        def run() -> None:
            with torch.no_grad():
                for kwargs in inputs:
                    network(**kwargs)
            if torch.cuda.is_available():
                torch.cuda.synchronize()

        return run


@functools.cache
def demo() -> Subject:
    """The demo model, its first utterance and that utterance's reference, all loaded and warm."""
    data = datasets.demo()
    utterance = data.load(data.ids()[0].id)
    reference = get_aligner("pocketsphinx").align(utterance.audio, utterance.transcript)
    return Subject(registry.get("demo"), utterance, Known(reference))


@dataclass(frozen=True)
class Shape:
    """Size of a random Qwen2-Audio, and how much it hears."""

    n_layers: int
    d_model: int
    n_heads: int
    d_inner: int
    duration_s: float
    n_words: int
    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    shared: bool = False
    """Whether all layers have the first one's weights: as much work, and room for it anywhere."""

    def __str__(self) -> str:
        kind = str(self.dtype).removeprefix("torch.")
        return (
            f"{self.n_layers} layers x {self.d_model}, {self.duration_s:g} s, {self.n_words} "
            f"words, {kind} on {self.device}"
        )


CPU = Shape(24, 1024, 16, 2816, 10.0, 40)
"""The shape that the project promises its figures for on a CPU."""

GPU = Shape(32, 4096, 32, 11008, 30.0, 120, "cuda", torch.bfloat16)
"""A 7B model, where there is a GPU."""

GPU_ON_CPU = dataclasses.replace(GPU, device="cpu", shared=True)
"""The same model's tensors, where there is no GPU to hold its weights."""

SMALL = Shape(4, 256, 4, 512, 4.0, 12)
"""Small enough to be computed twice, on both devices."""


@functools.lru_cache(maxsize=1)
def large(shape: Shape) -> Subject:
    """A random model of that shape with an utterance of noise and words at even steps."""
    return Subject(_model(shape), *heard(shape))


def heard(shape: Shape) -> tuple[Utterance, Known]:
    """Noise, the words of the tiny tokenizer (one token each), and where they are said to be."""
    rng = np.random.default_rng(0)
    samples = rng.uniform(-0.1, 0.1, round(shape.duration_s * 16_000)).astype(np.float32)
    transcript = " ".join((tiny.TEXT[0].split() * 20)[: shape.n_words])
    edges = np.linspace(0.2, shape.duration_s - 0.2, shape.n_words + 1).tolist()
    words = tuple(
        type(word)(word.word, word.start_char, word.end_char, start_s, end_s)
        for word, start_s, end_s in zip(split_words(transcript), edges, edges[1:], strict=False)
    )
    utterance = Utterance("noise", Audio(samples, 16_000), transcript)
    return utterance, Known(Reference("even steps", words))


def _model(shape: Shape) -> TransformersSpeechLLM:
    specials = ("<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>")
    words = tiny.tokenizer(specials)
    text = transformers.Qwen2Config(
        vocab_size=len(words),
        hidden_size=shape.d_model,
        intermediate_size=shape.d_inner,
        num_hidden_layers=1 if shape.shared else shape.n_layers,
        num_attention_heads=shape.n_heads,
        num_key_value_heads=shape.n_heads,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
    )
    audio = transformers.Qwen2AudioEncoderConfig(
        encoder_layers=6, encoder_attention_heads=8, encoder_ffn_dim=2048, d_model=512
    )
    config = transformers.Qwen2AudioConfig(
        audio_config=audio,
        text_config=text,
        audio_token_index=words.convert_tokens_to_ids("<|AUDIO|>"),
    )
    processor = transformers.Qwen2AudioProcessor(
        feature_extractor=tiny.whisper_features(),
        tokenizer=words,
        chat_template=tiny.chat_template("Audio 1: " + "".join(specials) + "\n"),
    )
    torch.manual_seed(0)
    # Weights are made where they are used: 7B of them on the host would take minutes.
    with torch.device(shape.device), _default_dtype(shape.dtype):
        model = transformers.Qwen2AudioForConditionalGeneration(config)
    if shape.shared:
        _repeat_layer(model.base_model.language_model, shape.n_layers)
    model.config.get_text_config(decoder=True).tie_last_hidden_states = False
    frozen = model.eval().requires_grad_(False)
    checkpoint = Checkpoint(frozen, processor, FAMILIES["qwen2_audio"], shape.device, shape.dtype)
    return TransformersSpeechLLM(checkpoint, f"random {shape.n_layers} x {shape.d_model}", "0")


def _repeat_layer(network: Any, n_layers: int) -> None:
    """Further layers, each a module of its own, that hold the very tensors of the first."""
    first = network.layers[0]
    network.config.num_hidden_layers = n_layers
    network.config.layer_types = network.config.layer_types * n_layers
    for index in range(1, n_layers):
        with torch.device("meta"):
            layer = type(first)(network.config, index)
        layer.load_state_dict(first.state_dict(), assign=True)
        network.layers.append(layer)


class _default_dtype:
    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype = dtype

    def __enter__(self) -> None:
        self._before = torch.get_default_dtype()
        torch.set_default_dtype(self._dtype)

    def __exit__(self, *_: object) -> None:
        torch.set_default_dtype(self._before)
