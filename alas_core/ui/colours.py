"""What each colour stands for, from the palette itself."""

from __future__ import annotations

import streamlit as st

from alas_core.figures.palette import Theme, roles

_ROW = (
    '<span style="display:inline-block;width:1.6rem;height:1rem;border-radius:.2rem;'
    'background:{colour};outline:1px solid rgba(128,128,128,.4)"></span>'
)


def legend(theme: Theme) -> None:
    """A line for each role: a sample of the colour, its name, its meaning."""
    st.markdown(
        "The same colours mean the same in every figure, on every page and in the report. Any two "
        "of them can be told apart with deuteranopia, protanopia and tritanopia, on light and on "
        "dark pages; a test simulates it."
    )
    for role in roles(theme):
        sample, text = st.columns([1, 12], vertical_alignment="center")
        sample.html(_ROW.format(colour=role.colour))
        text.markdown(f"**{role.name}**: {role.meaning}")
    st.markdown(
        "Scores run from brown (worse than the baseline) over grey (no better) to green (better); "
        "similarities from dark blue (low) to yellow (high), brighter for every eye."
    )
