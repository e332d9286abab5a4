"""What aggregation reads and what it gives back: plain values, no rows, no clock."""

from __future__ import annotations

from typing import Any, NamedTuple


class Label(NamedTuple):
    """One worker's answer to one task; a worker answers a task at most once."""

    task: int
    worker: int
    label: str


class Consensus(NamedTuple):
    label: str
    confidence: float  # in [0, 1]; what it measures is the method's to say


class Fit(NamedTuple):
    consensus: dict[int, Consensus]  # by task
    skills: dict[int, float]  # by worker: estimated probability of a right label; may be empty


class Reading(NamedTuple):
    """One worker's answer of any type to one task; a worker answers a task at most once."""

    task: int
    worker: int
    value: Any  # in the canonical form of its element: tasks.interface


class Found(NamedTuple):
    """What the answers to one task come to."""

    value: Any  # in the form of an answer
    confidence: float  # in [0, 1]; what it measures is the method's to say


class Merged(NamedTuple):
    """What every aggregator of values that are not plain labels gives back."""

    consensus: dict[int, Found]  # by task; every task that has an answer is there
    skills: dict[int, float]  # by worker: how near they come to the consensus, in [0, 1]
