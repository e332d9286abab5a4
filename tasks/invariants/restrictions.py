"""What rules ask of workers: felt by exactly those restricted, for a time, and no verdict."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        "cursors say what restrictions say",
        "A cursor has exactly the gold rate, cap and pause of its worker's live restrictions.",
        """
        WITH live AS (
            SELECT worker_id, batch_id,
                   max(value) FILTER (WHERE kind = 'more_gold') AS gold_rate,
                   min(value) FILTER (WHERE kind = 'limit') AS cap
            FROM tasks_restriction WHERE lifted_at IS NULL GROUP BY worker_id, batch_id
        ), paused AS (
            SELECT r.worker_id, b.project_id, max(r.until) AS until
            FROM tasks_restriction r JOIN tasks_batch b ON b.id = r.batch_id
            WHERE r.kind = 'pause' AND r.lifted_at IS NULL GROUP BY r.worker_id, b.project_id
        )
        SELECT c.id AS cursor, c.gold_rate, l.gold_rate AS gold_rate_of_rules,
               c.max_live_assignments AS cap, l.cap AS cap_of_rules,
               c.paused_until, p.until AS paused_until_by_rules
        FROM tasks_cursor c
        JOIN tasks_batch b ON b.id = c.batch_id
        LEFT JOIN live l ON l.worker_id = c.worker_id AND l.batch_id = c.batch_id
        LEFT JOIN paused p ON p.worker_id = c.worker_id AND p.project_id = b.project_id
        WHERE (c.gold_rate, c.max_live_assignments, c.paused_until)
              IS DISTINCT FROM (l.gold_rate, l.cap, p.until)
        ORDER BY c.id
        """,
    ),
    Invariant(
        "restrictions end in time",
        "No restriction is live after its time is up.",
        """
        SELECT id AS restriction, until FROM tasks_restriction
        WHERE lifted_at IS NULL AND until < %(now)s::timestamptz - %(late)s::interval
        ORDER BY id
        """,
    ),
    Invariant(
        "flags are decided by humans",
        "A flag that waits has no decision, and any other has a human, their reason and a time.",
        """
        SELECT id AS flag, status, decided_by_id AS decided_by, reason FROM tasks_flag
        WHERE (status = 'waiting') <> (decided_by_id IS NULL)
           OR (status = 'waiting') <> (decided_at IS NULL)
           OR status <> 'waiting' AND btrim(reason) = ''
        ORDER BY id
        """,
    ),
    Invariant(
        "suspensions are human",
        "Every suspension was a human's, who gave a reason.",
        """
        SELECT subject_id AS worker, actor_id AS actor, data ->> 'reason' AS reason
        FROM workers_event
        WHERE kind = 'worker_suspended'
          AND (actor_id IS NULL OR btrim(coalesce(data ->> 'reason', '')) = '')
        ORDER BY id
        """,
    ),
)
