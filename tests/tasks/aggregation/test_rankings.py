from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Found, Merged, Reading
from tasks.aggregation.rankings import EXACT, fit_rankings
from tests.tasks.aggregation.strategies import shuffles


def readings(*orders: str, task: int = 0) -> list[Reading]:
    return [Reading(task, worker, list(order)) for worker, order in enumerate(orders)]


def against(order: str, orders: tuple[str, ...]) -> int:
    """How many pairs of ``orders`` are the other way round in ``order``."""
    return sum(
        other.index(one) > other.index(two)
        for other in orders
        for one, two in combinations(order, 2)
    )


def crowd(seed: int, *, items: int, tasks: int = 20, workers: int = 6, random_workers: int = 0):
    """Workers swap each two neighbours once in four; the first ``random_workers`` shuffle."""
    random = np.random.default_rng(seed)
    given, truth = [], {}
    for task in range(tasks):
        truth[task] = [f"x{item:02}" for item in random.permutation(items)]
        for worker in range(workers):
            order = list(truth[task])
            for place in range(items - 1):
                if random.random() < 0.25:
                    order[place], order[place + 1] = order[place + 1], order[place]
            if worker < random_workers:
                random.shuffle(order)
            given.append(Reading(task, worker, order))
    return given, truth


def test_no_answers_have_no_consensus():
    assert fit_rankings([]) == Merged({}, {})


def test_an_order_all_agree_on_is_the_consensus():
    found = fit_rankings(readings("bac", "bac", "bac", "bac")).consensus[0]

    assert found.value == ["b", "a", "c"]
    assert found.confidence > 0.95


def test_equal_workers_give_the_order_that_goes_against_the_fewest_pairs():
    orders = ("abcd", "bacd", "adbc")

    found = fit_rankings(readings(*orders)).consensus[0]

    best = min(permutations("abcd"), key=lambda order: (against("".join(order), orders), order))
    assert found.value == list(best) == ["a", "b", "c", "d"]


def test_of_equally_good_orders_the_alphabetically_first_wins_with_no_confidence():
    found = fit_rankings(readings("ab", "ba")).consensus[0]

    assert found == Found(["a", "b"], pytest.approx(0.5))


def test_items_left_out_come_after_those_named_and_the_consensus_is_as_long_as_an_answer():
    merged = fit_rankings(readings("ab", "ac", "ba"))

    assert merged.consensus[0].value == ["a", "b"]


@pytest.mark.parametrize(
    ("orders", "value", "confidence"), [(("a", "a"), ["a"], 1.0), (("", ""), [], 1.0)]
)
def test_with_fewer_than_two_items_the_confidence_is_the_share_of_such_answers(
    orders, value, confidence
):
    merged = fit_rankings(readings(*orders))

    assert merged == Merged({0: Found(value, confidence)}, {})


@pytest.mark.parametrize("items", [5, EXACT + 3])
def test_those_who_shuffle_have_less_skill_and_do_not_spoil_the_order(items):
    given, truth = crowd(0, items=items, random_workers=2)

    merged = fit_rankings(given)

    assert max(merged.skills[0], merged.skills[1]) < min(merged.skills[w] for w in range(2, 6))
    assert merged.skills[0] == pytest.approx(0.5, abs=0.1)
    right = [
        merged.consensus[task].value.index(one) < merged.consensus[task].value.index(two)
        for task, order in truth.items()
        for one, two in combinations(order, 2)
    ]
    assert np.mean(right) > 0.92


def test_beyond_the_exact_ones_no_swap_of_neighbours_helps():
    given, _ = crowd(1, items=9, tasks=3, workers=3)

    merged = fit_rankings(given)

    for task, (value, _) in merged.consensus.items():
        orders = [reading.value for reading in given if reading.task == task]
        weights = [np.log(s / (1 - s)) for s in (merged.skills[worker] for worker in range(3))]
        for one, two in pairwise(value):
            signs = [1 if order.index(one) < order.index(two) else -1 for order in orders]
            assert np.dot(weights, signs) > -1e-6


def test_who_shared_no_task_has_no_skill():
    given = [*readings("ab", "ab"), Reading(1, 7, ["a", "b"])]

    assert fit_rankings(given).skills.keys() == {0, 1}


@pytest.mark.parametrize(
    ("value", "message"),
    [("ab", "not a list"), ([1, 2], "not a list"), (None, "not a list"), (["a", "a"], "twice")],
)
def test_what_is_no_order_is_refused(value, message):
    with pytest.raises(UnsupportedLabels, match=message):
        fit_rankings([Reading(0, 0, value)])


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 3), st.integers(0, 4)),
        st.lists(st.sampled_from("abcd"), unique=True),
        min_size=1,
        max_size=16,
    ),
    st.data(),
)
def test_neither_the_order_of_answers_nor_the_names_of_workers_matter(pairs, data):
    given_readings = [Reading(*pair, value) for pair, value in pairs.items()]
    names = data.draw(shuffles(range(5)))
    renamed = [reading._replace(worker=names[reading.worker]) for reading in given_readings]

    merged, other = fit_rankings(given_readings), fit_rankings(data.draw(shuffles(renamed)))

    assert other.consensus == merged.consensus
    assert other.skills == {names[worker]: skill for worker, skill in merged.skills.items()}
    for task, (value, confidence) in merged.consensus.items():
        lengths = [len(r.value) for r in given_readings if r.task == task]
        assert len(value) == len(set(value)) == max(lengths)
        assert 0 <= confidence <= 1
