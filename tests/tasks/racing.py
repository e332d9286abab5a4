"""What the tests of races start and look at."""

from __future__ import annotations

from tasks import distribute
from tasks.distribute import Handout
from tests.factories import (
    HOUR,
    NOON,
    never_gold,
)

SWEPT = NOON + HOUR


def ask(batch, worker, *, count=1, now=NOON, draw=never_gold):
    return distribute.claim(batch_id=batch.pk, worker=worker, count=count, now=now, draw=draw)


def given(outcomes):
    """How many tasks each claim gave; an error stays what it is."""
    return [len(each.assignments) if isinstance(each, Handout) else each for each in outcomes]


def until_nothing_is_left(batch, worker, *, count=1, draw=never_gold):
    """Claim until there is nothing, looking behind each time; return how many tasks."""
    total, now = 0, NOON
    while handout := ask(batch, worker, count=count, now=now, draw=draw).assignments:
        total += len(handout)
        now += HOUR
    return total
