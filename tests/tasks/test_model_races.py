"""Models at work beside workers: nobody waits, and no task is both a worker's and a model's."""

from __future__ import annotations

from functools import partial

import pytest

from tasks import aggregate
from tasks.assist import auto_label, predict
from tasks.invariants import broken
from tasks.models import Assignment, Consensus, Prediction, Predictor, Task
from tests.factories import HOUR, MINUTE, NOON, a_worker, fresh, published_batch
from tests.payments.books import at_once
from tests.tasks.predicting import answer_next, ids_of, push_all, use
from tests.tasks.racing import ask, until_nothing_is_left
from tests.tasks.sessions import locked

pytestmark = pytest.mark.django_db(transaction=True)
KEY = b"a secret"
# What checking the foreign keys of predictions locks, until their transaction has ended.
REFER = "SELECT 1 FROM tasks_task WHERE batch_id = %s FOR KEY SHARE"


def proven():
    """A batch of which so much is answered as predicted that the rest may be auto-labelled."""
    batch = published_batch(tasks=80, max_live_assignments=1000, aggregation="majority_vote")
    batch = use(batch, auto_label_error=0.2, audit_rate=0.5)
    push_all(batch, lambda _: "cat", score=0.999)
    for _ in range(2):
        answer_next(batch, a_worker(), lambda _: "cat", now=NOON + MINUTE)
    aggregate.aggregate(batch=fresh(batch), now=NOON + MINUTE)
    return batch


def test_while_predictions_are_being_written_workers_get_their_tasks():
    batch, worker = published_batch(tasks=3), a_worker()

    with locked(REFER, batch.pk):
        handout = ask(batch, worker, count=3)

    assert len(handout.assignments) == 3


def test_a_task_that_a_claim_has_in_hand_is_not_labelled():
    batch = proven()
    held = Task.objects.filter(batch=batch, is_open=True).first()

    with locked("SELECT 1 FROM tasks_task WHERE id = %s FOR NO KEY UPDATE", held.pk):
        done = auto_label.auto_label_due(key=KEY, now=NOON + HOUR)

    assert done > 0
    assert not Consensus.objects.filter(task=held).exists()


def test_of_workers_and_a_model_that_reach_for_the_same_tasks_each_task_has_one():
    batch = proven()
    workers = [a_worker() for _ in range(4)]
    claims = [partial(until_nothing_is_left, batch, worker, count=3) for worker in workers]
    looks = [partial(auto_label.auto_label_due, key=KEY, now=NOON + HOUR)] * 2

    at_once([*claims, *looks])

    labelled = set(
        Consensus.objects.filter(source="model").values_list("task", flat=True).distinct()
    )
    given = set(Assignment.objects.values_list("task", flat=True))
    assert labelled & given == set()
    assert broken(now=NOON + MINUTE) == []


def test_two_pushes_of_one_version_in_opposite_orders_both_end():
    batch = published_batch(tasks=40)
    rows = [{"task": pk, "value": "cat"} for pk in ids_of(batch)]
    send = partial(
        predict.push,
        batch=batch,
        name="m",
        version="1",
        actor=batch.project.requester,
        now=NOON,
    )

    outcomes = at_once([partial(send, rows=each) for each in (rows, rows[::-1]) * 2])

    assert sorted(each.predictions for each in outcomes) == [0, 0, 0, 40]
    assert (Prediction.objects.count(), Predictor.objects.count()) == (40, 1)
