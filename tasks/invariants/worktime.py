"""Working time, within the time that passed; and tasks handed back, each paid for once."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        "work takes no longer than it can",
        "Of a submitted assignment that was timed, the time lies between none and all of that from"
        " claim to submit, and its coverage between 0 and 1; no other assignment has either.",
        """
        SELECT id AS assignment, status, worked_seconds, coverage,
               ceil(extract(epoch FROM submitted_at - claimed_at))::int AS elapsed
        FROM tasks_assignment
        WHERE (worked_seconds IS NULL) <> (coverage IS NULL)
           OR worked_seconds IS NOT NULL AND submitted_at IS NULL
           OR worked_seconds > ceil(greatest(0, extract(epoch FROM submitted_at - claimed_at)))
           OR coverage NOT BETWEEN 0 AND 1
        ORDER BY id
        """,
    ),
    Invariant(
        "nobody works on two at a time",
        "What a worker's answers in a batch took together is no more than the time from their first"
        " claim to their last submit. Each answer's time was rounded up by less than a second.",
        """
        SELECT worker_id AS worker, batch_id AS batch, sum(worked_seconds) AS worked,
               extract(epoch FROM max(submitted_at) - min(claimed_at)) AS elapsed
        FROM tasks_assignment WHERE worked_seconds IS NOT NULL
        GROUP BY worker_id, batch_id
        HAVING sum(worked_seconds) > count(*)
               + greatest(0, extract(epoch FROM max(submitted_at) - min(claimed_at)))
        ORDER BY worker_id, batch_id
        """,
    ),
    Invariant(
        "returns were handed back",
        "Every return is of a skipped assignment of its batch, and took no longer than that.",
        """
        SELECT r.assignment_id AS assignment, a.status, r.batch_id AS batch, r.seconds
        FROM tasks_return r JOIN tasks_assignment a ON a.id = r.assignment_id
        WHERE a.status <> 'skipped' OR a.batch_id <> r.batch_id
           OR r.seconds > ceil(greatest(0, extract(epoch FROM a.finished_at - a.claimed_at)))
        ORDER BY r.assignment_id
        """,
    ),
    Invariant(
        "returns are paid once",
        "Every return that is marked paid has one top-up of its amount to its worker; no other has"
        " any.",
        """
        SELECT r.id AS assignment, r.amount_minor AS due_minor, t.id AS topup, t.paid_minor
        FROM (
            SELECT r.assignment_id AS id, r.amount_minor, a.worker_id, r.batch_id
            FROM tasks_return r JOIN tasks_assignment a ON a.id = r.assignment_id
            WHERE r.status = 'paid'
        ) r FULL JOIN (
            SELECT id, worker_id, batch_id, (inputs ->> 'assignment')::bigint AS assignment_id,
                   reserve_minor + guarantee_minor AS paid_minor
            FROM tasks_topup WHERE rule = 'return'
        ) t ON t.assignment_id = r.id
        WHERE r.id IS NULL OR t.id IS NULL
           OR (r.amount_minor, r.worker_id, r.batch_id)
              IS DISTINCT FROM (t.paid_minor, t.worker_id, t.batch_id)
        ORDER BY r.id, t.id
        """,
    ),
    Invariant(
        "returns are settled in time",
        "No return waits longer than its requester could refuse it, or a job needs to pay it.",
        """
        SELECT assignment_id AS assignment, status, due_at, decided_at FROM tasks_return
        WHERE status = 'waiting' AND due_at < %(now)s - %(late)s
           OR status = 'granted' AND decided_at < %(now)s - %(late)s
        ORDER BY assignment_id
        """,
    ),
)
