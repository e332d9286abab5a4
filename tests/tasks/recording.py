"""What the tests of provenance start from: batches that were worked on and are closed."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from tasks import aggregate, provenance, settle
from tasks import answer as answers
from tasks.hearings import rejections
from tasks.models import Provenance
from tests.factories import HOUR, MINUTE, NOON, a_worker, claim, fresh, published_batch

CLOSED = NOON + HOUR
LATER = NOON + 2 * HOUR


def answered_batch(*labels_of_tasks, interface=None, workers=None, **fields):
    """One task per list of labels, answered by the same workers in turn, a minute each."""
    overlap = max(map(len, labels_of_tasks))
    batch = published_batch(
        **{
            "tasks": len(labels_of_tasks),
            "overlap": overlap,
            "aggregation": "majority_vote",
            **fields,
        }
    )
    crowd = workers or [a_worker() for _ in range(overlap)]
    for number, labels in enumerate(labels_of_tasks):
        for place, (worker, label) in enumerate(zip(crowd, labels, strict=False)):
            start = NOON + (number * overlap + place) * MINUTE
            held = claim(batch, worker, now=start)
            said = label if isinstance(label, dict) else {"label": label}
            answers.submit(
                assignment_id=held.pk, worker=worker, answer=said, now=start + MINUTE / 2
            )
    return batch


def settled(batch, *, now=CLOSED):
    """Accept, pay and aggregate all there is, and close the batch."""
    settle.accept_all(
        batch=fresh(batch), assignment_ids=None, actor=batch.project.requester, now=now
    )
    settle.pay_accepted(now=now)
    aggregate.aggregate(batch=fresh(batch), now=now)
    rejections.finish_due(now=now + timedelta(days=8))
    settle.wind_up(now=now)
    batch = fresh(batch)
    assert batch.status == "closed"
    return batch


def closed_batch(*labels_of_tasks, **fields):
    return settled(answered_batch(*labels_of_tasks, **fields))


def recorded_batch(*labels_of_tasks, **fields):
    """A closed batch with its whole chain."""
    batch = closed_batch(*labels_of_tasks, **fields)
    provenance.record_due(now=LATER)
    assert provenance.is_recorded(batch)
    return batch


def links(batch):
    return list(Provenance.objects.filter(batch=batch).order_by("number"))


def tamper(sql, *params):
    """Change rows behind the triggers' back, as only the owner of the database can."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, params)
        cursor.execute("SET LOCAL session_replication_role = origin")
