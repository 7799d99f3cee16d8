"""Aligners with a checkpoint: planted ones are read exactly, tiny random ones run to the end."""

from __future__ import annotations

import gc
import itertools
import re
import weakref
from importlib import metadata
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.numpy

from alas_core.errors import AlignmentError, ModelError
from alas_core.models import loading, registry
from alas_core.reference import checkpoints, ctc, get_aligner, preparing, qwen3, whisper
from alas_core.reference.ctc import label_spans
from alas_core.reference.transcription import transcribe
from alas_core.types import Audio
from alas_core.words import split_words
from tests import tiny, tiny_aligners
from tests.tiny_aligners import SENTENCE

FRAME_S = 0.02
VERSION = metadata.version("transformers")


@pytest.fixture(autouse=True)
def nothing_held():
    yield
    checkpoints.close()


def hiss(duration_s, seed=0):
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(duration_s * 16_000))
    return Audio(samples.astype(np.float32), 16_000)


def planted_rows(lengths):
    """Encoder frames of each token in turn: token 0 for the first lengths[0] frames, and so on."""
    return np.repeat(np.arange(len(lengths)), lengths)


# Whisper

ONE_A_WORD = np.array([9, 14, 30, 8, 25, 11, 40, 17, 22, 10, 60])
"""Frames of the sentence's ten words, one token each, and of what follows."""


def edges_of(lengths):
    return np.concatenate([[0], np.cumsum(lengths)]) * FRAME_S


def starts(reference):
    return [word.start_s for word in reference.words]


def ends(reference):
    return [word.end_s for word in reference.words]


def test_whisper_recovers_planted_boundaries_exactly(tmp_path):
    rows = planted_rows(ONE_A_WORD)
    aligner = get_aligner(f"whisper:{tiny_aligners.whisper(tmp_path, rows)}")
    reference = aligner.align(hiss(len(rows) * FRAME_S), SENTENCE)
    edges = edges_of(ONE_A_WORD)
    assert starts(reference) == pytest.approx(edges[:-2], abs=1e-9)
    assert ends(reference) == pytest.approx(edges[1:-1], abs=1e-9)
    assert reference.name == aligner.name
    assert reference.notes == ()


def test_a_word_of_several_tokens_spans_them_and_punctuation_goes_with_the_word_before(tmp_path):
    transcript = "zap, the (red) fox: zip!"
    tokens = "_ z a p ,|_the _ (|re d )|_fox :|_ z i p !".split("|")  # _ is a space
    owners = [word for word, spelt in enumerate(tokens) for _ in spelt.split()]
    lengths = np.random.default_rng(0).integers(8, 20, len(owners) + 1)
    rows = planted_rows(lengths)
    aligner = get_aligner(f"whisper:{tiny_aligners.whisper(tmp_path, rows)}")
    reference = aligner.align(hiss(len(rows) * FRAME_S), transcript)
    edges = edges_of(lengths)
    firsts = [owners.index(word) for word in range(5)]
    assert [word.word for word in reference.words] == ["zap", "the", "red", "fox", "zip"]
    assert starts(reference) == pytest.approx(edges[firsts], abs=1e-9)
    assert ends(reference) == pytest.approx(edges[[*firsts[1:], len(owners)]], abs=1e-9)


def test_the_confidence_is_the_probability_of_the_words_tokens(tmp_path):
    """The planted output knows one thing only: all tokens are alike until the text ends."""
    rows = planted_rows(ONE_A_WORD)
    folder = tiny_aligners.whisper(tmp_path, rows, stop_after=10)
    reference = get_aligner(f"whisper:{folder}").align(hiss(5), SENTENCE)
    alike = 1 / (tiny_aligners.vocabulary_size() - 1)
    assert [w.confidence for w in reference.words] == pytest.approx([alike] * 10, rel=1e-4)


def test_long_audio_goes_window_by_window_and_the_cut_word_is_heard_again(tmp_path):
    """Each window is planted to hold four words: three are kept, the fourth begins the next one."""
    lengths = np.array([300, 250, 350, 200, 400])
    folder = tiny_aligners.whisper(tmp_path, planted_rows(lengths), stop_after=4)
    reference = get_aligner(f"whisper:{folder}").align(hiss(58), SENTENCE)
    edges = edges_of(lengths)
    # Windows start at 0, 18 and 36 s: each where the fourth word of the one before started. The
    # last one takes all that is left.
    expected = np.concatenate([edges[:3], edges[3] + edges[:3], 2 * edges[3] + edges[:4]])
    assert edges[3] == 18
    assert starts(reference) == pytest.approx(expected, abs=1e-9)
    assert ends(reference)[:-1] == pytest.approx(expected[1:], abs=1e-9)


@pytest.mark.parametrize("heard_log_p", [-0.1, -0.6, -1.5])
def test_the_window_ends_where_words_stop_being_heard(heard_log_p):
    """Eighty tokens are heard, forty are not; an end at once is likelier than all of the former."""
    log_p = np.concatenate([np.full(80, heard_log_p), np.full(40, -7.0)])
    stop = np.full(121, -9.0)
    stop[0], stop[80] = -8.0, -0.3
    window = whisper._Window(np.zeros((121, 10)), log_p, stop, FRAME_S)
    assert whisper._spoken_words(window, np.arange(120) // 2) == 40


def test_a_window_of_silence_holds_no_word():
    window = whisper._Window(np.zeros((7, 5)), np.full(6, -8.0), np.full(7, -0.01), FRAME_S)
    assert whisper._spoken_words(window, np.arange(6) // 2) == 0


def test_silence_is_taken_off_the_edges_of_words(tmp_path):
    """Warping leaves no gaps: without this the first word would begin with the recording."""
    lengths = np.array([50, 50, 50])
    folder = tiny_aligners.whisper(tmp_path, planted_rows(lengths))
    audio = hiss(3)
    samples = audio.samples.copy()
    samples[: round(0.4 * 16_000)] *= 1e-3
    samples[round(1.7 * 16_000) : 32_000] = 0
    reference = get_aligner(f"whisper:{folder}").align(Audio(samples, 16_000), "the red")
    assert starts(reference) == pytest.approx([0.4, 1.0])
    assert ends(reference) == pytest.approx([1.0, 1.7])


def test_capitals_are_read_in_small_letters(tmp_path):
    rows = planted_rows(ONE_A_WORD)
    aligner = get_aligner(f"whisper:{tiny_aligners.whisper(tmp_path, rows)}")
    loud, quiet = (aligner.align(hiss(5), text) for text in (SENTENCE.upper(), SENTENCE))
    assert starts(loud) == starts(quiet)
    assert loud.words[0].word == "THE"


def test_an_english_whisper_has_a_shorter_prompt(tmp_path):
    """Then row k listens to the code that was planted two positions on: the prompt shows."""
    rows = planted_rows(ONE_A_WORD)
    folder = tiny_aligners.whisper(tmp_path, rows, multilingual=False)
    reference = get_aligner(f"whisper:{folder}").align(hiss(5), SENTENCE)
    assert not reference.words[1].placed
    assert reference.words[2].start_s == 0


def test_without_named_heads_the_upper_half_listens(tmp_path):
    import torch
    import transformers

    from alas_core.reference.whisper import _alignment_heads

    folder = tiny_aligners.whisper(tmp_path, seed=3)
    model = transformers.WhisperForConditionalGeneration.from_pretrained(folder)
    assert _alignment_heads(model) == [(1, 0)]
    model.generation_config.alignment_heads = None
    assert _alignment_heads(model) == [(1, 0), (1, 1)]
    assert torch.is_grad_enabled()


def test_hooks_are_gone_even_after_a_failure(tmp_path, monkeypatch):
    folder = tiny_aligners.whisper(tmp_path)
    aligner = get_aligner(f"whisper:{folder}")
    aligner.align(hiss(2), SENTENCE)
    model = checkpoints._held[1].model
    monkeypatch.setattr(model, "proj_out", None)
    with pytest.raises(ModelError, match="failed on this recording"):
        aligner.align(hiss(2), SENTENCE)
    assert not any(layer.encoder_attn._forward_hooks for layer in model.model.decoder.layers)


@pytest.mark.parametrize("duration_s", [3, 35])
def test_transcribe_gives_whispers_own_text(tmp_path, duration_s):
    import torch
    import transformers

    folder = tiny_aligners.whisper(tmp_path, seed=3)
    text = transcribe(hiss(duration_s), str(folder))
    model = transformers.WhisperForConditionalGeneration.from_pretrained(folder).eval()
    processor = transformers.WhisperProcessor.from_pretrained(folder)
    long = duration_s > 30
    options = {"truncation": False, "padding": "longest", "return_attention_mask": True}
    inputs = processor(
        hiss(duration_s).samples,
        sampling_rate=16_000,
        return_tensors="pt",
        **(options if long else {}),
    )
    with torch.no_grad():
        ids = model.generate(**inputs, **({"return_timestamps": True} if long else {}))
    own = processor.batch_decode(ids, skip_special_tokens=True)[0]
    assert text
    assert text == " ".join(own.split())


def test_an_aligner_says_how_far_its_loading_is_until_it_is_loaded(tmp_path):
    aligner = get_aligner(f"whisper:{tiny_aligners.whisper(tmp_path)}")
    told = [(step.stage, step.done, step.total) for step in preparing(aligner)]
    names = len(safetensors.numpy.load_file(tmp_path / "model.safetensors"))
    assert told[0] == ("Loading the tokenizer and the processor", 0, 0)
    assert told[1:] == [("Loading the weights", done, names) for done in range(names)]
    assert list(preparing(aligner)) == []


def test_nothing_is_transcribed_where_nothing_sounds(tmp_path):
    with pytest.raises(AlignmentError, match="silent"):
        transcribe(Audio(np.zeros(16_000, np.float32), 16_000), str(tmp_path))


# CTC


def spans_by_trying_all(log_p, labels, blank):
    """Every path of symbols that collapses to the labels; the frames of each label on the best."""
    best, found = -np.inf, None
    for path in itertools.product({blank, *labels}, repeat=len(log_p)):
        runs = [(symbol, len(list(run))) for symbol, run in itertools.groupby(path)]
        if [symbol for symbol, _ in runs if symbol != blank] != list(labels):
            continue
        score = sum(log_p[frame, symbol] for frame, symbol in enumerate(path))
        if score > best:
            ends = np.cumsum([length for _, length in runs])
            best, found = (
                score,
                [
                    (end - length, end)
                    for (symbol, length), end in zip(runs, ends, strict=True)
                    if symbol != blank
                ],
            )
    return found


@pytest.mark.parametrize("labels", [[1], [1, 2], [1, 1], [2, 1, 2], [1, 1, 2], [2, 2, 2]])
@pytest.mark.parametrize("seed", range(4))
def test_viterbi_agrees_with_trying_all_paths(labels, seed):
    logits = np.random.default_rng(seed).normal(0, 2, (7, 4))
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert label_spans(log_p, labels, 0).tolist() == [
        list(span) for span in spans_by_trying_all(log_p, labels, 0)
    ]


def test_too_few_frames_for_the_letters():
    log_p = np.log(np.full((3, 3), 1 / 3))
    assert label_spans(log_p, [1, 1], 0) is not None  # a blank must part them
    assert label_spans(log_p, [1, 1, 2, 1], 0) is None
    assert label_spans(log_p[:2], [1, 1], 0) is None


def ctc_logits(folder, audio):
    import torch
    import transformers

    model = transformers.Wav2Vec2ForCTC.from_pretrained(folder).eval()
    processor = transformers.Wav2Vec2Processor.from_pretrained(folder)
    inputs = processor(audio.samples, sampling_rate=16_000, return_tensors="pt")
    with torch.no_grad():
        return model(**inputs).logits[0].log_softmax(-1).numpy(), processor.tokenizer


def test_ctc_times_are_those_of_the_letters_on_the_checkpoints_best_path(tmp_path):
    folder, audio = tiny_aligners.wav2vec2(tmp_path), hiss(2)
    reference = get_aligner(f"ctc:{folder}").align(audio, "The red-fox, he's in")
    log_p, tokenizer = ctc_logits(folder, audio)
    labels = tokenizer("THE|REDFOX|HE'S|IN").input_ids
    spans = label_spans(log_p, labels, tokenizer.pad_token_id) * FRAME_S
    firsts, lasts = [0, 4, 11, 16], [2, 9, 14, 17]
    assert [word.word for word in reference.words] == ["The", "red-fox", "he's", "in"]
    assert starts(reference) == pytest.approx(spans[firsts, 0])
    assert ends(reference) == pytest.approx(spans[lasts, 1])
    assert all(0 < word.confidence < 1 for word in reference.words)


def test_a_word_that_the_alphabet_cannot_spell_is_listed_and_keeps_its_place(tmp_path):
    aligner = get_aligner(f"ctc:{tiny_aligners.wav2vec2(tmp_path)}")
    reference = aligner.align(hiss(2), "the 42 foxes здесь")
    assert [word.placed for word in reference.words] == [True, False, True, False]
    assert "alphabet lacks" in reference.words[1].problem
    assert reference.words[0].end_s <= reference.words[2].start_s


def test_ctc_without_room_for_the_letters(tmp_path):
    aligner = get_aligner(f"ctc:{tiny_aligners.wav2vec2(tmp_path)}")
    reference = aligner.align(hiss(0.2), SENTENCE)
    assert all("do not fit" in word.problem for word in reference.words)


def test_long_audio_is_heard_in_pieces_without_a_seam(tmp_path, monkeypatch):
    folder = tiny_aligners.wav2vec2(tmp_path)
    aligner, audio = get_aligner(f"ctc:{folder}"), hiss(4)
    whole = ctc._listen(aligner._checkpoint.load(), audio)
    monkeypatch.setattr(ctc, "PIECE_S", 1.0)
    monkeypatch.setattr(ctc, "CONTEXT_S", 0.48)
    pieces = ctc._listen(aligner._checkpoint.load(), audio)
    # A piece is normalised and attended to by itself: near the whole, a frame beside it is far off.
    apart = np.abs(pieces.log_p - whole.log_p).mean(axis=1)
    one_frame_off = np.abs(np.diff(whole.log_p, axis=0)).mean()
    assert apart.mean() < 0.15 * one_frame_off
    assert apart.max() < 0.5 * one_frame_off
    np.testing.assert_allclose(pieces.spans, whole.spans, atol=1e-6)


# Qwen3


def test_qwen3_times_are_the_checkpoints_own(tmp_path):
    """Against transformers' own decoding, step by step."""
    import torch
    import transformers

    folder, audio = tiny_aligners.qwen3(tmp_path), hiss(4)
    reference = get_aligner(f"qwen3:{folder}").align(audio, f"{SENTENCE}, 5% don't!")
    model = transformers.Qwen3ASRForTokenClassification.from_pretrained(folder).eval()
    processor = transformers.AutoProcessor.from_pretrained(folder)
    inputs, lists = processor.prepare_forced_aligner_inputs(audio.samples, f"{SENTENCE} 5 don't")
    with torch.no_grad():
        logits = model(**inputs).logits
    times = processor.decode_forced_alignment(
        logits, inputs["input_ids"], lists, model.config.timestamp_token_id
    )[0]
    assert len(times) == len(reference.words) == 12
    for word, time in zip(reference.words, times, strict=True):
        assert (word.start_s == time["start_time"]) if word.placed else word.problem
        if word.placed and time["end_time"] > time["start_time"]:
            assert word.end_s == min(time["end_time"], audio.duration_s)
    assert any(word.placed for word in reference.words)
    assert all(word.confidence is None or 0 < word.confidence <= 1 for word in reference.words)


def test_a_word_within_one_step_is_given_the_step_that_the_next_word_leaves():
    words = split_words("one two three four")
    timed = [
        {"start_time": a, "end_time": b} for a, b in ((0, 0.4), (0.4, 0.4), (0.4, 0.8), (3.9, 3.9))
    ]
    placed = qwen3._placed(words, timed, np.full(4, 0.5), 0.08, 4.0)
    assert [word.end_s for word in placed if word.placed] == pytest.approx([0.4, 0.8, 3.98])
    assert "no time of its own" in placed[1].problem


# Checkpoints


def test_the_name_says_all_that_determines_the_times(tmp_path):
    import transformers

    folder = tiny_aligners.whisper(tmp_path / "listener")
    name = get_aligner(f"whisper:{folder}").name
    assert re.fullmatch(rf"whisper listener@[0-9a-f]{{12}} transformers {VERSION} r\d+", name)
    assert transformers.__version__ == VERSION
    other = tiny_aligners.whisper(tmp_path / "other" / "listener", seed=1)
    assert get_aligner(f"whisper:{other}").name != name


def test_one_checkpoint_is_held_at_a_time(tmp_path):
    first, second = (tiny_aligners.whisper(tmp_path / str(k), seed=k) for k in (0, 1))
    for folder in (first, second):
        get_aligner(f"whisper:{folder}").align(hiss(1), "the red")
    loaded = checkpoints._held
    get_aligner(f"whisper:{second}").align(hiss(1), "the red")
    assert checkpoints._held is loaded
    checkpoints.close()
    assert checkpoints._held is None


def test_the_aligner_goes_where_the_model_is(tmp_path, monkeypatch):
    found = tiny_aligners.whisper(tmp_path / "here", seed=0)
    monkeypatch.setattr(loading, "usable_device", lambda _: "a device that is not there")
    monkeypatch.setattr(
        registry, "held", lambda: SimpleNamespace(info=SimpleNamespace(device="cpu"))
    )
    assert checkpoints.Checkpoint("whisper", str(found), 1).load().device == "cpu"
    checkpoints.close()
    monkeypatch.setattr(registry, "held", lambda: None)
    with pytest.raises(ModelError, match="cannot be loaded"):
        checkpoints.Checkpoint("whisper", str(found), 1).load()


def test_the_aligner_is_let_go_with_the_model(tmp_path):
    with registry.device_lock:
        registry.close()  # an earlier test may have left the same model loaded
    get_aligner(f"whisper:{tiny_aligners.whisper(tmp_path / 'a', seed=0)}").align(hiss(1), "red")
    held = weakref.ref(checkpoints._held[1].model)
    with registry.device_lock:
        registry.get("demo")
        assert checkpoints._held is None, "it makes room before a model is loaded"
        get_aligner(f"whisper:{tmp_path / 'a'}").align(hiss(1), "red")
        registry.get("demo")
        assert checkpoints._held is not None, "the same model again changes nothing"
        registry.close()
    assert checkpoints._held is None
    gc.collect()
    assert held() is None


def test_another_kind_of_checkpoint_is_refused_in_one_sentence(tmp_path):
    folder = tiny.qwen2_audio(tmp_path)
    with pytest.raises(AlignmentError, match=r"is of type 'qwen2_audio'.*expected a Whisper"):
        get_aligner(f"whisper:{folder}").align(hiss(1), "the red")


def test_a_folder_outside_the_roots_is_refused(tmp_path, monkeypatch):
    folder = tiny_aligners.whisper(tmp_path / "here")
    monkeypatch.setenv("ALAS_MODEL_ROOTS", str(tmp_path / "elsewhere"))
    with pytest.raises(ModelError, match="ALAS_MODEL_ROOTS"):
        get_aligner(f"whisper:{folder}")


def test_local_checkpoints_are_listed_by_kind(tmp_path, monkeypatch):
    folder = tiny_aligners.whisper(tmp_path / "roots" / "listener")
    tiny.qwen2_audio(tmp_path / "roots" / "speaker")
    monkeypatch.setenv("ALAS_MODEL_ROOTS", str(tmp_path / "roots"))
    assert str(folder) in checkpoints.local_checkpoints("whisper")
    assert str(tmp_path / "roots" / "speaker") not in checkpoints.local_checkpoints("whisper")
    assert checkpoints.local_checkpoints("qwen3") == ()
