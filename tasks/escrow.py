"""A batch's money: what opening, withdrawing and settling slots does to its escrow.

Every open slot and every undecided assignment holds ``batch.unit`` of the escrow account,
so ``spent + reserved ≤ budget`` is the account's own ``0 ≤ held ≤ balance``. A batch with a
fixed overlap holds its whole budget from the start; an adaptive one holds what it has opened,
and opens more while anything is free.

Beside it lies the batch's reserve, an account of its own that pay is raised to the wage floor from
(``tasks.compensation``). Nothing in it is held, and no reward or fee is paid from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F

from payments import accounts, ledger
from payments.errors import InsufficientFunds
from payments.ledger import Posting
from payments.models import Transfer
from payments.money import Money
from tasks.errors import BudgetTooSmall
from tasks.models import Batch


def gold_live(batch: Batch) -> int:
    """How many gold tasks are not retired."""
    return batch.gold_count - batch.gold_retired


def gold_slots(batch: Batch, slots: int) -> int:
    """How many gold answers go with ``slots`` ordinary ones, so that golds are the batch's rate."""
    if not gold_live(batch):
        return 0
    return round(slots * batch.gold_rate / (1 - batch.gold_rate))


def gold_overlap(batch: Batch) -> int:
    """How many answers each gold task wants, so that together they serve the whole batch."""
    return _each(gold_slots(batch, batch.slot_count), gold_live(batch))


def _each(slots: int, tasks: int) -> int:
    return -(-slots // tasks) if tasks else 0


def cost(batch: Batch) -> Money:
    """The most the batch can cost, gold and fee included.

    With a fixed overlap that is every answer it wants. With an adaptive one it is the cap that
    the requester set, or else what ``overlap`` answers per task would cost.
    """
    if batch.is_adaptive and batch.cap_minor is not None:
        return Money(batch.cap_minor, batch.currency)
    slots = batch.slot_count
    if batch.is_adaptive:
        slots = max(slots, batch.task_count * batch.overlap)
    gold = gold_live(batch)
    return batch.unit * (slots + _each(gold_slots(batch, slots), gold) * gold)


def allocate(batch: Batch, amount: Money, *, now: datetime) -> None:
    """Bring money from the requester's wallet into escrow, where it is free to be held.

    The reserve that as many more answers call for comes with it. The caller holds the batch's
    row lock.

    Raises:
        InsufficientFunds: the wallet holds less than both.
    """
    if amount.minor:
        lacking = reserve_lacks(batch, batch.budget_minor + amount.minor)
        _bring(batch, budget_minor=amount.minor, reserve_minor=lacking, now=now)


def reserve_lacks(batch: Batch, budget_minor: int) -> int:
    """What the reserve has not been given for as many answers as ``budget_minor`` pays for."""
    answers = budget_minor // batch.unit.minor
    return max(0, batch.reserve_each_minor * answers - batch.reserve_minor)


def bring_reserve(batch: Batch, *, least_minor: int = 0, now: datetime) -> int:
    """Bring what the batch's reserve lacks, or ``least_minor`` if that is more; return how much.

    The caller holds the batch's row lock.

    Raises:
        InsufficientFunds: the wallet holds less.
    """
    lacking = max(reserve_lacks(batch, batch.budget_minor), least_minor)
    _bring(batch, budget_minor=0, reserve_minor=lacking, now=now)
    return lacking


def _bring(batch: Batch, *, budget_minor: int, reserve_minor: int, now: datetime) -> None:
    """Move both sums out of the wallet, or neither: what is missing is missing for both."""
    if not budget_minor and not reserve_minor:
        return
    wallet = accounts.wallet_of(batch.project.requester_id, batch.currency)
    budget, reserve = batch.budget_minor + budget_minor, batch.reserve_minor + reserve_minor
    moves = [
        (Transfer.Kind.ALLOCATE, budget, batch.escrow_id, budget_minor),
        (Transfer.Kind.SET_ASIDE, reserve, batch.reserve_id, reserve_minor),
    ]
    postings = [
        Posting(
            key=f"{kind}:{batch.pk}:{total}",
            kind=kind,
            source_id=wallet.pk,
            target_id=account_id or 0,
            amount=Money(minor, batch.currency),
        )
        for kind, total, account_id, minor in moves
        if minor
    ]
    ledger.post_all(postings, now=now)
    Batch.objects.filter(pk=batch.pk).update(
        budget_minor=F("budget_minor") + budget_minor,
        reserve_minor=F("reserve_minor") + reserve_minor,
    )
    batch.budget_minor, batch.reserve_minor = budget, reserve


def reserve(batch: Batch, slots: int) -> None:
    """Hold money of the escrow for ``slots`` that the caller opened in the same transaction.

    Raises:
        InsufficientFunds: less is free; what the caller did must be undone.
    """
    hold_more(batch, batch.unit * slots)


def hold_more(batch: Batch, amount: Money) -> None:
    """Hold free money of the escrow for what the caller promised in the same transaction.

    Raises:
        InsufficientFunds: less is free; what the caller did must be undone.
    """
    assert batch.escrow_id is not None
    if amount.minor:
        ledger.hold(batch.escrow_id, amount)


def fund(batch: Batch, slots: int, *, now: datetime) -> None:
    """Bring what the batch may now cost, and hold it for ``slots`` that were just opened.

    The caller holds the batch's row lock, and has opened the slots in the same transaction.

    Raises:
        BudgetTooSmall: an adaptive batch's cap does not pay for these slots.
        InsufficientFunds: the wallet holds less than they cost.
    """
    if not batch.is_adaptive:
        allocate(batch, batch.unit * slots, now=now)
        reserve(batch, slots)
        return
    allocate(batch, Money(max(0, cost(batch).minor - batch.budget_minor), batch.currency), now=now)
    try:
        reserve(batch, slots)
    except InsufficientFunds as error:
        raise BudgetTooSmall(error.missing) from error


RAISE_GOLD = """
WITH low AS (
    SELECT t.id, %(overlap)s::int - t.overlap AS slots
    FROM tasks_task t JOIN tasks_gold g ON g.task_id = t.id AND g.retired_at IS NULL
    WHERE t.batch_id = %(batch)s AND t.lane = 2 AND t.overlap < %(overlap)s
    ORDER BY t.id FOR NO KEY UPDATE OF t
), raised AS (
    UPDATE tasks_task t SET overlap = t.overlap + low.slots,
                            remaining_overlap = t.remaining_overlap + low.slots, is_open = true
    FROM low WHERE t.id = low.id RETURNING low.slots
)
SELECT coalesce(sum(slots), 0)::bigint FROM raised
"""


def raise_gold(batch: Batch) -> int:
    """Open the gold slots that the batch's ordinary slots call for; return how many."""
    asked: dict[str, Any] = {"batch": batch.pk, "overlap": gold_overlap(batch)}
    with connection.cursor() as cursor:
        cursor.execute(RAISE_GOLD, asked)
        return int(cursor.fetchone()[0])


WITHDRAW = """
WITH due AS (
    SELECT id, remaining_overlap FROM tasks_task
    WHERE batch_id = %(batch)s AND is_open
      AND (NOT %(expired)s OR expires_at <= %(now)s)
    ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
), withdrawn AS (
    UPDATE tasks_task t SET overlap = t.overlap - due.remaining_overlap,
                            remaining_overlap = 0, is_open = false
    FROM due WHERE t.id = due.id RETURNING due.remaining_overlap
)
SELECT count(*), coalesce(sum(remaining_overlap), 0)::bigint FROM withdrawn
"""


def withdraw(
    batch: Batch,
    *,
    now: datetime,
    limit: int,
    only_expired: bool = False,
) -> int:
    """Take back the open slots of up to ``limit`` tasks, and release what they held.

    Returns how many tasks were changed. Tasks locked by a claim are left for the next run.
    """
    assert batch.escrow_id is not None
    asked: dict[str, Any] = {
        "batch": batch.pk,
        "now": now,
        "limit": limit,
        "expired": only_expired,
    }
    with connection.cursor() as cursor:
        cursor.execute(WITHDRAW, asked)
        tasks, slots = cursor.fetchone()
    release(batch, slots)
    return int(tasks)


WITHDRAW_FROM = """
WITH due AS (
    SELECT id, remaining_overlap FROM tasks_task
    WHERE batch_id = %(batch)s AND is_open AND id = ANY(%(tasks)s::bigint[])
    ORDER BY id FOR NO KEY UPDATE
), withdrawn AS (
    UPDATE tasks_task t SET overlap = t.overlap - due.remaining_overlap,
                            remaining_overlap = 0, is_open = false
    FROM due WHERE t.id = due.id RETURNING due.remaining_overlap
)
SELECT coalesce(sum(remaining_overlap), 0)::bigint FROM withdrawn
"""


def withdraw_from(batch: Batch, task_ids: Sequence[int]) -> int:
    """Take back the open slots of these tasks, and release what they held; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(WITHDRAW_FROM, {"batch": batch.pk, "tasks": list(task_ids)})
        slots = int(cursor.fetchone()[0])
    release(batch, slots)
    return slots


def release(batch: Batch, slots: int) -> None:
    """Stop holding money for ``slots`` answers that will not come."""
    assert batch.escrow_id is not None
    if slots:
        # As it stands now: the reward may have been raised since the caller read the batch.
        priced = Batch.objects.only("reward_minor", "fee_minor", "currency").get(pk=batch.pk)
        ledger.release(batch.escrow_id, priced.unit * slots)
