from __future__ import annotations

from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from tasks.aggregation.significance import chance_of_at_least, chance_of_at_most, discoveries


@given(st.lists(st.floats(0, 1), max_size=7), st.integers(-1, 8))
def test_the_chance_of_a_count_is_the_sum_over_all_outcomes(probabilities, count):
    outcomes = product((0, 1), repeat=len(probabilities))
    expected = sum(
        prod(p if hit else 1 - p for p, hit in zip(probabilities, outcome, strict=True))
        for outcome in outcomes
        if sum(outcome) >= count
    )

    assert chance_of_at_least(count, probabilities) == pytest.approx(expected, abs=1e-12)


def test_equal_probabilities_give_the_binomial():
    assert chance_of_at_least(7, [0.3] * 20) == pytest.approx(binom.sf(6, 20, 0.3))
    assert chance_of_at_most(7, [0.3] * 20) == pytest.approx(binom.cdf(7, 20, 0.3))


def test_without_trials_there_are_no_successes():
    assert chance_of_at_least(0, []) == 1
    assert chance_of_at_least(1, []) == 0
    assert chance_of_at_most(0, []) == 1


def test_discoveries_step_up():
    # Levels are 0.0125, 0.025, 0.0375, 0.05: the third passes its own, and takes the second along.
    assert discoveries([0.03, 0.9, 0.001, 0.028], level=0.05).tolist() == [True, False, True, True]
    assert discoveries([0.02, 0.9], level=0.05, tests=100).tolist() == [False, False]
    assert discoveries([], level=0.05).tolist() == []
