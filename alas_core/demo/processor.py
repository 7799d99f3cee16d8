"""Tokenizer, chat template and feature extractor: a real `Qwen2AudioProcessor` for the demo model.

The tokenizer is a byte-level BPE, so any text goes through; it lower-cases. The end of a line is a
token of its own, and the template puts every content block on a line of its own (text after a
space, as inside a sentence): a transcript stands exactly where the audio would, and its tokens are
the same alone and inside a prompt.
"""

from __future__ import annotations

import itertools
import pydoc_data.topics
from functools import lru_cache

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast, Qwen2AudioProcessor, WhisperFeatureExtractor

from alas_core.demo.grammar import INSTRUCTIONS, sentences, vocabulary

MAX_AUDIO_S = 12
N_MELS = 80
VOCABULARY_SIZE = 1536
SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|audio_bos|>",
    "<|AUDIO|>",
    "<|audio_eos|>",
)
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' ~ message['role'] ~ '\\n' }}"
    "{% if message['content'] is string %}{{ ' ' ~ message['content'] | trim ~ '\\n' }}{% else %}"
    "{% for block in message['content'] %}"
    "{% if block['type'] == 'audio' %}{{ '<|audio_bos|><|AUDIO|><|audio_eos|>\\n' }}"
    "{% else %}{{ ' ' ~ block['text'] | trim ~ '\\n' }}{% endif %}"
    "{% endfor %}{% endif %}{{ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def _plain_english() -> list[str]:
    lines = itertools.chain.from_iterable(t.splitlines() for t in pydoc_data.topics.topics.values())
    return [line for line in lines if line.strip()]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Train the byte-level tokenizer on the grammar, the instructions and Python's own manual.

    Returns
    -------
    PreTrainedTokenizerFast
        At most `VOCABULARY_SIZE` tokens; every word of the grammar is one token.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=True, trim_offsets=True)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE - 1,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_tokenizer_text(), trainer)
    tokenizer.add_tokens([AddedToken("\n", normalized=False)])
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=SPECIAL_TOKENS[0],
        eos_token="<|im_end|>",
        extra_special_tokens=list(SPECIAL_TOKENS[1:]),
        clean_up_tokenization_spaces=False,
    )


def _tokenizer_text() -> list[str]:
    text = [" ".join(vocabulary())] * 4000
    text += [s.text for s in itertools.islice(sentences(99, held_out=False), 4000)] * 4
    text += ["user", "assistant", *(t for texts in INSTRUCTIONS.values() for t in texts)] * 3000
    return text + _plain_english()


@lru_cache(maxsize=1)
def feature_extractor() -> WhisperFeatureExtractor:
    """Whisper's log-mel front end, for at most `MAX_AUDIO_S` seconds.

    Returns
    -------
    WhisperFeatureExtractor
        80 mel bands, one frame each 10 ms, 16 kHz.
    """
    return WhisperFeatureExtractor(  # type: ignore[no-untyped-call]
        feature_size=N_MELS, chunk_length=MAX_AUDIO_S
    )


def build_processor() -> Qwen2AudioProcessor:
    """Put tokenizer, feature extractor and chat template together.

    Returns
    -------
    Qwen2AudioProcessor
        The stock class, ready for `save_pretrained`.
    """
    return Qwen2AudioProcessor(  # type: ignore[no-untyped-call]
        feature_extractor=feature_extractor(),
        tokenizer=build_tokenizer(),
        chat_template=CHAT_TEMPLATE,
    )
