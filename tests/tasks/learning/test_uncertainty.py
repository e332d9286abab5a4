from __future__ import annotations

from math import floor, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.learning.errors import UnknownStrategy
from tasks.learning.uncertainty import STRATEGIES, entropy, least_confidence, margin, order

BELIEFS = st.dictionaries(
    st.integers(0, 10_000),
    st.floats(0, 1).map(lambda share: {"a": share, "b": 1 - share}),
    max_size=30,
)


def test_the_three_scores_by_hand():
    belief = {"a": 0.5, "b": 0.3, "c": 0.2}

    assert least_confidence(belief) == pytest.approx(0.5)
    assert margin(belief) == pytest.approx(0.8)
    assert entropy(belief) == pytest.approx(-0.5 * log(0.5) - 0.3 * log(0.3) - 0.2 * log(0.2))


@pytest.mark.parametrize("name", STRATEGIES)
def test_certainty_scores_zero(name):
    assert STRATEGIES[name]({"a": 1.0, "b": 0.0}) == 0
    assert STRATEGIES[name]({"a": 1.0}) == 0


def test_a_tie_of_two_classes_is_the_most_that_two_classes_can_score():
    belief = {"a": 0.5, "b": 0.5}

    assert least_confidence(belief) == 0.5
    assert margin(belief) == 1
    assert entropy(belief) == pytest.approx(log(2))


def test_what_a_model_leaves_unsaid_is_one_more_class():
    assert entropy({"a": 0.7}) == pytest.approx(entropy({"a": 0.7, "other": 0.3}))
    assert margin({"a": 0.7}) == pytest.approx(0.6)


def test_strategies_disagree_where_they_should():
    beliefs = {1: {"a": 0.48, "b": 0.47, "c": 0.05}, 2: {"a": 0.5, "b": 0.25, "c": 0.25}}

    assert order(beliefs, "margin", explore=0) == [1, 2]
    assert order(beliefs, "entropy", explore=0) == [2, 1]
    assert order(beliefs, "least_confidence", explore=0) == [1, 2]


def test_the_least_sure_task_comes_first():
    beliefs = {task: {"a": 0.5 + task / 100, "b": 0.5 - task / 100} for task in range(20)}

    assert order(beliefs, explore=0) == list(range(20))


def test_every_fifth_place_goes_to_a_task_drawn_whatever_its_score():
    beliefs = {task: {"a": 0.5 + task / 1000, "b": 0.5 - task / 1000} for task in range(100)}

    found = order(beliefs, explore=0.2)

    explored = found[4::5]
    rest = [task for task in found if task not in explored]
    assert rest == sorted(rest)
    assert explored != sorted(explored)
    assert max(explored[:5]) > 50


def test_ties_are_drawn_by_the_seed_and_stay_in_place_as_tasks_come_and_go():
    beliefs = {task: {"a": 0.5, "b": 0.5} for task in range(50)}

    found = order(beliefs, seed=1)

    assert found != list(range(50))
    assert found != order(beliefs, seed=2)
    without = {task: belief for task, belief in beliefs.items() if task != found[0]}
    assert order(without, seed=1, explore=0) == order(beliefs, seed=1, explore=0)[1:]


@given(BELIEFS, st.sampled_from(sorted(STRATEGIES)), st.integers(0, 3), st.floats(0, 1))
def test_each_task_is_asked_once_and_the_order_of_the_mapping_does_not_matter(
    beliefs, strategy, seed, explore
):
    found = order(beliefs, strategy, seed=seed, explore=explore)

    assert sorted(found) == sorted(beliefs)
    turned = dict(reversed(beliefs.items()))
    assert order(turned, strategy, seed=seed, explore=explore) == found


@given(st.integers(1, 60), st.floats(0, 1))
def test_no_start_of_the_order_lacks_its_share_of_random_tasks(count, explore):
    beliefs = {task: {"a": 0.5 + task / 200, "b": 0.5 - task / 200} for task in range(count)}
    drawn = order(beliefs, explore=1)

    found = order(beliefs, explore=explore)

    for places in range(1, count + 1):
        share = floor(places * explore)
        assert set(drawn[:share]) <= set(found[:places])


def test_no_tasks_are_no_order():
    assert order({}) == []


@pytest.mark.parametrize(
    "belief", [{}, {"a": 0.0}, {"a": -0.1, "b": 0.5}, {"a": 0.7, "b": 0.7}, {"a": float("nan")}]
)
def test_what_is_no_probability_is_refused(belief):
    with pytest.raises(ValueError, match="no probabilities"):
        order({1: belief})


def test_an_unknown_strategy_is_refused_by_name():
    with pytest.raises(UnknownStrategy, match="'coin' is not one of entropy, least_confidence"):
        order({}, "coin")


@pytest.mark.parametrize("explore", [-0.1, 1.1])
def test_a_share_out_of_range_is_refused(explore):
    with pytest.raises(ValueError, match="explore"):
        order({}, explore=explore)
