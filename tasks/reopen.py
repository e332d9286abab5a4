"""What happens to a slot whose assignment came to nothing: offered again, or withdrawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db import connection

from tasks import escrow, pilot_claims
from tasks.models import Batch

# Rows are locked in id order, so that two sweeps over the same tasks cannot deadlock.
REOPEN = """
WITH freed AS (
    SELECT * FROM unnest(%(tasks)s::bigint[], %(counts)s::int[]) AS f(task_id, slots)
), locked AS (
    SELECT t.id, f.slots, t.lane FROM tasks_task t JOIN freed f ON f.task_id = t.id
    ORDER BY t.id FOR NO KEY UPDATE OF t
)
UPDATE tasks_task t SET remaining_overlap = t.remaining_overlap + l.slots, is_open = true,
                        lane = CASE WHEN t.lane = 2 THEN 2 ELSE 0 END
FROM locked l WHERE t.id = l.id
"""

WITHDRAW = """
WITH freed AS (
    SELECT * FROM unnest(%(tasks)s::bigint[], %(counts)s::int[]) AS f(task_id, slots)
), locked AS (
    SELECT t.id, f.slots FROM tasks_task t JOIN freed f ON f.task_id = t.id
    ORDER BY t.id FOR NO KEY UPDATE OF t
)
UPDATE tasks_task t SET overlap = t.overlap - l.slots FROM locked l WHERE t.id = l.id
"""


def give_back(batch: Batch, task_ids: Iterable[int]) -> None:
    """Return one slot per entry of ``task_ids``, all of ``batch``, for others to claim.

    Returned slots are urgent: their tasks are nearly done, or have waited longest. In a batch that
    is closing the slot is withdrawn instead, and its money released.
    """
    slots = Counter(task_ids)
    if not slots:
        return
    asked = {"tasks": list(slots), "counts": list(slots.values())}
    if batch.pilot_left is not None:
        # Before the tasks, as everywhere: a claim has locked the batch when it reaches for them.
        pilot_claims.add(batch.pk, slots.total())
    with connection.cursor() as cursor:
        cursor.execute(REOPEN if batch.reopens else WITHDRAW, asked)
    if not batch.reopens:
        escrow.release(batch, slots.total())
