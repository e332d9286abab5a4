"""Answers wanted, open, under way and given: task by task, and counted by batch."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

TAKEN = """
SELECT task_id, count(*) AS taken FROM tasks_assignment
WHERE status IN ('active', 'submitted', 'accepted') GROUP BY task_id
"""

INVARIANTS = (
    Invariant(
        "slots add up",
        "Of every task, open slots, live assignments and counted answers make the overlap.",
        f"""
        SELECT t.id AS task, t.overlap, t.remaining_overlap AS open, coalesce(a.taken, 0) AS taken
        FROM tasks_task t LEFT JOIN ({TAKEN}) a ON a.task_id = t.id
        WHERE t.remaining_overlap + coalesce(a.taken, 0) <> t.overlap
        ORDER BY t.id
        """,  # noqa: S608
    ),
    Invariant(
        "open while slots remain",
        "A task is open exactly when it has open slots.",
        """
        SELECT id AS task, is_open, remaining_overlap AS open FROM tasks_task
        WHERE is_open <> (remaining_overlap > 0)
        ORDER BY id
        """,
    ),
    Invariant(
        "within the overlap",
        "No task has more live assignments and counted answers than its overlap.",
        f"""
        SELECT t.id AS task, t.overlap, a.taken
        FROM tasks_task t JOIN ({TAKEN}) a ON a.task_id = t.id
        WHERE a.taken > t.overlap
        ORDER BY t.id
        """,  # noqa: S608
    ),
    Invariant(
        "one batch",
        "An assignment is of the same batch as its task.",
        """
        SELECT a.id AS assignment, a.batch_id AS batch, t.batch_id AS batch_of_task
        FROM tasks_assignment a JOIN tasks_task t ON t.id = a.task_id
        WHERE a.batch_id <> t.batch_id
        ORDER BY a.id
        """,
    ),
    Invariant(
        "every task has its input",
        "Every task has something to show to its worker.",
        """
        SELECT t.id AS task FROM tasks_task t LEFT JOIN tasks_taskinput i ON i.task_id = t.id
        WHERE i.task_id IS NULL
        ORDER BY t.id
        """,
    ),
    Invariant(
        "gold is known",
        "A task stands in the gold lane exactly when its answer is known, as its assignments say;"
        " in a training or exam every answer is known and no lane is hidden.",
        """
        SELECT t.id AS task, t.lane, g.task_id IS NOT NULL AS known, a.id AS assignment
        FROM tasks_task t
        JOIN tasks_batch b ON b.id = t.batch_id
        LEFT JOIN tasks_gold g ON g.task_id = t.id
        LEFT JOIN tasks_assignment a ON a.task_id = t.id AND a.is_gold <> (t.lane = 2)
        WHERE (t.lane = 2 OR b.purpose <> 'work') <> (g.task_id IS NOT NULL)
           OR t.lane = 2 AND b.purpose <> 'work' OR a.id IS NOT NULL
        ORDER BY t.id, a.id
        """,
    ),
    Invariant(
        "retired gold is counted",
        "A batch counts the tasks of its gold lane that are retired, and none of them is open.",
        """
        SELECT b.id AS batch, b.gold_retired, coalesce(r.retired, 0) AS retired,
               coalesce(r.open, 0) AS open
        FROM tasks_batch b LEFT JOIN (
            SELECT t.batch_id, count(*) FILTER (WHERE t.lane = 2) AS retired,
                   count(*) FILTER (WHERE t.is_open) AS open
            FROM tasks_gold g JOIN tasks_task t ON t.id = g.task_id
            WHERE g.retired_at IS NOT NULL GROUP BY t.batch_id
        ) r ON r.batch_id = b.id
        WHERE b.gold_retired <> coalesce(r.retired, 0) OR r.open > 0
        ORDER BY b.id
        """,
    ),
    Invariant(
        "batches count their tasks",
        "A batch counts its tasks and its gold, and wants at least the answers they want.",
        """
        SELECT b.id AS batch, b.task_count, coalesce(t.tasks, 0) AS tasks, b.gold_count,
               coalesce(t.gold, 0) AS gold, b.slot_count, coalesce(t.slots, 0) AS slots
        FROM tasks_batch b LEFT JOIN (
            SELECT batch_id, count(*) FILTER (WHERE lane <> 2) AS tasks,
                   count(*) FILTER (WHERE lane = 2) AS gold,
                   sum(overlap) FILTER (WHERE lane <> 2) AS slots
            FROM tasks_task GROUP BY batch_id
        ) t ON t.batch_id = b.id
        WHERE b.task_count <> coalesce(t.tasks, 0) OR b.gold_count <> coalesce(t.gold, 0)
           OR b.slot_count < coalesce(t.slots, 0)
        ORDER BY b.id
        """,
    ),
    Invariant(
        "drafts are untouched",
        "Nobody has been given a task of a batch that is not published.",
        """
        SELECT a.id AS assignment, b.id AS batch
        FROM tasks_assignment a JOIN tasks_batch b ON b.id = a.batch_id
        WHERE b.status = 'draft'
        ORDER BY a.id
        """,
    ),
    Invariant(
        "closed batches are done",
        "A closed batch has no open slots, and every assignment of it is decided and paid.",
        """
        SELECT b.id AS batch, t.id AS task, NULL::bigint AS assignment
        FROM tasks_batch b JOIN tasks_task t ON t.batch_id = b.id
        WHERE b.status = 'closed' AND t.remaining_overlap > 0
        UNION ALL
        SELECT b.id, a.task_id, a.id
        FROM tasks_batch b JOIN tasks_assignment a ON a.batch_id = b.id
        WHERE b.status = 'closed' AND (a.status IN ('active', 'submitted')
                                       OR a.status = 'accepted' AND a.paid_at IS NULL)
        ORDER BY 1, 2, 3
        """,
    ),
)
