"""Sharing without a browser: bundles opened on a machine without models, and the gallery."""

from __future__ import annotations

import dataclasses
import re

import pytest
from streamlit.testing.v1 import AppTest

from alas_core import bundles
from alas_core.bundle import dumps
from alas_core.errors import AlasError, ModelError
from alas_core.models import registry
from alas_core.ui import gallery, map_panel, orders, recordings
from alas_core.ui.gallery import BUNDLE
from alas_core.ui.shelf import Recording, shelf
from tests.browsers import ROOT
from tests.factory import make_analysis

pytestmark = pytest.mark.timeout(300)
PATIENCE_S = 120.0


@pytest.fixture(autouse=True)
def no_model(monkeypatch, tmp_path):
    """A machine on which no model can be loaded, the ids asked for; a folder with our bundle."""
    asked = []

    def refuse(model_id, *_, **__):
        asked.append(model_id)
        raise AssertionError("a model was asked for")

    monkeypatch.setattr(registry, "opening", refuse)  # what `get` and all pages load through
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "planted.alas").write_bytes(dumps(make_analysis()))
    (folder / "broken.alas").write_bytes(b"only text " * 100)
    monkeypatch.setenv(bundles.VARIABLE, str(folder))
    monkeypatch.setenv("ALAS_STORE", str(tmp_path / "store"))
    gallery._in_folders.clear()
    orders.store.cache_clear()
    yield asked
    gallery._in_folders.clear()
    orders.store.cache_clear()
    assert not asked


@pytest.fixture
def app() -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    at.query_params["data"] = BUNDLE
    return at


def finish(at: AppTest, bundle_id: str) -> AppTest:
    """Run until the picture of this bundle, or why there is none, is on the page."""
    digest = orders.Order("", BUNDLE, bundle_id).digest
    orders.analyses.forget(digest)
    at.run()
    assert orders.analyses.wait(digest, PATIENCE_S, finished=True).finished
    at.run()
    assert not at.exception
    return at


def words_of(elements) -> str:
    return " ".join(re.sub(r"\\(.)", r"\1", element.value) for element in elements)


def test_asking_for_a_model_would_be_noticed(no_model):
    order = orders.Order("demo", "demo", "demo-001")
    orders.ask(order)
    assert orders.analyses.wait(order.digest, PATIENCE_S, finished=True).defect
    assert no_model == ["demo"]
    orders.analyses.forget(order.digest)
    no_model.clear()


def test_a_bundle_of_the_servers_folder_is_drawn_without_a_model(app):
    app.query_params["utterance"] = "mine/planted"
    finish(app, "mine/planted")
    assert "Binding is strongest at layer" in words_of(app.markdown)
    assert not app.error
    assert "model" not in [box.key for box in app.selectbox]


def test_an_uploaded_bundle_is_found_again_by_its_id(app):
    bundle_id = shelf.put(Recording("sent.alas", dumps(make_analysis(words="a b c d")), "a b c d"))
    app.query_params["utterance"] = bundle_id
    finish(app, bundle_id)
    assert "Binding is strongest at layer" in words_of(app.markdown)
    assert app.selectbox("utterance").value == bundle_id


def test_a_broken_bundle_says_so_and_the_others_still_open(app):
    app.query_params["utterance"] = "mine/broken"
    finish(app, "mine/broken")
    assert "'broken.alas': the bundle cannot be read" in words_of(app.error)
    app.selectbox("utterance").set_value("mine/planted")
    finish(app, "mine/planted")
    assert not app.error
    assert "Binding is strongest at layer" in words_of(app.markdown)


@pytest.mark.parametrize(
    ("part", "state"),
    [("_report", {"share": True}), ("_bundle", {"details": "Download"})],
)
def test_a_file_that_cannot_be_written_is_said_where_its_button_would_be(
    app, monkeypatch, caplog, part, state
):
    monkeypatch.setattr(f"alas_core.ui.share.{part}", lambda *_: {}["a secret path"])
    for name, value in state.items():
        app.session_state[name] = value
    app.query_params["utterance"] = "mine/planted"
    finish(app, "mine/planted")
    assert "This is a defect of the program" in words_of(app.error)
    assert "secret" not in words_of(app.error)
    assert "KeyError" in caplog.text
    assert "Binding is strongest at layer" in words_of(app.markdown)


def test_a_kept_analysis_has_no_word_times_that_came_with_it(app):
    for name, value in {"quality": True, "quality_compare": True, "second": "own"}.items():
        app.session_state[name] = value
    app.query_params["utterance"] = "mine/planted"
    finish(app, "mine/planted")
    assert "not of a part or a kept analysis" in words_of(app.caption)
    assert not app.error


def test_a_bundle_without_the_likeness_of_layers_offers_no_figure_of_it(app, tmp_path):
    lean = dataclasses.replace(make_analysis(words="a b c d"), cross_layer={})
    (tmp_path / "mine" / "lean.alas").write_bytes(dumps(lean))
    gallery._in_folders.clear()
    app.session_state["details"] = "Download"
    for name, offered in (("planted", 4), ("lean", 3)):
        app.query_params["utterance"] = f"mine/{name}"
        app.session_state["utterance"] = f"mine/{name}"
        finish(app, f"mine/{name}")
        assert not app.error
        figures = app.selectbox("print_figure")
        assert len(figures.options) == offered
        if offered == 4:
            figures.set_value(figures.options[-1])


def test_the_map_for_print_is_the_one_on_the_page(app, monkeypatch):
    drawn, real = [], map_panel.map_figure

    def note(analysis, layout, **shown):
        drawn.append((layout.dimensions, shown))
        return real(analysis, layout, **shown)

    monkeypatch.setattr(map_panel, "map_figure", note)
    chosen = {"dimensions": "3-D", "map_colour": "time", "map_parts": ["hulls"], "trails": ["1"]}
    for name, value in (chosen | {"details": "Download", "print_figure": "Map"}).items():
        app.session_state[name] = value
    app.query_params["utterance"] = "mine/planted"
    finish(app, "mine/planted")
    assert not app.error
    dimensions, shown = drawn[-1]
    assert dimensions == 3
    assert (shown["colour"], shown["trails"]) == ("time", (1,))
    assert (shown["hulls"], shown["lines"]) == (True, False)


@pytest.mark.parametrize(("readonly", "n_errors"), [("", 1), ("1", 0)])
def test_a_device_that_cannot_be_leaves_the_rest_of_a_kept_analysis(
    app, monkeypatch, readonly, n_errors
):
    monkeypatch.setenv("ALAS_READONLY", readonly)
    monkeypatch.setattr("alas_core.ui.trial_panels._model_may_be_had", lambda _: True)
    link = {"utterance": "mine/planted", "trust": "centering", "device": "zzz"}
    app.query_params.update(link)
    finish(app, "mine/planted")
    assert words_of(app.error).count("device is 'zzz', expected auto") == n_errors
    assert "Masked positions" in words_of(app.markdown)
    assert "Details" in words_of(app.markdown)


def test_a_link_cannot_open_a_file_outside_the_folders(app, tmp_path):
    (tmp_path / "secret.alas").write_bytes(dumps(make_analysis(words="secret words")))
    app.query_params["utterance"] = "mine/../secret"
    app.run()
    assert app.selectbox("utterance").value != "mine/../secret"
    assert "secret" not in words_of(app.markdown)


def test_a_bundle_is_no_recording_and_a_recording_no_bundle(monkeypatch):
    state: dict[str, object] = {}
    monkeypatch.setattr(recordings.st, "session_state", state)
    bundle = shelf.put(Recording("kept.alas", b"x", "one"))
    sound = shelf.put(Recording("mine.wav", b"x", "two"))
    for state["utterance"] in (bundle, sound):
        recordings.mine()
        gallery.labels()
    assert list(recordings.mine()) == [sound]
    assert bundle in gallery.labels()
    assert sound not in gallery.labels()


@pytest.fixture
def gallery_mode(monkeypatch):
    monkeypatch.setenv("ALAS_READONLY", "1")


MODEL_LINKS = (
    {"model": "demo"},
    {"model": "demo-untrained", "data": "demo"},
    {"data": "yours"},
    {"data": "demo", "utterance": "demo-001", "dtype": "float16", "n_null": "5"},
)


@pytest.mark.parametrize("link", MODEL_LINKS)
def test_no_link_makes_a_gallery_load_a_model(gallery_mode, link):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    for name, value in link.items():
        at.query_params[name] = value
    finish(at, next(iter(gallery.labels())))
    assert "Hugging Face" not in words_of((*at.warning, *at.error))
    keys = {
        element.key for kind in ("selectbox", "text_area", "toggle") for element in at.get(kind)
    }
    assert not keys & {"model", "instruction", "reference", "device", "transcript"}
    assert not at.get("file_uploader")
    assert not at.get("audio_input")


def test_a_gallery_refuses_whatever_asks_for_a_model(gallery_mode, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("ALAS_READONLY", "1")
    with pytest.raises(ModelError, match="gallery"):
        registry.get("demo")
    for data in ("demo", "yours"):
        order = orders.Order("demo", data, "demo-001")
        orders.ask(order)
        error = orders.analyses.wait(order.digest, PATIENCE_S, finished=True).error
        assert "gallery" in error or "no recordings under the name" in error
    with pytest.raises(AlasError):
        gallery.open_kept(shelf.put(Recording("x.alas", b"", "")))
