"""One of a few, chosen by a row of buttons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import streamlit as st

Option = TypeVar("Option")


def one_of(label: str, key: str, options: Mapping[Option, str]) -> Option:
    """The chosen option; the first until another is.

    Parameters
    ----------
    label : for those who cannot see the row; it is not drawn
    key : of the widget in the session's state
    options : option -> what its button says
    """
    chosen = st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        required=True,
        key=key,
        label_visibility="collapsed",
    )
    return next(iter(options)) if chosen is None else chosen
