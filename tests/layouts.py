"""Published data sets in small: the real names and quirks of each layout, with noise for speech."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile as sf

WORDS = {
    "one": "the river ran over its banks",
    "two": "nobody had seen such a flood before",
}


def sound(path: Path, seconds: float = 0.6, rate: int = 16_000, seed: int = 0) -> Path:
    """Noise in a file of the kind that its ending says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = 0.1 * np.random.default_rng(seed).normal(size=int(seconds * rate))
    sf.write(path, noise.clip(-1, 1), rate)
    return path


def textgrid(words: str, seconds: float = 0.6) -> str:
    """A TextGrid as the Montreal Forced Aligner writes it, the words in equal shares."""
    names = words.split()
    step = seconds / len(names)
    intervals = "".join(
        f"        intervals [{k + 1}]:\n            xmin = {k * step:.4f}\n"
        f'            xmax = {(k + 1) * step:.4f}\n            text = "{name}"\n'
        for k, name in enumerate(names)
    )
    return (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\n'
        f"xmax = {seconds}\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:\n"
        f'        class = "IntervalTier"\n        name = "words"\n        xmin = 0\n'
        f"        xmax = {seconds}\n        intervals: size = {len(names)}\n{intervals}"
    )


def folder(root: Path) -> str:
    """Sound and words side by side, in subfolders, as .txt (with a mark), .lab and TextGrid."""
    sound(root / "data" / "one.wav", seed=1)
    (root / "data" / "one.txt").write_text(f"\ufeff{WORDS['one']}\r\n", encoding="utf-8")
    (root / "data" / "one.TextGrid").write_text(textgrid(WORDS["one"]))
    sound(root / "data" / "more" / "two.flac", seed=2)
    (root / "data" / "more" / "two.lab").write_text(WORDS["two"].upper())
    sound(root / "data" / "more" / "three.mp3", rate=22_050, seed=3)
    (root / "data" / "more" / "three.TextGrid").write_text(textgrid("only times are here"))
    (root / "data" / "README").write_text("not an utterance")
    return f"folder:{root / 'data'}"


def manifest_csv(root: Path) -> str:
    """Common Voice's names, with commas and quotes in the cells."""
    sound(root / "clips" / "common_voice_en_1.ogg", rate=32_000)
    sound(root / "clips" / "common_voice_en_2.ogg")
    with (root / "validated.tsv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, delimiter="\t")
        table.writerow(["client_id", "path", "sentence", "up_votes", "age"])
        table.writerow(["a1", "common_voice_en_1.ogg", 'He said, "no".', "2", ""])
        table.writerow(["b2", "common_voice_en_2.ogg", "Perhaps; who knows?", "3", "twenties"])
    return f"manifest:{root / 'validated.tsv'}?root=clips"


def manifest_nemo(root: Path) -> str:
    """NeMo's names and ending."""
    sound(root / "a.wav")
    sound(root / "b.wav")
    rows = [
        {"audio_filepath": "a.wav", "duration": 0.6, "text": WORDS["one"]},
        {"audio_filepath": "b.wav", "duration": 0.6, "text": WORDS["two"], "lang": None},
    ]
    # One object a line, whatever the ending says.
    (root / "train_manifest.json").write_text("\n".join(map(json.dumps, rows)))
    return str(root / "train_manifest.json")


def manifest_parquet(root: Path) -> str:
    """Names of one's own, so the columns are mapped."""
    import pyarrow
    import pyarrow.parquet

    rows = [
        {"nr": k, "lyd": f"{name}.wav", "ord": WORDS[name], "svar": None}
        for k, name in enumerate(WORDS)
    ]
    for name in WORDS:
        sound(root / f"{name}.wav")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), root / "liste.parquet")
    return f"manifest:{root / 'liste.parquet'}?audio=lyd&text=ord&id=nr"


BUILDERS: dict[str, Callable[[Path], str]] = {
    "folder": folder,
    "manifest.tsv": manifest_csv,
    "manifest.json": manifest_nemo,
    "manifest.parquet": manifest_parquet,
}
