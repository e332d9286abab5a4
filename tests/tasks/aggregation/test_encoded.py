"""What holds for every one of our own probabilistic methods."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation import methods
from tasks.aggregation.dawid_skene import dawid_skene
from tasks.aggregation.encoded import Answers, Estimate, fit_model, normalised
from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.glad import glad
from tasks.aggregation.labels import Consensus, Fit, Label
from tasks.aggregation.mace import mace
from tasks.aggregation.majority import majority
from tests.tasks.aggregation.strategies import labels, renamed, shuffles
from tests.tasks.aggregation.weighed import HONEST_WORKERS, TRUTH, honest_workers, said

OURS = pytest.mark.parametrize("method", [dawid_skene, glad, mace])


@OURS
def test_neither_the_order_of_answers_nor_the_names_of_workers_matter(method):
    @settings(max_examples=40, deadline=None)
    @given(labels(), st.data())
    def law(given_labels, data):
        names = data.draw(shuffles(range(5)))
        shuffled = data.draw(shuffles(renamed(given_labels, names)))

        fit, other = method(given_labels), method(shuffled)

        assert other.consensus == fit.consensus
        assert other.skills == {names[worker]: skill for worker, skill in fit.skills.items()}

    law()


@OURS
def test_every_task_gets_one_of_the_labels_with_a_probability(method):
    @settings(max_examples=60, deadline=None)
    @given(labels("abcd"))
    def law(given_labels):
        fit = method(given_labels)

        classes = {label.label for label in given_labels}
        assert fit.consensus.keys() == {label.task for label in given_labels}
        assert all(consensus.label in classes for consensus in fit.consensus.values())
        assert all(
            1 / len(classes) - 1e-9 <= consensus.confidence <= 1
            for consensus in fit.consensus.values()
        )
        assert all(0 <= skill <= 1 for skill in fit.skills.values())
        assert fit.skills.keys() in (set(), {label.worker for label in given_labels})

    law()


@OURS
def test_a_crowd_that_always_agrees_is_believed(method):
    given_labels = [Label(task, worker, "ab"[task % 2]) for task in range(4) for worker in range(4)]

    fit = method(given_labels)

    assert said(fit) == "abab"
    assert all(confidence > 0.99 for _, confidence in fit.consensus.values())
    assert all(skill > 0.95 for skill in fit.skills.values())


@OURS
def test_unanimous_tasks_win_when_most_workers_are_mostly_right(method):
    unanimous = [Label(100 + task, worker, TRUTH[task]) for task in range(4) for worker in range(2)]

    fit = method(honest_workers() + unanimous)

    assert said(fit) == TRUTH + TRUTH[:4]
    assert all(fit.consensus[100 + task].confidence > 0.9 for task in range(4))


@OURS
def test_a_worker_who_always_clicks_the_same_is_outvoted_and_gets_the_lowest_skill(method):
    spammer = [Label(task, HONEST_WORKERS, "a") for task in range(len(TRUTH))]

    fit = method(honest_workers() + spammer)

    assert said(fit) == TRUTH
    assert min(fit.skills, key=fit.skills.__getitem__) == HONEST_WORKERS
    assert fit.skills[HONEST_WORKERS] < 0.65


@OURS
def test_hundreds_of_answers_to_a_task_do_not_run_out_of_numbers(method):
    given_labels = [
        Label(task, worker, "ab"[(task + (worker % 5 == task)) % 2])
        for task in range(6)
        for worker in range(600)
    ]

    fit = method(given_labels)

    assert said(fit) == "ababab"
    assert all(confidence > 0.99 for _, confidence in fit.consensus.values())


@OURS
def test_a_tie_goes_to_the_alphabetically_first_label(method):
    given_labels = [
        Label(0, 0, "b"),
        Label(0, 1, "a"),
        Label(1, 2, "a"),
        Label(1, 3, "b"),
    ]

    assert said(method(given_labels)) == "aa"


@OURS
def test_no_labels_give_an_empty_fit(method):
    assert method([]) == Fit({}, {})


@OURS
@pytest.mark.parametrize(
    "given_labels",
    [
        [Label(1, 1, "a"), Label(1, 2, "b"), Label(1, 3, "b")],
        [Label(1, 1, "a"), Label(2, 1, "b")],
        [Label(1, 1, "a"), Label(1, 2, "a"), Label(2, 1, "a")],
    ],
    ids=["one task", "one worker", "one class"],
)
def test_where_there_is_nothing_to_weigh_the_majority_decides(method, given_labels):
    assert method(given_labels) == Fit(majority(given_labels).consensus, {})


@OURS
def test_a_second_answer_of_a_worker_to_a_task_is_refused(method):
    with pytest.raises(UnsupportedLabels, match="Worker 1 answered task 9 more than once"):
        method([Label(9, 1, "b"), Label(9, 1, "a")])


@OURS
def test_the_method_is_what_its_name_runs(method):
    given_labels = honest_workers()

    assert methods.fit(method.__name__, given_labels) == method(given_labels)


def test_a_model_sees_arrays_of_codes_in_canonical_order():
    def model(answers: Answers) -> Estimate:
        assert answers.task.tolist() == [0, 1, 1]
        assert answers.worker.tolist() == [0, 0, 1]
        assert answers.label.tolist() == [1, 1, 0]
        assert answers.votes().tolist() == [[0, 1], [1, 1]]
        assert answers.by_worker(np.array([1.0, 2.0, 4.0])).tolist() == [3, 4]
        assert answers.by_task(np.array([1.0, 2.0, 4.0])).tolist() == [1, 6]
        assert answers.at_answers(np.array([[0.1, 0.9], [0.3, 0.7]])).tolist() == [0.9, 0.7, 0.3]
        return Estimate(np.array([[0.1, 0.9], [0.3, 0.7]]), np.array([0.8, 0.6]))

    fit = fit_model(model, [Label(9, 7, "no"), Label(9, 8, "yes"), Label(4, 8, "yes")])

    assert fit.consensus == {4: Consensus("yes", 0.9), 9: Consensus("yes", 0.7)}
    assert fit.skills == {8: 0.8, 7: 0.6}


def test_weights_far_below_the_smallest_float_are_still_compared():
    assert normalised(np.array([[-2000.0, -2000.0], [-3000.0, 0.0]])).tolist() == [
        [0.5, 0.5],
        [0, 1],
    ]
