"""Bundles: round trip, damage, other keys, places that cannot be written."""

import dataclasses
import errno
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors.numpy import load, save

from alas_core import bundle
from alas_core.bundle import dumps, loads
from alas_core.errors import InputError, StoreError
from alas_core.store import Store
from alas_core.types import Analysis, Null, Reference, WordTiming
from tests.factory import make_analysis


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    made = make_analysis()
    lost = WordTiming("sleeps", 12, 18, problem="not in the dictionary")
    words = (*made.words[:3], lost, *made.words[4:])
    return dataclasses.replace(
        made,
        reference=Reference("planted", words, ("a note",)),
        model=dataclasses.replace(made.model, known_words=frozenset({"fox", "red"})),
        warnings=("<b>one</b>",),
    )


def same(left: object, right: object) -> bool:
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right, equal_nan=True)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, Null):
        return all(
            same(getattr(left, f.name), getattr(right, f.name)) for f in dataclasses.fields(Null)
        )
    return left == right


def test_every_field_survives_a_round_trip(analysis):
    back = loads(dumps(analysis))
    for field in dataclasses.fields(Analysis):
        if field.name in ("utterance", "reference"):
            continue
        assert same(getattr(analysis, field.name), getattr(back, field.name)), field.name
    np.testing.assert_allclose(
        back.utterance.audio.samples, analysis.utterance.audio.samples, atol=2 / 2**15
    )
    assert dict(back.utterance.meta) == dict(analysis.utterance.meta)
    assert back.reference.words[:3] == analysis.words[:3]
    assert math.isnan(back.words[3].start_s)
    assert back.words[3].problem == "not in the dictionary"


def rewritten(raw: bytes, arrays: dict[str, np.ndarray], **changes: object) -> bytes:
    """The bundle with other arrays and other entries of its head."""
    length = int.from_bytes(raw[:8], "little")
    head = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"]["alas"]) | changes
    return save(load(raw) | arrays, metadata={"alas": json.dumps(head)})


@pytest.mark.parametrize(
    ("seconds", "rate", "channels", "told"),
    [
        (3600, 8000, 1, "3600 s, 8000 Hz and channels: 1, expected at most 300 s"),
        (10, 8000, 8, "10 s, 8000 Hz and channels: 8, expected at most 300 s"),
        (1, 655_350, 1, "1 s, 655350 Hz and channels: 1, expected at most 300 s"),
    ],
)
def test_silence_that_unpacks_to_more_than_any_recording_is_refused_unread(
    analysis, monkeypatch, seconds, rate, channels, told
):
    stream = io.BytesIO()
    silence = np.zeros((seconds * rate, channels), np.int16)
    soundfile.write(stream, silence, rate, format="FLAC")
    sound = np.frombuffer(stream.getvalue(), np.uint8)
    assert len(sound) < 1e6
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *_, **__: pytest.fail("it is read"))
    head = bundle.read_head(io.BytesIO(dumps(analysis)))
    bomb = rewritten(
        dumps(analysis), {"audio": sound},
        deflated={k: v for k, v in head["deflated"].items() if k != "audio"},
    )  # fmt: skip
    with pytest.raises(StoreError, match=f"the bundle's sound has {told}"):
        loads(bomb)


def test_arrays_that_unpack_to_too_much_together_are_refused_unread(analysis, monkeypatch):
    raw = dumps(analysis)
    head = bundle.read_head(io.BytesIO(raw))
    many = {f"scores/{k}": ["float32", 100 * 2**18] for k in range(6)}
    monkeypatch.setattr(bundle, "load", lambda _: pytest.fail("nothing is unpacked"))
    with pytest.raises(StoreError, match=r"unpack to 6\d\d MB, expected at most 512 MB"):
        loads(rewritten(raw, {}, deflated=head["deflated"] | many))


@pytest.mark.parametrize("name", ["frame_word", "token_word", "paths"])
def test_an_analysis_that_names_words_or_tokens_it_lacks_is_refused(analysis, name):
    places = getattr(analysis, name).copy()
    places.flat[0] = 99
    with pytest.raises(InputError, match=f"{name} holds .* to 99, expected"):
        dataclasses.replace(analysis, **{name: places})


@pytest.mark.parametrize(
    "table", ["scores", "baselines", "word_scores", "frame_scores", "token_scores", "cross_layer"]
)
def test_an_analysis_whose_tables_do_not_fit_its_layers_is_refused(analysis, table):
    name, held = next(iter(getattr(analysis, table).items()))
    short = getattr(analysis, table) | {name: held[:-1]}
    with pytest.raises(InputError, match=f"{table}/{name} has shape"):
        dataclasses.replace(analysis, **{table: short})


@pytest.mark.parametrize("part", ["samples", "low", "high", "p", "p_adjusted"])
def test_an_analysis_whose_null_has_other_layers_is_refused(analysis, part):
    null = dataclasses.replace(analysis.null, **{part: getattr(analysis.null, part)[..., :-1]})
    with pytest.raises(InputError, match=r"the null of .* has shape"):
        dataclasses.replace(analysis, null=null)


@pytest.mark.parametrize(
    "shape",
    [
        ([0], 10**9),  # a list times a number is a list as long as that number
        (True,),
        (1.0,),
        (-1, -1),
        (10**4000,) * 9,
        (None,),
    ],
)
def test_a_shape_that_no_array_has_is_refused_before_anything_is_multiplied(analysis, shape):
    head = bundle.read_head(io.BytesIO(dumps(analysis)))
    kinds = head["deflated"] | {"similarity": ["uint8", *shape]}
    with pytest.raises(StoreError, match=r"an array of type uint8 and shape .*, expected numbers"):
        loads(rewritten(dumps(analysis), {}, deflated=kinds))


@pytest.mark.parametrize("kinds", [[], "x", {"similarity": ["float16", "a"]}, {"similarity": 3}])
def test_a_head_of_another_shape_is_a_damaged_bundle(analysis, kinds):
    with pytest.raises(StoreError, match=r"cannot be read|damaged or none of ours"):
        loads(rewritten(dumps(analysis), {}, deflated=kinds))


def test_an_analysis_without_its_null_round_trips(analysis):
    assert loads(dumps(dataclasses.replace(analysis, null=None))).null is None


def test_a_bundle_is_small(analysis):
    cells = analysis.similarity.size * 2 + analysis.coords.size * 2
    assert len(dumps(analysis)) < 3 * cells + 100_000


def with_head(raw: bytes, **changes: object) -> bytes:
    length = int.from_bytes(raw[:8], "little")
    head = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"]["alas"]) | changes
    return save(load(raw), metadata={"alas": json.dumps(head)})


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: b"not a bundle at all",
        lambda raw: raw[:2000],
        lambda raw: raw[: len(raw) // 2],
        lambda raw: save(load(raw)),
        lambda raw: with_head(raw, tokens=[["a", 0, 1]]),
        lambda raw: with_head(raw, key={}),
        lambda raw: with_head(raw, model="demo"),
    ],
)
def test_damaged_bundles_are_refused_in_words(analysis, damage):
    with pytest.raises(StoreError, match="bundle"):
        loads(damage(dumps(analysis)))


def test_a_newer_schema_is_named(analysis):
    with pytest.raises(StoreError, match="schema 99, expected 1"):
        loads(with_head(dumps(analysis), schema=99))


def test_a_huge_file_is_refused_before_it_is_read(monkeypatch, analysis):
    monkeypatch.setattr(bundle, "MAX_BYTES", 10)
    with pytest.raises(StoreError, match="expected at most"):
        loads(dumps(analysis))


def test_the_store_gives_back_what_it_was_given(tmp_path, analysis):
    store = Store(tmp_path / "new" / "folder")
    assert store.get(analysis.key) is None
    assert store.put(analysis.key, analysis)
    assert store.get(analysis.key).key == analysis.key
    assert [path.suffix for path in (tmp_path / "new" / "folder").iterdir()] == [".alas"]
    assert store.notes == []


def test_any_change_of_the_key_misses(tmp_path, analysis):
    store = Store(tmp_path)
    store.put(analysis.key, analysis)
    for field in dataclasses.fields(analysis.key):
        if field.name == "settings":
            change = dataclasses.replace(analysis.key.settings, temperature=0.2)
        elif field.name == "schema":
            change = 1
        else:
            change = "other"
        assert store.get(dataclasses.replace(analysis.key, **{field.name: change})) is None


def test_a_memory_url_works_as_a_folder(analysis):
    store = Store("memory://alas-test")
    assert store.put(analysis.key, analysis)
    assert store.get(analysis.key).key == analysis.key


def test_a_damaged_bundle_is_set_aside_and_reported(tmp_path, analysis):
    store = Store(tmp_path)
    store.put(analysis.key, analysis)
    (bundle_file,) = tmp_path.iterdir()
    bundle_file.write_bytes(bundle_file.read_bytes()[:1000])
    assert store.get(analysis.key) is None
    assert [path.name.endswith(".damaged") for path in tmp_path.iterdir()] == [True]
    assert "set aside" in store.notes[0]
    assert store.put(analysis.key, analysis)
    assert store.get(analysis.key) is not None


def test_a_bundle_under_another_key_is_not_believed(tmp_path, analysis):
    store = Store(tmp_path)
    other = dataclasses.replace(analysis.key, model_id="other")
    store.put(other, analysis)
    assert store.get(other) is None
    assert "could not be read" in store.notes[0]


def test_a_store_that_cannot_be_written_says_so_and_steps_aside(tmp_path, analysis):
    (tmp_path / "file").write_text("in the way")
    store = Store(tmp_path / "file" / "store")
    assert store.get(analysis.key) is None
    assert not store.put(analysis.key, analysis)
    assert "cannot be written" in store.notes[-1]


@pytest.fixture
def read_only(monkeypatch):
    """A function after which no file can be written, on a disk of any owner."""

    def refuse() -> None:
        opened = Path.open

        def only_read(path: Path, mode: str = "r", *rest: object, **options: object) -> object:
            if set(mode) & set("wxa+"):
                raise OSError(errno.EROFS, "Read-only file system")
            return opened(path, mode, *rest, **options)

        monkeypatch.setattr(Path, "open", only_read)

    return refuse


def test_a_store_that_turned_read_only_still_reads_and_says_so(tmp_path, analysis, read_only):
    store, other = Store(tmp_path), dataclasses.replace(analysis.key, model_id="other")
    assert store.put(analysis.key, analysis)
    read_only()
    assert store.get(analysis.key) is not None
    assert not store.put(other, analysis)
    assert "Read-only file system" in store.notes[-1]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_damaged_bundle_in_a_read_only_store_is_left_where_it_is(tmp_path, analysis, read_only):
    store = Store(tmp_path)
    store.put(analysis.key, analysis)
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"damaged")
    read_only()
    assert store.get(analysis.key) is None
    assert "left where it is" in store.notes[-1]
    assert path.read_bytes() == b"damaged"


def test_a_full_disk_leaves_nothing_half_written(tmp_path, analysis, monkeypatch):
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("alas_core.place.os.fsync", full)
    store = Store(tmp_path)
    assert not store.put(analysis.key, analysis)
    assert "No space left" in store.notes[0]
    assert list(tmp_path.iterdir()) == []


def test_no_store_keeps_nothing(analysis):
    store = Store(None)
    assert not store.put(analysis.key, analysis)
    assert store.get(analysis.key) is None
