"""How far the books are finished: below which number no transfer can still appear.

Numbers are given out when a transfer is written and seen when its transaction ends, which may be
in another order. Whoever sums or seals what is below a number must know that nothing is missing.
"""

from __future__ import annotations

from django.db import connection
from django.db.models import Max

from payments.models import Transfer

# Whoever writes a transfer holds this lock from before its number is drawn until the transaction
# has ended for all to see. The lock of the asking transaction itself does not count.
WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND granted AND mode = 'RowExclusiveLock'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND relation = 'payments_transfer'::regclass
        AND pid <> pg_backend_pid()
"""
WAIT = "SELECT pg_sleep(0.05)"  # seconds
TRIES = 40


def finished_through() -> int | None:
    """Return the number of a transfer below which all that will ever be are seen.

    None when there are no transfers, or when a posting that began before the question goes on for
    more than two seconds: then ask again later. Blocks no posting.
    """
    last: int | None = Transfer.objects.aggregate(last=Max("pk"))["last"]
    if last is None:
        return None
    waiting = _writers()
    for _ in range(TRIES):
        if not waiting:
            return last
        with connection.cursor() as cursor:
            cursor.execute(WAIT)
        waiting &= _writers()
    return None


def _writers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(WRITERS)
        return {name for (name,) in cursor.fetchall()}
