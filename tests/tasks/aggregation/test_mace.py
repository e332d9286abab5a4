from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from tasks.aggregation import mace as module
from tasks.aggregation.canonical import canonical
from tasks.aggregation.encoded import Answers, encode
from tasks.aggregation.labels import Label
from tasks.aggregation.mace import Workers, mace
from tests.tasks.aggregation.strategies import labels
from tests.tasks.aggregation.weighed import HONEST_WORKERS, TRUTH, honest_workers, mixed_crowd


@settings(max_examples=40, deadline=None)
@given(labels())
def test_a_unanimous_task_wins_because_nobody_is_thought_worse_than_chance(given_labels):
    fit = mace(given_labels)

    for task, consensus in fit.consensus.items():
        answers = {label.label for label in given_labels if label.task == task}
        assert len(answers) > 1 or consensus.label in answers


def test_a_spammers_habit_counts_for_nothing_even_where_it_is_half_of_the_votes():
    spammer = [Label(task, HONEST_WORKERS, "a") for task in range(len(TRUTH))]
    in_doubt = [Label(100, 0, "b"), Label(100, HONEST_WORKERS, "a")]

    fit = mace(honest_workers() + spammer + in_doubt)

    assert fit.consensus[100].label == "b"
    assert fit.consensus[100].confidence > 0.8


def test_who_knows_nothing_has_the_skill_of_chance():
    given_labels, _ = mixed_crowd("abcd", tasks=120, workers=12, overlap=6)

    fit = mace(given_labels)

    clicking = [skill for worker, skill in fit.skills.items() if worker % 6 == 5]
    assert clicking == [pytest.approx(1 / 4, abs=0.05)] * 2


def test_what_a_label_is_called_does_not_matter():
    given_labels, _ = mixed_crowd("abc", tasks=80, workers=12, overlap=5)
    names = {"a": "z", "b": "a", "c": "m"}

    fit = mace(given_labels)
    other = mace([label._replace(label=names[label.label]) for label in given_labels])

    assert {task: names[label] for task, (label, _) in fit.consensus.items()} == {
        task: label for task, (label, _) in other.consensus.items()
    }
    assert [confidence for _, confidence in other.consensus.values()] == pytest.approx(
        [confidence for _, confidence in fit.consensus.values()], abs=1e-6
    )


def test_beliefs_follow_the_formula_of_the_model():
    answers = encode(canonical(mixed_crowd("abc", tasks=6, workers=5, overlap=3)[0]))
    dice = np.random.default_rng(0)
    trust = dice.uniform(0.1, 0.9, answers.workers)
    workers = Workers(trust, 1 - trust, dice.dirichlet([1, 1, 1], answers.workers))

    beliefs, known = module._believe(answers, workers)

    expected = np.array([plainly_believed(answers, workers, task) for task in range(answers.tasks)])
    assert beliefs == pytest.approx(expected)
    for place, (worker, label) in enumerate(zip(answers.worker, answers.label, strict=True)):
        by_knowing = trust[worker]
        by_habit = (1 - trust[worker]) * workers.habit[worker, label]
        share = by_knowing / (by_knowing + by_habit)
        assert known[place] == pytest.approx(beliefs[answers.task[place], label] * share)


def plainly_believed(answers: Answers, workers: Workers, task: int) -> list[float]:
    weights = np.ones(answers.classes)
    for place in np.flatnonzero(answers.task == task):
        worker, label = answers.worker[place], answers.label[place]
        for truth in range(answers.classes):
            known = workers.knows[worker] * (label == truth)
            weights[truth] *= known + workers.clicks[worker] * workers.habit[worker, label]
    return list(weights / weights.sum())


def test_workers_whom_nobody_can_confirm_start_from_one_half():
    alone = [Label(50, 9, "a")]

    first = module._first_impression(encode(canonical([*honest_workers(), *alone])))

    assert first.knows[-1] == 0.5
    assert (first.knows[:-1] > 0.7).all()
    assert (first.habit == 0.5).all()
