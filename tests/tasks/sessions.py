"""A second session of the database, beside the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def locked(sql: str, *params: Any) -> Iterator[None]:
    """Hold the locks that ``sql`` takes in another session, until the block ends."""
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute(sql, params)
        yield
    finally:
        other.rollback()
        other.close()
