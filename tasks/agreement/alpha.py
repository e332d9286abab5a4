"""Krippendorff's alpha: how far answers agree beyond what chance would bring about.

alpha = 1 - observed / expected disagreement. Observed is the mean distance between two answers to
the same task, expected that between any two answers at all. It takes any number of workers,
tasks that some have not answered, and any distance.

Sources: K. Krippendorff, Content Analysis (4th ed., 2019), chapter 12; A. Hayes,
K. Krippendorff, Answering the Call for a Standard Reliability Measure (2007), whose bootstrap
keeps the expected disagreement and resamples the observed. Here whole tasks are resampled: the
pairs of one task's answers are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from tasks.aggregation.labels import Reading
from tasks.agreement.distances import Distance
from tasks.agreement.units import (
    SEED,
    Floats,
    Ints,
    Units,
    drawn_pairs,
    remembered,
    units_of,
    weighed_pairs,
)

RESAMPLES = 1000  # the ends of the interval settle to two digits
LEVEL = 0.95  # of the interval
EXPECTED_PAIRS = 10_000  # of different answers, beyond which a sample stands for all
STEPS = 1000  # the bootstrap tells disagreements apart to this part of the largest

NOTHING_TO_PAIR = "No task has two answers."
NO_VARIATION = "All answers are the same, so agreement cannot be told from chance."


class Alpha(NamedTuple):
    """Alpha with its 95% interval, and what it was computed from.

    1 is perfect agreement, 0 what chance brings about, below 0 is systematic disagreement.
    """

    value: float | None  # None where it is not defined: ``reason`` says why
    observed: float | None  # mean distance within a task; None without two answers to one task
    expected: float | None  # mean distance between any two answers
    units: int  # tasks with at least two answers
    readings: int  # answers to them
    low: float | None  # None with fewer than two units
    high: float | None
    distance: str  # its name
    sampled: int = 0  # pairs drawn for ``expected``; 0 where it is exact
    reason: str = ""


def alpha(readings: Sequence[Reading], distance: Distance) -> Alpha:
    """Measure how far ``readings`` agree; answers that are None count as not given.

    Without a task that two workers answered, or where all answers to such tasks are the same,
    alpha is not defined: its value is None and ``reason`` says why. What can be shown instead is
    the share of equal answers. Where answers never differ within a task the interval is
    [1, 1], however few they are: look at ``units``, too.

    Raises ``UnsupportedLabels`` when a worker answered a task twice or the distance cannot
    read an answer.
    """
    return alpha_of(units_of(readings, distance.read), distance)


def alpha_of(units: Units, distance: Distance) -> Alpha:
    """Return ``alpha`` of answers that are grouped already."""
    if not units.tasks:
        return Alpha(None, None, None, 0, 0, None, None, distance.name, reason=NOTHING_TO_PAIR)
    apart = apart_by_unit(units, distance)
    sizes = units.sizes
    observed = math.fsum(sizes * apart) / len(units.code)
    expected, sampled = expected_distance(units, distance)
    plain = Alpha(
        None, observed, expected, len(sizes), len(units.code), None, None, distance.name, sampled
    )
    if expected == 0:
        return plain._replace(reason=NO_VARIATION)
    low, high = _interval(sizes, apart, expected) if len(sizes) > 1 else (None, None)
    return plain._replace(value=1 - observed / expected, low=low, high=high)


def apart_by_unit(units: Units, distance: Distance) -> Floats:
    """Return the mean distance between two answers of each unit, shape (units,).

    Without a closed form it is that of the ``weighed_pairs``.
    """
    if distance.scale == "nominal":
        return _differing(units.unit, units.code, units.sizes)
    if distance.scale != "pairs":
        return _squared(units.unit, _positions(units, distance), units.sizes)
    between = remembered(units.values, distance.between)
    return np.array([_mean_distance(codes, between) for codes in units.members()])


def expected_distance(units: Units, distance: Distance) -> tuple[float, int]:
    """Return the mean distance between any two answers, and the size of the sample, 0 if all.

    There must be a unit.
    """
    count = len(units.code)
    together, size = np.zeros(count, dtype=np.int64), np.array([count])
    if distance.scale == "nominal":
        return float(_differing(together, np.sort(units.code), size)[0]), 0
    if distance.scale != "pairs":
        return float(_squared(together, np.sort(_positions(units, distance)), size)[0]), 0
    return _expected_by_pairs(units, distance)


def _differing(unit: Ints, code: Ints, sizes: Ints) -> Floats:
    """Return by unit the share of pairs of answers that differ; both inputs sorted."""
    fresh = np.append(True, (np.diff(unit) != 0) | (np.diff(code) != 0))
    starts = np.flatnonzero(fresh)
    votes = np.diff(np.append(starts, len(code)))
    same = np.bincount(unit[starts], votes * (votes - 1.0), len(sizes))
    return np.asarray(1 - same / (sizes * (sizes - 1.0)), dtype=np.float64)


def _squared(unit: Ints, positions: Floats, sizes: Ints) -> Floats:
    """Return by unit the mean squared difference of two answers: twice their variance."""
    # From the unit's first answer, so that equal answers come to exactly 0.
    first = np.searchsorted(unit, np.arange(len(sizes)))
    shift = positions - positions[first][unit]
    mean = np.bincount(unit, shift, len(sizes)) / sizes
    spread = np.bincount(unit, (shift - mean[unit]) ** 2, len(sizes))
    return np.asarray(2 * spread / (sizes - 1.0), dtype=np.float64)


def _positions(units: Units, distance: Distance) -> Floats:
    """Return a number by answer; on an ordinal scale its mid-rank among all answers.

    Krippendorff's ordinal distance counts the answers between two values, and half of those
    at them, squared: it is the squared difference of their mid-ranks. These are shares of all
    answers, which leaves alpha as it is.
    """
    numbers = np.array(units.values, dtype=np.float64)[units.code]
    if distance.scale == "ordinal":
        return np.asarray(rankdata(numbers) / len(numbers), dtype=np.float64)
    return numbers


def _mean_distance(codes: list[int], between: Callable[[int, int], float]) -> float:
    pairs, total = weighed_pairs(codes)
    return math.fsum(number * between(a, b) for a, b, number in pairs) / total


def _expected_by_pairs(units: Units, distance: Distance) -> tuple[float, int]:
    between = remembered(units.values, distance.between)
    different = len(units.values)
    if math.comb(different, 2) > EXPECTED_PAIRS:
        pairs = drawn_pairs(np.sort(units.code), EXPECTED_PAIRS)
        return math.fsum(between(a, b) for a, b in pairs) / len(pairs), len(pairs)
    votes = np.bincount(units.code, minlength=different).tolist()
    total = math.fsum(
        votes[a] * votes[b] * between(a, b) for a, b in combinations(range(different), 2)
    )
    return total / math.comb(len(units.code), 2), 0


def _interval(sizes: Ints, apart: Floats, expected: float) -> tuple[float, float]:
    """Return the middle 95% of alpha over resampled units.

    Units of one size and one level of disagreement are drawn by their number, which costs the
    same for a hundred thousand tasks as for a thousand.
    """
    steps = np.rint(apart / max(apart.max(), expected) * STEPS).astype(np.int64)
    kinds, members = np.unique(np.stack([sizes, steps]), axis=1, return_inverse=True)
    number = np.bincount(members)
    in_order = apart[np.lexsort((apart, members))]
    means = np.add.reduceat(in_order, np.cumsum(number) - number) / number
    drawn = np.random.default_rng(SEED).multinomial(len(apart), number / len(apart), RESAMPLES)
    observed = drawn @ (kinds[0] * means) / (drawn @ kinds[0])
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(np.maximum(1 - observed / expected, -1.0), [tail, 1 - tail])
    return float(low), float(high)
