"""When two accounts turn out to be one human being: their assignments become one person's."""

from __future__ import annotations

from django.db import connection

# Where both had the same task before they were known to be one, the absorbed one's row stays as it
# is: it cannot be undone, and its task is closed to the person either way.
MOVE = """
UPDATE tasks_assignment a SET person_id = %(kept)s
WHERE a.person_id = %(absorbed)s AND NOT EXISTS (
    SELECT 1 FROM tasks_assignment o WHERE o.task_id = a.task_id AND o.person_id = %(kept)s)
"""


def move_assignments(*, kept_id: int, absorbed_id: int) -> int:
    """Give one person's assignments to another; return how many.

    Call it in the transaction of ``workers.people.link``, which keeps claims of both waiting.
    """
    with connection.cursor() as cursor:
        cursor.execute(MOVE, {"kept": kept_id, "absorbed": absorbed_id})
        return int(cursor.rowcount)
