"""A finding in a sentence, with the button that leads to the view that shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from alas_core.ui.text import cut, plain


def sentence(
    text: str, *, key: str, tip: str, show: Callable[..., None] | None, args: Sequence[object]
) -> None:
    """Draw it.

    Parameters
    ----------
    key, tip : of the button; the tip also names the sentence, since all buttons are called alike
    show, args : called when it is pressed; without `show` there is no button
    """
    words, link = st.columns([9, 1], vertical_alignment="center")  # "Show" fits at 1024 pixels
    words.markdown(plain(text))
    if show is not None:
        link.button(
            "Show",
            key=key,
            type="tertiary",
            help=plain(f"{tip}: {cut(text, 60)}"),
            on_click=show,
            args=tuple(args),
        )
