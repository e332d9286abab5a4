"""Elected workers: who holds an office now, and for how long an election gives it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet

from workers import events
from workers.errors import NotInOffice
from workers.models import Office, Proposal, Worker

TERM = timedelta(days=365)


def current(*, now: datetime) -> QuerySet[Office]:
    """The offices held at this moment, of workers whose accounts are not closed."""
    held = Office.objects.filter(since__lte=now, until__gt=now)
    return held.exclude(worker__status=Worker.Status.CLOSED).select_related("worker")


def holds(worker: Worker, kind: Office.Kind, *, now: datetime) -> bool:
    """Whether this worker holds this office now."""
    return current(now=now).filter(worker=worker, kind=kind).exists()


def check_holds(worker: Worker, kind: Office.Kind, *, now: datetime) -> None:
    """Return if this worker holds this office, else raise ``NotInOffice``."""
    if not holds(worker, kind, now=now):
        raise NotInOffice


def begin(*, proposal: Proposal, now: datetime) -> Office:
    """Give the candidate of a carried election their office, in the caller's transaction."""
    assert proposal.candidate is not None  # proposal_elects_a_candidate
    office = Office.objects.create(
        worker=proposal.candidate,
        kind=Office.Kind(proposal.kind),
        proposal=proposal,
        since=now,
        until=now + TERM,
    )
    events.record(
        kind="office_begun",
        subject_kind="worker",
        subject_id=office.worker_id,
        actor=None,
        at=now,
        data={"office": office.kind, "proposal": proposal.pk, "until": office.until},
    )
    return office
