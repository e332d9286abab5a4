"""Budgets: what was brought, spent, held and given back, batch by batch."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

# Everything that came into an account, and everything that left it.
CAME = """
SELECT target_id, coalesce(sum(amount_minor) FILTER (WHERE kind = 'allocate'), 0) AS allocated,
       coalesce(sum(amount_minor) FILTER (WHERE kind <> 'allocate'), 0) AS strange
FROM payments_transfer GROUP BY target_id
"""
LEFT = """
SELECT source_id,
       coalesce(sum(amount_minor) FILTER (WHERE kind IN ('reward', 'fee', 'effort')), 0) AS spent,
       coalesce(sum(amount_minor) FILTER (WHERE kind = 'refund'), 0) AS refunded,
       coalesce(sum(amount_minor) FILTER (
           WHERE kind NOT IN ('reward', 'fee', 'effort', 'refund')), 0) AS strange
FROM payments_transfer GROUP BY source_id
"""

INVARIANTS = (
    Invariant(
        "escrow holds what is owed",
        "What a batch's escrow holds is reward and fee of every open slot, and of every assignment"
        " that is not decided for good or not paid, less what its time was paid for; and what is"
        " owed for the time of those that were refused for good.",
        """
        SELECT b.id AS batch, e.held_minor,
               ((b.reward_minor + b.fee_minor) * coalesce(t.slots, 0) + coalesce(a.owed, 0))::bigint
                   AS owed_minor
        FROM tasks_batch b
        JOIN payments_account e ON e.id = b.escrow_id
        LEFT JOIN (
            SELECT batch_id, sum(remaining_overlap) AS slots FROM tasks_task GROUP BY batch_id
        ) t ON t.batch_id = b.id
        LEFT JOIN (
            SELECT a.batch_id, sum(CASE WHEN r.status = 'final' THEN r.effort_minor
                                        ELSE a.reward_minor + a.fee_minor END
                                   - a.effort_minor) AS owed
            FROM tasks_assignment a LEFT JOIN tasks_rejection r ON r.assignment_id = a.id
            WHERE a.status IN ('active', 'submitted', 'rejected')
               OR a.status = 'accepted' AND a.paid_at IS NULL
            GROUP BY a.batch_id
        ) a ON a.batch_id = b.id
        WHERE e.held_minor
              <> (b.reward_minor + b.fee_minor) * coalesce(t.slots, 0) + coalesce(a.owed, 0)
        ORDER BY b.id
        """,
    ),
    Invariant(
        "budgets are accounted for",
        "A batch's budget is what was moved into its escrow: it was spent on pay and fees, is"
        " still there, or was given back, as the batch says.",
        f"""
        SELECT b.id AS batch, b.budget_minor, coalesce(i.allocated, 0)::bigint AS allocated_minor,
               coalesce(o.spent, 0)::bigint AS spent_minor, e.balance_minor, b.refunded_minor,
               coalesce(o.refunded, 0)::bigint AS given_back_minor
        FROM tasks_batch b
        JOIN payments_account e ON e.id = b.escrow_id
        LEFT JOIN ({CAME}) i ON i.target_id = e.id
        LEFT JOIN ({LEFT}) o ON o.source_id = e.id
        WHERE b.budget_minor <> coalesce(i.allocated, 0)
           OR b.refunded_minor <> coalesce(o.refunded, 0)
           OR b.budget_minor <> coalesce(o.spent, 0) + e.balance_minor + coalesce(o.refunded, 0)
           OR coalesce(i.strange, 0) <> 0 OR coalesce(o.strange, 0) <> 0
        ORDER BY b.id
        """,  # noqa: S608
    ),
    Invariant(
        "within the budget",
        "No batch has spent and reserved more than its budget.",
        f"""
        SELECT b.id AS batch, b.budget_minor, coalesce(o.spent, 0)::bigint AS spent_minor,
               e.held_minor AS reserved_minor
        FROM tasks_batch b
        JOIN payments_account e ON e.id = b.escrow_id
        LEFT JOIN ({LEFT}) o ON o.source_id = e.id
        WHERE coalesce(o.spent, 0) + e.held_minor > b.budget_minor
        ORDER BY b.id
        """,  # noqa: S608
    ),
    Invariant(
        "escrow closes with its batch",
        "A batch's escrow is empty and closed exactly when the batch is closed.",
        """
        SELECT b.id AS batch, b.status, e.balance_minor, e.held_minor, e.closed_at
        FROM tasks_batch b JOIN payments_account e ON e.id = b.escrow_id
        WHERE (b.status = 'closed') <> (e.closed_at IS NOT NULL)
           OR b.status = 'closed' AND (e.balance_minor <> 0 OR e.held_minor <> 0)
        ORDER BY b.id
        """,
    ),
    Invariant(
        "every escrow has its batch",
        "Every escrow account is the budget of one batch, in that batch's currency.",
        """
        SELECT e.id AS account, b.id AS batch
        FROM payments_account e LEFT JOIN tasks_batch b ON b.escrow_id = e.id
        WHERE e.purpose = 'escrow' AND e.currency IS DISTINCT FROM b.currency
           OR b.id IS NOT NULL AND e.purpose <> 'escrow'
        ORDER BY e.id
        """,
    ),
)
