"""Moving the money of many batches at once, so that one whose books are wrong stops no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial

from django.db.models import QuerySet

from payments.errors import PaymentsError
from payments.incidents import raise_incident
from tasks.models import Assignment

logger = logging.getLogger(__name__)


def pay(
    what: str,
    some: Callable[[int | None], int],
    batches: Callable[[], Collection[int]],
    *,
    now: datetime,
) -> int:
    """Return how many ``some(None)`` paid, of all batches in one transaction of its own.

    Where the ledger refuses, each of ``batches()`` is tried by itself, ``some(batch_id)``. One
    that is refused again is left as it is, logged, and put to a human as an incident of the day.
    """
    try:
        return some(None)
    except PaymentsError:
        return sum(alone(what, partial(some, pk), pk, now=now) for pk in batches())


def batches_of(assignments: QuerySet[Assignment]) -> list[int]:
    """The batches that have any of these assignments, by number."""
    ids = assignments.order_by().values_list("batch_id", flat=True)
    return sorted(ids.distinct())


def alone(what: str, some: Callable[[], int], batch_id: int, *, now: datetime) -> int:
    """Return what ``some`` did for a batch; where the ledger refuses, tell a human and return 0."""
    try:
        return some()
    except PaymentsError as error:
        logger.exception("%s of batch %s cannot be paid", what, batch_id)
        found = {"batch": batch_id, "what": what, "error": str(error)}
        raise_incident("unpaid", f"{what} of batch {batch_id}, {now:%Y-%m-%d}", found, now)
        return 0
