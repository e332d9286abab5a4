from __future__ import annotations

import json

import numpy as np
import pytest

from tasks.forecasting.intervals import Forecast, Interval


def test_draws_give_their_middle_80_percent():
    found = Interval.of(np.arange(101.0))

    assert found == pytest.approx((10, 50, 90))


def test_a_log_normal_interval_is_as_far_above_in_ratio_as_below():
    found = Interval.around(4.0, 0.1)

    assert found.high / found.mid == pytest.approx(found.mid / found.low)
    assert found.high == pytest.approx(4.0 * 1.1367, abs=1e-3)  # e^0.12816


def test_the_ends_belong_to_an_interval():
    found = Interval(1, 2, 3)

    assert found.holds(1)
    assert found.holds(3)
    assert not found.holds(3.01)
    assert found.width == 2


def test_a_sure_amount_moves_an_interval_and_a_factor_stretches_it():
    assert Interval(1, 2, 4).scaled(10, 5) == (15, 25, 45)
    assert Interval(1, 2, 4).clipped(1.5, 3) == (1.5, 2, 3)


def test_a_forecast_is_json_with_its_assumptions():
    one = Interval(0.7, 0.8, 0.9)
    foretold = Forecast(one, one, one, one, None, None, ("The pilot is like the rest.",))

    found = json.loads(json.dumps(foretold.as_json()))

    assert found["level"] == 0.8
    assert found["accuracy"] == {"low": 0.7, "mid": 0.8, "high": 0.9}
    assert found["hours"] is None
    assert found["assumptions"] == ["The pilot is like the rest."]
    assert set(foretold.intervals) == {"answers_per_task", "cost_minor", "accuracy", "closed"}
