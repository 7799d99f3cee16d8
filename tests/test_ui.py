"""The parts of the pages that need no browser: jobs, plain text, tables, links, the shelf."""

from __future__ import annotations

import csv
import dataclasses
import io
import threading
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

from alas_core import bundles
from alas_core.datasets import Row
from alas_core.definitions import SCORES
from alas_core.errors import InputError
from alas_core.ui import details, gallery, jobs, kept_runs, parameters, settings, sheet, tables, url
from alas_core.ui.folders import FolderSource
from alas_core.ui.jobs import Runner, Step
from alas_core.ui.shelf import Recording, Shelf
from alas_core.ui.text import cut, plain, told_apart
from tests.factory import make_analysis
from tests.test_findings import mistaken

PATIENCE_S = 20.0


class Scripted:
    """A computation whose steps are released one by one by the test."""

    def __init__(self, steps, log=None, name=""):
        self.gate = threading.Semaphore(0)
        self.steps, self.log, self.name = steps, log if log is not None else [], name
        self.starts, self.closed = 0, threading.Event()

    def __call__(self):
        self.starts += 1
        try:
            for step in self.steps:
                assert self.gate.acquire(timeout=PATIENCE_S)
                self.log.append((self.name, step.stage))
                if isinstance(step, Exception):
                    raise step
                yield step
        finally:
            self.closed.set()

    def release(self, n=1):
        self.gate.release(n)


def eventually(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def failing(error):
    yield Step("start")
    raise error


def test_two_askers_share_one_computation_and_its_result():
    runner, work = Runner("t"), Scripted([Step("only", result="r")])
    first = runner.ask("k", work, reader="a")
    assert first.result is None
    runner.ask("k", work, reader="b")
    work.release()
    assert runner.wait("k", PATIENCE_S, finished=True).result == "r"
    assert runner.ask("k", work).result == "r"
    assert work.starts == 1


def test_state_shows_stage_and_progress_and_keeps_the_first_result():
    steps = [Step("draw", result="first"), Step("null", 3, 49), Step("answers")]
    runner, work = Runner("t"), Scripted(steps)
    runner.ask("k", work)
    work.release(2)
    eventually(lambda: runner.look("k").done == 3)
    state = runner.look("k")
    assert (state.stage, state.total, state.result, state.version) == ("null", 49, "first", 1)
    work.release()
    assert runner.wait("k", PATIENCE_S, finished=True).finished


def test_a_new_picture_comes_before_the_fine_print_of_an_older_one():
    log = []
    runner = Runner("t")
    old = Scripted([Step("picture", result=1), Step("null"), Step("answers")], log, "old")
    new = Scripted([Step("picture", result=2)], log, "new")
    runner.ask("old", old, reader="a")
    old.release()
    runner.wait("old", PATIENCE_S)
    runner.ask("new", new, reader="b")
    new.release()
    old.release(2)
    assert runner.wait("old", PATIENCE_S, finished=True).finished
    assert log.index(("new", "picture")) < log.index(("old", "answers"))


def test_waiting_says_how_many_are_before():
    runner, slow = Runner("t"), Scripted([Step("a"), Step("b")])
    runner.ask("slow", slow, reader="a")
    eventually(lambda: slow.starts)
    state = runner.ask("next", Scripted([Step("a")]), reader="b")
    assert state.ahead == 1
    slow.release(2)


def test_another_lane_waits_while_somebody_looks_at_the_running_one():
    runner = Runner("t")
    first, second = Scripted([Step("a", result=1), Step("b")]), Scripted([Step("a", result=2)])
    runner.ask("first", first, lane="model 1", reader="x")
    first.release()
    runner.wait("first", PATIENCE_S)
    runner.ask("second", second, lane="model 2", reader="y")
    second.release()
    assert second.starts == 0
    first.release()
    assert runner.wait("second", PATIENCE_S, finished=True).result == 2
    assert first.starts == 1


def test_a_job_that_nobody_looks_at_makes_room_for_another_lane_and_starts_anew_later():
    runner = Runner("t")
    first = Scripted([Step("a", result=1), Step("b"), Step("c")])
    second = Scripted([Step("a", result=2)])
    runner.ask("first", first, lane="model 1", reader="x")
    first.release()
    runner.wait("first", PATIENCE_S)
    runner.ask("second", second, lane="model 2", reader="x")
    second.release()
    first.release()  # it may be in the middle of a step, which is not interrupted
    assert runner.wait("second", PATIENCE_S, finished=True).result == 2
    assert first.closed.is_set()
    assert runner.look("first").result == 1
    first.release(3)
    assert runner.wait("first", PATIENCE_S, finished=True).finished
    assert first.starts == 2


def test_no_page_waits_while_a_job_that_is_put_back_ends():
    runner = Runner("t")
    closing, let_go_on, let_end = threading.Event(), threading.Event(), threading.Event()

    def load():
        try:
            yield Step("loading", result=1)
            assert let_go_on.wait(PATIENCE_S)
            yield Step("loading on", result=2)
        finally:
            closing.set()
            assert let_end.wait(PATIENCE_S)

    runner.ask("load", load, lane="model 1", reader="x")
    runner.wait("load", PATIENCE_S)
    runner.ask("next", lambda: iter([Step("a", result=3)]), lane="model 2", reader="x")
    let_go_on.set()
    assert closing.wait(PATIENCE_S)
    look = threading.Thread(target=runner.look, args=["load"], daemon=True)
    look.start()
    look.join(2.0)
    waited = look.is_alive()
    let_end.set()
    assert not waited
    assert runner.wait("next", PATIENCE_S).result == 3


def test_an_alas_error_is_kept_as_its_text_until_forgotten():
    runner = Runner("t")
    runner.ask("k", lambda: failing(InputError("no sound, expected some")))
    state = runner.wait("k", PATIENCE_S, finished=True)
    assert (state.error, state.defect) == ("no sound, expected some", False)
    assert state.problem == state.error
    runner.forget("k")
    assert runner.look("k") is None


def test_any_other_error_is_a_defect_whose_id_is_in_the_log(caplog):
    runner = Runner("t")
    runner.ask("k", lambda: failing(ZeroDivisionError("secret path /home/x")))
    state = runner.wait("k", PATIENCE_S, finished=True)
    assert state.defect
    assert state.error in caplog.text
    assert "secret" not in state.error
    assert "a defect of the program" in state.problem
    assert state.error in state.problem
    other = runner.ask("other", lambda: iter([Step("s", result=1)]))
    assert runner.wait("other", PATIENCE_S).result == 1, other


def test_the_runner_remembers_only_so_many():
    runner = Runner("t", max_kept=2)
    for key in "abc":
        runner.ask(key, lambda: iter([Step("s", result=1)]))
        runner.wait(key, PATIENCE_S, finished=True)
    runner.ask("c", lambda: iter([Step("s", result=1)]))
    assert runner.look("a") is None
    assert runner.look("c").result == 1


def test_open_jobs_take_no_room_from_finished_ones():
    runner = Runner("t", max_kept=2)
    for key in "ab":
        runner.ask(key, lambda: iter([Step("s", result=1)]))
        runner.wait(key, PATIENCE_S, finished=True)
    slow = Scripted([Step("s", result=1)] * 3)
    for key in "xyz":
        runner.ask(key, slow, reader=key)
    state = runner.ask("a", slow)
    assert (state.finished, state.result) == (True, 1)
    assert runner.look("b").result == 1
    slow.release(9)


class Sound:
    """Something that can be seen to be gone."""


def test_an_ended_job_holds_nothing_that_it_was_made_from():
    runner, sound = Runner("t"), Sound()
    held = weakref.ref(sound)

    def steps(used):
        yield Step("s", result=used is not None)

    def ask(used):
        runner.ask("k", lambda: steps(used))

    ask(sound)
    assert runner.wait("k", PATIENCE_S, finished=True).result
    del sound
    eventually(lambda: held() is None)
    assert runner.look("k").result


def test_what_is_made_of_a_recording_is_dropped_everywhere_also_under_way():
    first, second = Runner("t"), Runner("t2")
    log = []
    going, other = Scripted([Step("a"), Step("b")]), Scripted([Step("c", result=1)], log, "other")
    first.ask("going", going, lane="x", of="mine, backwards")
    going.release()
    eventually(lambda: first.look("going").stage == "a")
    first.ask("other", other, lane="y", of="somebody's")
    second.ask("ended", lambda: iter([Step("s", result=1)]), of="mine")
    second.wait("ended", PATIENCE_S, finished=True)
    jobs.drop_everywhere(lambda used_id: used_id.startswith("mine"))
    assert (first.look("going"), second.look("ended")) == (None, None)
    going.release()  # it may be in the middle of a step, which ends first
    assert going.closed.wait(PATIENCE_S)
    other.release()
    assert first.wait("other", PATIENCE_S).result == 1


def test_a_job_that_has_not_begun_is_dropped_once_nobody_waits_for_it(monkeypatch):
    runner, slow = Runner("t"), Scripted([Step("s")])
    runner.ask("slow", slow, reader="a")
    eventually(lambda: slow.starts)
    for key in ("passed by", "waited for"):
        runner.ask(key, Scripted([Step("s")]), reader="b")
    runner.ask("other", Scripted([Step("s")]), reader="c")
    assert runner.look("passed by") is not None  # not at once: its reader may come back
    later = time.monotonic() + 60
    monkeypatch.setattr("alas_core.ui.jobs.time.monotonic", lambda: later)
    runner.ask("other", Scripted([Step("s")]), reader="c")
    assert runner.look("passed by") is None
    assert runner.look("waited for") is not None  # a closed tab does not stop a computation
    assert runner.look("slow") is not None
    slow.release(9)


NASTY = [
    "**bold** _it_ `code` # head",
    "<b>html</b> <script>alert(1)</script> &amp;",
    "$x^2$ and $$y$$ \\(z\\)",
    ":red[colour] :smile: :material/home: :small[x]",
    "[link](http://a.b) ![i](x.png) <http://a.b> http://a.b www.a.b me@a.b",
    "a -> b <- c -- d >= e",
    "- list\n1. two\n> quote\n\n    code",
    "| a | b |\n|---|---|",
    "~~gone~~ \\* \\",
]


@pytest.mark.parametrize("text", NASTY)
def test_plain_keeps_every_letter_and_arms_none(text):
    safe = plain(text)
    unescaped = safe.replace("\N{WORD JOINER}", "")
    letters = iter(unescaped)
    shown = "".join(next(letters) if c == "\\" else c for c in letters)
    assert shown == " ".join(text.split())
    assert "\n" not in safe


def test_plain_breaks_what_is_replaced_after_parsing():
    for code in (":smile:", ":material/home:", "->", "http://a.b", "www.a.b", "me@a.b"):
        bare = plain(code).replace("\\", "")
        assert code not in bare, code


def test_cut():
    assert cut("a  b\nc", 10) == "a b c"
    assert cut("abcdefgh", 5) == "abcd…"


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "b", "a"], ["a", "a (2)", "b", "a (3)"]),
        (["a (2)", "a", "a"], ["a (2)", "a", "a (3)"]),
        (["a", "a", "a (2)"], ["a", "a (2)", "a (2) (2)"]),
    ],
)
def test_no_two_labels_of_a_list_are_the_same(labels, shown):
    assert list(told_apart(dict(enumerate(labels))).values()) == shown


def two_takes():
    shelf = Shelf()
    takes = [shelf.put(Recording("microphone.wav", data, "one two")) for data in (b"1", b"2")]
    return shelf.labels(takes)


def bundles_of_two_folders():
    kept = [bundles.Kept(f"{root}/fox", Path(), "the fox", "fox", "demo") for root in "ab"]
    return {one.id: gallery._label(one) for one in kept}


def two_utterances_of_a_run():
    state = {kept_runs._OPENED: {"run/a": "the fox · run", "run/b": "the fox · run"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_runs.st, "session_state", state)
        return kept_runs.labels()


def long_ids_of_a_folder():
    rows = [Row(f"{'long' * 20}/{name}", "the fox") for name in "ab"]
    data = SimpleNamespace(ids=lambda: rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FolderSource, "state", lambda _: SimpleNamespace(result=data))
        patch.setattr("alas_core.ui.folders.st.session_state", {})
        return FolderSource("talks").utterances()


@pytest.mark.parametrize(
    "source",
    [two_takes, bundles_of_two_folders, two_utterances_of_a_run, long_ids_of_a_folder],
)
def test_a_source_labels_each_of_its_utterances_in_another_way(source):
    labels = source()
    assert len(labels) == len(set(labels.values())) == 2


def test_the_newest_take_comes_first_and_an_older_one_keeps_its_label():
    assert [label.rpartition(" · ")[2] for label in two_takes().values()] == [
        "microphone.wav (2)", "microphone.wav"
    ]  # fmt: skip


def test_csv_keeps_digits_and_disarms_formulas():
    rows = [
        {"word": "=1+1", "x": -0.123456789},
        {"word": " +cmd", "x": 1e-9},
        {"word": "-", "x": 2},
    ]
    read = list(csv.DictReader(io.StringIO(tables.to_csv(rows))))
    assert [row["word"] for row in read] == ["'=1+1", "' +cmd", "'-"]
    assert [float(row["x"]) for row in read] == [-0.123456789, 1e-9, 2.0]


def test_tables_hold_every_layer_word_and_baseline():
    analysis = make_analysis(words="the red fox")
    layers, words = tables.layer_rows(analysis), tables.word_rows(analysis, 3)
    assert [row["layer"] for row in layers] == list(range(analysis.n_layers + 1))
    assert layers[2]["alas"] == pytest.approx(float(analysis.scores["alas"][2]))
    assert {"alas_baseline", "null_low", "null_high", "p", "p_adjusted"} <= set(layers[0])
    assert [row["word"] for row in words] == ["the", "red", "fox"]
    assert sum(row["tokens"] for row in words) == analysis.n_tokens
    shuffled = dict(sorted(analysis.scores.items(), key=lambda item: item[0][::-1]))
    mixed = tables.score_rows(dataclasses.replace(analysis, scores=shuffled), 0)
    assert [row["Score"] for row in mixed] == [score.label for score in SCORES.values()]
    best = next(row for row in tables.score_rows(analysis, 0) if row["Score"] == "ALAS")
    assert best["Best"].endswith(f"at layer {analysis.best_layer}")


def test_a_word_that_is_taken_for_another_is_told_in_every_file():
    base = make_analysis(words="the red fox", binding=np.full(9, 4.0))
    n_frames = int((base.frame_word == 2).sum())
    rows = tables.word_rows(mistaken(base, 2, 0, n_frames), 3)
    told = ["", "", f"the ({n_frames} of {n_frames} frames)"]
    in_csv = csv.DictReader(io.StringIO(tables.to_csv(rows)))
    in_parquet = pq.read_table(io.BytesIO(tables.to_parquet(rows))).to_pylist()
    for table in (rows, in_csv, in_parquet):
        assert [row["taken_for"] for row in table] == told


def test_the_screen_has_whole_milliseconds_and_no_column_that_is_empty_for_all_words():
    rows = [
        {"word": "grey", "onset_shift_ms": -7.6e-5, "taken_for": "", "problem": "", "alas": None},
        {"word": "fox", "onset_shift_ms": 39.6, "taken_for": "", "problem": "", "alas": 0.85},
        {"word": "or", "onset_shift_ms": None, "taken_for": "fox", "problem": "", "alas": 1.0},
    ]
    shown = tables.shown_words(rows)
    assert [row["onset_shift_ms"] for row in shown] == [0, 40, None]
    assert "-" not in str(shown[0]["onset_shift_ms"])
    assert [row["taken_for"] for row in shown] == ["", "", "fox"]
    assert [row["alas"] for row in shown] == [None, 0.85, 1.0]
    assert all("problem" not in row for row in shown)
    assert tables.shown_words([]) == []
    assert "problem" in tables.word_rows(make_analysis(), 3)[0], "the files keep every column"


def test_frames_hold_their_word_and_nearest_token_and_parquet_keeps_every_digit():
    analysis = make_analysis(words="the red fox")
    frames = tables.frame_rows(analysis, 4)
    assert len(frames) == analysis.n_frames
    spoken = [row for row in frames if row["word"] == "red"]
    assert [row["frame"] for row in spoken] == np.flatnonzero(analysis.frame_word == 1).tolist()
    assert all(row["nearest_token"] == "red" for row in spoken)
    read = pq.read_table(io.BytesIO(tables.to_parquet(frames))).to_pylist()
    assert read == frames
    assert read[0]["mass_minus_uniform"] is None  # a frame without a word


def test_the_shelf_makes_room_by_size_and_tells_contents_apart():
    shelf = Shelf(max_bytes=10)
    first = shelf.put(Recording("a.wav", b"123456", "one"))
    second = shelf.put(Recording("a.wav", b"123456", "two"))
    assert first != second
    assert shelf.get(first) is None
    assert shelf.get(second).transcript == "two"
    shelf.put(Recording("b.wav", b"1", "many words"))
    assert shelf.get(second) is None, "words take room, too"


class Address(dict):
    """As Streamlit's query parameters, counting what the browser is told."""

    n_told = 0

    def to_dict(self):
        return dict(self)

    def from_dict(self, told):
        self.n_told += 1
        self.clear()
        self.update(told)


class Browser:
    """The two parts of Streamlit that links need."""

    def __init__(self):
        self.query_params, self.session_state = Address(), {}


@pytest.fixture
def address(monkeypatch):
    fake = Browser()
    monkeypatch.setattr(url, "st", fake)
    return fake


def test_a_fresh_link_fills_the_view(address):
    address.query_params = Address({"utterance": "u7", "layer": "3", "word": "x", "other": "1"})
    url.adopt()
    assert address.session_state["utterance"] == "u7"
    assert address.session_state["layer"] == 3
    assert "word" not in address.session_state


def test_a_choice_is_not_undone_by_a_browser_that_has_not_heard_of_it_yet(address):
    url.publish({"utterance": "old"})
    address.session_state["utterance"] = "new"
    url.publish({"utterance": "new", "layer": 2})
    address.query_params = Address({"utterance": "old"})
    url.adopt()
    assert address.session_state["utterance"] == "new"


def test_the_back_button_works_once_the_browser_is_up_to_date(address, monkeypatch):
    url.publish({"utterance": "old"})
    url.publish({"utterance": "new", "layer": 2})
    address.session_state["utterance"], address.session_state["layer"] = "new", 2
    later = time.monotonic() + 60
    monkeypatch.setattr(url.time, "monotonic", lambda: later)
    address.query_params = Address({"utterance": "old"})
    url.adopt()
    assert address.session_state["utterance"] == "old"
    assert "layer" not in address.session_state


def test_going_on_from_a_link_with_a_model_forgets_what_it_asked_for(address):
    address.query_params = Address({"model": "x", "layer": "2"})
    url.adopt()
    assert address.session_state["linked_model"] == "x"
    assert "model" not in address.session_state
    address.session_state["url_published"] = dict(address.query_params)
    address.query_params = Address({"layer": "2"})
    url.adopt()
    assert "linked_model" not in address.session_state


def test_back_and_forward_keep_each_source_its_own_instruction(address, monkeypatch):
    monkeypatch.setattr(settings, "st", address)
    now = time.monotonic()
    monkeypatch.setattr(url.time, "monotonic", lambda: now)
    state = address.session_state

    def run(**chosen):
        """A run of the app, a minute later; what is chosen stands in its widgets."""
        nonlocal now
        now += 60
        state.update(chosen)
        url.adopt()
        url.settle()
        settings.keep_instructions_apart(state.get("data", "demo"))
        url.publish({"data": state.get("data")})
        return state["instruction"]

    run(instruction="A")
    demos = Address(address.query_params)
    assert run(data="yours") == ""
    bare = Address(address.query_params)
    assert run(instruction="B") == "B"
    for there, instruction in ((demos, "A"), (bare, ""), (demos, "A")):
        address.query_params = Address(there)
        assert run() == instruction
    assert run(data="yours") == ""  # as it was looked at last
    address.query_params = Address(demos)
    assert run() == "A"


def test_all_choices_are_told_to_the_browser_at_once_and_only_if_they_are_new(address):
    address.query_params = Address({"utterance": "old", "word": "3", "else": "1"})
    url.publish({"utterance": "new", "layer": 2})
    assert address.query_params == {"utterance": "new", "layer": "2", "else": "1"}
    url.publish({"utterance": "new", "layer": 2})
    assert address.query_params.n_told == 1


def test_a_page_change_that_empties_the_url_changes_nothing(address):
    url.publish({"utterance": "new"})
    address.session_state["utterance"] = "new"
    address.query_params = Address({})
    url.adopt()
    url.publish({"utterance": "new"})
    assert address.session_state["utterance"] == "new"
    assert address.query_params == {"utterance": "new"}


def test_a_job_without_a_lane_waits_for_nobody():
    runner = Runner("t")
    first = Scripted([Step("a", result=1), Step("b"), Step("c")])
    runner.ask("first", first, lane="model 1", reader="x")
    first.release()
    runner.wait("first", PATIENCE_S)
    bundle = Scripted([Step("a", result=2)])
    runner.ask("bundle", bundle, reader="y")
    first.release()  # it may be in the middle of a step, which is not interrupted
    bundle.release()
    assert runner.wait("bundle", PATIENCE_S).result == 2
    first.release(2)
    assert runner.wait("first", PATIENCE_S, finished=True).finished
    assert first.starts == 1


NONSENSE = {
    "layer": ["-1", "1.5", "x", "99999"],
    "temperature": ["0", "nan", "inf", "1e9", "x"],
    "centering": ["median", "None"],
    "mask_sinks": ["yes", "2"],
    "n_null": ["200", "-1"],
    "fold": ["sideways"],
    "projection": ["tsne"],
    "score": ["<b>"],
    "instruction": ["x" * 2001],
    "b": ["everything"],
    "frame": ["-2", "1e3"],
    "trails": ["0,x", "1;2", "-1"],
    "trust": ["blindly"],
    "control_speed": ["0.91", "nan"],
    "reference": ["whisper", "file:abc"],
    "second": ["whisper", "file:abc"],
    "b_layer": ["-1", "x"],
    "run_threshold": ["1.1", "nan", "x"],
    "run_kept": ["yes"],
    "run_first": ["middle"],
    "run_only_speaker": ["x" * 2001],
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_in_a_link_says_nothing(address, name):
    for text in NONSENSE[name]:
        address.query_params = Address({name: text})
        url.adopt()
        assert name not in address.session_state, text


def test_what_is_written_is_read_back(address):
    chosen = {
        "layer": 3,
        "word": 2,
        "frame": 40,
        "token": 7,
        "trails": ["0", "2"],
        "trust": "controls",
        "controls": ["noise", "speed"],
        "control_speed": 1.25,
        "reference": "own",
        "score": "hit_rate",
        "fold": "words",
        "temperature": 0.25,
        "centering": "mean",
        "n_null": 20,
        "map_parts": [],
        "instruction": "repeat: a & b = c",
        "b": ["model", "settings"],
        "b_temperature": 0.5,
        "b_layer": 2,
        "second": "pocketsphinx",
        "run_only_speaker": ["Lee, Anna", "100%", "%2C"],
        "run_kept": True,
        "run_threshold": 0.35,
        "run_first": "best",
    }
    for page in ("explore", "compare", "corpus"):
        address.session_state.clear()
        address.session_state.update(chosen)
        url.publish({}, page)
        told = dict(address.query_params)
        own = {name for name in chosen if parameters.PARAMETERS[name].page in ("", page)}
        assert set(told) == own
        address.session_state.clear()
        url.adopt()
        assert {name: address.session_state[name] for name in own} == {n: chosen[n] for n in own}


def test_a_list_with_nothing_in_it_is_a_choice_too(address):
    address.query_params = Address({"map_parts": ""})
    url.adopt()
    url.settle()
    assert address.session_state["map_parts"] == []
    url.publish({})
    assert address.query_params == {"map_parts": parameters.NONE}


def test_another_recording_has_other_words_frames_and_tokens(address):
    address.session_state.update({"layer": 3, "word": 2, "frame": 40, "token": 7, "trails": ["0"]})
    address.session_state.update({"part": "0-3", "said": "x"})
    url.forget_choice()
    url.settle()
    assert address.session_state["layer"] == 3
    assert address.session_state["trails"] == []
    assert address.session_state["part"] == address.session_state["said"] == ""
    assert not {"word", "frame", "token"} & set(address.session_state)


def test_a_choice_outlives_a_page_that_does_not_draw_it(address):
    url.settle()
    assert address.session_state["fold"] == "time"
    assert "layer" not in address.session_state  # unsaid: the best one
    address.session_state["fold"] = "words"
    url.settle()
    assert address.session_state["fold"] == "words"


def test_an_event_of_another_picture_or_out_of_nowhere_is_no_choice():
    analysis = make_analysis(n_layers=2, n_frames=20)
    bounds = sheet._bounds(analysis)
    chosen = {"layer": 2, "word": 1, "frame": 7, "token": None, "nonce": 1}
    own = {**chosen, "analysis": analysis.key.digest}
    assert sheet._event(own, bounds) == sheet.SheetEvent(2, 1, 7, None)
    assert sheet._event({**own, "word": 99}, bounds) == sheet.SheetEvent(2, None, 7, None)
    other = make_analysis(n_layers=2, n_frames=20, words="a dog runs far away")
    for wrong in (chosen, {**own, "analysis": other.key.digest}, {**own, "layer": 3}, "pick", None):
        assert sheet._event(wrong, bounds) is None


def test_the_sheet_for_print_travels_without_its_cells_labels():
    figure = details._FIGURES["Sheet"](make_analysis(), 3)
    cells = [trace for trace in figure.data if trace.type == "heatmap" and trace.meta]
    assert {trace.name for trace in cells} >= {"tier", "layers", "similarity"}
    assert all(trace.customdata is None and trace.meta["columns"] for trace in cells)
