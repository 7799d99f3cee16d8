"""Numbers as they are written everywhere: on the screen, in sentences, in a terminal."""

from __future__ import annotations

import math

NO_NUMBER = "–"


def counted(n: int, noun: str) -> str:
    """As "1 utterance", "2 utterances"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def number(value: float) -> str:
    """Two significant digits; a power of ten below 1e-4; a dash where there is no number."""
    if not math.isfinite(value):
        return NO_NUMBER
    if value == 0:
        return "0"
    text = f"{value:.1e}"
    rounded = float(text)
    if abs(rounded) >= 1e-4:
        text = f"{rounded:.{max(1 - math.floor(math.log10(abs(rounded))), 0)}f}"
    return text.replace("-", "−")


def signed(value: float) -> str:
    """The same with its sign, as a change is written."""
    return f"+{number(value)}" if value > 0 else number(value)


def hundredths(value: float) -> float:
    """Rounded for a column of two decimals, which would write a small loss as "-0.00"."""
    return round(value, 2) + 0.0  # IEEE: -0.0 + 0.0 is 0.0
