"""What the workers' elected representatives see: sums by country, never fewer than ten people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection

WINDOW = timedelta(days=90)
LEAST = 10  # workers in a group, or nothing is said of it

# Countries with fewer workers than that are summed up under "", and this sum, too, is left out
# while it is of fewer.
BY_REGION = """
WITH answered AS (
  SELECT a.id, a.worker_id, a.worked_seconds, w.country
  FROM tasks_batch b
  JOIN tasks_assignment a ON a.batch_id = b.id AND a.submitted_at > %(since)s
  JOIN workers_worker w ON w.id = a.worker_id
  WHERE (b.closed_at IS NULL OR b.closed_at > %(since)s) AND a.submitted_at <= %(now)s
), sizes AS (
  SELECT country, count(DISTINCT worker_id) >= %(least)s AS is_shown FROM answered GROUP BY country
)
SELECT CASE WHEN s.is_shown THEN a.country ELSE '' END AS region,
       count(DISTINCT a.worker_id), round(coalesce(sum(a.worked_seconds), 0) / 3600.0, 1)::float8,
       count(*), count(*) FILTER (WHERE r.status = 'final'), count(p.rejection_id),
       count(*) FILTER (WHERE p.outcome = 'overturned')
FROM answered a
JOIN sizes s ON s.country = a.country
LEFT JOIN tasks_rejection r ON r.assignment_id = a.id
LEFT JOIN tasks_appeal p ON p.rejection_id = r.assignment_id
GROUP BY region HAVING count(DISTINCT a.worker_id) >= %(least)s ORDER BY region
"""
COLUMNS = ("country", "workers", "hours", "answers", "rejected", "appeals", "overturned")


def by_region(*, now: datetime) -> list[dict[str, Any]]:
    """One row per country of the last ``WINDOW``, in the order of their codes; ``""`` is the rest.

    ``hours`` are measured, ``rejected`` counts what was refused for good.
    """
    with connection.cursor() as cursor:
        cursor.execute(BY_REGION, {"now": now, "since": now - WINDOW, "least": LEAST})
        rows = cursor.fetchall()
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]
