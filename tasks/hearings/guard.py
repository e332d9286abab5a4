"""When a refusal has to wait for a human: whoever refuses unusually often is asked to explain.

Source: payments specification, 9.5, rate guard.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tasks.errors import Involved
from tasks.models import Assignment, Batch, Rejection
from workers.models import User

RECENT, RECENT_MOST = 200, 20  # of the requester's latest decisions, so many may be refusals
FIRST, FIRST_MOST = 20, 5  # of a batch's first decisions
LOOK_WITHIN = timedelta(days=14)  # after that the answer is accepted by itself

# The latest claims of each batch stand for its latest decisions: an index has them in order.
REFUSED_RECENTLY = """
SELECT count(*) FILTER (WHERE latest.status = 'rejected') FROM (
    SELECT a.status FROM tasks_batch b
    JOIN tasks_project p ON p.id = b.project_id
    CROSS JOIN LATERAL (
        SELECT status, finished_at, id FROM tasks_assignment
        WHERE batch_id = b.id AND status IN ('accepted', 'rejected')
        ORDER BY id DESC LIMIT %(recent)s) a
    WHERE p.requester_id = %(requester)s
    ORDER BY a.finished_at DESC, a.id DESC LIMIT %(recent)s - 1
) latest
"""
REFUSED_FIRST = """
SELECT count(*) FILTER (WHERE status = 'rejected'), count(*) FROM (
    SELECT status FROM tasks_assignment
    WHERE batch_id = %(batch)s AND status IN ('accepted', 'rejected')
    ORDER BY finished_at, id LIMIT %(first)s
) earliest
"""


def is_unusual(batch: Batch) -> bool:
    """Whether one more refusal now would be more than a requester may decide alone.

    That is the 21st of their last 200 decisions, this one included, or the sixth of the batch's
    first 20; and after a sixth that a human confirmed, every other of that batch. The caller has
    locked the requester's row, so that of two refusals at once the second sees the first.
    """
    asked: dict[str, Any] = {
        "requester": batch.project.requester_id,
        "batch": batch.pk,
        "recent": RECENT,
        "first": FIRST,
    }
    with connection.cursor() as cursor:
        cursor.execute(REFUSED_RECENTLY, asked)
        [recently] = cursor.fetchone()
        cursor.execute(REFUSED_FIRST, asked)
        first, decided = cursor.fetchone()
    is_first = decided < FIRST
    return bool(recently + 1 > RECENT_MOST or first + is_first > FIRST_MOST)


def drop_waiting(assignment_ids: Sequence[int], now: datetime) -> int:
    """Note that answers which a refusal waited for were accepted; return how many.

    The caller has just accepted them, and holds their rows.
    """
    waiting = Rejection.objects.filter(pk__in=assignment_ids, status=Rejection.Status.WAITING)
    return waiting.update(status=Rejection.Status.DECLINED, final_at=now)


def check_uninvolved(actor: User, assignment: Assignment, *decided: User | None) -> None:
    """Return if ``actor`` is neither party, nor ``decided`` on this before; else ``Involved``."""
    parties = [assignment.worker.user, assignment.batch.project.requester, *decided]
    if actor.person_id in {each.person_id for each in parties if each is not None}:
        raise Involved
