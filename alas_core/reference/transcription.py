"""What Whisper hears, for recordings without a transcript: a draft that a person looks over."""

from __future__ import annotations

from alas_core.audio import SAMPLE_RATE, SILENCE_PEAK, resample
from alas_core.errors import AlignmentError
from alas_core.models.watching import Report, Watched
from alas_core.reference.checkpoints import Checkpoint
from alas_core.types import Audio

RULES = 1


def transcribe(audio: Audio, checkpoint_id: str, report: Report = lambda _: None) -> str:
    """Whisper's own text, greedy, without time marks; longer audio window by window.

    Parameters
    ----------
    audio : Audio
    checkpoint_id : hub id or folder of a Whisper checkpoint
    report : is told how far download and loading are, and when the listening begins

    Raises
    ------
    AlignmentError
        If the recording is silent or Whisper hears no word in it.
    ModelError
        If there is no such checkpoint, or it cannot be loaded.
    """
    audio = resample(audio, SAMPLE_RATE)
    if float(audio.samples.max() - audio.samples.min()) < 2 * SILENCE_PEAK:
        raise AlignmentError(
            "the recording is silent, expected speech to transcribe; check the microphone"
        )
    import torch

    checkpoint = Checkpoint("whisper", checkpoint_id, RULES)
    loaded = checkpoint.load(report)
    report(Watched("Listening: Whisper writes what it hears"))
    with checkpoint.guard(f"transcribing with {checkpoint.name}", loaded.device), torch.no_grad():
        inputs = loaded.processor.feature_extractor(
            audio.samples,
            sampling_rate=SAMPLE_RATE,
            return_tensors="pt",
            truncation=False,
            padding="longest" if audio.duration_s > 30 else "max_length",
            return_attention_mask=True,
        ).to(loaded.device)
        ids = loaded.model.generate(
            **inputs, do_sample=False, num_beams=1, return_timestamps=audio.duration_s > 30
        )
        text: str = loaded.processor.tokenizer.decode(ids[0], skip_special_tokens=True)
    if not any(letter.isalnum() for letter in text):
        raise AlignmentError(
            f"'{checkpoint_id}' hears no word in the recording, expected speech; type the words "
            "yourself"
        )
    return " ".join(text.split())
