from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.money import fee_on
from tasks.wages.floor import (
    effort_pay,
    floor_pay,
    implied_estimate,
    job_topup,
    least_reward,
    return_pay,
    worker_topup,
)
from tasks.wages.time import Worked, payable_seconds, payable_total

PER_HOUR = 1500

seconds = st.integers(0, 4000)
floors = st.integers(1, 100_000)
rewards = st.integers(1, 10_000)


def test_a_started_unit_is_paid_whole():
    assert floor_pay(3600, 10) == 10
    assert floor_pay(3601, 10) == 11
    assert floor_pay(3600, 0) == 0


def test_the_least_reward_pays_the_floor_for_the_reference():
    assert least_reward(PER_HOUR, 290) == 121  # 120.83


def test_a_reward_below_it_is_topped_up_for_every_answer():
    assert job_topup(100, PER_HOUR, 290) == 21
    assert job_topup(125, PER_HOUR, 290) == 0


def test_a_worker_who_took_longer_is_topped_up_once_for_all_answers():
    payable = sum(payable_seconds(t, 1.0, 290, 3600) for t in (900, 700, 400))

    assert worker_topup(PER_HOUR, payable, paid=3 * 125) == 446  # 1970 s: 820.83


def test_a_worker_above_the_floor_keeps_what_they_have():
    assert worker_topup(PER_HOUR, 1970, paid=900) == 0


def test_effort_is_paid_by_time_up_to_the_reference():
    assert effort_pay(125, PER_HOUR, 240, 290) == 100
    assert effort_pay(125, PER_HOUR, 900, 290) == 121


def test_effort_pays_no_more_than_the_reward():
    assert effort_pay(90, PER_HOUR, 240, 290) == 90


def test_a_returned_task_pays_its_time_up_to_half_the_reward():
    assert return_pay(125, PER_HOUR, 60) == 25
    assert return_pay(125, PER_HOUR, 900) == 63
    assert return_pay(125, PER_HOUR, 0) == 0


@pytest.mark.parametrize(("reward", "fee"), [(1, 0), (3, 1), (125, 25)])
def test_the_fee_of_20_percent_is_rounded_half_up(reward, fee):
    assert fee_on(reward, 2000) == fee


def test_a_reward_implies_the_longest_time_it_pays_the_floor_for():
    assert implied_estimate(121, PER_HOUR) == 290
    assert implied_estimate(120, PER_HOUR) == 288
    assert implied_estimate(1, 100_000) == 1


@given(rewards, floors)
def test_a_reward_pays_the_floor_for_its_implied_estimate_and_no_second_more(reward, per_hour):
    longest = implied_estimate(reward, per_hour)

    assert least_reward(per_hour, longest) <= reward or longest == 1
    assert least_reward(per_hour, longest + 1) > reward


works = st.lists(st.builds(Worked, seconds, st.floats(0, 1)), min_size=1, max_size=8)


def earned(work, *, reward, per_hour, reference, limit=4000):
    """What one worker ends with when the job is settled."""
    paid = len(work) * (reward + job_topup(reward, per_hour, reference))
    return paid + worker_topup(per_hour, payable_total(work, reference, limit), paid)


@given(works, rewards, floors, seconds)
def test_who_stays_within_the_limit_never_ends_below_the_floor(work, reward, per_hour, reference):
    within = [
        one._replace(seconds=min(one.seconds, (3 if one.coverage >= 0.8 else 2) * reference))
        for one in work
    ]

    pay = earned(within, reward=reward, per_hour=per_hour, reference=reference)

    assert pay * 3600 >= per_hour * sum(one.seconds for one in within)


@given(works, rewards, floors)
def test_who_takes_twice_the_reference_on_average_never_ends_below_the_floor(
    work, reward, per_hour
):
    spent = sum(one.seconds for one in work)
    reference = -(-spent // (2 * len(work)))

    pay = earned(work, reward=reward, per_hour=per_hour, reference=reference)

    assert pay * 3600 >= per_hour * spent


@given(works, rewards, floors, seconds, seconds)
def test_more_time_and_a_higher_reference_never_pay_less(work, reward, per_hour, reference, more):
    terms = {"reward": reward, "per_hour": per_hour}
    known = earned(work, reference=reference, **terms)
    longer = [one._replace(seconds=one.seconds + more) for one in work]

    assert earned(longer, reference=reference, **terms) >= known
    assert earned(work, reference=reference + more, **terms) >= known


@given(works, rewards, floors, seconds, st.randoms())
def test_the_order_of_answers_does_not_move_a_total(work, reward, per_hour, reference, random):
    terms = {"reward": reward, "per_hour": per_hour, "reference": reference}

    assert earned(random.sample(work, len(work)), **terms) == earned(work, **terms)


@given(st.lists(seconds, min_size=1, max_size=8), rewards, floors)
def test_a_reference_that_shrinks_later_takes_nothing_back(references, reward, per_hour):
    paid = 0
    for reference in references:  # as the job is looked at again and again
        paid += max(0, job_topup(reward, per_hour, reference) - paid)

    assert paid == job_topup(reward, per_hour, max(references))


@given(st.lists(st.tuples(seconds, rewards), max_size=8), floors)
def test_a_worker_topped_up_again_and_again_never_pays_back(days, per_hour):
    payable = paid = 0
    for worked, reward in days:
        payable, paid = payable + worked, paid + reward
        topup = worker_topup(per_hour, payable, paid)
        paid += topup

        assert topup >= 0
        assert paid >= floor_pay(per_hour, payable)


@given(works, floors, seconds)
def test_rounding_adds_less_than_one_unit_to_a_worker_and_job(work, per_hour, reference):
    payable = payable_total(work, reference, 4000)

    pay = worker_topup(per_hour, payable, 0)

    assert 0 <= pay - Fraction(per_hour * payable, 3600) < 1
