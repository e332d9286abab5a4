"""What the tests of claims ask and look at."""

from __future__ import annotations

from datetime import timedelta

from tasks import answer, distribute
from tasks.models import Assignment, Task
from tests.factories import (
    MINUTE,
    NOON,
    never_gold,
)

SECOND = timedelta(seconds=1)
DEADLINE = NOON + 30 * MINUTE
SWEPT = DEADLINE + distribute.GRACE + SECOND


def ask(batch, worker, *, count=1, now=NOON):
    return distribute.claim(batch_id=batch.pk, worker=worker, count=count, now=now, draw=never_gold)


def names(handout):
    """The images of the tasks handed out, in the order of the handout."""
    return [each.input["image"] for each in handout.assignments]


def skip(assignment, now=NOON):
    answer.skip(assignment=assignment, now=now)


def lanes(batch):
    return list(Task.objects.filter(batch=batch).order_by("pk").values_list("lane", flat=True))


def nothing_was_given(batch, worker):
    return not Assignment.objects.filter(batch=batch, worker=worker).exists()


def requiring(qualification_type):
    return [{"qualification": qualification_type.pk, "comparator": "exists"}]
