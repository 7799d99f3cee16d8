"""What the vocabulary read-out (lens) of an analysis says, as arrays; no model is needed to ask it.

The logit lens of a state is the model's own next-token distribution, had the remaining blocks been
skipped: final norm, then output head (arXiv 2506.05140 reads audio positions so). Layer 0 has not
passed any block; there the nearest input embeddings are named instead (arXiv 2510.02569).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alas_core.errors import InputError

TOP = 10
"""Tokens kept of each position and layer."""

OTHER, OWN, NEXT = 0, 1, 2
"""What the first token of a position names: something else, its own word, the word after it."""


@dataclass(frozen=True)
class Lens:
    """The first tokens of each position and layer, and where its own word stands among all.

    Shapes, with L = n_layers, P = n_frames + n_tokens (frames first), U the tokens that occur:

    vocabulary : text of each token that occurs; vocabulary_ids : its id in the model's vocabulary
    tops : (L+1, P, 10), index into `vocabulary`, the most probable first
    values : (L+1, P, 10), their probabilities; at layer 0 cosines with the input embeddings
    own_value : (L+1, P), all probability on the tokens that name the position's word (at layer 0
        the best of their cosines); nan where the position has no word
    own_rank, next_rank : (L+1, P), rank of the best token that names the position's word, or the
        word after it; 1 only for the first of `tops`, 0 where there is none
    """

    vocabulary: tuple[str, ...]
    vocabulary_ids: npt.NDArray[np.uint32]
    tops: npt.NDArray[np.uint32]
    values: npt.NDArray[np.float16]
    own_value: npt.NDArray[np.float16]
    own_rank: npt.NDArray[np.uint32]
    next_rank: npt.NDArray[np.uint32]

    def __post_init__(self) -> None:
        grid = self.tops.shape[:2]
        shapes = [a.shape for a in (self.own_value, self.own_rank, self.next_rank)]
        fits = self.values.shape == self.tops.shape and shapes == [grid] * 3
        words = len(self.vocabulary)
        known = words == len(self.vocabulary_ids) and self.tops.max(initial=0) < max(words, 1)
        if not (fits and known):
            raise InputError(
                f"the read-out has tops {self.tops.shape}, values {self.values.shape}, ranks "
                f"{shapes} and {words} tokens, expected one shape and an entry for every token; "
                "compute the analysis anew"
            )

    def names(self) -> npt.NDArray[np.int8]:
        """OWN, NEXT or OTHER of each layer and position, by its most probable token."""
        found = np.where(self.next_rank == 1, NEXT, OTHER)
        result: npt.NDArray[np.int8] = np.where(self.own_rank == 1, OWN, found).astype(np.int8)
        return result

    def text(self, layer: int, position: int, place: int = 0) -> str:
        """The token in that place (0 the most probable), white space included."""
        return self.vocabulary[int(self.tops[layer, position, place])]


@dataclass(frozen=True)
class WordReading:
    """Where along the layers a word is read from its audio frames.

    Layer 0 is kept apart: no block has been passed there, and input embeddings are named, not what
    the vocabulary would read.

    first_layer : the first layer from 1 on at which the word is the top token in one of its frames
        or more; None if it is nowhere. most_layer : the first at which it is so in at least half.
    best_layer : the layer from 1 on with the largest share of frames that name it (the shallowest
        of equals). n_frames : how many frames the word has.
    input_share : share of its frames whose nearest input embedding is the word's, at layer 0.
    """

    word: int
    n_frames: int
    first_layer: int | None
    most_layer: int | None
    best_layer: int
    input_share: float


def word_readings(
    lens: Lens, frame_word: npt.NDArray[np.integer], n_words: int
) -> tuple[WordReading, ...]:
    """Where each word with frames is read; frames stand first among the lens's positions.

    Parameters
    ----------
    frame_word : np.ndarray [shape=(n_frames,)], the word of each frame, -1 for none
    n_words : words of the reference, placed or not
    """
    read = lens.own_rank[:, : len(frame_word)] == 1
    found = []
    for word in range(n_words):
        own = frame_word == word
        if not own.any():
            continue
        share = read[:, own].mean(axis=1)
        found.append(
            WordReading(
                word,
                int(own.sum()),
                _first(share[1:] > 0),
                _first(share[1:] >= 0.5),
                1 + int(share[1:].argmax()),
                float(share[0]),
            )
        )
    return tuple(found)


def _first(where: npt.NDArray[np.bool_]) -> int | None:
    """The first layer of those from 1 on."""
    return 1 + int(where.argmax()) if where.any() else None


def heard_instead(
    lens: Lens, frame_word: npt.NDArray[np.integer], word: int, layer: int
) -> tuple[str, int] | None:
    """The token that most of a word's frames name at a layer, if that is not the word itself.

    Returns
    -------
    (text, n_frames) or None
        None where the word has no frame, or its own name is at least as frequent.
    """
    own = np.flatnonzero(frame_word == word)
    if not own.size:
        return None
    wrong = own[lens.own_rank[layer, own] != 1]
    if not wrong.size:
        return None
    tops, counts = np.unique(lens.tops[layer, wrong, 0], return_counts=True)
    most = int(counts.argmax())
    if counts[most] <= own.size - wrong.size:
        return None
    return lens.vocabulary[int(tops[most])], int(counts[most])
