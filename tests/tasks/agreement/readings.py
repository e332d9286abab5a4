"""Answers for tests of agreement: tables as papers print them, and seeded crowds."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tasks.aggregation.labels import Label, Reading


def table(*rows: str, read: Callable[[str], Any] = str) -> list[Reading]:
    """Read one row of answers a worker, one column a task; a dot is no answer."""
    return [
        Reading(task, worker, read(value))
        for worker, row in enumerate(rows)
        for task, value in enumerate(row.split())
        if value != "."
    ]


def crowd(
    answer: Callable[[random.Random, int], Any],
    *,
    tasks: int = 60,
    workers: int = 12,
    overlap: int = 3,
    seed: int = 1,
) -> list[Reading]:
    """Let ``overlap`` workers drawn at random answer each task."""
    rng = random.Random(seed)
    return [
        Reading(task, worker, answer(rng, task))
        for task in range(tasks)
        for worker in rng.sample(range(workers), overlap)
    ]


def clicking(labels: str = "abc") -> Callable[[random.Random, int], str]:
    return lambda rng, _: rng.choice(labels)


def mostly_right(labels: str = "abc", skill: float = 0.8) -> Callable[[random.Random, int], str]:
    """Give the task's label with probability ``skill``, else any."""
    return lambda rng, task: (
        labels[task % len(labels)] if rng.random() < skill else rng.choice(labels)
    )


def labels_of(readings: list[Reading]) -> list[Label]:
    return [Label(*reading) for reading in readings]


def answers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Reading]]:
    """Answers of up to six workers to up to eight tasks, each worker once a task."""
    places = st.tuples(st.integers(0, 7), st.integers(0, 5))
    return st.dictionaries(places, values, max_size=30).map(
        lambda given: [Reading(*place, value) for place, value in given.items()]
    )


def renamed(readings: list[Reading], seed: int) -> list[Reading]:
    """Shuffle the rows, and give tasks and workers each other's ids."""
    rng = random.Random(seed)
    tasks = sorted({reading.task for reading in readings})
    workers = sorted({reading.worker for reading in readings})
    task_as = dict(zip(tasks, rng.sample(tasks, len(tasks)), strict=True))
    worker_as = dict(zip(workers, rng.sample(workers, len(workers)), strict=True))
    rows = [Reading(task_as[task], worker_as[worker], value) for task, worker, value in readings]
    rng.shuffle(rows)
    return rows
