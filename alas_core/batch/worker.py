"""One item in, one committed part out: the same code in a laptop's loop and in a Ray actor."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from alas_core import bundle, pipeline
from alas_core.batch import schema
from alas_core.batch.plan import DONE, OWN_REFERENCE, SKIPPED, Item, Outcome, RunOrder, contents
from alas_core.batch.record import Record, dumps
from alas_core.datasets import open_source
from alas_core.encoder import default_encoder
from alas_core.errors import AlasError, AlignmentError, InputError, StoreError
from alas_core.models import registry
from alas_core.place import Place
from alas_core.reference import Aligner, get_aligner
from alas_core.response_filter import Judged, expected_answer, judge_answers
from alas_core.tasks import (
    EMOTION,
    EMOTIONS,
    TRANSCRIBE,
    instruction_for,
    named_task,
    task_of,
)
from alas_core.types import Analysis, ModelInfo, Utterance, content_sha

_log = logging.getLogger(__name__)

MAX_POOL = 1000
"""Sentences that wrong transcripts are drawn from: a corpus has more, and each draw reads all."""


class Worker:
    """Does the items of one run, one at a time, and writes what it finds.

    Parameters
    ----------
    order : RunOrder
    url : str
        The run's folder, as this machine reaches it.
    """

    def __init__(self, order: RunOrder, url: str) -> None:
        self._order = order
        self._place = Place(url)
        self._source = open_source(order.source)
        self._pool = tuple(itertools.islice(dict.fromkeys(self._source.pool()), MAX_POOL))
        own = order.reference == OWN_REFERENCE
        self._aligner = None if own else get_aligner(order.reference)
        self._encode = default_encoder() if order.answers else None
        self._stage = ""

    def warm(self) -> ModelInfo:
        """Load the model, so that a wrong name ends the run and not each of its items."""
        with registry.device_lock:
            return registry.get(self._order.model, self._order.loading).info

    def __call__(self, item: Item) -> Outcome:
        """Analyse one item and commit it; what cannot be analysed is committed as skipped.

        Raises
        ------
        StoreError
            If the run's folder cannot be written.
        """
        start = time.perf_counter()
        record, raw = self._attempt(item)
        if raw and self._order.bundles:
            self._place.write(record.row["bundle"], raw)
        ending = SKIPPED if record.skipped else DONE
        self._place.write(f"{schema.PARTS}/{item.part}{ending}", dumps(record))  # the commit
        return Outcome(item, record.skipped, time.perf_counter() - start)

    def _attempt(self, item: Item) -> tuple[Record, bytes]:
        self._stage = "Reading the data set"
        try:
            if item.problem:
                raise InputError(item.problem)
            analysis = self._analysis(item)
            raw = bundle.dumps(analysis) if self._order.bundles else b""
            self._stage = "Judging the answers"
            judged = judge_answers(analysis.utterance, analysis.answers, self._encode)
            return self._record(analysis, judged), raw
        except (AlasError, MemoryError) as error:
            return self._skip(item, error, type(error).__name__), b""
        except Exception as error:  # noqa: BLE001 - one item's defect must not cost the others
            _log.warning("defect at %s", item.id, exc_info=True)
            return self._skip(item, error, f"defect ({type(error).__name__})"), b""

    def _record(self, analysis: Analysis, judged: Judged | None) -> Record:
        record = record_of(analysis, judged, bundles=self._order.bundles)
        told = {"contents": contents(self._source, analysis.utterance)}
        return dataclasses.replace(record, row={**record.row, **told})

    def _skip(self, item: Item, error: BaseException, kind: str) -> Record:
        reason = " ".join(str(error).split()) or kind
        return Record(item.id, skipped={"stage": self._stage, "reason": reason, "kind": kind})

    def _analysis(self, item: Item) -> Analysis:
        self._stage = "Reading the recording"
        utterance = self._tasked(self._source.load(item.id))
        request = pipeline.Request(
            self._order.model,
            utterance,
            reference=self._aligner or self._own_reference(utterance),
            settings=self._order.settings,
            instruction=self._instruction(utterance),
            pool=self._pool,
            loading=self._order.loading,
            answers=self._order.answers,
        )
        analysis = None
        for progress in pipeline.steps(request):
            self._stage = progress.stage
            analysis = progress.analysis or analysis
        if analysis is None:
            raise StoreError("the pipeline ended without an analysis")
        return analysis

    def _tasked(self, utterance: Utterance) -> Utterance:
        """The utterance as the order's task has it: what is asked and right in another is not."""
        if self._order.task is None:
            return utterance
        task = named_task(self._order.task).name
        changes: dict[str, Any] = {"task": task}
        if task == TRANSCRIBE:  # its own words are asked for, whatever else can be asked of it
            changes |= {"instruction": "", "answer": None, "choices": ()}
        elif task == EMOTION and task_of(utterance.task).name != EMOTION:
            label = _text(utterance.meta, "label", "label emotion")
            changes |= {"answer": label, "choices": EMOTIONS}
        return dataclasses.replace(utterance, **changes)

    def _instruction(self, utterance: Utterance) -> str | None:
        """The order's, filled in; else the utterance's own, else the task's; None: the model's."""
        if self._order.instruction is not None:
            return instruction_for(utterance, self._order.instruction)
        if utterance.instruction and self._order.task is None:
            return utterance.instruction
        return instruction_for(utterance, task_of(utterance.task).template) or None

    def _own_reference(self, utterance: Utterance) -> Aligner:
        path = self._source.reference_path(utterance.id)
        if path is None:
            raise AlignmentError(
                f"the data set '{self._source.name}' has no word times for '{utterance.id}', "
                "expected a file beside each recording; choose another reference"
            )
        return get_aligner(str(path))


def record_of(analysis: Analysis, judged: Judged | None = None, *, bundles: bool = True) -> Record:
    """The rows of one analysis, with what the judges say of its answers."""
    return Record(
        analysis.utterance.id,
        row=_row(analysis, bundles) | (_verdicts(judged) if judged else {}),
        meta=dict(analysis.utterance.meta),
        words=_words(analysis),
        scores=_scores(analysis),
        cross_layer=analysis.cross_layer,
    )


def _row(analysis: Analysis, bundles: bool) -> dict[str, Any]:
    utterance = analysis.utterance
    return {
        "utterance": utterance.id,
        "transcript": utterance.transcript,
        "task": utterance.task,
        "duration_s": utterance.audio.duration_s,
        "n_frames": analysis.n_frames,
        "n_tokens": analysis.n_tokens,
        "n_words": len(analysis.words),
        "speaker": _text(utterance.meta, "speaker", "voice"),
        "label": _text(utterance.meta, "label", f"label {utterance.task}"),
        "expected": expected_answer(utterance),
        "answer_audio": analysis.answers.get("audio"),
        "answer_text": analysis.answers.get("text"),
        "best_layer": analysis.best_layer,
        "alas_best": analysis.scores["alas"][analysis.best_layer],
        "bundle": _bundle_name(analysis) if bundles else None,
    }


def _verdicts(judged: Judged) -> dict[str, Any]:
    return {
        "correct_audio": judged.audio.correct if judged.audio else None,
        "correct_text": judged.text.correct if judged.text else None,
        "answer_similarity": judged.agreement.similarity,
        "kept": judged.agreement.kept,
    }


def _bundle_name(analysis: Analysis) -> str:
    """Two utterances may have one content, but each its own labels."""
    name = content_sha(analysis.key.digest, analysis.utterance.id)
    return f"{schema.BUNDLES}/{name}{bundle.SUFFIX}"


def _text(meta: Mapping[str, Any], *names: str) -> str | None:
    """The first of these columns that the data set has, as text."""
    return next((str(meta[name]) for name in names if name in meta), None)


def _words(analysis: Analysis) -> list[dict[str, Any]]:
    best = analysis.best_layer
    return [
        {
            "utterance": analysis.utterance.id,
            "index": index,
            "word": word.word,
            "start_s": word.start_s,
            "end_s": word.end_s,
            "n_tokens": int((analysis.token_word == index).sum()),
            "n_frames": int((analysis.frame_word == index).sum()),
            "layer": best,
            "alas": analysis.word_scores["alas"][best, index],
            "hit": analysis.word_scores["hit_rate"][best, index],
        }
        for index, word in enumerate(analysis.words)
    ]


def _scores(analysis: Analysis) -> dict[str, Any]:
    null = analysis.main_null
    return {
        **{name: analysis.scores[name] for name in schema.SCORE_COLUMNS if name in analysis.scores},
        **{
            f"baseline_{name}": analysis.baselines[name]
            for name in schema.SCORE_COLUMNS
            if name in analysis.baselines
        },
        "null_low": null.low,
        "null_high": null.high,
        "null_mean": np.mean(null.samples, axis=0),
        "p": null.p,
    }
