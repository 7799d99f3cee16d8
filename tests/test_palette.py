"""Colours that mean something can be told apart by every kind of colour vision, light and dark."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from colorspacious import cspace_convert, deltaE

from alas_core.figures import palette as colours
from alas_core.figures.palette import DARK, LIGHT, palette, rgb, roles

VISION = (None, "deuteranomaly", "protanomaly", "tritanomaly")
FRONTEND = Path(colours.__file__).parents[1] / "ui" / "frontend"

APART = 11
"""Least distance in CAM02-UCS; about 1 can be seen side by side, 10 is another colour."""


def seen(colour: str, background: str, vision: str | None) -> np.ndarray:
    """A colour on its background as sRGB from 0 to 1, as this kind of eye sees it at worst."""
    if colour.startswith("rgba"):
        *parts, share = (float(part) for part in colour[5:-1].split(","))
        mixed = share * np.array(parts) + (1 - share) * np.array(rgb(background))
    else:
        mixed = np.array(rgb(colour), dtype=float)
    if vision is None:
        return mixed / 255
    space = {"name": "sRGB1+CVD", "cvd_type": vision, "severity": 100}  # Machado et al. 2009
    return np.clip(cspace_convert(mixed / 255, space, "sRGB1"), 0, 1)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_any_two_roles_differ(theme: str, vision: str | None) -> None:
    background = palette(theme).background
    shown = {role.name: seen(role.colour, background, vision) for role in roles(theme)}
    shown["background"] = seen(background, background, vision)
    close = {
        (one, other): round(float(distance), 1)
        for one, other in itertools.combinations(shown, 2)
        if (distance := deltaE(shown[one], shown[other], input_space="sRGB1")) < APART
    }
    assert close == {}


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("look", [LIGHT, DARK])
def test_the_nulls_of_two_sides_differ(look: object, vision: str | None) -> None:
    one, other = (seen(colour, look.background, vision) for colour in look.side_bands)
    assert deltaE(one, other, input_space="sRGB1") > APART
    for line, band in zip(look.sides, (one, other), strict=True):
        assert deltaE(seen(line, look.background, vision), band, input_space="sRGB1") > 2 * APART


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("look", [LIGHT, DARK])
def test_better_and_worse_than_the_baseline_differ(look: object, vision: str | None) -> None:
    scale = [seen(colour, look.background, vision) for _, colour in look.diverging]
    worst, middle, best = scale[0], scale[3], scale[-1]
    for one, other in ((worst, middle), (middle, best), (worst, best)):
        assert deltaE(one, other, input_space="sRGB1") > 18


@pytest.mark.parametrize("vision", VISION)
def test_similarity_grows_brighter_for_every_eye(vision: str | None) -> None:
    from plotly.colors import get_colorscale

    scale = get_colorscale(colours.SIMILARITY)
    bright = [
        cspace_convert(seen(colour, "#ffffff", vision), "sRGB1", "CAM02-UCS")[0]
        for _, colour in scale
    ]
    assert (np.diff(bright) > 0).all()


def test_styles_use_no_colour_of_their_own() -> None:
    """Stylesheets and scripts cannot read the palette, so they must repeat it to the letter."""
    known = {value for value in vars(colours).values() if isinstance(value, str)}
    for look in (LIGHT, DARK):
        known |= {value for value in vars(look).values() if isinstance(value, str)}
    known = {value.lower() for value in known}
    found = {
        (file.name, colour.lower())
        for file in (*FRONTEND.glob("*.css"), *FRONTEND.glob("*.js"))
        for colour in re.findall(r"#[0-9a-fA-F]{6}\b", file.read_text(encoding="utf-8"))
    }
    assert {entry for entry in found if entry[1] not in known} == set()
