"""Five sentences by espeak-ng with its own word events as the truth: ``python -m ...speak``.

What it writes (tests/data/espeak) is shipped, so espeak-ng is needed only to make it anew. An event
says at which sample the synthesiser begins a word; a word ends where the next one begins, or where
the last phoneme does.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

FOLDER = Path(__file__).parents[1] / "data" / "espeak"
SENTENCES = {
    "harbour": ("en-us", "the old harbour was quiet before the morning boats came in"),
    "teacher": ("en", "her teacher asked a difficult question about the weather"),
    "bicycle": ("en-us+f3", "he left his green bicycle behind the library last winter"),
    "kitchen": ("en-gb-scotland", "warm bread and fresh coffee filled the small kitchen"),
    "mountain": ("en-us+m5", "nobody could see the mountain because of heavy rain"),
}
PAUSE_S = 0.25
"""Silence before and after: an aligner is not told where speech begins."""

_WORD, _END, _TERMINATED, _PHONEME = 1, 5, 6, 7
_SYNCHRONOUS, _PHONEME_EVENTS, _UTF8, _CHARACTER = 2, 1, 1, 1


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


def speak(library: ctypes.CDLL, rate: int, voice: str, text: str) -> tuple[np.ndarray, list[float]]:
    """Samples at `rate`, and the seconds at which words begin; the last is where speech ends."""
    chunks, starts, ends = [], [], []
    callback_type = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
    )

    def hear(wav: object, n_samples: int, events: object) -> int:
        index = 0
        while events[index].type != 0:
            event = events[index]
            if event.type == _WORD:
                starts.append(event.sample / rate)
            elif event.type in (_PHONEME, _END):
                ends.append(event.sample / rate)
            index += 1
        if n_samples:
            chunks.append(np.ctypeslib.as_array(wav, (n_samples,)).copy())
        return 0

    callback = callback_type(hear)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()):
        raise RuntimeError(f"espeak-ng has no voice {voice}")
    raw = text.encode()
    library.espeak_Synth(raw, len(raw) + 1, 0, _CHARACTER, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    return np.concatenate(chunks).astype(np.float32) / 32768, [*starts, max(ends)]


def main() -> None:
    library = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS)
    rows = []
    for name, (voice, text) in SENTENCES.items():
        samples, edges = speak(library, rate, voice, text)
        words = text.split()
        if len(edges) != len(words) + 1:
            raise RuntimeError(f"{name}: {len(edges) - 1} events for {len(words)} words")
        pause = np.zeros(round(PAUSE_S * rate), dtype=np.float32)
        sound = soxr.resample(np.concatenate([pause, samples, pause]), rate, 16_000)
        audio, reference = FOLDER / "audio" / f"{name}.flac", FOLDER / "references" / f"{name}.json"
        for path in (audio, reference):
            path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(audio, sound, 16_000, subtype="PCM_16")
        timed = [
            {"word": word, "start_s": round(a + PAUSE_S, 3), "end_s": round(b + PAUSE_S, 3)}
            for word, a, b in zip(words, edges, edges[1:], strict=False)
        ]
        content = {"aligner": "espeak-ng's own word events", "words": timed}
        reference.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        row = {"id": name, "file": f"audio/{name}.flac", "transcript": text}
        rows.append(row | {"voice": f"espeak:{voice}", "condition": "clean"})
    lines = [json.dumps(row) for row in rows]
    (FOLDER / "utterances.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
