from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation.canonical import canonical, even_out
from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Label
from tests.tasks.aggregation.strategies import labels, renamed, shuffles


def test_labels_become_codes_and_workers_are_ordered_by_what_they_answered():
    table = canonical([Label(9, 1, "b"), Label(9, 2, "a"), Label(4, 1, "b")])

    assert table.tasks == [4, 9]
    assert table.workers == [1, 2]  # worker 1 starts with task 4, worker 2 with task 9
    assert table.classes == ["a", "b"]
    assert table.rows == [(0, 0, 1), (1, 0, 1), (1, 1, 0)]


def test_a_second_answer_of_a_worker_to_a_task_is_refused():
    with pytest.raises(UnsupportedLabels, match="Worker 1 answered task 9 more than once"):
        canonical([Label(9, 1, "b"), Label(9, 1, "a")])


def test_one_task_one_worker_or_one_class_is_not_informative():
    assert not canonical([Label(1, 1, "a"), Label(1, 2, "b")]).informative
    assert not canonical([Label(1, 1, "a"), Label(2, 1, "b")]).informative
    assert not canonical([Label(1, 1, "a"), Label(2, 2, "a")]).informative
    assert not canonical([]).informative
    assert canonical([Label(1, 1, "a"), Label(2, 2, "b")]).informative


def test_workers_who_gave_the_same_answers_share_their_mean_skill():
    table = canonical([Label(1, 5, "a"), Label(1, 6, "a"), Label(1, 7, "b")])

    assert even_out({0: 0.2, 1: 0.6, 2: 0.9}, table) == {5: 0.4, 6: 0.4, 7: 0.9}


@given(labels(), st.data())
def test_neither_the_order_of_answers_nor_the_names_of_workers_change_the_rows(given_labels, data):
    names = data.draw(shuffles(range(5)))
    shuffled = data.draw(shuffles(renamed(given_labels, names)))

    assert canonical(shuffled).rows == canonical(given_labels).rows
