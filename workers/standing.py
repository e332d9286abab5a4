"""A worker's standing: suspended, reinstated, closed; and where they live."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from workers import decisions, events
from workers.errors import IllegalStanding
from workers.models import Decision, User, Worker
from workers.people import check_place

DECIDED = {
    Worker.Status.SUSPENDED: Decision.Kind.SUSPEND,
    Worker.Status.ACTIVE: Decision.Kind.REINSTATE,
    Worker.Status.CLOSED: Decision.Kind.CLOSE,
}


def suspend(*, worker: Worker, reason: str, now: datetime, actor: User | None) -> None:
    """Keep ``worker`` from claiming until reinstated. No rule and no job does this.

    Raises ``HumanDecisionMissing`` without an actor or a reason, and ``IllegalStanding`` unless
    they are active.
    """
    _move(worker, Worker.Status.SUSPENDED, reason, now, actor)


def reinstate(*, worker: Worker, reason: str, now: datetime, actor: User | None) -> None:
    """Let a suspended ``worker`` claim again.

    Raises ``HumanDecisionMissing`` without a reason, and ``IllegalStanding`` unless they are
    suspended.
    """
    _move(worker, Worker.Status.ACTIVE, reason, now, actor)


def close(*, worker: Worker, reason: str, now: datetime, actor: User | None) -> None:
    """End ``worker``'s account for good; what they earned stays theirs.

    Raises ``HumanDecisionMissing`` without an actor or a reason, and ``IllegalStanding`` when it
    is closed already.
    """
    _move(worker, Worker.Status.CLOSED, reason, now, actor)


@transaction.atomic
def relocate(
    *, worker: Worker, country: str, subdivision: str = "", now: datetime, actor: User | None
) -> None:
    """Set where ``worker`` lives: ``"US"`` and ``"CA"``, or both empty when unknown.

    A repeat changes nothing. Raises ``InvalidCountry``.
    """
    check_place(country, subdivision)
    row = Worker.objects.locked().get(pk=worker.pk)
    worker.country, worker.subdivision = country, subdivision
    if (row.country, row.subdivision) == (country, subdivision):
        return
    changed = Worker.objects.filter(pk=worker.pk)
    changed.update(country=country, subdivision=subdivision)
    changed.bump_qualifications_version()
    events.record(
        kind="worker_relocated",
        subject_kind="worker",
        subject_id=worker.pk,
        actor=actor,
        at=now,
        data={"country": country, "subdivision": subdivision},
    )


@transaction.atomic
def _move(
    worker: Worker, status: Worker.Status, reason: str, now: datetime, actor: User | None
) -> None:
    # The lock makes the row's status the one that the move starts from.
    row = Worker.objects.locked().select_related("user").get(pk=worker.pk)
    if status not in Worker.MOVES.get(row.status, ()):
        raise IllegalStanding(f"A worker's account cannot go from {row.status} to {status}.")
    changed = Worker.objects.filter(pk=worker.pk)
    changed.update(status=status)
    changed.bump_qualifications_version()
    worker.status = status
    decisions.record(
        kind=DECIDED[status],
        subject_kind="worker",
        subject_id=worker.pk,
        concerns=row.user,
        made_by=actor,
        reasons=reason,
        now=now,
    )
    events.record(
        kind=f"worker_{status}",
        subject_kind="worker",
        subject_id=worker.pk,
        actor=actor,
        at=now,
        data={"from": row.status, "reason": reason},
    )
