from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Reading
from tasks.agreement.kappa import Kappa, above_chance, cohen, fleiss
from tests.tasks.agreement.readings import answers, clicking, crowd, renamed

# Fleiss (1971) style: ten subjects, fourteen raters, five categories.
FLEISS = (
    (0, 0, 0, 0, 14),
    (0, 2, 6, 4, 2),
    (0, 0, 3, 5, 6),
    (0, 3, 9, 2, 0),
    (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0),
    (3, 2, 6, 3, 0),
    (2, 5, 3, 2, 2),
    (6, 5, 2, 1, 0),
    (0, 2, 2, 3, 7),
)
LABELS = st.sampled_from("abc")


def counted(*tasks: tuple[int, ...]) -> list[Reading]:
    """One row a task: how many workers gave each label."""
    return [
        Reading(task, worker, label)
        for task, votes in enumerate(tasks)
        for worker, label in enumerate(
            label for label, number in enumerate(votes) for _ in range(number)
        )
    ]


def two(*cells: tuple[str, int]) -> tuple[dict[int, str], dict[int, str]]:
    """Two workers by the cells of their table: the labels of both, and on how many tasks."""
    labels = [pair for pair, number in cells for _ in range(number)]
    return ({task: pair[i] for task, pair in enumerate(labels)} for i in (0, 1))


def test_cohens_kappa_of_a_textbook_table():
    # Of 50 grants both accept 20 and reject 15; they accept 25 and 30.
    first, second = two(("yy", 20), ("yn", 5), ("ny", 10), ("nn", 15))

    found = cohen(first, second)

    assert found.observed == pytest.approx(0.7)
    assert found.expected == pytest.approx(0.5 * 0.6 + 0.5 * 0.4)
    assert found.value == pytest.approx(0.4)
    assert (found.tasks, found.answers) == (50, 100)


def test_only_tasks_that_both_answered_count():
    found = cohen({1: "a", 2: "b", 3: "a"}, {1: "a", 2: "b", 4: "b"})

    assert (found.value, found.tasks) == (1.0, 2)


def test_near_misses_count_in_part_when_weighed():
    # One of four pairs is a step of two apart; by chance steps of 1 and 2 are as common.
    first, second = {1: 1, 2: 2, 3: 3, 4: 1}, {1: 1, 2: 2, 3: 3, 4: 2}

    values = [
        cohen(first, second, weights=weights).value for weights in ("none", "linear", "quadratic")
    ]

    assert values == pytest.approx([7 / 11, 5 / 7, 4 / 5])


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=1, max_size=30))
def test_cohens_kappa_is_that_of_scikit_learn(weights, both):
    first, second = (dict(enumerate(side)) for side in zip(*both, strict=True))

    found = cohen(first, second, weights=weights)

    if len({label for pair in both for label in pair}) == 1:
        assert found.value is None
    else:
        known = cohen_kappa_score(
            *(list(side.values()) for side in (first, second)),
            weights=None if weights == "none" else weights,
        )
        assert found.value == pytest.approx(known, abs=1e-9)


def test_an_order_places_labels_that_have_none_of_their_own():
    first, second = {1: "low", 2: "high", 3: "mid"}, {1: "mid", 2: "high", 3: "mid"}

    by_size = cohen(first, second, weights="linear", order=["low", "mid", "high"])
    as_texts = cohen(first, second, weights="linear")

    assert by_size.observed == pytest.approx(1 - 1 / 2 / 3)
    assert as_texts.observed == pytest.approx(1 - 1 / 2 / 3)
    assert by_size.expected != as_texts.expected


def test_an_answer_outside_the_order_is_refused():
    with pytest.raises(ValueError, match="'c' has no place in the order"):
        cohen({1: "a"}, {1: "c"}, order=["a", "b"])


def test_without_shared_tasks_there_is_no_kappa():
    assert cohen({1: "a"}, {2: "a"}) == Kappa(None, None, None, 0, 0)
    assert fleiss([Reading(1, 1, "a")]) == Kappa(None, None, None, 0, 0)


def test_where_chance_explains_everything_there_is_no_kappa():
    assert cohen({1: "a", 2: "a"}, {1: "a", 2: "a"}) == Kappa(None, 1.0, 1.0, 2, 4)
    assert fleiss(counted((3, 0), (2, 0))) == Kappa(None, 1.0, 1.0, 2, 5)


def test_fleiss_kappa_of_the_textbook_table():
    found = fleiss(counted(*FLEISS))

    assert found.observed == pytest.approx(0.378, abs=0.0005)
    assert found.expected == pytest.approx(0.213, abs=0.0005)
    assert found.value == pytest.approx(0.210, abs=0.0005)
    assert (found.tasks, found.answers) == (10, 140)


def test_tasks_with_more_answers_weigh_no_more():
    # One of three pairs agrees, then all of ten; a has 2/3 and then 0, so p is (1/3, 2/3).
    found = fleiss(counted((2, 1), (0, 5)))

    assert found.observed == pytest.approx((1 / 3 + 1) / 2)
    assert found.expected == pytest.approx(1 / 9 + 4 / 9)
    assert found.value == pytest.approx((2 / 3 - 5 / 9) / (4 / 9))


def test_tasks_with_one_answer_and_missing_answers_are_left_out():
    assert fleiss([*counted((2, 1), (0, 5), (1, 0)), Reading(0, 9, None)]) == fleiss(
        counted((2, 1), (0, 5))
    )


def test_two_answers_of_one_worker_are_refused():
    with pytest.raises(UnsupportedLabels, match="more than once"):
        fleiss([Reading(1, 1, "a"), Reading(1, 1, "a")])


@given(answers(LABELS), st.integers(0, 99))
def test_the_order_of_rows_and_all_ids_change_nothing(readings, seed):
    assert fleiss(renamed(readings, seed)) == fleiss(readings)


def test_random_labels_agree_by_chance_only():
    assert fleiss(crowd(clicking(), tasks=2000)).value == pytest.approx(0, abs=0.03)


def test_agreement_above_chance_is_a_share_of_what_chance_leaves_open():
    assert above_chance(0.8, 0.5) == pytest.approx(0.6)
    assert above_chance(0.2, 0.5) == pytest.approx(-0.6)
    assert above_chance(1.0, 1.0) is None
