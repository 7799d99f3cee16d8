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


def librispeech(root: Path) -> str:
    """OpenSLR's folders, in capitals, with SPEAKERS.TXT and its comments beside the splits."""
    corpus = root / "LibriSpeech"
    chapter = corpus / "dev-clean" / "84" / "121123"
    for k in range(2):
        sound(chapter / f"84-121123-000{k}.flac", seed=k)
    (chapter / "84-121123.trans.txt").write_text(
        "84-121123-0000 GO DO YOU HEAR\n84-121123-0001 BUT IN LESS THAN FIVE MINUTES\n"
    )
    other = corpus / "dev-clean" / "1272" / "128104"
    sound(other / "1272-128104-0000.flac")
    (other / "1272-128104.trans.txt").write_text("1272-128104-0000 MISTER QUILTER'S MANNER\n")
    (other / "1272-128104-0000.TextGrid").write_text(textgrid("MISTER QUILTER'S MANNER"))
    (corpus / "SPEAKERS.TXT").write_text(
        "; Some pipe(|) separated metadata about all LibriVox readers\n;\n"
        ";ID  |SEX| SUBSET           |MINUTES| NAME\n"
        "84   | F | dev-clean        | 8.02  | Christie Nowak\n"
        "1272 | M | dev-clean        | 8.02  | A | B\n"
    )
    (corpus / "README.TXT").write_text("LibriSpeech ASR corpus")
    return str(corpus / "dev-clean")


def librisqa_part_1(root: Path) -> str:
    """The published names: .wav in the list where LibriSpeech has FLAC; two questions a sound."""
    librispeech(root)
    row = {
        "speech_path": "LibriSpeech/dev-clean/84/121123/84-121123-0000.wav",
        "text": "GO DO YOU HEAR",
        "question": "What is the listener told to do?",
        "answer": "To go.",
        "duration": 0.6,
    }
    other = {**row, "question": "Is somebody asked a question?", "answer": "Yes."}
    path = root / "LibriSQA-PartI-test.json"
    path.write_text(json.dumps([row, other], indent=2))
    return str(path)


def librisqa_part_2(root: Path) -> str:
    """Fields as the hub's card tells them; the sound named from the split on."""
    librispeech(root)
    row = {
        "speech_path": "dev-clean/84/121123/84-121123-0001.wav",
        "text": "BUT IN LESS THAN FIVE MINUTES",
        "question_and_option": "How long did it take?\nA. Under five minutes\nB. An hour\nC. A day"
        "\nD. A year",
        "answer": "A",
        "answer_and_analysis": "A. Under five minutes\nThe speaker says so.",
        "duration": 2.5,
    }
    path = root / "LibriSQA-PartII-test.json"
    path.write_text(json.dumps([row]))
    return f"librisqa:{path}?root={root / 'LibriSpeech'}"


_EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
A-E3:\tval 3; act 2; dom  2;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M001\texc\t[4.0000, 4.0000, 2.5000]
C-E2:\tExcited;\t()

[14.8872 - 18.0175]\tSes01F_impro01_F002\thap\t[4.5000, 3.5000, 3.5000]

[19.2900 - 20.7875]\tSes01F_impro01_M003\txxx\t[2.5000, 3.5000, 3.5000]

[21.3257 - 24.7400]\tSes01F_impro01_F004\tfru\t[2.0000, 3.0000, 3.0000]
"""
SEGMENTS = (
    "\t SFrm  EFrm    SegAScr Word\n\t    0     4     -58532 <s>\n\t    5    24    -961723 EXCUSE\n"
    "\t   25    29      -8154 ++LAUGHTER++\n\t   30    44    -310512 ME(2)\n"
    "\t   45    49     -40321 <sil>\n\t   50    59     -31245 </s>\n Total score:    -1410487\n"
)
_TURNS = """Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
Ses01F_impro01_MXX0 [007.0000-007.5000]: Yeah.
M: no turn of its own
Ses01F_impro01_M001 [010.0100-011.3925]: [LAUGHTER] You caf\xe9 goer!
Ses01F_impro01_F002 [014.8872-018.0175]: That's out of control. [BREATHING]
Ses01F_impro01_M003 [019.2900-020.7875]: What?
Ses01F_impro01_F004 [021.3257-024.7400]: Did you bring your forms?
"""


def iemocap(root: Path) -> str:
    """The release's folders, a file of the Mac that packed it, Windows letters, noise marks."""
    release = root / "IEMOCAP_full_release"
    dialog, wav = release / "Session1" / "dialog", release / "Session1" / "sentences" / "wav"
    for folder in ("EmoEvaluation/Categorical", "EmoEvaluation/Self-evaluation", "transcriptions"):
        (dialog / folder).mkdir(parents=True)
    (dialog / "EmoEvaluation" / "Ses01F_impro01.txt").write_text(_EVALUATION)
    (dialog / "EmoEvaluation" / "._Ses01F_impro01.txt").write_bytes(b"\0\5\x16\7\0\2Mac OS X")
    (dialog / "EmoEvaluation" / "Categorical" / "Ses01F_impro01_e2_cat.txt").write_text("x")
    (dialog / "transcriptions" / "Ses01F_impro01.txt").write_bytes(_TURNS.encode("cp1252"))
    for turn in ("F000", "M001", "F002", "M003", "F004"):
        sound(wav / "Ses01F_impro01" / f"Ses01F_impro01_{turn}.wav")
    times = wav.parent / "ForcedAlignment" / "Ses01F_impro01" / "Ses01F_impro01_F000.wdseg"
    times.parent.mkdir(parents=True)
    times.write_text(SEGMENTS)
    return str(release)


def iemocap_json(root: Path) -> str:
    """SpeechBrain's JSON: a placeholder for the root, codes for the emotions, no words."""
    release = iemocap(root)
    rows = {
        "Ses01F_impro01_F000": {
            "wav": "{data_root}/Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
            "length": 0.6,
            "emo": "neu",
        },
        "Ses01F_impro01_F002": {
            "wav": "/elsewhere/Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F002.wav",
            "length": 0.6,
            "emo": "hap",
            "text": "That's out of control.",
        },
    }
    path = root / "test.json"
    path.write_text(json.dumps(rows))
    return f"iemocap:{path}?root={release}"


def mmau(root: Path) -> str:
    """The published names; words for the speech in a file of their own and beside the sound."""
    first, second = "3fe64f3d-282c-4bc8-a753-68f8f6c35652", "72fb5481-73ae-409d-8e16-c94ac48d2ee4"
    row = {
        "id": first,
        "audio_id": f"./test-mini-audios/{first}.wav",
        "question": "What does the man apologise for?",
        "choices": ["Being late", "Being early", "Being loud", "Being rude"],
        "answer": "Being late",
        "dataset": "MELD",
        "task": "speech",
        "split": "test-mini",
        "category": "Information Extraction",
        "sub-category": "Event-Based Knowledge Retrieval",
        "difficulty": "medium",
    }
    music = {**row, "id": "0", "audio_id": "./test-mini-audios/0.wav", "task": "music"}
    other = {**row, "id": second, "audio_id": f"./test-mini-audios/{second}.wav"}
    del other["answer"]
    for name in (first, second):
        sound(root / "test-mini-audios" / f"{name}.wav")
    (root / "test-mini-audios" / f"{second}.txt").write_text("Well, here I am at last.")
    (root / "words.json").write_text(json.dumps({first: "Sorry that I am late."}))
    path = root / "mmau-test-mini.json"
    path.write_text(json.dumps([row, music, other], indent=2))
    return f"mmau:{path}?transcripts=words.json"


def hub_audiofolder(root: Path) -> str:
    """What the library `datasets` calls an audiofolder: metadata.csv beside the sound."""
    for name in WORDS:
        sound(root / "set" / "train" / f"{name}.wav")
    rows = "".join(f"{name}.wav,{words},{k}\n" for k, (name, words) in enumerate(WORDS.items()))
    metadata = f"file_name,transcription,speaker_id\n{rows}"
    (root / "set" / "train" / "metadata.csv").write_text(metadata)
    return f"hf:{root / 'set'}?split=train"


def hub_parquet(root: Path) -> str:
    """What the hub serves: Parquet with the encoded sound in it, and a label of a known set."""
    from datasets import Audio, ClassLabel, Dataset

    names = list(WORDS)
    cells = [{"bytes": sound(root / f"{n}.flac").read_bytes(), "path": f"{n}.flac"} for n in names]
    rows = {"audio": cells, "text": list(WORDS.values()), "sex": [0, 1], "id": ["a", "b"]}
    table = Dataset.from_dict(rows).cast_column("audio", Audio(decode=False))
    table.cast_column("sex", ClassLabel(names=["f", "m"])).to_parquet(
        root / "set" / "data" / "test-00000-of-00001.parquet"
    )
    return f"hf:{root / 'set'}?split=test"


def hub_saved(root: Path) -> Path:
    """What `save_to_disk` writes: two splits, two columns of sound, names that nobody guesses."""
    from datasets import Audio, Dataset, DatasetDict

    def cells(seconds: float) -> list[dict[str, object]]:
        paths = [sound(root / f"{name}-{seconds}.wav", seconds) for name in WORDS]
        return [{"bytes": path.read_bytes(), "path": path.name} for path in paths]

    rows = {"lyd": cells(1.0), "støy": cells(0.5), "ord": [*WORDS.values()], "nr": [*WORDS]}
    table = Dataset.from_dict(rows)
    for column in ("lyd", "støy"):
        table = table.cast_column(column, Audio(decode=False))
    DatasetDict({"trening": table.select([0]), "prøve": table}).save_to_disk(root / "saved")
    return root / "saved"


BUILDERS: dict[str, Callable[[Path], str]] = {
    "folder": folder,
    "manifest.tsv": manifest_csv,
    "manifest.json": manifest_nemo,
    "manifest.parquet": manifest_parquet,
    "librispeech": librispeech,
    "librisqa 1": librisqa_part_1,
    "librisqa 2": librisqa_part_2,
    "iemocap": iemocap,
    "iemocap.json": iemocap_json,
    "mmau": mmau,
    "audiofolder": hub_audiofolder,
    "hub": hub_parquet,
}
