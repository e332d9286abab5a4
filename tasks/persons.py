"""When two accounts turn out to be one human being: what they did becomes one person's."""

from __future__ import annotations

from django.db import connection

# Where both had the same task before they were known to be one, the absorbed one's row stays as it
# is: it cannot be undone, and its task is closed to the person either way.
MOVE = """
UPDATE tasks_assignment a SET person_id = %(kept)s
WHERE a.person_id = %(absorbed)s AND NOT EXISTS (
    SELECT 1 FROM tasks_assignment o WHERE o.task_id = a.task_id AND o.person_id = %(kept)s)
"""

AUTHORS = "UPDATE tasks_task SET author_id = %(kept)s WHERE author_id = %(absorbed)s"


def move_assignments(*, kept_id: int, absorbed_id: int) -> int:
    """Give one person's assignments, and the tasks they wrote, to another.

    Returns how many assignments. Call it in the transaction of ``workers.people.link``, which
    keeps claims of both waiting.
    """
    with connection.cursor() as cursor:
        cursor.execute(AUTHORS, {"kept": kept_id, "absorbed": absorbed_id})
        cursor.execute(MOVE, {"kept": kept_id, "absorbed": absorbed_id})
        return int(cursor.rowcount)
