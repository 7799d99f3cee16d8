"""Runs variations of one analysis: controls that should lose the score, and other centerings.

A trial runs the cheap part of an analysis only (two passes and the maps: no wrong transcripts, no
answers), on what the analysis itself holds: its sound, words, settings and model.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from alas_core import perturbations, pipeline
from alas_core.errors import ModelError
from alas_core.models.identity import Loading
from alas_core.models.protocol import SpeechLLM
from alas_core.null import make_null, wrong_transcripts
from alas_core.reference import KnownTimes
from alas_core.types import Analysis, Null, Reference, Settings, Utterance, WordTiming
from alas_core.variations import CONTROLS, TREATMENTS, TrialResult
from alas_core.words import split_words


def run_trial(
    analysis: Analysis,
    name: str,
    value: float | None = None,
    *,
    pool: Sequence[str] | None = None,
    model: SpeechLLM | None = None,
    device: str = "auto",
) -> TrialResult:
    """Run one trial of an analysis.

    Parameters
    ----------
    analysis : whose sound, words, settings and model are taken
    name : in `alas_core.variations.CONTROLS` or `TREATMENTS`
    value : decibel for "snr", times the recording's own for "speed"
    pool : sentences for the other transcript; None for those that suit the model
    model : taken instead of the analysis's own from the registry
    device : where that one is loaded, as in `Loading`; on another one it would be loaded anew

    Raises
    ------
    AlasError
        If the model is not here, or cannot take the changed recording.
    """
    trial = CONTROLS.get(name) or TREATMENTS[name]
    utterance, words, note = _changed(analysis, name, value, pool)
    request = pipeline.Request(
        analysis.key.model_id,
        utterance,
        reference=KnownTimes(Reference(f"{analysis.key.reference}, {name}", words)),
        settings=_settings(analysis.key.settings, name),
        instruction=str(analysis.provenance.get("instruction", "")),
        loading=_loading(analysis, name, device),
        model=model,
        answers=False,
    )
    with contextlib.closing(pipeline.steps(request)) as steps:
        first = next(step.analysis for step in steps if step.analysis is not None)
    if first.n_layers != analysis.n_layers:
        raise ModelError(
            f"the model now has {first.n_layers} layers, expected {analysis.n_layers} as in the "
            "analysis; analyse the recording again with the model as it is"
        )
    alas = first.scores["alas"]
    return TrialResult(trial, value, alas, _null(analysis, first, name), note)


def _null(analysis: Analysis, first: Analysis, name: str) -> Null:
    """What a trial is judged by.

    Another centering, or other weights, move what wrong words reach, too: the analysis's own null
    says nothing of it.
    """
    if name in TREATMENTS or name == "random":
        return first.quick_null
    null = analysis.main_null
    return make_null(null.name, null.samples, first.scores["alas"])


def _changed(
    analysis: Analysis, name: str, value: float | None, pool: Sequence[str] | None
) -> tuple[Utterance, tuple[WordTiming, ...], str]:
    utterance = analysis.utterance
    if name == "other":
        return _other_transcript(analysis, pool)
    if name not in perturbations.CHANGES:
        return utterance, analysis.words, ""
    changed = perturbations.changed(utterance.audio, name, value)
    ratio = changed.duration_s / utterance.audio.duration_s
    words = perturbations.scaled_words(analysis.words, ratio)
    return replace(utterance, audio=changed), words, ""


def _other_transcript(
    analysis: Analysis, pool: Sequence[str] | None
) -> tuple[Utterance, tuple[WordTiming, ...], str]:
    """Another sentence whose w-th word takes the interval of the w-th right word."""
    transcript = analysis.utterance.transcript
    sentences = pipeline.default_pool(analysis.key.model_id) if pool is None else pool
    (other,) = wrong_transcripts(transcript, sentences, 1, perturbations.SEED)
    words = tuple(
        replace(word, start_s=right.start_s, end_s=right.end_s, problem=right.problem)
        for word, right in zip(split_words(other), analysis.words, strict=False)
    )
    return replace(analysis.utterance, transcript=other), words, f"read against: {other}"


def _settings(settings: Settings, name: str) -> Settings:
    cheap = replace(settings, n_null=0)
    if name == "sinks":
        return replace(cheap, centering="none", mask_sinks=True)
    if name in TREATMENTS:
        return replace(cheap, centering=name, mask_sinks=False)
    if name == "random":
        return cheap
    return replace(cheap, n_permutations=1)  # another control is judged by the analysis's own null


def _loading(analysis: Analysis, name: str, device: str) -> Loading:
    """How the analysis's own model was loaded, as its key tells."""
    variant = analysis.key.variant.split(", ")
    return Loading(
        revision=analysis.key.revision,
        dtype=analysis.key.dtype,
        device=device,
        quantization=next((part for part in variant if part in ("8bit", "4bit")), "none"),
        lora="LoRA off" not in variant,
        untrained_seed=perturbations.SEED if name == "random" else None,
    )
