"""The order of tasks that nobody has been given yet: those a model is least sure of first."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from django.db import connection
from django.db.models import F

from tasks.assist.predictions import CHUNK, NOTHING, model_of
from tasks.learning import uncertainty
from tasks.learning.errors import UnknownStrategy
from tasks.models import Batch, Prediction
from tasks.models.task import WAVE_BITS, WAVES_FROM, Lane

__all__ = ["DEFAULT", "STRATEGIES", "UnknownStrategy", "line_up"]

STRATEGIES = tuple(sorted(uncertainty.STRATEGIES))
DEFAULT = "entropy"
OTHERS_MAX = 100  # classes that what a bare score leaves over is spread over

# In id order, as all that locks several tasks. Guarded by what "not given to anybody" means, so
# that a task claimed meanwhile keeps its place. The positions lie ahead of every cursor.
LINE_UP = """
WITH wanted AS (
    SELECT * FROM unnest(%(tasks)s::bigint[]) WITH ORDINALITY AS w(task_id, place)
), locked AS (
    SELECT t.id, w.place FROM tasks_task t JOIN wanted w ON w.task_id = t.id
    WHERE t.batch_id = %(batch)s AND t.is_open AND t.lane = 1 AND t.remaining_overlap = t.overlap
    ORDER BY t.id FOR NO KEY UPDATE OF t
)
UPDATE tasks_task t SET position = %(ahead)s::bigint + locked.place
FROM locked WHERE t.id = locked.id
"""


def line_up(batch: Batch, strategy: str = DEFAULT) -> int:
    """Give each task that nobody has been given a place by its prediction; return how many.

    The caller holds the batch's row lock and has read its wave after that. Behind tasks of which
    nothing is predicted come the others, least sure first, with a share of random ones among
    them (``tasks.learning.uncertainty``). A task with several questions is as unsure as the one
    that is least sure. Raises ``UnknownStrategy``.
    """
    tasks = uncertainty.order(_doubts(batch, strategy), strategy, seed=batch.pk)
    if not tasks:
        return 0
    asked: dict[str, Any] = {
        "batch": batch.pk,
        "tasks": tasks,
        "ahead": WAVES_FROM + (batch.wave << WAVE_BITS),
    }
    with connection.cursor() as cursor:
        cursor.execute(LINE_UP, asked)
        placed = int(cursor.rowcount)
    Batch.objects.filter(pk=batch.pk).update(wave=F("wave") + 1)
    batch.wave += 1
    return placed


def _doubts(batch: Batch, strategy: str) -> dict[int, Mapping[str, float]]:
    """Return, by task that nobody has been given, the probabilities it is ordered by."""
    if strategy not in uncertainty.STRATEGIES:
        known = ", ".join(STRATEGIES)
        raise UnknownStrategy(f"{strategy!r:.60} is no strategy. Known: {known}.")
    model = model_of(batch)
    if model is None:
        return {}
    rows = (
        Prediction.objects.filter(
            predictor=model,
            task__batch=batch,
            task__is_open=True,
            task__lane=Lane.NORMAL,
            task__remaining_overlap=F("task__overlap"),
        )
        .exclude(value=NOTHING)
        .values_list("task", "score", "probabilities")
    )
    measure = uncertainty.STRATEGIES[strategy]
    found: dict[int, Mapping[str, float]] = {}
    for task, score, probabilities in rows.iterator(chunk_size=CHUNK):
        candidates = list((probabilities or {}).values())
        if not candidates and score is not None:
            candidates = [_by_score(score)]
        if candidates:
            found[task] = max(candidates, key=measure)
    return found


def _by_score(score: float) -> dict[str, float]:
    """Return probabilities of which the highest is ``score``, of classes nobody has named.

    The rest goes to as many others as leave none of them above it: a low score is doubt, not
    certainty of something else.
    """
    others = min(ceil((1 - score) / score), OTHERS_MAX) if score > 0 else OTHERS_MAX
    rest = {f"other {place}": (1 - score) / others for place in range(others)}
    return {"said": score, **rest}
