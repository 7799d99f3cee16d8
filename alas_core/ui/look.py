"""How the browser shows the page."""

from __future__ import annotations

from typing import Literal

import streamlit as st


def theme() -> Literal["light", "dark"]:
    """Light or dark, as the reader has it."""
    return "dark" if st.context.theme.type == "dark" else "light"
