"""Refusing pay: with a code, reasons and what failed; the reward stays held until it is final.

A refusal that comes unusually often waits for a human. The worker has a week to appeal; if they
do not, it stands. For honest work that was refused the time is paid, up to the reward.

Source: payments specification, 4 (reject) and 9.5; Directive (EU) 2024/2831, articles 10 and 11.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet

from payments import accounts, ledger
from payments.ledger import Posting
from payments.models import Transfer
from payments.money import Money
from tasks import batchwise
from tasks.errors import IllegalTransition, InvalidRejection, ReasonMissing
from tasks.hearings import guard, outcomes, replacement
from tasks.models import Assignment, Batch, Consensus, Rejection, Wage
from tasks.wages import floor
from workers import decisions, events
from workers.models import Decision, User

APPEAL_WITHIN = timedelta(days=7)
REASON_LEAST = 40  # characters
AT_ONCE_MOST = 5
Status = Rejection.Status
REFUSED = (Status.OPEN, Status.APPEALED, Status.FINAL)


class Refusal(NamedTuple):
    """What a requester says of one answer."""

    assignment_id: int
    code: str
    reason: str
    instruction: str  # the instruction or check that failed


def reject(
    *,
    assignment: Assignment,
    code: str,
    reason: str,
    instruction: str,
    actor: User,
    now: datetime,
) -> Rejection:
    """Refuse the answer, say why, and ask another worker if there is money for it.

    The task's consensus is computed anew without it. Where the requester refuses unusually often
    (``guard.is_unusual``) the answer goes on waiting instead, until a human confirms this.

    Raises:
        IllegalTransition: the assignment is not waiting for a decision, or a human has it already.
        InvalidRejection: the code is not known, the reasons are too short, or nothing failed.
    """
    refusal = Refusal(assignment.pk, code, reason, instruction)
    [made] = reject_some(batch=assignment.batch, refusals=[refusal], actor=actor, now=now)
    assignment.refresh_from_db(
        fields=["status", "finished_at", "decided_by", "reason", "accept_due_at"]
    )
    return made


@transaction.atomic
def reject_some(
    *, batch: Batch, refusals: Sequence[Refusal], actor: User, now: datetime
) -> list[Rejection]:
    """Refuse up to five answers of a batch, each for its own reasons, or none of them.

    Raises:
        Assignment.DoesNotExist: one is not of this batch.
        IllegalTransition, InvalidRejection: see ``reject``; also for more than five at once.
    """
    said = {each.assignment_id: each for each in refusals}
    if not 0 < len(said) == len(refusals) <= AT_ONCE_MOST:
        raise InvalidRejection(f"Name 1 to {AT_ONCE_MOST} answers, each once.")
    checked = {pk: _checked(each) for pk, each in said.items()}
    named = Assignment.objects.filter(batch=batch, pk__in=checked)
    tasks = set(named.values_list("task_id", flat=True))
    if named.count() < len(checked):
        raise Assignment.DoesNotExist
    # One refusal of a requester at a time, or the guard would not see the other.
    requester = User.objects.filter(pk=batch.project.requester_id)
    requester.select_for_update(no_key=True).get()
    # Before the answers: an aggregation that ends now ends before this or sees it.
    locked = outcomes.lock_batch(batch.pk)
    rows = outcomes.lock_answers(tasks, set(checked))
    made = []
    for refusal in checked.values():
        row = rows[refusal.assignment_id]
        row.batch = locked
        made.append(_refuse(row, refusal, actor, now))
    return made


def _checked(refusal: Refusal) -> Refusal:
    code, reason, instruction = (each.strip() for each in refusal[1:])
    if code not in Rejection.Code.values:
        raise InvalidRejection(f"Give one of these codes: {', '.join(Rejection.Code.values)}.")
    if len(reason) < REASON_LEAST:
        raise InvalidRejection(f"Give at least {REASON_LEAST} characters of reasons.")
    if not instruction:
        raise InvalidRejection("Say which instruction or check failed.")
    return refusal._replace(reason=reason, instruction=instruction)


def _refuse(assignment: Assignment, refusal: Refusal, actor: User, now: datetime) -> Rejection:
    if assignment.status != Assignment.Status.SUBMITTED:
        raise IllegalTransition(f"An assignment that is {assignment.status} cannot be rejected.")
    if Rejection.objects.filter(pk=assignment.pk).exists():
        raise IllegalTransition("This rejection waits for a human already.")
    rejection = Rejection(
        assignment=assignment,
        code=refusal.code,
        reason=refusal.reason,
        instruction=refusal.instruction,
        status=Status.WAITING,
        made_by=actor,
        made_at=now,
    )
    if guard.is_unusual(assignment.batch):
        rejection.save(force_insert=True)
        waits_until = now + guard.LOOK_WITHIN
        Assignment.objects.filter(pk=assignment.pk).update(accept_due_at=waits_until)
        _record("rejection_waits", rejection, actor, now, reason=rejection.reason)
    else:
        _carry_out(rejection, decided_by=actor, now=now)
        rejection.save(force_insert=True)
    return rejection


def _carry_out(rejection: Rejection, *, decided_by: User, now: datetime, words: str = "") -> None:
    """Refuse a locked answer; the caller saves the rejection."""
    assignment, batch = rejection.assignment, rejection.assignment.batch
    until = now + APPEAL_WITHIN
    told = {"code": rejection.code, "instruction": rejection.instruction}
    rejection.decision = decisions.record(
        kind=Decision.Kind.REFUSE_PAY,
        subject_kind="assignment",
        subject_id=assignment.pk,
        concerns=assignment.worker.user,
        made_by=decided_by,
        reasons=rejection.reason,
        evidence={**told, "confirmed": words} if words else told,
        now=now,
        appeal_until=until,
    )
    assignment.move_to(
        Assignment.Status.REJECTED,
        finished_at=now,
        decided_by=rejection.made_by,
        reason=rejection.reason,
    )
    rejection.status, rejection.appeal_until = Status.OPEN, until
    rejection.effort_minor = _effort(assignment, rejection.code)
    rejection.reopened = replacement.replace(batch, assignment.task_id, now=now)
    Consensus.objects.filter(task_id=assignment.task_id, source=Consensus.Source.CROWD).delete()
    outcomes.count_anew(batch.pk, [assignment.task_id])
    said = {"reason": rejection.reason, **told}
    _record("assignment_rejected", rejection, decided_by, now, **said)


def _effort(assignment: Assignment, code: str) -> int:
    """What the time is worth that a refused answer took, in minor units; see ``wages.floor``."""
    batch = assignment.batch
    if batch.floor_minor is None or code in Rejection.UNPAID_EFFORT:
        return 0
    seconds = assignment.worked_seconds
    if seconds is None:
        assert assignment.submitted_at is not None
        seconds = round((assignment.submitted_at - assignment.claimed_at).total_seconds())
    known = Wage.objects.filter(pk=batch.pk).values_list("reference_seconds", flat=True).first()
    reference = known or batch.estimate_seconds or seconds
    return floor.effort_pay(assignment.reward_minor, batch.floor_minor, seconds, reference)


@transaction.atomic
def confirm(*, rejection: Rejection, words: str, actor: User, now: datetime) -> None:
    """Agree, as a human who has no part in it, to a refusal that waits; say why.

    The worker's week to appeal begins now.

    Raises:
        IllegalTransition: it does not wait any more.
        Involved: ``actor`` is the requester or the worker.
        ReasonMissing: there are no words.
    """
    row = _look(rejection, words, actor)
    row.confirmed_by = actor
    _carry_out(row, decided_by=actor, now=now, words=words.strip())
    row.save()
    rejection.refresh_from_db()


@transaction.atomic
def decline(*, rejection: Rejection, words: str, actor: User, now: datetime) -> None:
    """Disagree with a refusal that waits: the answer is accepted, and paid within seconds.

    Raises: see ``confirm``.
    """
    row = _look(rejection, words, actor)
    row.assignment.move_to(Assignment.Status.ACCEPTED, finished_at=now, decided_by=actor)
    row.status, row.confirmed_by, row.final_at = Status.DECLINED, actor, now
    row.save()
    _record("rejection_declined", row, actor, now, reason=words.strip())
    rejection.refresh_from_db()


def _look(rejection: Rejection, words: str, actor: User) -> Rejection:
    if not words.strip():
        raise ReasonMissing
    row = outcomes.lock_case(rejection.pk)
    if row.status != Status.WAITING:
        raise IllegalTransition("This rejection does not wait for a human any more.")
    guard.check_uninvolved(actor, row.assignment)
    return row


def finish_due(*, now: datetime, limit: int = 500) -> int:
    """Make up to ``limit`` rejections final that nobody appealed in time; return how many.

    Each is a transaction of its own that finds it still open, so runs that die, repeat or overlap
    free no money twice.
    """
    due = Rejection.objects.filter(status=Status.OPEN, appeal_until__lte=now)
    found = due.order_by("appeal_until", "pk").values_list("pk", "assignment__batch")[:limit]
    return sum(
        batchwise.alone("rejections", partial(_finish, pk, now), batch, now=now)
        for pk, batch in list(found)
    )


@transaction.atomic
def _finish(assignment_id: int, now: datetime) -> bool:
    rejection = outcomes.lock_case(assignment_id)
    if rejection.status != Status.OPEN:
        return False
    outcomes.stand(rejection, now=now)
    return True


def pay_efforts(*, now: datetime, limit: int = 1_000) -> int:
    """Pay what refused work is owed for its time, up to ``limit`` of them; return how many.

    Rows are locked and marked in the transaction that posts, and each posting's key names its
    assignment, so running twice or side by side pays once.
    """

    def owed(batch_id: int | None) -> QuerySet[Assignment]:
        due = Q(rejection__status__in=REFUSED, rejection__effort_paid_at=None)
        refused = Assignment.objects.filter(status=Assignment.Status.REJECTED)
        rows = refused.filter(due, rejection__effort_minor__gt=0)
        return rows if batch_id is None else rows.filter(batch=batch_id)

    def pay(batch_id: int | None) -> int:
        with transaction.atomic():
            rows = owed(batch_id).order_by("pk").select_related("batch", "worker", "rejection")
            # The rejection too: whoever waited for it must see that it was paid meanwhile.
            mine = ("self", "rejection")
            due = list(rows.select_for_update(no_key=True, skip_locked=True, of=mine)[:limit])
            ledger.post_all(_postings(due), now=now)
            return _mark(due, now)

    return batchwise.pay("efforts", pay, lambda: batchwise.batches_of(owed(None)), now=now)


def _postings(rows: Sequence[Assignment]) -> list[Posting]:
    whose = [(row.worker.user_id, row.batch.currency) for row in rows]
    earnings = accounts.earnings_of_each(whose)
    return [
        Posting(
            key=f"effort:{row.pk}",
            kind=Transfer.Kind.EFFORT,
            source_id=row.batch.escrow_id or 0,
            target_id=earnings[one],
            amount=Money(row.rejection.effort_minor, row.batch.currency),
            from_held=True,
        )
        for row, one in zip(rows, whose, strict=True)
    ]


def _mark(paid: Sequence[Assignment], now: datetime) -> int:
    for row in paid:
        row.effort_minor = row.rejection.effort_minor
    Assignment.objects.bulk_update(paid, ["effort_minor"])
    return Rejection.objects.filter(pk__in=[row.pk for row in paid]).update(effort_paid_at=now)


def _record(kind: str, rejection: Rejection, actor: User, now: datetime, **data: Any) -> None:
    events.record(
        kind=kind,
        subject_kind="batch",
        subject_id=rejection.assignment.batch_id,
        actor=actor,
        at=now,
        data={"assignment": rejection.pk, **data},
    )
