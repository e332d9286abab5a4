"""Step 4, aggregate: many answers become one, with a confidence, batch by batch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from tasks import quality, report
from tasks.alone import AGGREGATE, alone
from tasks.assist.predictions import votes
from tasks.combine import Decided, combine
from tasks.models import Assignment, Batch, Consensus, Gold
from tasks.report import Given
from tasks.versions import asked

# A running batch is computed again after a pause that grows with its answers, so that
# aggregation takes a small share of one core however large the batch is.
PAUSE_MIN = timedelta(seconds=4)
PAUSE_PER_ANSWER = timedelta(microseconds=200)
CHUNK = 2_000


def aggregate_due(*, now: datetime, limit: int = 200) -> int:
    """Aggregate up to ``limit`` batches that have new answers; return how many."""
    news = Assignment.objects.counted().filter(aggregated_at=None)
    due = (
        Batch.objects.published()
        .filter(Q(aggregate_after=None) | Q(aggregate_after__lte=now), pk__in=news.values("batch"))
        .order_by(F("aggregate_after").asc(nulls_first=True), "pk")
    )
    return sum(aggregate(batch=batch, now=now) for batch in due[:limit])


def aggregate(*, batch: Batch, now: datetime) -> bool:
    """Compute every task's consensus anew from all answers of the batch, and its workers' skill.

    Returns False, having done nothing, when another run has the batch in hand. Dying half way
    leaves answers unmarked, so the next run starts over.
    """
    with alone(AGGREGATE, batch.pk) as mine:
        if not mine:
            return False
        # First, so that a batch with which something is wrong does not keep others waiting.
        Batch.objects.filter(pk=batch.pk).update(aggregate_after=now + PAUSE_MIN)
        rejected_before = Batch.objects.values_list("rejected_count", flat=True).get(pk=batch.pk)
        given = list(_answers(batch))
        parsed = asked(batch.version_id).checker.interface
        answers = [(each.task, each.worker, each.value) for each in given]
        answers += votes(batch)
        decided = combine(
            parsed,
            answers,
            method=batch.aggregation,
            gold=_gold(batch),
            picked=report.picked_before(batch),
        )
        _store(decided, now)
        report.write(batch, given, decided, now=now)
        if batch.purpose == Batch.Purpose.WORK:
            quality.score_by_fit(batch=batch, right=decided.right, now=now)
        quality.score_by_gold(project_id=batch.project_id, now=now)
        for start in range(0, len(given), CHUNK):
            chunk = [each.assignment for each in given[start : start + CHUNK]]
            Assignment.objects.filter(pk__in=chunk, aggregated_at=None).update(aggregated_at=now)
        pause = max(PAUSE_MIN, PAUSE_PER_ANSWER * len(given))
        _finish(batch, rejected_before, now=now, again_after=now + pause)
    return True


@transaction.atomic
def _finish(batch: Batch, rejected_before: int, *, now: datetime, again_after: datetime) -> None:
    """Note the run; and if an answer it counted was rejected meanwhile, undo it for that task."""
    # A rejection locks the batch first, so it is either seen here or comes after all this.
    locked = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if locked.rejected_count != rejected_before:
        rejected = Assignment.objects.filter(batch=batch, status=Assignment.Status.REJECTED)
        spoiled = list(rejected.values_list("task_id", flat=True))
        Consensus.objects.filter(task__in=spoiled, source=Consensus.Source.CROWD).delete()
        counted = Assignment.objects.counted().filter(task__in=spoiled)
        counted.update(aggregated_at=None)
    Batch.objects.filter(pk=batch.pk).update(aggregated_at=now, aggregate_after=again_after)


def _answers(batch: Batch) -> Iterator[Given]:
    rows = (
        Assignment.objects.counted()
        .filter(batch=batch)
        .order_by("pk")
        .values_list("pk", "task_id", "worker_id", "answer__value")
    )
    yield from (Given(*row) for row in rows.iterator(chunk_size=CHUNK))


def _gold(batch: Batch) -> dict[int, Any]:
    live = Gold.objects.filter(task__batch=batch).exclude(retired_for__in=Gold.VOID)
    return dict(live.values_list("task_id", "answer"))


# A review may be decided while this runs: what it wrote stands, whoever comes first.
STORE = """
INSERT INTO tasks_consensus AS c (task_id, name, value, confidence, raw_confidence, is_calibrated,
                                  method, source, answers, aggregated_at)
SELECT s.task, s.name, s.value::jsonb, s.confidence, s.raw, s.calibrated, s.method, 'crowd',
       s.answers, %(now)s
FROM unnest(%(tasks)s::bigint[], %(names)s::text[], %(values)s::text[], %(confidences)s::float8[],
            %(raws)s::float8[], %(calibrated)s::boolean[], %(methods)s::text[], %(answers)s::int[])
    AS s(task, name, value, confidence, raw, calibrated, method, answers)
ORDER BY s.task, s.name
ON CONFLICT (task_id, name) DO UPDATE SET
    value = excluded.value, confidence = excluded.confidence,
    raw_confidence = excluded.raw_confidence, is_calibrated = excluded.is_calibrated,
    method = excluded.method, source = excluded.source, answers = excluded.answers,
    aggregated_at = excluded.aggregated_at
WHERE c.source <> 'review'
"""


def _store(decided: Decided, now: datetime) -> None:
    """Write each task's consensus over what was there before, unless a review decided it."""
    for start in range(0, len(decided.consensus), CHUNK):
        rows = decided.consensus[start : start + CHUNK]
        asked: dict[str, Any] = {
            "tasks": [each.task for each in rows],
            "names": [each.name for each in rows],
            "values": [json.dumps(each.value) for each in rows],
            "confidences": [each.confidence for each in rows],
            "raws": [each.raw_confidence for each in rows],
            "calibrated": [each.is_calibrated for each in rows],
            "methods": [each.method for each in rows],
            "answers": [each.answers for each in rows],
            "now": now,
        }
        with connection.cursor() as cursor:
            cursor.execute(STORE, asked)
