"""Workers of some place whose answers took some time and were paid: what reports are made of."""

from __future__ import annotations

from datetime import timedelta

from tasks.models import Assignment
from tests.factories import HOUR, MINUTE, NOON, a_worker, submitted
from workers.models import Worker

LONG_AGO = NOON - timedelta(days=365)


def answered(batch, worker, *, seconds=60, paid=True, at=NOON):
    """A paid or still unpaid answer of ``at`` that took ``seconds``."""
    made = submitted(batch, worker=worker)
    fields = {"worked_seconds": seconds, "coverage": 1.0, "submitted_at": at + MINUTE}
    if paid:
        fields.update(status="accepted", finished_at=at + HOUR, paid_at=at + HOUR)
    Assignment.objects.filter(pk=made.pk).update(**fields)
    return made


def workers_of(country, count, *, since=LONG_AGO):
    made = [a_worker(country=country) for _ in range(count)]
    Worker.objects.filter(pk__in=[each.pk for each in made]).update(created_at=since)
    return made
