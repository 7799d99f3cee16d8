"""Words of users, files and models, made safe to stand inside Streamlit's Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_WORD_JOINER = "\N{WORD JOINER}"
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_MADE_LATER = re.compile(r"(?<=[:@])(?=\S)|(?<=[-<>=~])(?=[-<>=~])|(?<=www)(?=\.)")


def plain(text: object, limit: int | None = None) -> str:
    """Text that Streamlit's Markdown shows letter by letter, whatever it contains.

    A backslash stops all that is found while Markdown is parsed: emphasis, links, HTML, LaTeX,
    colour directives. Emoji codes, icons, arrows and bare addresses are replaced only afterwards,
    in plain text, where a backslash is gone: an invisible word joiner keeps those apart.

    Parameters
    ----------
    text : anything; shown by its `str`. White space, line breaks included, becomes one space.
    limit : longest text in characters before it is cut with an ellipsis; None for no limit.

    Returns
    -------
    str
        Markdown on one line.
    """
    words = " ".join(str(text).split())
    if limit is not None and len(words) > limit:
        words = words[: limit - 1].rstrip() + "…"
    return _PUNCTUATION.sub(r"\\\1", _MADE_LATER.sub(_WORD_JOINER, words))


def cut(text: str, limit: int) -> str:
    """The same text on one line, cut with an ellipsis; for places that are not Markdown."""
    words = " ".join(text.split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def told_apart(labels: Mapping[str, str]) -> dict[str, str]:
    """The same ids with labels of which no two are the same: one that comes again is numbered.

    The browser sends back a label, and of equal ones always the same would be taken.
    """
    times: Counter[str] = Counter()
    apart = {}
    for key, label in labels.items():
        shown = label
        while times[shown]:  # a number may itself be a label that was there before
            times[label] += 1
            shown = f"{label} ({times[label]})"
        times[shown] += 1
        apart[key] = shown
    return apart
