"""What was estimated of workers, kept beside the project it was estimated in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from workers.models import Skill


class Estimate(Protocol):
    """How often somebody is right, in [0, 1], with the interval and the answers behind it."""

    @property
    def estimate(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def answers(self) -> int: ...


def record(
    *, project_id: int, source: Skill.Source, estimates: Mapping[int, Estimate], now: datetime
) -> int:
    """Keep the newest estimate of each worker (by id) in this project, in one statement.

    Returns how many were written. No event is recorded: the step that estimated tells of all
    its workers at once.
    """
    rows = [
        Skill(
            worker_id=worker_id,
            project_id=project_id,
            source=source,
            estimate=found.estimate,
            low=found.low,
            high=found.high,
            answers=found.answers,
            estimated_at=now,
        )
        # By id, so that two runs over the same workers cannot deadlock.
        for worker_id, found in sorted(estimates.items())
    ]
    Skill.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["worker", "project_id", "source"],
        update_fields=["estimate", "low", "high", "answers", "estimated_at"],
    )
    return len(rows)
