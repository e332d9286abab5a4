from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.learning.monitor import interval, monitor


def stream(rate, count, seed):
    return (np.random.default_rng(seed).random(count) >= rate).tolist()


def test_nothing_audited_is_nothing_known():
    assert monitor([], error=0.05) == ("unknown", 0, 0, 0.0, 1.0, None)


def test_all_wrong_is_broken_after_a_few_audits():
    found = monitor([False] * 10, error=0.1)

    assert found.state == "broken"
    assert found.broken_at is not None
    assert found.broken_at <= 3


def test_capital_by_hand():
    # Half of it enters, a quarter each on rates of 45, 60, 90 and 95 % (the most there is)
    # against 30 %; the other half waits: ½ + ½ · (1.5 + 2 + 3 + 19/6) / 4.
    capital = 0.5 + 0.5 * (1.5 + 2 + 3 + 0.95 / 0.3) / 4

    assert monitor([False], error=0.3, confidence=1 - 1 / (capital - 1e-9)).state == "broken"
    assert monitor([False], error=0.3, confidence=1 - 1 / (capital + 1e-9)).state == "unknown"


def test_many_right_audits_say_that_the_bound_holds():
    assert monitor([True] * 20, error=0.05).state == "unknown"
    assert monitor([True] * 120, error=0.05).state == "holds"


def test_broken_stays_broken_whatever_follows():
    wrong = [False] * 10

    assert monitor(wrong + [True] * 5_000, error=0.1) == (
        "broken",
        5_010,
        10,
        *interval(10, 5_010),
        monitor(wrong, error=0.1).broken_at,
    )


@pytest.mark.parametrize("rate", [0.02, 0.05], ids=["below the bound", "at the bound"])
def test_a_bound_that_holds_is_seldom_called_broken_however_often_one_looks(rate):
    broken = sum(
        monitor(stream(rate, 1_000, seed), error=0.05).state == "broken" for seed in range(300)
    )

    assert broken <= 30 + 13  # a tenth is allowed; two and a half standard deviations more


def test_a_bound_that_never_holds_is_seldom_called_holding():
    holding = sum(
        monitor(stream(0.05, count, seed), error=0.05).state == "holds"
        for seed in range(100)
        for count in (50, 200, 800)
    )

    assert holding <= 30 + 13


def test_a_model_twice_as_wrong_as_promised_is_found_out():
    found = [monitor(stream(0.1, 1_000, seed), error=0.05) for seed in range(100)]

    assert sum(verdict.state == "broken" for verdict in found) >= 95


def test_a_late_drift_is_found_although_all_went_well_for_long():
    found = [
        monitor(stream(0.01, 1_000, seed) + stream(0.3, 150, seed + 500), error=0.05)
        for seed in range(100)
    ]

    after = [
        verdict.broken_at for verdict in found if verdict.broken_at and verdict.broken_at > 1_000
    ]
    assert len(after) >= 95
    assert np.median(after) < 1_060


def test_a_good_model_is_confirmed_in_the_end():
    found = [monitor(stream(0.01, 1_000, seed), error=0.05).state for seed in range(50)]

    assert found.count("holds") >= 48


def test_what_is_held_against_a_bound_is_forgiven_when_it_was_chance():
    assert monitor([False] + [True] * 300, error=0.05).state == "holds"


@given(st.lists(st.booleans(), max_size=60), st.floats(0.01, 0.99), st.floats(0.5, 0.99))
def test_more_audits_never_repair_what_is_broken(audited, error, confidence):
    states = [
        monitor(audited[:count], error=error, confidence=confidence).state
        for count in range(len(audited) + 1)
    ]

    assert states == sorted(states, key=lambda state: state == "broken")


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.5, 0.99))
def test_the_interval_holds_the_share_of_errors_and_grows_with_confidence(
    errors, right, confidence
):
    judged = errors + right

    low, high = interval(errors, judged, confidence)
    lower, higher = interval(errors, judged, (1 + confidence) / 2)

    assert 0 <= lower <= low + 1e-12
    assert high - 1e-12 <= higher <= 1
    if judged:
        assert low - 1e-12 <= errors / judged <= high + 1e-12


def test_intervals_of_all_moments_hold_a_constant_rate_together():
    missed = 0
    for seed in range(200):
        wrong = np.cumsum([not right for right in stream(0.1, 200, seed)])
        bounds = [interval(int(wrong[n - 1]), n) for n in range(1, 201, 3)]
        missed += any(not low <= 0.1 <= high for low, high in bounds)

    assert missed <= 20 + 11


@pytest.mark.parametrize(("error", "confidence"), [(0, 0.9), (1, 0.9), (0.1, 0), (0.1, 1)])
def test_certainty_cannot_be_watched(error, confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        monitor([], error=error, confidence=confidence)
