"""Keep each requester's record up to date: how they treated the latest answers, all now final.

An accepted answer is final when it is paid, a rejection when no appeal can change it any more.
Ratings are averaged per person first, so that nobody has two voices.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tasks.models import RequesterRecord

BATCHES = 100  # of one requester, the latest
ANSWERS = 1_000  # of one batch, the latest
EVERY = timedelta(minutes=10)  # the same requester is not counted more often
OVERLAP = timedelta(minutes=1)  # between the clock of who posts and its commit

# Whose money or rejections moved, or who was rated, since their record was computed. The latest
# transfer of a batch's escrow is one step into an index, however many answers there are.
DIRTY = """
WITH known AS (
    SELECT u.id, r.computed_at AS at, r.computed_at - %(overlap)s AS since
    FROM workers_user u LEFT JOIN tasks_requesterrecord r ON r.requester_id = u.id
    WHERE u.is_requester AND (r.computed_at IS NULL OR r.computed_at <= %(now)s - %(every)s)
)
SELECT k.id FROM known k
WHERE EXISTS (
    SELECT FROM tasks_project p JOIN tasks_batch b ON b.project_id = p.id
    CROSS JOIN LATERAL (SELECT posted_at FROM payments_transfer WHERE source_id = b.escrow_id
                        ORDER BY id DESC LIMIT 1) latest
    WHERE p.requester_id = k.id AND (k.since IS NULL OR latest.posted_at > k.since)
      AND (k.since IS NULL OR b.closed_at IS NULL OR b.closed_at > k.since)
) OR EXISTS (
    SELECT FROM tasks_rejection x JOIN tasks_assignment a ON a.id = x.assignment_id
    JOIN tasks_batch b ON b.id = a.batch_id JOIN tasks_project p ON p.id = b.project_id
    WHERE p.requester_id = k.id AND x.final_at > coalesce(k.since, '-infinity')
) OR EXISTS (
    SELECT FROM tasks_rating g
    WHERE g.requester_id = k.id AND g.made_at > coalesce(k.since, '-infinity')
)
ORDER BY k.at NULLS FIRST, k.id LIMIT %(limit)s
"""

TREATED = """
WITH latest AS (
    SELECT b.id FROM tasks_batch b JOIN tasks_project p ON p.id = b.project_id
    WHERE p.requester_id = %(requester)s AND b.status <> 'draft'
    ORDER BY b.id DESC LIMIT %(batches)s
), answers AS (
    SELECT a.id, a.status, a.submitted_at, a.paid_at FROM latest CROSS JOIN LATERAL (
        SELECT * FROM tasks_assignment
        WHERE batch_id = latest.id AND submitted_at IS NOT NULL ORDER BY id DESC LIMIT %(answers)s
    ) a
), decided AS (
    SELECT a.status = 'accepted' AS kept, x.assignment_id AS refused, j.status = 'decided' AS heard,
           j.outcome, extract(epoch FROM a.paid_at - a.submitted_at) AS seconds
    FROM answers a LEFT JOIN tasks_rejection x ON x.assignment_id = a.id
    LEFT JOIN tasks_appeal j ON j.rejection_id = x.assignment_id
    WHERE a.paid_at IS NOT NULL OR a.status = 'rejected' AND x.status = 'final'
)
SELECT count(*), count(*) FILTER (WHERE kept), count(*) FILTER (WHERE NOT kept),
       count(*) FILTER (WHERE heard), count(*) FILTER (WHERE heard AND outcome = 'overturned'),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds),
       percentile_disc(0.95) WITHIN GROUP (ORDER BY seconds)
FROM decided
"""

RATED = """
WITH person AS (
    SELECT avg(g.fairness) AS fairness, avg(g.pay) AS pay, avg(g.speed) AS speed,
           avg(g.communication) AS communication
    FROM tasks_rating g JOIN workers_worker w ON w.id = g.worker_id
    JOIN workers_user u ON u.id = w.user_id
    WHERE g.requester_id = %(requester)s GROUP BY u.person_id
)
SELECT count(*), avg(fairness), avg(pay), avg(speed), avg(communication) FROM person
"""


def update_due(*, now: datetime, limit: int = 50) -> int:
    """Compute the records of up to ``limit`` requesters of whom there is news; return how many.

    The longest unseen come first. A record is one statement on what is there, so a run that
    repeats, meets another or dies costs nothing but time.
    """
    asked: dict[str, Any] = {"now": now, "every": EVERY, "overlap": OVERLAP, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(DIRTY, asked)
        dirty = [requester_id for (requester_id,) in cursor.fetchall()]
    for requester_id in dirty:
        update(requester_id=requester_id, now=now)
    return len(dirty)


def update(*, requester_id: int, now: datetime) -> None:
    """Compute one requester's record from their latest answers, and from all their ratings."""
    asked = {"requester": requester_id, "batches": BATCHES, "answers": ANSWERS}
    decided, accepted, rejected, appeals, overturned, middle, late = _row(TREATED, asked)
    ratings, *means = _row(RATED, asked)
    scales = ("fairness", "pay", "speed", "communication")
    RequesterRecord.objects.update_or_create(
        requester_id=requester_id,
        defaults={
            "decided": decided,
            "accepted": accepted,
            "rejected": rejected,
            "appeals": appeals,
            "overturned": overturned,
            "decision_p50_seconds": _seconds(middle),
            "decision_p95_seconds": _seconds(late),
            "ratings": ratings,
            **dict(zip(scales, means, strict=True)),
            "computed_at": now,
        },
    )


def _row(sql: str, asked: dict[str, Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        found: tuple[Any, ...] = cursor.fetchone()
    return found


def _seconds(found: Any) -> int | None:
    return None if found is None else max(0, round(found))
