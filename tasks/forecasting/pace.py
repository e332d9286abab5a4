"""When the last answer will be in, and what an hour of the work pays.

The finish time carries the pilot's pace forward. Answers come in bursts, so its uncertainty is
taken from equal counts of answers and the times they took, which for steady arrivals gives the
usual gamma interval. The cycle of the day and a crowd that grows or tires are not modelled;
``CHANGE_OF_PACE`` stands for them. It is large because the three public crowds with times sped
up or slowed down by two to five times; a site with a record of its own should put that here.

The wage is the reward over the median seconds per answer. Workers differ more than their
answers do, so whole workers are drawn again.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tasks.forecasting.intervals import NORMAL, Interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOUR = 3600
BLOCKS = 10
CHANGE_OF_PACE = 0.8  # log deviation of the pace between pilot and batch, beyond chance
UNTIMED = 0.7  # the same where the pace is only reckoned from the workers there should be
CHANGE_OF_WORKERS = 0.15  # log deviation of the median seconds, beyond chance
FEWEST = 10  # timed answers below which nothing is foretold
DRAWS = 200
SHORTEST = 0.5  # seconds: nobody answers faster, clocks do


def hours_at_pace(
    arrived: Floats, answers: float, log_deviation: float, *, change: float = CHANGE_OF_PACE
) -> Interval | None:
    """Return the hours that so many more answers take at the pace of those that ``arrived``.

    ``arrived`` in seconds, any order; ``log_deviation`` is that of ``answers``. None where
    fewer than ``FEWEST`` arrived, or all at one moment.
    """
    times = np.sort(arrived)
    if len(times) < FEWEST or times[-1] <= times[0]:
        return None
    took = np.diff(times[np.linspace(0, len(times) - 1, BLOCKS + 1).round().astype(int)])
    to_come = BLOCKS * answers / len(times)  # blocks
    variation = (took.std(ddof=1) / took.mean()) ** 2
    pace = variation * (1 / BLOCKS + 1 / max(to_come, 1))
    hours = answers * float(times[-1] - times[0]) / (len(times) - 1) / HOUR
    return Interval.around(hours, sqrt(pace + change**2 + log_deviation**2))


def hours_with_workers(
    workers: float, seconds: float, answers: float, log_deviation: float
) -> Interval:
    """Return the hours that so many answers take with so many workers always at work."""
    hours = answers * seconds / max(workers, 1e-9) / HOUR
    return Interval.around(hours, sqrt(UNTIMED**2 + log_deviation**2))


def hourly_wage(
    reward: float, seconds: Floats, workers: Ints, answers: float, random: np.random.Generator
) -> Interval | None:
    """Return the wage at the median of the seconds that so many more answers will take.

    ``seconds`` and ``workers`` have an entry per answer of the pilot. None below ``FEWEST``.
    """
    if len(seconds) < FEWEST:
        return None
    order = np.argsort(seconds, kind="stable")
    _, codes = np.unique(workers, return_inverse=True)
    count = int(codes.max()) + 1
    drawn = random.multinomial(count, np.full(count, 1 / count), DRAWS)
    reached = drawn[:, codes[order]].cumsum(axis=1)
    places = (reached >= reached[:, -1:] / 2).argmax(axis=1)
    medians = np.log(np.maximum(seconds[order][places], SHORTEST))
    # The batch's own workers are a draw as well; a large batch draws many.
    chance = float(medians.var()) * (1 + len(seconds) / max(answers, 1.0))
    median = max(float(np.median(seconds)), SHORTEST)
    return Interval.around(reward * HOUR / median, sqrt(chance + CHANGE_OF_WORKERS**2))


def assumed_wage(reward: float, seconds: tuple[float, float]) -> Interval:
    """Return the wage where the median seconds lie in a range, by 80 %."""
    low, high = seconds
    return Interval.around(reward * HOUR / sqrt(low * high), float(np.log(high / low)) / 2 / NORMAL)
