"""How large the demo is, what its requester offers, and how it can fail."""

from __future__ import annotations

from dataclasses import dataclass, field

SCANS_MIN, SCANS_MAX = 20, 1797
WORKERS_MIN = 10  # enough for every task, though some skip it


class DemoFailed(Exception):
    """The demo could not be played to its end."""


@dataclass(frozen=True)
class Terms:
    """What the requester offers for an answer, and wants of the simulated crowd."""

    reward: int = 5  # minor units
    currency: str = "USD"
    overlap: int = 3
    gold_rate: float = 0.05
    assignment_duration_seconds: int = 5  # short, so that some run out while the demo lasts
    auto_accept_delay_seconds: int = 2
    # One accuracy per worker. A confusion matrix per worker, which is ninety numbers with ten
    # options, cannot be learnt from the thirty answers that each of the crowd gives.
    aggregation: str = "one_coin_dawid_skene"


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
