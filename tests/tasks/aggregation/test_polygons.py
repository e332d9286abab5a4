from __future__ import annotations

from tasks.aggregation.labels import Reading
from tasks.aggregation.polygons import fit_polygons, polygon_objects


def rectangle(left, top, right, bottom, label="cat"):
    return {
        "label": label,
        "points": [[left, top], [right, top], [right, bottom], [left, bottom]],
    }


def fit_one(*answers):
    return fit_polygons([Reading(1, worker, answer) for worker, answer in enumerate(answers)])


def test_the_polygon_most_like_the_others_is_taken_as_it_is():
    # IoUs: narrow and middle 8/9, middle and wide 9/10, narrow and wide 8/10.
    narrow, middle, wide = (rectangle(0, 0, width, 0.5) for width in (0.8, 0.9, 1.0))

    assert fit_one([narrow], [wide], [middle]).consensus[1].value == [middle]


def test_of_two_equally_trusted_polygons_the_one_with_the_lower_points_is_taken():
    lower, higher = rectangle(0, 0, 0.8, 0.5), rectangle(0.1, 0, 0.9, 0.5)

    assert fit_one([higher], [lower]).consensus[1].value == [lower]


def test_a_polygon_nobody_else_drew_is_left_out():
    shared, alone = rectangle(0, 0, 0.2, 0.2), rectangle(0.5, 0.5, 0.7, 0.7)

    assert fit_one([shared, alone], [shared], [shared]).consensus[1].value == [shared]


def test_a_worker_who_is_often_far_off_weighs_less():
    near, far = rectangle(0.1, 0, 0.9, 0.5), rectangle(0, 0, 0.8, 0.5)
    history = [
        Reading(task, worker, [far if worker == 3 else near])
        for task in range(10)
        for worker in (1, 2, 3, 4)
    ]

    objects = polygon_objects([*history, Reading(10, 1, [near]), Reading(10, 3, [far])])

    assert [drawn.value for drawn in objects[10]] == [near]
