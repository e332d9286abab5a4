"""How long workers have worked today, so that they are told to rest, and at last have to.

Counted are the measured seconds of what was submitted in the last 24 hours; of an answer begun
before that, at most the part within them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from workers import rest

RECENT = timedelta(minutes=5)  # who has submitted since is looked at; runs may be missed meanwhile
HELD_MOST = timedelta(days=3)  # of longer held assignments nothing is counted

# Who has submitted lately is found in the batches that are or were just open, by their index on
# the time of the submit. Each one's own rows are then read from the newest on, back to the first
# that was claimed too long ago to matter: a worker's claims follow each other as their ids do.
WORKED = """
WITH recent AS (
  SELECT DISTINCT a.worker_id
  FROM tasks_batch b
  JOIN tasks_assignment a ON a.batch_id = b.id AND a.submitted_at > %(recent)s
  WHERE b.status IN ('open', 'paused', 'closing') OR b.closed_at > %(recent)s
), counted AS (
  SELECT r.worker_id, a.id, a.submitted_at,
         least(a.worked_seconds, extract(epoch FROM a.submitted_at - %(since)s)) AS seconds
  FROM recent r
  CROSS JOIN LATERAL (
    SELECT coalesce(max(first.id), 0) AS id FROM (
      SELECT id FROM tasks_assignment
      WHERE worker_id = r.worker_id AND claimed_at < %(oldest)s ORDER BY id DESC LIMIT 1
    ) first
  ) old
  JOIN tasks_assignment a ON a.worker_id = r.worker_id AND a.id > old.id
  WHERE a.submitted_at > %(since)s AND a.submitted_at <= %(now)s AND a.worked_seconds > 0
), running AS (
  SELECT *, sum(seconds) OVER (PARTITION BY worker_id ORDER BY submitted_at DESC, id) AS upto
  FROM counted
)
SELECT worker_id, round(max(upto)), max(submitted_at) FILTER (WHERE upto > %(notice)s)
FROM running GROUP BY worker_id HAVING max(upto) >= %(notice)s ORDER BY worker_id
"""


class Day(NamedTuple):
    """One worker's last 24 hours."""

    worker_id: int
    seconds: int
    rested_at: datetime  # when they will have fallen to the notice's seconds, without more work


def look(*, now: datetime) -> int:
    """Tell workers who have had a long day to rest; return how many were told now.

    Running twice, or dying between two workers, changes nothing but when somebody is told.
    """
    return sum(
        rest.note(worker_id=day.worker_id, seconds=day.seconds, rested_at=day.rested_at, now=now)
        for day in long_days(now=now)
    )


def long_days(*, now: datetime) -> list[Day]:
    """The days of those who submitted lately and have reached the notice's seconds."""
    when: dict[str, datetime | int] = {
        "now": now,
        "recent": now - RECENT,
        "since": now - rest.WINDOW,
        "oldest": now - rest.WINDOW - HELD_MOST,
        "notice": rest.NOTICE_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(WORKED, when)
        rows = cursor.fetchall()
    # The newest answer that has to leave the window for the sum to fall, leaves it a day later.
    return [
        Day(worker, int(seconds), (last or now - rest.WINDOW) + rest.WINDOW)
        for worker, seconds, last in rows
    ]


def seconds_of(worker_id: int, *, now: datetime) -> int:
    """What one worker has worked of the last 24 hours, in seconds, for their own page."""
    with connection.cursor() as cursor:
        cursor.execute(
            OWN, {"worker": worker_id, "now": now, "since": now - rest.WINDOW,
                  "oldest": now - rest.WINDOW - HELD_MOST},
        )  # fmt: skip
        (seconds,) = cursor.fetchone()
    return int(seconds)


OWN = """
SELECT round(coalesce(sum(
  least(worked_seconds, extract(epoch FROM submitted_at - %(since)s))), 0))
FROM tasks_assignment
WHERE worker_id = %(worker)s AND submitted_at > %(since)s AND submitted_at <= %(now)s
  AND id > coalesce((SELECT id FROM tasks_assignment
                     WHERE worker_id = %(worker)s AND claimed_at < %(oldest)s
                     ORDER BY id DESC LIMIT 1), 0)
"""
