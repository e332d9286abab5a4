"""What aggregation reads and what it gives back: plain values, no rows, no clock."""

from __future__ import annotations

from typing import NamedTuple


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
