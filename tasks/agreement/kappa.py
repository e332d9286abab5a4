"""Agreement beyond chance between two workers (Cohen), and among all of them (Fleiss).

Both are (observed - expected) / (1 - expected) agreement. They are numbers, not verdicts: how
much is enough depends on what the labels are for.

Sources: J. Cohen, Weighted Kappa (Psychological Bulletin 70, 1968); J. Fleiss, Measuring Nominal
Scale Agreement among Many Raters (Psychological Bulletin 76, 1971); for unequal numbers of
answers K. Gwet, Handbook of Inter-Rater Reliability (4th ed., 2014), chapter 2.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from tasks.aggregation.labels import Reading
from tasks.agreement.distances import as_it_is
from tasks.agreement.units import Floats, key_of, units_of

Weights = Literal["none", "linear", "quadratic"]


class Kappa(NamedTuple):
    value: float | None  # None where chance alone brings about perfect agreement, or no tasks
    observed: float | None  # agreement in [0, 1]; None without tasks
    expected: float | None  # agreement in [0, 1] that chance brings about
    tasks: int  # that both, or at least two, answered
    answers: int  # to them


def above_chance(agreement: float, chance: float) -> float | None:
    """Return how much of the agreement that chance leaves open was reached, at most 1.

    None where chance leaves nothing open.
    """
    return (agreement - chance) / (1 - chance) if chance < 1 else None


def cohen(
    first: Mapping[int, Any],
    second: Mapping[int, Any],
    *,
    weights: Weights = "none",
    order: Sequence[Any] | None = None,
) -> Kappa:
    """Compare two workers' answers by task, on the tasks that both answered.

    With ``weights`` near misses count in part: answers i and j places apart in ``order``
    disagree by |i - j|, or by its square, as a share of the most. ``order`` has every answer
    and defaults to the different answers sorted: numbers by size, all else as texts.

    Raises ``ValueError`` when an answer is not in ``order``.
    """
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return Kappa(None, None, None, 0, 0)
    scale = order if order is not None else _sorted([*first.values(), *second.values()])
    place = {key_of(value): rank for rank, value in enumerate(scale)}
    table = np.zeros((len(scale), len(scale)))
    for task in shared:
        table[_place(first[task], place), _place(second[task], place)] += 1
    table /= len(shared)
    apart = _apart(len(scale), weights)
    observed = 1 - float((apart * table).sum())
    expected = 1 - float((apart * np.outer(table.sum(axis=1), table.sum(axis=0))).sum())
    value = above_chance(observed, expected)
    return Kappa(value, observed, expected, len(shared), 2 * len(shared))


def fleiss(readings: Sequence[Reading]) -> Kappa:
    """Compare all workers' labels; tasks may have unequal numbers of answers.

    With n_tk of the n_t >= 2 answers to task t being k, observed is the mean over tasks of
    sum_k n_tk (n_tk - 1) / (n_t (n_t - 1)), and expected is sum_k p_k**2, p_k being the mean
    over tasks of n_tk / n_t. Every task weighs the same; with equal numbers it is Fleiss's
    kappa. Tasks with one answer, and answers that are None, are left out.

    Raises ``UnsupportedLabels`` when a worker answered a task twice.
    """
    units = units_of(readings, as_it_is)
    if not units.tasks:
        return Kappa(None, None, None, 0, 0)
    agreed: list[float] = []
    shares: list[list[float]] = [[] for _ in units.values]
    for codes in units.members():
        count = len(codes)
        votes = Counter(codes)
        agreed.append(sum(n * (n - 1) for n in votes.values()) / (count * (count - 1)))
        for code, n in votes.items():
            shares[code].append(n / count)
    tasks = len(units.tasks)
    observed = math.fsum(agreed) / tasks
    # fsum is exact, so neither the order of tasks nor of labels shows in the result.
    expected = math.fsum((math.fsum(share) / tasks) ** 2 for share in shares)
    return Kappa(above_chance(observed, expected), observed, expected, tasks, len(units.code))


def _sorted(values: Sequence[Any]) -> list[Any]:
    by_key = {key_of(value): value for value in values}
    if all(isinstance(value, int | float) for value in by_key.values()):
        return sorted(by_key.values())
    return [by_key[key] for key in sorted(by_key)]


def _place(value: Any, place: Mapping[str, int]) -> int:
    key = key_of(value)
    if key not in place:
        raise ValueError(f"{value!r} has no place in the order of answers.")
    return place[key]


def _apart(labels: int, weights: Weights) -> Floats:
    """Return what a pair of labels counts for as disagreement, in [0, 1]: (labels, labels)."""
    steps = np.abs(np.subtract.outer(np.arange(labels), np.arange(labels))).astype(np.float64)
    if weights == "none":
        return np.asarray(steps > 0, dtype=np.float64)
    share = steps / max(labels - 1, 1)
    return share if weights == "linear" else share**2
