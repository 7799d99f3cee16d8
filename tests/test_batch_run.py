"""A run from its start to its tables: resumed, paused, cancelled, locked, refused, killed."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alas_core.audio import to_flac_bytes
from alas_core.batch import control, schema
from alas_core.batch.folder import RunFolder, open_run
from alas_core.batch.lock import RunLock, owner_of
from alas_core.batch.plan import order_of
from alas_core.batch.progress import Progress
from alas_core.batch.runner import Here, Run
from alas_core.bundle import loads
from alas_core.datasets import UtteranceFolder
from alas_core.errors import AlasError, InputError, StoreError
from alas_core.models import registry
from alas_core.models.fake import FakeSpeechLLM
from alas_core.models.identity import Loading
from alas_core.place import Place
from alas_core.types import Settings
from tests.corpora import TRANSCRIPT, fake_model, fake_order, make_corpus
from tests.factory import make_audio


@pytest.fixture(autouse=True)
def model() -> Iterator[FakeSpeechLLM]:
    fake = fake_model()
    registry.register(fake)
    yield fake
    registry.unregister(fake.info.model_id)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return make_corpus(tmp_path / "corpus")


@pytest.fixture
def out(tmp_path: Path) -> str:
    return str(tmp_path / "out")


def finish(corpus: Path, out: str, **changes: Any) -> RunFolder:
    for _ in Run(fake_order(corpus, **changes), out).steps():
        pass
    return open_run(out)


def rows(run: RunFolder, table: str) -> list[dict[str, Any]]:
    return run.table(table).to_pylist()


def test_tables_hold_what_the_analyses_hold(corpus: Path, out: str) -> None:
    run = finish(corpus, out)
    utterances = rows(run, "utterances")
    assert [row["utterance"] for row in utterances] == [f"u{i:03d}" for i in range(6)]
    assert [row["meta_take"] for row in utterances] == list(range(6))
    scores = run.table("scores").to_pandas().set_index(["utterance", "layer"])
    words = run.table("words").to_pandas()
    cross = []
    for row in utterances:
        analysis = loads(run.bundle(row["bundle"]))
        assert analysis.utterance.id == row["utterance"]
        assert (row["n_frames"], row["n_words"]) == (analysis.n_frames, 4)
        assert (row["expected"], row["answer_audio"]) == (TRANSCRIPT, analysis.answers["audio"])
        assert (row["correct_audio"], row["correct_text"], row["kept"]) == (True, True, True)
        assert row["answer_similarity"] == 1
        assert (row["speaker"], row["best_layer"]) == (row["meta_voice"], analysis.best_layer)
        mine = scores.loc[row["utterance"]]
        for name in analysis.scores:
            np.testing.assert_array_equal(mine[name], analysis.scores[name], err_msg=name)
            np.testing.assert_array_equal(mine[f"baseline_{name}"], analysis.baselines[name])
        quick = analysis.quick_null
        np.testing.assert_array_equal(mine["null_high"], quick.high)
        np.testing.assert_allclose(mine["null_mean"], quick.samples.mean(axis=0), rtol=1e-6)
        said = words[words["utterance"] == row["utterance"]]
        assert said["word"].tolist() == TRANSCRIPT.split()
        np.testing.assert_allclose(
            said["alas"], analysis.word_scores["alas"][analysis.best_layer], rtol=1e-6
        )
        cross.append(analysis.cross_layer["cka"].astype(float))
    means = run.table("cross_layer").to_pandas()
    cka = means[means["name"] == "cka"]
    np.testing.assert_allclose(cka["mean"], np.mean(cross, axis=0).ravel(), rtol=1e-6)
    assert set(cka["n"]) == {6}
    assert run.info["counts"] == {"total": 6, "done": 6, "skipped": 0}


def test_poisoned_items_are_recorded_and_the_run_goes_on(tmp_path: Path, out: str) -> None:
    poison = {1: "cut", 2: "wordless", 3: "untimed"}
    run = finish(make_corpus(tmp_path / "corpus", 5, poison), out)
    assert [row["utterance"] for row in rows(run, "utterances")] == ["u000", "u004"]
    skipped = {row["utterance"]: row for row in rows(run, "skipped")}
    assert list(skipped) == ["u001", "u003", "u002"]
    assert skipped["u001"]["stage"] == "Reading the recording"
    assert "holds no word" in skipped["u002"]["reason"]
    assert skipped["u003"]["kind"] == "AlignmentError"
    assert run.info["counts"] == {"total": 5, "done": 2, "skipped": 3}


def test_an_id_that_comes_twice_is_done_once(
    corpus: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = UtteranceFolder(corpus, "twins")
    twice = (*data.ids()[:2], data.ids()[0])
    monkeypatch.setattr(data, "ids", lambda: twice)
    monkeypatch.setattr("alas_core.batch.runner.open_source", lambda _: data)
    run = finish(corpus, out)
    assert [row["utterance"] for row in rows(run, "utterances")] == ["u000", "u001"]
    (skipped,) = rows(run, "skipped")
    assert skipped["utterance"] == "u000"
    assert "used 2 times" in skipped["reason"]
    monkeypatch.undo()
    assert rows(finish(corpus, out), "skipped") == []


def test_rows_that_the_data_set_left_out_are_listed_with_row_and_column(
    tmp_path: Path, out: str
) -> None:
    make_corpus(tmp_path / "corpus", 2)
    table = tmp_path / "corpus" / "list.csv"
    table.write_text(
        "id,audio,transcript\nu000,audio/u000.flac,the red fox sleeps\nu001,audio/no.flac,fox\n"
        "u000,audio/u001.flac,the red fox sleeps\n"
    )
    (tmp_path / "words.json").write_text((tmp_path / "corpus/references/u000.json").read_text())
    run = finish(table, out, reference=str(tmp_path / "words.json"))
    assert [row["utterance"] for row in rows(run, "utterances")] == ["u000"]
    absent, twice = rows(run, "skipped")
    assert absent["utterance"] == "u001"
    assert absent["reason"].startswith("line 3, column 'audio': the file ")
    assert twice["utterance"] == "line 4"
    assert "column 'id'" in twice["reason"]
    assert "line 2" in twice["reason"]


def test_a_task_brings_its_instruction_and_a_users_text_is_filled_in(
    corpus: Path, tmp_path: Path
) -> None:
    emotion = finish(corpus, str(tmp_path / "a"), task="er", limit=1)
    (row,) = rows(emotion, "utterances")
    assert row["task"] == "emotion"
    told = loads(emotion.bundle(row["bundle"])).provenance["instruction"]
    assert told.startswith("classify the emotion of the speaker")
    own = finish(corpus, str(tmp_path / "b"), instruction="Say {question}!", limit=1)
    (row,) = rows(own, "utterances")
    assert loads(own.bundle(row["bundle"])).provenance["instruction"] == "Say !"
    with pytest.raises(InputError, match="no task"):
        fake_order(corpus, task="juggling")


def test_a_transcription_asks_for_the_words_whatever_the_data_set_asks(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus", 1)
    path = corpus / "utterances.jsonl"
    asked = {"task": "color", "instruction": "what color is it", "answer": "red"}
    path.write_text(json.dumps(json.loads(path.read_text()) | asked))
    (own,) = rows(finish(corpus, str(tmp_path / "own")), "utterances")
    assert (own["task"], own["expected"]) == ("color", "red")
    run = finish(corpus, str(tmp_path / "words"), task="transcribe")
    (row,) = rows(run, "utterances")
    assert (row["task"], row["expected"]) == ("transcribe", TRANSCRIPT)
    told = loads(run.bundle(row["bundle"])).provenance["instruction"]
    assert told
    assert told == fake_model().default_instruction("transcribe")
    (felt,) = rows(finish(corpus, str(tmp_path / "felt"), task="emotion"), "utterances")
    assert felt["expected"] is None, "red is no emotion"


def test_large_whole_numbers_of_a_data_set_are_kept_as_text(tmp_path: Path, out: str) -> None:
    corpus = make_corpus(tmp_path / "corpus", 2)
    path = corpus / "utterances.jsonl"
    path.write_text(path.read_text().replace('"take": 1', f'"take": {2**60}'))
    run = finish(corpus, out)
    assert run.state == "finished"
    assert [row["meta_take"] for row in rows(run, "utterances")] == ["0", str(2**60)]


@pytest.mark.parametrize("field", ["answer", "instruction", "choices", "mood"])
def test_what_a_row_says_beside_its_words_is_part_of_it(
    corpus: Path, out: str, model: FakeSpeechLLM, field: str
) -> None:
    finish(corpus, out)
    path = corpus / "utterances.jsonl"
    first, *others = path.read_text().splitlines()
    changed = {"choices": ["red", "blue"]}.get(field, "another")
    path.write_text("\n".join([json.dumps(json.loads(first) | {field: changed}), *others]))
    model.calls.clear()
    run = finish(corpus, out)
    assert model.calls["audio_states"] == 1
    assert len(rows(run, "utterances")) == 6
    assert all(Path(out, row["bundle"]).exists() for row in rows(run, "utterances"))


def test_a_row_that_is_gone_is_in_no_table_and_comes_back_as_it_was(
    corpus: Path, out: str, model: FakeSpeechLLM
) -> None:
    finish(corpus, out)
    path = corpus / "utterances.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[1:]))
    run = finish(corpus, out)
    assert [row["utterance"] for row in rows(run, "utterances")] == [f"u00{i}" for i in range(1, 6)]
    assert run.info["counts"] == {"total": 5, "done": 5, "skipped": 0}
    path.write_text("\n".join(lines))
    model.calls.clear()
    assert len(rows(finish(corpus, out), "utterances")) == 6
    assert not model.calls


def test_a_kill_between_a_copied_part_and_its_old_name_costs_no_analysis(
    corpus: Path, out: str, model: FakeSpeechLLM
) -> None:
    finish(corpus, out)
    before = {path.name for path in Path(out, schema.PARTS).iterdir()}
    os.utime(corpus / "audio/u002.flac", ns=(1, 1))
    gone = {}
    for name in before:
        gone[name] = Path(out, schema.PARTS, name).read_bytes()
    finish(corpus, out)
    (old,) = before - {path.name for path in Path(out, schema.PARTS).iterdir()}
    Path(out, schema.PARTS, old).write_bytes(gone[old])  # as if it had not come to its removal
    model.calls.clear()
    run = finish(corpus, out)
    assert not model.calls
    assert not Path(out, schema.PARTS, old).exists()
    assert all(Path(out, row["bundle"]).exists() for row in rows(run, "utterances"))


def test_a_wish_that_comes_while_files_are_looked_at_is_heard(
    corpus: Path, out: str, model: FakeSpeechLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alas_core.batch.control._LOOK_LOCAL_S", 0)
    look = Run._tidied

    def slowly(run: Run, *arguments: Any) -> Any:
        control.wish(Place(out), control.CANCEL)
        return look(run, *arguments)

    monkeypatch.setattr(Run, "_tidied", slowly)
    assert finish(corpus, out).state == "cancelled"
    assert not model.calls["audio_states"]


def test_a_run_with_results_of_another_kind_is_not_taken_up(corpus: Path, out: str) -> None:
    finish(corpus, out, limit=2)
    path = Path(out, schema.RUN_FILE)
    info = json.loads(path.read_text())
    del info["results"]
    path.write_text(json.dumps(info))
    with pytest.raises(StoreError, match="was made with results 1, this one has"):
        finish(corpus, out)


def test_wrong_and_different_answers_are_told_apart(
    corpus: Path, out: str, model: FakeSpeechLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["the red fox sleeps", "a blue whale", "", "the red fox sleeps"])
    monkeypatch.setattr(model, "answer", lambda *_, **__: next(answers))
    monkeypatch.setattr("alas_core.batch.worker.default_encoder", lambda: None)
    first, second = rows(finish(corpus, out, limit=2), "utterances")
    assert (first["correct_audio"], first["correct_text"], first["kept"]) == (True, False, None)
    assert (second["correct_audio"], second["correct_text"], second["kept"]) == (False, True, False)


def test_full_memory_and_defects_cost_one_item_each(
    corpus: Path, out: str, model: FakeSpeechLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Exception] = [MemoryError("full"), ZeroDivisionError("on purpose")]
    listen = model.audio_states

    def audio_states(*arguments: Any) -> Any:
        if model.calls["audio_states"] in (2, 4) and errors:
            model.calls["audio_states"] += 1
            raise errors.pop(0)
        return listen(*arguments)

    monkeypatch.setattr(model, "audio_states", audio_states)
    run = finish(corpus, out)
    skipped = rows(run, "skipped")
    assert [row["kind"] for row in skipped] == ["MemoryError", "defect (ZeroDivisionError)"]
    assert all("pass over the audio" in row["stage"] for row in skipped)
    assert len(rows(run, "utterances")) == 4


def steps_until(run: Run, done: int) -> Iterator[Progress]:
    """Advance a run to so many finished items, then leave it to the caller."""
    steps = run.steps()
    for progress in steps:
        if progress.done >= done:
            break
    return steps


def test_started_again_it_repeats_nothing(corpus: Path, out: str, model: FakeSpeechLLM) -> None:
    steps_until(Run(fake_order(corpus), out), 2).close()
    stopped = open_run(out)
    assert stopped.state == "cancelled"
    assert len(rows(stopped, "utterances")) == model.calls["audio_states"] == 2
    run = finish(corpus, out)
    assert run.state == "finished"
    assert model.calls["audio_states"] == 6
    assert run.info["created"] == stopped.info["created"]
    assert len(rows(run, "utterances")) == 6
    finish(corpus, out)
    assert model.calls["audio_states"] == 6
    assert order_of(run.info).source == str(corpus)


def test_a_larger_limit_extends_a_run(corpus: Path, out: str, model: FakeSpeechLLM) -> None:
    assert finish(corpus, out, limit=2).info["counts"]["total"] == 2
    assert len(rows(finish(corpus, out, limit=5), "utterances")) == 5
    assert model.calls["audio_states"] == 5


@pytest.mark.parametrize("before", [5, None])
def test_a_smaller_limit_is_refused_and_changes_nothing(
    corpus: Path, out: str, before: int | None
) -> None:
    run = finish(corpus, out, limit=before)
    kept = Path(out, schema.RUN_FILE).read_bytes()
    total = run.info["counts"]["total"]
    with pytest.raises(
        StoreError, match=f"of {total} utterances, the limit is 2, .*at least {total}"
    ):
        finish(corpus, out, limit=2)
    assert Path(out, schema.RUN_FILE).read_bytes() == kept
    assert finish(corpus, out, limit=total).info["counts"]["total"] == total


def test_a_row_that_changed_is_done_anew(corpus: Path, out: str, model: FakeSpeechLLM) -> None:
    finish(corpus, out)
    lines = (corpus / "utterances.jsonl").read_text().splitlines()
    lines[3] = lines[3].replace('"the red fox sleeps", "task"', '"the red fox sleeps!", "task"')
    (corpus / "utterances.jsonl").write_text("\n".join(lines))
    utterances = rows(finish(corpus, out), "utterances")
    assert model.calls["audio_states"] == 7
    assert [row["transcript"][-1] for row in utterances].count("!") == 1
    kept = {f"{schema.BUNDLES}/{path.name}" for path in Path(out, schema.BUNDLES).iterdir()}
    assert kept == {row["bundle"] for row in utterances}


def test_sound_that_changed_behind_its_row_is_done_anew_and_a_copy_is_not(
    corpus: Path, out: str, model: FakeSpeechLLM
) -> None:
    before = rows(finish(corpus, out), "utterances")
    mended, copied = (corpus / f"audio/u00{i}.flac" for i in (1, 2))
    mended.write_bytes(to_flac_bytes(make_audio(0.9, seed=99)))
    for path in (copied, corpus / "references/u004.json"):
        os.utime(path, ns=(1, 1))
    times = corpus / "references/u003.json"
    times.write_text(times.read_text().replace("0.1,", "0.12,"))
    model.calls.clear()
    run = finish(corpus, out)
    assert model.calls["audio_states"] == 2
    after = rows(run, "utterances")
    assert after[1]["duration_s"] == pytest.approx(0.9)
    assert [a["bundle"] == b["bundle"] for a, b in zip(after, before, strict=True)] == [
        number not in (1, 3) for number in range(6)
    ]
    assert all(Path(out, row["bundle"]).exists() for row in after)
    assert len(list(Path(out, schema.BUNDLES).iterdir())) == 6
    model.calls.clear()
    finish(corpus, out)
    assert not model.calls


def test_a_run_of_the_time_before_files_were_looked_at_goes_on(
    corpus: Path, out: str, model: FakeSpeechLLM
) -> None:
    finish(corpus, out)
    for part in Path(out, schema.PARTS).iterdir():
        name, stamp, ending = part.name.rpartition("-")[0], *part.name.rpartition("-")[2].split(".")
        assert len(stamp) == 12
        part.rename(part.with_name(f"{name}.{ending}"))
    model.calls.clear()
    run = finish(corpus, out)
    assert not model.calls
    assert [row["utterance"] for row in rows(run, "utterances")] == [f"u{i:03d}" for i in range(6)]


def test_a_broken_recording_that_was_mended_is_tried_again(tmp_path: Path, out: str) -> None:
    assert len(rows(finish(make_corpus(tmp_path / "corpus", 3, {1: "cut"}), out), "skipped")) == 1
    assert rows(finish(make_corpus(tmp_path / "corpus", 3), out), "skipped") == []


def test_skipped_items_can_be_tried_again(
    corpus: Path, out: str, model: FakeSpeechLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise MemoryError("full")

    with monkeypatch.context() as patch:
        patch.setattr(model, "audio_states", full)
        assert len(rows(finish(corpus, out, limit=2), "skipped")) == 2
    finish(corpus, out, limit=2)
    assert model.calls["audio_states"] == 0
    for _ in Run(fake_order(corpus, limit=2), out, retry_skipped=True).steps():
        pass
    assert model.calls["audio_states"] == 2
    assert rows(open_run(out), "skipped") == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"settings": Settings(n_null=0, n_permutations=5, temperature=0.2)}, "temperature 0.1"),
        ({"instruction": "say it"}, "instruction None"),
        ({"answers": False}, "answers True"),
        ({"reference": "pocketsphinx"}, "reference_name 'own'"),
    ],
)
def test_another_setting_never_mixes(
    corpus: Path, out: str, changes: dict[str, Any], named: str
) -> None:
    finish(corpus, out, limit=1)
    before = Path(out, schema.RUN_FILE).read_bytes()
    with pytest.raises(StoreError, match=named):
        finish(corpus, out, **changes)
    assert Path(out, schema.RUN_FILE).read_bytes() == before
    assert owner_of(Place(out)) is None


class Elsewhere(Here):
    """Workers whose machine loads "auto" in another number format than this one would."""

    dtype = "bfloat16"

    def prepare(self) -> dict[str, Any]:
        return super().prepare() | {"dtype": self.dtype}


def test_the_number_format_is_what_the_workers_loaded(
    corpus: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine that gives out the items may have no GPU, and theirs do."""

    def finish_elsewhere(limit: int, **changes: Any) -> str:
        for _ in Run(fake_order(corpus, limit=limit, **changes), out, pool=Elsewhere).steps():
            pass
        return str(open_run(out).info["dtype"])

    assert registry.identify("fake-run").dtype == "float32"
    assert finish_elsewhere(2) == "bfloat16"
    assert finish_elsewhere(2) == "bfloat16", "nothing was to be done"
    assert finish_elsewhere(3) == "bfloat16"
    monkeypatch.setattr(Elsewhere, "dtype", "float16")
    with pytest.raises(StoreError, match="made with dtype 'bfloat16', this one has 'float16'"):
        finish_elsewhere(4)
    info = open_run(out).info
    assert (info["dtype"], info["state"], info["counts"]["done"]) == ("bfloat16", "failed", 3)
    with pytest.raises(StoreError, match="made with dtype 'bfloat16', this one has 'float32'"):
        finish_elsewhere(4, loading=Loading(dtype="float32"))


def test_a_run_of_a_newer_schema_is_left_alone(corpus: Path, out: str) -> None:
    finish(corpus, out, limit=1)
    path = Path(out, schema.RUN_FILE)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 99}))
    with pytest.raises(StoreError, match="newer version"):
        finish(corpus, out)
    assert json.loads(path.read_text())["schema"] == 99


def test_two_runs_on_one_out_the_second_is_told_who(corpus: Path, out: str) -> None:
    steps = steps_until(Run(fake_order(corpus), out), 1)
    with pytest.raises(StoreError, match=f"process {os.getpid()} on .* since 20"):
        finish(corpus, out)
    steps.close()
    assert finish(corpus, out).state == "finished"


@pytest.mark.parametrize(
    ("owner", "alive"),
    [
        ({}, True),
        ({"pid": 2**22 + 1}, False),
        ({"born": "another time"}, False),
        ({"beat": 0}, False),
        ({"machine": "elsewhere", "pid": 2**22 + 1}, True),
        ({"machine": "elsewhere", "beat": 0}, False),
    ],
)
def test_a_lock_outlives_nobody(out: str, owner: dict[str, Any], alive: bool) -> None:
    place = Place(out)
    with RunLock(place):
        held = json.loads(place.read(schema.LOCK_FILE) or b"")
    place.write(schema.LOCK_FILE, json.dumps(held | owner).encode())
    assert (owner_of(place) is not None) == alive
    if alive:
        with pytest.raises(StoreError, match="one writer"), RunLock(place):
            pass
    else:
        with RunLock(place) as lock:
            lock.check()
        assert place.read(schema.LOCK_FILE) is None


def test_who_lost_the_lock_stops_and_leaves_the_run_to_the_other(
    corpus: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alas_core.batch.lock.BEAT_S", 0.01)
    steps = steps_until(Run(fake_order(corpus), out), 1)
    other = json.loads(Path(out, schema.LOCK_FILE).read_text()) | {"token": "another"}
    state = Path(out, schema.RUN_FILE).read_bytes()
    (beating,) = [thread for thread in threading.enumerate() if thread.name == "run lock"]
    while beating.is_alive():  # its sign of life may just be under way
        Place(out).write(schema.LOCK_FILE, json.dumps(other).encode())
        beating.join(0.05)
    with pytest.raises(StoreError, match="taken over"):
        list(steps)
    assert Path(out, schema.RUN_FILE).read_bytes() == state
    assert json.loads(Path(out, schema.LOCK_FILE).read_text())["token"] == "another"


def test_pause_go_and_cancel_from_outside(
    corpus: Path, out: str, model: FakeSpeechLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alas_core.batch.control._LOOK_LOCAL_S", 0)
    place = Place(out)
    steps = steps_until(Run(fake_order(corpus), out), 1)
    control.wish(place, control.PAUSE)
    assert next(steps).state == "paused"
    assert next(steps).state == "paused"
    assert open_run(out).state == "paused"
    assert model.calls["audio_states"] == 1
    control.wish(place, control.GO)
    assert next(steps).state == "running"
    control.wish(place, control.CANCEL)
    assert [progress.state for progress in steps][-1] == "cancelled"
    run = open_run(out)
    assert (run.state, run.info["counts"]["done"]) == ("cancelled", 2)
    assert len(rows(run, "utterances")) == 2
    assert finish(corpus, out).state == "finished"
    with pytest.raises(InputError):
        control.wish(place, "dance")


def test_the_gate_stands_before_each_item(corpus: Path, out: str, model: FakeSpeechLLM) -> None:
    seen: list[int] = []
    for _ in Run(
        fake_order(corpus), out, gate=lambda: seen.append(model.calls["audio_states"])
    ).steps():
        pass
    assert seen == list(range(6))


def test_progress_tells_rate_and_time_left(corpus: Path, out: str) -> None:
    told = list(Run(fake_order(corpus), out).steps())
    assert [progress.done for progress in told] == [0, 1, 2, 3, 4, 5, 6, 6, 6]
    assert told[3].rate_per_s is not None
    assert told[3].left_s == pytest.approx(3 / told[3].rate_per_s)
    assert told[-1].state == "finished"


def test_an_empty_data_set_and_no_data_set_are_refused(tmp_path: Path, out: str) -> None:
    empty = make_corpus(tmp_path / "empty", 0)
    for source in (empty, tmp_path / "nothing"):
        with pytest.raises(AlasError, match="expected"):
            finish(source, out)
    with pytest.raises(InputError, match="limit"):
        fake_order(empty, limit=0)
    assert not Path(out).exists()
