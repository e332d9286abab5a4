"""A batch's money: what opening, withdrawing and settling slots does to its escrow.

Every open slot and every undecided assignment holds ``batch.unit`` of the escrow account,
so ``spent + reserved ≤ budget`` is the account's own ``0 ≤ held ≤ balance``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F

from payments import accounts, ledger
from payments.ledger import Posting
from payments.models import Transfer
from payments.money import Money
from tasks.models import Batch


def gold_slots(batch: Batch, slots: int) -> int:
    """How many gold answers go with ``slots`` ordinary ones, so that golds are the batch's rate."""
    if not batch.gold_count:
        return 0
    return round(slots * batch.gold_rate / (1 - batch.gold_rate))


def gold_overlap(batch: Batch) -> int:
    """How many answers each gold task wants, so that together they serve the whole batch."""
    wanted = gold_slots(batch, batch.slot_count)
    return -(-wanted // batch.gold_count) if batch.gold_count else 0


def cost(batch: Batch) -> Money:
    """The most the batch can cost: every answer it wants, gold included, with the fee."""
    return batch.unit * (batch.slot_count + gold_overlap(batch) * batch.gold_count)


def fund(batch: Batch, slots: int, *, now: datetime) -> Money:
    """Bring the money for ``slots`` that were just opened from the wallet into escrow, held.

    The caller holds the batch's row lock, and has opened the slots in the same transaction.

    Raises:
        InsufficientFunds: the wallet holds less than they cost.
    """
    assert batch.escrow_id is not None
    brought = batch.unit * slots
    if not slots:
        return brought
    wallet = accounts.wallet_of(batch.project.requester_id, batch.currency)
    total = batch.budget_minor + brought.minor
    ledger.post(
        Posting(
            key=f"allocate:{batch.pk}:{total}",
            kind=Transfer.Kind.ALLOCATE,
            source_id=wallet.pk,
            target_id=batch.escrow_id,
            amount=brought,
        ),
        now=now,
    )
    ledger.hold(batch.escrow_id, brought)
    Batch.objects.filter(pk=batch.pk).update(budget_minor=F("budget_minor") + brought.minor)
    batch.budget_minor = total
    return brought


RAISE_GOLD = """
WITH low AS (
    SELECT id, %(overlap)s::int - overlap AS slots FROM tasks_task
    WHERE batch_id = %(batch)s AND lane = 2 AND overlap < %(overlap)s
    ORDER BY id FOR UPDATE
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
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
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


def release(batch: Batch, slots: int) -> None:
    """Stop holding money for ``slots`` answers that will not come."""
    assert batch.escrow_id is not None
    if slots:
        ledger.release(batch.escrow_id, batch.unit * slots)
