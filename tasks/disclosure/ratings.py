"""What workers say of requesters, on four scales and in words, and what these reply.

A rating counts once per person: who worked on twenty batches has one voice. Nobody is told whose
a rating is, and nothing is shown of fewer than ``cards.RATED_FROM`` persons.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from tasks.disclosure.cards import RATED_FROM
from tasks.errors import InvalidRating, NothingDecided, ReasonMissing
from tasks.models import Assignment, Batch, Rating, RequesterRecord
from workers import events
from workers.models import User, Worker

SCALE = range(1, 6)
DECIDED = (Assignment.Status.ACCEPTED, Assignment.Status.REJECTED)


@transaction.atomic
def rate(
    *,
    worker: Worker,
    batch: Batch,
    fairness: int,
    pay: int,
    speed: int,
    communication: int,
    text: str = "",
    now: datetime,
) -> Rating:
    """Say what a requester is like to work for; saying it again about ``batch`` replaces it.

    Raises:
        InvalidRating: a mark is not one of 1 to 5.
        NothingDecided: no answer of the worker's in this batch was accepted or rejected yet.
    """
    marks = {"fairness": fairness, "pay": pay, "speed": speed, "communication": communication}
    if not set(marks.values()) <= set(SCALE):
        raise InvalidRating
    if not Assignment.objects.of(worker).filter(batch=batch, status__in=DECIDED).exists():
        raise NothingDecided
    rating, is_new = Rating.objects.update_or_create(
        worker=worker,
        batch=batch,
        defaults={
            **marks,
            "text": text,
            "made_at": now,
            "requester_id": batch.project.requester_id,
        },
    )
    _record("requester_rated", rating, worker.user, now, is_new=is_new)
    return rating


@transaction.atomic
def reply(*, rating: Rating, text: str, actor: User, now: datetime) -> Rating:
    """Let the requester answer a rating; a second reply replaces the first.

    Raises ``ReasonMissing`` when the reply is empty.
    """
    if not text.strip():
        raise ReasonMissing("A reply needs words; write what readers of the rating should know.")
    rating.reply, rating.replied_at = text, now
    rating.save(update_fields=["reply", "replied_at"])
    _record("rating_replied", rating, actor, now)
    return rating


def are_shown(requester_id: int) -> bool:
    """Whether enough persons have rated a requester for their words to be shown."""
    return RequesterRecord.objects.filter(requester=requester_id, ratings__gte=RATED_FROM).exists()


def _record(kind: str, rating: Rating, actor: User, now: datetime, **data: bool) -> None:
    events.record(
        kind=kind, subject_kind="rating", subject_id=rating.pk, actor=actor, at=now, data=data
    )
