from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.forecasting import accuracy
from tasks.forecasting.accuracy import (
    Trust,
    accuracy_draws,
    counted,
    drifted,
    expit,
    logit,
    right_shares,
    trust,
)

NOTHING = np.zeros(0)


def rng():
    return np.random.default_rng(0)


def test_trust_turns_log_odds_by_hand():
    believed = Trust(np.array([[0.0], [np.log(2)]]), np.array([[1.0], [0.0]]))

    found = believed.accuracy(np.array([0.6, 0.8]))

    assert found == pytest.approx([0.7, 2 / 3])


def test_weights_are_by_draw_and_task():
    believed = Trust(np.zeros((2, 1)), np.ones((2, 1)))

    found = believed.accuracy(np.array([0.6, 0.8]), np.array([[1, 0], [0.25, 0.75]]))

    assert found == pytest.approx([0.6, 0.75])


def test_without_gold_the_prior_speaks():
    believed = trust(NOTHING, NOTHING, rng())

    assert believed.intercepts.mean() == pytest.approx(accuracy.INTERCEPT[0], abs=0.08)
    assert believed.intercepts.std() == pytest.approx(accuracy.INTERCEPT[1], abs=0.08)
    assert believed.slopes.mean() == pytest.approx(accuracy.SLOPE[0], abs=0.04)


def test_the_posterior_agrees_with_weighted_draws_of_the_prior():
    confidences = np.array([0.95, 0.9, 0.9, 0.7, 0.6, 0.99, 0.8])
    right = np.array([1, 1, 0, 0.5, 1, 1, 0])
    random = np.random.default_rng(1)
    a = random.normal(*accuracy.INTERCEPT, 200_000)[:, None]
    b = random.normal(*accuracy.SLOPE, 200_000)[:, None]
    chance = expit(a + b * logit(confidences))
    weight = (chance**right * (1 - chance) ** (1 - right)).prod(axis=1) * (b[:, 0] >= 0)
    expected = np.average(expit(a + b * logit(np.array([0.9]))).ravel(), weights=weight)

    draws = [trust(confidences, right, np.random.default_rng(seed)) for seed in range(20)]

    found = np.mean([one.accuracy(np.array([0.9])).mean() for one in draws])
    assert found == pytest.approx(expected, abs=0.01)


@given(st.integers(0, 40))
@settings(max_examples=20, deadline=None)
def test_another_gold_task_right_never_lowers_the_forecast_much(right):
    confidences = np.full(41, 0.9)

    fewer = trust(confidences, (np.arange(41) < right).astype(float), rng())
    more = trust(confidences, (np.arange(41) < right + 1).astype(float), rng())

    at = np.array([0.9])
    assert more.accuracy(at).mean() >= fewer.accuracy(at).mean() - 0.01


def test_gold_narrows_the_forecast():
    pilot = np.full(60, 0.9)
    blind = trust(NOTHING, NOTHING, rng())
    told = trust(np.full(40, 0.9), (np.arange(40) < 32).astype(float), rng())

    wide = accuracy_draws(blind, pilot, pilot, pilot, rng())
    narrow = accuracy_draws(told, pilot, pilot, pilot, rng())

    assert narrow.std() < wide.std() / 1.5
    assert narrow.mean() == pytest.approx(0.8, abs=0.03)


def test_what_simulated_tasks_learn_is_added():
    surely = Trust(np.zeros((400, 1)), np.ones((400, 1)))
    pilot, before, after = np.full(50, 0.7), np.full(50, 0.8), np.full(300, 0.9)

    found = accuracy_draws(surely, pilot, before, after, rng())

    assert np.median(found) == pytest.approx(0.8, abs=0.01)


def test_without_a_pilot_the_simulated_tasks_have_to_do():
    surely = Trust(np.zeros((400, 1)), np.ones((400, 1)))

    found = accuracy_draws(surely, NOTHING, NOTHING, np.full(300, 0.9), rng())

    assert np.median(found) == pytest.approx(0.9, abs=0.01)


def test_shares_of_few_tasks_scatter_more():
    chance = np.full(2000, 0.8)

    few, many = counted(chance, 10, rng()), counted(chance, 1000, rng())

    assert few.std() == pytest.approx(np.sqrt(0.8 * 0.2 / 10), rel=0.1)
    assert many.std() == pytest.approx(np.sqrt(0.8 * 0.2 / 1000), rel=0.1)


def test_drift_moves_log_odds_and_stays_a_share():
    found = drifted(np.full(2000, 0.8), 0.3, rng())

    assert logit(found, 0.9999).std() == pytest.approx(0.3, rel=0.1)
    assert drifted(np.array([0.0, 1.0]), 0.3, rng()) == pytest.approx([0, 1], abs=0.01)


def test_a_tie_is_right_by_its_share():
    evidence = np.array([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])

    assert right_shares(evidence, np.array([0, 0, 0])).tolist() == [0.5, 1, 0]
