"""The choice of a reference in the sidebar, and Whisper's draft of a transcript."""

from __future__ import annotations

import contextlib
import dataclasses
import threading

import pytest
from streamlit.testing.v1 import AppTest

from alas_core.datasets import demo
from alas_core.errors import InputError
from alas_core.fingerprint import fingerprint
from alas_core.reference import checkpoints, to_textgrid
from alas_core.reference.base import checkpoint_of
from alas_core.types import content_sha
from alas_core.ui import orders, quality_panel, references, share
from alas_core.ui.jobs import Step
from alas_core.ui.orders import Order
from alas_core.ui.shelf import Recording, shelf
from alas_core.ui.sources import YOURS
from tests import tiny_aligners
from tests.pages import (
    MODEL,
    PATIENCE_S,
    SETTINGS,
    app,
    demo_order,
    fake_model,
    finish,
    pressed,
    start,
    words_of,
)
from tests.test_reference import two_tiers

__all__ = ["app", "fake_model"]

LARGE = "openai/whisper-large-v3"
WITH_LARGE = demo_order(reference=f"whisper:{LARGE}")


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    return str(tiny_aligners.whisper(tmp_path_factory.mktemp("roots") / "whisper-tiny", seed=3))


@pytest.fixture(autouse=True)
def nothing_held():
    references.local.clear()
    for runner in (quality_panel.qualities, orders.accelerator):
        for key in list(runner._jobs):
            runner.forget(key)
    yield
    checkpoints.close()


def shown(order):
    state = orders.analyses.look(order.digest)
    assert state.result is not None, state.error
    return state.result


@pytest.fixture
def roots(whisper, monkeypatch):
    monkeypatch.setenv("ALAS_MODEL_ROOTS", whisper.rsplit("/", 1)[0])
    references.local.clear()


def test_a_whisper_checkpoint_is_chosen_in_the_drawer_and_makes_the_reference(app, whisper, roots):
    app.session_state["reference"] = "whisper"
    app.session_state["reference_whisper"] = whisper
    order = demo_order(reference=f"whisper:{whisper}")
    finish(app, order)
    assert app.selectbox(key="reference").value == "whisper"
    assert shown(order).reference.name.startswith("whisper whisper-tiny@")


def test_no_checkpoint_is_downloaded_before_the_button_is_pressed(app, asked):
    app.session_state["reference"] = "whisper"
    app.run()
    assert f"'{LARGE}' is not on this machine; press 'Download and load' under Reference" in (
        words_of(app.error)
    )
    assert orders.analyses.look(WITH_LARGE.digest) is None
    assert not asked
    app.button(key="reference_agree_download").click()
    finish(app, WITH_LARGE)
    assert set(asked) == {LARGE}
    assert "the hub was asked" in words_of(app.error)
    assert all(button.key != "reference_agree_download" for button in app.button)


def test_no_second_reference_is_downloaded_before_the_button_is_pressed(app, asked):
    finish(app, demo_order())
    for name, value in {"quality": True, "quality_compare": True, "second": "whisper"}.items():
        app.session_state[name] = value
    measured(app)
    assert f"{LARGE} is not on this machine" in words_of(app.caption)
    assert "boundary moved at random" in words_of(app.markdown)
    assert not asked
    app.button(key="second_agree_download").click()
    measured(app, second=f"whisper:{LARGE}")
    assert set(asked) == {LARGE}
    assert "the hub was asked" in words_of(app.error)


def test_a_checkpoint_that_cannot_be_had_is_said_and_the_rest_lives_on(app):
    app.session_state["reference"] = "whisper"
    app.session_state["downloads_agreed"] = {LARGE}
    finish(app, WITH_LARGE)
    assert "neither in the local cache nor reachable" in words_of(app.error)
    app.session_state["reference"] = references.POCKETSPHINX
    finish(app, demo_order())
    assert not app.error


def test_two_checkpoints_of_one_name_can_both_be_chosen(app, monkeypatch):
    here = ("/one/whisper-mine", "/two/whisper-mine")
    monkeypatch.setattr(references, "local", lambda _: here)
    app.session_state["reference"] = "whisper"
    app.session_state["reference_whisper"] = here[0]
    app.run()
    options = app.selectbox(key="reference_whisper").options
    assert len(set(options)) == len(options) == 3
    assert app.run().session_state["reference_whisper"] == here[0]


def test_without_a_checkpoint_pocketsphinx_stays(app):
    app.session_state["reference"] = "qwen3"
    finish(app, demo_order())
    assert any("Until a checkpoint is named" in caption.value for caption in app.caption)


def test_the_recordings_own_alignment(app):
    app.session_state["reference"] = references.OWN
    order = demo_order(reference=references.OWN)
    finish(app, order)
    assert shown(order).reference.name.startswith("JSON sha256:")
    with pytest.raises(InputError, match="no alignment came with this recording"):
        references.aligner(references.OWN, None)


def test_an_uploaded_files_tier_is_part_of_the_choice(fake_model):
    del fake_model
    row = demo().ids()[0]
    grid = Recording("two.TextGrid", two_tiers(".textgrid"))
    place = shelf.put(grid)
    plain, chosen = (
        references.aligner(f"{references.FILE}{place}{tier}") for tier in ("", ":second try")
    )
    assert plain.name != chosen.name
    words = chosen.align(demo().load(row.id).audio, "hello bob").words
    assert [word.start_s for word in words] == pytest.approx([0.2, 0.6])


def test_the_choice_as_the_session_has_it():
    at = AppTest.from_function(_choice_page, default_timeout=PATIENCE_S)
    for state, expected in (
        ({}, "pocketsphinx"),
        ({"reference": "whisper"}, "whisper:openai/whisper-large-v3"),
        ({"reference": "ctc", "reference_ctc": " a/b "}, "ctc:a/b"),
        ({"reference": "file:"}, "pocketsphinx"),
        ({"reference": "file:", "reference_id": "abc"}, "file:abc"),
        ({"reference": "file:", "reference_id": "abc", "reference_tier": "x"}, "file:abc:x"),
        ({"reference": "nonsense"}, "pocketsphinx"),
    ):
        at.session_state["given"] = state
        at.run()
        assert at.text[0].value == expected


def _choice_page():
    import streamlit as st

    from alas_core.ui import references

    given = st.session_state["given"]
    for name in ("reference", "reference_ctc", "reference_id", "reference_tier"):
        st.session_state.pop(name, None)
    st.session_state.update(given)
    st.text(references.chosen())


def _draft_page():
    import streamlit as st

    from alas_core.ui import drafting

    drafting.take("transcript")
    with st.form("recording"):
        st.text_area("What is said", key="transcript")
        heard = drafting.button()
        st.form_submit_button("Analyse")
    if heard:
        drafting.begin(st.session_state["sound"])
    drafting.progress(st.session_state["sound"])


def draft(sound, whisper):
    at = AppTest.from_function(_draft_page, default_timeout=PATIENCE_S)
    at.session_state["reference"] = "whisper"
    at.session_state["reference_whisper"] = whisper
    at.session_state["sound"] = sound
    at.run()
    at.button[0].click().run()
    key = at.session_state["draft_key"]
    state = orders.accelerator.wait(key, PATIENCE_S, finished=True)
    assert state.finished
    return at.run()


def a_recording():
    from alas_core.audio import to_wav_bytes

    return Recording("mine.wav", to_wav_bytes(demo().load(demo().ids()[0].id).audio))


def test_whisper_writes_a_draft_that_can_be_edited(whisper):
    sound = a_recording()
    at = draft(sound, whisper)
    written = at.text_area(key="transcript").value
    assert "cat" in written  # the random weights' favourite word
    assert any("correct it" in caption.value for caption in at.caption)
    at.text_area(key="transcript").set_value("my own words")
    at.button[1].click().run()
    assert at.text_area(key="transcript").value == "my own words"
    for other in (Recording("other.wav", sound.data), None):
        at.session_state["sound"] = other
        at.run()
        assert not any("correct it" in caption.value for caption in at.caption)


def _sidebar_and_picture():
    from alas_core.ui import controls, picture, url

    url.settle()
    controls.sidebar()
    picture.status(picture.current())


def test_an_upload_is_drafted_corrected_and_analysed(roots):
    del roots  # Whisper is on this machine, so it needs no choosing
    # Not app.py: under AppTest it starts each run twice, and a pressed button is lost.
    app = AppTest.from_function(_sidebar_and_picture, default_timeout=PATIENCE_S)
    for name, value in {"data": YOURS, "model": MODEL, "n_null": SETTINGS.n_null}.items():
        app.session_state[name] = value
    app.run()
    sound = a_recording()
    app.file_uploader(key="audio_file").set_value((sound.name, sound.data, "audio/wav"))
    pressed(app, "Transcribe with Whisper").run()
    key = app.session_state["draft_key"]
    assert orders.accelerator.wait(key, PATIENCE_S, finished=True).result
    app.file_uploader(key="audio_file").set_value((sound.name, sound.data, "audio/wav"))
    app.run()
    assert not app.exception
    assert "cat" in app.text_area(key="transcript").value  # the random weights' favourite word
    app.file_uploader(key="audio_file").set_value((sound.name, sound.data, "audio/wav"))
    corrected = demo().ids()[0].transcript
    app.text_area(key="transcript").set_value(corrected)
    pressed(app, "Analyse").run()
    assert not app.exception
    assert not app.error
    order = Order(MODEL, YOURS, app.session_state["utterance"], settings=SETTINGS)
    finish(app, order)
    assert shown(order).utterance.transcript == corrected


def test_an_own_recording_is_taken_off_list_and_server():
    """With what was made of it; the other one stays and is looked at."""
    own = dataclasses.replace(a_recording(), transcript=demo().ids()[0].transcript)
    keep, drop = (shelf.put(dataclasses.replace(own, name=name)) for name in ("a.wav", "b.wav"))
    at = AppTest.from_function(_sidebar_and_forgetting, default_timeout=PATIENCE_S)
    chosen = {"data": YOURS, "model": MODEL, "n_null": SETTINGS.n_null, "utterance": drop}
    for name, value in (chosen | {"my_recordings": [keep, drop], "word": 1}).items():
        at.session_state[name] = value
    order = Order(MODEL, YOURS, drop, settings=SETTINGS)
    finish(at, order)
    assert at.session_state["shown_analysis"].utterance.id == drop
    analysis = at.session_state["shown_analysis"]
    kept = share.bundle(analysis)
    assert share.bundle(analysis) is kept
    untold = Recording("b.wav", own.data)
    for one in ("another draft", untold.id):
        orders.accelerator.ask(one, lambda: iter([Step("done", result="what was heard")]), of=one)
        orders.accelerator.wait(one, PATIENCE_S, finished=True)
    at.button(key="forget_recording").click().run()
    assert not at.exception
    assert orders.accelerator.look("another draft").result == "what was heard"
    assert orders.accelerator.look(untold.id) is None
    assert share.bundle(analysis) is not kept
    assert shelf.get(drop) is None
    assert orders.analyses.look(order.digest) is None
    assert at.session_state["my_recordings"] == [keep]
    assert at.session_state["utterance"] == keep
    assert "word" not in at.session_state
    finish(at, dataclasses.replace(order, utterance_id=keep))
    assert at.session_state["shown_analysis"].utterance.id == keep
    at.session_state["data"] = "demo"
    at.run()
    assert not [button for button in at.button if button.key == "forget_recording"]


def _sidebar_and_forgetting():
    from alas_core.ui import controls, forgetting, picture, url

    url.settle()
    controls.sidebar()
    forgetting.button()
    picture.status(picture.current())


def test_an_upload_that_is_no_sound_is_refused_and_not_listed():
    app = AppTest.from_function(_sidebar_and_picture, default_timeout=PATIENCE_S)
    app.session_state["data"], app.session_state["model"] = YOURS, MODEL
    app.run()
    app.file_uploader(key="audio_file").set_value(("fake.wav", b"only text " * 99, "audio/wav"))
    app.text_area(key="transcript").set_value("some words")
    pressed(app, "Analyse").run()
    assert not app.exception
    (error,) = app.error
    assert "fake\\.wav cannot be read as audio" in error.value
    assert "`" not in error.value
    assert app.session_state["my_recordings"] == []


def test_a_draft_that_cannot_be_made_says_why(tmp_path):
    at = draft(Recording("mine.wav", b"no sound at all"), str(tmp_path))
    assert any("cannot be read as audio" in error.value for error in at.error)
    at = draft(a_recording(), str(tmp_path))
    assert any("is not a model" in error.value for error in at.error)


@contextlib.contextmanager
def model_taken():
    """Inside it, a job of another session has the model; afterwards every job has ended."""
    enough = threading.Event()

    def other():
        yield Step("listening")
        enough.wait(PATIENCE_S)
        yield Step("done", result="of another session")

    orders.accelerator.ask("other", other, "another model", "another session")
    try:
        yield
    finally:
        enough.set()
    assert orders.accelerator.wait_until_idle(PATIENCE_S)


def test_a_draft_waits_for_its_turn_with_the_model(whisper):
    at = AppTest.from_function(_draft_page, default_timeout=PATIENCE_S)
    at.session_state["reference"] = "whisper"
    at.session_state["reference_whisper"] = whisper
    at.session_state["sound"] = a_recording()
    at.run()
    with model_taken():
        at.button[0].click().run()
        waiting = orders.accelerator.look(at.session_state["draft_key"])
    assert orders.accelerator.look(waiting.key).result
    assert (waiting.stage, waiting.ahead) == ("waiting", 1)


def test_the_button_that_says_download_is_what_downloads_whisper_for_a_draft(asked):
    at = AppTest.from_function(_draft_page, default_timeout=PATIENCE_S)
    at.session_state["sound"] = a_recording()
    at.run()
    assert not asked
    pressed(at, "Download and transcribe").run()
    state = orders.accelerator.wait(at.session_state["draft_key"], PATIENCE_S, finished=True)
    assert "the hub was asked" in state.error
    assert set(asked) == {LARGE}
    assert at.run().button[0].label == "Transcribe with Whisper"


def test_the_form_says_what_a_draft_needs(app, monkeypatch, whisper):
    app.session_state["data"] = "yours"
    app.run()
    assert not app.exception
    assert f"{LARGE} is not on this machine: the button downloads it" in words_of(app.caption)
    assert any(button.label == "Download and transcribe" for button in app.button)
    monkeypatch.setenv("ALAS_MODEL_ROOTS", whisper.rsplit("/", 1)[0])
    references.local.clear()
    app.run()
    assert "is not on this machine" not in words_of(app.caption)
    assert any(button.label == "Transcribe with Whisper" for button in app.button)


def test_any_reference_can_be_taken_along_as_a_textgrid(app):
    at = start("app.py")
    at.session_state["details"] = "Download"
    order = demo_order()
    finish(at, order)
    labels = [button.label for button in at.get("download_button")]
    assert "Word times (TextGrid)" in labels
    analysis = shown(order)
    assert "IntervalTier" in to_textgrid(analysis.reference, analysis.utterance.audio.duration_s)


def measured(at, **key):
    """Run the page until the reference is measured."""
    at.run()
    assert not at.exception
    analysis = at.session_state["shown_analysis"]
    name = fingerprint(analysis, early=True)
    second = key.get("second", "")
    # A second reference that has a checkpoint waits in the queue of all that use a model.
    runner = orders.accelerator if checkpoint_of(second) else quality_panel.qualities
    state = runner.look(f"quality:{content_sha(name, second, key.get('data', ''))}")
    assert state is not None, "the page asked for something else"
    runner.wait(state.key, PATIENCE_S, finished=True)
    at.run()
    assert not at.exception
    return at


def test_the_quality_of_the_reference_is_measured_when_asked_for(app):
    finish(app, demo_order())
    assert "boundary moved at random" not in words_of(app.markdown)
    app.session_state["quality"] = True
    measured(app)
    assert "With every boundary moved at random by up to 20, 40, 80 ms" in words_of(app.markdown)
    app.session_state["quality_compare"] = True
    app.session_state["second"] = references.OWN
    measured(app, second=references.OWN, data="demo")
    assert "ms apart on average" in words_of(app.markdown)
    assert "Second: JSON sha256" in words_of(app.caption)


def test_what_is_known_stays_while_a_second_reference_is_asked(app, whisper, roots):
    finish(app, demo_order())
    for name, value in {"quality": True, "quality_compare": True, "second": "whisper"}.items():
        app.session_state[name] = value
    app.session_state["second_whisper"] = whisper
    with model_taken():
        app.run()
        assert quality_panel.qualities.wait_until_idle(PATIENCE_S)
        app.run()
        assert "boundary moved at random" in words_of(app.markdown)
        assert "Second:" not in words_of(app.caption)
    app.run()
    assert "Second: whisper" in words_of(app.caption)


def test_the_second_reference_is_in_the_link_and_outlives_another_page(app):
    app.query_params.update(
        {"quality": "true", "quality_compare": "true", "second": "pocketsphinx"}
    )
    finish(app, demo_order())
    for _ in range(2):
        assert app.toggle(key="quality_compare").value
        assert app.selectbox(key="second").value == references.POCKETSPHINX
        assert app.query_params["second"] == "pocketsphinx"
        assert "the two can only agree" in words_of(app.caption)
        for page in ("pages/training.py", "pages/explore.py"):
            app.query_params.clear()  # as Streamlit does when the page changes
            app.switch_page(page).run()
            assert not app.exception
    app.selectbox(key="second").set_value("whisper").run()
    assert "second" not in app.query_params


def test_a_second_reference_that_cannot_be_had_leaves_the_rest(app):
    finish(app, demo_order())
    app.session_state["quality"] = True
    app.session_state["quality_compare"] = True
    app.session_state["second"] = "whisper"
    app.session_state["downloads_agreed"] = {LARGE}
    measured(app, second=f"whisper:{LARGE}")
    measured(app)
    assert "neither in the local cache nor reachable" in words_of(app.error)
    assert "boundary moved at random" in words_of(app.markdown)


@pytest.mark.parametrize("keeping", [True, False])
def test_the_choice_outlives_a_run_that_does_not_draw_it(keeping):
    at = AppTest.from_function(_now_and_then_page, default_timeout=PATIENCE_S)
    at.session_state["keeping"] = keeping
    at.session_state["drawn"] = True
    at.run()
    at.selectbox(key="reference").set_value("qwen3").run()
    for drawn in (False, True):
        at.session_state["drawn"] = drawn
        at.run()
        assert not at.exception
    assert at.selectbox(key="reference").value == ("qwen3" if keeping else "pocketsphinx")


def _now_and_then_page():
    import streamlit as st

    from alas_core.ui import references

    if st.session_state["keeping"]:
        references.keep()
    if st.session_state["drawn"]:
        references.choice("Reference alignment")


def test_an_uploaded_alignment_outlives_a_run_that_does_not_draw_it():
    at = AppTest.from_function(_now_and_then_page, default_timeout=PATIENCE_S)
    at.session_state["keeping"] = at.session_state["drawn"] = True
    at.run()
    at.selectbox(key="reference").set_value(references.FILE).run()
    assert any("Until a file is there" in caption.value for caption in at.caption)
    at.file_uploader(key="reference_file").set_value(("mine.wdseg", b"nothing", "text/plain")).run()
    placed = at.session_state["reference_id"]
    assert shelf.get(placed).name == "mine.wdseg"
    for drawn in (False, True):
        at.session_state["drawn"] = drawn
        at.run()
        assert not at.exception
    assert at.session_state["reference_id"] == placed
    assert "mine.wdseg is in use" in words_of(at.caption)
    at.file_uploader(key="reference_file").set_value(("b.ctm", b"a 1 0 1 b", "text/plain")).run()
    assert shelf.get(at.session_state["reference_id"]).name == "b.ctm"
    at.file_uploader(key="reference_file").set_value(None).run()
    assert "reference_id" not in at.session_state


@pytest.mark.parametrize("n_tiers", [1, 2])
def test_a_tier_of_an_earlier_file_is_forgotten(n_tiers):
    at = AppTest.from_function(_tier_page, default_timeout=PATIENCE_S)
    grid = two_tiers(".textgrid")
    file = Recording(
        "words.TextGrid" if n_tiers == 2 else "words.ctm", grid if n_tiers == 2 else b"a 1 0 1 b"
    )
    at.session_state["reference_id"] = shelf.put(file)
    at.session_state["reference_tier"] = "a tier of another file"
    at.run()
    assert not at.exception
    assert at.text[0].value == ("words" if n_tiers == 2 else "None")


def _tier_page():
    import streamlit as st

    from alas_core.ui import references

    references._upload("reference")
    st.text(str(st.session_state.get("reference_tier")))
