from __future__ import annotations

import math
from collections import defaultdict
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Reading
from tasks.agreement.alpha import EXPECTED_PAIRS, NO_VARIATION, NOTHING_TO_PAIR, Alpha, alpha
from tasks.agreement.distances import (
    EDITS,
    INTERVAL,
    KENDALL,
    MASI,
    NOMINAL,
    ORDINAL,
    RATIO,
    Distance,
    as_it_is,
    squared,
)
from tests.tasks.agreement.readings import answers, clicking, crowd, mostly_right, renamed, table

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): four observers, twelve units.
PUBLISHED = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
NUMBERS = st.integers(0, 6)
CASES = [
    (NOMINAL, NUMBERS),
    (ORDINAL, NUMBERS),
    (INTERVAL, NUMBERS),
    (RATIO, NUMBERS),
    (MASI, st.lists(st.sampled_from("abc"), unique=True)),
    (EDITS, st.text("ab", max_size=4)),
    (KENDALL, st.permutations("abc")),
]
NAMES = [distance.name for distance, _ in CASES]


def by_definition(readings: list[Reading], distance: Distance) -> float | None:
    """Alpha by looking at every pair of answers."""
    units = defaultdict(list)
    for reading in readings:
        units[reading.task].append(distance.read(reading.value))
    values = [unit for unit in units.values() if len(unit) > 1]
    pooled = [value for unit in values for value in unit]
    if not pooled:
        return None

    def apart(first: object, second: object) -> float:
        if distance is not ORDINAL:
            return distance.between(first, second)
        low, high = sorted([first, second])
        between = sum(low <= value <= high for value in pooled)
        return (between - (pooled.count(low) + pooled.count(high)) / 2) ** 2

    observed = sum(
        2 * apart(*pair) / (len(unit) - 1) for unit in values for pair in combinations(unit, 2)
    ) / len(pooled)
    expected = fmean(apart(*pair) for pair in combinations(pooled, 2))
    return 1 - observed / expected if expected else None


@pytest.mark.parametrize(
    ("distance", "value"), [(NOMINAL, 0.743), (ORDINAL, 0.815), (INTERVAL, 0.849), (RATIO, 0.797)]
)
def test_the_published_example_comes_out_as_published(distance, value):
    found = alpha(table(*PUBLISHED, read=int), distance)

    assert found.value == pytest.approx(value, abs=0.0005)
    assert (found.units, found.readings, found.sampled, found.reason) == (11, 40, 0, "")
    assert found.distance == distance.name
    assert found.low < found.value < found.high


def test_observed_and_expected_of_the_published_example():
    # Off the diagonal are 8 of 40 coincidences, and 1216 of the 40 x 39 pairs overall.
    found = alpha(table(*PUBLISHED, read=int), NOMINAL)

    assert found.observed == pytest.approx(8 / 40)
    assert found.expected == pytest.approx(1216 / (40 * 39))


@pytest.mark.parametrize(("distance", "values"), CASES, ids=NAMES)
@given(data=st.data())
def test_alpha_is_what_all_pairs_of_answers_say(distance, values, data):
    readings = data.draw(answers(values))

    expected = by_definition(readings, distance)

    assert alpha(readings, distance).value == (
        None if expected is None else pytest.approx(expected, abs=1e-9)
    )


@pytest.mark.parametrize(("distance", "values"), CASES, ids=NAMES)
@given(data=st.data(), seed=st.integers(0, 99))
def test_the_order_of_rows_and_all_ids_change_nothing(distance, values, data, seed):
    readings = data.draw(answers(values))

    assert alpha(renamed(readings, seed), distance) == alpha(readings, distance)


@pytest.mark.parametrize(("distance", "values"), CASES, ids=NAMES)
@given(data=st.data())
def test_perfect_agreement_is_one(distance, values, data):
    of_task = data.draw(st.lists(values, min_size=2, max_size=6))
    readings = [
        Reading(task, worker, value) for task, value in enumerate(of_task) for worker in range(3)
    ]

    found = alpha(readings, distance)

    if found.value is None:  # the answers to all tasks are the same
        assert found.reason == NO_VARIATION
    else:
        assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_random_labels_agree_by_chance_only():
    found = [alpha(crowd(clicking(), seed=seed), NOMINAL) for seed in range(100)]

    assert abs(fmean(one.value for one in found)) < 0.02
    assert 88 <= sum(one.low <= 0 <= one.high for one in found) <= 100


def test_the_interval_narrows_with_the_square_root_of_the_tasks():
    few, many = (alpha(crowd(mostly_right(), tasks=tasks), NOMINAL) for tasks in (100, 6400))

    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(8, rel=0.3)


def test_the_interval_is_that_of_tasks_drawn_one_by_one():
    readings = crowd(mostly_right(), tasks=80)
    found = alpha(readings, NOMINAL)
    by_task = defaultdict(list)
    for task, _, value in readings:
        by_task[task].append(value)
    apart = np.array([fmean(a != b for a, b in combinations(u, 2)) for u in by_task.values()])
    drawn = np.random.default_rng(3).choice(apart, (20_000, len(apart))).mean(axis=1)

    low, high = np.quantile(1 - drawn / found.expected, [0.025, 0.975])

    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)


def test_two_workers_who_always_differ_agree_less_than_chance():
    found = alpha(table("a b a b a b", "b a b a b a"), NOMINAL)

    # Half of 12 answers are a: 36 of 66 pairs differ, and all 6 within tasks.
    assert found.value == pytest.approx(1 - 66 / 36)


def test_without_two_answers_to_a_task_there_is_no_alpha():
    found = alpha([Reading(1, 1, "a"), Reading(2, 2, "b")], NOMINAL)

    assert found == Alpha(None, None, None, 0, 0, None, None, "nominal", 0, NOTHING_TO_PAIR)
    assert alpha([], NOMINAL) == found


@pytest.mark.parametrize(("distance", "value"), [(NOMINAL, "a"), (INTERVAL, 0.1), (MASI, ["a"])])
def test_where_all_answers_are_the_same_there_is_no_alpha(distance, value):
    found = alpha([Reading(task, worker, value) for task in (1, 2) for worker in (1, 2)], distance)

    assert found.value is None
    assert (found.observed, found.expected, found.units, found.readings) == (0, 0, 2, 4)
    assert found.reason == NO_VARIATION


def test_one_task_has_an_alpha_and_no_interval():
    found = alpha(table("a", "b", "a"), NOMINAL)

    assert found.value == pytest.approx(0)
    assert (found.low, found.high) == (None, None)


def test_answers_that_were_not_given_are_left_out():
    given_answers = table("a b a", "a b b")
    missing = [Reading(9, 1, None), Reading(9, 2, "a"), Reading(0, 7, None)]

    assert alpha([*given_answers, *missing], NOMINAL) == alpha(given_answers, NOMINAL)


def test_two_answers_of_one_worker_to_one_task_are_refused():
    with pytest.raises(UnsupportedLabels, match="Worker 2 answered task 1 more than once"):
        alpha([Reading(1, 2, "a"), Reading(1, 2, "b")], NOMINAL)


def test_a_number_and_its_text_are_different_labels():
    assert alpha([Reading(1, 1, "1"), Reading(1, 2, 1)], NOMINAL).observed == 1.0


def test_many_different_answers_are_compared_by_a_sample_that_is_stated():
    by_pairs = Distance("squares", squared, as_it_is)
    readings = crowd(lambda rng, task: rng.gauss(task % 10, 1.0), tasks=300)

    sampled, exact = alpha(readings, by_pairs), alpha(readings, INTERVAL)

    assert sampled.sampled == EXPECTED_PAIRS
    assert exact.sampled == 0
    assert sampled.observed == pytest.approx(exact.observed)
    assert sampled.expected == pytest.approx(exact.expected, rel=0.05)
    assert sampled.expected != exact.expected


def test_the_sample_depends_on_the_answers_only():
    by_pairs = Distance("squares", squared, as_it_is)
    readings = crowd(lambda rng, task: rng.gauss(task % 10, 1.0), tasks=150)

    assert alpha(renamed(readings, 5), by_pairs) == alpha(readings, by_pairs)


def test_a_task_with_very_many_answers_is_compared_by_a_sample():
    asked = []

    def between(first: float, second: float) -> float:
        asked.append((first, second))
        return abs(first - second)

    values = [worker / 1000 for worker in range(1000)]
    readings = [Reading(1, worker, value) for worker, value in enumerate(values)]

    found = alpha(readings, Distance("difference", between, as_it_is))

    assert found.observed == pytest.approx(1 / 3, abs=0.05)
    assert len(asked) <= 300 + EXPECTED_PAIRS


@pytest.mark.parametrize("distance", [NOMINAL, ORDINAL, INTERVAL])
def test_very_many_answers_are_summed_without_looking_at_pairs(distance):
    def between(first: object, second: object) -> float:
        raise AssertionError(f"Asked about {first} and {second}.")

    readings = crowd(lambda rng, task: rng.randrange(5), tasks=5000)

    found = alpha(readings, distance._replace(between=between))

    assert found.readings == 15_000
    assert math.isclose(found.value, 0, abs_tol=0.05)
