"""No event without its effect, no effect without its event."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant


def once_per_batch(kind: str, when: str) -> str:
    """Select the batches that do not have one event of ``kind`` when ``when``, or else none."""
    return f"""
    SELECT coalesce(b.id, e.subject_id) AS batch, b.status, coalesce(e.events, 0) AS events
    FROM tasks_batch b FULL JOIN (
        SELECT subject_id, count(*) AS events FROM workers_event
        WHERE kind = '{kind}' AND subject_kind = 'batch' GROUP BY subject_id
    ) e ON e.subject_id = b.id
    WHERE coalesce(e.events, 0) <> CASE WHEN {when} THEN 1 ELSE 0 END
    ORDER BY 1
    """  # noqa: S608  (both are constants of this file)


INVARIANTS = (
    Invariant(
        "publications are events",
        "Every batch that left its draft has one event that says who published it.",
        once_per_batch("batch_published", "b.status <> 'draft'"),
    ),
    Invariant(
        "ends are events",
        "Every closed batch has one event that says what was given back.",
        once_per_batch("batch_closed", "b.status = 'closed'"),
    ),
    Invariant(
        "closing was done",
        "A batch that somebody closed, once, is closing or closed.",
        """
        SELECT e.subject_id AS batch, b.status, count(*) AS events
        FROM workers_event e LEFT JOIN tasks_batch b ON b.id = e.subject_id
        WHERE e.kind = 'batch_closing' AND e.subject_kind = 'batch'
        GROUP BY e.subject_id, b.status
        HAVING count(*) > 1 OR coalesce(b.status, '') NOT IN ('closing', 'closed')
        ORDER BY e.subject_id
        """,
    ),
    Invariant(
        "pauses are events",
        "A running batch is paused exactly when the last word about it was to pause.",
        """
        SELECT b.id AS batch, b.status, e.kind AS last_event
        FROM tasks_batch b LEFT JOIN (
            SELECT DISTINCT ON (subject_id) subject_id, kind FROM workers_event
            WHERE kind IN ('batch_paused', 'batch_resumed') AND subject_kind = 'batch'
            ORDER BY subject_id, id DESC
        ) e ON e.subject_id = b.id
        WHERE b.status IN ('open', 'paused')
          AND (b.status = 'paused') <> (coalesce(e.kind, '') = 'batch_paused')
        ORDER BY b.id
        """,
    ),
    Invariant(
        "rejections are events",
        "Every assignment that was rejected, for good or not, has one event that says by whom and"
        " why; no other has any.",
        """
        SELECT a.id AS assignment, e.assignment AS assignment_of_event,
               coalesce(e.events, 0) AS events
        FROM (
            SELECT id FROM tasks_assignment WHERE status = 'rejected'
            UNION SELECT assignment_id FROM tasks_rejection WHERE status = 'overturned'
        ) a
        FULL JOIN (
            SELECT data ->> 'assignment' AS assignment, count(*) AS events FROM workers_event
            WHERE kind = 'assignment_rejected' GROUP BY 1
        ) e ON e.assignment = a.id::text
        WHERE a.id IS NULL OR coalesce(e.events, 0) <> 1
        ORDER BY a.id, e.assignment
        """,
    ),
    Invariant(
        "bonuses are events",
        "Every bonus that was paid for an assignment has one event of its amount, and the reverse.",
        """
        SELECT coalesce(paid.assignment, told.assignment) AS assignment,
               paid.bonuses, paid.minor AS paid_minor, told.events, told.minor AS told_minor
        FROM (
            SELECT split_part(key, ':', 2) AS assignment, count(*) AS bonuses,
                   sum(amount_minor)::bigint AS minor
            FROM payments_transfer WHERE kind = 'bonus' GROUP BY 1
        ) paid FULL JOIN (
            SELECT data ->> 'assignment' AS assignment, count(*) AS events,
                   sum((data ->> 'amount_minor')::bigint)::bigint AS minor
            FROM workers_event WHERE kind = 'bonus_paid' GROUP BY 1
        ) told ON told.assignment = paid.assignment
        WHERE (paid.bonuses, paid.minor) IS DISTINCT FROM (told.events, told.minor)
        ORDER BY 1
        """,
    ),
)
