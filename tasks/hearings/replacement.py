"""The slot of a refused answer: asked of somebody else, if money can be held for it besides.

What the refused answer was to cost stays held until the refusal is final. The caller has locked
the batch's row, and the assignment has its new status already.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from payments.errors import InsufficientFunds
from tasks import escrow, reopen
from tasks.models import Batch, Gold, Task
from tasks.models.task import Lane

WITHDRAW = "UPDATE tasks_task SET overlap = overlap - 1 WHERE id = %(task)s RETURNING lane"
# An adaptive batch asks for what it wants beyond its minimum when it decides again.
OPEN = """
UPDATE tasks_task SET overlap = overlap + 1, remaining_overlap = remaining_overlap + 1,
                      is_open = true, lane = 0
WHERE id = %(task)s AND lane <> 2 AND (expires_at IS NULL OR expires_at > %(now)s)
  AND (NOT %(adaptive)s OR overlap < %(least)s)
"""
TAKE_BACK = """
UPDATE tasks_task SET remaining_overlap = remaining_overlap - 1, is_open = remaining_overlap > 1
WHERE id = %(task)s AND lane <> 2 AND remaining_overlap > 0
"""
WIDEN = "UPDATE tasks_task SET overlap = overlap + 1 WHERE id = %(task)s RETURNING lane"


def replace(batch: Batch, task_id: int, *, now: datetime) -> bool:
    """Ask somebody else in place of an answer that was just refused; return whether it could be.

    The money is what is free in the batch, or else what the requester's wallet has; an adaptive
    batch keeps to its budget. Without money the slot is withdrawn.
    """
    wanted = Task.objects.filter(pk=task_id).exclude(expires_at__lte=now)
    is_retired = Gold.objects.filter(pk=task_id, retired_at__isnull=False)
    if batch.reopens and wanted.exists() and not is_retired.exists():
        try:
            with transaction.atomic():
                reopen.give_back(batch, [task_id])
                _hold_one(batch, now)
        except InsufficientFunds:
            batch.refresh_from_db(fields=["budget_minor", "reserve_minor"])
        else:
            return True
    _resize(batch, WITHDRAW, task_id, by=-1)
    return False


def ask_again(batch: Batch, task_id: int, *, now: datetime) -> bool:
    """Open the slot that ``replace`` had to withdraw, now that its money is free.

    Not where the batch or the task has ended meanwhile, nor for gold, of which there are others.
    """
    if not batch.reopens:
        return False
    asked: dict[str, Any] = {
        "task": task_id,
        "now": now,
        "adaptive": batch.is_adaptive,
        "least": batch.overlap_min,
    }
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(OPEN, asked)
            if not cursor.rowcount:
                return False
            _hold_one(batch, now)
    except InsufficientFunds:
        batch.refresh_from_db(fields=["budget_minor", "reserve_minor"])
        return False
    _count(batch, by=1)
    return True


def make_room(batch: Batch, task_id: int, *, was_replaced: bool) -> None:
    """Let a refused answer count after all: in its replacement's stead, if nobody has that yet."""
    if was_replaced:
        with connection.cursor() as cursor:
            cursor.execute(TAKE_BACK, {"task": task_id})
            taken_back = bool(cursor.rowcount)
        if taken_back:
            escrow.release(batch, 1)
            return
    _resize(batch, WIDEN, task_id, by=1)


def _hold_one(batch: Batch, now: datetime) -> None:
    """Hold one answer's money: what is free, and what the wallet adds.

    Raises ``InsufficientFunds`` when there is less.
    """
    try:
        escrow.reserve(batch, 1)
    except InsufficientFunds as short:
        if batch.is_adaptive:
            raise
        escrow.allocate(batch, short.missing, now=now)
        escrow.reserve(batch, 1)


def _resize(batch: Batch, sql: str, task_id: int, *, by: int) -> None:
    asked: dict[str, Any] = {"task": task_id}
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        [lane] = cursor.fetchone()
    if lane != Lane.GOLD:
        _count(batch, by=by)


def _count(batch: Batch, *, by: int) -> None:
    """Keep the batch's own count of the answers that its ordinary tasks want."""
    Batch.objects.filter(pk=batch.pk).update(slot_count=F("slot_count") + by)
    batch.slot_count += by
