"""Both runs have one prompt, whatever layout the family's chat template has."""

from __future__ import annotations

import itertools

import pytest
import transformers

from alas_core.errors import ModelError
from alas_core.models.adapter import TransformersSpeechLLM
from alas_core.models.identity import Loading
from alas_core.models.loading import load
from alas_core.models.protocol import Prompt
from alas_core.models.rendering import placement, render_audio, render_text
from tests import chat_layouts, tiny, tiny_more
from tests.models import noise

MARKERS = ("<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>")
ASKED, SAID = "Repeat the words.", "the red fox"


@pytest.fixture(scope="module")
def words():
    return tiny.tokenizer(MARKERS)


@pytest.fixture
def with_template(words):
    """A real processor that writes its conversations with the template."""

    def make(template: str):
        return transformers.Qwen2AudioProcessor(
            tiny.whisper_features(), words, chat_template=template
        )

    return make


def around(processor, prompt: Prompt) -> tuple[tuple[str, str], tuple[str, str]]:
    """What stands before and after the audio, its marks left out, and the same of the text."""
    before, after = render_audio(processor, prompt).split("<|AUDIO|>")
    before = before.removesuffix("<|audio_bos|>").removesuffix("Audio 1: ")
    after = after.removeprefix("<|audio_eos|>").removeprefix("<|im_start|>")
    text, start = render_text(processor, prompt, SAID)
    assert text[start:].startswith(SAID)
    head, tail = text[:start], text[start + len(SAID) :]
    return (before.rstrip(), after.lstrip()), (head.rstrip(), tail.lstrip())


@pytest.mark.parametrize("prompt", [Prompt(ASKED), Prompt(ASKED, False), Prompt()], ids=repr)
@pytest.mark.parametrize("layout", chat_layouts.LAYOUTS)
def test_the_transcript_stands_where_the_audio_stood(with_template, layout, prompt):
    heard, read = around(with_template(chat_layouts.LAYOUTS[layout]), prompt)
    assert heard == read
    if prompt.instruction:
        assert "".join(read).count(ASKED) == 1


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tiny.qwen2_audio(tmp_path_factory.mktemp("rendering"))
    return TransformersSpeechLLM(load(folder, Loading(device="cpu")), "tiny", "test")


@pytest.mark.parametrize("layout", [name for name in chat_layouts.LAYOUTS if name != "numbered"])
def test_the_same_tokens_stand_before_frames_and_transcript(model, monkeypatch, layout):
    """What a causal model has read when it comes to the first of either: token by token."""
    processor, prompt = model._open.processor, Prompt(ASKED)
    monkeypatch.setattr(processor, "chat_template", chat_layouts.LAYOUTS[layout])
    before = []
    for given in ({"audio": noise(0.6)}, {"transcript": SAID}):
        pairs = model.prompt_tokens(prompt, **given)
        upto = itertools.takewhile(lambda pair: pair[1] == "prompt", pairs)
        before.append([text for text, _ in upto if text not in MARKERS])
    assert before[0] == before[1]
    assert len(model.audio_states(noise(0.6), prompt).frame_spans) == 15
    assert "".join(token.text for token in model.text_states(SAID, prompt).tokens) == "theredfox"
    assert isinstance(model.answer(prompt, transcript=SAID, max_new_tokens=2), str)


@pytest.mark.parametrize("layout", ["numbered", "turn after audio", "text blocks", "plain text"])
@pytest.mark.parametrize("first", [True, False])
def test_an_instruction_stands_where_it_was_asked_for(with_template, layout, first):
    _, (head, tail) = around(with_template(chat_layouts.LAYOUTS[layout]), Prompt(ASKED, first))
    assert (ASKED in head, ASKED in tail) == (first, not first)


@pytest.mark.parametrize(
    ("layout", "first", "note"),
    [
        ("audio first", True, "puts the instruction after the audio, in both runs"),
        ("audio first", False, ""),
        ("only system text", False, "puts the instruction before the audio, in both runs"),
        ("only system text", True, ""),
        ("numbered", True, ""),
    ],
)
def test_an_instruction_that_stands_elsewhere_is_said(with_template, layout, first, note):
    processor = with_template(chat_layouts.LAYOUTS[layout])
    said = placement(processor, Prompt(ASKED, first))
    assert note in said
    assert bool(said) == bool(note)
    assert placement(processor, Prompt("", first)) == ""


def test_a_template_without_a_place_for_an_instruction_is_said_with_the_states():
    checkpoint = tiny_more.granite_speech()
    checkpoint.processor.chat_template = "<|im_start|><|audio|><|im_end|>"
    model = TransformersSpeechLLM(checkpoint, "granite", "test")
    notes = model.audio_states(noise(0.6), Prompt(ASKED)).notes
    assert any("has no place for an instruction: neither run has it" in note for note in notes)
    assert not any("no place" in n for n in model.audio_states(noise(0.6), Prompt()).notes)
    pairs = model.prompt_tokens(Prompt(ASKED), transcript=SAID)
    assert "".join(text for text, _ in pairs) == f"<|im_start|>{SAID}<|im_end|>"


def test_the_length_of_the_audio_is_the_same_in_both_runs(tmp_path):
    """VibeVoice's processor writes it into the audio run's prompt alone."""
    checkpoint = load(tiny.vibevoice_asr(tmp_path), Loading(device="cpu"))
    marks = ("<|object_ref_start|>", "<|box_start|>", "<|object_ref_end|>")
    template = chat_layouts.NO_TURN_WITHOUT_AUDIO.replace(chat_layouts.AUDIO, "".join(marks))
    checkpoint.processor.chat_template = template
    model = TransformersSpeechLLM(checkpoint, "vibevoice", "test")
    prompt = Prompt(ASKED, audio_s=1.2345)
    heard, read = (
        model.prompt_tokens(prompt, audio=noise(prompt.audio_s)),
        model.prompt_tokens(prompt, transcript=SAID),
    )
    kept = ["".join(text for text, kind in one if kind == "prompt") for one in (heard, read)]
    assert "This lasts 1.23 seconds" in kept[0]
    assert kept[0].replace(marks[0], "").replace(marks[2], "") == kept[1]


def test_a_transcript_is_kept_apart_from_the_instruction_but_from_no_control(with_template):
    text, _ = render_text(with_template(chat_layouts.AUDIO_FIRST), Prompt(ASKED), SAID)
    assert f"user\n{SAID}\n{ASKED}<|im_end|>" in text
    text, _ = render_text(with_template(chat_layouts.PLAIN_TEXT), Prompt(ASKED), SAID)
    assert f"{ASKED} {SAID}<|im_end|>" in text


def test_a_turn_without_audio_that_the_template_refuses_is_cut_from_the_audio_run(with_template):
    template = (
        chat_layouts._FIND + "{% if not found.sound %}{{ raise_exception('no audio') }}{% endif %}"
        "{{ found.all }}: <|AUDIO|><|im_end|>"
    )
    text, _ = render_text(with_template(template), Prompt(ASKED), SAID)
    assert text == f"{ASKED}: {SAID}<|im_end|>"


def test_a_template_that_only_the_tokenizer_has_is_used(words):
    """As Granite Speech is published: the processor's own method would refuse it."""
    checkpoint = tiny_more.granite_speech()
    processor = checkpoint.processor
    processor.tokenizer.chat_template, processor.chat_template = chat_layouts.PLAIN_TEXT, None
    model = TransformersSpeechLLM(checkpoint, "granite", "test")
    heard = model.prompt_tokens(Prompt(ASKED), audio=noise(0.6))
    read = model.prompt_tokens(Prompt(ASKED), transcript=SAID)
    kept = ["".join(text for text, kind in one if kind == "prompt") for one in (heard, read)]
    assert kept[0] == kept[1]
    assert ASKED in kept[0]
    assert {kind for _, kind in heard} == {"prompt", "audio"}


@pytest.mark.parametrize(
    ("call", "written"),
    [
        ("strftime_now('%B %d, %Y')", "January 01, 2025"),
        ('strftime_now( "%Y-%m-%d" )', "2025-01-01"),
        ("strftime_now('%d %b') if strftime_now is defined else ''", "01 Jan"),
    ],
)
def test_a_prompt_is_the_same_on_any_day(with_template, call, written):
    """Granite 3 writes today's date into its system turn; the key of a result does not."""
    processor = with_template(f"Today: {{{{ {call} }}}}\n" + chat_layouts.NUMBERED)
    assert render_audio(processor, Prompt(ASKED)).startswith(f"Today: {written}\n")
    assert render_text(processor, Prompt(ASKED), SAID)[0].startswith(f"Today: {written}\n")


def test_of_several_templates_the_default_one_is_used(with_template):
    several = {"other": "{{ 1 / 0 }}", "default": chat_layouts.NUMBERED}
    one, many = with_template(chat_layouts.NUMBERED), with_template(several)
    assert render_audio(many, Prompt(ASKED)) == render_audio(one, Prompt(ASKED))


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ messages[0]['content'] | length }}", r"it writes no '<\|AUDIO\|>'"),
        ("{{ raise_exception('only one turn') }}", "only one turn"),
    ],
)
def test_a_template_without_audio_is_refused(with_template, template, reason):
    with pytest.raises(ModelError, match=rf"fails on a turn with audio \({reason}\), expected one"):
        render_audio(with_template(template), Prompt(ASKED))


def test_a_model_that_can_think_first_is_asked_to_answer(with_template) -> None:
    ends = (
        "{% if add_generation_prompt and (enable_thinking is not defined or enable_thinking) %}"
        "<think>{% endif %}"
    )
    processor = with_template(tiny.chat_template("".join(MARKERS)) + ends)
    assert "<think>" not in render_audio(processor, Prompt(ASKED))
    assert "<think>" not in render_text(processor, Prompt(ASKED), SAID)[0]
