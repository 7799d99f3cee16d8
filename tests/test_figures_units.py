"""Every figure's every axis of numbers says what it measures, in which unit or that it has none."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator

import numpy as np
import plotly.graph_objects as go
import pytest

from alas_core import figures
from alas_core.corpus import accuracy, answers, choosing, heat, layers, profiles, words
from alas_core.corpus.run import Run, open_run
from alas_core.definitions import SCORES
from alas_core.figures import comparison, corpus, corpus_maps, corpus_views, quality
from alas_core.figures.reading import reading_figure
from alas_core.figures.sensitivity import sensitivity_figure
from alas_core.figures.series import series_figure
from alas_core.figures.trials import trials_figure
from alas_core.layouts import pca_layout
from alas_core.quality import reference_quality
from alas_core.sensitivity import measure
from alas_core.series import Growth, Series
from alas_core.variations import CONTROLS, TrialResult
from tests.factory import make_analysis, make_lens_of
from tests.runs import make_run

LAYER = 3
ONE, OTHER = make_analysis(), make_analysis(n_layers=4, seed=1)
STEPS = Series("demo", "u", "the red fox", (10, 20), (), (1.0, 0.2))
GROWN = Growth(np.zeros((9, 2)), np.zeros((9, 2)), np.zeros((9, 2), bool), "wrong transcripts")
TRIAL = TrialResult(CONTROLS["noise"], None, np.zeros(9, np.float32), ONE.null)

UNITS = {score.unit for score in SCORES.values() if score.unit}
UNITS |= {"s", "ms", "kHz", "%", "no unit"}
NO_UNIT = (
    r"layer",
    r"(audio|text) run: layer",
    r"relative depth \(0: .*, 1: .*\)",
    r"token",
    r"(B − A of )?ALAS( at layer \d+| of the word| of words by \w+)?",
    r"score",
    r"(\d+ )?utterances(, by .* →)?",
    r"linear CKA, debiased",
    r"1 − correlation",
)
"""What has no unit: places, counts, ALAS, and what is named as a share, a cosine, a correlation."""


def corpus_case(run: Run, score: str) -> go.Figure:
    rows = run.everyone()
    drawn, mean = heat.heat(run, rows, score), profiles.profile(run, rows, score)
    return corpus.corpus_figure(drawn, mean, ["u"] * 30, layer=LAYER, sorted_by="ALAS")


def groups_case(run: Run, score: str, *, depth: bool) -> go.Figure:
    found = choosing.groups(run, run.everyone(), "speaker")
    return corpus.groups_figure(profiles.by_group(run, found, score), layer=LAYER, depth=depth)


def words_case(run: Run, score: str) -> go.Figure:
    table = words.ranked_words(words.placed_words(run, run.everyone()))
    return corpus_views.words_figure(table, 0.5)


def lengths_case(run: Run, score: str) -> go.Figure:
    table = words.by_length(words.placed_words(run, run.everyone()), "letters")
    return corpus_views.lengths_figure(table, 0.5, "letters")


def accuracy_case(run: Run, score: str) -> go.Figure:
    found = accuracy.pairs(run, run.everyone(), LAYER, "correct_audio", score)
    labels = ["u"] * len(found.rows)
    return corpus_views.accuracy_figure(found, labels, score=score, outcome="Right", binary=True)


def filter_case(run: Run, score: str) -> go.Figure:
    return corpus_views.filter_figure(*answers.histogram(run, run.everyone()), 0.7)


def means_case(run: Run, score: str) -> go.Figure:
    found = answers.filtered(run, run.everyone(), 0.7, LAYER)
    return corpus_views.means_figure([("all", found.all_mean)], score, theme="light")


def layers_case(run: Run, score: str) -> go.Figure:
    matrix = layers.cross_layer(run, "cka")
    return corpus_maps.corpus_layers_figure(matrix, layers.layer_tree(matrix), layer=LAYER)


def pooled_case(run: Run, score: str) -> go.Figure:
    return corpus_maps.pooled_figure(np.eye(2), ["audio", "text"], ["a", "a"], ["u", "u"])


def agreement_case(run: Run, score: str) -> go.Figure:
    found = reference_quality(ONE, ONE.reference)
    return quality.agreement_figure(ONE, found.agreement)


CASES: dict[str, Callable[[Run, str], go.Figure]] = {
    "accuracy_figure": accuracy_case,
    "agreement_figure": agreement_case,
    "corpus_figure": corpus_case,
    "corpus_layers_figure": layers_case,
    "cross_layer_figure": lambda run, score: figures.cross_layer_figure(ONE),
    "filter_figure": filter_case,
    "groups_figure": lambda run, score: groups_case(run, score, depth=False),
    "groups_figure over depth": lambda run, score: groups_case(run, score, depth=True),
    "jitter_figure": lambda run, score: quality.jitter_figure(
        ONE, reference_quality(ONE), layer=LAYER
    ),
    "lengths_figure": lengths_case,
    "map_figure": lambda run, score: figures.map_figure(ONE, pca_layout(ONE), layer=LAYER),
    "maps_figure": lambda run, score: comparison.maps_figure((ONE, OTHER), layers=(1, 2)),
    "means_figure": means_case,
    "pooled_figure": pooled_case,
    "profile_figure": lambda run, score: figures.profile_figure(ONE, score=score),
    "profiles_figure": lambda run, score: comparison.profiles_figure(
        (ONE, OTHER), score=score, layers=(1, 2)
    ),
    "profiles_figure over depth": lambda run, score: comparison.profiles_figure(
        (ONE, OTHER), score=score, axis="depth", layers=(1, 2)
    ),
    "reading_figure": lambda run, score: reading_figure(ONE, make_lens_of(ONE)),
    "sensitivity_figure": lambda run, score: sensitivity_figure(ONE, measure(ONE)),
    "series_figure": lambda run, score: series_figure(STEPS, GROWN, score=score),
    "sheet_figure": lambda run, score: figures.sheet_figure(ONE, layer=LAYER, score=score),
    "trials_figure": lambda run, score: trials_figure(ONE, [TRIAL]),
    "words_figure": words_case,
    "words_figure of two": lambda run, score: comparison.words_figure((ONE, OTHER), score=score),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return open_run(str(make_run(tmp_path_factory.mktemp("runs") / "planted", n=30)))


def untold(title: str) -> bool:
    """Whether an axis of this title leaves open in what it counts."""
    unit = re.search(r"\(([^()]+)\)$", title)
    known = title in UNITS or (unit is not None and unit[1] in UNITS)
    return not known and not any(re.fullmatch(pattern, title) for pattern in NO_UNIT)


def titles(figure: go.Figure) -> Iterator[str]:
    """Of each axis that a reader sees and that holds numbers instead of names."""
    layout = figure.to_plotly_json()["layout"]
    for name, axis in layout.items():
        if not re.fullmatch(r"[xy]axis\d*", name) or axis.get("visible") is False:
            continue
        letter, own = name[0], name.replace("axis", "")
        traces = [one for one in figure.data if (one[f"{letter}axis"] or letter) == own]
        places = [list(one[letter]) for one in traces if one[letter] is not None]
        of_names = any(isinstance(place, str) for row in places for place in row)
        if of_names or axis.get("ticktext") is not None or axis.get("matches"):
            continue
        yield (axis.get("title") or {}).get("text") or f"{name} without a title"


@pytest.mark.parametrize("score", ["alas", "onset_error_ms"])
@pytest.mark.parametrize("name", CASES)
def test_every_axis_of_numbers_has_a_unit_or_is_known_to_have_none(
    run: Run, name: str, score: str
) -> None:
    told = list(titles(CASES[name](run, score)))
    assert told
    assert not [title for title in told if untold(title)]


def test_every_builder_of_a_figure_has_its_case() -> None:
    found = set()
    for module in pkgutil.iter_modules(figures.__path__, "alas_core.figures."):
        functions = inspect.getmembers(importlib.import_module(module.name), inspect.isfunction)
        found |= {name for name, _ in functions if name.endswith("_figure")}
    assert found - {"blank_figure"} == {name.partition(" ")[0] for name in CASES}


@pytest.mark.parametrize("title", ["", "time", "Onset error", "error (furlongs)", "word error"])
def test_a_title_without_its_unit_would_be_noticed(title: str) -> None:
    assert untold(title)
