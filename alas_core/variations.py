"""What may be varied of one analysis, and what one expects of it. Nothing is run here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alas_core.numerals import number, signed
from alas_core.types import Analysis, BoolArray, FloatArray, Null

TEMPERATURES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
JITTERS_MS = (20.0, 40.0, 80.0)
N_DRAWS = 20

SIGNIFICANT = 0.05
"""Level of p: from there on a score beats its null. Of a recording that is p after
Benjamini-Hochberg over the layers; of a data set each utterance's own p at one layer."""

NULL, SAME, LOWER = "null", "same", "lower"
"""What one expects of a control: what wrong words reach, what the recording has, or less of it."""


@dataclass(frozen=True)
class Trial:
    """One variation, in the words of the page.

    Parameters
    ----------
    name : of the row in `CONTROLS` or `TREATMENTS`
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

TREATMENTS = {
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


def beats_null(p_adjusted: FloatArray) -> BoolArray:
    """The one rule for it where a recording is looked at, in figures and sentences, trials too.

    A data set's pages ask at one layer for the share that beats its null by the uncorrected p.

    Parameters
    ----------
    p_adjusted : np.ndarray [shape=(n_layers + 1,)], in the null's own precision: 1/20 is 0.05
    """
    return np.asarray(p_adjusted <= SIGNIFICANT)


@dataclass(frozen=True)
class TrialResult:
    """ALAS of each layer under one trial.

    value : the trial's parameter, None where it has none. null : what its score is judged by: of a
    control the analysis's own, of a centering its words permuted under that centering. note : what
    a reader should know of this run, such as the transcript that was drawn.
    """

    trial: Trial
    value: float | None
    alas: FloatArray
    null: Null
    note: str = ""

    @property
    def beats(self) -> BoolArray:
        """Of each layer, whether the score beats the null (n_layers + 1,)."""
        return beats_null(self.null.p_adjusted)

    @property
    def best_layer(self) -> int:
        """As `Analysis.best_layer`, under this trial."""
        return int(np.nan_to_num(self.alas, nan=-np.inf).argmax())

    @property
    def label(self) -> str:
        """The trial with its parameter."""
        unit = {"snr": " dB", "speed": "×"}.get(self.trial.name, "")
        return self.trial.label + ("" if self.value is None else f", {self.value:g}{unit}")


def as_expected(analysis: Analysis, result: TrialResult) -> bool | None:
    """Whether the trial does what it should at the analysis's best layer; None where that is open.

    NULL: does not beat the null there. SAME: beats it, if the recording does. LOWER: no more than
    the recording.
    """
    layer = analysis.best_layer
    null = analysis.main_null
    beats = bool(result.beats[layer])
    if result.trial.expects == NULL:
        return not beats
    if result.trial.expects == SAME:
        return beats if beats_null(null.p_adjusted)[layer] else None
    if result.trial.expects == LOWER:
        return bool(result.alas[layer] <= analysis.scores["alas"][layer])
    return None


@dataclass(frozen=True)
class Sensitivity:
    """ALAS of one analysis under other choices.

    by_temperature (n_temperatures, n_layers + 1); under_jitter (n_jitters, n_draws, n_layers + 1),
    the reference's boundaries moved at random by up to so many milliseconds.
    """

    temperatures: tuple[float, ...]
    by_temperature: FloatArray
    jitters_ms: tuple[float, ...]
    under_jitter: FloatArray


def sensitivity_sentences(analysis: Analysis, found: Sensitivity) -> tuple[str, str]:
    """What temperature, and what jitter, do to the best layer and its ALAS."""
    layer = analysis.best_layer
    best = np.nan_to_num(found.by_temperature, nan=-np.inf).argmax(axis=1)
    at = found.by_temperature[:, layer]
    where = (
        f"Layer {layer} is best at each temperature from {found.temperatures[0]:g} to "
        f"{found.temperatures[-1]:g}"
        if (best == layer).all()
        else "The best layer depends on the temperature: "
        + ", ".join(f"{b} at {t:g}" for t, b in zip(found.temperatures, best, strict=True))
    )
    temperature = (
        f"{where}; ALAS of layer {layer} goes from {number(at.max())} to {number(at.min())}."
    )
    real = float(analysis.scores["alas"][layer])
    parts = []
    for jitter_ms, draws in zip(found.jitters_ms, found.under_jitter, strict=True):
        kept = draws[np.isfinite(draws).all(axis=1)]
        if len(kept):
            same = int((kept.argmax(axis=1) == layer).sum())
            change = float(np.median(kept[:, layer])) - real
            kept_in = f"best layer kept in {same} of {len(kept)}"
            parts.append(f"{signed(change)} at ±{jitter_ms:g} ms ({kept_in})")
    jitter = (
        f"Moving every boundary of the reference at random changes the ALAS of layer {layer}, "
        f"{number(real)}, by {', '.join(parts)}."
        if parts
        else "No draw of moved boundaries leaves a frame with a word."
    )
    return temperature, jitter


def best_of(result: TrialResult) -> str:
    """The best layer under one trial, and its ALAS against the trial's null."""
    layer = result.best_layer
    return (
        f"{result.label}: best layer {layer}, ALAS {number(float(result.alas[layer]))} "
        f"({result.null.name} reach {number(float(result.null.high[layer]))})"
    )


def judgement(analysis: Analysis, result: TrialResult) -> str:
    """One trial at the analysis's best layer against recording and null, in a sentence."""
    layer, null = analysis.best_layer, result.null
    value, real = float(result.alas[layer]), float(analysis.scores["alas"][layer])
    said = (
        f"ALAS {number(value)} at layer {layer} (recording {number(real)}, {null.name} reach "
        f"{number(float(null.high[layer]))}; p = {number(float(null.p_adjusted[layer]))})"
    )
    fine = as_expected(analysis, result)
    if result.trial.expects == NULL:
        return said + (
            f": does not beat {null.name}, as it should"
            if fine
            else f": beats {null.name}, which words alone cannot explain"
        )
    if result.trial.expects == SAME:
        if fine is None:
            return said + ": the recording itself does not beat its null, so nothing follows"
        return said + (
            f": still beats {null.name}, as it should"
            if fine
            else f": no longer beats {null.name}, though the words are there"
        )
    if result.trial.expects == LOWER:
        kept = f"{100 * value / real:.0f} % of the recording's" if real > 0 else "no share of it"
        return f"{said}: {kept}"
    return said
