"""Tasks handed back because of what they are: when the time they took is paid, and who may refuse.

A return waits for the requester. It is granted when another person says the same of the batch,
or when nobody has refused it in time; what is granted is paid by the next run of the job.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Count, F, Max, Q

from tasks.compensation import pauses, topups
from tasks.errors import IllegalTransition, ReasonMissing
from tasks.models import Batch, Return, TopUp
from workers import events
from workers.models import Event, User

VOICES = 2  # different persons who say the same; one alone may be mistaken

# A voice counts though the requester refused to pay for it, or there was nothing to pay.
GRANT = """
WITH due AS (
    SELECT r.assignment_id FROM tasks_return r
    WHERE r.status = 'waiting' AND (r.due_at <= %(now)s OR %(voices)s <= (
        SELECT count(DISTINCT u.person_id)
        FROM tasks_return o JOIN tasks_assignment a ON a.id = o.assignment_id
        JOIN workers_worker w ON w.id = a.worker_id JOIN workers_user u ON u.id = w.user_id
        WHERE o.batch_id = r.batch_id AND o.reason = r.reason))
    ORDER BY r.assignment_id LIMIT %(limit)s FOR NO KEY UPDATE OF r SKIP LOCKED
)
UPDATE tasks_return r SET status = 'granted', decided_at = %(now)s
FROM due WHERE r.assignment_id = due.assignment_id
"""


def settle_due(*, now: datetime, limit: int = 500) -> int:
    """Grant and pay returns, and pause batches that show what they did not warn of.

    Each step takes up to ``limit`` rows; returns how many returns were paid. A run that dies,
    repeats or meets another changes only latency: a payment and its mark are one transaction.
    """
    _hold_up_disputed(now)
    with connection.cursor() as cursor:
        cursor.execute(GRANT, {"now": now, "voices": VOICES, "limit": limit})
    granted = Return.objects.filter(status=Return.Status.GRANTED).order_by("pk")
    return sum(_pay(pk, now) for pk in list(granted.values_list("pk", flat=True)[:limit]))


@transaction.atomic
def _pay(pk: int, now: datetime) -> bool:
    granted = Return.objects.filter(pk=pk, status=Return.Status.GRANTED)
    returned = (
        granted.select_for_update(no_key=True, skip_locked=True, of=("self",))
        .select_related("batch", "assignment__worker")
        .first()
    )
    if returned is None:
        return False
    topups.pay(
        batch=returned.batch,
        worker=returned.assignment.worker,
        rule=TopUp.Rule.RETURN,
        amount_minor=returned.amount_minor,
        inputs={
            "assignment": returned.pk,
            "reason": returned.reason,
            "seconds": returned.seconds,
            "reward_minor": returned.assignment.reward_minor,
            "floor_minor": returned.batch.floor_minor,
        },
        now=now,
    )
    Return.objects.filter(pk=pk).update(status=Return.Status.PAID)
    return True


@transaction.atomic
def refuse(*, returned: Return, reason: str, actor: User, now: datetime) -> None:
    """Refuse to pay for a return, in words that its worker reads.

    Raises:
        ReasonMissing: there are no words.
        IllegalTransition: it is not waiting any more.
    """
    if not reason.strip():
        raise ReasonMissing
    said = {
        "status": Return.Status.REFUSED,
        "decided_by": actor,
        "decided_reason": reason,
        "decided_at": now,
    }
    waiting = Return.objects.filter(pk=returned.pk, status=Return.Status.WAITING)
    if not waiting.update(**said):
        raise IllegalTransition("This return is not waiting for a decision any more.")
    for name, value in said.items():
        setattr(returned, name, value)
    events.record(
        kind="return_refused",
        subject_kind="batch",
        subject_id=returned.batch_id,
        actor=actor,
        at=now,
        data={"assignment": returned.pk, "code": returned.reason, "reason": reason},
    )


def _hold_up_disputed(now: datetime) -> None:
    """Hold up each open batch of which enough persons say the same grave thing.

    What is called harmful must have warned its workers; what takes longer than it said pays less
    than it seems, and the few workers of a small batch would never be enough to measure that.
    """
    for reason, found in (
        (Return.Reason.HARMFUL, Batch.objects.filter(content_warnings=[])),
        (Return.Reason.LONGER_THAN_SAID, Batch.objects.filter(floor_minor__isnull=False)),
    ):
        said = Q(returns__reason=reason)
        called = found.filter(said, status=Batch.Status.OPEN).annotate(
            voices=Count("returns__assignment__worker__user__person", distinct=True, filter=said)
        )
        loud = called.filter(voices__gte=VOICES).order_by("pk")
        for pk in list(loud.values_list("pk", flat=True)):
            _hold_up(pk, reason, now)


@transaction.atomic
def _hold_up(pk: int, reason: Return.Reason, now: datetime) -> None:
    open_still = Batch.objects.filter(pk=pk, status=Batch.Status.OPEN)
    batch = open_still.select_for_update(no_key=True).first()
    if batch is not None and _said_since_pause(batch, reason):
        pauses.hold_up(batch, reason.value, now=now)


def _said_since_pause(batch: Batch, reason: Return.Reason) -> bool:
    """Whether it takes a pause, the requester having seen to what was said before the last one."""
    pauses = Event.objects.filter(
        subject_kind="batch", subject_id=batch.pk, kind="batch_paused", data__why=reason.value
    )
    since = pauses.aggregate(at=Max("at"))["at"]
    called = Return.objects.filter(batch=batch, reason=reason)
    if since is not None:
        called = called.filter(made_at__gt=since)
    persons = called.values(person=F("assignment__worker__user__person")).distinct()
    return persons.count() >= VOICES
