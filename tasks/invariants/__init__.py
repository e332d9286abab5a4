"""What must always hold, asked of all rows at once: nothing lost, nothing paid twice.

Constraints guard single rows; these queries compare rows with each other, and they also ask
what constraints forbid, for a database that was restored or repaired by hand. Each is one
statement on one snapshot, so they may run while the marketplace works. They read every row: for
the command line, soak tests and the night, not for a page.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tasks.distribute import GRACE
from tasks.invariants import (
    answers,
    escrow,
    hearings,
    history,
    models,
    pay,
    people,
    provenance,
    punctuality,
    ratings,
    reserve,
    restrictions,
    reviews,
    slots,
    voice,
    worktime,
)
from tasks.invariants.invariant import Broken, Invariant

__all__ = ["INVARIANTS", "LATE", "Broken", "Invariant", "broken", "check"]

INVARIANTS = (
    *slots.INVARIANTS,
    *people.INVARIANTS,
    *answers.INVARIANTS,
    *punctuality.INVARIANTS,
    *pay.INVARIANTS,
    *escrow.INVARIANTS,
    *reserve.INVARIANTS,
    *history.INVARIANTS,
    *provenance.INVARIANTS,
    *reviews.INVARIANTS,
    *restrictions.INVARIANTS,
    *models.INVARIANTS,
    *worktime.INVARIANTS,
    *hearings.INVARIANTS,
    *voice.INVARIANTS,
    *ratings.INVARIANTS,
)
LATE = timedelta(minutes=5)  # by how much a job may be late, more than any restart takes


def broken(*, now: datetime, late: timedelta = LATE, limit: int = 20) -> list[Broken]:
    """Return the invariants that do not hold, each with up to ``limit`` rows that break it.

    What a job has to do in time may wait for ``late`` before it counts.
    """
    checked = (check(each, now=now, late=late, limit=limit) for each in INVARIANTS)
    return [found for found in checked if found]


def check(
    invariant: Invariant, *, now: datetime, late: timedelta = LATE, limit: int = 20
) -> Broken | None:
    """Return the rows that break one invariant, or None when it holds."""
    asked: dict[str, Any] = {"now": now, "late": late, "grace": GRACE, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT *, count(*) OVER () FROM ({invariant.sql}) AS found LIMIT %(limit)s",  # noqa: S608  (no value is part of it)
            asked,
        )
        names = [column.name for column in cursor.description or ()]
        found = cursor.fetchall()
    if not found:
        return None
    rows = [dict(zip(names[:-1], row[:-1], strict=True)) for row in found]
    return Broken(invariant.name, invariant.sentence, rows, total=found[0][-1])
