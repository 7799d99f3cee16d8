"""Whether the parts of an analysis belong to one recording, one transcript and one model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alas_core.errors import InputError

if TYPE_CHECKING:
    from alas_core.types import Analysis


def check_consistent(analysis: Analysis, no_word: int) -> None:
    """Refuse arrays of other sizes than the similarity, and places that nothing is at.

    Parameters
    ----------
    no_word : what stands in `frame_word` and `token_word` for no word, in `paths` for no token

    Raises
    ------
    InputError
        If a part does not fit the others.
    """
    for name, got, expected in _shapes(analysis):
        if got != expected:
            raise InputError(
                f"{name} has shape {got}, expected {expected} to match similarity "
                f"{analysis.similarity.shape}; the analysis is inconsistent, compute it anew"
            )
    n_words = len(analysis.words)
    places = {"frame_word": n_words, "token_word": n_words, "paths": analysis.n_tokens}
    for name, count in places.items():
        held = getattr(analysis, name)
        if held.size and not no_word <= held.min() <= held.max() < count:
            raise InputError(
                f"{name} holds {held.min()} to {held.max()}, expected {no_word} (none) to "
                f"{count - 1}; the analysis is inconsistent, compute it anew"
            )


def _shapes(analysis: Analysis) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Name, shape, and the shape that fits the others, of everything that is held."""
    layers, frames, tokens = analysis.similarity.shape
    words, positions = len(analysis.words), frames + tokens
    yield "tokens", (len(analysis.tokens),), (tokens,)
    yield "frame_spans", analysis.frame_spans.shape, (frames, 2)
    yield "frame_word", analysis.frame_word.shape, (frames,)
    yield "token_word", analysis.token_word.shape, (tokens,)
    yield "paths", analysis.paths.shape, (layers, frames)
    yield "norms", analysis.norms.shape, (layers, positions)
    yield "coords", analysis.coords.shape[:2], (layers, positions)
    tables = {
        "scores": (layers,),
        "baselines": (layers,),
        "word_scores": (layers, words),
        "frame_scores": (layers, frames),
        "token_scores": (layers, tokens),
        "cross_layer": (layers, layers),
    }
    for table, shape in tables.items():
        for name, held in getattr(analysis, table).items():
            yield f"{table}/{name}", held.shape, shape
    for null in filter(None, (analysis.null, analysis.quick_null)):
        for part in (null.samples, null.low, null.high, null.p, null.p_adjusted):
            yield f"the null of {null.name}", part.shape[-1:], (layers,)
    if analysis.lens is not None:
        yield "the read-out", analysis.lens.own_rank.shape, (layers, positions)
    if analysis.word_points is not None:
        yield "word_points", analysis.word_points.shape[:3], (layers, 2, words)
