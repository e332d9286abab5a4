"""Let one run at a time have a batch in hand, without a transaction that stays open meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# Classes of advisory locks; the second half of the key is the batch.
AGGREGATE = 4_711
DECIDE = 4_712
RULES = 4_714  # tasks.assist.retrain has 4_713
SUSPECT = 4_715


@contextmanager
def alone(work: int, batch_id: int) -> Iterator[bool]:
    """Try to hold the batch's advisory lock for one kind of ``work``; say whether it was free.

    It ends with the connection, so a killed run frees it. A row lock would keep a transaction
    open while models are fitted, and with it the dead rows of every claim made meanwhile.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [work, batch_id])
        mine = bool(cursor.fetchone()[0])
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [work, batch_id])
