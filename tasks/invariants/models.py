"""What models say: about tasks of their own project, and never instead of a known answer."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

INVARIANTS = (
    Invariant(
        "suggestions are of their task",
        "What a worker was shown to correct was said about the task they were given.",
        """
        SELECT a.id AS assignment, a.task_id AS task, p.task_id AS said_of
        FROM tasks_assignment a JOIN tasks_prediction p ON p.id = a.suggestion_id
        WHERE p.task_id <> a.task_id
        ORDER BY a.id
        """,
    ),
    Invariant(
        "models stay in their project",
        "A predictor has said something only about tasks of its own project.",
        """
        SELECT p.id AS prediction, m.project_id AS project, b.project_id AS project_of_task
        FROM tasks_prediction p
        JOIN tasks_predictor m ON m.id = p.predictor_id
        JOIN tasks_task t ON t.id = p.task_id
        JOIN tasks_batch b ON b.id = t.batch_id
        WHERE m.project_id <> b.project_id
        ORDER BY p.id
        """,
    ),
    Invariant(
        "auto-labels are of ordinary tasks",
        "No consensus of a model is about a task whose answer is known.",
        """
        SELECT c.id AS consensus, c.task_id AS task
        FROM tasks_consensus c JOIN tasks_gold g ON g.task_id = c.task_id
        WHERE c.source = 'model'
        ORDER BY c.id
        """,
    ),
)
