"""What a batch's work takes and earns, looked at while answers arrive, and once more at its end.

Only batches with new answers are read, and large ones more seldom. What is found is written to the
batch's ``Wage``; the usual time never lowers what was promised before.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Sum

from tasks import escrow
from tasks.alone import alone
from tasks.compensation import dues, measure, pauses, topups
from tasks.compensation.floor import MEASURED_MIN
from tasks.models import Assignment, Batch, Rejection, Return, Task, Wage
from tasks.wages.floor import job_topup

WAGES = 4_717  # a class of advisory locks, beside those of tasks.alone
PAUSE_MIN = timedelta(seconds=60)
PAUSE_PER_ANSWER = timedelta(milliseconds=1)
UNSEEN = timedelta(minutes=1)  # an answer submitted before a look may be committed after it


def look_due(*, now: datetime, limit: int = 200) -> int:
    """Look at up to ``limit`` batches that have new answers; return how many.

    A lost or repeated run changes only latency: everything follows from the rows.
    """
    due = Wage.objects.filter(is_final=False, look_after__lte=now)
    rows = due.order_by("look_after", "batch_id").values_list("batch_id", "computed_at")[:limit]
    return sum(_look(batch_id, computed_at, now) for batch_id, computed_at in list(rows))


def _look(batch_id: int, computed_at: datetime | None, now: datetime) -> bool:
    answered = Assignment.objects.filter(batch=batch_id, submitted_at__isnull=False)
    if computed_at is not None:
        answered = answered.filter(submitted_at__gt=computed_at - UNSEEN)
    wage = Wage.objects.filter(batch=batch_id)
    with alone(WAGES, batch_id) as mine:
        # First, so that a batch with which something is wrong does not keep others waiting.
        wage.update(look_after=now + PAUSE_MIN)
        if not mine or not answered.exists():
            return False
        measured = measure.measure(batch_id)
        with transaction.atomic():
            batch = topups.locked(batch_id)
            if batch.status == Batch.Status.CLOSED:
                return False
            _store(batch, measured, now)
            _see_to_reserve(batch, now)
        wage.update(look_after=now + max(PAUSE_MIN, PAUSE_PER_ANSWER * len(measured.times)))
    return True


def _store(batch: Batch, measured: measure.Measured, now: datetime) -> Wage:
    """Note what was measured, and what every accepted answer is owed by it."""
    assert batch.floor_minor is not None
    wage = Wage.objects.get(pk=batch.pk)
    reference = measured.reference or batch.estimate_seconds or 0
    topup = job_topup(batch.reward_minor, batch.floor_minor, reference)
    measure.note(batch, measured, topup_minor=max(topup, wage.topup_minor), now=now)
    return Wage.objects.get(pk=batch.pk)


class Need(NamedTuple):
    """What a batch's top-ups will take, reckoned from its answers so far; minor units."""

    accrued: int  # owed for answers given so far, were all of them accepted
    each: float  # what an answer so far was owed on average, paid or not

    def of(self, answers: int) -> int:
        """What is owed so far, and will be for ``answers`` more that are like those so far."""
        return self.accrued + round(self.each * answers)


def need_of(batch: Batch) -> Need:
    """Reckon what a batch's top-ups will take."""
    wage = Wage.objects.get(pk=batch.pk)
    accrued = sum(due.amount_minor for due in dues.dues(batch, wage, dues.COUNTED))
    paid = sum(dues.COUNTED.paid(batch, dues.BY_FLOOR).values())
    answers = Assignment.objects.counted().filter(batch=batch).count()
    return Need(accrued, (accrued + paid) / answers if answers else 0.0)


def _see_to_reserve(batch: Batch, now: datetime) -> None:
    """Hold a batch up whose reserve will not pay for what is given and under way."""
    wage = Wage.objects.get(pk=batch.pk)
    known = wage.reference_seconds is not None and wage.answers >= MEASURED_MIN
    if batch.status != Batch.Status.OPEN or not known:
        return
    need, left = need_of(batch), topups.left_in(batch)
    if need.of(_under_way(batch)) > left:
        missing = need.of(_under_way(batch) + _open_slots(batch)) - left
        pauses.hold_up(batch, pauses.RESERVE_LOW, now=now, left_minor=left, missing_minor=missing)


def refill(batch: Batch, *, now: datetime) -> None:
    """Bring what the reserve lacks for all answers that are still wanted.

    The caller holds the batch's row lock. Raises ``InsufficientFunds`` when the wallet holds less.
    """
    wanted = _under_way(batch) + _open_slots(batch)
    missing = need_of(batch).of(wanted) - topups.left_in(batch)
    escrow.bring_reserve(batch, least_minor=max(0, missing), now=now)


def _under_way(batch: Batch) -> int:
    return Assignment.objects.filter(batch=batch, status=Assignment.Status.ACTIVE).count()


def _open_slots(batch: Batch) -> int:
    open_tasks = Task.objects.filter(batch=batch, is_open=True)
    return open_tasks.aggregate(slots=Sum("remaining_overlap"))["slots"] or 0


def finish(batch: Batch, *, now: datetime) -> bool:
    """Pay the last top-ups of a batch whose answers are all decided and paid; say whether done.

    Not while a refusal may be overturned, or the time of a returned task may still be paid. The
    caller holds the row lock, and refunds the rest of the reserve in the same transaction.
    """
    if batch.floor_minor is None:
        return True
    contested = Rejection.objects.filter(assignment__batch=batch, status__in=Rejection.PENDING)
    returned = Return.objects.filter(
        batch=batch, status__in=[Return.Status.WAITING, Return.Status.GRANTED]
    )
    if contested.exists() or returned.exists():
        return False
    wage = _store(batch, measure.measure(batch.pk), now)
    topups.settle_up(batch, wage, with_wallet=True, now=now)
    Wage.objects.filter(batch=batch).update(is_final=True)
    return True
