"""The shipped data set: held-out sentences, spoken, aligned and written to `assets/demo/data`."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from alas_core.demo import voices
from alas_core.demo.aligner import WordAligner, aligner_name
from alas_core.demo.delivery import draw_delivery, place_in_room
from alas_core.demo.grammar import CHOICES, INSTRUCTIONS, sentences
from alas_core.demo.shapes import Sentence
from alas_core.demo.synthesis import say
from alas_core.demo.voices import SAMPLE_RATE_HZ, Delivery
from alas_core.errors import AlignmentError

DATA_SEED = 48
N_WRONG_SENTENCES = 300
SEEN_VOICES = (
    "flite:slt",
    "espeak:en-us+m3",
    "flite:awb",
    "espeak:en-gb+f4",
    "flite:kal16",
    "espeak:en-gb-scotland+m7",
)
_TASKS = (
    "transcribe",
    "color",
    "transcribe",
    "place",
    "who",
    "count",
    "transcribe",
    "choice",
    "emotion",
    "question",
    "transcribe",
    "emotion",
)
"""One dozen; the data set is four of them."""
_CONDITIONS = ("clean", "clean", "clean", "noisy", "clean", "clean", "fast", "clean")
_NEW_EVERY = 4
"""Each fourth utterance is spoken by a voice that training never heard."""
_JOINED = {14: 1, 26: 3}
"""Utterances that go on with so many further sentences: about 5 and 10 seconds."""
NOISY_SNR_DB = 12.0
FAST = 1.3


@dataclass(frozen=True)
class Record:
    """One line of utterances.jsonl."""

    id: str
    file: str
    transcript: str
    task: str
    instruction: str
    choices: list[str]
    answer: str
    labels: dict[str, str]
    voice: str
    voice_heard_in_training: bool
    condition: str
    duration_s: float
    seed: int


def _wanted(index: int) -> tuple[str, str, str]:
    """Task, voice and condition of an utterance, by its place in the list."""
    task = _TASKS[index % len(_TASKS)]
    turn = index // _NEW_EVERY
    if index % _NEW_EVERY == _NEW_EVERY - 1:
        voice = ("flite:rms", "flite:rms", "espeak:en-us+f2", "espeak:en-us+m2")[turn % 4]
    else:
        voice = SEEN_VOICES[(index - turn) % len(SEEN_VOICES)]
    condition = "clean" if index == 0 else _CONDITIONS[(index * 5 + turn) % len(_CONDITIONS)]
    return task, voice, condition


def _suits(sentence: Sentence, task: str, index: int) -> bool:
    if task == "transcribe":
        return 5 <= len(sentence.text.split()) <= 11 and "question" not in sentence.answers
    if task == "emotion":
        return (sentence.emotion == "neutral") == (index % 8 == 0)
    return task in sentence.answers


def plan(count: int = 48) -> list[tuple[Sentence, str, str, str]]:
    """Choose what is said, asked, by whom and how.

    Parameters
    ----------
    count : int
        Utterances.

    Returns
    -------
    list[tuple[Sentence, str, str, str]]
        Held-out sentence, task, voice, condition.
    """
    stream = sentences(DATA_SEED, held_out=True)
    chosen = []
    for index in range(count):
        task, voice, condition = _wanted(index)
        sentence = next(s for s in stream if _suits(s, task, index))
        if index in _JOINED:
            task, condition = "transcribe", "clean"
            tails = (s.text for s in stream if len(s.text.split()) >= 8)
            texts = [sentence.text, *itertools.islice(tails, _JOINED[index])]
            sentence = Sentence(" ".join(texts), {"emotion": "neutral"})
        chosen.append((sentence, task, voice, condition))
    return chosen


def wrong_sentences() -> list[str]:
    """The pool of wrong transcripts: held-out sentences that are not in the data set.

    Returns
    -------
    list[str]
        `N_WRONG_SENTENCES` sentences.
    """
    taken = {sentence.text for sentence, *_ in plan()}
    stream = (s.text for s in sentences(DATA_SEED + 1, held_out=True) if s.text not in taken)
    return list(itertools.islice(stream, N_WRONG_SENTENCES))


def _spoken(sentence: Sentence, voice: str, condition: str, seed: int) -> NDArray[np.float32]:
    rng = random.Random(seed)
    drawn = draw_delivery(rng, sentence.emotion, voice)
    tempo = FAST if condition == "fast" else 1.0
    delivery = Delivery(drawn.rate_wpm * tempo, drawn.pitch, drawn.liveliness)
    said = say(sentence, voice, delivery, WordAligner())
    if said is None:
        raise AlignmentError(
            f"the words {sentence.text!r} could not be laid over the voice {voice!r}; "
            "change DATA_SEED"
        )
    snr_db = NOISY_SNR_DB if condition == "noisy" else 45.0
    lead_s = rng.uniform(0.1, 0.35)
    return place_in_room(said[0], seed, snr_db=snr_db, lead_s=lead_s, level_db=-3.0)


def _record(index: int, sound: NDArray[np.float32]) -> Record:
    sentence, task, voice, condition = plan()[index]
    name = f"demo-{index + 1:03d}"
    answer = sentence.text if task == "transcribe" else sentence.answers[task]
    return Record(
        id=name,
        file=f"audio/{name}.flac",
        transcript=sentence.text,
        task=task,
        instruction=INSTRUCTIONS[task][0],
        choices=list(CHOICES.get(task, ())),
        answer=answer,
        labels=dict(sentence.answers),
        voice=voice,
        voice_heard_in_training=voice not in voices.NEW_VOICES,
        condition=condition,
        duration_s=round(len(sound) / SAMPLE_RATE_HZ, 3),
        seed=DATA_SEED * 1000 + index,
    )


def write_dataset(folder: Path) -> list[Record]:
    """Make the data set anew.

    Parameters
    ----------
    folder : Path
        Gets audio/, references/, utterances.jsonl and sentences.txt.

    Returns
    -------
    list[Record]
        The lines of utterances.jsonl.

    Raises
    ------
    AlignmentError
        If the aligner cannot place the words of an utterance.
    """
    for part in ("audio", "references"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    aligner, records = WordAligner(), []
    for index, (sentence, _, voice, condition) in enumerate(plan()):
        sound = _spoken(sentence, voice, condition, DATA_SEED * 1000 + index)
        record = _record(index, sound)
        soundfile.write(folder / record.file, sound, SAMPLE_RATE_HZ, subtype="PCM_16")
        _write_reference(folder, record, sound, aligner)
        records.append(record)
    lines = [json.dumps(asdict(record), ensure_ascii=False) for record in records]
    (folder / "utterances.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "sentences.txt").write_text("\n".join(wrong_sentences()) + "\n", encoding="utf-8")
    return records


def _write_reference(
    folder: Path, record: Record, sound: NDArray[np.float32], aligner: WordAligner
) -> None:
    words = aligner.align(sound, record.transcript)
    if words is None:
        raise AlignmentError(
            f"{record.id}: the aligner found no place for {record.transcript!r}; change DATA_SEED"
        )
    reference = {
        "aligner": aligner_name(),
        "words": [{"word": w, "start_s": round(a, 3), "end_s": round(b, 3)} for w, a, b in words],
    }
    path = folder / "references" / f"{record.id}.json"
    path.write_text(json.dumps(reference, indent=1) + "\n", encoding="utf-8")
