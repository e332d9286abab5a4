"""What the tests of gold do and look at."""

from __future__ import annotations

from tasks import distribute
from tasks.models import Assignment, Task
from tasks.models.task import Lane
from tests.factories import (
    NOON,
    always_gold,
    never_gold,
    published_batch,
)


def golden_batch(*, tasks=10, gold=1, gold_rate=0.5, **fields):
    return published_batch(tasks=tasks, gold=gold, gold_rate=gold_rate, **fields)


def ask(batch, worker, *, count=1, draw=always_gold, now=NOON):
    return distribute.claim(batch_id=batch.pk, worker=worker, count=count, now=now, draw=draw)


def arrive(batch, worker, start=0.0):
    """A first claim, of an ordinary task: the worker's walk over the gold begins at ``start``."""
    lots = iter([start, never_gold()])
    ask(batch, worker, draw=lambda: next(lots))


def golds_of(worker):
    return list(Assignment.objects.filter(worker=worker, is_gold=True).order_by("pk"))


def gold_slots(batch):
    return list(
        Task.objects.filter(batch=batch, lane=Lane.GOLD)
        .order_by("position")
        .values_list("remaining_overlap", flat=True)
    )
