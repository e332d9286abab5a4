"""Who answered what: human beings, whichever of their accounts they used."""

from __future__ import annotations

from tasks.invariants.invariant import Invariant

# Two accounts that turned out to be one human being may have done before what they may not do
# now, and that cannot be undone: only what was claimed after they were linked is held against
# them.
IDENTITY = """
WITH RECURSIVE identity (id, person) AS (
    SELECT id, id FROM workers_person WHERE merged_into_id IS NULL
    UNION ALL
    SELECT p.id, i.person FROM workers_person p JOIN identity i ON p.merged_into_id = i.id
), linked (person, at) AS (
    SELECT subject_id, max(at) FROM workers_event
    WHERE kind = 'persons_linked' AND subject_kind = 'person' GROUP BY subject_id
), claimed (id, batch_id, task_id, claimed_at, person, linked_at) AS (
    SELECT a.id, a.batch_id, a.task_id, a.claimed_at, i.person, l.at
    FROM tasks_assignment a
    JOIN workers_worker w ON w.id = a.worker_id
    JOIN workers_user u ON u.id = w.user_id
    JOIN identity i ON i.id = u.person_id
    LEFT JOIN linked l ON l.person = i.person
)
"""

INVARIANTS = (
    Invariant(
        "distinct persons",
        "No person has been given the same task twice.",
        f"""{IDENTITY}
        SELECT task_id AS task, person, array_agg(id ORDER BY id) AS assignments
        FROM claimed GROUP BY task_id, person, linked_at
        HAVING count(*) > 1 AND (linked_at IS NULL OR max(claimed_at) > linked_at)
        ORDER BY task_id, person
        """,  # noqa: S608
    ),
    Invariant(
        "nobody works for themselves",
        "No person works on their own batch.",
        f"""{IDENTITY}
        SELECT c.id AS assignment, c.batch_id AS batch, c.person
        FROM claimed c
        JOIN tasks_batch b ON b.id = c.batch_id
        JOIN tasks_project p ON p.id = b.project_id
        JOIN workers_user u ON u.id = p.requester_id
        JOIN identity i ON i.id = u.person_id
        WHERE i.person = c.person AND (c.linked_at IS NULL OR c.claimed_at > c.linked_at)
        ORDER BY c.id
        """,  # noqa: S608
    ),
    Invariant(
        "nobody answers themselves",
        "No person works on a task they wrote.",
        f"""{IDENTITY}
        SELECT c.id AS assignment, c.task_id AS task, c.person
        FROM claimed c
        JOIN tasks_task t ON t.id = c.task_id
        JOIN identity i ON i.id = t.author_id
        WHERE i.person = c.person AND (c.linked_at IS NULL OR c.claimed_at > c.linked_at)
        ORDER BY c.id
        """,  # noqa: S608
    ),
    Invariant(
        "assignments follow their person",
        "An assignment is of its worker's person, unless that person has another of the same task.",
        """
        SELECT a.id AS assignment, a.person_id AS person, u.person_id AS person_of_worker
        FROM tasks_assignment a
        JOIN workers_worker w ON w.id = a.worker_id
        JOIN workers_user u ON u.id = w.user_id
        LEFT JOIN tasks_assignment o ON o.task_id = a.task_id AND o.person_id = u.person_id
        WHERE a.person_id <> u.person_id AND o.id IS NULL
        ORDER BY a.id
        """,
    ),
    Invariant(
        "authors follow their person",
        "The author of a task is a person whose accounts did not move to another.",
        """
        SELECT t.id AS task, t.author_id AS person, p.merged_into_id AS moved_to
        FROM tasks_task t LEFT JOIN workers_person p ON p.id = t.author_id
        WHERE t.author_id IS NOT NULL AND (p.id IS NULL OR p.merged_into_id IS NOT NULL)
        ORDER BY t.id
        """,
    ),
    Invariant(
        "within the cap",
        "No worker holds more live assignments of a batch than it allows.",
        """
        SELECT a.batch_id AS batch, a.worker_id AS worker, count(*) AS live,
               b.max_live_assignments AS cap
        FROM tasks_assignment a JOIN tasks_batch b ON b.id = a.batch_id
        WHERE a.status = 'active'
        GROUP BY a.batch_id, a.worker_id, b.max_live_assignments
        HAVING count(*) > b.max_live_assignments
        ORDER BY a.batch_id, a.worker_id
        """,
    ),
)
