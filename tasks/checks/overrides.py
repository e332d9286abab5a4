"""What a worker's restrictions make of their cursors, so that a claim needs to read nothing else.

More gold and fewer live assignments are for the batch whose rule said so; a pause is for every
batch of its project.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import Max

from tasks.models import Restriction
from workers.models import Worker

# Of one kind a worker has at most one live restriction in a batch.
BRING_UP = """
UPDATE tasks_cursor c
SET gold_rate = n.gold_rate, max_live_assignments = n.live, paused_until = n.paused_until
FROM (
    SELECT c.id,
           (SELECT max(r.value) FROM tasks_restriction r
            WHERE r.worker_id = c.worker_id AND r.batch_id = c.batch_id
              AND r.kind = 'more_gold' AND r.lifted_at IS NULL) AS gold_rate,
           (SELECT min(r.value)::int FROM tasks_restriction r
            WHERE r.worker_id = c.worker_id AND r.batch_id = c.batch_id
              AND r.kind = 'limit' AND r.lifted_at IS NULL) AS live,
           (SELECT max(r.until) FROM tasks_restriction r JOIN tasks_batch o ON o.id = r.batch_id
            WHERE r.worker_id = c.worker_id AND o.project_id = b.project_id
              AND r.kind = 'pause' AND r.lifted_at IS NULL) AS paused_until
    FROM tasks_cursor c JOIN tasks_batch b ON b.id = c.batch_id
    WHERE c.worker_id = %(worker)s AND b.project_id = %(project)s
) n
WHERE c.id = n.id AND (c.gold_rate, c.max_live_assignments, c.paused_until)
    IS DISTINCT FROM (n.gold_rate, n.live, n.paused_until)
"""


def hold(worker_id: int) -> Worker:
    """Let nobody else change this worker's restrictions until the transaction ends.

    Also keeps a first claim from making a cursor that knows nothing of a pause made meanwhile.
    Claims with a cursor share the worker's key and do not wait.
    """
    return Worker.objects.locked().get(pk=worker_id)


def bring_up(*, worker_id: int, project_id: int) -> None:
    """Make the worker's cursors in a project say what their live restrictions say.

    Call it in the transaction of the change, after ``hold``.
    """
    with connection.cursor() as cursor:
        cursor.execute(BRING_UP, {"worker": worker_id, "project": project_id})


def inherited_pause(*, batch_id: int, worker: Worker) -> datetime | None:
    """Return until when a new cursor in this batch is paused; asked at a first claim only."""
    hold(worker.pk)
    live = Restriction.objects.filter(
        worker=worker,
        kind=Restriction.Kind.PAUSE,
        lifted_at=None,
        batch__project__batches=batch_id,
    )
    until: datetime | None = live.aggregate(until=Max("until"))["until"]
    return until
