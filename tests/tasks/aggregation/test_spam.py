from __future__ import annotations

import numpy as np
import pytest

from tasks.aggregation.online import Answers
from tasks.aggregation.replay import Recording
from tasks.aggregation.spam import CHECK, Suspicion, population, suspicion
from tests.tasks.aggregation.crowds import answers, crowd, model

HONEST = (0.9, 0.85, 0.8, 0.75, 0.7, 0.65) * 4
CLICKER, PUSHER = len(HONEST), len(HONEST) + 1


def with_spammers(classes: int = 3) -> Recording:
    """Honest workers of all skills, one random clicker and one who always gives label 0."""
    recording = crowd(tasks=400, skills=(*HONEST, 0.5, 0.5), overlap=6, classes=classes)
    labels = recording.answers.labels.copy()
    clicked = recording.answers.workers == CLICKER
    labels[clicked] = np.random.default_rng(5).integers(0, classes, clicked.sum())
    labels[recording.answers.workers == PUSHER] = 0
    return recording._replace(answers=recording.answers._replace(labels=labels))


def scores(recording: Recording) -> Suspicion:
    beliefs = model(recording).refit().without_own_answer()
    return suspicion(recording.answers, beliefs, recording.workers)


def test_a_random_clicker_stands_out_and_no_honest_worker_does():
    found = scores(with_spammers())

    assert found.random.argmax() == CLICKER
    assert found.spam[CLICKER] > 0.99
    assert (found.spam[: len(HONEST)] < CHECK).all()


def test_a_one_button_worker_stands_out_by_habit():
    found = scores(with_spammers())

    assert found.habit.argmax() == PUSHER
    assert found.habit[PUSHER] > 10
    assert found.spam[PUSHER] > 0.99


def test_one_button_is_told_from_honest_work_where_one_label_is_common():
    # Nine tasks of ten are of class 0, so the button is right nine times of ten.
    truth = np.array([0] * 180 + [1] * 20)
    rows = [(task, worker, int(truth[task])) for task in range(200) for worker in range(4)]
    rows += [(task, 4, 0) for task in range(200)]
    recording = Recording(answers(*rows), truth, 5, 2)

    found = scores(recording)

    assert found.spam[4] > CHECK > found.spam[:4].max()


def test_reliability_orders_workers_by_their_share_of_right_answers():
    found = scores(with_spammers())

    assert np.corrcoef(found.reliability[: len(HONEST)], HONEST)[0, 1] > 0.8
    assert found.reliability[CLICKER] == pytest.approx(1 / 3, abs=0.1)


def test_a_worker_without_answers_is_not_suspected():
    recording = with_spammers()
    found = scores(recording._replace(workers=recording.workers + 1))

    assert found.random[-1] == pytest.approx(0)
    assert found.habit[-1] == pytest.approx(0)
    assert found.spam[-1] == pytest.approx(0.1)


def test_a_worker_is_scored_against_a_crowd_learned_before():
    recording = with_spammers()
    beliefs = model(recording).refit().without_own_answer()
    crowd_before = population(recording.answers, beliefs, recording.workers)
    theirs = np.flatnonzero(recording.answers.workers == PUSHER)[:10]
    few = Answers(*(column[theirs] for column in recording.answers))

    found = suspicion(few, beliefs[theirs], recording.workers, crowd_before)

    assert found.spam[PUSHER] > CHECK
    assert crowd_before.weights.sum() == pytest.approx(1)


def test_the_order_of_answers_does_not_matter():
    recording = with_spammers()
    order = np.random.default_rng(2).permutation(len(recording.answers.tasks))
    shuffled = recording._replace(answers=Answers(*(column[order] for column in recording.answers)))

    assert scores(shuffled).spam == pytest.approx(scores(recording).spam, abs=1e-6)
