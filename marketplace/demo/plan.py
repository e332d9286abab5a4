"""How large the demo is, what its requester offers, and how it can fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SCANS_MIN, SCANS_MAX = 20, 1797
WORKERS_MIN = 10
ANSWERS_MAX = 15  # to one scan
SPARE_WORKERS = 2  # beyond the most answers to one scan, because some skip it


class DemoFailed(Exception):
    """The demo could not be played to its end."""


@dataclass(frozen=True)
class Terms:
    """What the requester offers for an answer, and wants of the simulated crowd."""

    reward: int = 5  # minor units
    currency: str = "USD"
    overlap: int = 3  # answers per scan that the budget pays for, on average
    gold_rate: float = 0.1  # so that confidences can be calibrated
    assignment_duration_seconds: int = 5  # short, so that some run out while the demo lasts
    auto_accept_delay_seconds: int = 2


@dataclass(frozen=True)
class Plan:
    scans: int = 400  # gold included
    workers: int = 40
    at_once: int = 8
    speed: float = 40.0  # how many times faster than people the simulated crowd works
    seed: int = 1
    terms: Terms = field(default_factory=Terms)

    def problem(self) -> str:
        """Return why it cannot be played; nothing if it can."""
        if not SCANS_MIN <= self.scans <= SCANS_MAX:
            return f"There are {SCANS_MAX:,} scans, and a demo takes at least {SCANS_MIN}."
        if self.workers < WORKERS_MIN or self.at_once < 1:
            return f"A demo takes at least {WORKERS_MIN} workers, and one of them at a time."
        return ""

    @property
    def gold(self) -> int:
        """How many of the scans are gold."""
        return max(1, round(self.scans * self.terms.gold_rate))

    @property
    def answers_max(self) -> int:
        """How many answers one scan may get: not more than there are people to give them."""
        return min(ANSWERS_MAX, self.workers - SPARE_WORKERS)

    @property
    def policy(self) -> dict[str, Any]:
        """What the requester asks for, as the body of the request that makes the batch."""
        redundancy = {"policy": "adaptive", "max": self.answers_max}
        return {**vars(self.terms), "redundancy": redundancy}
