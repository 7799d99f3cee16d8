"""From a row of a run back to the utterance: its analysis, and the sound of one of its words."""

from __future__ import annotations

from functools import lru_cache

from alas_core.audio import to_wav_bytes
from alas_core.bundle import loads
from alas_core.corpus.run import Run, open_run
from alas_core.datasets import data_roots, open_source
from alas_core.errors import AlasError, InputError, StoreError
from alas_core.types import Analysis, Audio

PAD_S = 0.08
"""Heard before and after a word, so that its edges are not cut off."""


def has_bundle(run: Run, utterance: str) -> bool:
    """Whether the run keeps the analysis of an utterance and can be reached."""
    try:
        return run.folder.has_bundle(_bundle_of(run, utterance))
    except StoreError:
        return False


def analysis_of(run: Run, utterance: str) -> Analysis:
    """The kept analysis of an utterance.

    Raises
    ------
    StoreError
        If the run keeps none, or it cannot be read.
    """
    return loads(run.folder.bundle(_bundle_of(run, utterance)))


def _bundle_of(run: Run, utterance: str) -> str:
    row = run.rows([utterance])
    if not len(row):
        raise InputError(
            f"the run '{run.name}' has no utterance {utterance[:100]!r}, expected one of its "
            f"{len(run)}; choose it on the Data set page"
        )
    return str(run.utterances["bundle"][int(row[0])] or "")


def word_sound(run: Run, utterance: str, start_s: float, end_s: float) -> bytes:
    """A wav file of a span of an utterance with a little before and after it.

    Raises
    ------
    AlasError
        If neither the run nor its data set has the sound on this server.
    """
    audio = _sound(run.folder.url, str(run.info.get("source", "")), utterance)
    rate = audio.sample_rate
    first = max(0, int((start_s - PAD_S) * rate))
    last = min(len(audio.samples), max(first + 1, int((end_s + PAD_S) * rate)))
    return to_wav_bytes(Audio(audio.samples[first:last], rate))


@lru_cache(maxsize=32)
def _sound(url: str, source: str, utterance: str) -> Audio:
    """From the utterance's bundle, else from the data set where this server may read it."""
    run = open_run(url)
    if has_bundle(run, utterance):
        return analysis_of(run, utterance).utterance.audio
    try:
        return open_source(source, data_roots()).load(utterance).audio
    except AlasError as error:
        raise StoreError(
            f"the sound of '{utterance}' is not on this server: the run keeps no analysis of it, "
            f"and its data set cannot be read here ({error})"
        ) from error
