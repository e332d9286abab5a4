"""Step 5, settle: accepted answers are paid from escrow, what was not spent goes back.

Deciding marks rows; money moves in bulk, in ``pay_accepted``. So no two decisions queue
on one batch's account, and a decision costs the same however many batches there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from payments import accounts, disputes, ledger
from payments.errors import RequesterFrozen
from payments.ledger import Posting
from payments.models import Account, Transfer
from payments.money import Money
from tasks import batchwise, escrow
from tasks.compensation import wage
from tasks.errors import IllegalTransition, ReasonMissing
from tasks.hearings import guard
from tasks.models import Assignment, Batch, Task
from tasks.models.task import Lane
from workers import events
from workers.models import User

MONEY_KEPT = timedelta(days=90)  # from the publication of a batch to its end, at most


@transaction.atomic
def accept(*, assignment: Assignment, actor: User, now: datetime) -> None:
    """Keep the answer; its reward is paid within seconds by ``pay_accepted``.

    A rejection that waited for a human is dropped.

    Raises:
        IllegalTransition: the assignment is not waiting for a decision.
    """
    if assignment.status != Assignment.Status.SUBMITTED:  # a rejected one has its hearing
        raise IllegalTransition(f"An assignment that is {assignment.status} cannot be accepted.")
    assignment.move_to(Assignment.Status.ACCEPTED, finished_at=now, decided_by=actor)
    guard.drop_waiting([assignment.pk], now)


@transaction.atomic
def accept_all(
    *, batch: Batch, assignment_ids: Sequence[int] | None, actor: User, now: datetime
) -> int:
    """Accept the named answers of a batch, or, without names, all that wait; return how many.

    Answers that are decided already stay as they are.

    Raises:
        Assignment.DoesNotExist: one that is named is not of this batch; nothing is accepted.
    """
    waiting = Assignment.objects.filter(batch=batch, status=Assignment.Status.SUBMITTED)
    if assignment_ids is not None:
        named = set(assignment_ids)
        if Assignment.objects.filter(batch=batch, pk__in=named).count() < len(named):
            raise Assignment.DoesNotExist
        waiting = waiting.filter(pk__in=named)
    # In the order of their numbers, as everybody locks answers who decides on several.
    locked = waiting.order_by("pk").select_for_update(no_key=True)
    ids = list(locked.values_list("pk", flat=True))
    accepted = Assignment.objects.filter(pk__in=ids).update(
        status=Assignment.Status.ACCEPTED, finished_at=now, decided_by=actor
    )
    if accepted:
        guard.drop_waiting(ids, now)
        _record("assignments_accepted", batch, actor, now, count=accepted)
    return accepted


def accept_due(*, now: datetime, limit: int = 2_000) -> int:
    """Accept up to ``limit`` answers nobody decided on in time; return how many."""
    with transaction.atomic():
        due = Assignment.objects.filter(
            status=Assignment.Status.SUBMITTED, accept_due_at__lte=now
        ).order_by("accept_due_at")
        ids = list(
            due.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)[
                :limit
            ]
        )
        accepted = Assignment.objects.filter(pk__in=ids)
        done = accepted.update(status=Assignment.Status.ACCEPTED, finished_at=now)
        guard.drop_waiting(ids, now)
        return done


def pay_accepted(*, now: datetime, limit: int = 2_000) -> int:
    """Pay up to ``limit`` accepted answers: reward to the worker, fee to the platform.

    Running twice or side by side pays once: rows are locked and marked in the transaction that
    posts, and each posting's key names its assignment. A batch whose books are wrong stops no
    other: see ``batchwise``.
    """

    def unpaid(batch_id: int | None) -> QuerySet[Assignment]:
        rows = Assignment.objects.unpaid()
        return rows if batch_id is None else rows.filter(batch=batch_id)

    def pay(batch_id: int | None) -> int:
        with transaction.atomic():
            rows = unpaid(batch_id).order_by("pk").select_related("batch", "worker")
            due = list(rows.select_for_update(skip_locked=True, of=("self",))[:limit])
            ledger.post_all(_postings(due), now=now)
            return Assignment.objects.filter(pk__in=[row.pk for row in due]).update(paid_at=now)

    return batchwise.pay("rewards", pay, lambda: batchwise.batches_of(unpaid(None)), now=now)


def _postings(rows: Sequence[Assignment]) -> list[Posting]:
    """Reward and fee of each assignment, from the money held for it.

    What was paid for the time it took, before a refusal was overturned, is part of the reward.
    """
    earnings = accounts.earnings_of_each((row.worker.user_id, row.batch.currency) for row in rows)
    currencies = {currency for _, currency in earnings}
    fees = {currency: accounts.fees(currency).pk for currency in sorted(currencies)}
    postings = []
    for row in rows:
        currency = row.batch.currency
        theirs = earnings[row.worker.user_id, currency]
        sides = [
            ("reward", theirs, row.reward_minor - row.effort_minor),
            ("fee", fees[currency], row.fee_minor),
        ]
        postings += [
            Posting(
                key=f"{kind}:{row.pk}",
                kind=Transfer.Kind(kind),
                source_id=row.batch.escrow_id or 0,
                target_id=target,
                amount=Money(minor, currency),
                from_held=True,
            )
            for kind, target, minor in sides
            if minor
        ]
    return postings


@transaction.atomic
def bonus(
    *, assignment: Assignment, amount: Money, reason: str, key: str, actor: User, now: datetime
) -> Transfer:
    """Pay a worker extra for one assignment, from the requester's wallet, at most once per key.

    Raises:
        IllegalTransition: the assignment was never submitted.
        InsufficientFunds: the wallet holds less.
        ReasonMissing: no reason was given.
        RequesterFrozen: a payment of the requester's is disputed.
    """
    if not reason.strip():
        raise ReasonMissing
    if assignment.submitted_at is None:
        raise IllegalTransition("Only a submitted assignment can earn a bonus.")
    requester_id = assignment.batch.project.requester_id
    posting = Posting(
        key=f"bonus:{assignment.pk}:{key}",
        kind=Transfer.Kind.BONUS,
        source_id=accounts.wallet_of(requester_id, amount.currency).pk,
        target_id=accounts.earnings_of(assignment.worker.user_id, amount.currency).pk,
        amount=amount,
    )
    if ledger.post_all([posting], now=now):
        if disputes.is_frozen(requester_id):  # a repeat is answered all the same
            raise RequesterFrozen
        paid: dict[str, int | str] = {
            "assignment": assignment.pk,
            "amount_minor": amount.minor,
            "reason": reason,
        }
        _record("bonus_paid", assignment.batch, actor, now, **paid)
    return Transfer.objects.get(key=posting.key)


def wind_up(*, now: datetime, limit: int = 5_000) -> int:
    """Take each batch that is finished, or being closed, one step nearer to its end.

    A batch whose tasks all have their answers, all decided and paid, begins to close by itself.
    A closing batch gives up its open slots; once nothing is held, the rest goes back to the
    requester's wallet. Returns how many batches were closed for good.
    """
    wanted = Task.objects.ordinary().filter(batch=OuterRef("pk"), is_open=True)
    ending = Batch.objects.live().filter(Q(status=Batch.Status.CLOSING) | ~Exists(wanted))

    return sum(
        batchwise.alone("the end", partial(_wind_up, pk, now, limit), pk, now=now)
        for pk in list(ending.order_by("pk").values_list("pk", flat=True))
    )


@transaction.atomic
def _wind_up(batch_id: int, now: datetime, limit: int) -> bool:
    # Another run may have this batch in hand, or have closed it just now, or an upload may be
    # adding to it.
    live = Batch.objects.live().select_related("project").filter(pk=batch_id)
    batch = live.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
    if batch is None:
        return False
    if batch.status != Batch.Status.CLOSING and _is_finished(batch):
        batch.move_to(Batch.Status.CLOSING)
    if batch.status != Batch.Status.CLOSING:
        return False
    escrow.withdraw(batch, now=now, limit=limit)
    return _refund(batch, now)


def close_old(*, now: datetime, limit: int = 100) -> int:
    """Begin to close batches that have been out for ``MONEY_KEPT``; return how many.

    So long may the money of a job lie here; what nobody has answered by then is given up.
    """
    old = Batch.objects.filter(
        status__in=[Batch.Status.OPEN, Batch.Status.PAUSED], published_at__lte=now - MONEY_KEPT
    )
    ids = list(old.order_by("published_at").values_list("pk", flat=True)[:limit])
    return sum(_close_old(batch_id, now) for batch_id in ids)


@transaction.atomic
def _close_old(batch_id: int, now: datetime) -> bool:
    batch = Batch.objects.select_for_update(no_key=True).get(pk=batch_id)
    if batch.status not in {Batch.Status.OPEN, Batch.Status.PAUSED}:
        return False
    batch.move_to(Batch.Status.CLOSING)
    _record("batch_closing", batch, None, now, after_days=MONEY_KEPT.days)
    return True


def _is_finished(batch: Batch) -> bool:
    """Whether every ordinary task has all its answers, and every answer is decided and paid.

    What is held says so without counting anything: it is then just the open gold slots. All
    answers must be in the consensus, and an adaptive batch must have found that it wants no more.
    """
    still_open = Task.objects.filter(batch=batch, is_open=True)
    if still_open.ordinary().exists():
        return False
    gold = still_open.filter(lane=Lane.GOLD).aggregate(slots=Sum("remaining_overlap"))["slots"] or 0
    assert batch.escrow is not None
    if batch.escrow.held_minor != batch.unit.minor * gold:
        return False
    counted = Assignment.objects.counted().filter(batch=batch)
    if counted.filter(aggregated_at=None).exists():
        return False
    return not batch.is_adaptive or batch.decided_answers == counted.count()


def _refund(batch: Batch, now: datetime) -> bool:
    """Return what a closing batch did not need, once nothing is held and nothing owed any more."""
    assert batch.escrow_id is not None
    account = Account.objects.get(pk=batch.escrow_id)
    if account.held_minor or not wage.finish(batch, now=now):
        return False
    reserve = Account.objects.filter(pk=batch.reserve_id or 0).first()
    wallet = accounts.wallet_of(batch.project.requester_id, batch.currency)
    rests = [(f"refund:{batch.pk}", account)]
    if reserve is not None:
        rests.append((f"refund:{batch.pk}:reserve", reserve))
    ledger.post_all(
        [
            Posting(
                key=key,
                kind=Transfer.Kind.REFUND,
                source_id=rest.pk,
                target_id=wallet.pk,
                amount=rest.balance,
            )
            for key, rest in rests
            if rest.balance_minor
        ],
        now=now,
    )
    for _, rest in rests:
        ledger.close(rest.pk, now=now)
    batch.move_to(Batch.Status.CLOSED, closed_at=now, refunded_minor=account.balance_minor)
    told = {"refund_minor": account.balance_minor}
    if reserve is not None:
        told["reserve_refund_minor"] = reserve.balance_minor
    _record("batch_closed", batch, None, now, **told)
    return True


def _record(kind: str, batch: Batch, actor: User | None, now: datetime, **data: int | str) -> None:
    events.record(
        kind=kind, subject_kind="batch", subject_id=batch.pk, actor=actor, at=now, data=data
    )
