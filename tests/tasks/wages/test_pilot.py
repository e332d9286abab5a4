from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.wages.pilot import reserve_each, upper_rank, upper_seconds

PER_HOUR = 1500
TEN = [210, 250, 260, 270, 285, 300, 310, 330, 420, 700]


@pytest.mark.parametrize(("times", "rank"), [(5, 5), (10, 8), (20, 14), (30, 20), (50, 31)])
def test_the_rank_that_bounds_the_median(times, rank):
    assert upper_rank(times) == rank


@given(st.integers(5, 200))
def test_the_median_lies_above_the_bound_in_six_cases_of_a_hundred_at_most(n):
    def missed(rank):
        return Fraction(sum(comb(n, below) for below in range(rank, n + 1)), 2**n)

    assert missed(upper_rank(n)) <= Fraction(6, 100) < missed(upper_rank(n) - 1)


def test_four_times_bound_nothing():
    with pytest.raises(ValueError, match="takes 5 times or more, not 4"):
        upper_rank(4)


def test_a_pilot_of_ten_bounds_the_median_by_its_eighth_time():
    assert upper_seconds(TEN, 240) == 330
    assert upper_seconds(TEN[::-1], 240) == 330


def test_without_a_pilot_the_bound_is_half_above_the_estimate_rounded_up():
    assert upper_seconds([], 240) == 360
    assert upper_seconds(TEN[:4], 241) == 362


def test_the_reserve_pays_a_fifth_more_than_the_floor_for_the_bound():
    assert reserve_each(125, PER_HOUR, 330) == 40  # 165 - 125
    assert reserve_each(125, PER_HOUR, 360) == 55


def test_the_reserve_is_a_tenth_of_the_reward_at_least():
    assert reserve_each(1000, PER_HOUR, 330) == 100
    assert reserve_each(1001, PER_HOUR, 330) == 101
