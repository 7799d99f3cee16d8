"""Every speech LLM that the tests open: the fake, the demo, tiny random ones of real classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from alas_core.models.adapter import TransformersSpeechLLM
from alas_core.models.fake import FakeSpeechLLM
from alas_core.models.identity import Loading
from alas_core.models.loading import load
from alas_core.models.protocol import Prompt, SpeechLLM
from alas_core.models.salmonn import load_salmonn
from alas_core.models.salmonn_files import salmonn_files
from alas_core.resources import asset_path
from alas_core.types import Audio
from tests import tiny, tiny_more, tiny_parts, tiny_salmonn

IN_MEMORY = {**tiny_parts.FAMILIES, **tiny_more.FAMILIES}
MODELS = ("fake", "demo", *tiny.FAMILIES, *IN_MEMORY, "salmonn")
TRAINED = MODELS[1:]
CPU = Loading(device="cpu")
PROMPT = Prompt("Repeat the words.")


def noise(seconds: float, seed: int = 0) -> Audio:
    samples = np.random.default_rng(seed).standard_normal(round(seconds * 16000)) * 0.1
    return Audio(samples.astype(np.float32), 16000)


def make(name: str, folder: Path) -> SpeechLLM:
    """The model of that name on the CPU; the folder takes its files."""
    if name == "fake":
        return FakeSpeechLLM()
    if name in IN_MEMORY:
        return TransformersSpeechLLM(IN_MEMORY[name](), name, "test")
    if name == "salmonn":
        parts = salmonn_files(tiny_salmonn.salmonn(folder))
        assert parts is not None
        return TransformersSpeechLLM(load_salmonn(parts, CPU, lambda _: None), name, "test")
    source = asset_path("demo", "model") if name == "demo" else tiny.FAMILIES[name](folder)
    return TransformersSpeechLLM(load(source, CPU), name, "test")
