"""The Method page's example is computed by the project's functions and can be checked by hand."""

import math

import pytest

from alas_core.errors import InputError
from alas_core.worked_example import EXAMPLES, FRAME_WORD, TOKEN_WORD, work_out


def by_hand(cosines, temperature=0.1):
    masses, uniforms = [], []
    for row, word in zip(cosines, FRAME_WORD, strict=True):
        if word < 0:
            continue
        weights = [math.exp(c / temperature) for c in row]
        own = [w for w, owner in zip(weights, TOKEN_WORD, strict=True) if owner == word]
        masses.append(sum(own) / sum(weights))
        uniforms.append(len(own) / len(row))
    mass, uniform = sum(masses) / len(masses), sum(uniforms) / len(uniforms)
    return (mass - uniform) / (1 - uniform)


@pytest.mark.parametrize("name", EXAMPLES)
def test_alas_equals_the_sum_done_by_hand(name):
    expected = by_hand(EXAMPLES[name])
    assert work_out(EXAMPLES[name]).scores["alas"] == pytest.approx(expected, abs=1e-5)


def test_shares_are_the_softmax_and_sum_to_one():
    shares = work_out(EXAMPLES["Bound"], temperature=0.5).shares
    first = [math.exp(c / 0.5) for c in EXAMPLES["Bound"][0]]
    assert shares[0] == pytest.approx([w / sum(first) for w in first], abs=1e-6)
    assert [sum(row) for row in shares] == pytest.approx([1.0] * len(FRAME_WORD), abs=1e-5)


def test_examples_show_what_their_names_say():
    alas = {name: work_out(rows).scores["alas"] for name, rows in EXAMPLES.items()}
    assert alas["Bound"] > 0.7
    assert alas["Even"] == pytest.approx(0, abs=1e-6)
    assert alas["One token attracts all"] < 0.2
    assert alas["Reversed"] < 0


def test_silence_is_left_out():
    assert work_out(EXAMPLES["Bound"]).mass[-1] is None


@pytest.mark.parametrize("rows", [[], [[2.0] * 4] * 8, [[float("nan")] * 4] * 8, [[0.1] * 3] * 8])
def test_a_matrix_of_another_kind_is_refused(rows):
    with pytest.raises(InputError, match="expected"):
        work_out(rows)
