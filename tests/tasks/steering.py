"""Adaptive batches, and crowds that work on them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tasks import answer, distribute, redundancy
from tasks.models import Batch, Task
from tests.factories import NOON, a_worker, never_gold, published_batch
from workers.models import Worker


def adaptive(**policy: Any) -> Batch:
    return published_batch(**{"redundancy": "adaptive", "overlap": 5, "overlap_min": 2, **policy})


def crowd(count: int) -> list[Worker]:
    return [a_worker() for _ in range(count)]


def work(
    batch: Batch,
    workers: Iterable[Worker],
    says: Callable[[int, int], Any],
    *,
    now: datetime = NOON,
    most: int | None = None,
) -> int:
    """Let each worker answer what there is, ``most`` each; ``says(task number, worker number)``."""
    ids = Task.objects.filter(batch=batch).order_by("pk").values_list("pk", flat=True)
    order = {pk: place for place, pk in enumerate(ids)}
    done = 0
    for number, worker in enumerate(workers):
        for _ in itertools.count() if most is None else range(most):
            handout = distribute.claim(batch_id=batch.pk, worker=worker, now=now, draw=never_gold)
            if not handout.assignments:
                break
            given = handout.assignments[0]
            said = says(order[given.task_id], number)
            answer.submit(assignment_id=given.id, worker=worker, answer=said, now=now)
            done += 1
    return done


def disagree(task: int, worker: int) -> str:
    return "cat" if (task + worker) % 2 else "dog"


def agree(*_: int) -> str:
    return "cat"


def overlaps(batch: Batch) -> list[int]:
    return list(Task.objects.filter(batch=batch).order_by("pk").values_list("overlap", flat=True))


def decide(batch: Batch, now: datetime = NOON) -> int:
    return redundancy.decide_batch(batch=batch, now=now)
