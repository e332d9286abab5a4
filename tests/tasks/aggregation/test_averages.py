from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from tasks.aggregation.averages import geometric_median, most_supported, weighted_median


@pytest.mark.parametrize(
    ("values", "weights", "median"),
    [
        ([3, 1, 2], [1, 1, 1], 2),
        ([1, 2, 3, 10], [1, 1, 1, 1], 2.5),
        ([1, 2, 10], [1, 1, 3], 10),
        ([1, 2, 10], [1, 1, 2], 6),
        ([7], [0.3], 7),
    ],
)
def test_half_of_the_weight_lies_on_either_side_of_the_median(values, weights, median):
    assert weighted_median(np.array(values, float), np.array(weights, float)) == median


def test_medians_are_taken_along_the_last_axis():
    values, weights = np.array([[1.0, 5, 9], [4, 2, 0]]), np.ones((2, 3))

    assert weighted_median(values, weights).tolist() == [5, 2]


def test_the_point_of_least_distance_to_a_square_is_its_middle():
    points = np.array([[[0.0, 0], [1, 0], [0, 1], [1, 1]]])

    assert geometric_median(points, np.ones((1, 4)))[0] == pytest.approx([0.5, 0.5])


def test_a_point_with_more_than_half_of_the_weight_is_the_median_itself():
    points = np.array([[[0.1, 0.2], [1, 0], [0, 1]]])

    assert geometric_median(points, np.array([[3.0, 1, 1]])).tolist() == [[0.1, 0.2]]


def test_between_two_points_of_equal_weight_the_median_is_halfway():
    points = np.array([[[0.0, 0], [1, 2]]])

    assert geometric_median(points, np.ones((1, 2)))[0] == pytest.approx([0.5, 1])


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 5)), min_size=1, max_size=6
    )
)
def test_no_point_is_nearer_to_all_than_the_geometric_median(rows):
    table = np.array(rows, float)
    points, weights = table[None, :, :2], table[None, :, 2]

    def cost(place):
        return float((np.hypot(*(points[0] - place).T) * weights[0]).sum())

    best = cost(geometric_median(points, weights)[0])
    search = minimize(cost, points[0].mean(axis=0), method="Nelder-Mead")

    least = min(float(search.fun), *(cost(point) for point in points[0]))
    assert best <= least * 1.001 + 1e-9


def test_equal_rows_pool_their_weight():
    rows = np.array([[[0.0, 4], [0, 5], [0, 4]]])

    chosen = most_supported(rows, np.array([[1.0, 1.5, 1]]), np.array([[4.0, 5, 4]]))

    assert rows[0, chosen[0]].tolist() == [0, 4]


@pytest.mark.parametrize(("second", "winner"), [([1.0, 6], 1), ([1.0, 5], 0), ([2.0, 5], 0)])
def test_a_tie_goes_to_the_longer_row_then_to_the_lower(second, winner):
    rows = np.array([[[0.0, 4], second]])

    chosen = most_supported(rows, np.ones((1, 2)), rows[..., 1] - rows[..., 0])

    assert chosen.tolist() == [winner]
