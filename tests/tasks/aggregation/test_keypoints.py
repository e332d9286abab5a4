from __future__ import annotations

import pytest

from tasks.aggregation.keypoints import fit_keypoints
from tasks.aggregation.labels import Reading


def point(x, y, label="nose"):
    return {"label": label, "x": x, "y": y}


def fit_one(*answers):
    return fit_keypoints([Reading(1, worker, answer) for worker, answer in enumerate(answers)])


def test_four_points_around_a_place_give_the_place():
    # The corners of a square; every two of them are within 0.05.
    corners = [point(0.5, 0.5), point(0.53, 0.5), point(0.5, 0.53), point(0.53, 0.53)]

    [found] = fit_one(*([corner] for corner in corners)).consensus[1].value

    assert found == point(pytest.approx(0.515), pytest.approx(0.515))


def test_points_further_apart_than_the_distance_of_a_match_are_two():
    fit = fit_one([point(0.5, 0.5)], [point(0.551, 0.5)], [point(0.5, 0.5)])

    assert fit.consensus[1].value == [point(0.5, 0.5)]


def test_a_stray_point_does_not_move_the_others():
    fit = fit_one([point(0.5, 0.5)], [point(0.5, 0.5)], [point(0.54, 0.5)])

    assert fit.consensus[1].value == [point(0.5, 0.5)]
