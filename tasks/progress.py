"""How far each batch has got, counted by a job so that nothing else has to count."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q

from tasks.models import Batch

EVERY = timedelta(seconds=3)
PAUSE_PER_SLOT = timedelta(microseconds=20)  # large batches are counted less often

COUNT = """
WITH slots AS (
    SELECT coalesce(sum(remaining_overlap), 0) AS open_slots,
           -- A task that wants no answer at all was withdrawn before anybody gave one.
           count(*) FILTER (WHERE lane <> 2 AND (is_open OR overlap = 0)) AS not_done
    FROM tasks_task WHERE batch_id = %(batch)s
), made AS (
    SELECT count(*) FILTER (WHERE status = 'active') AS active,
           count(DISTINCT task_id) FILTER (
               WHERE status = 'active' AND NOT is_gold
               AND NOT (SELECT is_open FROM tasks_task t WHERE t.id = a.task_id)
           ) AS live_tasks,
           count(*) FILTER (WHERE status = 'submitted') AS submitted,
           count(*) FILTER (WHERE status = 'accepted') AS accepted,
           count(*) FILTER (WHERE status = 'rejected') AS rejected,
           count(*) FILTER (WHERE status = 'skipped') AS skipped,
           count(*) FILTER (WHERE status = 'expired') AS expired,
           count(paid_at) AS paid,
           count(DISTINCT worker_id) FILTER (WHERE submitted_at IS NOT NULL) AS workers
    FROM tasks_assignment a WHERE batch_id = %(batch)s
), worked AS (
    -- Older answers were not timed: of several claimed together, each begins when the one before
    -- it was submitted.
    SELECT coalesce(worked_seconds, extract(epoch FROM submitted_at - greatest(
               claimed_at, lag(submitted_at) OVER (
                   PARTITION BY worker_id ORDER BY submitted_at)))) AS seconds
    FROM tasks_assignment WHERE batch_id = %(batch)s AND submitted_at IS NOT NULL
), agreed AS (
    SELECT avg(c.confidence) AS confidence
    FROM tasks_consensus c JOIN tasks_task t ON t.id = c.task_id WHERE t.batch_id = %(batch)s
)
INSERT INTO tasks_progress (batch_id, tasks_done, open_slots, active, submitted, accepted, rejected,
    skipped, expired, paid, workers, median_seconds, confidence, counted_at, count_again_at)
SELECT b.id, b.task_count - slots.not_done - made.live_tasks, slots.open_slots, made.active,
       made.submitted, made.accepted, made.rejected, made.skipped, made.expired, made.paid,
       made.workers, (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FROM worked),
       agreed.confidence, %(now)s, %(now)s + greatest(%(every)s, b.slot_count * %(pause)s)
FROM tasks_batch b, slots, made, agreed WHERE b.id = %(batch)s
ON CONFLICT (batch_id) DO UPDATE SET
    tasks_done = excluded.tasks_done, open_slots = excluded.open_slots, active = excluded.active,
    submitted = excluded.submitted, accepted = excluded.accepted, rejected = excluded.rejected,
    skipped = excluded.skipped, expired = excluded.expired, paid = excluded.paid,
    workers = excluded.workers, median_seconds = excluded.median_seconds,
    confidence = excluded.confidence, counted_at = excluded.counted_at,
    count_again_at = excluded.count_again_at
"""


def count_due(*, now: datetime, limit: int = 200) -> int:
    """Count up to ``limit`` batches whose figures are old; return how many.

    A large batch is counted less often, so that counting stays a small share of one core.
    """
    never = Q(progress=None)
    stale = ~Q(status=Batch.Status.CLOSED) & Q(progress__count_again_at__lte=now)
    settled_since = Q(status=Batch.Status.CLOSED, progress__counted_at__lt=F("closed_at"))
    aggregated_since = Q(status=Batch.Status.CLOSED, progress__counted_at__lt=F("aggregated_at"))
    due = Batch.objects.published().filter(never | stale | settled_since | aggregated_since)
    longest_ago = F("progress__counted_at").asc(nulls_first=True)
    ids = list(due.order_by(longest_ago, "pk").values_list("pk", flat=True)[:limit])
    for batch_id in ids:
        count(batch_id=batch_id, now=now)
    return len(ids)


def count(*, batch_id: int, now: datetime) -> None:
    """Count one batch."""
    asked: dict[str, Any] = {
        "batch": batch_id,
        "now": now,
        "every": EVERY,
        "pause": PAUSE_PER_SLOT,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, asked)
