from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.aggregation.calibration import (
    calibration_error,
    closed_at,
    fit_exponent,
    overconfidence,
    reliability,
    tempered,
)


def overconfident_crowd(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors claiming 95 %, of which 75 % are right."""
    right = np.random.default_rng(seed).random(count) < 0.75
    return np.tile([0.95, 0.05], (count, 1)), np.where(right, 0, 1)


def test_without_gold_nothing_is_changed():
    posteriors = np.array([[0.9, 0.1], [0.3, 0.7]])

    exponent = fit_exponent(posteriors[:0], np.array([], int))

    assert exponent == 1
    assert tempered(posteriors, exponent) == pytest.approx(posteriors)


def test_fifty_gold_tasks_bring_an_overconfident_crowd_down_to_earth():
    posteriors, truth = overconfident_crowd(5_000)

    exponent = fit_exponent(posteriors[:50], truth[:50])

    calibrated = tempered(posteriors, exponent).max(axis=1)
    right = (truth == 0).astype(float)
    assert calibration_error(posteriors.max(axis=1), right) == pytest.approx(0.2, abs=0.02)
    assert calibration_error(calibrated, right) < 0.08


def test_a_single_gold_task_hardly_moves_the_exponent():
    posteriors = np.array([[0.99, 0.01]])

    wrong, right = (fit_exponent(posteriors, np.array([label])) for label in (1, 0))

    assert 0.3 < wrong < 1 <= right < 1.2


def test_honest_posteriors_stay_what_they_are():
    random = np.random.default_rng(1)
    confidence = random.uniform(0.5, 1, 2_000)
    truth = (random.random(2_000) > confidence).astype(int)

    exponent = fit_exponent(np.stack([confidence, 1 - confidence], axis=1), truth)

    assert exponent == pytest.approx(1, abs=0.12)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5), st.floats(0.05, 2))
def test_tempering_keeps_the_order_of_classes_and_sums_to_one(weights, exponent):
    posterior = np.array([weights]) / sum(weights)

    found = tempered(posterior, exponent)

    assert found.sum() == pytest.approx(1)
    order = np.argsort(posterior[0], kind="stable")
    assert (np.diff(found[0][order]) >= -1e-12).all()


def test_the_error_is_the_gap_between_confidence_and_accuracy_bin_by_bin():
    confidences = np.array([0.95, 0.95, 0.65, 0.65])
    right = np.array([1.0, 0.0, 1.0, 0.0])

    assert calibration_error(confidences, right) == pytest.approx((0.45 + 0.15) / 2)
    assert overconfidence(confidences, right) == pytest.approx(0.3)


def test_nothing_to_score_is_no_error():
    nothing = np.array([])

    assert calibration_error(nothing, nothing) == 0
    assert overconfidence(nothing, nothing) == 0


def test_the_reliability_diagram_has_a_bin_with_its_interval_for_each_confidence_in_use():
    bins = reliability(np.array([0.55, 0.95, 1.0, 0.97]), np.array([0.0, 1.0, 1.0, 0.0]))

    assert [(found.low, found.high) for found in bins] == [(0.5, 0.6), (0.9, 1.0)]
    assert bins[1].confidence == pytest.approx((0.95 + 1.0 + 0.97) / 3)
    assert bins[1].accuracy.answers == 3
    assert bins[1].accuracy.low < 2 / 3 < bins[1].accuracy.high


def test_closed_at_a_level_is_said_with_the_golds_own_error_bars():
    closed = closed_at(
        0.95,
        np.array([0.99, 0.96, 0.5, 0.97]),
        gold=[0, 2, 3],
        gold_right=[True, False, True],
    )

    assert closed.share == 0.75
    assert closed.accuracy.answers == 2
    assert closed.accuracy.high == 1.0
    assert closed.accuracy.low < 0.6


def test_without_closed_gold_any_accuracy_is_possible():
    closed = closed_at(0.95, np.array([0.5]), gold=[0], gold_right=[True])

    assert (closed.accuracy.low, closed.accuracy.high) == (0.0, 1.0)
