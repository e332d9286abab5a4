from __future__ import annotations

import numpy as np
import pytest

from tasks.aggregation.adaptive import Policy, Rule
from tasks.aggregation.replay import Recording
from tasks.forecasting.plan import Assumptions, Fixed, Job, Pilot
from tests.tasks.aggregation.crowds import answers
from tests.tasks.forecasting.pilots import job, pilot


def test_workers_are_numbered_as_they_appeared():
    recording = Recording(answers((0, 7, 0), (0, 2, 1), (1, 7, 1)), np.array([0, -1]), 9, 2)

    found = Pilot(recording=recording).renumbered().recording

    assert found.answers.workers.tolist() == [0, 1, 0]
    assert found.answers.labels.tolist() == [0, 1, 1]
    assert found.workers == 2


def test_gold_is_where_the_truth_is_known():
    assert pilot(gold=3).gold.tolist() == [0, 1, 2]


def test_a_pilot_needs_answers_and_one_time_for_each():
    nothing = Recording(answers(), np.array([0]), 1, 2)
    with pytest.raises(ValueError, match="assumptions"):
        Pilot(recording=nothing)

    with pytest.raises(ValueError, match="one time per answer"):
        Pilot(recording=pilot().recording, seconds=np.ones(3))


@pytest.mark.parametrize(
    "wrong",
    [
        {"accuracy": (0.9, 0.6)},
        {"accuracy": (0.6, 1.0)},
        {"accuracy": (0.6, 0.9), "classes": 1},
        {"accuracy": (0.6, 0.9), "seconds": (0, 3)},
        {"accuracy": (0.6, 0.9), "answers_per_worker": 0},
    ],
)
def test_assumptions_must_be_possible(wrong):
    with pytest.raises(ValueError, match="must"):
        Assumptions(**wrong)


@pytest.mark.parametrize("wrong", [{"tasks": 0}, {"price_minor": -1}, {"gold_rate": 1.0}])
def test_a_job_must_be_possible(wrong):
    with pytest.raises(ValueError, match="must"):
        job(**wrong)


def test_a_fixed_overlap_is_at_least_one():
    with pytest.raises(ValueError, match="at least 1"):
        Fixed(overlap=0)


def test_the_worker_gets_the_price_unless_a_reward_is_named():
    assert job().reward == 10
    assert job(reward_minor=8).reward == 8


def test_a_part_of_the_tasks_gets_its_part_of_the_budget():
    policy = job(Policy(budget=1000), tasks=300).policy_for(100)

    assert policy == Policy(budget=333)
    assert job(Policy()).policy_for(100) == Policy()
    assert job(Fixed(overlap=2)).policy_for(100) == Fixed(overlap=2)


def test_policies_are_the_same_whatever_their_budgets_but_not_whatever_their_rules():
    limited = Job(tasks=9, policy=Policy(budget=50), price_minor=1)

    assert limited.same_policy(Policy(budget=7))
    assert not limited.same_policy(Policy(rule=Rule.TARGET, budget=50))
    assert not limited.same_policy(Fixed(overlap=3))
    assert not limited.same_policy(None)
