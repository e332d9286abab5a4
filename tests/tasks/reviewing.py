"""Batches with tasks that wait for a review, and what the tests of reviews look at."""

from __future__ import annotations

import itertools

from payments.deposits import deposit
from tasks import aggregate, answer, distribute, redundancy
from tasks.models import Consensus, Review, Task
from tasks.reviews import review
from tests.factories import HOUR, NOON, a_worker, never_gold, published_batch, usd
from workers.models import Event

LATER = NOON + HOUR
deposits = itertools.count(1)


def owner(batch):
    return batch.project.requester


def funded(batch, cents):
    """Put money into the wallet of the batch's requester."""
    reference = f"review-{next(deposits)}"
    deposit(owner_id=owner(batch).pk, amount=usd(cents), reference=reference, now=NOON)


def say(batch, worker, *labels, now=NOON):
    """Claim and answer the batch's open tasks in their order: a label each; return their ids."""
    handout = distribute.claim(
        batch_id=batch.pk, worker=worker, count=len(labels), now=now, draw=never_gold
    )
    given = sorted(handout.assignments, key=lambda each: each.task_id)
    for each, label in zip(given, labels, strict=True):
        answer.submit(assignment_id=each.id, worker=worker, answer=label, now=now)
    return [each.task_id for each in given]


def combine(batch, now=NOON):
    aggregate.aggregate(batch=batch, now=now)


def adaptive(**fields):
    """An adaptive batch by majority, whose tasks get two answers each and no more."""
    policy = {"redundancy": "adaptive", "overlap": 2, "overlap_min": 2, "overlap_max": 2}
    return published_batch(**{**policy, "aggregation": "majority_vote", **fields})


def answered(*pairs, make=adaptive, **fields):
    """A batch with one task per pair of labels, answered by two workers, combined, looked at."""
    batch = make(tasks=len(pairs), **fields)
    workers = [a_worker(), a_worker()]
    for number, worker in enumerate(workers):
        say(batch, worker, *[pair[number] for pair in pairs])
    combine(batch)
    if batch.is_adaptive:
        redundancy.decide_batch(batch=batch, now=NOON)
    return batch


def fixed(**fields):
    return published_batch(**{"overlap": 2, "aggregation": "majority_vote", **fields})


def disputed(count=1, **fields):
    """``answered`` with ``count`` tasks on which the two workers disagree."""
    return answered(*[("cat", "dog")] * count, **fields)


def waiting(batch):
    return list(Review.objects.waiting().filter(batch=batch))


def put_up(batch, count=100):
    """Ask for a review of what the batch's workers disagree on; return the reviews."""
    review.request(batch=batch, below=0.9, limit=count, actor=owner(batch), now=NOON)
    return waiting(batch)


def a_review(**fields):
    [row] = put_up(disputed(make=fixed, **fields))
    return row


def task_ids(batch):
    return list(Task.objects.filter(batch=batch).order_by("pk").values_list("pk", flat=True))


def consensus_of(task):
    return Consensus.objects.get(task=task)


def said(kind, batch):
    """The data of the events of one kind about a batch."""
    found = Event.objects.filter(kind=kind, subject_kind="batch", subject_id=batch.pk)
    return list(found.order_by("pk").values_list("data", flat=True))
