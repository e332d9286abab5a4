"""The demo from beginning to end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from marketplace import up
from marketplace.demo import books, cast, cpu, digits, findings, requester
from marketplace.demo.books import Promise
from marketplace.demo.cast import Cast
from marketplace.demo.findings import Accuracy, Row, Standing
from marketplace.demo.progress import Narrator
from marketplace.demo.requester import QUESTION, Published, Terms
from marketplace.simulation.client import Caller, Site
from marketplace.simulation.crowd import SimulatedWorker, recruit
from marketplace.simulation.run import Crowd, Member
from payments import deposits
from payments.audit import Totals, totals
from payments.money import Money
from tasks.quality import Suspect

SECONDS_MAX = 300.0  # after which something is wrong
LOOK_SECONDS = 1.0


class DemoFailed(Exception):
    """The demo could not be told to its end."""


@dataclass(frozen=True)
class Plan:
    """How large the demo is."""

    scans: int = 400  # gold included
    workers: int = 40
    at_once: int = 8
    speed: float = 60.0  # how many times faster than people the simulated crowd works
    seed: int = 1
    terms: Terms = field(default_factory=Terms)

    @property
    def gold(self) -> int:
        """How many of the scans are gold."""
        return max(1, round(self.scans * self.terms.gold_rate))


@dataclass(frozen=True)
class Place:
    """Where the demo runs: the site's address and the process that started its parts."""

    url: str
    process: int
    is_own: bool


@dataclass(frozen=True)
class Outcome:
    """Everything the report tells."""

    plan: Plan
    place: Place
    published: Published
    batch: dict[str, Any]  # as the API shows it when all is over
    accuracy: Accuracy
    standings: Sequence[Standing]
    suspects: Mapping[str, Suspect]  # by name
    promises: Sequence[Promise]
    totals: Sequence[Totals]
    cpu: Mapping[str, float]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return not any(promise.broken_by for promise in self.promises)


def tell(plan: Plan, narrator: Narrator) -> Outcome:
    """Run the whole demo.

    Raises:
        DemoFailed: it took too long, or found nobody to serve it.
    """
    ...
