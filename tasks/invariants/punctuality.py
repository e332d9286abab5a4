"""What the jobs do in time: late by more than ``%(late)s`` is broken."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        "overdue assignments expire",
        "No assignment is still active long after its deadline.",
        """
        SELECT id AS assignment, deadline_at FROM tasks_assignment
        WHERE status = 'active'
          AND deadline_at < %(now)s::timestamptz - %(grace)s::interval - %(late)s::interval
        ORDER BY id
        """,
    ),
    Invariant(
        "expired tasks are withdrawn",
        "No published task is still open long after it expired.",
        """
        SELECT t.id AS task, t.expires_at
        FROM tasks_task t JOIN tasks_batch b ON b.id = t.batch_id
        WHERE t.is_open AND b.status <> 'draft'
          AND t.expires_at < %(now)s::timestamptz - %(late)s::interval
        ORDER BY t.id
        """,
    ),
    Invariant(
        "answers are decided in time",
        "No answer still waits for a decision long after it was to be accepted by itself.",
        """
        SELECT id AS assignment, accept_due_at FROM tasks_assignment
        WHERE status = 'submitted' AND accept_due_at < %(now)s::timestamptz - %(late)s::interval
        ORDER BY id
        """,
    ),
    Invariant(
        "accepted answers are paid in time",
        "No accepted assignment is still unpaid long after it was accepted.",
        """
        SELECT id AS assignment, finished_at FROM tasks_assignment
        WHERE status = 'accepted' AND paid_at IS NULL
          AND finished_at < %(now)s::timestamptz - %(late)s::interval
        ORDER BY id
        """,
    ),
)
