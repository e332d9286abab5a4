"""Who agrees with whom: pairs of workers who answered the same tasks."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array, triu

from tasks.aggregation.labels import Reading
from tasks.agreement.distances import as_it_is
from tasks.agreement.kappa import above_chance
from tasks.agreement.units import interned, pairable, remembered

FEW_VALUES = 50  # different answers up to which kappa is computed: its chance compares them all
LIMIT = 1000  # pairs kept
BLOCK = 500  # workers compared with all others at a time

Answers = Mapping[int, int]  # code by task


class Pair(NamedTuple):
    a: int  # the worker with the smaller id
    b: int
    tasks: int  # that both answered
    agreement: float  # mean similarity of their answers to the same task, in [0, 1]
    kappa: float | None  # beyond the chance of these two: Cohen's for equal or not


def pairs(
    readings: Sequence[Reading],
    similarity: Callable[[Any, Any], float],
    *,
    least: int = 5,
    limit: int = LIMIT,
) -> list[Pair]:
    """Compare the workers who share at least ``least`` tasks, two by two.

    ``similarity`` of two answers is in [0, 1], symmetric, and 1 for equal ones. Of more than
    ``limit`` pairs, at least 1, those with most tasks in common are kept, which say most; ties
    are broken by what the workers answered. ``kappa`` weighs near misses by ``similarity`` and
    is None with more than ``FEW_VALUES`` different answers, or where chance alone makes the two
    agree. The result goes from the least agreement to the most, then from the most tasks to the
    least.

    Raises ``UnsupportedLabels`` when a worker answered a task twice.
    """
    kept = pairable(readings)
    codes, values = interned(kept, as_it_is)
    apart = remembered(values, lambda a, b: 1.0 - similarity(a, b))
    histories: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for (task, worker, _), code in zip(kept, codes, strict=True):
        histories[worker][task] = code
    found = [
        _compared((a, b), (histories[a], histories[b]), apart, chance=len(values) <= FEW_VALUES)
        for a, b in _most_shared(histories, least, limit)
    ]
    return sorted(found, key=lambda pair: (pair.agreement, -pair.tasks, pair.a, pair.b))


def _most_shared(histories: Mapping[int, Answers], least: int, limit: int) -> list[tuple[int, int]]:
    """Return the pairs of workers with most tasks in common, the smaller id first."""
    if not histories:
        return []
    # Ordered by their answers, so that ids decide only between workers who answered the same.
    workers = sorted(histories, key=lambda worker: (sorted(histories[worker].items()), worker))
    position = {task: place for place, task in enumerate(sorted(set().union(*histories.values())))}
    rows = [place for place, worker in enumerate(workers) for _ in histories[worker]]
    columns = [position[task] for worker in workers for task in histories[worker]]
    ones = np.ones(len(rows), dtype=np.int64)
    answered = csr_array((ones, (rows, columns)), shape=(len(workers), len(position)))
    most = np.zeros((3, 0), dtype=np.int64)
    # Block by block: where everyone answered one gold task, everyone pairs with everyone.
    for start in range(0, len(workers), BLOCK):
        shared = triu(answered[start : start + BLOCK] @ answered.T, k=start + 1).tocoo()
        # A later block comes later in the order, too, so ties with what is kept are lost.
        floor = most[2, -1] + 1 if most.shape[1] == limit else max(least, 1)
        enough = shared.data >= floor
        more = np.stack([shared.row[enough] + start, shared.col[enough], shared.data[enough]])
        most = np.concatenate([most, more], axis=1)
        most = most[:, np.lexsort((most[1], most[0], -most[2]))[:limit]]
    named = ((workers[first], workers[second]) for first, second, _ in most.T.tolist())
    return [(min(pair), max(pair)) for pair in named]


def _compared(
    pair: tuple[int, int],
    histories: tuple[Answers, Answers],
    apart: Callable[[int, int], float],
    *,
    chance: bool,
) -> Pair:
    first, second = histories
    shared = first.keys() & second.keys()
    both = [(first[task], second[task]) for task in shared]
    agreement = 1 - math.fsum(apart(a, b) for a, b in both) / len(both)
    kappa = above_chance(agreement, _chance(both, apart)) if chance else None
    return Pair(*pair, len(both), agreement, kappa)


def _chance(both: Sequence[tuple[int, int]], apart: Callable[[int, int], float]) -> float:
    """Return the mean similarity of any answer of the one with any answer of the other."""
    first, second = (Counter(side) for side in zip(*both, strict=True))
    total = math.fsum(
        n * m * apart(a, b) for a, n in first.items() for b, m in second.items() if a != b
    )
    return 1 - total / len(both) ** 2
