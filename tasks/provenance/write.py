"""Write the provenance of closed batches, link by link, as soon as their labels are final.

A run that dies leaves a shorter chain, and the next one goes on where it ends. Two runs cannot
both have a batch: they hold its lock, and the chain's numbers are unique.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest

from tasks.alone import AGGREGATE, alone
from tasks.models import Assignment, Batch, Provenance, Review, Task
from tasks.models.result import Consensus
from tasks.provenance.chain import START, link, stored
from tasks.provenance.records import Source, records, source_of
from workers import events
from workers.models import Event

CHUNK = 200  # records hold labels, which may be masks of a megabyte
RECORDED = "provenance_recorded"  # the event that a batch's chain is complete
REVIEWS_WAIT = timedelta(days=7)  # from closing, for reviews that nobody has decided
# Until then the job that puts doubtful tasks of adaptive batches up for review has had its turn.
DOUBTS_WAIT = timedelta(minutes=5)

# Each batch's answers are gone through once per run. Memory stays PostgreSQL's affair.
WORKED = """
CREATE TEMPORARY TABLE provenance_worked AS
SELECT id, round(coalesce(worked_seconds, extract(epoch FROM submitted_at - greatest(
           claimed_at, lag(submitted_at) OVER (
               PARTITION BY worker_id ORDER BY submitted_at, id)))), 3)::float8 AS seconds
FROM tasks_assignment WHERE batch_id = %(batch)s AND submitted_at IS NOT NULL
"""


class End(NamedTuple):
    """Where a chain ends."""

    number: int
    task: int
    sha256: bytes


def record_due(*, now: datetime, limit: int = 20_000) -> int:
    """Go on with the chains of closed batches until ``limit`` records are written, or all are.

    Returns how many were written; whole chunks, so it may be a few more.
    """
    written = 0
    for batch in _due(now).order_by("closed_at", "pk"):
        if written >= limit:
            break
        written += record(batch=batch, now=now, limit=limit - written)
    return written


def record(*, batch: Batch, now: datetime, limit: int = 20_000) -> int:
    """Write what a batch's chain lacks, if its labels are final; return how many records."""
    # The lock of aggregation: no label may change meanwhile, and no other run may write.
    with alone(AGGREGATE, batch.pk) as mine:
        if not mine or not _due(now).filter(pk=batch.pk).exists():
            return 0
        source, written = source_of(batch), 0
        with _worked(batch):
            while written < limit and (links := _extend(source, now)):
                written += links
        return written


def _due(now: datetime) -> QuerySet[Batch]:
    """Return closed batches whose chain is not complete and whose labels are final."""
    this = {"batch": OuterRef("pk")}
    told = Event.objects.filter(kind=RECORDED, subject_kind="batch", subject_id=OuterRef("pk"))
    new_answers = Assignment.objects.counted().filter(aggregated_at=None, **this)
    waiting = Review.objects.filter(status=Review.Status.WAITING, **this)
    return Batch.objects.alias(latest=Greatest("closed_at", "aggregated_at")).filter(
        ~Exists(told),
        ~Exists(new_answers),
        Q(closed_at__lte=now - REVIEWS_WAIT) | ~Exists(waiting),
        Q(redundancy=Batch.Redundancy.FIXED) | Q(latest__lte=now - DOUBTS_WAIT),
        status=Batch.Status.CLOSED,
    )


@transaction.atomic
def _extend(source: Source, now: datetime) -> int:
    """Add the next links; when there are none, note that the chain is complete."""
    end = end_of(source.batch)
    tasks = list(unrecorded(source.batch, after=end.task)[:CHUNK])
    found = records(source, tasks, seconds=_seconds)
    rows = []
    previous = end.sha256
    for number, task in enumerate(tasks, start=end.number + 1):
        made = stored(found[task])
        sha256 = link(previous, made)
        rows.append(
            Provenance(
                batch=source.batch,
                number=number,
                task_id=task,
                record=made,
                previous=previous,
                sha256=sha256,
                created_at=now,
            )
        )
        previous = sha256
    Provenance.objects.bulk_create(rows)
    if not rows:
        events.record(
            kind=RECORDED,
            subject_kind="batch",
            subject_id=source.batch.pk,
            actor=None,
            at=now,
            data={"labels": end.number, "head": end.sha256.hex()},
        )
    return len(rows)


def end_of(batch: Batch) -> End:
    """Return the last link of a batch's chain, or what stands before the first."""
    last = Provenance.objects.filter(batch=batch).order_by("number").last()
    return End(last.number, last.task_id, bytes(last.sha256)) if last else End(0, 0, START)


def unrecorded(batch: Batch, *, after: int) -> QuerySet[Task, int]:
    """Return the ids of labelled tasks above ``after``, in order, without gold."""
    labels = Consensus.objects.filter(task=OuterRef("pk"))
    tasks = Task.objects.ordinary().filter(Exists(labels), batch=batch, pk__gt=after)
    return tasks.order_by("pk").values_list("pk", flat=True)


@contextmanager
def _worked(batch: Batch) -> Iterator[None]:
    """Keep the active seconds of all answers of the batch at hand, for this session."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.provenance_worked")
        cursor.execute(WORKED, {"batch": batch.pk})
        cursor.execute("CREATE UNIQUE INDEX ON pg_temp.provenance_worked (id)")
        cursor.execute("ANALYZE pg_temp.provenance_worked")
    yield
    # After an error the session ends, or the next run drops it.
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE pg_temp.provenance_worked")


def _seconds(assignments: Sequence[int]) -> dict[int, float]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, seconds FROM pg_temp.provenance_worked WHERE id = ANY(%s)",
            [list(assignments)],
        )
        return dict(cursor.fetchall())


def is_recorded(batch: Batch) -> bool:
    """Whether the batch's chain is complete: then its labels are final."""
    told = Event.objects.filter(kind=RECORDED, subject_kind="batch", subject_id=batch.pk)
    return told.exists()
