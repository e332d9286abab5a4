from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tasks.aggregation.adaptive import Policy
from tasks.aggregation.online import Answers
from tasks.aggregation.replay import replay_fixed
from tasks.forecasting.forecast import forecast
from tasks.forecasting.plan import Assumptions, Fixed, Pilot
from tasks.forecasting.simulate import bought
from tests.tasks.aggregation.crowds import crowd
from tests.tasks.forecasting.pilots import FEW, THREE, job, pilot, steady, with_gold


def adaptive_pilot(**options):
    recording = crowd(**{"tasks": 50, "overlap": 5, "seed": 1, **options})
    answers = bought(recording, FEW, {})
    return Pilot(recording=with_gold(recording._replace(answers=answers), 0), policy=FEW)


def test_a_fixed_overlap_has_a_certain_cost():
    found = forecast(pilot(), job(gold_rate=0.2, price_minor=10))

    assert found.answers_per_task == (3, 3, 3)
    # 50 tasks are bought; 200 are to come, and a fifth of what is paid then goes to gold.
    assert found.cost_minor == pytest.approx([10 * (150 + 200 * 3 / 0.8)] * 3)


def test_the_same_seed_gives_the_same_forecast():
    source = pilot()

    assert forecast(source, job(), seed=3) == forecast(source, job(), seed=3)
    assert forecast(source, job(), seed=3) != forecast(source, job(), seed=4)


def test_the_ids_of_workers_do_not_matter():
    source = replace(pilot(), seconds=np.linspace(5, 50, 150))
    answers = source.recording.answers
    renamed = Answers(answers.tasks, 20 - answers.workers, answers.labels)
    other = replace(source, recording=source.recording._replace(answers=renamed, workers=21))

    assert forecast(other, job()) == forecast(source, job())


def test_a_pilot_that_is_the_whole_job_leaves_nothing_to_forecast():
    with pytest.raises(ValueError, match="nothing left"):
        forecast(pilot(), job(tasks=50))


def test_an_adaptive_cost_lies_where_the_pilots_did():
    source = adaptive_pilot()

    found = forecast(source, job(FEW, tasks=350))

    took = len(source.recording.answers.tasks) / 50
    assert FEW.minimum <= found.answers_per_task.low < found.answers_per_task.high <= FEW.maximum
    assert found.answers_per_task.mid == pytest.approx(took, rel=0.35)
    paid = 10 * (len(source.recording.answers.tasks) + 300 * np.array(found.answers_per_task))
    assert found.cost_minor == pytest.approx(paid)


def test_a_budget_caps_the_cost():
    source = adaptive_pilot()
    budget = len(source.recording.answers.tasks) + 300

    found = forecast(source, job(replace(FEW, budget=budget), tasks=200))

    assert found.cost_minor.high <= 10 * budget + 1e-6
    assert found.answers_per_task.high <= 2


def test_a_spent_budget_buys_nothing_more():
    source = adaptive_pilot()
    budget = len(source.recording.answers.tasks)

    found = forecast(source, job(replace(FEW, budget=budget), tasks=2000))

    assert found.answers_per_task == (0, 0, 0)
    assert found.cost_minor == pytest.approx([10 * budget] * 3)


def test_a_pilot_under_another_policy_says_so_and_foretells_less():
    source = adaptive_pilot()

    same = forecast(source, job(FEW))
    other = forecast(replace(source, policy=None), job(FEW))

    assert any("another policy" in said for said in other.assumptions)
    assert not any("another policy" in said for said in same.assumptions)
    assert np.log(other.answers_per_task.high / other.answers_per_task.low) > np.log(
        same.answers_per_task.high / same.answers_per_task.low
    )


def test_gold_narrows_the_accuracy():
    blind = forecast(pilot(gold=0, tasks=80), job(tasks=1000))
    told = forecast(pilot(gold=50, tasks=80), job(tasks=1000))

    assert told.accuracy.width < 0.7 * blind.accuracy.width
    assert any("no gold" in said for said in blind.assumptions)


def test_accuracy_intervals_hold_on_crowds_that_are_as_the_model_takes_them():
    held = 0
    for seed in range(20):
        batch = crowd(tasks=300, overlap=3, seed=seed)
        first = np.flatnonzero(batch.answers.tasks < 60)
        answers = Answers(*(column[first] for column in batch.answers))
        part = batch._replace(answers=answers, truth=batch.truth[:60])
        found = forecast(Pilot(recording=with_gold(part, 40), policy=THREE), job(tasks=300))
        actual = replay_fixed(
            batch._replace(truth=np.where(np.arange(300) < 60, -1, batch.truth)), 3
        )
        held += found.accuracy.holds(actual.accuracy)

    assert held >= 13


def test_times_give_hours_and_a_wage():
    source = replace(pilot(), seconds=np.full(150, 36.0), arrived=steady(150, 12.0))

    found = forecast(source, job(reward_minor=8))

    assert found.hours.mid == pytest.approx(600 * 12 / 3600, rel=0.01)
    assert found.hourly_wage_minor.mid == pytest.approx(800)


def test_workers_per_hour_stand_in_for_times_of_arrival():
    source = replace(pilot(), seconds=np.full(150, 36.0))

    assert forecast(source, job()).hours is None
    assert forecast(source, job(workers_per_hour=3)).hours.mid == pytest.approx(2.0)


def test_without_times_there_are_no_hours_and_no_wage():
    found = forecast(pilot(), job(workers_per_hour=3))

    assert found.hours is None
    assert found.hourly_wage_minor is None


def test_assumptions_alone_give_a_forecast_and_are_spelt_out():
    assumed = Assumptions(accuracy=(0.6, 0.9), classes=3, seconds=(18.0, 72.0))

    found = forecast(assumed, job(FEW, tasks=100, gold_rate=0.1, workers_per_hour=10))

    assert found.answers_per_task.high > 1.4 * found.answers_per_task.low
    assert 0.2 < found.accuracy.width < 0.7
    assert found.hourly_wage_minor.mid == pytest.approx(1000)
    assert found.hours.mid > 0
    assert any("60% to 90%" in said for said in found.assumptions)
    assert any("10% of the answers" in said for said in found.assumptions)
    json.dumps(found.as_json())


def test_better_workers_promise_better_labels():
    weak = forecast(Assumptions(accuracy=(0.55, 0.65)), job(tasks=200))
    strong = forecast(Assumptions(accuracy=(0.9, 0.95)), job(tasks=200))

    assert strong.accuracy.mid > weak.accuracy.mid + 0.1
    assert strong.closed.mid > weak.closed.mid


def test_assumptions_without_seconds_foretell_no_time():
    found = forecast(Assumptions(accuracy=(0.7, 0.8)), job(Fixed(overlap=2), tasks=50))

    assert found.hours is None
    assert found.hourly_wage_minor is None
    assert found.cost_minor == (1000, 1000, 1000)


def test_a_small_pilot_of_one_label_still_gives_a_forecast():
    recording = crowd(tasks=3, overlap=2, skills=(1.0, 1.0))
    same = recording._replace(
        answers=recording.answers._replace(labels=np.zeros(6, np.int64)), truth=np.full(3, -1)
    )

    found = forecast(Pilot(recording=same, policy=Policy()), job(Policy(), tasks=4))

    assert 0 <= found.accuracy.low <= found.accuracy.high <= 1


def test_forecasting_is_pure():
    modules = "tasks.forecasting.forecast, tasks.forecasting.record"
    code = f"import sys, {modules}; print('django' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
