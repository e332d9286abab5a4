"""Was a forecast right, and how often is this site's? Scored when the batch ends.

Source of the interval score: T. Gneiting, A. Raftery, Strictly Proper Scoring Rules, Prediction,
and Estimation, Journal of the American Statistical Association 102 (2007), section 6.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import NamedTuple

from tasks.aggregation.skill import Estimate, estimate
from tasks.forecasting.intervals import LEVEL, Forecast, Interval


class Score(NamedTuple):
    """How one interval did; in the unit of the quantity, where it has one."""

    held: bool
    width: float
    penalty: float  # the interval score: width, plus ten times what it missed by. Low is good
    miss: float  # actual less mid: above 0 where too little was forecast


class Record(NamedTuple):
    """How often intervals held, over past forecasts of one quantity."""

    held: int
    share: Estimate  # with its 95 % interval; ``answers`` counts forecasts
    width: float  # mean
    miss: float  # mean


def score(forecast: Forecast, actual: Mapping[str, float | None]) -> dict[str, Score]:
    """Score each interval whose outcome is known, by the name of the quantity.

    ``actual`` has the fields of ``Forecast`` as keys, and about the same tasks. Raises
    ``ValueError`` for a quantity that no forecast has.
    """
    unknown = set(actual) - set(Forecast._fields[:-1])
    if unknown:
        raise ValueError(f"There are no forecasts of {', '.join(sorted(unknown))}.")
    known = {name: value for name, value in actual.items() if value is not None}
    intervals = forecast.intervals
    return {name: scored(intervals[name], known[name]) for name in intervals if name in known}


def scored(interval: Interval, value: float) -> Score:
    """Score one interval."""
    outside = max(interval.low - value, value - interval.high, 0.0)
    return Score(
        held=interval.holds(value),
        width=interval.width,
        penalty=interval.width + 2 / (1 - LEVEL) * outside,
        miss=value - interval.mid,
    )


def record(past: Iterable[Mapping[str, Score]]) -> dict[str, Record]:
    """Sum up scored forecasts, by the name of the quantity; one never scored is left out."""
    scores: dict[str, list[Score]] = {}
    for forecast in past:
        for name, found in forecast.items():
            scores.setdefault(name, []).append(found)
    return {name: _record(found) for name, found in scores.items()}


def _record(scores: list[Score]) -> Record:
    held = sum(score.held for score in scores)
    return Record(
        held=held,
        share=estimate(held, len(scores)),
        width=fmean(score.width for score in scores),
        miss=fmean(score.miss for score in scores),
    )
