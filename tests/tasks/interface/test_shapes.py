"""Boxes, keypoints and polygons, worked by hand."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidAnswer, InvalidInterface
from tasks.interface import Boxes, Checker, Option, parse

IMAGE = {"name": "marks", "labels": ["dog", "cat"], "of": "${url}"}
BOXES = {"type": "boxes", **IMAGE}
POINTS = {"type": "keypoints", **IMAGE}
POLYGONS = {"type": "polygons", **IMAGE}
NAN = float("nan")


def box(label, x, y, width, height):
    return {"label": label, "x": x, "y": y, "width": width, "height": height}


def point(label, x, y):
    return {"label": label, "x": x, "y": y}


def polygon(*points, label="cat"):
    return {"label": label, "points": [list(each) for each in points]}


def check(element, marks):
    return Checker(parse([element])).check({"marks": marks})["marks"]


def refusal(element, marks):
    with pytest.raises(InvalidAnswer) as refused:
        check(element, marks)
    return str(refused.value)


def test_boxes_are_read_and_their_image_is_a_field_that_tasks_need():
    (boxes,) = parse([{**BOXES, "min": 1, "max": 4}]).questions

    assert boxes == Boxes(
        "marks",
        required=True,
        title="",
        labels=(Option("dog", "dog"), Option("cat", "cat")),
        of="${url}",
        least=1,
        most=4,
    )
    assert parse([BOXES]).fields == {"url"}


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ({**BOXES, "labels": []}, '"labels" must be a list of 1 to 1000 options'),
        ({**BOXES, "labels": ["a", "a"]}, "option 'a' is there twice"),
        ({**BOXES, "of": ""}, 'needs a "of" such as'),
        ({**BOXES, "of": "cat.jpg"}, '"of" must name a field'),
        ({**BOXES, "max": 1_001}, '"max" must be a number from 1 to 1000'),
        ({**BOXES, "min": 3, "max": 2}, '"min" must be a number from 0 to 2'),
        ({**BOXES, "per_label": 2}, "does not know 'per_label'"),
        ({**POINTS, "per_label": 0}, '"per_label" must be a number from 1 to 100'),
        ({**POINTS, "per_label": 3, "max": 7}, '"max" must be a number from 1 to 6'),
    ],
)
def test_faulty_shapes_are_refused(element, message):
    with pytest.raises(InvalidInterface, match=message):
        parse([element])


def test_boxes_are_rounded_and_ordered_by_label_then_downwards():
    low, high = box("dog", 0.1, 0.5, 0.2, 0.2), box("dog", 0.3, 0.1234567, 1 / 3, 0.5)

    assert check(BOXES, [box("cat", 0, 0, 1, 1), low, high]) == [
        box("dog", 0.3, 0.123457, 0.333333, 0.5),
        low,
        box("cat", 0.0, 0.0, 1.0, 1.0),
    ]


def test_a_box_that_sticks_out_by_a_rounding_error_is_clipped():
    assert check(BOXES, [box("dog", -1e-7, 0.333334, 1.0000001, 0.666667)]) == [
        box("dog", 0.0, 0.333334, 1.0, 0.666666)
    ]


@pytest.mark.parametrize(
    "outside",
    [
        box("dog", 0.5, 0.5, 0.50001, 0.1),
        box("dog", 0.5, 0.9, 0.1, 0.2),
        box("dog", 1, 0, 0.000001, 1),
        box("dog", 0.5, 0.5, 0, 0.1),
        box("dog", 0.5, 0.5, 0.0000001, 0.1),
        box("dog", NAN, 0.5, 0.1, 0.1),
        box("dog", 0.5, 0.5, 0.1, NAN),
    ],
)
def test_a_box_must_lie_in_the_image_and_have_an_area(outside):
    good = box("dog", 0.1, 0.1, 0.1, 0.1)

    assert refusal(BOXES, [good, outside]) == (
        "'marks': box 2 must lie within the image and be wide and high."
    )


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        ("all", "'marks' must be a list of 1 to 2 boxes, each"),
        ([], "'marks' must be a list of 1 to 2 boxes, each"),
        ([box("dog", 0, 0, 1, 1)] * 3, "'marks' must be a list of 1 to 2 boxes, each"),
        ([box("dog", 0, 0, 1, 1)] * 2, "'marks': a box is there twice: leave one out."),
        ([box("cow", 0, 0, 1, 1)], "labels are 'dog', 'cat'. Item 1 does not fit, at its 'label'."),
        ([box("cat", 0, 0, 1, 1.1)], "Item 1 does not fit, at its 'height'."),
        ([box("cat", 0, 0, 1, True)], "Item 1 does not fit, at its 'height'."),
        ([{"label": "cat"}], "0 to 1; labels are 'dog', 'cat'. Item 1 does not fit."),
        ([{**box("cat", 0, 0, 1, 1), "z": 0}], "Item 1 does not fit."),
    ],
)
def test_a_list_of_boxes_that_does_not_fit_is_refused_and_says_where(marks, message):
    assert message in refusal({**BOXES, "min": 1, "max": 2}, marks)


def test_an_empty_list_says_that_there_is_nothing_to_mark():
    assert check(BOXES, []) == []


def test_a_label_has_one_point_unless_more_are_allowed():
    left, right, top = point("dog", 0.1, 0.5), point("dog", 0.9, 0.5), point("cat", 1, 0)

    assert check(POINTS, [top, left]) == [left, point("cat", 1.0, 0.0)]
    assert check({**POINTS, "per_label": 2}, [right, left]) == [left, right]
    assert refusal(POINTS, [right, left]) == "'marks': 'dog' is there 2 times, of at most 1."
    assert refusal(POINTS, [point("dog", 0, NAN)]) == "'marks': point 1 must lie within the image."


def test_a_polygon_starts_at_its_uppermost_point_and_goes_round_clockwise():
    canonical = [polygon((0.1, 0.1), (0.9, 0.1), (0.9, 0.8))]

    assert check(POLYGONS, [polygon((0.1, 0.1), (0.9, 0.1), (0.9, 0.8))]) == canonical
    assert check(POLYGONS, [polygon((0.9, 0.8), (0.1, 0.1), (0.9, 0.1))]) == canonical
    assert check(POLYGONS, [polygon((0.9, 0.8), (0.9, 0.1), (0.1, 0.1))]) == canonical


def test_points_that_repeat_the_one_before_are_left_out():
    drawn = polygon((0, 0), (0, 0), (1, 0), (1, 1), (1, 1.0000001), (0, 0))

    assert check(POLYGONS, [drawn]) == [polygon((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))]


def test_polygons_are_ordered_by_label_then_downwards():
    low = polygon((0.0, 0.5), (1.0, 0.5), (1.0, 1.0))
    high = polygon((0.0, 0.0), (1.0, 0.0), (1.0, 0.25))
    dog = polygon((0.0, 0.75), (1.0, 0.75), (1.0, 1.0), label="dog")

    assert check(POLYGONS, [low, high, dog]) == [dog, high, low]


@pytest.mark.parametrize(
    ("flat", "message"),
    [
        (polygon((0, 0), (0.5, 0.5), (1, 1)), "polygon 1 must have 3 different points and an area"),
        (polygon((0, 0), (1, 1), (0, 0)), "polygon 1 must have 3 different points and an area"),
        (polygon((0, 0), (0, 0), (0, 0)), "polygon 1 must have 3 different points and an area"),
        (polygon((0, 0), (1e-8, 0), (0, 1)), "polygon 1 must have 3 different points and an area"),
        (polygon((0, 0), (NAN, 0), (0, 1)), "polygon 1 must lie within the image"),
        (polygon((0, 0), (1, 1)), "Item 1 does not fit, at its 'points'."),
        (polygon((0, 0), (1, 1), (1, 2)), "Item 1 does not fit, at its 'points'."),
        (polygon((0, 0), (1, 1), (1, 0, 0)), "Item 1 does not fit, at its 'points'."),
        (polygon(*[(0, 0), (1, 1), (1, 0)] * 334), "Item 1 does not fit, at its 'points'."),
    ],
)
def test_a_polygon_without_an_area_or_outside_the_image_is_refused(flat, message):
    assert message in refusal(POLYGONS, [flat])
