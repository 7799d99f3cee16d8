"""The Models page, and who may use the accelerator when: with fakes, without a browser."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from streamlit.testing.v1 import AppTest

from alas_core import datasets
from alas_core.models import facts, inventory, plugins, registry, selfcheck
from alas_core.models.fake import FakeSpeechLLM
from alas_core.models.guard import Guard
from alas_core.models.identity import Loading
from alas_core.models.memory import GIB, DeviceMemory
from alas_core.models.watching import WAITING
from alas_core.pipeline import analyse
from alas_core.types import Settings
from alas_core.ui import orders, prompts
from alas_core.ui.jobs import State
from alas_core.ui.orders import Order
from alas_core.ui.sources import DEMO
from alas_core.ui.waiting import progress_text
from alas_core.ui.workshop import workshop
from tests.browsers import ROOT
from tests.pages import pressed
from tests.test_figures import contrast
from tests.test_pipeline import request as fake_request

pytestmark = pytest.mark.timeout(300)
PATIENCE_S = 120.0
HOSTILE = "<img src=x onerror=alert(1)>&\n"


class Watchful(FakeSpeechLLM):
    """Counts how many passes of all its kind are under way at once; they last a while."""

    under_way = 0
    most = 0
    lasts_s = 0.05
    lock = threading.Lock()

    def audio_states(self, audio, prompt):
        with Watchful.lock:
            Watchful.under_way += 1
            Watchful.most = max(Watchful.most, Watchful.under_way)
        try:
            time.sleep(self.lasts_s)
            return super().audio_states(audio, prompt)
        finally:
            with Watchful.lock:
                Watchful.under_way -= 1


class Hungry(FakeSpeechLLM):
    """Runs out of memory in its first pass, inside the guard that the adapter has."""

    full = True

    def audio_states(self, audio, prompt):
        if Hungry.full:
            with Guard("a pass", "cuda:0", str, lambda: "3 GiB are free now"):
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB")
        return super().audio_states(audio, prompt)


@pytest.fixture(autouse=True)
def a_store_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setenv("ALAS_STORE", str(tmp_path / "store"))
    orders.store.cache_clear()
    yield
    orders.store.cache_clear()


@pytest.fixture
def offered(request):
    """Registers models for one test."""

    def offer(model):
        registry.register(model)
        request.addfinalizer(lambda: registry.unregister(model.info.model_id))
        return model

    return offer


def order(model_id: str, row: int = 0) -> Order:
    utterance = datasets.demo().ids()[row].id
    return Order(model_id, DEMO, utterance, settings=Settings(n_null=2))


def page(script: str, model_id: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / script), default_timeout=PATIENCE_S)
    at.session_state["model"] = model_id
    at.session_state["n_null"] = 2
    return at


def said(at: AppTest) -> str:
    elements = (*at.markdown, *at.caption, *at.error, *at.info)
    return " ".join(re.sub(r"\\(.)|\N{WORD JOINER}", r"\1", element.value) for element in elements)


def finished(key: str) -> State:
    state = orders.accelerator.wait(key, PATIENCE_S, finished=True)
    assert state is not None
    assert state.finished
    return state


def test_a_check_shows_memory_frames_and_both_prompts(offered, monkeypatch) -> None:
    model = offered(FakeSpeechLLM(model_id="checked"))
    model.weight_bytes = GIB // 50
    show = model.prompt_tokens

    def hostile(prompt, **content):
        return [(HOSTILE, "prompt"), *show(prompt, **content)]

    monkeypatch.setattr(model, "prompt_tokens", hostile)
    used = iter((1, 3))  # before the model is loaded, and with it

    def memory(device: str) -> DeviceMemory:
        return DeviceMemory(device, (10 - next(used)) * GIB, 10 * GIB)

    monkeypatch.setattr(selfcheck, "device_memory", memory)
    at = page("app.py", "checked")
    at.switch_page("pages/models.py").run()
    assert not at.exception
    assert "Load and check" in said(at)
    pressed(at, "Load and check").run()
    assert not at.exception
    finished(orders.check_key(order("checked")))
    at.run()
    assert not at.exception
    metrics = {metric.label: metric.value for metric in at.metric}
    assert metrics["Layers × width"] == "4 × 64"
    assert metrics["Its weights"] == "0.02 GiB"
    assert not any("used" in label for label in metrics), "the whole device's is not the model's"
    assert "All programs together use 3.0 GiB of the 10 GiB of this machine's memory" in said(at)
    assert "7.0 GiB are free (before loading: 1.0 GiB used, 9.0 GiB free)" in said(at)
    assert "What the two runs are given" in said(at)
    html = " ".join(element.proto.body for element in at.get("html"))
    assert "&lt;img src=x" in html.replace("·", " ")
    assert "<img" not in html
    assert len(at.dataframe[0].value) == len(facts.FAMILIES)
    assert "No published checkpoint was run" in said(at)


def test_the_chosen_model_is_named_and_what_a_family_lacks_begins_with_no(monkeypatch) -> None:
    at = page("app.py", registry.DEMO)
    at.switch_page("pages/models.py").run()
    assert f"**Demo** ({registry.DEMO}): A small Qwen2-Audio" in said(at)
    here = at.dataframe[0].value["Runs here"]
    lacking = here[here != "yes"]
    entry = next(one for one in inventory.entries() if not one.runnable)
    assert len(lacking)
    assert lacking.str.fullmatch(r"no: pip install .+").all()
    assert f"no: pip install {' '.join(entry.missing)}" in list(lacking)


def test_every_column_of_the_scores_fits_beside_the_sidebar_of_a_common_window() -> None:
    """Streamlit gives a long text 400 pixels at once and cuts what does not fit then."""
    at = AppTest.from_file(str(ROOT / "pages/method.py"), default_timeout=PATIENCE_S).run()
    shown = at.dataframe[-1]
    told = json.loads(shown.proto.columns)
    widths = {name: told.get(name, {}).get("width", 400) for name in shown.value.columns}
    assert sum(widths.values()) <= 1440 - 300 - 2 * 40


def test_a_loaded_model_says_what_its_own_weights_take() -> None:
    model = registry.get(registry.DEMO)
    found = inventory.estimate(registry.DEMO, Loading(dtype="float32"))
    assert found is not None
    assert model.weight_bytes == pytest.approx(4 * found.weights.count, rel=0.05)


def test_prompts_are_escaped_counted_and_compared() -> None:
    begin, end = (HOSTILE, "prompt"), ("<e>", "prompt")
    heard = (begin, ("<bos>", "prompt"), *(("<au>", "audio"),) * 68, end)
    read = (begin, ("the", "transcript"), end)
    lone_heard, lone_read = prompts._lone(heard, read)
    assert (lone_heard, lone_read) == ({1}, set())
    html = prompts.prompt_html(heard, lone_heard)
    assert html.count("<span") == 4
    assert "<img" not in html
    assert "&lt;au&gt; × 68" in html
    assert 'class="only">&lt;bos&gt;' in html
    drawn = html + prompts.prompt_html(read, lone_read)
    pairs = set(re.findall(r"background:(#\w+);color:(#\w+)", drawn))
    assert len(pairs) == 2
    assert all(contrast(ink, behind) > 4.5 for behind, ink in pairs)
    long = tuple((f"t{i}", "prompt") for i in range(2000))
    assert prompts.prompt_html(long, set()).count("<span") == 400


def test_what_is_chosen_about_loading_is_part_of_the_order() -> None:
    at = page("app.py", registry.DEMO_UNTRAINED)
    at.query_params["dtype"] = "bfloat16"
    at.query_params["lora"] = "false"
    at.query_params["device"] = "cpu"
    at.run()
    assert not at.exception
    loading = registry.Loading(dtype="bfloat16", lora=False, device="cpu")
    settings = Settings(n_null=2)
    wanted = Order(
        registry.DEMO_UNTRAINED,
        DEMO,
        datasets.demo().ids()[0].id,
        settings=settings,
        loading=loading,
    )
    assert orders.analyses.look(wanted.digest) is not None
    at.query_params["device"] = "tpu"
    at.run()
    assert "device is 'tpu', expected auto" in said(at)


def test_nothing_is_downloaded_before_the_button_is_pressed(asked) -> None:
    model_id = "Qwen/Qwen2-Audio-7B-Instruct"
    at = page("app.py", model_id)
    at.run()
    assert not at.exception
    assert f"'{model_id}' is not on this machine; press 'Download and load'" in said(at)
    assert not asked
    at.button("agree_download").click().run()
    finished(order(model_id).digest)
    at.run()
    assert set(asked) == {model_id}
    assert "the hub was asked" in said(at)
    assert all(button.key != "agree_download" for button in at.button)


def test_with_a_list_nothing_else_can_be_typed(monkeypatch) -> None:
    plugins.offered.cache_clear()
    monkeypatch.setenv("ALAS_MODELS", "google/gemma-3n-E4B-it")
    at = page("app.py", registry.DEMO)
    at.run()
    box = next(box for box in at.selectbox if box.label == "Model")
    assert [option for option in box.options if "Qwen" in option] == []
    assert len(box.options) == 3
    assert not box.proto.accept_new_options


# One queue


def test_two_sessions_never_run_two_passes_at_once(offered) -> None:
    for name in ("one", "two"):
        offered(Watchful(model_id=name))
    wanted = [order(name, row) for row in range(3) for name in ("one", "two")]
    places = []
    for number, one in enumerate(wanted):
        orders.accelerator.forget(one.digest)
        places.append(orders.ask(one, reader=f"session {number}").ahead)
    for one in wanted:
        assert finished(one.digest).result is not None
    assert Watchful.most == 1
    assert places == sorted(places)
    assert places[-1] >= 2
    assert progress_text(State("k", ahead=3)) == "Waiting: 3 before you"


def test_who_waits_for_a_run_is_told_which(monkeypatch) -> None:
    monkeypatch.setattr(workshop, "busy", lambda: "my run")
    said = "Waiting for the model, which the run my run has for one of its recordings …"
    assert progress_text(State("k", stage=WAITING)) == said
    assert progress_text(State("k", stage="Hearing")) == "Hearing …"
    monkeypatch.setattr(workshop, "busy", lambda: "")
    assert progress_text(State("k", stage=WAITING)) == "Waiting for the model …"


@pytest.mark.parametrize(("locked", "at_once"), [(True, 1), (False, 2)])
def test_passes_of_two_threads_take_turns_by_the_lock(monkeypatch, locked, at_once) -> None:
    """Without it they overlap: the count would tell if it were not held."""
    if not locked:
        monkeypatch.setattr(registry, "device_lock", contextlib.nullcontext())
    monkeypatch.setattr(Watchful, "most", 0)
    monkeypatch.setattr(Watchful, "lasts_s", 0.3)  # longer than one thread keeps another waiting
    asked = [fake_request(Watchful(model_id=name)) for name in ("one", "two")]
    with ThreadPoolExecutor(2) as threads:
        assert all(made.null is not None for made in threads.map(analyse, asked))
    assert Watchful.most == at_once


def test_a_pass_that_fills_the_memory_says_so_and_the_server_lives_on(offered) -> None:
    offered(Hungry(model_id="hungry"))
    offered(FakeSpeechLLM(model_id="modest"))
    at = page("app.py", "hungry")
    at.run()
    state = finished(order("hungry").digest)
    assert not state.defect, state.error
    assert "memory of cuda:0 is full" in state.error
    at.run()
    assert not at.exception
    assert "memory of cuda:0 is full" in said(at)
    assert "3 GiB are free now" in said(at)
    orders.ask(order("modest"), reader="another")
    assert finished(order("modest").digest).result is not None
    Hungry.full = False
    pressed(at, "Try again").run()
    assert finished(order("hungry").digest).result is not None
    at.run()
    assert "memory of cuda:0" not in said(at)
