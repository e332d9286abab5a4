"""Exams: batches whose every answer is known, and whose passing grants a qualification."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from tasks.aggregation.known import agrees
from tasks.models import Cursor
from tasks.versions import asked as asked_of
from workers import events, qualify
from workers.models import Event

GRADED = "exam_graded"
LATECOMERS = timedelta(days=1)  # an exam that closed between two runs is still graded

# Who has answered, holds nothing, and has nothing left to claim. Whoever came when most places
# were taken, and was asked fewer than half of the questions, is not judged by so few.
DUE = """
SELECT c.id
FROM tasks_batch b
JOIN tasks_cursor c ON c.batch_id = b.id
JOIN workers_worker w ON w.id = c.worker_id
JOIN workers_user u ON u.id = w.user_id
CROSS JOIN LATERAL (
    SELECT count(*) AS asked, count(submitted_at) AS answered,
           count(*) FILTER (WHERE status = 'active') AS live
    FROM tasks_assignment WHERE batch_id = b.id AND worker_id = c.worker_id
) had
WHERE b.purpose = 'exam' AND b.status <> 'draft'
  AND (b.closed_at IS NULL OR b.closed_at > %(since)s)
  AND had.answered > 0 AND had.live = 0 AND 2 * had.asked >= b.task_count
  AND NOT EXISTS (
      SELECT FROM workers_event e WHERE e.subject_kind = 'worker' AND e.subject_id = c.worker_id
      AND e.kind = 'exam_graded' AND e.data ->> 'batch' = b.id::text)
  AND NOT EXISTS (
      SELECT FROM tasks_task t WHERE t.batch_id = b.id AND t.is_open
      AND t.author_id IS DISTINCT FROM u.person_id
      AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
      AND NOT EXISTS (SELECT FROM tasks_assignment a
                      WHERE a.task_id = t.id AND a.person_id = u.person_id))
ORDER BY c.id LIMIT %(limit)s
"""

# Every question the worker was given, with what they said, if anything.
SITTING = """
SELECT n.value, g.answer
FROM tasks_assignment a
JOIN tasks_gold g ON g.task_id = a.task_id
LEFT JOIN tasks_answer n ON n.assignment_id = a.id
WHERE a.batch_id = %(batch)s AND a.worker_id = %(worker)s
  AND g.retired_for NOT IN ('disputed', 'withdrawn')
"""


def grade_due(*, now: datetime, limit: int = 500) -> int:
    """Grade up to ``limit`` workers who are through with an exam; return how many.

    The share of right answers is of all questions they were given: what was skipped or left to
    expire is not right. At the batch's pass mark or above they are granted its qualification,
    with the share in percent as its value. Each worker is graded once per exam, in a transaction
    that locks their cursor and leaves an event; that event is what keeps a second run from it.
    """
    asked: dict[str, Any] = {"now": now, "since": now - LATECOMERS, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(DUE, asked)
        due = [pk for (pk,) in cursor.fetchall()]
    return sum(_grade(pk, now) for pk in due)


@transaction.atomic
def _grade(cursor_id: int, now: datetime) -> bool:
    """Grade one worker's sitting, unless another run has just done it."""
    locked = Cursor.objects.select_for_update(skip_locked=True, of=("self",))
    sitting = locked.select_related("batch__grants", "worker").filter(pk=cursor_id).first()
    if sitting is None or _is_graded(sitting):
        return False
    right, asked = _marks(sitting)
    if not asked:  # every question was taken back
        return False
    share, batch = right / asked, sitting.batch
    passed = share >= batch.pass_mark
    if passed:
        assert batch.grants is not None
        value = round(100 * share)
        qualify.grant(type=batch.grants, worker=sitting.worker, value=value, now=now, actor=None)
    events.record(
        kind=GRADED,
        subject_kind="worker",
        subject_id=sitting.worker_id,
        actor=None,
        at=now,
        data={
            "batch": batch.pk, "right": right, "asked": asked, "share": share, "passed": passed,
        },
    )  # fmt: skip
    return True


def _is_graded(sitting: Cursor) -> bool:
    about = Event.objects.filter(subject_kind="worker", subject_id=sitting.worker_id, kind=GRADED)
    return about.filter(data__batch=sitting.batch_id).exists()


def _marks(sitting: Cursor) -> tuple[int, int]:
    """Return how many answers are right, of how many questions."""
    kinds = asked_of(sitting.batch.version_id).kinds
    asked: dict[str, Any] = {"batch": sitting.batch_id, "worker": sitting.worker_id}
    with connection.cursor() as cursor:
        cursor.execute(SITTING, asked)
        rows = cursor.fetchall()
    right = sum(
        agrees(_parsed(said), _parsed(known), kinds) for said, known in rows if said is not None
    )
    return right, len(rows)


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
