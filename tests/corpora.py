"""Small corpora on disk, and a model that answers at once, for tests of runs."""

from __future__ import annotations

import json
from pathlib import Path

from alas_core.audio import to_flac_bytes
from alas_core.batch.plan import RunOrder
from alas_core.models.fake import FakeSpeechLLM
from alas_core.types import Settings
from tests.factory import make_audio

TRANSCRIPT = "the red fox sleeps"


def fake_model() -> FakeSpeechLLM:
    """Hears the transcript of `make_corpus` in anything, spread evenly."""
    model = FakeSpeechLLM(n_layers=3, d_model=32, model_id="fake-run")
    model.expect(TRANSCRIPT)
    return model


def fake_order(corpus: Path, **changes: object) -> RunOrder:
    """A run of the fake model over a corpus, without wrong transcripts."""
    settings = Settings(n_null=0, n_permutations=5)
    fields = {"model": "fake-run", "reference": "own", "settings": settings, **changes}
    return RunOrder(str(corpus), **fields)


def make_corpus(folder: Path, n: int = 6, poison: dict[int, str] | None = None) -> Path:
    """Write a folder of `n` short recordings with word times.

    Parameters
    ----------
    poison : dict, optional
        Row number to what is wrong with it: "cut" (a broken file), "wordless" (a transcript
        without a word) or "untimed" (no word times).
    """
    poison = poison or {}
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    (folder / "references").mkdir(exist_ok=True)
    rows = []
    for number in range(n):
        name, wrong = f"u{number:03d}", poison.get(number, "")
        sound = to_flac_bytes(make_audio(0.8, seed=number))
        path = folder / "audio" / f"{name}.flac"
        path.write_bytes(sound[:40] if wrong == "cut" else sound)
        words = [
            {"word": word, "start_s": 0.1 + 0.15 * i, "end_s": 0.25 + 0.15 * i}
            for i, word in enumerate(TRANSCRIPT.split())
        ]
        if wrong != "untimed":
            times = json.dumps({"aligner": "planted", "words": words})
            (folder / "references" / f"{name}.json").write_text(times)
        rows.append(
            {
                "id": name,
                "file": f"audio/{name}.flac",
                "transcript": "..." if wrong == "wordless" else TRANSCRIPT,
                "task": "transcribe",
                "answer": TRANSCRIPT,
                "voice": f"voice {number % 2}",
                "take": number,
            }
        )
    lines = "\n".join(json.dumps(row) for row in rows)
    (folder / "utterances.jsonl").write_text(lines + "\n")
    return folder
