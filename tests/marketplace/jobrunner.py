"""The jobs of the timetable, run again and again in a thread, as job runner and clock do."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from django.db import connections

from marketplace import jobs

EVERY_SECONDS = 0.1


@contextmanager
def running_jobs() -> Iterator[None]:
    """Run the jobs that a batch needs to get to its end; fails if one of them does."""
    stopping = Event()

    def run() -> None:
        try:
            while not stopping.wait(EVERY_SECONDS):
                for job in (
                    jobs.expire_overdue,
                    jobs.accept_due,
                    jobs.pay_accepted,
                    jobs.decide_due,
                    jobs.aggregate_due,
                    jobs.count_due,
                    jobs.wind_up,
                ):
                    job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1, thread_name_prefix="jobs") as runner:
        running = runner.submit(run)
        try:
            yield
        finally:
            stopping.set()
    running.result()
