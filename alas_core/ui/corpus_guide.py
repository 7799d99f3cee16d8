"""Help beside each figure of the Data set page: what it shows, and what good looks like."""

from __future__ import annotations

import streamlit as st

from alas_core.definitions import FIGURES
from alas_core.ui import guide

_INTERVALS = """
**Intervals** are 95 % percentile bootstraps over utterances (1,000 resamples of whole utterances,
never of frames), a little wider where they are few and none below five; shares have Wilson
intervals. *n* is the number of utterances in a mean.

**Null.** Each utterance was also scored with the words of other transcripts. The grey band is the
mean over utterances of where 2.5 and 97.5 % of those lie: what one utterance reaches with wrong
words. An utterance *beats its null* at a layer where p ≤ 0.05; by chance that is at most 5 % (4 %
with 49 wrong transcripts; with fewer than 19 none can). Explore corrects p for the layers, since
there all of them are looked at together; here one layer is.
"""

_TEXTS = {
    "utterances": """
**Each column is one utterance, each row a layer** (0, the input of the first block, at the top).
Green: better than the baseline; brown: worse; grey: no better. Right: the mean over the columns.
Click a column to open its utterance in Explore. Above 2,000 utterances a column is the mean of
neighbours in the chosen order, and a click lists them.

**What would good look like?** One green band at the same layers in every column, and a mean far to
the right of the grey. Brown or grey columns at the end of the order are the recordings to look at.
""",
    "profiles": """
Each line is the mean of a group by layer, with the interval of that mean as its band. Beside other
runs, layers are drawn as relative depth, since models differ in their number of layers.

**What would good look like?** Bands apart: the groups differ. Overlapping bands say little either
way; the table names both means.
""",
    "words": """
Every word of the corpus with its mean ALAS at the best layer of its utterance. Intervals come from
resampling utterances, since words of one utterance are not independent. Rare words are left out.

**What would good look like?** All words right of 0, no trend over length. Short function words are
often the worst: few frames, and a token that many contexts share.
""",
    "accuracy": """
Each point is an utterance: its score at the chosen layer against whether the answer was right.
Right and wrong are spread up and down a little, at random, so that points can be seen.

**Right but not grounded**: the answer is right although the words were not found in the sound
beyond chance; the model may have guessed, or have used something else. Draw a lasso or a box to
list any points.

The point-biserial correlation is Pearson's with 0 and 1; it is bounded below 1 when classes are
uneven. A correlation over utterances does not say that alignment *causes* right answers.
""",
    "filter": """
The model answers twice: to the sound, and to the transcript. Where the answers differ, the two runs
did not do the same thing, so the paper leaves such pairs out of its means. For open answers the
similarity is the cosine of sentence embeddings (threshold 0.7 in the paper); equal words have 1.
Labels and options have none: such a pair is kept if both answers name the same one. Free answers
that differ cannot be compared where no sentence encoder is installed; they are counted apart.

**What would good look like?** Most pairs near 1, and means that do not depend on the threshold.
""",
    "map": """
Each word is there twice: the mean state of its audio frames, and of its text tokens. States are
scaled to unit length and multiplied by one fixed random matrix (64 dimensions, the same for all
utterances of a model), which keeps squared distances up to about ±18 %. Principal components of
single utterances, as Explore draws them, could not be compared between utterances.

**What would good look like?** Sound and text of one word in one place. Two separate clouds are the
modality gap. PCA keeps the two widest directions; UMAP keeps neighbourhoods, and its distances
between groups mean nothing. The sentence above counts neighbours in the 64 dimensions instead.
""",
    "layers": """
Rows are layers of the run on sound, columns layers of the run on text, averaged over utterances.
The curve is the diagonal: sound and text at the same layer. The tree joins layers that are like the
same layers of the other run (average linkage on 1 − correlation of their rows); its three groups
are the squares at the left edge.

**What would good look like?** A bright diagonal. Brightness below it: hearing reaches a stage of
meaning only at deeper layers than reading. *CKA* compares how the words of an utterance are
arranged among each other (debiased, linear); *correlation* compares mean vectors only.
""",
}


_ALL_UTTERANCES = ("map", "layers")
"""Views whose numbers are of the whole run, without intervals."""


def about(view: str, score: str) -> None:
    """Buttons beside a figure: what it shows, and how that or its score is computed."""
    text = _TEXTS[view] if view in _ALL_UTTERANCES else f"{_TEXTS[view]}\n{_INTERVALS}"
    definition = FIGURES.get(f"run {view}", "")
    with st.container(horizontal=True):
        guide.about(guide.WHAT, text, definition)
        if not definition:
            guide.about_score(score)
