"""Tiny checkpoints of neural aligners; the planted ones listen where a test tells them to.

A planted Whisper is a real Whisper of random size and hand-made weights: its positions are codes,
its blocks add nothing, and one cross-attention head compares codes. So decoder position `k` listens
to exactly the encoder frames that carry code `k`, whatever the sound.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from tests import tiny

SENTENCE = "the red fox sleeps here and the blue cat waits"
START, LANGUAGE, TASK, QUIET, END = (
    "<|startoftranscript|>",
    "<|en|>",
    "<|transcribe|>",
    "<|notimestamps|>",
    "<|endoftext|>",
)
N_PREFIX = 4
"""Decoder ids before the text: start, language, task, no timestamps."""


def bpe() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of a byte-level BPE that knows the sentence's words and bytes."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator([f" {SENTENCE}"] * 50, trainer)
    model = json.loads(backend.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def vocabulary_size() -> int:
    """Of a tiny Whisper: the bytes, the sentence's words and six special tokens."""
    return len(bpe()[0]) + 6


def whisper(
    folder: Path,
    rows: Sequence[int] = (),
    *,
    stop_after: int | None = None,
    multilingual: bool = True,
    seed: int = 0,
) -> Path:
    """Whisper with two decoder layers; layer 1, head 0 is its alignment head.

    Parameters
    ----------
    rows : for each encoder frame (20 ms) the token of the text it is listened to for; the number
        of tokens for what follows the text. Empty leaves the weights random.
    stop_after : number of tokens after which it is sure that the text ends.
    """
    vocab, merges = bpe()
    tokenizer = transformers.WhisperTokenizer(vocab=vocab, merges=merges)
    tokenizer.add_special_tokens(
        {"extra_special_tokens": [END, START, LANGUAGE, TASK, QUIET, "<|nospeech|>"]}
    )
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=80,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        d_model=64,
        max_target_positions=64,
        decoder_start_token_id=tokenizer.convert_tokens_to_ids(START),
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        pad_token_id=tokenizer.convert_tokens_to_ids(END),
        bos_token_id=tokenizer.convert_tokens_to_ids(END),
        tie_word_embeddings=False,
    )
    model = tiny.random_model(transformers.WhisperForConditionalGeneration, config, seed)
    if len(rows):
        _plant(model, list(rows), stop_after)
    settings = model.generation_config
    settings._from_model_config = False  # else what is set here is not read back
    settings.begin_suppress_tokens = None
    settings.alignment_heads = [[1, 0]]
    settings.no_timestamps_token_id = tokenizer.convert_tokens_to_ids(QUIET)
    settings.eos_token_id = config.eos_token_id
    settings.is_multilingual = multilingual
    settings.lang_to_id = {LANGUAGE: tokenizer.convert_tokens_to_ids(LANGUAGE)}
    settings.task_to_id = {"transcribe": tokenizer.convert_tokens_to_ids(TASK)}
    model.save_pretrained(folder)
    processor = transformers.WhisperProcessor(transformers.WhisperFeatureExtractor(), tokenizer)
    processor.save_pretrained(folder)
    return folder


def _plant(model: transformers.WhisperForConditionalGeneration, rows: list[int], stop: int | None):
    """Codes for positions; head 0 of decoder layer 1 compares them; every block adds nothing."""
    encoder, decoder = model.model.encoder, model.model.decoder
    codes = torch.eye(32, 64)
    with torch.no_grad():
        for layer in (encoder.conv1, encoder.conv2):
            layer.weight.zero_()
            layer.bias.zero_()
        for block in (*encoder.layers, *decoder.layers):
            for name in ("self_attn", "encoder_attn"):
                if hasattr(block, name):
                    getattr(block, name).out_proj.weight.zero_()
            block.fc2.weight.zero_()
        decoder.embed_tokens.weight.zero_()
        last = max(rows) + 1  # sound after the planted frames, and text after the planted tokens
        frames = torch.tensor(rows + [last] * (1500 - len(rows)))
        encoder.embed_positions.weight.copy_(codes[frames])
        heard = (torch.arange(64) - (N_PREFIX - 1)).clamp(-1, last)
        decoder.embed_positions.weight.copy_(codes[torch.where(heard < 0, last, heard)])
        attention = decoder.layers[1].encoder_attn
        attention.q_proj.weight.copy_(2 * torch.eye(64))
        attention.k_proj.weight.copy_(2 * torch.eye(64))
        model.proj_out.weight.zero_()
        if stop is not None:
            model.proj_out.weight[model.config.eos_token_id] = 400 * codes[stop]


def wav2vec2(folder: Path, seed: int = 0) -> Path:
    """Wav2Vec2ForCTC of random weights: capital letters, an apostrophe, frames of 20 ms."""
    letters = "<pad> <s> </s> <unk> |".split() + list("'ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({letter: k for k, letter in enumerate(letters)}))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(vocabulary))
    config = transformers.Wav2Vec2Config(
        vocab_size=len(letters),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
        pad_token_id=tokenizer.pad_token_id,
    )
    tiny.random_model(transformers.Wav2Vec2ForCTC, config, seed).save_pretrained(folder)
    transformers.Wav2Vec2Processor(
        transformers.Wav2Vec2FeatureExtractor(), tokenizer
    ).save_pretrained(folder)
    return folder


def qwen3(folder: Path, seed: int = 0) -> Path:
    """A Qwen3 forced aligner of random weights: two blanks after each word, 50 steps of 80 ms."""
    words = tiny.tokenizer(
        ("<|audio_start|>", "<|audio_pad|>", "<|audio_end|>", "<timestamp>"),
        audio_bos_token="<|audio_start|>",
        audio_token="<|audio_pad|>",
        audio_eos_token="<|audio_end|>",
    )
    audio_config = transformers.Qwen3ASREncoderConfig(
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=64,
        d_model=32,
        output_dim=32,
        downsample_hidden_size=8,
    )
    config = transformers.Qwen3ASRConfig(
        audio_config=audio_config.to_dict(),
        text_config=tiny.qwen3_config(words).to_dict(),
        audio_token_id=words.convert_tokens_to_ids("<|audio_pad|>"),
        timestamp_token_id=words.convert_tokens_to_ids("<timestamp>"),
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        num_labels=50,
    )
    template = (
        "{% for message in messages %}{% for block in message['content'] %}"
        "{% if block['type'] == 'audio' %}<|audio_start|><|audio_pad|><|audio_end|>"
        "{% else %}{{ block['text'] }}<timestamp><timestamp>{% endif %}"
        "{% endfor %}{% endfor %}"
    )
    processor = transformers.Qwen3ASRProcessor(
        feature_extractor=transformers.Qwen3ASRFeatureExtractor(),
        tokenizer=words,
        chat_template=template,
    )
    model_class = transformers.Qwen3ASRForTokenClassification
    tiny.random_model(model_class, config, seed).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
