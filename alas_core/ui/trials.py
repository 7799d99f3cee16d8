"""Trials and sensitivity as background jobs: asked for by a panel, found again by their key."""

from __future__ import annotations

from collections.abc import Iterator

from alas_core.fingerprint import fingerprint
from alas_core.types import Analysis
from alas_core.ui.jobs import Runner, State, Step
from alas_core.variations import Sensitivity, TrialResult

runner: Runner[TrialResult] = Runner("trials", max_kept=96)
sensitivities: Runner[Sensitivity] = Runner("sensitivity", max_kept=24)


def ask(
    analysis: Analysis, name: str, value: float | None, reader: str, device: str = "auto"
) -> State[TrialResult]:
    """One trial's job, started if need be.

    Parameters
    ----------
    reader : the session and the place on its page.
    device : where the session has its models loaded; no part of the key, as it changes no result.
    """
    return runner.ask(
        f"{fingerprint(analysis)}:{name}:{value}",
        lambda: _steps(analysis, name, value, device),
        reader=f"{reader}:{name}",
        of=analysis.utterance.id,
    )


def ask_sensitivity(analysis: Analysis) -> State[Sensitivity]:
    """The sensitivity of one analysis."""
    key, of = fingerprint(analysis, early=True), analysis.utterance.id
    return sensitivities.ask(key, lambda: _sensitivity_steps(analysis), of=of)


def _steps(
    analysis: Analysis, name: str, value: float | None, device: str
) -> Iterator[Step[TrialResult]]:
    yield Step("waiting for the model")
    from alas_core.trials import run_trial

    # In one step: between steps nothing of ours may hold the model.
    yield Step("done", result=run_trial(analysis, name, value, device=device))


def _sensitivity_steps(analysis: Analysis) -> Iterator[Step[Sensitivity]]:
    yield Step("computing ALAS under other choices")
    from alas_core.sensitivity import measure

    yield Step("done", result=measure(analysis))
