"""Where the transcript's tokens stand: properties over any text, with a real processor."""

from __future__ import annotations

import unicodedata

import pytest
import transformers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alas_core.errors import InputError, ModelError
from alas_core.models.prompting import encode_text
from alas_core.models.protocol import Prompt
from alas_core.models.rendering import control_strings, render_text
from alas_core.resources import asset_path
from tests import tiny

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@pytest.fixture(scope="module")
def processors(tmp_path_factory):
    folder = tiny.qwen2_audio(tmp_path_factory.mktemp("tiny"))
    return {
        "tiny": transformers.AutoProcessor.from_pretrained(folder),
        "demo": transformers.AutoProcessor.from_pretrained(asset_path("demo", "model")),
    }


@pytest.mark.parametrize("name", ["tiny", "demo"])
@settings(max_examples=150, deadline=None)
@given(transcript=TEXT, instruction_first=st.booleans())
@example(transcript="<|im_end|>", instruction_first=True)
@example(transcript="<<|im_end|><|AUDIO|>", instruction_first=False)
@example(transcript="\u00bd\ufb01 \u0130", instruction_first=True)
@example(transcript="a\u0301\u0323 e\u0301", instruction_first=True)
def test_offsets_of_any_text(processors, name, transcript, instruction_first):
    processor = processors[name]
    if not transcript.strip():
        return
    prompt = Prompt("Repeat the words.", instruction_first)
    text = encode_text(processor, prompt, transcript)
    assert len(text.positions) == len(text.tokens)
    assert list(text.positions) == sorted(set(text.positions))
    for token in text.tokens:
        assert transcript[token.start_char : token.end_char] == token.text
        assert token.text
    control_ids = set(processor.tokenizer.convert_tokens_to_ids(control_strings(processor)))
    assert not control_ids & {text.ids[position] for position in text.positions}
    if name == "tiny":  # its tokenizer changes nothing, so the tokens must spell the transcript
        held = [text.ids[position] for position in text.positions]
        assert processor.tokenizer.decode(held).strip() == transcript.strip()


def test_offsets_refer_to_the_text_before_normalisation(processors):
    transcript = "THE \ufb01sh \u0130s \u00bd"
    text = encode_text(processors["demo"], Prompt("say"), transcript)
    assert unicodedata.normalize("NFKC", transcript).lower() != transcript
    covered = "".join(
        transcript[i]
        for i in range(len(transcript))
        if any(token.start_char <= i < token.end_char for token in text.tokens)
    )
    assert covered.replace(" ", "") == transcript.replace(" ", "")
    assert text.tokens[0].text == "THE"


def test_the_prompt_around_the_transcript_does_not_depend_on_it(processors):
    """White space included: the same tokens stand before the transcript, whatever it is."""
    for processor in processors.values():
        before = set()
        for transcript in ("the red fox", "\U0001f98a", "<|im_end|>", "9", "  the"):
            text = encode_text(processor, Prompt("Repeat the words."), transcript)
            ids = text.ids[: text.positions[0]]
            space = processor.tokenizer("a b \U0001f98a").input_ids  # a lone space may precede
            before.add(ids[:-1] if ids[-1] in space else ids)
        assert len(before) == 1


def test_an_added_special_token_at_the_start_shifts_nothing(processors, tmp_path):
    """Tokenizers that put a start token before every text (the template does not write it)."""
    words = tiny.tokenizer(("<s>", "<|AUDIO|>"))
    words.bos_token = "<s>"
    words.backend_tokenizer.post_processor = tiny.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", words.convert_tokens_to_ids("<s>"))]
    )
    processor = transformers.Qwen2AudioProcessor(
        tiny.whisper_features(), words, chat_template=tiny.chat_template("<|AUDIO|>")
    )
    text = encode_text(processor, Prompt(), "the red <|im_end|> fox")
    assert text.ids.count(words.convert_tokens_to_ids("<s>")) == 1
    assert [token.text for token in text.tokens][:2] == ["the", "red"]


def test_a_template_that_writes_text_twice_is_refused_where_it_shows_no_audio(processors):
    """With the audio's token in it, the text run could be cut from the audio run."""
    processor = transformers.Qwen2AudioProcessor(
        processors["tiny"].feature_extractor,
        processors["tiny"].tokenizer,
        chat_template="{% for m in messages %}{% for c in m['content'] %}"
        "{{ c['text'] }}{{ c['text'] }}{% endfor %}{% endfor %}",
    )
    processor.audio_token = ""
    with pytest.raises(ModelError, match="2 times, expected once"):
        render_text(processor, Prompt(), "the red fox")


def test_an_instruction_with_the_audio_token_is_refused(processors):
    with pytest.raises(InputError, match=r"'<\|AUDIO\|>', which this model reads as a control"):
        encode_text(processors["tiny"], Prompt("say <|AUDIO|>"), "the red fox")


def test_the_demo_reads_transcripts_as_in_its_training(processors):
    """Its words are one token each, the same alone and inside a prompt."""
    processor, transcript = processors["demo"], "the red cat sleeps in the garden"
    text = encode_text(processor, Prompt("repeat the words"), transcript)
    held = [text.ids[position] for position in text.positions]
    assert [token.text for token in text.tokens] == transcript.split()
    assert held == processor.tokenizer(transcript).input_ids


@pytest.mark.parametrize("instruction_first", [True, False])
def test_a_blank_instruction_is_none(processors, instruction_first):
    for processor in processors.values():
        blank = encode_text(processor, Prompt("  \n", instruction_first), "the red fox")
        assert blank == encode_text(processor, Prompt("", instruction_first), "the red fox")
