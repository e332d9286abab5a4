from __future__ import annotations

import numpy as np
import pytest

from tasks.aggregation.adaptive import Policy
from tasks.forecasting import simulate
from tasks.forecasting.plan import Assumptions, Fixed
from tasks.forecasting.simulate import Crowd
from tests.tasks.aggregation.crowds import crowd
from tests.tasks.forecasting.pilots import FEW, job, pilot

EVEN = np.full(2, 0.5)
PERFECT = Crowd(np.tile(np.eye(2), (8, 1, 1)), np.ones(8), EVEN, EVEN, 0.0, 0.0)


def rng():
    return np.random.default_rng(0)


def test_each_task_is_answered_by_different_workers_first_answers_first():
    found = simulate.answered(PERFECT, 30, 3, rng()).answers

    assert found.tasks.tolist() == [*range(30)] * 3
    pairs = set(zip(found.tasks.tolist(), found.workers.tolist(), strict=True))
    assert len(pairs) == 90


def test_a_crowd_smaller_than_the_overlap_answers_as_a_whole():
    found = simulate.answered(PERFECT, 5, 20, rng())

    assert np.bincount(found.answers.tasks).tolist() == [8] * 5


def test_perfect_workers_give_the_truth():
    found = simulate.answered(PERFECT, 50, 3, rng())

    assert (found.answers.labels == found.truth[found.answers.tasks]).all()


def test_a_misleading_task_has_the_crowd_agree_on_another_class():
    misled = PERFECT._replace(misleading=0.3)

    found = simulate.answered(misled, 2000, 2, rng())

    wrong = found.answers.labels != found.truth[found.answers.tasks]
    assert wrong.mean() == pytest.approx(0.3, abs=0.03)
    assert (wrong[:2000] == wrong[2000:]).all()


def test_on_an_unsound_task_labels_come_in_their_usual_mix():
    unsound = PERFECT._replace(unsound=1.0, mix=np.array([0.8, 0.2]))

    found = simulate.answered(unsound, 2000, 2, rng())

    assert found.answers.labels.mean() == pytest.approx(0.2, abs=0.03)
    assert np.corrcoef(found.answers.labels[:2000], found.truth)[0, 1] == pytest.approx(0, abs=0.1)


def test_busy_workers_answer_more():
    busy = PERFECT._replace(activity=np.array([7.0] + [1.0] * 7))

    found = simulate.answered(busy, 2000, 1, rng()).answers

    assert np.bincount(found.workers)[0] / 2000 == pytest.approx(0.5, abs=0.04)


def test_a_crowd_is_drawn_from_the_workers_of_the_pilot():
    source = pilot(tasks=200, overlap=5, skills=(0.95,) * 10)

    found = simulate.crowd_like(source, simulate.fitted(source.recording), rng())

    assert len(found.confusions) == 15
    assert found.confusions.sum(axis=2) == pytest.approx(1)
    rights = found.confusions[:, [0, 1], [0, 1]].mean()
    assert rights == pytest.approx(0.95, abs=0.04)
    assert found.misleading < 0.05


def test_gold_that_contradicts_the_crowd_makes_tasks_misleading():
    source = pilot(tasks=60, overlap=5, skills=(0.95,) * 10, gold=40)
    source.recording.truth[:20] = 1 - source.recording.truth[:20]

    found = simulate.crowd_like(source, simulate.fitted(source.recording), rng())

    assert found.misleading == pytest.approx(0.5, abs=0.07)


def test_an_assumed_crowd_is_as_good_as_assumed():
    assumed = Assumptions(accuracy=(0.7, 0.9), classes=3, answers_per_worker=5)

    means = [
        simulate.assumed_crowd(assumed, 200, np.random.default_rng(seed)).confusions[:, 0, 0].mean()
        for seed in range(300)
    ]

    assert np.quantile(means, [0.1, 0.9]) == pytest.approx([0.7, 0.9], abs=0.03)


def test_a_fixed_overlap_is_bought_and_the_rest_left():
    batch = crowd(tasks=60, overlap=5)

    found = simulate.run(job(Fixed(overlap=2)), batch, pilot=20)

    assert found.pilot_answers == 2
    assert found.answers == 2
    assert len(found.pilot_evidence) == 20
    assert len(found.evidence) == 40


def test_without_a_pilot_its_figures_are_empty():
    found = simulate.run(job(Policy()), crowd(tasks=60, overlap=5))

    assert np.isnan(found.pilot_answers)
    assert found.pilot_evidence.shape == (0, 2)
    assert len(found.evidence) == 60


def test_a_budget_is_shared_by_what_is_simulated():
    batch = crowd(tasks=100, overlap=5)

    found = simulate.run(job(Policy(budget=2500), tasks=1000), batch, pilot=20)

    assert found.answers <= 250 / 80


def test_no_more_is_simulated_than_the_job_has():
    runs = simulate.simulated(job(FEW, tasks=70), pilot(), rng())

    assert len(runs) == simulate.FULL.runs
    assert {len(run.evidence) for run in runs} == {20}
