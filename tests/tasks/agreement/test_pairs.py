from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Reading
from tasks.agreement import pairs as pairs_module
from tasks.agreement.kappa import cohen
from tasks.agreement.pairs import Pair, pairs
from tests.tasks.agreement.readings import answers, crowd, mostly_right, renamed, table


def same(first: object, second: object) -> float:
    return float(first == second)


def near(first: int, second: int) -> float:
    return 1 - abs(first - second) / 4


def of_worker(readings: list[Reading], worker: int) -> dict[int, object]:
    return {task: value for task, answerer, value in readings if answerer == worker}


def test_pairs_go_from_the_least_agreement_to_the_most():
    readings = table("a b a b a", "a b a b b", "b a b b b")

    found = pairs(readings, same)

    assert [(pair.a, pair.b, pair.tasks) for pair in found] == [(0, 2, 5), (1, 2, 5), (0, 1, 5)]
    assert [pair.agreement for pair in found] == pytest.approx([0.2, 0.4, 0.8])


def test_workers_who_share_too_few_tasks_are_not_compared():
    readings = table("a b a b a .", ". b a b a a", ". . . . a a")

    assert [(pair.a, pair.b, pair.tasks) for pair in pairs(readings, same, least=4)] == [(0, 1, 4)]
    assert pairs(readings, same) == []
    assert pairs([], same) == []


def test_the_kappa_of_equal_or_not_is_cohens():
    readings = crowd(mostly_right(), tasks=80, workers=6)

    found = pairs(readings, same)

    assert len(found) == 15
    for pair in found:
        known = cohen(of_worker(readings, pair.a), of_worker(readings, pair.b))
        assert (pair.tasks, pair.agreement) == (known.tasks, pytest.approx(known.observed))
        assert pair.kappa == pytest.approx(known.value)


def test_the_kappa_of_near_misses_is_the_weighed_one():
    readings = crowd(lambda rng, task: min(task % 5 + rng.randrange(2), 4), workers=4)

    found = pairs(readings, near)

    assert len(found) == 6
    for pair in found:
        both = (of_worker(readings, pair.a), of_worker(readings, pair.b))
        assert pair.kappa == pytest.approx(
            cohen(*both, weights="linear", order=[0, 1, 2, 3, 4]).value
        )


def test_a_pair_that_chance_alone_makes_agree_has_no_kappa():
    assert pairs(table("a a a a a", "a a a a a"), same) == [Pair(0, 1, 5, 1.0, None)]


def test_with_too_many_different_answers_there_is_no_kappa():
    readings = crowd(lambda rng, task: rng.random(), tasks=30, workers=3)

    assert {pair.kappa for pair in pairs(readings, same)} == {None}


def test_the_pairs_with_most_tasks_in_common_are_kept():
    readings = table("a a a a a a a", "a a a a a a b", "b b b b b . .", ". . b b b b b")

    found = pairs(readings, same, limit=3)

    assert min((pair.a, pair.b, pair.tasks) for pair in found) == (0, 1, 7)
    assert len(found) == 3
    assert {pair.tasks for pair in found} == {7, 5}


@pytest.mark.parametrize("limit", [1, 5, 17, 1000])
def test_workers_compared_block_by_block_are_those_compared_at_once(monkeypatch, limit):
    readings = crowd(mostly_right(), tasks=60, workers=15, overlap=6)
    at_once = pairs(readings, same, limit=limit)
    monkeypatch.setattr(pairs_module, "BLOCK", 4)

    assert pairs(readings, same, limit=limit) == at_once
    assert len(at_once) == limit or len(at_once) > 17


def test_each_two_different_answers_are_compared_once():
    asked = []

    def counting(first: str, second: str) -> float:
        asked.append((first, second))
        return 0.5

    pairs(table("a b a b a", "b a b a b", "a a a a a"), counting)

    assert asked == [("a", "b")]


def test_two_answers_of_one_worker_are_refused():
    with pytest.raises(UnsupportedLabels, match="more than once"):
        pairs([Reading(1, 1, "a"), Reading(1, 1, "a")], same)


@given(answers(st.sampled_from("abc")), st.integers(0, 99))
def test_the_order_of_rows_and_all_ids_change_nothing_but_names(readings, seed):
    def figures(rows: list[Reading]) -> list[tuple[float, int, float | None]]:
        found = pairs(rows, same, least=2)
        return sorted(((pair.agreement, pair.tasks, pair.kappa) for pair in found), key=str)

    assert figures(renamed(readings, seed)) == figures(readings)


def test_which_of_many_pairs_are_kept_depends_on_answers_and_not_on_workers_ids():
    readings = crowd(mostly_right(), tasks=60, workers=15, overlap=6)
    other_ids = [reading._replace(worker=100 - 7 * reading.worker) for reading in readings]

    kept, kept_too = (
        sorted((pair.agreement, pair.tasks, pair.kappa) for pair in pairs(rows, same, limit=10))
        for rows in (readings, other_ids)
    )

    assert len(kept) == 10
    assert kept == kept_too
