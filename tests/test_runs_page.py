"""The Runs page without a browser: a run started, watched, paused, cancelled, resumed."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alas_core.batch import command, control, runner
from alas_core.batch.plan import RunOrder
from alas_core.batch.record import Record, dumps
from alas_core.batch.roots import Found, found_runs
from alas_core.errors import InputError
from alas_core.models import registry
from alas_core.numerals import number
from alas_core.place import Place
from alas_core.types import Settings
from alas_core.ui import new_run, run_drawer
from alas_core.ui import workshop as workshops
from alas_core.ui.folders import places
from alas_core.ui.jobs import Step
from alas_core.ui.workshop import workshop
from tests.browsers import ROOT
from tests.corpora import TRANSCRIPT, fake_model, make_corpus
from tests.runs import make_run

pytestmark = pytest.mark.timeout(300)
PATIENCE_S = 120.0
WHISPER = "openai/whisper-large-v3"


@pytest.fixture(autouse=True)
def corpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A corpus in the server's folders, an empty root of runs, and a model that is quick."""
    registry.register(fake_model())
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("ALAS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("ALAS_DATA_ROOTS", str(tmp_path / "data"))
    monkeypatch.setattr(control, "_LOOK_LOCAL_S", 0)
    monkeypatch.setattr(runner, "_SAVE_LOCAL_S", 0)
    yield make_corpus(tmp_path / "data" / "corpus", 5, {2: "cut"})
    until(lambda: not workshop.busy())
    registry.unregister("fake-run")


def until(true: Callable[[], object]) -> None:
    """Wait for another thread."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def draw() -> None:
    """The page inside of the app: a page alone is run twice, and a click is lost on the way."""
    import runpy

    from alas_core.ui import shell

    with shell.inside():
        shell.navigation()
        runpy.run_path("pages/runs.py")


def page() -> AppTest:
    at = AppTest.from_function(draw, default_timeout=PATIENCE_S).run()
    assert not at.exception
    return at


def fill(at: AppTest, corpus: Path, name: str = "mine") -> AppTest:
    listed = f"{corpus.parent.name}/{corpus.name}"
    at.session_state["run_source"] = listed if listed in places() else str(corpus)
    at.session_state["run_model"] = "fake-run"
    at.session_state["run_reference"] = "own"
    at.session_state["run_n_null"] = 0
    at.session_state["run_name"] = name
    return at.run()


def start(at: AppTest, corpus: Path, name: str = "mine") -> AppTest:
    fill(at, corpus, name).button(key="run_start").click()
    at.run()
    assert not at.exception
    return at


def the_run() -> Found:
    (run,) = found_runs()
    return run


def said(at: AppTest) -> str:
    texts = [element.value for element in (*at.caption, *at.markdown, *at.error, *at.info)]
    return " ".join(texts).replace("\\", "")


def test_a_run_is_started_and_ends_with_what_it_skipped(corpus: Path) -> None:
    at = page()
    assert "No run yet" in said(at)
    start(at, corpus)
    until(lambda: not workshop.busy())
    at.run()
    run = the_run()
    assert (run.name, run.state) == ("mine", "finished")
    assert run.info["settings"]["n_null"] == 0
    assert "4 of 5 utterances analysed, 1 skipped" in said(at)
    (log,) = at.dataframe
    assert log.value["utterance"].tolist() == ["u002"]
    make_corpus(corpus, 5)
    at.button(key="mine-start").click().run()
    until(lambda: not workshop.busy())
    assert the_run().progress.done == 5


def test_a_finished_run_tells_how_long_it_took_and_what_it_comes_to(
    corpus: Path, tmp_path: Path
) -> None:
    at = start(page(), corpus)
    until(lambda: not workshop.busy())
    result = the_run().info["result"]
    told = said(at.run())
    best = f"Mean ALAS {number(result['alas'])} at its best layer, {result['layer']} of"
    assert best in told
    assert f"(n = 4); permuted words reach {number(result['null_high'])} there." in told
    file = tmp_path / "runs" / "mine" / "run.json"
    times = {"created": "2026-01-01T00:00:00+00:00", "updated": "2026-01-01T00:12:00+00:00"}
    file.write_text(json.dumps({**json.loads(file.read_text()), **times}))
    assert "12 min from start to end" in said(at.run())
    older = {name: value for name, value in the_run().info.items() if name != "result"}
    file.write_text(json.dumps(older))
    assert "Mean ALAS" not in said(at.run())


def test_pause_resume_and_cancel_are_seen_by_every_session(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = [1]

    def wait() -> None:
        gate[0] -= 1
        until(lambda: gate[0] >= 0)

    monkeypatch.setattr(workshops, "_let_others_first", wait)
    at = start(page(), corpus)
    until(lambda: found_runs() and the_run().progress.done == 1)
    other = page()
    other.button(key="mine-pause").click().run()
    gate[0] = 1
    until(lambda: the_run().state == "paused")
    at.run()
    assert "Paused" in said(at)
    at.button(key="mine-go").click().run()
    until(lambda: the_run().state == "running")
    at.run().button(key="mine-cancel").click().run()
    gate[0] = 9
    until(lambda: not workshop.busy())
    assert the_run().state == "cancelled"
    done = the_run().progress.done
    assert 0 < done < 4
    other.run().button(key="mine-start").click().run()
    until(lambda: not workshop.busy())
    assert (the_run().state, the_run().progress.done) == ("finished", 4)


def test_a_run_lets_an_interactive_analysis_go_first(corpus: Path) -> None:
    finish = threading.Event()

    def analysis() -> Iterator[Step]:
        yield Step("listening")
        finish.wait(PATIENCE_S)

    workshops.runners.analyses.ask("somebody's", analysis)
    at = start(page(), corpus)
    until(lambda: found_runs() and the_run().owner)
    assert not workshops.runners.analyses.wait_until_idle(0)
    assert the_run().progress.done == 0
    finish.set()
    until(lambda: not workshop.busy())
    assert the_run().progress.done == 4
    at.run()


def test_one_run_at_a_time_and_the_others_are_asked_before_each_item(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    idle = workshops.runners.analyses.wait_until_idle
    monkeypatch.setattr(
        workshops.runners.analyses,
        "wait_until_idle",
        lambda timeout_s: asked.append(timeout_s) or idle(timeout_s),
    )
    control_wish = [control.PAUSE]
    monkeypatch.setattr(control.Listener, "wish", property(lambda _: control_wish[0]))
    at = start(page(), corpus)
    until(lambda: found_runs() and the_run().state == "paused")
    assert at.run().button(key="run_start").disabled
    control_wish[0] = control.GO
    until(lambda: not workshop.busy())
    assert len(asked) == 5


@pytest.mark.parametrize(
    ("source", "name", "told"),
    [
        ("/etc", "mine", "outside the folders"),
        ("no-such-corpus", "mine", "outside the folders"),
        (None, "../up", "cannot be called"),
        (None, "taken", "There is a run called taken"),
    ],
)
def test_what_cannot_be_started_says_why(
    corpus: Path,
    tmp_path: Path,
    source: str | None,
    name: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(new_run, "_sources", lambda: [source or "data/corpus"])  # as if typed
    make_run(tmp_path / "runs" / "taken", n=2, n_layers=2)
    at = start(page(), Path(source) if source else corpus, name)
    assert told in said(at)
    assert not workshop.busy()


def times_outside(tmp_path: Path) -> Path:
    """A file of word times that the server's folders do not hold."""
    secret = tmp_path / "secret.json"
    secret.write_text('{"password": "kept out"}', encoding="utf-8")
    return secret


@pytest.mark.parametrize("linked", [False, True])
def test_word_times_outside_the_servers_folders_are_not_read(
    corpus: Path, tmp_path: Path, linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = times_outside(tmp_path)
    if linked:
        (corpus / "times.json").symlink_to(secret)
        secret = corpus / "times.json"
    as_if_typed = {**new_run._REFERENCES, str(secret): "typed"}
    monkeypatch.setattr(new_run, "_REFERENCES", as_if_typed)
    at = fill(page(), corpus)
    at.session_state["run_reference"] = str(secret)
    at.run().button(key="run_start").click().run()
    until(lambda: not workshop.busy())
    assert "outside the folders that this server opens" in said(at)
    assert not found_runs()


def test_a_resumed_run_reads_no_word_times_outside_the_servers_folders(
    corpus: Path, tmp_path: Path
) -> None:
    """Its `run.json` may come from the command line, which may read anything."""
    secret = times_outside(tmp_path)
    order = RunOrder(f"{corpus}", "fake-run", reference=str(secret), settings=Settings(n_null=0))
    (*_, last) = runner.Run(order, str(tmp_path / "runs" / "mine")).steps()
    assert last.state == "finished"
    at = page()
    before = the_run().info["updated"]
    at.button(key="mine-start").click().run()
    until(lambda: not workshop.busy())
    assert "outside the folders that this server opens" in said(at.run())
    assert the_run().info["updated"] == before


def test_a_model_that_does_not_load_is_told_after_the_start(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        new_run.catalogue, "models", lambda: {"/no/such/model": "a", "fake-run": "b"}
    )
    at = fill(page(), corpus)
    at.session_state["run_model"] = "/no/such/model"
    at.run().button(key="run_start").click()
    at.run()
    until(lambda: not workshop.busy())
    assert "/no/such/model" in said(at.run())


def test_a_task_brings_its_instruction(corpus: Path) -> None:
    at = page()
    at.selectbox(key="run_task").select("emotion").run()
    assert at.text_area(key="run_instruction").value.startswith("classify the emotion")
    at.selectbox(key="run_task").select("own").run()
    assert at.text_area(key="run_instruction").value == ""


def test_a_run_downloads_nothing_before_the_button_is_pressed(
    corpus: Path, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = {"someone/some-speech-model": "a", "fake-run": "b"}
    monkeypatch.setattr(new_run.catalogue, "models", lambda: offered)
    at = fill(page(), corpus)
    at.session_state["run_model"] = "someone/some-speech-model"
    at.run().button(key="run_start").click().run()
    assert "'someone/some-speech-model' is not on this machine; press 'Download" in said(at)
    assert not asked
    assert not found_runs()
    at.button(key="run_agree_download").click().run()
    at.button(key="run_start").click().run()
    until(lambda: not workshop.busy())
    assert set(asked) == {"someone/some-speech-model"}


def test_a_run_downloads_no_aligner_before_the_button_is_pressed(
    corpus: Path, asked: dict[str, str]
) -> None:
    at = fill(page(), corpus)
    at.session_state["run_reference"] = "whisper"
    at.run().button(key="run_start").click().run()
    until(lambda: not workshop.busy())
    assert f"'{WHISPER}' is not on this machine; press 'Download and load' under Ref" in said(at)
    assert not asked
    at.button(key="run_reference_agree_download").click().run()
    at.button(key="run_start").click().run()
    until(lambda: not workshop.busy())
    assert set(asked) == {WHISPER}


@pytest.mark.parametrize(
    ("ran", "missing"),
    [({"model": "someone/some-speech-model"}, "someone/some"), ({"reference": "whisper"}, WHISPER)],
)
def test_a_run_is_resumed_with_a_download_only_by_a_button_that_says_so(
    corpus: Path, tmp_path: Path, asked: dict[str, str], ran: dict[str, str], missing: str
) -> None:
    at = start(page(), corpus)
    until(lambda: not workshop.busy())
    file = tmp_path / "runs" / "mine" / "run.json"
    elsewhere = {**json.loads(file.read_text()), "state": "cancelled", **ran}
    file.write_text(json.dumps(elsewhere))
    button = at.run().button(key="mine-start")
    assert button.label == "Download and resume"
    assert f"Not on this machine: {missing}" in button.help.replace("\\", "")
    assert not asked
    button.click().run()
    until(lambda: not workshop.busy())
    assert any(name.startswith(missing) for name in asked)
    assert at.run().button(key="mine-start").label == "Resume"


def test_any_two_names_of_runs_stand_beside_each_other(tmp_path: Path) -> None:
    names = ("a.b", "a-b", "run-a", "a-start")
    for name in names:
        make_run(tmp_path / "runs" / name, n=2, n_layers=2)
    at = page()
    assert not at.error
    assert all(f"**{name}**" in said(at) for name in names)


def test_a_run_without_counts_says_so_and_the_others_are_listed(tmp_path: Path) -> None:
    for name in ("whole", "cut"):
        make_run(tmp_path / "runs" / name, n=2, n_layers=2)
    file = tmp_path / "runs" / "cut" / "run.json"
    info = json.loads(file.read_text())
    del info["counts"]
    file.write_text(json.dumps(info))
    at = page()
    (told,) = (error.value for error in at.error)
    assert "counts" in told
    assert "cannot be understood" in told
    assert "**whole**" in said(at)
    assert "**cut**" in said(at)


def test_what_is_skipped_again_is_listed_with_its_new_reason(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "runs" / "a", n=2, n_layers=2, n_skipped=1)
    file, place = folder / "run.json", Place(str(folder))
    for second, reason in enumerate(("too long", "no words")):
        skipped = {"stage": "Listening", "reason": reason, "kind": "InputError"}
        place.write("parts/1-2.skipped", dumps(Record("u1", skipped=skipped)))
        info = json.loads(file.read_text()) | {"updated": f"2026-01-01T00:00:0{second}"}
        file.write_text(json.dumps(info))
        at = page()
        assert list(at.dataframe[0].value["reason"]) == [reason]


def test_a_defect_in_the_list_is_told_with_its_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_run(tmp_path / "runs" / "a", n=2, n_layers=2)
    monkeypatch.setattr("alas_core.ui.runs._card", lambda _: {}["a secret path"])
    at = page()
    told = " ".join(error.value for error in at.error)
    assert "This is a defect of the program" in told
    assert "secret" not in told
    assert "in the list of runs" in caplog.text


def test_names_and_reasons_are_text_and_a_gallery_only_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(tmp_path / "runs" / "a", n=2, n_layers=2, model="<img src=x> **bold**")
    newer = make_run(tmp_path / "runs" / "b", n=2, n_layers=2)
    (newer / "run.json").write_text("{")
    monkeypatch.setenv("ALAS_READONLY", "1")
    at = page()
    captions = " ".join(element.value for element in at.caption)
    assert "\\<img" in captions
    assert "\\*\\*bold" in captions
    assert "cannot be understood" in said(at)
    assert not at.button
    assert folder.exists()


def test_defaults_of_the_form_are_those_of_the_settings(corpus: Path) -> None:
    assert page().number_input(key="run_n_null").value == Settings().n_null


def test_the_columns_of_a_table_are_chosen_and_the_run_reads_it_so(corpus: Path) -> None:
    rows = ["sound\tsaid\tmeant", f"audio/u000.flac\tnothing\t{TRANSCRIPT}"]
    (corpus.parent / "list").mkdir()
    (corpus.parent / "list" / "rows.tsv").write_text("\n".join(rows))
    shutil.copytree(corpus / "audio", corpus.parent / "list" / "audio")
    places.__globals__["_found"].clear()
    at = page()
    at.selectbox(key="run_source").select("data/list/rows.tsv").run()
    (columns,) = [button for button in at.button if button.label == "Columns …"]
    columns.click().run()
    at.selectbox(key="column_audio_data/list/rows.tsv").select("sound")
    at.selectbox(key="column_text_data/list/rows.tsv").select("meant")
    (use,) = [button for button in at.button if button.label == "Use these columns"]
    use.click().run()
    assert at.session_state["run_source"] == "data/list/rows.tsv?audio=sound&text=meant"
    assert "data" not in at.session_state, "Explore looks at what it looked at before"
    at.selectbox(key="run_model").select("fake-run")
    at.number_input(key="run_n_null").set_value(0)
    at.text_input(key="run_name").set_value("mine").run()
    at.button(key="run_start").click().run()
    until(lambda: not workshop.busy())
    assert the_run().info["source"].endswith("rows.tsv?audio=sound&text=meant")


def test_the_drawer_says_how_the_model_is_loaded_and_what_is_kept(corpus: Path) -> None:
    at = fill(page(), corpus)
    assert at.toggle(key="run_bundles").value
    assert at.toggle(key="run_answers").value
    at.toggle(key="run_bundles").set_value(False)
    at.toggle(key="run_answers").set_value(False)
    at.selectbox(key="run_dtype").select("float32")
    at.text_input(key="run_revision").set_value("v1")
    at.run().button(key="run_start").click().run()
    until(lambda: not workshop.busy())
    info = the_run().info
    assert (info["bundles"], info["answers"]) == (False, False)
    assert info["loading"]["dtype"] == "float32"
    assert info["loading"]["revision"] == "v1"
    assert "dtype" not in at.session_state, "the session's own model stays as it is"


def test_settings_of_the_score_stand_in_the_drawer_and_reach_the_run(corpus: Path) -> None:
    at = page()
    default = Settings()
    assert at.number_input(key="run_temperature").value == default.temperature
    assert at.selectbox(key="run_centering").value == default.centering
    assert at.toggle(key="run_mask_sinks").value == default.mask_sinks
    assert at.toggle(key="run_instruction_first").value == default.instruction_first
    fill(at, corpus)
    at.number_input(key="run_temperature").set_value(0.25)
    at.selectbox(key="run_centering").select("mean")
    at.toggle(key="run_mask_sinks").set_value(True)
    at.toggle(key="run_instruction_first").set_value(False)
    at.run().button(key="run_start").click().run()
    until(lambda: not workshop.busy())
    wanted = Settings(0.25, "mean", mask_sinks=True, instruction_first=False, n_null=0)
    assert Settings(**the_run().info["settings"]) == wanted
    assert "temperature" not in at.session_state, "Explore's own settings stay as they are"


def test_only_clusters_that_the_owner_names_get_runs(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str | None, int]] = []
    monkeypatch.setattr(run_drawer.importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(
        command, "pool_for", lambda ray, cpus: given.append((ray, cpus)) or runner.Here
    )
    assert page().selectbox(key="run_workers").disabled
    with pytest.raises(InputError, match="ALAS_RAY"):
        workshop.start("mine", RunOrder(str(corpus)), ray="ray://elsewhere:10001")
    monkeypatch.setenv("ALAS_RAY", "auto, head:6379")
    at = fill(page(), corpus)
    at.selectbox(key="run_workers").select("head:6379").run()
    at.number_input(key="run_cpus").set_value(2).run()
    at.button(key="run_start").click().run()
    until(lambda: not workshop.busy())
    assert given == [("head:6379", 2)]
    assert the_run().state == "finished"


def test_the_link_to_a_data_set_takes_the_view_along(tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "made", n=3)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    at.query_params.update({"layer": "3", "n_null": "7"})
    for _ in range(2):
        at.switch_page("pages/runs.py").run()
        (link,) = at.get("page_link")
        assert link.proto.query_string == "layer=3&n_null=7&run=made"
        at.query_params.clear()  # as Streamlit does when the page changes
    at.query_params.update({"layer": "3", "n_null": "7", "run": "made"})
    at.switch_page("pages/corpus.py").run()
    assert not at.exception
    assert (at.session_state["layer"], at.session_state["n_null"]) == (3, 7)
