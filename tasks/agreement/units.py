"""Answers grouped by the task they answer, in an order that only their content decides.

A unit is a task with at least two answers: one answer has nothing to agree with.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.aggregation.errors import UnsupportedLabels
from tasks.aggregation.labels import Reading

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEED = 20070401
UNIT_PAIRS = 300  # of different answers to one task, beyond which a sample stands for all


class Units(NamedTuple):
    """The answers that can be paired; ``unit`` and ``code`` have one entry each, sorted.

    ``unit`` holds positions in ``tasks`` and ``code`` positions in ``values``.
    """

    values: list[Any]  # the different answers as a distance reads them, in canonical order
    tasks: list[int]  # by id
    unit: Ints
    code: Ints

    @property
    def sizes(self) -> Ints:
        """Count the answers of each unit."""
        return np.asarray(np.bincount(self.unit, minlength=len(self.tasks)), dtype=np.int64)

    def members(self) -> list[list[int]]:
        """List the codes of each unit, sorted."""
        ends = np.cumsum(self.sizes)[:-1]
        return [codes.tolist() for codes in np.split(self.code, ends)] if self.tasks else []


def key_of(value: Any) -> str:
    """Return a text that equal answers share, whatever their type; it also orders them."""
    if isinstance(value, str):
        return '"' + value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def as_text(value: Any) -> str:
    """Return an answer as a label: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else key_of(value)


def units_of(readings: Sequence[Reading], read: Callable[[Any], Any]) -> Units:
    """Group the ``pairable`` of ``readings`` by task.

    Raises ``UnsupportedLabels`` when a worker answered a task twice, and what ``read`` raises.
    """
    kept = pairable(readings)
    return grouped(kept, *interned(kept, read))


def grouped(kept: Sequence[Reading], codes: Sequence[int], values: list[Any]) -> Units:
    """Group what ``pairable`` and ``interned`` returned by task."""
    tasks = sorted({task for task, _, _ in kept})
    unit_of = {task: unit for unit, task in enumerate(tasks)}
    unit = np.array([unit_of[task] for task, _, _ in kept], dtype=np.int64)
    code = np.array(codes, dtype=np.int64)
    order = np.lexsort((code, unit))
    return Units(values, tasks, unit[order], code[order])


def pairable(readings: Sequence[Reading]) -> list[Reading]:
    """Leave out answers that are None, and then tasks with one answer.

    Raises ``UnsupportedLabels`` when a worker answered a task twice.
    """
    answers: Counter[int] = Counter()
    seen: set[tuple[int, int]] = set()
    for task, worker, value in readings:
        if (task, worker) in seen:
            raise UnsupportedLabels(f"Worker {worker} answered task {task} more than once.")
        seen.add((task, worker))
        answers[task] += value is not None
    return [
        reading for reading in readings if reading.value is not None and answers[reading.task] > 1
    ]


def interned(
    readings: Sequence[Reading], read: Callable[[Any], Any]
) -> tuple[list[int], list[Any]]:
    """Return a code for each answer, and the answers that codes are positions of.

    Codes follow ``key_of``, so that equal answers decide them and not the order of rows.
    """
    values = [read(reading.value) for reading in readings]
    keys = [key_of(value) for value in values]
    by_key = dict(zip(keys, values, strict=True))
    code_of = {key: code for code, key in enumerate(sorted(by_key))}
    return [code_of[key] for key in keys], [by_key[key] for key in code_of]


def remembered(
    values: Sequence[Any], between: Callable[[Any, Any], float]
) -> Callable[[int, int], float]:
    """Return ``between`` by codes of ``values``: symmetric, 0 for the same, asked for once."""
    known: dict[tuple[int, int], float] = {}

    def apart(first: int, second: int) -> float:
        if first == second:
            return 0.0
        pair = (first, second) if first < second else (second, first)
        if pair not in known:
            known[pair] = between(values[pair[0]], values[pair[1]])
        return known[pair]

    return apart


def weighed_pairs(codes: Sequence[int]) -> tuple[list[tuple[int, int, int]], int]:
    """Return the pairs of different codes, each with its number, and the number of all pairs.

    Where a unit has more than ``UNIT_PAIRS`` pairs of different codes, that many pairs of
    answers drawn at random stand for all.
    """
    votes = sorted(Counter(codes).items())
    if math.comb(len(votes), 2) > UNIT_PAIRS:
        drawn = drawn_pairs(np.sort(np.array(codes, dtype=np.int64)), UNIT_PAIRS)
        return [(a, b, 1) for a, b in drawn if a != b], UNIT_PAIRS
    pairs = [(a, b, n * m) for (a, n), (b, m) in combinations(votes, 2)]
    return pairs, math.comb(len(codes), 2)


def drawn_pairs(codes: Ints, size: int) -> list[tuple[int, int]]:
    """Draw ``size`` pairs of two of at least two answers, never an answer with itself."""
    rng = np.random.default_rng(SEED)
    one = rng.integers(len(codes), size=size)
    other = (one + rng.integers(1, len(codes), size=size)) % len(codes)
    return list(zip(codes[one].tolist(), codes[other].tolist(), strict=True))
