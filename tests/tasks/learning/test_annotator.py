from __future__ import annotations

import pytest

from tasks.aggregation.dawid_skene import dawid_skene
from tasks.aggregation.labels import Label
from tasks.learning.annotator import evidence, independent, with_model
from tasks.learning.errors import NotIndependent

PREDICTIONS = {1: "cat", 2: "dog", 3: "cat"}


def test_a_model_that_saw_none_of_these_labels_is_independent():
    assert independent(PREDICTIONS, trained_on=[7, 8]) == PREDICTIONS
    assert independent(PREDICTIONS, trained_on=[]) == PREDICTIONS


def test_a_prediction_for_a_task_the_model_was_trained_on_is_refused():
    with pytest.raises(NotIndependent, match=r"labels of 2 of these tasks \(1, 3\)"):
        independent(PREDICTIONS, trained_on=[3, 1, 9])


def test_a_long_list_of_tasks_is_cut_in_the_message():
    predictions = dict.fromkeys(range(20), "cat")

    with pytest.raises(NotIndependent, match=r"of 20 of these tasks \(0, 1, 2, 3, 4, …\)"):
        independent(predictions, trained_on=range(20))


def test_out_of_fold_predictions_of_trained_tasks_are_independent():
    assert independent(PREDICTIONS, trained_on=[1, 2], held_out={1: 0, 2: 4}) == PREDICTIONS


def test_a_pusher_who_declares_nothing_is_refused():
    with pytest.raises(NotIndependent, match="declare trained_on"):
        independent(PREDICTIONS, trained_on=None)


def test_evidence_leaves_out_what_is_not_independent():
    assert evidence(PREDICTIONS, trained_on=[1, 2], held_out=[2]) == {2: "dog", 3: "cat"}
    assert evidence(PREDICTIONS, trained_on=None) == {}


def test_the_model_answers_after_people_and_only_what_people_answered():
    labels = [Label(2, 50, "dog"), Label(1, 51, "dog")]

    assert with_model(labels, PREDICTIONS, -1) == [
        Label(2, 50, "dog"),
        Label(1, 51, "dog"),
        Label(1, -1, "cat"),
        Label(2, -1, "dog"),
    ]


def test_nobody_answered_means_the_model_says_nothing():
    assert with_model([], PREDICTIONS, -1) == []


def test_the_model_cannot_take_a_persons_place():
    with pytest.raises(ValueError, match="worker 50"):
        with_model([Label(1, 50, "dog")], PREDICTIONS, 50)


def test_aggregation_learns_how_far_to_trust_the_model():
    truth = {task: "ab"[task % 2] for task in range(40)}
    people = [
        Label(task, worker, truth[task] if (task + worker) % 5 else "ab"[1 - task % 2])
        for task in truth
        for worker in range(3)
    ]
    good = with_model(people, truth, 100)
    coin = with_model(people, {task: "ab"[task // 2 % 2] for task in truth}, 100)

    assert dawid_skene(good).skills[100] > 0.95
    assert dawid_skene(coin).skills[100] < 0.7
