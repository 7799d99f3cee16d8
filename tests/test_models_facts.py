"""Frame times of the families against loops written from the table of facts."""

from __future__ import annotations

import numpy as np
import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st

from alas_core.models.facts import FAMILIES, family_of
from alas_core.models.grid import FrameGrid
from alas_core.models.inputs import frame_count
from tests import tiny, tiny_more, tiny_parts


@pytest.mark.parametrize(
    ("model_type", "start_s"),
    [
        ("qwen2_audio", lambda k: 0.04 * k),
        ("qwen2_5_omni", lambda k: 0.04 * k),
        ("qwen3_omni_moe", lambda k: k // 13 + 0.08 * (k % 13)),
        ("qwen3_asr", lambda k: k // 13 + 0.08 * (k % 13)),
        ("voxtral", lambda k: 0.08 * k),
        ("granite_speech", lambda k: 0.3 * (k // 3)),
        ("gemma3n", lambda k: 0.16 * k),
        ("vibevoice_asr", lambda k: k * 3200 / 24000),
        ("fun_asr_nano", lambda k: 0.06 * k),
        ("nemo_speechlm", lambda k: 0.08 * k),
        ("dots3_note", lambda k: 0.08 * k),
        ("inkling_mm_model", lambda k: 0.05 * k),
    ],
)
def test_frames_start_where_the_table_says(model_type, start_s):
    spans = FAMILIES[model_type].grid.spans(60, 1e6)
    np.testing.assert_allclose(spans[:, 0], [start_s(k) for k in range(60)], atol=1e-5)


def test_the_thirteenth_frame_of_a_chunk_ends_with_it():
    spans = FAMILIES["qwen3_asr"].grid.spans(26, 2.0)
    np.testing.assert_allclose(spans[12], [0.96, 1.0], atol=1e-6)
    np.testing.assert_allclose(spans[13], [1.0, 1.08], atol=1e-6)


def test_queries_of_one_window_share_its_interval():
    spans = FAMILIES["granite_speech"].grid.spans(6, 10.0)
    np.testing.assert_allclose(spans, [[0, 0.3]] * 3 + [[0.3, 0.6]] * 3, atol=1e-6)


@given(
    family=st.sampled_from(sorted(FAMILIES)),
    n_frames=st.integers(0, 800),
    duration_s=st.floats(0.05, 60),
)
def test_spans_are_ordered_and_inside_the_audio(family, n_frames, duration_s):
    spans = FAMILIES[family].grid.spans(n_frames, duration_s)
    assert len(spans) <= n_frames
    assert (spans[:, 0] < spans[:, 1]).all()
    assert (np.diff(spans[:, 0]) >= 0).all()
    assert spans.max(initial=0) <= np.float32(duration_s)
    if len(spans) < n_frames:  # the first one left out starts at or after the end
        first_out = FAMILIES[family].grid.spans(len(spans) + 1, 1e6)[-1, 0]
        assert first_out >= duration_s - 1e-4


def test_an_encoder_of_whole_minutes_leaves_no_hole_between_them():
    heard = frame_count(tiny_parts.dots3_note(), 130.0)
    assert heard == FAMILIES["dots3_note"].grid.frames_in(130.0)


def test_rates():
    assert FrameGrid(0.04).rate_hz == pytest.approx(25)
    assert FAMILIES["qwen3_asr"].grid.rate_hz == pytest.approx(13)
    assert FAMILIES["voxtral"].grid.frames_in(30) == pytest.approx(375)
    assert FAMILIES["gemma3n"].grid.frames_in(30) == pytest.approx(187.5)


def test_thinkers_saved_alone_are_of_the_same_family():
    assert family_of("qwen2_5_omni_thinker") is FAMILIES["qwen2_5_omni"]
    assert family_of("qwen3_omni_moe_thinker") is FAMILIES["qwen3_omni_moe"]
    assert family_of("bert") is None


@pytest.mark.parametrize("model_type", sorted({**tiny_parts.FAMILIES, **tiny_more.FAMILIES}))
def test_the_class_of_a_row_is_the_one_that_was_tried(model_type):
    tried = {**tiny_parts.FAMILIES, **tiny_more.FAMILIES}[model_type]().model
    named = getattr(transformers, FAMILIES[model_type].model_class)
    mapping = getattr(named, "_model_mapping", None)
    assert (named if mapping is None else mapping[type(tried.config)]) is type(tried)


def test_the_contract_suite_runs_every_row():
    tried = {*tiny.FAMILIES, *tiny_parts.FAMILIES, *tiny_more.FAMILIES, "salmonn"}
    assert set(FAMILIES) == tried
