"""The scripts that draw in a browser, as the pages and the report both load them."""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib import resources

from alas_core.resources import asset_path

PLOTLY_JS = "plotly-cartesian-4.1.1.min.js"

PARTS: dict[str, tuple[str, ...]] = {
    "plotly": ("shelf", "plotly_loader"),
    "data": ("shelf", "sheet_data"),
    "sheet": ("shelf", "selection", "player", "figure", "sheet"),
}
"""Each element of a page and the files, one after another, that are its one script."""


def read(name: str) -> str:
    """A file of the frontend, such as "sheet.css"."""
    folder = resources.files("alas_core") / "ui" / "frontend"
    return (folder / name).read_text(encoding="utf-8")


def script(element: str) -> str:
    """The script of an element of `PARTS`."""
    return "\n".join(read(f"{part}.js") for part in PARTS[element])


@lru_cache(maxsize=1)
def packed_plotly() -> bytes:
    """The drawing library, gzipped, as the script of "plotly" takes it."""
    return gzip.compress(asset_path("vendor", PLOTLY_JS).read_bytes(), mtime=0)
