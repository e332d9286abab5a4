from __future__ import annotations

import pytest

from tasks.aggregation.skill import estimate
from tasks.forecasting.intervals import Forecast, Interval
from tasks.forecasting.record import record, score, scored

HALF = Interval(0.4, 0.5, 0.6)
FORETOLD = Forecast(Interval(2, 3, 4), Interval(200, 300, 400), HALF, HALF, None, None, ())


def test_an_interval_that_held_costs_its_width():
    found = scored(Interval(2, 3, 4), 2.5)

    assert found == (True, 2, 2, -0.5)


def test_an_interval_that_missed_costs_ten_times_what_it_missed_by():
    found = scored(Interval(2, 3, 4), 4.5)

    assert not found.held
    assert found.penalty == pytest.approx(2 + 10 * 0.5)
    assert scored(Interval(2, 3, 4), 1.5).penalty == pytest.approx(found.penalty)


def test_only_quantities_that_are_forecast_and_known_are_scored():
    found = score(FORETOLD, {"accuracy": 0.55, "cost_minor": None, "hours": 3.0})

    assert set(found) == {"accuracy"}
    assert found["accuracy"].held


def test_a_quantity_that_no_forecast_has_is_refused():
    with pytest.raises(ValueError, match="speed"):
        score(FORETOLD, {"speed": 1.0})


def test_a_record_says_how_often_intervals_held():
    past = [score(FORETOLD, {"accuracy": value}) for value in (0.45, 0.55, 0.65)]

    found = record(past)["accuracy"]

    assert found.held == 2
    assert found.share == estimate(2, 3)
    assert found.width == pytest.approx(0.2)
    assert found.miss == pytest.approx(0.05)


def test_without_scored_forecasts_there_is_no_record():
    assert record([]) == {}
    assert record([{}]) == {}
