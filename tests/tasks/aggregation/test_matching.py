from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation.matching import match


def groups(alike, workers, labels=None):
    table = np.array(alike, float)
    codes = np.array(workers)
    return match(table, codes, np.zeros(len(codes), int) if labels is None else np.array(labels))


def intervals(*bounds):
    a = np.array(bounds, float)
    shared = np.maximum(np.minimum(a[:, None, 1], a[:, 1]) - np.maximum(a[:, None, 0], a[:, 0]), 0)
    length = a[:, 1] - a[:, 0]
    return shared / (length[:, None] + length - shared)


def test_objects_at_least_half_alike_are_one():
    assert groups([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]], [0, 1, 2]) == [[0, 1], [2]]


def test_two_objects_of_one_worker_are_never_one():
    assert groups([[1, 0.9], [0.9, 1]], [0, 0]) == [[0], [1]]


def test_of_two_objects_of_a_worker_the_nearer_is_matched():
    alike = intervals((0, 10), (2, 12), (1, 10))

    assert groups(alike, [0, 0, 1]) == [[0, 2], [1]]


def test_a_chain_is_cut_where_its_ends_are_too_far_apart_on_average():
    # 0-1 and 1-2 are alike, 0-2 are not: the best pair is joined, and (0.6 + 0.2) / 2 < ½.
    alike = [[1, 0.7, 0.2], [0.7, 1, 0.6], [0.2, 0.6, 1]]

    assert groups(alike, [0, 1, 2]) == [[0, 1], [2]]


def test_a_chain_holds_where_its_ends_are_near_on_average():
    alike = [[1, 0.8, 0.4], [0.8, 1, 0.7], [0.4, 0.7, 1]]

    assert groups(alike, [0, 1, 2]) == [[0, 1, 2]]


def test_two_names_for_one_place_are_matched_name_by_name():
    assert groups(np.ones((4, 4)), [0, 0, 1, 1], [0, 1, 1, 0]) == [[0, 3], [1, 2]]


def test_a_worker_who_drew_a_place_twice_does_not_split_it():
    assert groups(np.ones((4, 4)), [0, 0, 1, 2]) == [[0, 2, 3], [1]]


def test_nothing_is_no_group():
    assert groups(np.zeros((0, 0)), np.zeros(0, int)) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 400), st.integers(1, 100)),
        min_size=1,
        max_size=10,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_objects_does_not_matter_and_groups_keep_the_rules(rows, random):
    # Odd fractions make equal similarities of different pairs unlikely: ties go by order.
    bounds = [(start + start**2 / 997, start + length**1.01 + 1) for _, start, length in rows]
    workers = [worker for worker, _, _ in rows]
    alike = intervals(*bounds)
    distinct = alike[np.triu_indices(len(rows), 1)]
    order = random.sample(range(len(rows)), len(rows))

    found = groups(alike, workers)
    shuffled = groups(alike[np.ix_(order, order)], [workers[i] for i in order])

    assert sorted(i for group in found for i in group) == list(range(len(rows)))
    assert all(len({workers[i] for i in group}) == len(group) for group in found)
    positive = distinct[distinct >= 0.5]
    if len(np.unique(positive.round(6))) == len(positive):
        assert sorted(sorted(order[i] for i in group) for group in shuffled) == found
