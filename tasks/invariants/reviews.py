"""What reviewers and exams decided: it stands, and it was decided once."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        "reviews stand",
        "The consensus of a reviewed task is what the last decision on it says, in every element.",
        """
        SELECT r.task_id AS task, r.id AS review, r.value AS decided, c.value AS consensus
        FROM (
            SELECT DISTINCT ON (task_id) id, task_id, value FROM tasks_review
            WHERE value IS NOT NULL ORDER BY task_id, id DESC
        ) r LEFT JOIN (
            SELECT task_id, jsonb_object_agg(name, value) AS value,
                   bool_and(source = 'review') AS is_reviewed
            FROM tasks_consensus GROUP BY task_id
        ) c ON c.task_id = r.task_id
        WHERE r.value IS DISTINCT FROM c.value OR c.is_reviewed IS NOT TRUE
        ORDER BY r.task_id
        """,
    ),
    Invariant(
        "reviews follow their batch",
        "A review is of a task of its batch, and gold that came of it is known to be what it says.",
        """
        SELECT r.id AS review, r.batch_id AS batch, t.batch_id AS batch_of_task, g.task_id AS gold
        FROM tasks_review r
        JOIN tasks_task t ON t.id = r.task_id
        LEFT JOIN tasks_gold g ON g.task_id = r.gold_id
        WHERE r.batch_id <> t.batch_id
           OR g.task_id IS NOT NULL
              AND (g.origin_id IS DISTINCT FROM r.task_id OR g.answer IS DISTINCT FROM r.value)
        ORDER BY r.id
        """,
    ),
    Invariant(
        "exams are graded once",
        "No worker has been graded twice in one exam, and nobody in anything but an exam.",
        """
        SELECT e.subject_id AS worker, e.data ->> 'batch' AS batch, count(*) AS gradings
        FROM workers_event e
        LEFT JOIN tasks_batch b ON b.id::text = e.data ->> 'batch' AND b.purpose = 'exam'
        WHERE e.kind = 'exam_graded' AND e.subject_kind = 'worker'
        GROUP BY e.subject_id, e.data ->> 'batch', b.id
        HAVING count(*) > 1 OR b.id IS NULL
        ORDER BY 1, 2
        """,
    ),
)
