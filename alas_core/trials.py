"""Variations of one analysis: controls that should lose the score, and other centerings.

A trial runs the cheap part of an analysis only (two passes and the maps: no null, no answers), on
what the analysis itself holds: its sound, words, settings and model.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from alas_core import perturbations, pipeline
from alas_core.errors import ModelError
from alas_core.models.identity import Loading
from alas_core.models.protocol import SpeechLLM
from alas_core.null import make_null, wrong_transcripts
from alas_core.types import (
    Analysis,
    Audio,
    FloatArray,
    Null,
    Reference,
    Settings,
    Utterance,
    WordTiming,
)
from alas_core.words import split_words

NULL, SAME, LOWER = "null", "same", "lower"
"""What one expects of a control: what wrong words reach, what the recording has, or less of it."""

_SEED = 20_011
"""Of noise, weights and the other transcript: not one that the null draws from."""


@dataclass(frozen=True)
class Trial:
    """One variation, in the words of the page.

    Parameters
    ----------
    name : of the row in `CONTROLS` or `CENTERINGS`
    label : a few words
    expects : NULL, SAME or LOWER; empty where there is nothing to expect
    plain : what is done, and why the score should do what one expects
    """

    name: str
    label: str
    expects: str
    plain: str


CONTROLS = {
    trial.name: trial
    for trial in (
        Trial("noise", "Noise instead", NULL,
              "White noise of the same length and loudness; the word times stay. There is nothing "
              "to hear, so what is left comes from position and length alone."),
        Trial("silence", "Silence instead", NULL,
              "Digital silence of the same length; the word times stay."),
        Trial("reversed", "Backwards", NULL,
              "The recording reversed in time; the word times stay. Same voice, same spectrum, "
              "no words at these times."),
        Trial("snr", "Noise added", LOWER,
              "White noise added at the chosen signal-to-noise ratio. The more noise, the lower; "
              "a model that hears well falls late."),
        Trial("speed", "Other speed", SAME,
              "Faster or slower at the same pitch, the word times scaled along. The words are all "
              "there, so a small change should cost little."),
        Trial("other", "Another transcript", NULL,
              "The recording as it is, read against another sentence cut to the same number of "
              "words: one draw of what the grey band shows many of."),
        Trial("random", "Random weights", NULL,
              "The same architecture with random weights: what the layout of the network gives "
              "before it has learnt anything."),
    )
}  # fmt: skip
"""Controls by name, in the order of the page."""

CENTERINGS = {
    trial.name: trial
    for trial in (
        Trial("none", "As published", "", "Cosines of the states as they are."),
        Trial("mean", "Mean removed", "", "Each modality's mean is subtracted at each layer."),
        Trial("standardise", "Standardised", "",
              "Mean removed, and each dimension scaled to unit spread."),
        Trial("sinks", "Sinks masked", "",
              "Positions whose norm is above ten medians take no part; nothing is centred."),
    )
}  # fmt: skip
"""Ways to treat the states before cosines, by name."""


@dataclass(frozen=True)
class TrialResult:
    """ALAS of each layer under one trial; `value` is its parameter, None where it has none."""

    trial: Trial
    value: float | None
    alas: FloatArray
    note: str = ""

    @property
    def label(self) -> str:
        """The trial with its parameter."""
        unit = {"snr": " dB", "speed": "×"}.get(self.trial.name, "")
        return self.trial.label + ("" if self.value is None else f", {self.value:g}{unit}")


@dataclass(frozen=True)
class _Given:
    """An aligner that gives the words it was made with."""

    name: str
    words: tuple[WordTiming, ...]

    def align(self, audio: Audio, transcript: str) -> Reference:
        del audio, transcript
        return Reference(self.name, self.words)


def run_trial(
    analysis: Analysis,
    name: str,
    value: float | None = None,
    *,
    pool: Sequence[str] | None = None,
    model: SpeechLLM | None = None,
) -> TrialResult:
    """Run one trial of an analysis.

    Parameters
    ----------
    analysis : whose sound, words, settings and model are taken
    name : in `CONTROLS` or `CENTERINGS`
    value : decibel for "snr", times the recording's own for "speed"
    pool : sentences for the other transcript; None for those that suit the model
    model : taken instead of the analysis's own from the registry

    Raises
    ------
    AlasError
        If the model is not here, or cannot take the changed recording.
    """
    trial = CONTROLS.get(name) or CENTERINGS[name]
    utterance, words, note = _changed(analysis, name, value, pool)
    request = pipeline.Request(
        analysis.key.model_id,
        utterance,
        reference=_Given(f"{analysis.key.reference}, {name}", words),
        settings=_settings(analysis.key.settings, name),
        instruction=str(analysis.provenance.get("instruction", "")),
        loading=_loading(analysis, name),
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
    return TrialResult(trial, value, first.scores["alas"], note)


def null_of(analysis: Analysis, result: TrialResult) -> Null:
    """The analysis's null with the p values that the trial's score has under it."""
    null = analysis.null or analysis.quick_null
    return make_null(null.name, null.samples, result.alas)


def as_expected(analysis: Analysis, result: TrialResult) -> bool | None:
    """Whether the trial does what it should at the analysis's best layer; None where that is open.

    NULL: at or below the null's 97.5 % there. SAME: above it, if the recording is. LOWER: no more
    than the recording.
    """
    layer = analysis.best_layer
    high = float((analysis.null or analysis.quick_null).high[layer])
    real, value = float(analysis.scores["alas"][layer]), float(result.alas[layer])
    if result.trial.expects == NULL:
        return value <= high
    if result.trial.expects == SAME:
        return value > high if real > high else None
    return value <= real if result.trial.expects == LOWER else None


def _changed(
    analysis: Analysis, name: str, value: float | None, pool: Sequence[str] | None
) -> tuple[Utterance, tuple[WordTiming, ...], str]:
    utterance, words = analysis.utterance, analysis.words
    audio = utterance.audio
    if name == "other":
        return _other_transcript(analysis, pool)
    if name == "speed":
        changed = perturbations.at_speed(audio, 1.0 if value is None else value)
        ratio = changed.duration_s / audio.duration_s
        return replace(utterance, audio=changed), perturbations.scaled_words(words, ratio), ""
    if name == "noise":
        audio = perturbations.noise_instead(audio, _SEED)
    elif name == "silence":
        audio = perturbations.silence_instead(audio)
    elif name == "reversed":
        audio = perturbations.reversed_in_time(audio)
    elif name == "snr":
        audio = perturbations.with_noise(audio, 0.0 if value is None else value, _SEED)
    return replace(utterance, audio=audio), words, ""


def _other_transcript(
    analysis: Analysis, pool: Sequence[str] | None
) -> tuple[Utterance, tuple[WordTiming, ...], str]:
    """Another sentence whose w-th word takes the interval of the w-th right word."""
    transcript = analysis.utterance.transcript
    sentences = pipeline.default_pool(analysis.key.model_id) if pool is None else pool
    (other,) = wrong_transcripts(transcript, sentences, 1, _SEED)
    words = tuple(
        replace(word, start_s=right.start_s, end_s=right.end_s, problem=right.problem)
        for word, right in zip(split_words(other), analysis.words, strict=False)
    )
    return replace(analysis.utterance, transcript=other), words, f"read against: {other}"


def _settings(settings: Settings, name: str) -> Settings:
    cheap = replace(settings, n_null=0, n_permutations=1)
    if name == "sinks":
        return replace(cheap, centering="none", mask_sinks=True)
    if name in CENTERINGS:
        return replace(cheap, centering=name, mask_sinks=False)
    return cheap


def _loading(analysis: Analysis, name: str) -> Loading:
    """How the analysis's own model was loaded, as its key tells."""
    variant = analysis.key.variant.split(", ")
    return Loading(
        revision=analysis.key.revision,
        dtype=analysis.key.dtype,
        quantization=next((part for part in variant if part in ("8bit", "4bit")), "none"),
        lora="LoRA off" not in variant,
        untrained_seed=_SEED if name == "random" else None,
    )
