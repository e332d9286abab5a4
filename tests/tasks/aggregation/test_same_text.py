from __future__ import annotations

import random

from tasks.aggregation.labels import Reading
from tasks.aggregation.same_text import same_text

LONG = "a sentence of its own about picture {} by worker {}"


def crowd(*, tasks: int = 20, workers: int = 6) -> list[Reading]:
    return [
        Reading(task, worker, LONG.format(task, worker))
        for task in range(tasks)
        for worker in range(workers)
    ]


def replaced(readings: list[Reading], worker: int, source: int, tasks: int) -> list[Reading]:
    given = {(one.task, one.worker): one.value for one in readings}
    return [
        one._replace(value=given[one.task, source])
        if one.worker == worker and one.task < tasks
        else one
        for one in readings
    ]


def test_workers_who_write_alike_word_for_word_are_found():
    found = same_text(replaced(crowd(), worker=4, source=1, tasks=8))

    assert [(pair.a, pair.b, pair.shared, pair.same) for pair in found] == [(1, 4, 20, 8)]
    assert found[0].p_value < 1e-4


def test_case_and_spaces_do_not_hide_a_copy():
    copied = replaced(crowd(), worker=4, source=1, tasks=8)
    hidden = [
        one._replace(value=f"  {one.value.upper()} ") if one.worker == 4 else one for one in copied
    ]

    assert [(pair.a, pair.b) for pair in same_text(hidden)] == [(1, 4)]


def test_short_answers_count_for_nothing():
    assert same_text([one._replace(value="a red car") for one in crowd()]) == []


def test_a_long_text_that_everybody_copies_from_the_page_is_no_finding():
    headline = "the headline as it stands on the page"

    assert same_text([one._replace(value=headline) for one in crowd()]) == []


def test_two_identical_texts_are_not_enough():
    assert same_text(replaced(crowd(), worker=4, source=1, tasks=2)) == []


def test_equal_boxes_are_found_like_equal_texts():
    drawn = random.Random(1)
    boxes = [
        one._replace(value=[{"x": drawn.random(), "y": drawn.random(), "w": drawn.random()}])
        for one in crowd()
    ]

    assert same_text(boxes) == []
    found = same_text(replaced(boxes, worker=3, source=0, tasks=10))
    assert [(pair.a, pair.b, pair.same) for pair in found] == [(0, 3, 10)]


def test_the_order_of_answers_changes_nothing():
    readings = replaced(crowd(), worker=4, source=1, tasks=8)

    assert same_text(readings[::-1]) == same_text(readings)
    assert same_text([]) == []
