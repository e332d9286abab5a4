from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from tasks.aggregation import glad as module
from tasks.aggregation.canonical import canonical
from tasks.aggregation.encoded import Answers, encode
from tasks.aggregation.glad import glad
from tasks.aggregation.labels import Label
from tests.tasks.aggregation.weighed import HONEST_WORKERS, TRUTH, honest_workers, mixed_crowd, said


def small_crowd() -> Answers:
    return encode(canonical(mixed_crowd("abc", tasks=6, workers=5, overlap=3)[0]))


def descent(point: np.ndarray, answers: Answers, belief: np.ndarray) -> tuple[float, np.ndarray]:
    return module._descent(point, answers, module._pairs(answers), belief)


def test_who_is_always_wrong_counts_against_what_they_say():
    other = {"a": "b", "b": "a"}
    contrary = [Label(task, HONEST_WORKERS, other[label]) for task, label in enumerate(TRUTH)]
    only_contrary = [Label(100, HONEST_WORKERS, "a")]

    fit = glad(honest_workers() + contrary + only_contrary)

    assert said(fit) == TRUTH + "b"
    assert fit.skills[HONEST_WORKERS] < 0.1


def test_an_able_worker_outweighs_two_who_often_err():
    truth = "ab" * 10
    able = [Label(task, worker, label) for task, label in enumerate(truth) for worker in range(3)]
    erring = [
        Label(task, worker, "ab"[(task * 7 + worker) % 5 % 2])
        for task in range(len(truth))
        for worker in (3, 4)
    ]
    split = [Label(100, 0, "b"), Label(100, 3, "a"), Label(100, 4, "a")]

    fit = glad(able + erring + split)

    assert fit.consensus[100].label == "b"
    assert min(fit.skills[worker] for worker in range(3)) > 0.9
    assert max(fit.skills[worker] for worker in (3, 4)) < 0.7


def test_where_able_workers_disagree_the_task_is_found_hard_and_the_confidence_low():
    easy = [Label(task, worker, "ab"[task % 2]) for task in range(10) for worker in range(5)]
    hard = [Label(100, worker, "ab"[worker > 2]) for worker in range(5)]

    fit = glad(easy + hard)

    assert min(fit.consensus[task].confidence for task in range(10)) > 0.99
    assert fit.consensus[100].label == "a"
    assert fit.consensus[100].confidence < 0.95


def test_beliefs_follow_the_formula_of_the_model():
    answers = small_crowd()
    point = np.random.default_rng(0).normal(1, 1, answers.workers + answers.tasks)

    beliefs = module._believe(answers, point)

    for task in range(answers.tasks):
        weights = np.ones(answers.classes)
        for place in np.flatnonzero(answers.task == task):
            ease = np.exp(point[answers.workers + task])
            right = 1 / (1 + np.exp(-point[answers.worker[place]] * ease))
            for truth in range(answers.classes):
                wrong = (1 - right) / (answers.classes - 1)
                weights[truth] *= right if answers.label[place] == truth else wrong
        assert beliefs[task] == pytest.approx(weights / weights.sum())


def test_the_slope_is_that_of_the_loss():
    answers = small_crowd()
    dice = np.random.default_rng(0)
    point = dice.normal(1, 0.5, answers.workers + answers.tasks)
    belief = dice.uniform(size=len(answers.cell))

    loss, slope = descent(point, answers, belief)

    assert np.isfinite(loss)
    assert slope == pytest.approx(
        approx_fprime(point, lambda at: descent(at, answers, belief)[0]), abs=1e-4
    )


@pytest.mark.parametrize("ability", [-1e3, 1e3])
def test_the_loss_stays_exact_where_a_sigmoid_is_0_or_1(ability):
    answers = small_crowd()
    point = np.concatenate([np.full(answers.workers, ability), np.zeros(answers.tasks)])
    all_right, all_wrong = np.ones(len(answers.cell)), np.zeros(len(answers.cell))
    prior = ((point - 1) ** 2).sum() / 2

    losses = [descent(point, answers, belief)[0] - prior for belief in (all_right, all_wrong)]

    surprise = 1e3 * len(answers.cell)
    assert losses == pytest.approx([0, surprise] if ability > 0 else [surprise, 0], abs=1e-6)


def test_a_step_of_the_search_that_is_far_too_long_counts_as_infinitely_bad():
    answers = small_crowd()
    point = np.concatenate([np.zeros(answers.workers), np.full(answers.tasks, 1e3)])

    assert descent(point, answers, np.ones(len(answers.cell)))[0] == np.inf
