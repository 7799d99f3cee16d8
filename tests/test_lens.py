"""The vocabulary read-out: the model's own logits as oracle, a plain loop, planted words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from alas_core import bundle
from alas_core.errors import InputError
from alas_core.lens import LayerReading, make_lens, read_layers, targets
from alas_core.models.adapter import TransformersSpeechLLM
from alas_core.models.fake import FakeSpeechLLM
from alas_core.models.identity import Loading
from alas_core.models.inputs import text_input
from alas_core.models.loading import load
from alas_core.pipeline import analyse, steps
from alas_core.readout import NEXT, OTHER, OWN, heard_instead, word_readings
from alas_core.resources import asset_path
from alas_core.types import NO_WORD
from tests import tiny, tiny_more, tiny_parts
from tests.factory import make_analysis, make_lens_of, make_words
from tests.test_models_contract import PROMPT, noise
from tests.test_pipeline import request as fake_request

CPU = Loading(device="cpu")
IN_MEMORY = {**tiny_parts.FAMILIES, **tiny_more.FAMILIES}
FAMILIES = ("demo", *tiny.FAMILIES, *IN_MEMORY)


@pytest.fixture(scope="module", params=FAMILIES)
def adapter(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TransformersSpeechLLM]:
    name = request.param
    if name in IN_MEMORY:
        checkpoint = IN_MEMORY[name]()
    else:
        folder = tmp_path_factory.mktemp(name)
        source = asset_path("demo", "model") if name == "demo" else tiny.FAMILIES[name](folder)
        checkpoint = load(source, CPU)
    decoder = checkpoint.model.get_decoder()
    decoder = getattr(decoder, "model", decoder)  # Nemotron-H Omni nests a class with its own head
    norm = decoder.norm if hasattr(decoder, "norm") else decoder.norm_f
    first = getattr(checkpoint.model.get_input_embeddings(), "embed_norm", None)
    with torch.no_grad():  # fresh norms scale by 1, and then one too many or few would not show
        for weight in (norm.weight, getattr(first, "weight", None)):
            if weight is not None:
                weight.copy_(torch.linspace(0.5, 2.0, len(weight)))
    model = TransformersSpeechLLM(checkpoint, name, "test")
    yield model
    model.close()


def test_the_last_layer_reads_as_the_model_itself_speaks(adapter: TransformersSpeechLLM) -> None:
    head = adapter.head()
    if adapter.info.family == "gemma3n":
        assert head is None, "its head mixes four streams of which one is taken"
        return
    assert head is not None
    states = adapter.audio_states(noise(1.0), PROMPT)
    inputs = adapter._audio_inputs(noise(1.0), PROMPT)
    options = dict(adapter._open.family.forward_options)
    with torch.no_grad():
        own = adapter._open.model(**inputs, use_cache=False, **options).logits[0].float()
    held = (inputs["input_ids"][0] == adapter._audio_token_id).nonzero()[:, 0]
    wanted = own[held[: len(states.frame_spans)]]
    last = states.hidden_states[-1]
    got = head.project(last if states.last_is_normed else head.norm(last))
    torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)
    twice = head.project(head.norm(head.norm(last)))
    assert not torch.allclose(twice, wanted, rtol=1e-2, atol=1e-2), "the test could not fail"


def test_layer_0_of_a_token_is_its_row_of_the_embedding(adapter: TransformersSpeechLLM) -> None:
    head = adapter.head()
    if head is None:
        return
    text = text_input(adapter._open, "the red fox", PROMPT)
    rows = head.embedding[[text.ids[position] for position in text.positions]]
    states = adapter.text_states("the red fox", PROMPT).hidden_states[0]
    torch.testing.assert_close(
        torch.nn.functional.normalize(states, dim=-1), torch.nn.functional.normalize(rows, dim=-1)
    )


def test_spellings_name_the_word_whatever_its_case(adapter: TransformersSpeechLLM) -> None:
    head = adapter.head()
    if head is None:
        return
    spelled = head.texts(head.spellings("the"))
    assert " the" in spelled
    assert "".join(head.texts(head.spellings("sleeps"))).count("sleeps") >= 1
    assert all(text.strip() for text in spelled)


def planted(vocabulary: int = 300, seed: int = 0):
    """Random states and a head over a random vocabulary, with words of one to three spellings."""
    rng = np.random.default_rng(seed)
    head = RandomHead(torch.from_numpy(rng.normal(size=(vocabulary, 16)).astype(np.float32)))
    frames = torch.from_numpy(rng.normal(size=(4, 9, 16)).astype(np.float32))
    tokens = torch.from_numpy(rng.normal(size=(4, 3, 16)).astype(np.float32))
    frame_word = np.array([-1, 0, 0, 0, 1, 1, -1, 2, 2])
    token_word = np.array([0, 1, 2])
    return head, frames, tokens, frame_word, token_word


class RandomHead:
    def __init__(self, embedding: torch.Tensor) -> None:
        self.embedding = embedding
        self.largest = 0

    def norm(self, states: torch.Tensor) -> torch.Tensor:
        return states / states.norm(dim=-1, keepdim=True)

    def project(self, normed: torch.Tensor) -> torch.Tensor:
        self.largest = max(self.largest, len(normed))
        return 5 * normed @ self.embedding.T

    def texts(self, ids) -> list[str]:
        return [f" t{token}" for token in ids]

    def spellings(self, word: str) -> tuple[int, ...]:
        return {"a": (3,), "b": (5, 8, 13), "c": (250, 251)}[word]


def read(planted_states, **options) -> list[LayerReading]:
    head, frames, tokens, frame_word, token_word = planted_states
    wanted = targets(head, ["a", "b", "c"], frame_word, token_word)
    return list(read_layers(head, frames, tokens, wanted, **options))


def test_every_number_is_that_of_a_plain_loop() -> None:
    given = planted()
    head, frames, tokens, frame_word, token_word = given
    lens = make_lens(head, read(given))
    spelled = [head.spellings(word) for word in "abc"]
    position_word = [*frame_word, *token_word]
    embedding = head.embedding.numpy().astype(np.float64)
    for layer in range(4):
        states = torch.cat([frames[layer], tokens[layer]]).numpy().astype(np.float64)
        for position, state in enumerate(states):
            unit = state / np.linalg.norm(state)
            if layer == 0:
                scores = embedding @ unit / np.linalg.norm(embedding, axis=1)
                values = scores
            else:
                scores = 5 * embedding @ unit
                values = np.exp(scores) / np.exp(scores).sum()
            order = np.argsort(-scores)
            got = lens.vocabulary_ids[lens.tops[layer, position]]
            np.testing.assert_array_equal(got, order[:10])
            np.testing.assert_allclose(lens.values[layer, position], values[order[:10]], rtol=1e-3)
            word = position_word[position]
            for ranks, named in ((lens.own_rank, word), (lens.next_rank, word + 1)):
                if word == NO_WORD or named > 2:
                    assert ranks[layer, position] == 0
                    continue
                best = min(int(np.flatnonzero(order == token)[0]) for token in spelled[named])
                assert ranks[layer, position] == best + 1
            if word == NO_WORD:
                assert np.isnan(lens.own_value[layer, position])
                continue
            picked = values[list(spelled[word])]
            expected = picked.max() if layer == 0 else picked.sum()
            assert lens.own_value[layer, position] == pytest.approx(expected, rel=2e-3, abs=1e-6)


def test_a_word_is_not_read_where_another_ties_with_it_and_is_shown() -> None:
    """In bfloat16 the first of a large vocabulary often tie."""

    class Tied(RandomHead):
        def project(self, normed: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(normed), len(self.embedding))

    head, *states = planted()
    lens = make_lens(Tied(head.embedding), read((Tied(head.embedding), *states)))
    shown = lens.tops[1:, :, 0]
    own = {0: (3,), 1: (5, 8, 13), 2: (250, 251)}
    position_word = np.array([*states[2], *states[3]])
    for place, word in enumerate(position_word):
        if word >= 0:
            is_shown = np.isin(shown[:, place], own[word])
            assert ((lens.own_rank[1:, place] == 1) == is_shown).all()
    assert (lens.names()[1:] == OWN).sum() < 20


def test_few_rows_at_a_time_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(planted())
    given = planted()
    monkeypatch.setattr("alas_core.lens._CHUNK_BYTES", 16 * 300 * 2)
    for one, other in zip(whole, read(given), strict=True):
        for field in dataclasses.fields(LayerReading):
            np.testing.assert_allclose(
                getattr(one, field.name), getattr(other, field.name), rtol=1e-5, atol=1e-7
            )
    assert given[0].largest == 2


def test_a_state_that_is_normed_already_is_not_normed_again() -> None:
    given = planted()
    head, frames, tokens, frame_word, token_word = given
    normed = (head, head.norm(frames), head.norm(tokens), frame_word, token_word)
    scaled = (head, 3 * head.norm(frames), 3 * head.norm(tokens), frame_word, token_word)
    np.testing.assert_allclose(
        read(normed, last_is_normed=True)[-1].values, read(given)[-1].values, rtol=1e-5
    )
    assert not np.allclose(
        read(scaled, last_is_normed=True)[-1].values, read(given)[-1].values, rtol=0.1
    )


def test_the_fakes_planted_words_are_read_where_they_were_planted() -> None:
    model = FakeSpeechLLM(n_layers=6, best_layer=4, strength=1.0)
    analysis = analyse(fake_request(model))
    lens = analysis.lens
    assert lens is not None
    spoken = analysis.frame_word != NO_WORD
    named = lens.names()[:, : analysis.n_frames]
    assert (named[4, spoken] == OWN).all()
    assert (named[:, ~spoken] == OTHER).all()
    readings = word_readings(lens, analysis.frame_word, len(analysis.words))
    assert [reading.word for reading in readings] == list(range(5))
    read = lens.own_rank[:, : analysis.n_frames] == 1
    for reading in readings:
        assert read[reading.best_layer, analysis.frame_word == reading.word].all()
    frame = int(np.flatnonzero(analysis.frame_word == 1)[0])
    assert lens.text(4, frame) == " red"


def test_the_read_out_comes_after_the_null_and_never_before_the_first_picture() -> None:
    seen = list(steps(fake_request()))
    first = next(p for p in seen if p.analysis is not None)
    assert first.analysis.lens is None
    stages = [p.stage for p in seen]
    assert stages.index("Reading the states as words") > stages.index(
        "Checking against wrong transcripts"
    )
    assert seen[-1].analysis.lens is not None
    assert "lens" in seen[-1].analysis.provenance["seconds"]


def test_a_model_without_a_head_has_no_read_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeSpeechLLM, "head", lambda self: None)
    assert analyse(fake_request()).lens is None


def test_a_bundle_keeps_the_read_out_and_one_without_stays_readable() -> None:
    bare = make_analysis()
    assert bundle.loads(bundle.dumps(bare)).lens is None
    kept = dataclasses.replace(bare, lens=make_lens_of(bare))
    again = bundle.loads(bundle.dumps(kept)).lens
    assert again is not None
    assert again.vocabulary == kept.lens.vocabulary
    for name in ("vocabulary_ids", "tops", "values", "own_value", "own_rank", "next_rank"):
        np.testing.assert_array_equal(getattr(again, name), getattr(kept.lens, name))


def test_thirty_seconds_of_a_large_model_stay_small() -> None:
    layers, positions = 33, 870
    rng = np.random.default_rng(0)
    readings = [
        LayerReading(
            rng.integers(0, 150_000, (positions, 10)),
            np.ones((positions, 10), np.float32),
            np.ones(positions, np.float32),
            np.ones(positions, np.int64),
            np.ones(positions, np.int64),
        )
        for _ in range(layers)
    ]
    lens = make_lens(RandomHead(torch.zeros(1, 1)), readings)
    arrays = ("vocabulary_ids", "tops", "values", "own_value", "own_rank", "next_rank")
    size = sum(getattr(lens, name).nbytes for name in arrays)
    text = sum(len(word.encode()) + 4 for word in lens.vocabulary)
    assert size + text < 5e6  # even where nearly every token occurs, as in noise


def test_the_shapes_of_a_read_out_are_checked() -> None:
    analysis = make_analysis()
    lens = make_lens_of(analysis)
    with pytest.raises(InputError, match="read-out"):
        dataclasses.replace(lens, own_rank=lens.own_rank[:, 1:])
    with pytest.raises(InputError, match="read-out"):
        dataclasses.replace(lens, vocabulary=lens.vocabulary[:1])
    short = dataclasses.replace(
        lens,
        **{name: getattr(lens, name)[:, 1:]
           for name in ("tops", "values", "own_value", "own_rank", "next_rank")},
    )  # fmt: skip
    with pytest.raises(InputError, match="read-out"):
        dataclasses.replace(analysis, lens=short)


def test_a_word_is_read_first_where_one_frame_names_it_and_mostly_where_half_do() -> None:
    _, frame_word = make_words("red fox", 20)
    analysis = make_analysis(n_layers=3, n_frames=20, words="red fox")
    rank = np.full((4, 22), 7, np.uint32)
    red = np.flatnonzero(frame_word == 0)
    rank[0, red] = 1  # layer 0 names input embeddings, which is no reading
    rank[1, red[0]] = 1
    rank[2, red] = 1
    lens = dataclasses.replace(make_lens_of(analysis), own_rank=rank)
    first, second = word_readings(lens, frame_word, 2)
    assert (first.first_layer, first.most_layer, first.best_layer) == (1, 2, 2)
    assert first.n_frames == len(red)
    assert (second.first_layer, second.most_layer) == (None, None)
    assert (first.input_share, second.input_share) == (1, 0)


def test_what_is_heard_instead_of_a_word() -> None:
    _, frame_word = make_words("red fox", 12)
    analysis = make_analysis(n_layers=3, n_frames=12, words="red fox")
    lens = make_lens_of(analysis)
    fox = np.flatnonzero(frame_word == 1)
    rank = np.full_like(lens.own_rank, 7)
    tops = np.zeros_like(lens.tops)
    tops[2, fox, 0] = 1
    lens = dataclasses.replace(lens, own_rank=rank, tops=tops)
    assert heard_instead(lens, frame_word, 1, 2) == (lens.vocabulary[1], len(fox))
    rank = rank.copy()
    rank[2, fox] = 1
    assert heard_instead(dataclasses.replace(lens, own_rank=rank), frame_word, 1, 2) is None
    assert heard_instead(lens, frame_word, 7, 2) is None


def test_names_tell_own_from_next() -> None:
    lens = make_lens_of(make_analysis())
    rank = np.full_like(lens.own_rank, 2)
    own, following = rank.copy(), rank.copy()
    own[0, 0], following[0, 1] = 1, 1
    own[0, 2] = following[0, 2] = 1
    named = dataclasses.replace(lens, own_rank=own, next_rank=following).names()
    assert named[0, :4].tolist() == [OWN, NEXT, OWN, OTHER]


def test_words_without_any_spelling_are_nowhere_first() -> None:
    head, frames, tokens, frame_word, token_word = planted()
    head.spellings = lambda word: ()  # type: ignore[method-assign]
    wanted = targets(head, ["a", "b", "c"], frame_word, token_word)
    for reading in read_layers(head, frames, tokens, wanted):
        assert (reading.own_rank == 0).all()
        assert np.isnan(reading.own_value).all()


def test_the_untrained_control_has_a_head_too(tmp_path: Path) -> None:
    folder = tiny.FAMILIES["qwen2_audio"](tmp_path)
    model = TransformersSpeechLLM(load(folder, CPU, untrained_seed=3), "tiny", "test")
    assert model.head() is not None
    model.close()
