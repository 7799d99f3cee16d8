"""What one row of the table of families says; the rows are in `alas_core.models.facts`."""

from __future__ import annotations

from dataclasses import dataclass

from alas_core.models.grid import FrameGrid


@dataclass(frozen=True)
class Family:
    """One row of facts.

    Parameters
    ----------
    model_type : str
        As in the checkpoint's config.json.
    label : str
        The family's own name.
    grid : FrameGrid
        When each frame sounds.
    model_class : str
        The class or auto class of transformers that loads it.
    max_audio_s : float or None
        Longest audio; longer input would be cut in silence or refused by the class.
    limit_from_extractor : bool
        The feature extractor's own window is the limit (`n_samples`), whichever is shorter.
    min_audio_s : float
        Shortest audio that gives at least two frames.
    fixed_frames : int
        Number of audio positions whatever the audio's length; 0 if it grows with the audio.
    needs : tuple of str
        Packages that the class imports beyond this project's own requirements.
    hub_ids : tuple of str
        Checkpoints that are offered by name; nothing is fetched before one is chosen.
    hub_revision : str
        Branch of those checkpoints that transformers' class can read; "" for the main one.
    lora : str
        Where the speech LoRA lies that only some passes use: "." beside the weights (the class
        loads it), a sub-folder's name, or "" if there is none.
    padded_to_s : float
        The processor pads the sound to multiples of this many seconds; 0 if it does not.
    conversations : bool
        The tokenizer takes whole conversations only (mistral-common).
    active_state : str
        Field of the text config that picks the residual stream out of 4-D states, "" if 3-D.
    forward_options : tuple of (name, value)
        Arguments of the forward pass that make it repeatable.
    measured : bool
        The row is no table's: its frame rate was measured on the checkpoint's processor.
    note : str
        Shown to the user beside results of this family.
    """

    model_type: str
    label: str
    grid: FrameGrid
    model_class: str = "AutoModelForMultimodalLM"
    max_audio_s: float | None = None
    limit_from_extractor: bool = False
    min_audio_s: float = 0.1
    fixed_frames: int = 0
    needs: tuple[str, ...] = ()
    hub_ids: tuple[str, ...] = ()
    hub_revision: str = ""
    lora: str = ""
    padded_to_s: float = 0.0
    conversations: bool = False
    active_state: str = ""
    forward_options: tuple[tuple[str, bool], ...] = ()
    measured: bool = False
    note: str = ""
