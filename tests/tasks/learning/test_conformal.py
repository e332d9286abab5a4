from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from tasks.learning.conformal import (
    GRID,
    audit_sample,
    binomial_cumulative,
    least_audits,
    threshold,
    upper_bound,
)

KEY = b"a batch's own key"


def audits(count, seed, wrong_at):
    """Scores from 0.5 to 1, wrong with the probability ``wrong_at(score)``."""
    random = np.random.default_rng(seed)
    scores = random.uniform(0.5, 1, count)
    return scores.tolist(), (random.random(count) >= wrong_at(scores)).tolist()


def true_error(score, wrong_at):
    above = np.linspace(score, 1, 2_001)
    return float(np.mean(wrong_at(above)))


def test_forty_five_right_audits_prove_five_percent_and_forty_four_do_not():
    assert least_audits(0.05, 0.9) == 45
    assert threshold([0.9999] * 45, [True] * 45, error=0.05, grid=[0.9]).score == 0.9
    assert threshold([0.9999] * 44, [True] * 44, error=0.05, grid=[0.9]).score is None


def test_the_lowest_score_that_is_proven_is_chosen():
    scores = [0.95] * 50 + [0.85] * 50 + [0.75] * 50
    right = [True] * 100 + [False] * 50

    found = threshold(scores, right, error=0.05, grid=[0.9, 0.8, 0.7])

    assert (found.score, found.judged, found.errors) == (0.8, 100, 0)
    assert found.accepted_share == pytest.approx(2 / 3)
    assert found.bound == pytest.approx(1 - 0.1 ** (1 / 100))
    assert found.why == (
        "At 0.8 and above 0 of 100 audited predictions were wrong: "
        "an error rate below 5.0% with 90% confidence."
    )


def test_what_comes_after_the_first_failure_is_not_looked_at():
    scores = [0.95] * 50 + [0.85] * 500
    right = [True] * 40 + [False] * 10 + [True] * 500

    found = threshold(scores, right, error=0.05, grid=[0.9, 0.8])

    assert found.score is None
    assert found.bound == 1
    assert found.why == "At 0.9 and above 10 of 50 audited predictions were wrong: too many."
    # The second alone would have passed: the order of the tests is what keeps the promise.
    assert threshold(scores, right, error=0.05, grid=[0.8]).score == 0.8


def test_a_score_with_too_few_audits_to_prove_anything_is_passed_over():
    found = threshold([0.999] + [0.95] * 60, [False] + [True] * 60, error=0.1, grid=[0.99, 0.9])

    assert found.score == 0.9
    assert found.errors == 1


def test_without_audits_nothing_is_accepted_and_how_many_are_needed_is_said():
    found = threshold([], [], error=0.02, confidence=0.95)

    assert found.score is None
    assert found.accepted_share == 0
    assert found.why == "An error rate below 2.0% takes 149 audits at least, of 0."


@pytest.mark.parametrize(
    "wrong_at",
    [lambda s: 0.5 * (1 - s), lambda s: np.full_like(s, 0.0501), lambda s: 0.2 - 0.16 * (s > 0.8)],
    ids=["ever more wrong", "just not good enough anywhere", "a cliff"],
)
def test_the_error_rate_is_kept_in_nine_of_ten_audits(wrong_at):
    runs, broken, accepted = 400, 0, 0
    for seed in range(runs):
        found = threshold(*audits(400, seed, wrong_at), error=0.05)
        accepted += found.score is not None
        broken += found.score is not None and true_error(max(found.score, 0.5), wrong_at) > 0.05

    # 40 are allowed on average; 56 are two and a half standard deviations more.
    assert broken <= 56


def test_a_good_model_is_let_through():
    scores, right = audits(1_000, 3, lambda s: 0.4 * (1 - s))

    found = threshold(scores, right, error=0.1)

    assert found.score is not None
    assert found.score <= 0.65
    assert found.accepted_share > 0.7


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=80), st.floats(0.02, 0.4))
def test_a_threshold_keeps_its_own_bound_and_ignores_the_order_of_audits(given_audits, error):
    scores = [score for score, _ in given_audits]
    right = [was for _, was in given_audits]

    found = threshold(scores, right, error=error)

    assert threshold(scores[::-1], right[::-1], error=error) == found
    if found.score is not None:
        assert found.score in GRID
        assert found.bound <= error + 1e-9
        assert found.judged == sum(score >= found.score for score in scores)
        assert found.errors / found.judged <= found.bound


def test_scores_and_outcomes_must_be_as_many():
    with pytest.raises(ValueError, match="zip"):
        threshold([0.5], [], error=0.1)


@pytest.mark.parametrize(("error", "confidence"), [(0, 0.9), (1, 0.9), (0.1, 0), (0.1, 1)])
def test_certainty_cannot_be_promised(error, confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        threshold([], [], error=error, confidence=confidence)


@given(st.integers(0, 300), st.integers(1, 300), st.floats(0.001, 0.999))
def test_the_binomial_distribution_is_scipys(successes, trials, probability):
    expected = binom.cdf(successes, trials, probability)

    assert binomial_cumulative(successes, trials, probability) == pytest.approx(expected, abs=1e-9)


def test_the_binomial_distribution_by_hand():
    by_hand = sum(comb(10, k) * 0.3**k * 0.7 ** (10 - k) for k in range(3))

    assert binomial_cumulative(2, 10, 0.3) == pytest.approx(by_hand)


@given(st.integers(0, 100), st.integers(0, 200), st.floats(0.5, 0.999))
def test_the_upper_bound_is_clopper_and_pearsons(errors, right, confidence):
    judged = errors + right

    expected = beta.ppf(confidence, errors + 1, right) if right else 1.0

    assert upper_bound(errors, judged, confidence) == pytest.approx(expected, abs=1e-9)


def test_about_the_share_asked_for_is_audited():
    assert 400 < len(audit_sample(range(10_000), 0.05, KEY)) < 600


def test_the_audit_draws_anew_for_every_key_and_the_same_for_one():
    first, again, other = (audit_sample(range(2_000), 0.1, key) for key in (KEY, KEY, b"other"))

    assert first == again
    assert len(first & other) < 60


@given(st.sets(st.integers(0, 2**63)), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_audits_all_that_a_smaller_one_does_and_more(tasks, one, two):
    small, large = sorted([one, two])

    assert audit_sample(tasks, small, KEY) <= audit_sample(tasks, large, KEY) <= tasks


def test_nothing_and_everything_can_be_audited():
    assert audit_sample(range(100), 0, KEY) == set()
    assert audit_sample(range(100), 1, KEY) == set(range(100))


@pytest.mark.parametrize(("share", "key"), [(-0.1, KEY), (1.1, KEY), (0.5, b"")])
def test_an_audit_needs_a_share_and_a_key(share, key):
    with pytest.raises(ValueError, match="share"):
        audit_sample([1], share, key)
