"""Numbers: one robust consensus of real numbers per task, and how far it can be trusted.

An answer is the task's number plus the worker's bias plus an error, unless it is a slip (a
digit too many, the wrong field), which says nothing. Biases and the variances of errors are
shrunk towards what is usual in the crowd, so that with few answers all weights are nearly
equal. Estimation starts from the medians of the tasks: which answer is the slip is decided
from there.

Nobody is taken to be much more precise than usual, only less. A worker who always says the
middle looks precise, and would flatten every consensus.

Sources: A. Dempster, N. Laird, D. Rubin, Maximum Likelihood from Incomplete Data via the EM
Algorithm, JRSS B 39 (1977), section 4.3 on contaminated errors; V. Raykar et al., Learning From
Crowds, JMLR 11 (2010), section 5, for workers with a precision of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import isfinite
from numbers import Real
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from tasks.aggregation.canonical import Canonical, canonical, even_out
from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Found, Label, Merged, Reading

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]

TOLERANCE = 0.25  # of the spread of the consensus values: what still counts as right
ROUNDS = 30
SLIPS = 1e-4  # odds of a slip against an honest error, at the very place of the consensus
FAR = 50.0  # standard deviations: an answer further out pulls no harder
LEAST = 1e-9  # weight of a certain slip: where all answers are far out, none is further
PRECISE = 0.25  # of the answers: nobody is taken to be more precise than those who gave these
WORKER_STRENGTH = 40.0  # answers that the usual variance counts for in a worker's own
TASK_STRENGTH = 8.0  # answers that the usual difficulty counts for in a task's own
BIAS_SHARE = 0.1  # of the variance of errors: that of biases, a priori
BIAS_STRENGTH = 5.0  # workers that ``BIAS_SHARE`` counts for
CONSISTENT = 1.4826  # makes a median absolute deviation a standard deviation
FEW_SLIPS = 0.9  # share of the answers that the first guess of the variance is made of
FEW_ANSWERS = 20
ALIKE = 1e-3  # of the largest number: few answers that are the same may still be a little off
OWN_AT_MOST = 0.9  # of a consensus' weight: what is left is what the worker is compared with
FINEST = 1e-9  # smallest standard deviation, in units
HUGE, HUGEST = 1e30, 1e306  # in units, and as given: their squares and sums are still numbers


class Interval(NamedTuple):
    low: float
    high: float


class Answers(NamedTuple):
    """One entry an answer, in canonical order; most values are near 1."""

    task: Ints
    worker: Ints
    value: Floats  # in units
    given: Floats
    tasks: int
    workers: int

    def by_task(self, values: Floats) -> Floats:
        return np.asarray(np.bincount(self.task, values, self.tasks), dtype=np.float64)

    def by_worker(self, values: Floats) -> Floats:
        return np.asarray(np.bincount(self.worker, values, self.workers), dtype=np.float64)


class Model(NamedTuple):
    value: Floats  # by task
    error: Floats  # by task: standard error of ``value``
    freedom: Floats  # by task: degrees of freedom of ``error``
    variance: Floats  # by worker: of an answer around the task's number, bias included
    compared: Floats  # by worker: answers to tasks that others answered


class Workers(NamedTuple):
    bias: Floats
    doubt: Floats  # variance of ``bias``, given the answers
    variance: Floats  # of errors; never below the usual one


def fit_numbers(readings: Sequence[Reading], *, tolerance: float | None = None) -> Merged:
    """Give each task the robust consensus of its numbers.

    The confidence is the probability that the true number lies within ``tolerance`` of the
    consensus; without one, within ``TOLERANCE`` of the spread of all consensus values (the
    spread of the answers, where that is 0). A consensus never leaves the range of its
    answers, so answers that agree are the consensus; of two that differ it lies between. A
    skill is the share of the variance of a worker's answers that is the tasks' and not their
    error (the reliability of test theory). Where nobody answered what another did, errors
    cannot be told from numbers: they are taken to vary alike, and nobody has a skill.

    The order of ``readings`` and the workers' ids do not matter. No readings: nothing found.
    Raises ``UnsupportedLabels`` for what is no finite number, and when a worker answered a
    task twice.
    """
    if not readings:
        return Merged({}, {})
    table, unit, answers = encoded(readings)
    model = fitted(answers)
    if tolerance is None:
        within = TOLERANCE * (_spread(model.value) or _spread(answers.value))
    else:
        within = tolerance / unit
    values = np.clip(model.value * unit, *_range(answers, answers.given))
    consensus = {
        task: Found(float(value), float(confidence))
        for task, value, confidence in zip(
            table.tasks, values, _confidence(model, within), strict=True
        )
    }
    return Merged(consensus, _skills(answers, model, table))


def intervals(readings: Sequence[Reading], level: float = 0.95) -> dict[int, Interval]:
    """Return by task the range that holds the true number with probability ``level``.

    Raises what ``fit_numbers`` raises.
    """
    if not readings:
        return {}
    table, unit, answers = encoded(readings)
    model = fitted(answers)
    half = stdtrit(model.freedom, (1 + level) / 2) * model.error
    return {
        task: Interval(float(low), float(high))
        for task, low, high in zip(
            table.tasks, (model.value - half) * unit, (model.value + half) * unit, strict=True
        )
    }


def encoded(readings: Sequence[Reading]) -> tuple[Canonical, float, Answers]:
    """Return the table of codes, the unit, and the answers in units: most of them near 1.

    One slip must not set the unit, or all others were the same to it.
    """
    table = canonical([Label(r.task, r.worker, repr(_number(r.value))) for r in readings])
    task, worker, code = np.array(table.rows, dtype=np.int64).T.copy()
    values = np.array([float(name) for name in table.classes])[code]
    sizes = np.abs(values[values != 0])
    unit = float(np.median(sizes)) if sizes.size else 1.0
    most = min(HUGE, HUGEST / max(unit, 1.0))
    with np.errstate(over="ignore"):
        scaled = np.clip(values / unit, -most, most)
    return table, unit, Answers(task, worker, scaled, values, len(table.tasks), len(table.workers))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real | Decimal) or not isfinite(value):
        raise UnsupportedLabels(f"{value!r} is not a finite number.")
    return float(value) + 0.0  # -0.0 and 0.0 are one number


def fitted(answers: Answers) -> Model:
    """Estimate numbers and workers in turn, from the medians on."""
    compared = answers.by_task(np.ones(len(answers.task)))[answers.task] > 1
    value = _medians(answers)
    usual = _first_variance(answers, value, compared)
    workers = Workers(
        np.zeros(answers.workers),
        np.full(answers.workers, BIAS_SHARE * usual),
        np.full(answers.workers, usual),
    )
    for _ in range(ROUNDS):
        honest = _honest(answers, value, workers)
        variance = workers.variance[answers.worker]
        error = answers.value - workers.bias[answers.worker] - value[answers.task]
        most = FAR * np.sqrt(variance)
        weight = honest / variance
        moved = answers.by_task(weight * np.clip(error, -most, most))
        value = value + moved / answers.by_task(weight)
        usual, workers = _assess(answers, value, workers, compared)
    return _model(answers, value, workers, compared)


def _medians(answers: Answers) -> Floats:
    # Rows are sorted by task, and by value only within a worker: hence the sort.
    order = np.lexsort((answers.value, answers.task))
    values, count = answers.value[order], np.bincount(answers.task, minlength=answers.tasks)
    first = np.cumsum(count) - count
    low, high = values[first + (count - 1) // 2], values[first + count // 2]
    return np.asarray((low + high) / 2, dtype=np.float64)


def _first_variance(answers: Answers, value: Floats, compared: Marks) -> float:
    """Guess the variance of errors: large enough for those of nine answers in ten.

    With so few answers that one slip is among those nine, the middle one must do.
    """
    if not compared.any():
        return max(float(np.var(answers.value)), FINEST**2)
    distance = np.abs(answers.value - value[answers.task])[compared]
    if len(distance) < FEW_ANSWERS:
        middle = CONSISTENT * float(np.median(distance))
        return max(middle, ALIKE * float(np.abs(value).max()), FINEST) ** 2
    kept = np.minimum(distance, np.quantile(distance, FEW_SLIPS))
    middle = CONSISTENT * float(np.median(distance))
    return max(middle**2, float(np.mean(kept**2)), FINEST**2)


def _honest(answers: Answers, value: Floats, workers: Workers) -> Floats:
    """Return the probability of each answer to be no slip."""
    error = answers.value - workers.bias[answers.worker] - value[answers.task]
    half_square = np.minimum(error**2 / workers.variance[answers.worker] / 2, 500)
    return np.asarray(np.maximum(1 / (1 + SLIPS * np.exp(half_square)), LEAST))


def _assess(
    answers: Answers, value: Floats, workers: Workers, compared: Marks
) -> tuple[float, Workers]:
    """Re-estimate the usual variance and the workers, each answer compared with the others only.

    Where an answer has the share h of its task's weight, the consensus without it is
    h / (1 - h) times the error further away, and the error's variance 1 - h of the answer's.
    """
    error = answers.value - workers.bias[answers.worker] - value[answers.task]
    honest = _honest(answers, value, workers)
    weight = honest / workers.variance[answers.worker]
    others = 1 - np.minimum(weight / answers.by_task(weight)[answers.task], OWN_AT_MOST)
    honest = honest * compared
    squares = honest * error**2 / others
    if compared.any():
        usual, variance = _variances(answers, honest, squares)
    else:
        usual, variance = float(workers.variance[0]), workers.variance
    bias, doubt = _biases(answers, workers, weight * compared * others, error / others, usual)
    return usual, Workers(bias, doubt, variance)


def _variances(answers: Answers, honest: Floats, squares: Floats) -> tuple[float, Floats]:
    """Return the usual variance, and that of each worker, shrunk to it by ratio."""
    mean = float(squares.sum() / max(honest.sum(), LEAST))
    own = np.log(
        np.maximum((answers.by_worker(squares) + mean) / (answers.by_worker(honest) + 1), FINEST**2)
    )
    counts = np.bincount(answers.worker, minlength=answers.workers)
    usual = float(own[answers.worker].mean())
    shrunk = (WORKER_STRENGTH * usual + counts * own) / (WORKER_STRENGTH + counts)
    least = np.quantile(shrunk[answers.worker], PRECISE)
    return float(np.exp(usual)), np.exp(np.maximum(shrunk, least))


def _biases(
    answers: Answers, workers: Workers, weight: Floats, error: Floats, usual: float
) -> tuple[Floats, Floats]:
    """Return biases that average to 0 over the answers (else nothing holds them), and variances."""
    squares = float((workers.bias**2).sum())
    prior = (BIAS_STRENGTH * BIAS_SHARE * usual + squares) / (BIAS_STRENGTH + answers.workers)
    precision = answers.by_worker(weight) + 1 / prior
    bias = answers.by_worker(weight * (error + workers.bias[answers.worker])) / precision
    bias -= float(bias[answers.worker].mean())
    return np.asarray(bias), np.asarray(1 / precision)


def _model(answers: Answers, value: Floats, workers: Workers, compared: Marks) -> Model:
    honest = _honest(answers, value, workers)
    error = answers.value - workers.bias[answers.worker] - value[answers.task]
    variance = workers.variance[answers.worker]
    # How hard a task is does not change its consensus, only how far that can be trusted.
    squares = answers.by_task(compared * honest * error**2 / variance)
    free = np.maximum(answers.by_task(compared * honest) - 1, 0)
    hardness = (TASK_STRENGTH + squares) / (TASK_STRENGTH + free)
    each = variance * hardness[answers.task] + workers.doubt[answers.worker]
    lows, highs = _range(answers, answers.value)
    # Where every answer is far out, all that is known is that they are.
    most = np.sqrt(answers.by_task(each)) + (highs - lows)
    return Model(
        value=np.clip(value, lows, highs),
        error=np.minimum(np.sqrt(1 / answers.by_task(honest / each)), most),
        freedom=TASK_STRENGTH + free,
        variance=workers.variance + workers.bias**2,
        compared=answers.by_worker(compared.astype(float)),
    )


def _range(answers: Answers, values: Floats) -> tuple[Floats, Floats]:
    lows, highs = np.full(answers.tasks, np.inf), np.full(answers.tasks, -np.inf)
    np.minimum.at(lows, answers.task, values)
    np.maximum.at(highs, answers.task, values)
    return lows, highs


def _spread(values: Floats) -> float:
    """Return the robust standard deviation; the mean one where most values are the same."""
    distance = np.abs(values - np.median(values))
    return CONSISTENT * float(np.median(distance)) or float(distance.mean())


def _confidence(model: Model, within: float) -> Floats:
    """Return P(|truth - value| ≤ ``within``)."""
    sure = 2 * stdtr(model.freedom, within / model.error) - 1
    return np.asarray(np.clip(sure, 0.0, 1.0), dtype=np.float64)


def _skills(answers: Answers, model: Model, table: Canonical) -> dict[int, float]:
    spread = _spread(model.value) ** 2
    skills = spread / (spread + model.variance)
    known = np.flatnonzero(model.compared).tolist()
    return even_out({worker: float(skills[worker]) for worker in known}, table)
