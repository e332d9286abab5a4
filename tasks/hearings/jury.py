"""A jury of three workers who decide an appeal, blind: two equal votes end it.

They see what was asked, what was answered and what both sides say, and nobody's name or number.
Every vote is paid, whichever way it goes, and also one that came while it was being decided.

Source: payments specification, 9.5, appeal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from payments import accounts, floors, ledger
from payments.ledger import Posting
from payments.models import Transfer
from payments.money import Money
from tasks.errors import InvalidRejection, NotAJuror, VoteTooLate
from tasks.hearings import outcomes
from tasks.models import Appeal, Assignment, Batch, Juror, Wage
from tasks.versions import asked
from tasks.wages.floor import floor_pay
from workers import offices
from workers.models import Block, Office, User, Worker

ACCEPTED_LEAST = 10  # answers, unless one was elected
SEAT_LASTS = timedelta(hours=1)
SECONDS_LEAST = 180  # of a juror's work that are paid, at least
TIMES_REFERENCE = 3  # reading a case takes as long as answering so many tasks
REASON_LEAST = 20  # characters
MAJORITY = 2
SHOWN_MOST = 20


class Case(NamedTuple):
    """What a juror sees."""

    id: int
    instructions: str
    interface: Any
    input: Any
    answer: Any
    code: str
    reason: str
    instruction: str
    message: str
    jury_until: datetime
    pay_minor: int
    currency: str


def is_qualified(worker: Worker, *, now: datetime) -> bool:
    """Whether ``worker`` may sit on juries: active, and with some experience or elected."""
    if not worker.is_active:
        return False
    accepted = Assignment.objects.of(worker).filter(status=Assignment.Status.ACCEPTED)
    if accepted[:ACCEPTED_LEAST].count() >= ACCEPTED_LEAST:
        return True
    return offices.holds(worker, Office.Kind.REVIEWER, now=now)


def cases_for(worker: Worker, *, now: datetime) -> list[Case]:
    """Open appeals with a free seat that ``worker`` may decide on, those due first."""
    if not is_qualified(worker, now=now):
        return []
    rows = _open_to(worker, now).order_by("jury_until", "pk")[:SHOWN_MOST]
    return [_case(appeal, worker, now) for appeal in _whole(rows)]


def seats_of(worker: Worker, *, now: datetime) -> list[Case]:
    """The cases on which ``worker`` has a seat and has not voted yet."""
    held = Juror.objects.filter(worker=worker, vote="", leave_at__gt=now)
    rows = Appeal.objects.filter(pk__in=held.values("appeal")).order_by("jury_until", "pk")
    return [_case(appeal, worker, now) for appeal in _whole(rows)]


@transaction.atomic
def join(*, appeal_id: int, worker: Worker, now: datetime) -> Juror:
    """Take a free seat for an hour; who has one there keeps it.

    Raises:
        Appeal.DoesNotExist: there is no such case that this worker may decide on.
        NotAJuror: they may not sit on juries.
    """
    if not is_qualified(worker, now=now):
        raise NotAJuror
    appeal = _locked(appeal_id)
    seats = list(Juror.objects.filter(appeal=appeal))
    for seat in seats:
        if seat.worker_id == worker.pk and not seat.vote and seat.leave_at > now:
            return seat
    if not _open_to(worker, now).filter(pk=appeal_id).exists():
        raise Appeal.DoesNotExist
    left = [seat for seat in seats if not seat.vote and seat.leave_at <= now]
    Juror.objects.filter(pk__in=[seat.pk for seat in left]).delete()
    taken = {seat.seat for seat in seats if seat not in left}
    number = min(set(range(1, Appeal.SEATS + 1)) - taken)
    batch = Batch.objects.get(assignments=appeal_id)
    return Juror.objects.create(
        appeal=appeal,
        seat=number,
        worker=worker,
        person_id=_person(worker),
        joined_at=now,
        leave_at=min(now + SEAT_LASTS, appeal.jury_until),
        pay_minor=_pay(batch, worker, now),
        currency=batch.currency,
    )


@transaction.atomic
def vote(*, appeal_id: int, worker: Worker, vote: Juror.Vote, reason: str, now: datetime) -> Juror:
    """Vote, with reasons that both sides will read; the second equal vote decides.

    A vote on a case that was decided while this juror was reading it is paid and changes nothing.

    Raises:
        Appeal.DoesNotExist: they never had a seat there.
        InvalidRejection: the reasons are too short.
        VoteTooLate: their hour is over, or they have voted.
    """
    if len(reason.strip()) < REASON_LEAST:
        raise InvalidRejection(f"Give at least {REASON_LEAST} characters of reasons.")
    appeal = _locked(appeal_id)
    seat = Juror.objects.filter(appeal=appeal, worker=worker).first()
    if seat is None:
        raise Appeal.DoesNotExist
    if seat.vote or seat.leave_at <= now:
        raise VoteTooLate
    seat.vote, seat.reason, seat.voted_at = vote, reason.strip(), now
    seat.save(update_fields=["vote", "reason", "voted_at"])
    if appeal.status == Appeal.Status.OPEN:
        _decide(appeal, now)
    return seat


def _decide(appeal: Appeal, now: datetime) -> None:
    votes = list(Juror.objects.filter(appeal=appeal).exclude(vote="").order_by("voted_at", "pk"))
    [(choice, count)] = Counter(each.vote for each in votes).most_common(1)
    if count < MAJORITY:
        return
    overturned = choice == Juror.Vote.OVERTURN
    outcome = Appeal.Outcome.OVERTURNED if overturned else Appeal.Outcome.UPHELD
    said = "The rejection is overturned." if overturned else "The rejection stands."
    reasons = [f"{each.get_vote_display()}: {each.reason}" for each in votes]
    answer = "\n\n".join([f"{said} A jury of workers decided, and said:", *reasons])
    outcomes.decide(appeal, outcome=outcome, answer=answer, decided_by=None, now=now)


def pay_jurors(*, now: datetime, limit: int = 1_000) -> int:
    """Pay up to ``limit`` jurors for their votes, at the platform's cost; return how many.

    Rows are locked and marked in the transaction that posts, and each posting's key names its
    seat, so running twice or side by side pays once.
    """
    with transaction.atomic():
        unpaid = Juror.objects.filter(voted_at__isnull=False, paid_at=None).order_by("pk")
        rows = unpaid.select_related("worker")
        due = list(rows.select_for_update(skip_locked=True, of=("self",))[:limit])
        ledger.post_all(_postings(due), now=now)
        return Juror.objects.filter(pk__in=[seat.pk for seat in due]).update(paid_at=now)


def _postings(seats: Sequence[Juror]) -> list[Posting]:
    earnings = accounts.earnings_of_each((seat.worker.user_id, seat.currency) for seat in seats)
    currencies = {currency for _, currency in earnings}
    payers = {currency: accounts.review_pay(currency).pk for currency in sorted(currencies)}
    return [
        Posting(
            key=f"juror:{seat.pk}",
            kind=Transfer.Kind.REVIEW_PAY,
            source_id=payers[seat.currency],
            target_id=earnings[seat.worker.user_id, seat.currency],
            amount=Money(seat.pay_minor, seat.currency),
        )
        for seat in seats
    ]


def _locked(appeal_id: int) -> Appeal:
    return Appeal.objects.select_for_update(no_key=True, of=("self",)).get(pk=appeal_id)


def _person(worker: Worker) -> int:
    return User.objects.values_list("person_id", flat=True).get(worker=worker)


def _open_to(worker: Worker, now: datetime) -> QuerySet[Appeal]:
    """Open appeals with a free seat, less those in which this worker's person has a part."""
    person = _person(worker)
    mine = Q(worker__user__person=person)
    seated = Juror.objects.filter(mine, appeal=OuterRef("pk")).filter(_is_taken(now))
    task = OuterRef("rejection__assignment__task")
    had_it = Assignment.objects.filter(mine | Q(person=person), task=task)
    requester = OuterRef("rejection__assignment__batch__project__requester")
    parted = Block.objects.filter(mine, requester=requester, lifted_at=None)
    involved = (
        Q(rejection__assignment__batch__project__requester__person=person)
        | Q(rejection__assignment__worker__user__person=person)
        | Q(rejection__assignment__task__author_id=person)
    )
    taken = Count("jurors", filter=_is_taken(now, "jurors__"))
    may_disturb = Q(rejection__assignment__batch__content_warnings__contained_by=worker.content)
    return (
        Appeal.objects.filter(may_disturb, status=Appeal.Status.OPEN, jury_until__gt=now)
        .exclude(involved)
        .filter(~Exists(seated), ~Exists(had_it), ~Exists(parted))
        .annotate(taken=taken)
        .filter(taken__lt=Appeal.SEATS)
    )


def _is_taken(now: datetime, prefix: str = "") -> Q:
    """A seat whose juror has voted, or still may."""
    return Q(**{f"{prefix}voted_at__isnull": False}) | Q(**{f"{prefix}leave_at__gt": now})


def _whole(appeals: QuerySet[Appeal]) -> QuerySet[Appeal]:
    return appeals.select_related(
        "rejection__assignment__batch", "rejection__assignment__answer",
        "rejection__assignment__task__input",
    )  # fmt: skip


def _case(appeal: Appeal, worker: Worker, now: datetime) -> Case:
    rejection = appeal.rejection
    assignment = rejection.assignment
    version = asked(assignment.batch.version_id)
    return Case(
        id=appeal.pk,
        instructions=version.instructions,
        interface=version.interface,
        input=assignment.task.input.data,
        answer=assignment.answer.value,
        code=rejection.code,
        reason=rejection.reason,
        instruction=rejection.instruction,
        message=appeal.message,
        jury_until=appeal.jury_until,
        pay_minor=_pay(assignment.batch, worker, now),
        currency=assignment.batch.currency,
    )


def _pay(batch: Batch, worker: Worker, now: datetime) -> int:
    """What one vote earns, in minor units: the floor for the time it takes, or else a reward."""
    places = [worker.country, f"{worker.country}-{worker.subdivision}"] if worker.country else []
    per_hour = floors.in_force(currency=batch.currency, on=now.date(), jurisdictions=places)
    per_hour = max(per_hour or 0, batch.floor_minor or 0)
    if not per_hour:
        return batch.reward_minor
    known = Wage.objects.filter(pk=batch.pk).values_list("reference_seconds", flat=True).first()
    reference = known or batch.estimate_seconds or 0
    return floor_pay(per_hour, max(SECONDS_LEAST, TIMES_REFERENCE * reference))
