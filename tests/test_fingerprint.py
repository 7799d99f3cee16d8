"""What is kept for several readers goes by what an analysis holds, not by what it says it is."""

from __future__ import annotations

import dataclasses
import gc
from typing import Any

import numpy as np
import pytest

from alas_core import bundle, pipeline
from alas_core import fingerprint as module
from alas_core.figures.layers import cross_layer_payload
from alas_core.figures.lens_payload import lens_name
from alas_core.figures.payload import sheet_name
from alas_core.fingerprint import fingerprint
from alas_core.models.fake import FakeSpeechLLM
from alas_core.types import Analysis
from alas_core.ui import map_panel, orders, quality_panel, share, trials
from tests.factory import make_analysis, make_audio, make_lens_of
from tests.test_pipeline import request

LATER = {"null", "lens", "answers", "provenance"}


def changed(base: Analysis, name: str) -> Analysis:
    """The same but for one field."""
    held = getattr(base, name)
    other: Any
    if name == "word_points":
        other = np.zeros((base.n_layers + 1, 2, len(base.words), 64), np.float16)
    elif isinstance(held, np.ndarray):
        other = held.copy()
        other.flat[-1] = 0 if other.flat[-1] else 1
    elif name == "warnings":
        other = (*held, "more")
    elif name == "tokens":
        other = tuple(dataclasses.replace(token, text="x") for token in held)
    elif name == "utterance":
        other = dataclasses.replace(held, audio=make_audio(seed=9))
    elif name == "lens":
        other = dataclasses.replace(held, own_rank=held.own_rank + np.uint32(1))
    elif dataclasses.is_dataclass(held):
        other = dataclasses.replace(held, **{dataclasses.fields(held)[0].name: "x"})
    else:
        first = next(iter(held), "new")
        other = {**held, first: held[first] + 1 if name not in LATER else "another"}
    return dataclasses.replace(base, **{name: other})


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Analysis)])
def test_every_part_of_an_analysis_is_in_it(name: str) -> None:
    base = make_analysis()
    base = dataclasses.replace(base, lens=make_lens_of(base))
    other = changed(base, name)
    assert fingerprint(other) != fingerprint(base)
    same = fingerprint(other, early=True) == fingerprint(base, early=True)
    assert same == (name in LATER)


def test_one_content_has_one_name_which_is_made_once(monkeypatch) -> None:
    base = make_analysis()
    name = fingerprint(base)
    assert fingerprint(dataclasses.replace(base)) == name
    monkeypatch.setattr(module, "_both", lambda _: pytest.fail("made anew"))
    assert fingerprint(base) == name
    number = id(base)
    del base
    gc.collect()
    assert number not in module._known


def test_a_bundle_with_a_copied_key_supplies_nobody_else() -> None:
    base = make_analysis()
    forged = bundle.loads(bundle.dumps(changed(base, "scores")))
    assert forged.key == base.key
    for named in (
        lambda one: sheet_name(one, layer=1, score="alas", fold="time", theme="light"),
        lambda one: lens_name(one, "light"),
        lambda one: cross_layer_payload(one)[0],
        lambda one: map_panel._name(
            one, orders.layouts.pca_layout(one, 2), "word", [], (), "light"
        ),
        lambda one: orders.ask_map(one, "pca", 2, 0).key,
        lambda one: trials.ask_sensitivity(one).key,
        lambda one: quality_panel.ask(one, "").key,
    ):
        assert named(base) != named(forged)
    assert share.bundle(base) != share.bundle(forged)


def test_the_first_picture_and_the_finished_analysis_share_their_maps() -> None:
    model = FakeSpeechLLM(n_layers=2)
    analyses = [step.analysis for step in pipeline.steps(request(model)) if step.analysis]
    first, last = analyses[0], analyses[-1]
    assert last.null is not None
    assert fingerprint(first) != fingerprint(last)
    assert fingerprint(first, early=True) == fingerprint(last, early=True)
