"""The table of figures in the model card, written from evaluation.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alas_core.errors import InputError

BEGIN, END = "<!-- figures -->", "<!-- /figures -->"


def update_card(card: Path, figures: Mapping[str, Any]) -> None:
    """Replace what stands between the card's two marks.

    Parameters
    ----------
    card : Path
        MODEL_CARD.md.
    figures : Mapping[str, Any]
        What evaluation.json holds.

    Raises
    ------
    InputError
        If the card lacks the marks.
    """
    text = card.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise InputError(
            f"{card.name} lacks the marks {BEGIN} and {END}, expected both around the table of "
            "figures; put them back"
        )
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    card.write_text(f"{before}{BEGIN}\n{figures_table(figures)}\n{END}{after}", encoding="utf-8")


def figures_table(figures: Mapping[str, Any]) -> str:
    """The figures as Markdown.

    Parameters
    ----------
    figures : Mapping[str, Any]
        What evaluation.json holds.

    Returns
    -------
    str
        Two tables: answers, and the layers.
    """
    return "\n".join([*_answers(figures), "", *_layers(figures["layers"])])


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _answers(figures: Mapping[str, Any]) -> list[str]:
    seen, new = figures["seen_voices"], figures["new_voices"]
    rows = [
        f"| on held-out sentences | seen voices (n={seen['n']}) | new voices (n={new['n']}) |",
        "| --- | --- | --- |",
        f"| word error, from audio | {_percent(seen['word_error'])} | "
        f"{_percent(new['word_error'])} |",
        f"| word error, from text | {_percent(seen['word_error_from_text'])} | "
        f"{_percent(new['word_error_from_text'])} |",
        f"| word error by voice | {_voices(seen)} | {_voices(new)} |",
    ]
    for task, result in seen["tasks"].items():
        other = new["tasks"][task]
        rows.append(
            f"| right answers, {task}, from audio (from text) | "
            f"{_percent(result['audio'])} ({_percent(result['text'])}) | "
            f"{_percent(other['audio'])} ({_percent(other['text'])}) |"
        )
    return rows


def _voices(group: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} {_percent(error)}" for name, error in group["by_voice"].items())


def _layers(layers: Mapping[str, Any]) -> list[str]:
    names = {
        "hit_rate": "frames nearest to their own word",
        "chance": "the same by chance",
        "alas": "ALAS",
        "alas_wrong_transcripts": "ALAS of wrong transcripts",
    }
    count = len(layers["alas"])
    rows = [
        f"| mean of the {layers['n']} shipped utterances, by layer | "
        + " | ".join(map(str, range(count)))
        + " |",
        "| --- |" + " --- |" * count,
    ]
    for key, label in names.items():
        rows.append(f"| {label} | " + " | ".join(f"{value:.2f}" for value in layers[key]) + " |")
    return rows
