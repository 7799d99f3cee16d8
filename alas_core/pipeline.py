"""The only wiring: an utterance and a model in, an `Analysis` out, step by step."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alas_core.assembly import Clock, Plan, assemble, lens_layers, stamped
from alas_core.datasets import demo, plain_sentences
from alas_core.errors import AlignmentError
from alas_core.lens import make_lens
from alas_core.models import registry
from alas_core.models.guard import Guard
from alas_core.models.identity import Loading
from alas_core.models.memory import pass_advice
from alas_core.models.protocol import Prompt, SpeechLLM
from alas_core.models.watching import WAITING
from alas_core.null import make_null, null_scores, wrong_transcripts
from alas_core.pauses import LONGEST_S, check_longest
from alas_core.reduction import check_finite
from alas_core.reference import Aligner, get_aligner, preparing
from alas_core.store import Store
from alas_core.types import (
    Analysis,
    IntArray,
    ModelInfo,
    Null,
    Reference,
    RunKey,
    Settings,
    Utterance,
    content_sha,
)
from alas_core.words import check_transcript, split_words, token_words


@dataclass(frozen=True)
class Request:
    """One analysis to be made.

    `model_id` is a name for `alas_core.models.registry`; a loaded `model` is taken instead of it.
    `reference` is the name of an aligner, a path of an alignment file, or an aligner.
    `instruction` None takes the utterance's own, else the model's for the task. `pool` are the
    sentences that wrong transcripts are cut from; None takes the bundled ones that suit the model.
    Without `answers` the model is not asked, and the analysis is not stored: it is incomplete.
    """

    model_id: str
    utterance: Utterance
    reference: str | Aligner = "pocketsphinx"
    settings: Settings = field(default_factory=Settings)
    instruction: str | None = None
    pool: Sequence[str] | None = None
    loading: Loading = field(default_factory=Loading)
    model: SpeechLLM | None = None
    answers: bool = True


@dataclass(frozen=True)
class Progress:
    """What is being done, in plain words, how far, and the analysis as far as it stands."""

    stage: str
    done: int = 0
    total: int = 1
    analysis: Analysis | None = None


def analyse(request: Request, store: Store | None = None) -> Analysis:
    """The finished analysis of a request; see `steps`."""
    result = None
    for progress in steps(request, store):
        result = progress.analysis or result
    if result is None:  # steps() either raises or ends with an analysis
        raise RuntimeError("the pipeline ended without an analysis")
    return result


def steps(request: Request, store: Store | None = None) -> Generator[Progress, None, None]:
    """Make an analysis and report on the way.

    The first analysis comes as soon as the picture stands (quick null only); later ones carry the
    null of wrong transcripts and the model's answers. The last is complete and is what the store
    keeps. Drain the iterator in one thread: it holds the accelerator's lock.

    Raises
    ------
    AlasError
        For anything in the request that cannot be used; nothing is stored then.
    """
    check_transcript(request.utterance.transcript)
    aligner = request.reference
    if isinstance(aligner, str):
        aligner = get_aligner(aligner)
    wrong = _wrong_transcripts(request)
    stored = _stored(request, aligner, wrong, store)
    if stored is not None:
        yield Progress("Done", 1, 1, stored)
        return
    clock = Clock()
    yield Progress(WAITING)
    with registry.device_lock:
        with clock("load model"):
            model = yield from _model(request)
        audio = request.utterance.audio
        check_longest(audio, model.info.max_audio_s, model.info.model_id, LONGEST_S)
        instruction = _instruction(request, model)
        plan = Plan(
            model,
            Prompt(instruction, request.settings.instruction_first, audio.duration_s),
            wrong,
            run_key(model.info, request, aligner.name, instruction, wrong),
        )
        # Again: the default instruction is known only now, and another may have made it meanwhile.
        stored = _kept(request, plan.key, store)
        if stored is not None:
            yield Progress("Done", 1, 1, stored)
            return
        yield Progress("Placing the words in the audio")
        with clock("reference"):
            with contextlib.closing(preparing(aligner)) as loading:
                for step in loading:
                    yield Progress(step.stage, step.done, step.total)
            reference = aligner.align(audio, request.utterance.transcript)
        _check_placed(reference)
        yield from _run(request, plan, reference, clock, store)


def run_key(
    identity: registry.ModelIdentity | ModelInfo,
    request: Request,
    reference_name: str,
    instruction: str,
    wrong: Sequence[str],
) -> RunKey:
    """The key of a request: everything that changes its result.

    Parameters
    ----------
    identity : of the model, from `registry.identify` or from the loaded model
    request : utterance and settings are used
    reference_name : of the aligner, with its version or the file's hash
    instruction : as given to the model
    wrong : the wrong transcripts of the null
    """
    return RunKey(
        model_id=identity.model_id,
        revision=identity.revision,
        dtype=identity.dtype,
        variant=identity.variant,
        audio_sha=request.utterance.audio.sha,
        transcript_sha=content_sha(request.utterance.transcript),
        prompt_sha=content_sha(instruction),
        reference=reference_name,
        settings=request.settings,
        null_sha=content_sha(*wrong),
    )


def _wrong_transcripts(request: Request) -> tuple[str, ...]:
    settings = request.settings
    known = request.model_id if request.model is None else ""
    pool = default_pool(known) if request.pool is None else request.pool
    transcript = request.utterance.transcript
    if len(pool) <= settings.n_null:
        pool = (*pool, *plain_sentences())
    return wrong_transcripts(transcript, pool, settings.n_null, settings.seed)


def default_pool(model_id: str) -> Sequence[str]:
    """Bundled sentences; for the demo model those in its own words, or the null would be easy."""
    if model_id in (registry.DEMO, registry.DEMO_UNTRAINED):
        return demo().pool()
    return plain_sentences()


def _stored(
    request: Request, aligner: Aligner, wrong: Sequence[str], store: Store | None
) -> Analysis | None:
    """From the store, without loading the model, where its default instruction is not needed."""
    instruction = request.instruction
    if instruction is None:
        instruction = request.utterance.instruction
    if store is None or not (instruction or request.instruction is not None):
        return None
    identity: registry.ModelIdentity | ModelInfo
    if request.model is None:
        identity = registry.identify(request.model_id, request.loading)
    else:
        identity = request.model.info
    return _kept(request, run_key(identity, request, aligner.name, instruction, wrong), store)


def _kept(request: Request, key: RunKey, store: Store | None) -> Analysis | None:
    found = None if store is None else store.get(key)
    # Labels and the id are not part of the key: they are the caller's.
    return None if found is None else dataclasses.replace(found, utterance=request.utterance)


def _model(request: Request) -> Generator[Progress, None, SpeechLLM]:
    yield Progress("Loading the model")
    if request.model is not None:
        return request.model
    steps = registry.opening(request.model_id, request.loading)
    try:
        while True:
            step = next(steps)
            yield Progress(step.stage, step.done, step.total)
    except StopIteration as end:
        model: SpeechLLM = end.value
        return model
    finally:
        steps.close()


def _instruction(request: Request, model: SpeechLLM) -> str:
    if request.instruction is not None:
        return request.instruction
    return request.utterance.instruction or model.default_instruction(request.utterance.task)


def _check_placed(reference: Reference) -> None:
    if any(word.placed for word in reference.words):
        return
    why = "; ".join(sorted({word.problem or "no reason given" for word in reference.words}))
    raise AlignmentError(
        f"{reference.name} placed none of the {len(reference.words)} words in the audio "
        f"({why}), expected at least one. {' '.join((*reference.notes, 'Check'))} that the "
        "transcript says what the audio says, or give your own alignment (TextGrid, CTM, JSON)"
    )


def _run(
    request: Request, plan: Plan, reference: Reference, clock: Clock, store: Store | None
) -> Iterator[Progress]:
    """The two passes, the picture, then what may come later."""
    utterance, model = request.utterance, plan.model
    yield Progress("Listening: the model's pass over the audio")
    with clock("audio pass"):
        audio = model.audio_states(utterance.audio, plan.prompt)
        check_finite(audio.hidden_states, "audio", model.info)
    yield Progress("Reading: the model's pass over the transcript")
    with clock("text pass"):
        text = model.text_states(utterance.transcript, plan.prompt)
        check_finite(text.hidden_states, "transcript", model.info)
    yield Progress("Comparing frames and tokens")
    guard = Guard("comparing states", model.info.device, None, lambda: pass_advice(model.info))
    with clock("scores"), guard:
        analysis, alignment = assemble(
            request.utterance, request.settings, plan, reference, audio, text
        )
    analysis = stamped(analysis, clock)
    yield Progress("Checking against wrong transcripts", 0, len(plan.wrong), analysis)
    samples = []
    with clock("null"), guard:
        texts = _texts(model, plan, len(reference.words))
        for sample in null_scores(audio.hidden_states, texts, alignment, request.settings):
            samples.append(sample)
            yield Progress("Checking against wrong transcripts", len(samples), len(plan.wrong))
    null = _wrong_null(samples, analysis)
    readings, head = [], model.head()
    with clock("lens"), guard:
        for reading in lens_layers(head, analysis, audio, text):
            readings.append(reading)
            yield Progress("Reading the states as words", len(readings), analysis.n_layers + 1)
        lens = make_lens(head, readings) if head is not None else None
    del audio, text
    answers = {}
    if request.answers:
        yield Progress("Asking the model")
        with clock("answers"):
            answers = {
                "audio": model.answer(plan.prompt, audio=utterance.audio),
                "text": model.answer(plan.prompt, transcript=utterance.transcript),
            }
    analysis = dataclasses.replace(analysis, null=null, lens=lens, answers=answers)
    analysis = stamped(analysis, clock)
    if store and request.answers:
        store.put(plan.key, analysis)
    yield Progress("Done", 1, 1, analysis)


def _texts(model: SpeechLLM, plan: Plan, n_words: int) -> Iterator[tuple[Any, IntArray]]:
    states = model.text_states_many(plan.wrong, plan.prompt)
    for transcript, text in zip(plan.wrong, states, strict=True):
        check_finite(text.hidden_states, "wrong transcript", model.info)
        words = token_words(text.tokens, split_words(transcript)[:n_words])
        yield text.hidden_states, words


def _wrong_null(samples: Sequence[Any], analysis: Analysis) -> Null | None:
    if not samples:
        return None
    return make_null("wrong transcripts", np.stack(samples), analysis.scores["alas"])
