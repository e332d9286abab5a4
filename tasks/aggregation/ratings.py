"""Ratings: levels in order, from lowest to highest, made one level per task.

Three opinions on each task have an equal say:

* the online model's, for which workers are of some kind and any level may be taken for any
  other: right where some workers click one level all day;
* the latent scale's, for which a rating is a number with an error (``numbers``), so that a
  wrong one is mostly a near one: right where honest people differ by a level;
* the plain shares of the answers.

On recorded crowds each of the three alone is far behind on some set; which one cannot be told
from the answers. Their mean is the best or near it on all. The consensus is its median.

Sources: V. Raykar et al., Learning From Crowds, JMLR 11 (2010), section 4 on ordinal labels;
M. Stone, The Opinion Pool, Annals of Mathematical Statistics 32 (1961).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from tasks.aggregation import numbers
from tasks.aggregation.canonical import Canonical, even_out
from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Found, Merged, Reading
from tasks.aggregation.online import Answers, OnlineModel

Floats = NDArray[np.float64]

MOST_LEVELS = 25  # a worker has a row per level: beyond, these are numbers
BLUR = 0.1  # variance of the latent number beyond its error, in levels: half-way is undecided
TIE = 1e-9  # shares this close to a half are a half: they differ by rounding only


class Rated(NamedTuple):
    """What is believed about the level of each task."""

    beliefs: dict[int, tuple[float, ...]]  # by task: probability by level, lowest first
    skills: dict[int, float]  # by worker

    def expected(self, lowest: int) -> dict[int, float]:
        """Return by task the mean level, ``lowest`` being the first: a finer scale to sort by."""
        return {
            task: lowest + sum(place * share for place, share in enumerate(shares))
            for task, shares in self.beliefs.items()
        }


def fit_ratings(readings: Sequence[Reading], levels: tuple[int, int]) -> Merged:
    """Give each task the median of what is believed about its level.

    ``levels`` are the lowest and the highest; values are whole numbers between them. Where the
    median falls between two levels, the lower one is taken. The confidence is the probability
    of just that level, so it is lower than that of a label: near misses count against it. A
    skill is 1 less the worker's expected distance from the true level, as a share of the
    scale, each answer judged by the others'; who never shared a task has none.

    The order of ``readings`` and the workers' ids do not matter. No readings: nothing found.
    Raises ``UnsupportedLabels`` for a value that is no level, for more than ``MOST_LEVELS``,
    and when a worker answered a task twice.
    """
    rated = rate(readings, levels)
    return Merged({task: _median(p, levels[0]) for task, p in rated.beliefs.items()}, rated.skills)


def rate(readings: Sequence[Reading], levels: tuple[int, int]) -> Rated:
    """Return the probability of every level of every task, and skills: see ``fit_ratings``."""
    lowest, highest = levels
    if not 1 <= highest - lowest < MOST_LEVELS:
        raise UnsupportedLabels(
            f"Ratings have 2 to {MOST_LEVELS} levels; aggregate others as numbers."
        )
    for reading in readings:
        if type(reading.value) is not int or not lowest <= reading.value <= highest:
            raise UnsupportedLabels(f"{reading.value!r} is not a level {lowest} to {highest}.")
    if not readings:
        return Rated({}, {})
    moved = [reading._replace(value=reading.value - lowest) for reading in readings]
    return _rate(moved, highest - lowest + 1)


def _rate(readings: Sequence[Reading], levels: int) -> Rated:
    table, unit, coded = numbers.encoded(readings)
    given = Answers(coded.task, coded.worker, np.rint(coded.value * unit).astype(np.int64))
    model = OnlineModel(given, tasks=coded.tasks, workers=coded.workers, classes=levels).refit()
    shares = np.zeros((coded.tasks, levels))
    np.add.at(shares, (given.tasks, given.labels), 1)
    shares /= shares.sum(axis=1, keepdims=True)
    pool = (model.evidence + _on_the_scale(numbers.fitted(coded), unit, levels) + shares) / 3
    beliefs = {task: tuple(row) for task, row in zip(table.tasks, pool.tolist(), strict=True)}
    return Rated(beliefs, _skills(model, given, table))


def _on_the_scale(model: numbers.Model, unit: float, levels: int) -> Floats:
    """Return the tasks x levels probabilities of the latent number to round to each level."""
    error = np.sqrt((model.error * unit) ** 2 + BLUR)[:, None]
    borders = np.arange(levels - 1) + 0.5
    below = stdtr(model.freedom[:, None], (borders - (model.value * unit)[:, None]) / error)
    ends = np.zeros((len(below), 1))
    return np.asarray(np.diff(np.hstack([ends, below, ends + 1]), axis=1), dtype=np.float64)


def _median(shares: Sequence[float], lowest: int) -> Found:
    place = int((np.cumsum(shares) >= 0.5 - TIE).argmax())
    return Found(lowest + place, min(shares[place], 1.0))


def _skills(model: OnlineModel, given: Answers, table: Canonical) -> dict[int, float]:
    shared = model.answered[given.tasks] > 1
    distance = np.abs(given.labels[:, None] - np.arange(model.classes))
    missed = (model.without_own_answer() * distance).sum(axis=1) / (model.classes - 1)
    counts = np.bincount(given.workers, shared)
    means = np.bincount(given.workers, missed * shared) / np.maximum(counts, 1)
    known = np.flatnonzero(counts).tolist()
    return even_out({worker: float(1 - means[worker]) for worker in known}, table)
