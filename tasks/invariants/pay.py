"""What assignments earned: each paid once, to the right people, from the right budget."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

DUE = """
SELECT a.id, a.reward_minor - a.effort_minor AS reward_minor, a.fee_minor, b.currency,
       b.escrow_id, w.user_id
FROM tasks_assignment a
JOIN tasks_batch b ON b.id = a.batch_id
JOIN workers_worker w ON w.id = a.worker_id
WHERE a.status = 'accepted' AND a.paid_at IS NOT NULL
"""
MOVED = """
SELECT t.id, t.key, t.kind, t.amount_minor, t.currency, t.source_id, target.purpose, target.owner_id
FROM payments_transfer t JOIN payments_account target ON target.id = t.target_id
"""

INVARIANTS = (
    Invariant(
        "rewards are paid once",
        "Every assignment that is marked paid has one reward, from its batch's escrow to its"
        " worker, less what its time was paid for before; no other assignment has any.",
        f"""
        SELECT due.id AS assignment, due.reward_minor AS due_minor,
               paid.id AS transfer, paid.amount_minor AS paid_minor
        FROM ({DUE} AND a.reward_minor > a.effort_minor) due
        FULL JOIN ({MOVED} WHERE t.kind = 'reward') paid
          ON paid.key = 'reward:' || due.id
        WHERE due.id IS NULL OR paid.id IS NULL
           OR (paid.amount_minor, paid.currency, paid.source_id, paid.purpose, paid.owner_id)
              IS DISTINCT FROM
              (due.reward_minor, due.currency, due.escrow_id, 'earnings', due.user_id)
        ORDER BY due.id, paid.id
        """,  # noqa: S608
    ),
    Invariant(
        "fees are taken once",
        "Every assignment that is marked paid has one fee, from its batch's escrow to the"
        " platform, unless it costs none; no other assignment has any.",
        f"""
        SELECT due.id AS assignment, due.fee_minor AS due_minor,
               paid.id AS transfer, paid.amount_minor AS paid_minor
        FROM ({DUE} AND a.fee_minor > 0) due FULL JOIN ({MOVED} WHERE t.kind = 'fee') paid
          ON paid.key = 'fee:' || due.id
        WHERE due.id IS NULL OR paid.id IS NULL
           OR (paid.amount_minor, paid.currency, paid.source_id, paid.purpose)
              IS DISTINCT FROM (due.fee_minor, due.currency, due.escrow_id, 'fees')
        ORDER BY due.id, paid.id
        """,  # noqa: S608
    ),
    Invariant(
        "prices only rise",
        "Every assignment has the reward and the fee of its batch. Where these were raised, what"
        " had been decided or paid before keeps the lower ones.",
        """
        SELECT a.id AS assignment, a.reward_minor, b.reward_minor AS reward_minor_of_batch,
               a.fee_minor, b.fee_minor AS fee_minor_of_batch
        FROM tasks_assignment a JOIN tasks_batch b ON b.id = a.batch_id
        WHERE (a.reward_minor, a.fee_minor) <> (b.reward_minor, b.fee_minor)
          AND (a.reward_minor > b.reward_minor OR a.fee_minor > b.fee_minor
               OR a.status IN ('active', 'submitted')
               OR a.status = 'accepted' AND a.paid_at IS NULL
               OR NOT EXISTS (
                   SELECT FROM workers_event e
                   WHERE e.subject_kind = 'batch' AND e.subject_id = b.id
                     AND e.kind = 'batch_reward_raised'))
        ORDER BY a.id
        """,
    ),
)
