from __future__ import annotations

import numpy as np
import pytest

from tasks.forecasting import pace
from tasks.forecasting.intervals import NORMAL
from tests.tasks.forecasting.pilots import steady


def rng():
    return np.random.default_rng(0)


def test_a_steady_pace_is_carried_forward():
    found = pace.hours_at_pace(steady(101, 36.0), 200, 0.0)

    assert found.mid == pytest.approx(2.0)
    assert np.log(found.high / found.mid) == pytest.approx(NORMAL * pace.CHANGE_OF_PACE, rel=0.01)


def test_bursts_widen_the_interval():
    bursts = np.sort(np.concatenate([steady(50, 1.0), 3550 + steady(51, 1.0)]))

    even = pace.hours_at_pace(steady(101, 36.0), 200, 0.0)
    uneven = pace.hours_at_pace(bursts, 200, 0.0)

    assert uneven.mid == pytest.approx(even.mid)
    assert uneven.high > 1.5 * even.high


def test_doubt_about_the_answers_is_doubt_about_the_hours():
    sure = pace.hours_at_pace(steady(101, 36.0), 200, 0.0)
    doubtful = pace.hours_at_pace(steady(101, 36.0), 200, 0.5)

    assert doubtful.mid == sure.mid
    assert doubtful.low < sure.low


@pytest.mark.parametrize("arrived", [np.arange(9.0), np.full(20, 5.0), np.zeros(0)])
def test_too_few_arrivals_or_all_at_once_foretell_nothing(arrived):
    assert pace.hours_at_pace(arrived, 100, 0.0) is None


def test_the_order_of_arrivals_does_not_matter():
    times = rng().exponential(size=60).cumsum()

    assert pace.hours_at_pace(times[::-1], 100, 0.0) == pace.hours_at_pace(times, 100, 0.0)


def test_workers_always_at_work_share_the_answers():
    found = pace.hours_with_workers(5, 36.0, 1000, 0.0)

    assert found.mid == pytest.approx(2.0)
    assert found.high > 2 * found.mid


def test_the_wage_is_the_reward_at_the_median_time():
    workers = np.repeat(np.arange(10), 5)

    found = pace.hourly_wage(10, np.full(50, 36.0), workers, 200, rng())

    assert found.mid == pytest.approx(1000)
    assert np.log(found.high / found.mid) == pytest.approx(NORMAL * pace.CHANGE_OF_WORKERS)


def test_workers_who_differ_widen_the_wage_more_than_answers_that_differ():
    fast_and_slow = np.tile([10.0, 20.0, 30.0, 40.0, 50.0], 10)
    of_all = np.repeat(np.arange(10), 5)  # each worker has all five times
    of_each = np.tile(np.arange(5), 10)  # each worker has one of them

    alike = pace.hourly_wage(10, fast_and_slow, of_all, 1000, rng())
    different = pace.hourly_wage(10, fast_and_slow, of_each, 1000, rng())

    assert different.width > 1.3 * alike.width


def test_few_timed_answers_foretell_no_wage():
    assert pace.hourly_wage(10, np.full(9, 36.0), np.arange(9), 200, rng()) is None


def test_an_assumed_range_of_seconds_is_the_wages_range():
    found = pace.assumed_wage(10, (18.0, 72.0))

    assert found == pytest.approx((500, 1000, 2000))
