"""What each score means: name, plain words, definition, source and baseline, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from alas_core.numerals import number

Better = Literal["higher", "lower", "nearer 1"]


@dataclass(frozen=True)
class Score:
    """What a page needs to say about a score: plain words first, definition and source behind."""

    name: str
    label: str
    unit: str
    plain: str
    definition: str
    source: str
    better: Better
    baseline: str

    def merit(self, values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
        """The values on a scale on which more is better; nan stays nan.

        Parameters
        ----------
        values : np.ndarray [any shape]
        """
        if self.better == "nearer 1":  # of a ratio: half is as far as double
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.asarray(-np.abs(np.log(values)))
        return np.asarray(values if self.better == "higher" else -values)

    @property
    def grey(self) -> str:
        """What the middle of a scale of departures from the baseline says."""
        if self.better == "nearer 1":
            return "grey: as the baseline, either colour: farther from it"
        return "grey: no better"

    def best(self, values: npt.NDArray[np.floating[Any]]) -> int | None:
        """The layer with the best value, the shallowest of equals; None if all are nan.

        Parameters
        ----------
        values : np.ndarray [shape=(n_layers + 1,)]
        """
        return next(iter(self.bests(values)), None)

    def bests(self, values: npt.NDArray[np.floating[Any]]) -> tuple[int, ...]:
        """All layers with the best value, the shallowest first."""
        merit = self.merit(np.asarray(values))
        if not np.isfinite(merit).any():
            return ()
        return tuple(np.flatnonzero(merit == np.nanmax(merit)).tolist())

    def best_place(self, values: npt.NDArray[np.floating[Any]]) -> str:
        """The best value and its layer, or its layers, in words."""
        layers = self.bests(values)
        if not layers:
            return "none"
        noun = "layer" if len(layers) == 1 else "layers"
        more = f" and {len(layers) - 3} more" if len(layers) > 3 else ""
        where = ", ".join(map(str, layers[:3]))
        return f"{number(float(values[layers[0]]))} at {noun} {where}{more}"


_PAPER = "arXiv:2505.19937"
_GAP = "arXiv:2510.12116 (direction converges while norms part)"

SCORES: dict[str, Score] = {
    score.name: score
    for score in (
        Score(
            "alas",
            "ALAS",
            "",
            "How much of each frame's similarity to the transcript falls "
            "on the word being spoken, beyond an even spread.",
            "(mean_F m − mean_F u) / (1 − mean_F u); m: softmax mass (cosine / temperature) on "
            "the frame's word, u: its share of the tokens",
            f"{_PAPER}; the normalisation is ours",
            "higher",
            "an even spread over the tokens",
        ),
        Score(
            "hit_rate",
            "Hit rate",
            "share of frames",
            "How often a frame's nearest token belongs to the word being spoken.",
            "mean_F [argmax_k S in w(i)]",
            "ours",
            "higher",
            "chance: the word's share of the tokens",
        ),
        Score(
            "lift",
            "Lift",
            "× uniform",
            "How many times more mass the spoken word gets than an even spread would give it.",
            "mean_F m / mean_F u",
            "ours",
            "higher",
            "1",
        ),
        Score(
            "path_accuracy",
            "Path accuracy",
            "share of frames",
            "How often the best monotone path through the map is in the word being spoken.",
            "share of F whose token on the monotone path lies in w(i)",
            f"{_PAPER} v1/v2",
            "higher",
            "the straight diagonal path",
        ),
        Score(
            "path_l1",
            "Path distance",
            "per frame and word",
            "How far the best monotone path is from the reference; shrinks with length.",
            "mean over i, w of |W[i,w] − P[i,w]|",
            f"{_PAPER} v1/v2",
            "lower",
            "the straight diagonal path",
        ),
        Score(
            "onset_error_ms",
            "Onset error",
            "ms",
            "How far the path's word onsets are from the reference's; the first word is left out, "
            "since every path begins with it.",
            "mean over words but the path's first of |first frame on the path − reference onset|",
            "ours",
            "lower",
            "the straight diagonal path",
        ),
        Score(
            "on_path_cosine",
            "On-path cosine",
            "cosine",
            "How similar frames are to the tokens of their own word.",
            "mean over F of the mean of S on R",
            _PAPER,
            "higher",
            "the same off the reference",
        ),
        Score(
            "contrast",
            "Contrast",
            "cosine",
            "How much more similar frames are to their own word than to the other words.",
            "mean of S on R − mean of S off R, over F",
            _PAPER,
            "higher",
            "0",
        ),
        Score(
            "word_retrieval",
            "Word retrieval",
            "share of words",
            "How often a word's sound finds its text among the words of the utterance, and back.",
            "top-1 both ways on word means; repeats count as hits",
            "ours",
            "higher",
            "a blind guess",
        ),
        Score(
            "aps",
            "Best-frame cosine",
            "cosine",
            "How similar each token is to its best frame, wherever that is.",
            "mean_k max_i S[i,k]",
            "arXiv:2510.12116 (“alignment path score”-style; exact equation not known here)",
            "higher",
            "none known",
        ),
        Score(
            "aps_order",
            "Best-frame order",
            "rank correlation",
            "Whether the tokens' best frames come in the order of the tokens.",
            "Spearman of k and argmax_i S[i,k]",
            "arXiv:2510.12116 (the same)",
            "higher",
            "0",
        ),
        Score(
            "centroid_cosine",
            "Centroid cosine",
            "cosine",
            "Whether audio and text lie in the same direction.",
            "cosine of the two centroids",
            _GAP,
            "higher",
            "identical clouds",
        ),
        Score(
            "norm_ratio",
            "Norm ratio",
            "audio / text",
            "How much longer the audio's states are than the text's.",
            "ratio of mean norms",
            _GAP,
            "nearer 1",
            "identical clouds",
        ),
        Score(
            "modality_variance",
            "Modality variance",
            "share",
            "How much of all variance is only the difference between audio and text.",
            "between-modality over total sum of squares",
            "arXiv:2510.12116",
            "lower",
            "identical clouds",
        ),
        Score(
            "neighbour_mixing",
            "Neighbour mixing",
            "share of neighbours",
            "How many of a point's 15 nearest neighbours are of the other modality.",
            "mean share of other-modality points among 15 nearest (Euclidean)",
            "arXiv:2510.12116",
            "higher",
            "perfect mixing",
        ),
    )
}

LIKENESS = (
    "CKA[l, m] = HSIC(A_l, T_m) / sqrt(HSIC(A_l, A_l) · HSIC(T_m, T_m)), debiased and linear. "
    "A_l: inner products of the words' mean audio states at layer l, T_m: of their mean text "
    "states at layer m, both with a diagonal of 0; n words (at least 4).\n"
    "HSIC(K, L) = [tr(K L) + ΣK · ΣL / ((n − 1)(n − 2)) − 2 · 1ᵀK L 1 / (n − 2)] / (n (n − 3)) "
    "(Song et al. 2012).\n"
    "Correlation[l, m] = Pearson's r, over dimensions, of the mean frame at layer l and the mean "
    "token at layer m.\n"
    "1: alike. 0: no more alike than unrelated layers are on average."
)

FIGURES: dict[str, str] = {
    "map": "PCA of frames and tokens of a layer together; each layer centred, divided by its "
    "median distance from the centre and turned towards the layer before (orthogonal Procrustes). "
    "UMAP: 15 neighbours among the first 50 components, each layer started where the one beside "
    "it lies (McInnes et al. 2018).\n"
    "Trustworthiness = 1 − 2 / (n k (2n − 3k − 1)) · Σ_i Σ_j (rank(i, j) − k), over the j among "
    "the k = 15 nearest of i on the map and not in the 50 components (Venna and Kaski 2001).",
    "layers": LIKENESS,
    "compare": "B − A at the same layer number, or by depth, the shallower model interpolated "
    "between its layers. Its band: 2.5 and 97.5 % quantiles of (null of B)_j − (null of A)_i: "
    "j = i where both have the same wrong transcripts, else all i and j (no draw of A belongs to "
    "one of B). Equal words are matched in their order (longest common runs).",
    "training": "Each cell is a score of one checkpoint at one layer, computed as on Explore from "
    "that checkpoint's own states. Dot: p ≤ 0.05 against that checkpoint's own null, corrected "
    "for the layers (Benjamini and Hochberg 1995), not for the number of checkpoints. Word error: "
    "as the folder's index.json tells it.",
    "quality": "Jitter: each boundary + U(−j, j) ms, boundaries that two words share together, "
    "their order kept; the frames' words are taken anew and ALAS from the same states. 20 draws "
    "for each j. Agreement: onset in the second reference − onset in the first, in ms, for each "
    "word that both place; mean and maximum are of absolute values.",
    "run map": "x = s / |s| · R; s: a word's mean state, R: one fixed matrix of N(0, 1/64), "
    "d_model × 64 (Johnson and Lindenstrauss 1984). Map: principal components of all x, or UMAP of "
    "their first 50. Neighbours: for each sound (2,000 drawn at most) the text of another "
    "utterance with the highest cosine; counted where it is of the same word. Blind guess: that "
    "word's share of the other utterances' texts.",
    "run layers": f"Mean over the utterances of, in each of them:\n{LIKENESS}\n"
    "Tree: average linkage on 1 − Pearson's r of two layers' rows (columns, for text); the three "
    "groups are where it is cut.",
    "run filter": "similarity = cosine of the sentence embeddings of both answers, where answers "
    "are open; kept: similarity ≥ threshold. Labels have none; kept: both name the same. Means are "
    "over the kept utterances; 95 % intervals by resampling utterances 1,000 times (percentiles, "
    "wider for few, after Hesterberg 2015; none below 5), of a share after Wilson.",
}
"""How what is shown beside the scores is computed, by figure."""
