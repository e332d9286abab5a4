"""What the tests of aggregation start from and look at."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasks import answer as answers
from tasks import distribute
from tasks.models import Consensus
from tests.factories import (
    HOUR,
    NOON,
    always_gold,
    never_gold,
    published_batch,
)

LATER = NOON + HOUR
SECOND = timedelta(seconds=1)
THREE = [{"type": "choice", "name": "label", "options": ["cat", "dog", "bird"]}]


def majority_batch(**fields):
    return published_batch(**{"overlap": 3, "aggregation": "majority_vote", **fields})


def work(batch, worker, say, *, count=20, gold=False):
    """Claim all there is and answer ``say(number)`` to the task with that number."""
    handout = distribute.claim(
        batch_id=batch.pk,
        worker=worker,
        count=count,
        now=NOON,
        draw=always_gold if gold else never_gold,
    )
    for each in handout.assignments:
        number = int(each.input["image"].removesuffix(".png"))
        answers.submit(assignment_id=each.id, worker=worker, answer=say(number), now=NOON)


def consensus(batch):
    """By task, in their order: value, confidence, answers."""
    rows = Consensus.objects.filter(task__batch=batch).order_by("task", "name")
    return [(row.value, pytest.approx(row.confidence), row.answers) for row in rows]
