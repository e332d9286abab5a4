from __future__ import annotations

import pytest

from tasks.aggregation.dawid_skene import dawid_skene
from tasks.aggregation.labels import Label
from tests.tasks.aggregation.weighed import HONEST_WORKERS, TRUTH, honest_workers, said

TWINS = ("cat", "lynx")


def test_a_worker_who_swaps_two_classes_is_understood():
    swapped = {"a": "b", "b": "a"}
    contrary = [Label(task, HONEST_WORKERS, swapped[label]) for task, label in enumerate(TRUTH)]
    only_contrary = [Label(100, HONEST_WORKERS, "a"), Label(101, HONEST_WORKERS, "b")]

    fit = dawid_skene(honest_workers() + contrary + only_contrary)

    assert said(fit) == TRUTH + "ba"
    assert fit.skills[HONEST_WORKERS] < 0.01


def test_a_worker_who_cannot_tell_two_classes_apart_is_believed_on_the_third():
    truth = ["cat", "lynx", "dog"] * 6
    experts = [Label(task, worker, label) for task, label in enumerate(truth) for worker in (0, 1)]
    novice = [
        Label(task, 2, TWINS[task % 4 > 1] if label in TWINS else label)
        for task, label in enumerate(truth)
    ]
    open_tasks = [Label(100, 2, "dog"), Label(101, 2, "cat")]

    fit = dawid_skene(experts + novice + open_tasks)

    assert fit.consensus[100].label == "dog"
    assert fit.consensus[100].confidence > 0.99
    assert fit.consensus[101].confidence < 0.7


def test_a_skill_is_the_share_of_right_answers_weighted_by_how_often_each_class_occurs():
    truth = "aaab" * 5
    experts = [Label(task, worker, label) for task, label in enumerate(truth) for worker in (0, 1)]
    always_a = [Label(task, 2, "a") for task in range(len(truth))]

    fit = dawid_skene(experts + always_a)

    assert fit.skills == {0: pytest.approx(1), 1: pytest.approx(1), 2: pytest.approx(0.75)}


def test_who_only_ever_gave_one_label_says_nothing_so_the_commoner_class_wins():
    given_labels = [Label(1, 1, "a"), Label(2, 2, "b"), Label(3, 3, "b")]

    assert said(dawid_skene(given_labels)) == "bbb"
