"""The two runs' prompts side by side: what is compared, and what stands around it."""

from __future__ import annotations

import difflib
import html
import itertools
from typing import TYPE_CHECKING

import streamlit as st

from alas_core.figures import palette
from alas_core.ui.text import plain

if TYPE_CHECKING:  # torch comes with it: only a runner's thread imports that
    from alas_core.models.selfcheck import Pieces, SelfCheck

_COLOURS = {"audio": (palette.AUDIO, "#ffffff"), "transcript": (palette.TEXT, "#000000")}
"""Of the positions that are compared, and of the letters on them."""

_STYLE = """<style>
.alas-prompt {font: 0.82rem/1.9 ui-monospace, monospace; overflow-wrap: anywhere;}
.alas-prompt span {border-radius: 3px; padding: 1px 2px; border: 1px solid rgba(128,128,128,.25);}
.alas-prompt .held {border-color: transparent;}
.alas-prompt .only {text-decoration: underline dotted; text-underline-offset: 3px;}
</style>"""
_SHOWN = 400
"""Tokens of one prompt that are drawn; a longer one is cut in its middle."""


def side_by_side(check: SelfCheck) -> None:
    """The audio run left, the text run right; positions that are compared are coloured."""
    if not check.heard:
        st.caption("This model does not show its prompts.")
        return
    st.markdown("**What the two runs are given**")
    left, right = st.columns(2)
    lone_left, lone_right = _lone(check.heard, check.read)
    with left:
        _column("Audio run", check.heard, lone_left, "audio", check.n_frames)
    with right:
        _column("Text run", check.read, lone_right, "transcript", len(_held(check.read)))
    st.caption(
        "Coloured: the positions whose states are compared, audio frames (blue) and transcript "
        "tokens (orange). Dotted: prompt tokens that only one run has, such as the marks that a "
        "template puts around audio. ⏎ is a line break, · a space."
    )


def _column(title: str, pieces: Pieces, lone: set[int], kind: str, compared: int) -> None:
    held = len(_held(pieces))
    noun = "audio positions" if kind == "audio" else "transcript tokens"
    of = f" ({compared} of them within the sound)" if compared != held else ""
    st.caption(plain(f"{title}: {len(pieces)} tokens, {held} {noun}{of}"))
    st.html(_STYLE + prompt_html(pieces, lone))


def prompt_html(pieces: Pieces, lone: set[int]) -> str:
    """Escaped HTML of one prompt: runs of one audio token are written once with their number."""
    parts, place = [], 0
    for (text, kind), run in itertools.groupby(pieces):
        count = len(list(run))
        if kind == "audio" or count > 3:
            parts.append(_span(text, kind, place in lone, count))
        else:
            parts += [_span(text, kind, place + i in lone, 1) for i in range(count)]
        place += count
    if len(parts) > _SHOWN:
        middle = f"<em>… {len(parts) - _SHOWN} tokens left out …</em>"
        parts = [*parts[: _SHOWN // 2], middle, *parts[-_SHOWN // 2 :]]
    return f'<div class="alas-prompt">{" ".join(parts)}</div>'


def _span(text: str, kind: str, lone: bool, count: int) -> str:
    shown = html.escape(text.replace("\n", "⏎").replace(" ", "·") or "∅")
    times = f" × {count}" if count > 1 else ""
    if kind in _COLOURS:
        colour, ink = _COLOURS[kind]
        style = f"background:{colour};color:{ink}"
        return f'<span class="held" style="{style}">{shown}{times}</span>'
    return f'<span class="{"only" if lone else "both"}">{shown}{times}</span>'


def _held(pieces: Pieces) -> list[int]:
    return [place for place, (_, kind) in enumerate(pieces) if kind != "prompt"]


def _lone(heard: Pieces, read: Pieces) -> tuple[set[int], set[int]]:
    """Places of the prompt tokens that the other run lacks."""
    ours, theirs = (
        [place for place, (_, kind) in enumerate(pieces) if kind == "prompt"]
        for pieces in (heard, read)
    )
    words = ([heard[place][0] for place in ours], [read[place][0] for place in theirs])
    left, right = set(ours), set(theirs)
    for block in difflib.SequenceMatcher(None, *words, autojunk=False).get_matching_blocks():
        left -= set(ours[block.a : block.a + block.size])
        right -= set(theirs[block.b : block.b + block.size])
    return left, right
