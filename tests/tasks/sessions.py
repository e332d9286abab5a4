"""Other sessions of the database, beside the test's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection


@contextmanager
def locked(sql: str, *params: Any, commit: bool = False) -> Iterator[None]:
    """Hold what ``sql`` locks in another session, until the block ends."""
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute(sql, params)
        yield
        if commit:
            other.commit()
    finally:
        other.rollback()
        other.close()


def in_thread(function: Callable[[], object]) -> threading.Thread:
    """Start ``function`` on a connection of its own."""

    def run() -> None:
        try:
            function()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_for_a_lock(*, waiters: int = 1) -> None:
    """Return as soon as so many other sessions wait for a lock."""
    with connection.cursor() as cursor:
        for _ in range(300):
            cursor.execute(
                "SELECT pg_stat_clear_snapshot(), count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[1] >= waiters:
                return
            cursor.execute("SELECT pg_sleep(0.02)")
    pytest.fail("nobody waited")
