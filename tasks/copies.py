"""Tasks made of tasks: what was asked once is asked again, of experts or as gold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from tasks.models import Batch
from tasks.models.task import POSITION_BITS, Lane, position_of

# The author is copied, too: who wrote a task may not answer its copy either.
COPY = """
WITH wanted AS (
    SELECT original, position, nextval('tasks_task_id_seq') AS copy
    FROM unnest(%(originals)s::bigint[], %(positions)s::bigint[]) AS w(original, position)
), made AS (
    INSERT INTO tasks_task
        (id, batch_id, lane, position, overlap, remaining_overlap, is_open, author_id)
    SELECT w.copy, %(batch)s, %(lane)s, w.position, %(overlap)s, %(overlap)s, %(overlap)s > 0,
           t.author_id
    FROM wanted w JOIN tasks_task t ON t.id = w.original
), shown AS (
    INSERT INTO tasks_taskinput (task_id, data, external_id)
    SELECT w.copy, i.data, i.external_id
    FROM wanted w JOIN tasks_taskinput i ON i.task_id = w.original
)
SELECT original, copy FROM wanted
"""


def copy_tasks(
    batch: Batch,
    originals: Sequence[int],
    *,
    lane: Lane,
    overlap: int,
    draw: Callable[[int], int],
) -> dict[int, int]:
    """Put a copy of each task, with ``overlap`` open slots, into ``batch``; return their ids.

    Keys are the originals. Neither counts nor money are touched: that is the caller's, in the
    same transaction.
    """
    asked: dict[str, Any] = {
        "batch": batch.pk,
        "originals": list(originals),
        "positions": [position_of(0, draw(POSITION_BITS)) for _ in originals],
        "lane": lane.value,
        "overlap": overlap,
    }
    with connection.cursor() as cursor:
        cursor.execute(COPY, asked)
        return dict(cursor.fetchall())
