from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.aggregation import replay
from tasks.aggregation.adaptive import Policy, Rule
from tests.tasks.aggregation.crowds import answers, crowd


def test_the_majority_of_a_fixed_overlap_counts_ties_by_their_expected_value():
    recording = replay.Recording(
        answers((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1), (0, 2, 1)), np.array([0, 1]), 3, 2
    )

    found = replay.replay_majority(recording, 2)

    assert found.answers == 4
    assert found.answers_per_task == 2
    assert found.accuracy == 0.75


def test_the_first_answers_are_those_that_came_first():
    recording = replay.Recording(
        answers((0, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 0)), np.array([0, 1]), 2, 2
    )

    first = replay.first_answers(recording, 1)

    assert first.tasks.tolist() == [0, 1]
    assert first.labels.tolist() == [0, 1]


@given(st.integers(0, 10), st.floats(1.5, 6), st.sampled_from(Rule))
@settings(max_examples=15, deadline=None)
def test_no_policy_exceeds_its_budget_or_buys_an_answer_twice(seed, mean, rule):
    recording = crowd(tasks=40, overlap=6, seed=seed)
    budget = replay.mean_budget(recording, mean)

    released = replay.buy(recording, Policy(rule=rule, budget=budget, maximum=5))

    per_task = np.bincount(recording.answers.tasks[released], minlength=40)
    assert released.sum() <= budget
    assert per_task.max() <= 5


def test_answers_are_released_in_order_of_arrival():
    recording = crowd(tasks=40, overlap=6)

    released = replay.buy(recording, Policy())

    for task in range(40):
        of_task = released[recording.answers.tasks == task]
        assert (np.diff(of_task.astype(int)) <= 0).all()


def test_a_budget_is_spent_on_the_tasks_that_need_it():
    recording = crowd(tasks=300, overlap=8, seed=3)
    policy = replay.budgeted(Policy(), recording, 3.5)

    found = replay.replay_adaptive(recording, policy, name="budget 3.5")

    assert found.policy == "budget 3.5"
    assert found.answers_per_task == pytest.approx(3.5)
    assert found.most_answers > 5
    assert found.accuracy > replay.replay_fixed(recording, 4).accuracy - 0.02


def test_a_target_policy_closes_what_it_can_and_no_more_is_bought():
    recording = crowd(tasks=300, overlap=8, skills=(0.9,) * 10)
    policy = replay.ruled(Policy(), Rule.TARGET)

    found = replay.replay_adaptive(recording, policy)

    assert found.closed > 0.9
    assert found.closed_accuracy > 0.93
    assert found.answers_per_task < 5


def test_gold_is_not_scored_and_calibrates():
    recording = crowd(tasks=200, overlap=6)
    gold = replay.gold_tasks(recording, 50, seed=1)

    found = replay.replay_adaptive(recording, Policy(), gold)

    assert len(gold) == 50
    assert found.exponent is not None
    assert replay.gold_tasks(recording, 50, seed=1).tolist() == gold.tolist()
    forgotten = replay.unscored(recording, gold)
    assert (forgotten.truth == replay.UNKNOWN).sum() == 50


def test_without_a_truth_only_costs_are_known():
    recording = crowd(tasks=50)
    unknown = recording._replace(truth=np.full(50, replay.UNKNOWN))

    found = replay.replay_adaptive(unknown, Policy())

    assert found.answers > 0
    assert found.accuracy is found.calibration_error is found.closed is None


def test_shuffling_is_the_same_for_the_same_seed():
    recording = crowd(tasks=50)

    one, same, other = (replay.shuffled(recording, seed).answers.tasks for seed in (1, 1, 2))

    assert one.tolist() == same.tolist() != other.tolist()
    assert sorted(one.tolist()) == sorted(recording.answers.tasks.tolist())


def test_a_crowdkit_method_can_be_the_reference():
    recording = crowd(tasks=100)

    found = replay.replay_method(recording, 5, "dawid_skene")

    assert found.policy == "dawid_skene of 5"
    assert found.accuracy > 0.8
