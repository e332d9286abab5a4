from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation import methods
from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Fit, Label
from tasks.aggregation.majority import majority
from tasks.aggregation.online_fit import online
from tests.tasks.aggregation.strategies import labels, renamed, shuffles
from tests.tasks.aggregation.weighed import accuracy, mixed_crowd


def test_it_is_a_method_by_name():
    given_labels, _ = mixed_crowd("ab", tasks=30, workers=8, overlap=4)

    assert methods.fit("Online", given_labels, gold={0: "a"}) == online(given_labels, gold={0: "a"})


def test_it_is_right_where_one_worker_in_six_clicks_the_first_class():
    given_labels, truth = mixed_crowd("abc", tasks=80, workers=18, overlap=5)

    assert accuracy(online(given_labels), truth) > accuracy(majority(given_labels), truth)


def test_gold_teaches_about_workers_but_its_own_consensus_comes_from_its_answers():
    """Three say "a" to everything; the one who says "b" is right on the eight gold tasks."""
    given_labels = [Label(task, worker, "a") for task in range(20) for worker in range(3)]
    given_labels += [Label(task, 3, "b") for task in range(20)]

    plain = online(given_labels)
    taught = online(given_labels, gold=dict.fromkeys(range(8), "b"))

    assert plain.consensus[0].label == "a"
    assert taught.skills[3] > plain.skills[3]
    assert taught.skills[0] < plain.skills[0]
    assert taught.consensus[19].label == "b"
    assert online(given_labels, gold={0: "b"}).consensus[0].label == "a"


def test_a_known_answer_that_nobody_gave_makes_all_its_workers_wrong():
    given_labels, _ = mixed_crowd("ab", tasks=30, workers=8, overlap=4)

    plain, taught = online(given_labels), online(given_labels, gold=dict.fromkeys(range(6), "z"))

    assert sum(taught.skills.values()) < sum(plain.skills.values())


def test_gold_of_tasks_without_answers_is_ignored():
    given_labels, _ = mixed_crowd("ab", tasks=30, workers=8, overlap=4)

    assert online(given_labels, gold={999: "a"}) == online(given_labels)


@pytest.mark.parametrize(
    "given_labels",
    [
        [],
        [Label(0, 0, "a"), Label(0, 1, "b")],
        [Label(0, 0, "a"), Label(1, 0, "b")],
        [Label(0, 0, "a"), Label(1, 1, "a")],
    ],
)
def test_with_nothing_to_weigh_the_majority_decides(given_labels):
    assert online(given_labels) == Fit(majority(given_labels).consensus, {})


def test_two_answers_of_a_worker_to_a_task_are_refused():
    with pytest.raises(UnsupportedLabels):
        online([Label(0, 0, "a"), Label(0, 0, "b")])


@settings(max_examples=25, deadline=None)
@given(labels(min_size=4), st.data())
def test_neither_the_order_of_answers_nor_the_names_of_workers_matter(given_labels, data):
    names = data.draw(shuffles(range(5)))
    shuffled = data.draw(shuffles(renamed(given_labels, names)))

    fit, other = online(given_labels, gold={0: "a"}), online(shuffled, gold={0: "a"})

    assert other.consensus == fit.consensus
    assert other.skills == {names[worker]: skill for worker, skill in fit.skills.items()}
