"""What workers said: there when they submitted it, and as they submitted it."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        "answered when submitted",
        "An assignment has an answer exactly when it was submitted, whatever became of it then.",
        """
        SELECT a.id AS assignment, a.status, n.assignment_id IS NOT NULL AS answered
        FROM tasks_assignment a LEFT JOIN tasks_answer n ON n.assignment_id = a.id
        WHERE (a.status IN ('submitted', 'accepted', 'rejected')) <> (n.assignment_id IS NOT NULL)
        ORDER BY a.id
        """,
    ),
    Invariant(
        "answers are as they were given",
        "The hash of every answer is the one taken when it was submitted.",
        """
        SELECT assignment_id AS assignment FROM tasks_answer
        WHERE sha256 <> sha256(convert_to(value::text, 'UTF8'))
        ORDER BY assignment_id
        """,
    ),
)
