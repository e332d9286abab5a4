"""Chains of provenance: whole, each link on the one before, and there for every final label."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        "provenance has no gaps",
        "The links of a batch's chain are numbered from 1 without a gap.",
        """
        SELECT batch_id AS batch, count(*) AS links, min(number) AS first, max(number) AS last
        FROM tasks_provenance GROUP BY batch_id
        HAVING min(number) <> 1 OR max(number) <> count(*)
        ORDER BY batch_id
        """,
    ),
    Invariant(
        "links follow each other",
        "Every link holds the hash of the one before it; the first holds zeros.",
        """
        SELECT batch_id AS batch, number AS link
        FROM (
            SELECT batch_id, number, previous,
                   lag(sha256, 1, decode(repeat('00', 32), 'hex'))
                       OVER (PARTITION BY batch_id ORDER BY number) AS before
            FROM tasks_provenance
        ) links
        WHERE previous <> before
        ORDER BY batch_id, number
        """,
    ),
    Invariant(
        "final labels have their provenance",
        "Every labelled task is in its batch's chain some time after the batch was closed; a"
        " review that waits puts that off by a week.",
        """
        SELECT t.batch_id AS batch, t.id AS task
        FROM tasks_batch b JOIN tasks_task t ON t.batch_id = b.id
        WHERE b.status = 'closed' AND t.lane <> 2
          -- Writing is given a moment for each task, beside what a job may be late.
          AND greatest(b.closed_at, b.aggregated_at) + b.task_count * interval '10 milliseconds'
              + CASE b.redundancy WHEN 'adaptive' THEN interval '5 minutes' ELSE interval '0' END
              < %(now)s::timestamptz - %(late)s::interval
          AND EXISTS (SELECT FROM tasks_consensus c WHERE c.task_id = t.id)
          AND NOT EXISTS (SELECT FROM tasks_provenance p WHERE p.task_id = t.id)
          AND NOT EXISTS (
              SELECT FROM tasks_review r
              WHERE r.batch_id = b.id AND r.status = 'waiting'
                AND b.closed_at > %(now)s::timestamptz - %(late)s::interval - interval '7 days')
          AND NOT EXISTS (
              SELECT FROM tasks_assignment a
              WHERE a.batch_id = b.id AND a.aggregated_at IS NULL
                AND a.status IN ('submitted', 'accepted'))
        ORDER BY t.batch_id, t.id
        """,
    ),
)
