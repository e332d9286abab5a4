"""The smallest people, made through the front door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from workers import people, qualify

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
numbers = count(1)


def requester():
    return people.register(username=f"requester{next(numbers)}", requester=True, now=NOON)


def worker(country=""):
    user = people.register(
        username=f"worker{next(numbers)}", worker=True, country=country, now=NOON
    )
    return user.worker


def qualification_type(owner=None, name="Reads French"):
    return qualify.define(requester=owner or requester(), name=name, now=NOON)
