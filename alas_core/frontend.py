"""The scripts that draw in a browser, as the pages and the report both load them."""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib import resources

from alas_core.resources import asset_path

LIBRARIES = {
    "plotly": ("plotly-cartesian-4.1.1.min.js", "Plotly"),
    "plotly3d": ("plotly-gl3d-4.1.1.min.js", "Plotly"),
    "wavesurfer": ("wavesurfer-8.0.1.min.js", "WaveSurfer"),
}
"""Name on the page -> file in assets/vendor, and the global that its script sets."""

PARTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(LIBRARIES, ("shelf", "library")),
    "chart": ("shelf", "selection", "saving", "purge", "chart"),
    "save_bar": ("shelf", "saving", "save_bar"),
    "data": ("shelf", "sheet_data"),
    "sheet": (
        *("shelf", "selection", "element", "stretch", "player", "controls"),
        *("purge", "linked_figure", "sheet_figure"),
        *("sheet_words", "sheet_keys", "sheet_line", "sheet"),
    ),
    "linked": ("shelf", "selection", "element", "purge", "linked_figure", "linked"),
    "scroll": ("scroll",),
    "copy_link": ("copy_link",),
    "history": ("history",),
    "steps": ("element", "steps"),
    "lens": ("shelf", "selection", "element", "lens_grid", "lens_detail", "lens"),
}
"""Each element of a page and the files, one after another, that are its one script."""


def read(name: str) -> str:
    """A file of the frontend, such as "sheet.css"."""
    folder = resources.files("alas_core") / "ui" / "frontend"
    return (folder / name).read_text(encoding="utf-8")


def style(*names: str) -> str:
    """Style sheets, one after another."""
    return "\n".join(read(f"{name}.css") for name in names)


def script(element: str) -> str:
    """The script of an element of `PARTS`."""
    files = [read(f"{part}.js") for part in PARTS[element]]
    if element in LIBRARIES:
        name = f'{{ name: "{element}", global: "{LIBRARIES[element][1]}" }}'
        files.insert(0, f"const LIBRARY = {name};")
    return "\n".join(files)


@lru_cache(maxsize=len(LIBRARIES))
def packed(library: str) -> bytes:
    """A library of `LIBRARIES`, gzipped, as the script of its element takes it."""
    return gzip.compress(asset_path("vendor", LIBRARIES[library][0]).read_bytes(), mtime=0)
