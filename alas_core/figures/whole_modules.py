"""Plotly while another thread imports pandas: it waits for the whole module.

Plotly looks pandas up in `sys.modules` for each value it checks. What it finds there while a
background thread is still importing pandas has no `Series` yet, and the figure fails.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from _plotly_utils import basevalidators, utils
from _plotly_utils.optional_imports import get_module


def get_whole_module(name: str, should_load: bool = True) -> ModuleType | None:
    """As plotly's own, but never a module that is only half there."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if getattr(spec, "_initializing", False):
        importlib.import_module(name)  # returns when the other thread is done
    found: ModuleType | None = get_module(name, should_load)
    return found


def install() -> None:
    """Have plotly's validators and JSON encoder look modules up by `get_whole_module`."""
    for user in (basevalidators, utils):
        user.get_module = get_whole_module
