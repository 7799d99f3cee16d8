"""What the demo model can do, on held-out speech, by the real processor and the stock class."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

from alas_core.demo import objectives as goal
from alas_core.demo.bank import load_items, make_batch
from alas_core.demo.grammar import INSTRUCTIONS
from alas_core.demo.prompts import Writer
from alas_core.demo.training import Trainer
from alas_core.demo.voices import SAMPLE_RATE_HZ
from alas_core.errors import InputError

CHECKED = 120
BATCH = 20
GROUPS = ("seen_voices", "new_voices")


@dataclass(frozen=True)
class HeldOut:
    """One held-out utterance: sound (float32, 16 kHz, mono), words, voice and answers."""

    samples: NDArray[np.float32]
    text: str
    voice: str
    answers: Mapping[str, str]


def frame_check(
    processor: Qwen2AudioProcessor, speech: Path
) -> Callable[[Trainer], dict[str, float]]:
    """Make a quick test for use while training: held-out frames nearest to their own word.

    Parameters
    ----------
    processor : Qwen2AudioProcessor
        Of the demo.
    speech : Path
        Folder of the shards.

    Returns
    -------
    Callable[[Trainer], dict[str, float]]
        Share of right frames by group, silence counted as a word.
    """
    silence = Writer(processor).silence_id
    groups = {"seen_voices": load_items(speech, "seen_voices", processor.tokenizer)}
    for item in load_items(speech, "new_voices", processor.tokenizer):
        groups.setdefault(item.voice, []).append(item)

    def check(trainer: Trainer) -> dict[str, float]:
        shares = {}
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            for name, items in groups.items():
                hits, count = 0.0, 0
                checked = items[:CHECKED]
                for at in range(0, len(checked), 30):
                    examples = [(item,) for item in checked[at : at + 30]]
                    batch = goal.moved(make_batch(examples, silence, None), trainer.device)
                    frames = goal.encode(trainer.model, batch)
                    _, share = goal.frame_loss(
                        frames, batch.labels, trainer.embeddings, trainer.log_scale
                    )
                    known = int((batch.labels >= 0).sum())
                    hits, count = hits + float(share) * known, count + known
                shares[name] = round(hits / count, 3)
        return shares

    return check


def load_held_out(speech: Path, group: str) -> list[HeldOut]:
    """Read the held-out sound of one group.

    Parameters
    ----------
    speech : Path
        Folder of the shards.
    group : str
        "seen_voices" or "new_voices".

    Returns
    -------
    list[HeldOut]
        In the order of the shard.

    Raises
    ------
    InputError
        If the shard is missing.
    """
    path = speech / f"{group}_00.json"
    if not path.exists():
        raise InputError(
            f"no held-out speech {path.name!r} in {speech.name!r}, expected the work of "
            "`python -m alas_core.demo synthesise`; run it first"
        )
    sound = np.load(path.with_suffix(".i16.npy"), mmap_mode="r")
    utterances = []
    for record in json.loads(path.read_text(encoding="utf-8")):
        part = sound[record["start"] : record["start"] + record["samples"]]
        samples = part.astype(np.float32) / 32768
        utterances.append(HeldOut(samples, record["text"], record["voice"], record["answers"]))
    return utterances


class Answerer:
    """Asks a saved model through its own processor, many prompts at a time.

    Parameters
    ----------
    model_dir : Path
        What `from_pretrained` loads.
    """

    def __init__(self, model_dir: Path) -> None:
        self.processor = Qwen2AudioProcessor.from_pretrained(model_dir)
        self.processor.tokenizer.padding_side = "left"
        self.model: Any = Qwen2AudioForConditionalGeneration.from_pretrained(
            model_dir, dtype=torch.float32
        )

    def prompt(self, instruction: str, transcript: str | None = None) -> str:
        """Render the prompt, with audio or with a transcript in its place.

        Parameters
        ----------
        instruction : str
            Comes first.
        transcript : str or None
            None for audio.

        Returns
        -------
        str
            The chat as the processor reads it.
        """
        content: dict[str, str] = {"type": "audio"}
        if transcript is not None:
            content = {"type": "text", "text": transcript}
        blocks = [{"type": "text", "text": instruction}, content]
        chat: list[Any] = [{"role": "user", "content": blocks}]
        rendered = self.processor.apply_chat_template(
            chat, add_generation_prompt=True, tokenize=False
        )
        return str(rendered)

    def from_audio(
        self, instruction: str, sounds: Sequence[NDArray[np.float32]], max_new_tokens: int = 48
    ) -> list[str]:
        """Answers to one instruction about each sound.

        Parameters
        ----------
        instruction : str
            Comes before the audio.
        sounds : Sequence[np.ndarray]
            Mono float32 at 16 kHz.
        max_new_tokens : int
            Longest answer.

        Returns
        -------
        list[str]
            Greedy answers.
        """
        answers: list[str] = []
        for at in range(0, len(sounds), BATCH):
            part = list(sounds[at : at + BATCH])
            inputs = self.processor(
                text=[self.prompt(instruction)] * len(part),
                audio=part,
                sampling_rate=SAMPLE_RATE_HZ,
                return_tensors="pt",
                padding=True,
            )
            answers += self._generate(inputs, max_new_tokens)
        return answers

    def from_text(
        self, instruction: str, transcripts: Sequence[str], max_new_tokens: int = 48
    ) -> list[str]:
        """Answers to one instruction about each transcript.

        Parameters
        ----------
        instruction : str
            Comes before the transcript.
        transcripts : Sequence[str]
            In place of the audio.
        max_new_tokens : int
            Longest answer.

        Returns
        -------
        list[str]
            Greedy answers.
        """
        answers: list[str] = []
        for at in range(0, len(transcripts), BATCH):
            texts = [self.prompt(instruction, text) for text in transcripts[at : at + BATCH]]
            inputs = self.processor(text=texts, return_tensors="pt", padding=True)
            answers += self._generate(inputs, max_new_tokens)
        return answers

    def _generate(self, inputs: Mapping[str, Any], max_new_tokens: int) -> list[str]:
        with torch.no_grad():
            ids = self.model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
        texts = self.processor.tokenizer.batch_decode(
            ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True
        )
        return [text.strip() for text in texts]


def measure_task(answerer: Answerer, utterances: Sequence[HeldOut], task: str) -> dict[str, Any]:
    """How a model does one task, from audio and from text.

    Parameters
    ----------
    answerer : Answerer
        The model.
    utterances : Sequence[HeldOut]
        Of one group.
    task : str
        Of `INSTRUCTIONS`.

    Returns
    -------
    dict[str, Any]
        "transcribe": n, word_error (share of words), word_error_from_text, by_voice. Other tasks:
        n (of those asked), audio and text (shares of right answers).
    """
    if task == "transcribe":
        return _transcribing(answerer, utterances)
    asked = [u for u in utterances if u.answers.get(task, "neutral") != "neutral"]
    asked += [u for u in utterances if u.answers.get(task) == "neutral"][:20]
    truth = [utterance.answers[task] for utterance in asked]
    instruction = INSTRUCTIONS[task][0]
    heard = answerer.from_audio(instruction, [utterance.samples for utterance in asked], 4)
    read = answerer.from_text(instruction, [utterance.text for utterance in asked], 4)
    return {
        "n": len(truth),
        "audio": round(float(np.mean([a == b for a, b in zip(truth, heard, strict=True)])), 4),
        "text": round(float(np.mean([a == b for a, b in zip(truth, read, strict=True)])), 4),
    }


def _transcribing(answerer: Answerer, utterances: Sequence[HeldOut]) -> dict[str, Any]:
    instruction = INSTRUCTIONS["transcribe"][0]
    truth = [utterance.text for utterance in utterances]
    heard = answerer.from_audio(instruction, [utterance.samples for utterance in utterances])
    read = answerer.from_text(instruction, truth)
    voices: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for utterance, answer in zip(utterances, heard, strict=True):
        name = utterance.voice if utterance.voice.startswith(("flite", "fest")) else "espeak"
        name = name if len({u.voice for u in utterances}) > 5 else utterance.voice
        voices[name][0].append(utterance.text)
        voices[name][1].append(answer)
    return {
        "n": len(truth),
        "word_error": round(jiwer.wer(truth, heard), 4),
        "word_error_from_text": round(jiwer.wer(truth, read), 4),
        "by_voice": {name: round(jiwer.wer(*pair), 4) for name, pair in sorted(voices.items())},
    }
