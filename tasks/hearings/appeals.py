"""A worker's call for a hearing, and what an admin decides where a jury does not.

Source: payments specification, 9.5, appeal: a jury's answer within five days, else a human's,
and in any case one within seven.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from tasks.errors import IllegalTransition, ReasonMissing
from tasks.hearings import guard, outcomes
from tasks.models import Appeal, Rejection
from workers import events
from workers.models import Decision, User

JURY_WITHIN = timedelta(days=5)
ANSWER_WITHIN = timedelta(days=7)


@transaction.atomic
def appeal(
    *, rejection: Rejection, message: str, wants_human: bool = False, now: datetime
) -> Appeal:
    """Ask for a hearing; three other workers decide, or at once a human if that is wanted.

    ``message`` may be empty. The caller knows that the rejection is the worker's own.

    Raises:
        IllegalTransition: it was appealed before, has not begun or is over.
    """
    row = Rejection.objects.select_related("assignment__worker__user")
    row = row.select_for_update(no_key=True, of=("self",))
    locked = row.get(pk=rejection.pk)
    if locked.status != Rejection.Status.OPEN:
        raise IllegalTransition(f"A rejection that is {locked.status} cannot be appealed.")
    assert locked.appeal_until is not None
    if now >= locked.appeal_until:
        raise IllegalTransition(
            f"The time to appeal ended at {locked.appeal_until:%Y-%m-%d %H:%M}."
        )
    Rejection.objects.filter(pk=locked.pk).update(status=Rejection.Status.APPEALED)
    rejection.status = Rejection.Status.APPEALED
    made = Appeal.objects.create(
        rejection=locked,
        message=message,
        status=Appeal.Status.HUMAN if wants_human else Appeal.Status.OPEN,
        made_at=now,
        jury_until=now + JURY_WITHIN,
        due_at=now + ANSWER_WITHIN,
    )
    events.record(
        kind="rejection_appealed",
        subject_kind="batch",
        subject_id=locked.assignment.batch_id,
        actor=locked.assignment.worker.user,
        at=now,
        data={"assignment": locked.pk, "wants_human": wants_human},
    )
    return made


def escalate_due(*, now: datetime, limit: int = 500) -> int:
    """Put up to ``limit`` appeals to a human that no jury decided in time; return how many.

    One statement that finds them still open: running twice or at once changes nothing.
    """
    late = Appeal.objects.filter(status=Appeal.Status.OPEN, jury_until__lte=now)
    ids = list(late.order_by("jury_until", "pk").values_list("pk", flat=True)[:limit])
    return late.filter(pk__in=ids).update(status=Appeal.Status.HUMAN)


@transaction.atomic
def decide_by_human(
    *, appeal: Appeal, outcome: Appeal.Outcome, answer: str, actor: User, now: datetime
) -> Decision:
    """Answer an appeal that waits for a human, in words that both sides read.

    Raises:
        IllegalTransition: it does not wait for a human.
        Involved: ``actor`` is the requester or the worker, or has confirmed the rejection.
        ReasonMissing: there are no words.
    """
    if not answer.strip():
        raise ReasonMissing
    row = Appeal.objects.select_for_update(no_key=True, of=("self",)).get(pk=appeal.pk)
    if row.status != Appeal.Status.HUMAN:
        raise IllegalTransition("This appeal does not wait for a human.")
    case = Rejection.objects.select_related(
        "assignment__worker__user", "assignment__batch__project__requester", "confirmed_by"
    ).get(pk=row.pk)
    guard.check_uninvolved(actor, case.assignment, case.confirmed_by)
    made = outcomes.decide(row, outcome=outcome, answer=answer.strip(), decided_by=actor, now=now)
    appeal.refresh_from_db()
    return made
