from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation.overlap import (
    KINDS,
    box_iou,
    interval_iou,
    keypoint_similarity,
    list_similarity,
    mask_iou,
    polygon_iou,
    relation_similarity,
    set_iou,
    similarities,
)
from tests.tasks.aggregation.drawn_crowds import mask, picture

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]]


def box(x, y, width, height, label="cat"):
    return {"label": label, "x": x, "y": y, "width": width, "height": height}


def span(start, end, label="cat"):
    return {"label": label, "start": start, "end": end}


def polygon(*points):
    return {"label": "cat", "points": [list(point) for point in points]}


def test_boxes_share_a_quarter_of_each():
    assert box_iou(box(0, 0, 2, 2), box(1, 1, 2, 2)) == 1 / 7
    assert box_iou(box(0, 0, 2, 2), box(2, 0, 2, 2)) == 0


def test_intervals_share_half_of_one():
    assert interval_iou(span(0, 4), span(2, 4)) == 0.5
    assert interval_iou(span(0, 4), span(4, 8)) == 0


@pytest.mark.parametrize(
    ("iou", "place", "other"),
    [(box_iou, box(1, 1, 0, 0), box(2, 1, 0, 0)), (interval_iou, span(3, 3), span(4, 4))],
)
def test_places_of_no_size_are_alike_only_when_equal(iou, place, other):
    assert (iou(place, place), iou(place, other)) == (1, 0)


@pytest.mark.parametrize(
    ("points", "iou"),
    [
        ([(0.5, 0.5), (1.5, 0.5), (1.5, 1.5), (0.5, 1.5)], 0.25 / 1.75),
        ([(0, 0), (1, 0), (0, 1)], 0.5),
        ([(0.5, -0.5), (1.5, 0.5), (0.5, 1.5), (-0.5, 0.5)], 0.5),  # the square, turned, doubled
        ([(0, 0), (1, 1), (1, 0), (0, 1)], 0.5),  # crosses itself: two triangles
        ([(0, 0), (2, 0), (2, 2), (0, 2), (0, 1), (1, 1), (1, 0.5), (0, 0.5)], 0.5 / 4),
        ([(0, 1), (1, 1), (1, 0), (0, 0)], 1),  # the same corners, backwards
        ([(1, 0), (2, 0), (2, 1), (1, 1)], 0),  # shares an edge only
        ([(0, 0), (1, 1)], 0),  # a line
    ],
)
def test_polygons_are_compared_by_their_exact_area(points, iou):
    assert polygon_iou(polygon(*SQUARE), polygon(*points)) == pytest.approx(iou, abs=1e-12)


def test_a_polygon_is_like_itself_even_when_it_is_only_a_line():
    assert polygon_iou(polygon((0, 0), (1, 1)), polygon((0, 0), (1, 1))) == 1


corners = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=3, max_size=8)


@settings(max_examples=40, deadline=None)
@given(corners, corners)
def test_the_areas_of_polygons_agree_with_counting_points(first, second):
    x, y = np.meshgrid((np.arange(240) + 0.5) / 20, (np.arange(240) + 0.5) / 20)
    inside = [_inside(np.array(points, float), x, y) for points in (first, second)]
    covered = (inside[0] | inside[1]).sum() / 400

    iou = polygon_iou(polygon(*first), polygon(*second))

    if first != second:
        shared = (inside[0] & inside[1]).sum() / 400
        assert iou * covered == pytest.approx(shared, abs=1)
        assert iou == pytest.approx(polygon_iou(polygon(*second), polygon(*first)), abs=1e-9)


def _inside(points, x, y):
    """Count edges to the left of each point, as a ray does."""
    inside = np.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y1 != y2:
            between = (y1 <= y) != (y2 <= y)
            inside ^= between & (x1 + (y - y1) * (x2 - x1) / (y2 - y1) < x)
    return inside


def test_masks_are_compared_pixel_by_pixel_down_the_columns():
    assert (
        mask_iou({"size": [2, 2], "counts": [1, 2, 1]}, {"size": [2, 2], "counts": [0, 2, 2]})
        == 1 / 3
    )


pixels = st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=4, max_size=4)


@given(pixels, pixels)
def test_the_iou_of_masks_is_that_of_their_pixels(first, second):
    a, b = np.array(first), np.array(second)

    iou = mask_iou(mask(a), mask(b))

    assert iou == ((a & b).sum() / (a | b).sum() if (a | b).any() else 1)
    assert (picture(mask(a)) == a).all()


def test_masks_of_different_images_share_nothing_and_bad_runs_are_refused():
    whole = {"size": [2, 2], "counts": [0, 4]}

    assert mask_iou(whole, {"size": [1, 4], "counts": [0, 4]}) == 0
    with pytest.raises(ValueError, match="2 by 2 pixels must add up"):
        mask_iou(whole, {"size": [2, 2], "counts": [0, 3]})


def test_sets_share_one_of_three():
    assert (set_iou("ab", "bc"), set_iou("", ""), set_iou("a", "")) == (1 / 3, 1, 0)


def test_points_are_half_alike_at_the_distance_of_a_match():
    here = {"x": 0.5, "y": 0.5}

    assert keypoint_similarity(here, here) == 1
    assert keypoint_similarity(here, {"x": 0.53, "y": 0.54}) == pytest.approx(0.5)
    assert keypoint_similarity(here, {"x": 0.6, "y": 0.6}) == 0


def test_a_relation_is_as_alike_as_the_worse_of_its_ends():
    first = {"from": span(0, 4), "to": span(5, 9)}
    second = {"from": span(0, 4), "to": span(7, 9)}

    assert relation_similarity(first, second) == 0.5
    assert similarities([first], [second], "relations").tolist() == [[0.5]]


def test_lists_are_compared_by_their_best_pairs():
    first = [span(0, 4), span(10, 14)]
    second = [span(10, 12), span(0, 4), span(20, 24)]

    assert list_similarity(first, second, "spans") == 2 * (1 + 0.5) / 5


def test_the_best_pairs_are_best_in_sum_not_one_by_one():
    # Taking the likest pair first, 6/8, would leave nothing for the other two.
    first, second = [span(0, 8), span(9, 10)], [span(2, 8), span(0, 5)]

    assert list_similarity(first, second, "spans") == pytest.approx(2 * (6 / 8) / 4)
    assert list_similarity([span(0, 8), span(4, 8)], second, "spans") == pytest.approx(
        2 * (5 / 8 + 4 / 6) / 4
    )


def test_another_label_is_another_object():
    assert list_similarity([span(0, 4)], [span(0, 4, "dog")], "spans") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_two_answers_that_nothing_is_there_agree(kind):
    assert list_similarity([], [], kind) == 1


def test_something_is_not_like_nothing():
    assert list_similarity([span(0, 4)], [], "spans") == 0
    assert list_similarity([], [span(0, 4)], "spans") == 0


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(ValueError, match="'cubes'"):
        similarities([], [], "cubes")
