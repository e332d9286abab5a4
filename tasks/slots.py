"""Opening slots one by one: for tasks whose answers so far do not settle them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import F

from payments.errors import InsufficientFunds
from tasks import escrow
from tasks.models import Batch
from tasks.models.task import WAVE_BITS, WAVES_FROM

# Guarded by the overlap that the wish was made for, so that of two runs one opens the slot. The
# new positions lie ahead of every cursor: each worker comes by once more, and nobody looks back.
OPEN = """
WITH wanted AS (
    SELECT * FROM unnest(%(tasks)s::bigint[], %(overlaps)s::int[])
        WITH ORDINALITY AS w(task_id, overlap, place)
), locked AS (
    SELECT t.id, w.place FROM tasks_task t JOIN wanted w ON w.task_id = t.id
    WHERE t.batch_id = %(batch)s AND t.overlap = w.overlap AND t.lane <> 2
      AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
    ORDER BY t.id FOR NO KEY UPDATE OF t
)
UPDATE tasks_task t SET overlap = t.overlap + 1, remaining_overlap = t.remaining_overlap + 1,
    is_open = true, lane = 1, position = %(ahead)s::bigint + locked.place
FROM locked WHERE t.id = locked.id
"""


class Wish(NamedTuple):
    """One more slot for ``task``, whose overlap was ``overlap`` when this was decided."""

    task: int
    overlap: int


def affordable(batch: Batch) -> int:
    """How many more slots of ordinary tasks the escrow can hold, with the gold they call for."""
    assert batch.escrow is not None
    left = (batch.escrow.balance_minor - batch.escrow.held_minor) // batch.unit.minor
    gold_share = batch.gold_rate / (1 - batch.gold_rate) if escrow.gold_live(batch) else 0.0
    return int(max(left, 0) / (1 + gold_share))


def open_more(batch: Batch, wishes: Sequence[Wish], *, now: datetime) -> int:
    """Open one slot for each wish, the first ones if money is short; return how many.

    The caller has locked the batch's row in this transaction and read its escrow after that.
    Money is held in the same transaction: more than the escrow can bear is never promised.
    """
    chosen = list(wishes)[: affordable(batch)]
    if not chosen:
        return 0
    asked: dict[str, Any] = {
        "batch": batch.pk,
        "tasks": [wish.task for wish in chosen],
        "overlaps": [wish.overlap for wish in chosen],
        "ahead": WAVES_FROM + (batch.wave << WAVE_BITS),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(OPEN, asked)
        opened = int(cursor.rowcount)
    if opened:
        Batch.objects.filter(pk=batch.pk).update(
            wave=F("wave") + 1, slot_count=F("slot_count") + opened
        )
        batch.wave, batch.slot_count = batch.wave + 1, batch.slot_count + opened
        _reserve_with_gold(batch, opened)
    return opened


def _reserve_with_gold(batch: Batch, opened: int) -> None:
    """Hold the money of new slots and of the gold they call for, unless it is short for all gold.

    Tasks are locked before the account, as everywhere.
    """
    try:
        with transaction.atomic():
            escrow.reserve(batch, opened + escrow.raise_gold(batch))
    except InsufficientFunds:
        escrow.reserve(batch, opened)


# Whoever was given a task once, whatever came of it, is not given it again.
IDLE = """
WITH crowd AS MATERIALIZED (
    SELECT DISTINCT u.person_id FROM tasks_assignment a
    JOIN workers_worker w ON w.id = a.worker_id JOIN workers_user u ON u.id = w.user_id
    WHERE a.batch_id = %(batch)s AND a.status IN ('submitted', 'accepted')
)
SELECT t.id FROM tasks_task t
WHERE t.batch_id = %(batch)s AND t.is_open AND t.lane <> 2
  AND %(least)s <= (SELECT count(*) FROM tasks_assignment a
                    WHERE a.task_id = t.id AND a.status IN ('submitted', 'accepted'))
  AND NOT EXISTS (SELECT FROM crowd c WHERE NOT EXISTS (
        SELECT FROM tasks_assignment a WHERE a.task_id = t.id AND a.person_id = c.person_id))
ORDER BY t.id
"""


def idle(batch: Batch) -> list[int]:
    """Open tasks that have the batch's minimum, and that nobody who works there can answer."""
    with connection.cursor() as cursor:
        cursor.execute(IDLE, {"batch": batch.pk, "least": batch.overlap_min})
        return [row[0] for row in cursor.fetchall()]
