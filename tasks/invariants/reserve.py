"""Reserves and top-ups: what was set aside, whom it raised to the floor, what was given back."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant
from tasks.invariants.pay import MOVED

CAME = """
SELECT target_id, coalesce(sum(amount_minor) FILTER (WHERE kind = 'set_aside'), 0) AS set_aside,
       coalesce(sum(amount_minor) FILTER (WHERE kind <> 'set_aside'), 0) AS strange
FROM payments_transfer GROUP BY target_id
"""
LEFT = """
SELECT source_id, coalesce(sum(amount_minor) FILTER (WHERE kind = 'top_up'), 0) AS spent,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'refund'), 0) AS refunded,
       coalesce(sum(amount_minor) FILTER (WHERE kind NOT IN ('top_up', 'refund')), 0) AS strange
FROM payments_transfer GROUP BY source_id
"""
# What each row says was paid, part by part: from the reserve, and by the platform.
PARTS = """
SELECT u.id, u.batch_id, b.currency, w.user_id, part.key, part.minor, part.source_id
FROM tasks_topup u
JOIN tasks_batch b ON b.id = u.batch_id
JOIN tasks_project p ON p.id = b.project_id
JOIN workers_worker w ON w.id = u.worker_id
LEFT JOIN payments_account owed
  ON owed.owner_id = p.requester_id AND owed.purpose = 'receivable' AND owed.currency = b.currency
CROSS JOIN LATERAL (
    VALUES ('', u.reserve_minor, b.reserve_id), (':guarantee', u.guarantee_minor, owed.id)
) said (suffix, minor, source_id)
CROSS JOIN LATERAL (
    SELECT format('top_up:%%s:%%s:%%s:%%s%%s', u.batch_id, u.worker_id, u.rule, u.number,
                  said.suffix) AS key, said.minor, said.source_id
) part
WHERE part.minor > 0
"""
# An hour's pay for the usual time, as far as no raise has gone beyond it, is whole and rounded up.
LEAST = """
CASE WHEN g.topup_minor > 0 THEN b.reward_minor + g.topup_minor
     ELSE (b.floor_minor * coalesce(g.reference_seconds, b.estimate_seconds) + 3599) / 3600 END
"""

INVARIANTS = (
    Invariant(
        "reserves are accounted for",
        "A batch's reserve is what was set aside for it: it went to workers, is still there, or was"
        " given back.",
        f"""
        SELECT b.id AS batch, b.reserve_minor, coalesce(i.set_aside, 0)::bigint AS set_aside_minor,
               coalesce(o.spent, 0)::bigint AS spent_minor, r.balance_minor,
               coalesce(o.refunded, 0)::bigint AS given_back_minor
        FROM tasks_batch b
        LEFT JOIN payments_account r ON r.id = b.reserve_id
        LEFT JOIN ({CAME}) i ON i.target_id = r.id
        LEFT JOIN ({LEFT}) o ON o.source_id = r.id
        WHERE b.reserve_minor <> coalesce(i.set_aside, 0)
           OR b.reserve_minor <> coalesce(o.spent + o.refunded, 0) + coalesce(r.balance_minor, 0)
           OR coalesce(i.strange, 0) <> 0 OR coalesce(o.strange, 0) <> 0
        ORDER BY b.id
        """,  # noqa: S608
    ),
    Invariant(
        "a promised floor has its reserve",
        "A published batch that promises a floor has a reserve, and a look at what it pays; no"
        " other batch has either.",
        """
        SELECT b.id AS batch, b.floor_minor, b.reserve_id AS reserve, g.batch_id AS wage
        FROM tasks_batch b LEFT JOIN tasks_wage g ON g.batch_id = b.id
        WHERE (b.floor_minor IS NULL) <> (b.reserve_id IS NULL)
           OR (b.floor_minor IS NULL) <> (g.batch_id IS NULL)
           OR b.floor_minor IS NOT NULL AND b.status = 'draft'
        ORDER BY b.id
        """,
    ),
    Invariant(
        "reserves close with their batch",
        "A batch's reserve is empty and closed exactly when the batch is closed; nothing in it is"
        " ever held.",
        """
        SELECT b.id AS batch, b.status, r.balance_minor, r.held_minor, r.closed_at
        FROM tasks_batch b JOIN payments_account r ON r.id = b.reserve_id
        WHERE (b.status = 'closed') <> (r.closed_at IS NOT NULL) OR r.held_minor <> 0
           OR b.status = 'closed' AND r.balance_minor <> 0
        ORDER BY b.id
        """,
    ),
    Invariant(
        "every reserve has its batch",
        "Every reserve account is that of one batch, in that batch's currency.",
        """
        SELECT r.id AS account, b.id AS batch
        FROM payments_account r LEFT JOIN tasks_batch b ON b.reserve_id = r.id
        WHERE r.purpose = 'reserve' AND r.currency IS DISTINCT FROM b.currency
           OR b.id IS NOT NULL AND r.purpose <> 'reserve'
           OR (SELECT count(*) FROM tasks_batch o WHERE o.reserve_id = r.id) > 1
        ORDER BY r.id, b.id
        """,
    ),
    Invariant(
        "top-ups are paid once",
        "Every top-up was paid to its worker, from its batch's reserve and by the platform, as its"
        " row says; nothing else was paid as one.",
        f"""
        SELECT said.id AS topup, said.minor AS said_minor,
               paid.id AS transfer, paid.amount_minor AS paid_minor
        FROM ({PARTS}) said FULL JOIN ({MOVED} WHERE t.kind = 'top_up') paid ON paid.key = said.key
        WHERE said.id IS NULL OR paid.id IS NULL
           OR (paid.amount_minor, paid.currency, paid.source_id, paid.purpose, paid.owner_id)
              IS DISTINCT FROM
              (said.minor, said.currency, said.source_id, 'earnings', said.user_id)
        ORDER BY said.id, paid.id
        """,  # noqa: S608
    ),
    Invariant(
        "final pay reaches the floor",
        "Once a batch's pay is final, every worker has at least the floor for the usual time of"
        " each answer that was accepted by then.",
        f"""
        SELECT owed.batch_id AS batch, owed.worker_id AS worker, owed.minor AS owed_minor,
               coalesce(paid.minor, 0) AS paid_minor
        FROM (
            SELECT a.batch_id, a.worker_id,
                   sum(greatest(0, {LEAST} - a.reward_minor))::bigint AS minor
            FROM tasks_wage g
            JOIN tasks_batch b ON b.id = g.batch_id
            JOIN tasks_assignment a ON a.batch_id = b.id AND a.status = 'accepted'
            WHERE g.is_final AND a.finished_at <= b.closed_at
            GROUP BY a.batch_id, a.worker_id
        ) owed LEFT JOIN (
            SELECT batch_id, worker_id, sum(reserve_minor + guarantee_minor)::bigint AS minor
            FROM tasks_topup WHERE rule IN ('job', 'worker') GROUP BY batch_id, worker_id
        ) paid ON paid.batch_id = owed.batch_id AND paid.worker_id = owed.worker_id
        WHERE coalesce(paid.minor, 0) < owed.minor
        ORDER BY owed.batch_id, owed.worker_id
        """,  # noqa: S608
    ),
)
