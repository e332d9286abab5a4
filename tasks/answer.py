"""Step 3, answer: a worker submits or skips what they claimed, and the clock runs meanwhile."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction

from tasks import clock_sql, reopen
from tasks.aggregation.known import agrees
from tasks.errors import IllegalTransition
from tasks.models import Assignment, Batch, Gold, Return
from tasks.versions import asked
from tasks.wages.floor import return_pay
from workers.models import Worker

RETURN_WAITS = timedelta(hours=72)  # for the requester to refuse paying for a returned task

VERSION = """
SELECT b.version_id, b.purpose, a.task_id
FROM tasks_assignment a JOIN tasks_batch b ON b.id = a.batch_id
WHERE a.id = %(assignment)s AND a.worker_id = %(worker)s
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


def beat(*, assignment_id: int, worker: Worker, visible: bool, now: datetime) -> int:
    """Note that the worker is at it; return the seconds counted so far, rounded up.

    A beat while nothing is visible, or within ``clock_sql.BEAT_REST_SECONDS`` of the one before,
    is ignored. What ``tasks.wages.time`` makes of beats is known only at the submit.

    Raises:
        Assignment.DoesNotExist: the worker has no such assignment.
        IllegalTransition: the assignment is no longer active.
    """
    row: dict[str, Any] = {"assignment": assignment_id, "worker": worker.pk, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(clock_sql.BEAT, {**row, "visible": visible})
        found = cursor.fetchone()
    if found is None:
        raise Assignment.DoesNotExist
    status, seconds = found
    if status != Assignment.Status.ACTIVE:
        raise IllegalTransition("This assignment is no longer yours to work on.")
    return int(seconds)


def submit(
    *,
    assignment_id: int,
    worker: Worker,
    answer: Any,
    reported_seconds: int | None = None,
    now: datetime,
) -> Submitted:
    """Record the worker's answer and the time it took, and return it as it was stored.

    An answer that arrives after the deadline is taken as long as the assignment has not
    been expired. ``reported_seconds`` is how long it took by the worker's own account, at least 0.

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
        said = {"value": json.dumps(value), "reported": reported_seconds}
        cursor.execute(clock_sql.SUBMIT, {**row, **said})
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
def skip(
    *,
    assignment: Assignment,
    reason: str = "",
    code: Return.Reason | None = None,
    now: datetime,
) -> Return | None:
    """Hand the task back unanswered, so that someone else may take it.

    With a ``code`` it is a return: the task is at fault, the time it took may be paid
    (``compensation.returns``), and it is the result. Without one the worker changed their mind.

    Raises:
        IllegalTransition: the assignment is no longer active.
    """
    row: dict[str, Any] = {
        "assignment": assignment.pk,
        "worker": assignment.worker_id,
        "reason": reason,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(clock_sql.SKIP, row)
        found = cursor.fetchone()
    if found is None:
        raise IllegalTransition("This assignment is no longer yours to hand back.")
    assignment.status = Assignment.Status.SKIPPED
    assignment.finished_at, assignment.reason = now, reason
    reopen.give_back(assignment.batch, [assignment.task_id])
    return None if code is None else _returned(assignment, code, seconds=found[0], now=now)


def _returned(
    assignment: Assignment, code: Return.Reason, *, seconds: int, now: datetime
) -> Return:
    floor = assignment.batch.floor_minor
    amount = 0 if floor is None else return_pay(assignment.reward_minor, floor, seconds)
    return Return.objects.create(
        assignment=assignment,
        batch=assignment.batch,
        reason=code,
        text=assignment.reason,
        seconds=seconds,
        amount_minor=amount,
        status=Return.Status.WAITING if amount else Return.Status.NOTHING,
        made_at=now,
        due_at=now + RETURN_WAITS,
    )
