"""An 80 % interval, and the forecast that is made of them."""

from __future__ import annotations

from math import exp
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL = 0.8
TAIL = (1 - LEVEL) / 2
NORMAL = 1.2815515655446004  # standard deviations from the median to either end


class Interval(NamedTuple):
    """The quantity lies from ``low`` to ``high`` in 80 % of cases, below ``mid`` in half."""

    low: float
    mid: float
    high: float

    @classmethod
    def of(cls, draws: Floats) -> Interval:
        """Return the interval that holds the middle 80 % of ``draws``."""
        low, mid, high = np.quantile(draws, [TAIL, 0.5, 1 - TAIL]).tolist()
        return cls(low, mid, high)

    @classmethod
    def around(cls, mid: float, log_deviation: float) -> Interval:
        """Return the interval of a log-normal quantity with the median ``mid``."""
        factor = exp(NORMAL * log_deviation)
        return cls(mid / factor, mid, mid * factor)

    @property
    def width(self) -> float:
        return self.high - self.low

    def holds(self, value: float) -> bool:
        """Say whether ``value`` lies inside; the ends belong to the interval."""
        return self.low <= value <= self.high

    def scaled(self, factor: float, plus: float = 0.0) -> Interval:
        """Return the interval of ``factor`` times the quantity, ``plus`` a sure amount."""
        return Interval(*(factor * bound + plus for bound in self))

    def clipped(self, least: float, most: float) -> Interval:
        """Return the interval with all three kept between what is possible."""
        return Interval(*(min(max(bound, least), most) for bound in self))


class Forecast(NamedTuple):
    """What a batch will cost and yield; quantities that cannot be foretold are None.

    All but ``cost_minor`` are about what is still to be done, the pilot not counted.
    """

    answers_per_task: Interval
    cost_minor: Interval  # of the whole batch, what the pilot cost included
    accuracy: Interval  # share of tasks whose consensus is right
    closed: Interval  # share of tasks that reach the target
    hours: Interval | None  # until the last answer, from the pilot's last or from publication
    hourly_wage_minor: Interval | None  # at the median time per answer
    assumptions: tuple[str, ...]

    @property
    def intervals(self) -> dict[str, Interval]:
        """The intervals there are, by the name of the quantity."""
        found = zip(self._fields, self, strict=True)
        return {name: one for name, one in found if isinstance(one, Interval)}

    def as_json(self) -> dict[str, object]:
        """Return what ``json.dumps`` takes; intervals are objects with low, mid and high."""
        found = {name: self.intervals.get(name) for name in self._fields[:-1]}
        intervals = {name: one._asdict() if one else None for name, one in found.items()}
        return {"level": LEVEL, **intervals, "assumptions": list(self.assumptions)}
