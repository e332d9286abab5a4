"""Pay on top of rewards, so that work earns the wage floor; it is never taken back.

What is paid is what is owed by now minus what was paid before, found and posted under the batch's
row lock in one transaction. So a repeat, or a run that died, pays nothing twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Q

from payments import accounts, ledger
from payments.ledger import Posting
from payments.models import Account, Transfer
from payments.money import Money
from tasks.compensation import pauses
from tasks.compensation.dues import EVERYBODY, Due, Scope, dues, job_dues
from tasks.models import Assignment, Batch, TopUp, Wage
from workers import events
from workers.models import Worker

HOUR = timedelta(hours=1)
WEEK_HOURS = 7 * 24


def pay(
    *,
    batch: Batch,
    worker: Worker,
    rule: TopUp.Rule,
    amount_minor: int,
    inputs: dict[str, Any],
    now: datetime,
) -> TopUp:
    """Pay one worker on top: from the batch's reserve, and what that lacks from the platform.

    Each call pays: the caller writes in the same transaction what it is for. Raises
    ``InvalidAmount`` unless the amount is positive.
    """
    with transaction.atomic():
        due = Due(worker.pk, rule, amount_minor, inputs)
        [made] = pay_all(locked(batch.pk), [due], now=now)
    return made


def locked(batch_id: int) -> Batch:
    """Read a batch, and let nobody else change it or spend its reserve in this transaction."""
    row = Batch.objects.select_for_update(no_key=True, of=("self",)).select_related("project")
    return row.get(pk=batch_id)


def pay_all(
    batch: Batch, owed: Sequence[Due], *, with_wallet: bool = False, now: datetime
) -> list[TopUp]:
    """Pay all that is ``owed`` in a batch at once, in their order as far as its reserve goes.

    What the reserve lacks the platform pays, and the requester owes it; an open batch is held up
    then. The caller holds the batch's row lock, without which nobody spends from a reserve, and
    says with ``with_wallet`` that it moves the requester's own money in the same transaction.
    """
    if not owed:
        return []
    left, numbers = left_in(batch), _numbers(batch)
    made = []
    for due in owed:
        numbers[due.worker_id, due.rule] += 1
        from_reserve = min(left, due.amount_minor)
        left -= from_reserve
        made.append(
            TopUp(
                batch=batch,
                worker_id=due.worker_id,
                rule=due.rule,
                number=numbers[due.worker_id, due.rule],
                reserve_minor=from_reserve,
                guarantee_minor=due.amount_minor - from_reserve,
                inputs=due.inputs,
                made_at=now,
            )
        )
    postings = _postings(batch, made)
    if with_wallet:
        _lock_all(batch, postings)
    ledger.post_all(postings, now=now)
    TopUp.objects.bulk_create(made)
    _note_guarantee(batch, sum(each.guarantee_minor for each in made), now)
    return made


def _lock_all(batch: Batch, postings: Sequence[Posting]) -> None:
    """Lock all accounts of a batch and of ``postings`` at once, in the ledger's order."""
    wallet = accounts.wallet_of(batch.project.requester_id, batch.currency)
    ids = {wallet.pk, batch.escrow_id or 0, batch.reserve_id or 0}
    ids |= {each.target_id for each in postings}
    guarded = Account.objects.filter(pk__in=ids, guarded=True).order_by("pk")
    list(guarded.select_for_update(no_key=True).values_list("pk"))


def left_in(batch: Batch) -> int:
    """What a batch's reserve still has, in minor units; nothing once it is closed."""
    reserve = Account.objects.filter(pk=batch.reserve_id or 0)
    return reserve.values_list("balance_minor", flat=True).first() or 0


def _numbers(batch: Batch) -> defaultdict[tuple[int, str], int]:
    """How many top-ups each worker has had by each rule."""
    rows = TopUp.objects.filter(batch=batch).values_list("worker_id", "rule")
    counted = rows.annotate(latest=Max("number"))
    return defaultdict(int, {(worker, rule): latest for worker, rule, latest in counted})


def _postings(batch: Batch, made: Sequence[TopUp]) -> list[Posting]:
    users = dict(
        Worker.objects.filter(pk__in={each.worker_id for each in made}).values_list("pk", "user_id")
    )
    earnings = accounts.earnings_by_user(users.values(), batch.currency)
    postings = []
    for each in made:
        cause = f"top_up:{batch.pk}:{each.worker_id}:{each.rule}:{each.number}"
        parts = [(cause, batch.reserve_id, each.reserve_minor)]
        if each.guarantee_minor:
            owed = accounts.receivable(batch.project.requester_id, batch.currency)
            parts.append((f"{cause}:guarantee", owed.pk, each.guarantee_minor))
        postings += [
            Posting(
                key=key,
                kind=Transfer.Kind.TOP_UP,
                source_id=source_id or 0,
                target_id=earnings[users[each.worker_id]],
                amount=Money(minor, batch.currency),
            )
            for key, source_id, minor in parts
            if minor
        ]
    return postings


def _note_guarantee(batch: Batch, minor: int, now: datetime) -> None:
    if not minor:
        return
    events.record(
        kind="batch_guaranteed",
        subject_kind="batch",
        subject_id=batch.pk,
        actor=None,
        at=now,
        data={"amount_minor": minor, "currency": batch.currency},
    )
    if batch.status == Batch.Status.OPEN:
        pauses.hold_up(batch, pauses.RESERVE_LOW, now=now, left_minor=0, missing_minor=minor)


def pay_job(batch: Batch, wage: Wage, *, with_wallet: bool = False, now: datetime) -> int:
    """Pay what the rule JOB owes by now; return how much. See ``pay_all`` for the locks."""
    return _sum(pay_all(batch, job_dues(batch, wage), with_wallet=with_wallet, now=now))


def settle_up(
    batch: Batch,
    wage: Wage,
    scope: Scope = EVERYBODY,
    *,
    with_wallet: bool = False,
    now: datetime,
) -> int:
    """Pay all that both rules owe by now; return how much. See ``pay_all`` for the locks."""
    return _sum(pay_all(batch, dues(batch, wage, scope), with_wallet=with_wallet, now=now))


def _sum(made: Sequence[TopUp]) -> int:
    return sum(each.amount_minor for each in made)


def top_up_due(*, now: datetime) -> int:
    """Pay what batches that still run owe by the rule JOB, and once a week by both.

    Returns how many batches paid. A batch's week is up in the hour in which a whole number of weeks
    has passed since it was published. A run that is missed then is made up for at the batch's end,
    or at a worker's payout.
    """
    running = Wage.objects.filter(is_final=False, batch__in=Batch.objects.live())
    rows = running.order_by("batch_id").values_list(
        "batch_id", "topup_minor", "batch__published_at"
    )
    return sum(
        _top_up(batch_id, by_worker=_is_week_up(published_at, now), now=now)
        for batch_id, topup_minor, published_at in list(rows)
        if topup_minor or _is_week_up(published_at, now)
    )


def _is_week_up(published_at: datetime | None, now: datetime) -> bool:
    hours = (now - published_at) // HOUR if published_at else 0
    return hours > 0 and hours % WEEK_HOURS == 0


def _top_up(batch_id: int, *, by_worker: bool, now: datetime) -> bool:
    with transaction.atomic():
        batch, wage = locked(batch_id), Wage.objects.get(pk=batch_id)
        if wage.is_final:
            return False
        return bool((settle_up if by_worker else pay_job)(batch, wage, now=now))


def top_up_worker(*, worker: Worker, now: datetime) -> int:
    """Pay a worker what their batches owe them by now, before they are paid out.

    Returns how many batches paid. All are locked before the first pays: the caller may have a
    transaction open, and with it the worker's account would stay locked from one to the next.
    """
    late = Q(batch__wage__is_final=False) | Q(finished_at__gt=F("batch__closed_at"))
    mine = Assignment.objects.of(worker).filter(
        late, status=Assignment.Status.ACCEPTED, batch__floor_minor__isnull=False
    )
    rows = Batch.objects.filter(pk__in=set(mine.values_list("batch_id", flat=True)))
    rows = rows.select_for_update(no_key=True, of=("self",)).select_related("project")
    with transaction.atomic():
        # In the order in which a sweep locks those of which it gives back claims of a pilot.
        return sum(
            bool(settle_up(batch, Wage.objects.get(pk=batch.pk), Scope(worker.pk), now=now))
            for batch in list(rows.order_by("escrow"))
        )
