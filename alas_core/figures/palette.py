"""Every colour of every figure, named once; light and dark. Safe for colour-blind readers.

Hues are those of Okabe and Ito (2008) and the diverging scale is ColorBrewer's BrBG, whose green
side says "on the spoken word", as the reference's outline does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from plotly.colors import qualitative

Theme = Literal["light", "dark"]
Scale = tuple[tuple[float, str], ...]

AUDIO = "#0072B2"
TEXT = "#D55E00"
REFERENCE = "#009E73"
SELECTION = "#CC79A7"
PLAYHEAD = "#990000"
SIMILARITY = "Cividis"
WORDS: tuple[str, ...] = tuple(qualitative.Safe)
"""Cycled over the words of a map."""

LINES: tuple[str, ...] = tuple(WORDS[hue] for hue in (1, 6, 5, 7, 0, 2, 10))
"""Those that can be told apart as lines on a light and on a dark page."""


@dataclass(frozen=True)
class Palette:
    """The colours that depend on the background.

    `sides` and `side_bands` are those of A and B where two analyses are set side by side: a line,
    and what its wrong words reach. A has the grey of every null; B's is outlined with dashes, too.
    """

    background: str
    foreground: str
    muted: str
    grid: str
    empty: str
    band: str
    diverging: Scale
    sound: Scale
    waveform: str
    sides: tuple[str, str]
    side_bands: tuple[str, str]


LIGHT = Palette(
    background="#ffffff",
    foreground="#1b1f24",
    muted="#5c6570",
    grid="#e4e7ea",
    empty="#fafbfc",
    band="rgba(110,118,129,0.30)",
    diverging=(
        (0.0, "#6b3f0a"),
        (0.2, "#b97a2b"),
        (0.38, "#dfc79b"),
        (0.5, "#e4e4e4"),
        (0.62, "#a3d6cd"),
        (0.8, "#3fa294"),
        (1.0, "#01594e"),
    ),
    sound=((0.0, "#ffffff"), (0.35, "#eceef0"), (1.0, "#4f565e")),
    waveform="rgba(0,114,178,0.85)",
    sides=("#1b1f24", "#7b3fa8"),
    side_bands=("rgba(110,118,129,0.28)", "rgba(123,63,168,0.40)"),
)

DARK = Palette(
    background="#0e1117",
    foreground="#f2f4f7",
    muted="#a3acb8",
    grid="#2a303a",
    empty="#151a22",
    band="rgba(170,178,189,0.30)",
    diverging=(
        (0.0, "#f2b35c"),
        (0.2, "#c98a35"),
        (0.38, "#71552d"),
        (0.5, "#454b54"),
        (0.62, "#1e6f66"),
        (0.8, "#2fbfa9"),
        (1.0, "#a2f5e3"),
    ),
    sound=((0.0, "#0e1117"), (0.35, "#1c222b"), (1.0, "#aab3be")),
    waveform="rgba(86,180,233,0.85)",
    sides=("#f2f4f7", "#c79bf0"),
    side_bands=("rgba(170,178,189,0.28)", "rgba(199,155,240,0.42)"),
)


@dataclass(frozen=True)
class Role:
    """What a colour stands for, wherever it is seen."""

    name: str
    colour: str
    meaning: str


def roles(theme: Theme) -> tuple[Role, ...]:
    """The colours that carry a meaning; any two differ for every kind of colour vision.

    `tests/test_palette.py` simulates deuteranopia, protanopia and tritanopia (Machado et al. 2009).
    """
    colours = palette(theme)
    return (
        Role("audio", AUDIO, "frames: positions of the model that hold sound; the waveform"),
        Role("text", TEXT, "tokens: positions that hold a piece of the transcript"),
        Role("reference", REFERENCE, "where and when each word is spoken"),
        Role("path", colours.foreground, "the model's own path, and its scores"),
        Role("null", colours.band, "what wrong words reach: inside it nothing is shown"),
        Role("selection", SELECTION, "the layer, word, frame and token you have chosen"),
        Role("playhead", PLAYHEAD, "where the sound is"),
    )


def palette(theme: Theme) -> Palette:
    """The colours for a light or a dark background."""
    return DARK if theme == "dark" else LIGHT


def rgb(colour: str) -> tuple[int, int, int]:
    """`#rrggbb` as three numbers from 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def faint(colour: str, opacity: float) -> str:
    """`#rrggbb` or `rgb(...)` so transparent (opacity in [0, 1]) that areas may lie over others."""
    if colour.startswith("#"):
        red, green, blue = rgb(colour)
        return f"rgba({red},{green},{blue},{opacity})"
    return colour.replace("rgb(", "rgba(").replace(")", f",{opacity})")


def colour_at(scale: Scale, position: float) -> str:
    """The colour of a scale at a position in [0, 1], as `#rrggbb`; positions outside are cut.

    Plotly colours cells by itself; this is for what is not a cell (the transcript's chips).
    """
    at = min(max(position, 0.0), 1.0)
    upper = next(i for i in range(1, len(scale)) if at <= scale[i][0])
    (start, low), (end, high) = scale[upper - 1], scale[upper]
    share = (at - start) / (end - start)
    mixed = (round(a + share * (b - a)) for a, b in zip(rgb(low), rgb(high), strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)
