"""Step 3, answer: a worker submits or skips what they claimed."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from tasks import reopen
from tasks.aggregation.known import agrees
from tasks.errors import IllegalTransition
from tasks.models import Assignment, Batch, Gold
from tasks.versions import asked
from workers.models import Worker

VERSION = """
SELECT b.version_id, b.purpose, a.task_id
FROM tasks_assignment a JOIN tasks_batch b ON b.id = a.batch_id
WHERE a.id = %(assignment)s AND a.worker_id = %(worker)s
"""

# One statement, so that status, answer and hash are there together or not at all. The sweep that
# expires an assignment, and a second submit, look for the same status: whoever comes first wins.
SUBMIT = """
WITH moved AS (
    UPDATE tasks_assignment a SET status = 'submitted', submitted_at = %(now)s,
        accept_due_at = %(now)s + (SELECT auto_accept_delay FROM tasks_batch WHERE id = a.batch_id)
    WHERE a.id = %(assignment)s AND a.worker_id = %(worker)s AND a.status = 'active'
    RETURNING a.id
)
INSERT INTO tasks_answer (assignment_id, value, sha256, created_at)
SELECT id, %(value)s::jsonb, sha256(convert_to((%(value)s::jsonb)::text, 'UTF8')), %(now)s
FROM moved
"""


class Feedback(NamedTuple):
    """What a worker learns from an answer in a training."""

    right: bool
    expected: dict[str, Any]
    explanation: str


class Submitted(NamedTuple):
    """An answer as it was stored; with feedback in a training, unless its gold was wrong."""

    answer: dict[str, Any]
    feedback: Feedback | None


def submit(*, assignment_id: int, worker: Worker, answer: Any, now: datetime) -> Submitted:
    """Record the worker's answer, and return it as it was stored.

    An answer that arrives after the deadline is taken as long as the assignment has not
    been expired.

    Raises:
        Assignment.DoesNotExist: the worker has no such assignment.
        IllegalTransition: the assignment is no longer active.
        InvalidAnswer: the answer does not fit the interface the worker was shown.
    """
    with connection.cursor() as cursor:
        row: dict[str, Any] = {"assignment": assignment_id, "worker": worker.pk, "now": now}
        cursor.execute(VERSION, row)
        found = cursor.fetchone()
        if found is None:
            raise Assignment.DoesNotExist
        version, purpose, task = found
        value = asked(version).checker.check(answer)
        cursor.execute(SUBMIT, {**row, "value": json.dumps(value)})
        if not cursor.rowcount:
            raise IllegalTransition("This assignment is no longer yours to answer.")
    teaches = purpose == Batch.Purpose.TRAINING
    return Submitted(value, _feedback(version, task, value) if teaches else None)


def _feedback(version_id: int, task_id: int, value: dict[str, Any]) -> Feedback | None:
    gold = Gold.objects.filter(task=task_id).exclude(retired_for__in=Gold.VOID).first()
    if gold is None:
        return None
    right = agrees(value, gold.answer, asked(version_id).kinds)
    return Feedback(right, gold.answer, gold.explanation)


@transaction.atomic
def skip(*, assignment: Assignment, reason: str = "", now: datetime) -> None:
    """Hand the task back unanswered, so that someone else may take it.

    Raises:
        IllegalTransition: the assignment is no longer active.
    """
    assignment.move_to(Assignment.Status.SKIPPED, finished_at=now, reason=reason)
    reopen.give_back(assignment.batch, [assignment.task_id])
