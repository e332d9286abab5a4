"""What the tests of decisions and pay do and look at."""

from __future__ import annotations

from payments import accounts
from payments.models import Transfer
from tasks import answer, distribute, settle
from tasks.models import Assignment
from tests.factories import HOUR, NOON, WHY, accepted, claim, fresh, refuse, rejected
from workers.models import Event

Status = Assignment.Status
LATER = NOON + HOUR


def owner(batch):
    return batch.project.requester


def accept(assignment, now=LATER):
    settle.accept(assignment=assignment, actor=owner(assignment.batch), now=now)


def reject(assignment, reason=WHY, now=LATER):
    return refuse(assignment=assignment, reason=reason, actor=owner(assignment.batch), now=now)


def earned(worker, currency="USD"):
    return accounts.earnings_of(worker.user_id, currency).balance


def transfers(*kinds):
    return list(
        Transfer.objects.filter(kind__in=kinds)
        .order_by("key")
        .values_list("key", "source", "target", "amount_minor")
    )


def events(kind):
    return list(Event.objects.filter(kind=kind).values_list("subject_id", "actor", "at", "data"))


def an_assignment_that_is(status, batch):
    if status == "active":
        return claim(batch)
    if status == "skipped":
        made = claim(batch)
        answer.skip(assignment=made, now=NOON)
    elif status == "expired":
        made = claim(batch)
        distribute.expire_overdue(now=NOON + HOUR)
    elif status == "rejected":
        made = rejected(batch)
    else:
        made = accepted(batch)
    if status == "paid":
        settle.pay_accepted(now=LATER)
    return fresh(made)
