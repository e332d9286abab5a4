"""What workers are still owed on top of their rewards, so that work earns the wage floor.

Two rules. JOB: the batch's usual time takes more than its reward pays for, and every accepted
answer gets the difference. WORKER: this worker's own time took more, within bounds, and they get
the difference for all their accepted answers together. What was paid by the one counts towards the
other, so in whatever order they are paid, a worker has the higher of the two in the end. Answers
that were refused are left out, their time as well as what was paid for the effort.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import F, QuerySet, Sum

from tasks.compensation.floor import of_workers
from tasks.models import Assignment, Batch, TopUp, Wage
from tasks.wages.floor import floor_pay, worker_topup
from tasks.wages.time import Worked, payable_total

CHUNK = 5_000
BY_FLOOR = (TopUp.Rule.JOB, TopUp.Rule.WORKER)


class Due(NamedTuple):
    """What one worker is still to get by one rule, and the figures it follows from."""

    worker_id: int
    rule: str
    amount_minor: int
    inputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """One worker's accepted answers in a batch."""

    worker_id: int
    done: list[Worked]
    rewards: list[int]  # minor units


def level(batch: Batch, wage: Wage) -> int:
    """What every accepted answer earns at least, in minor units; it never falls.

    A reward that was raised meanwhile is part of it only as far as the usual time calls for.
    """
    assert batch.floor_minor is not None
    if wage.topup_minor:
        return batch.reward_minor + wage.topup_minor
    return floor_pay(batch.floor_minor, reference_of(batch, wage))


def reference_of(batch: Batch, wage: Wage) -> int:
    """The time that a batch's answers usually take: as measured, or else as estimated."""
    return wage.reference_seconds or batch.estimate_seconds or 0


class Scope(NamedTuple):
    """Whose answers dues are found for."""

    worker_id: int | None = None  # None: everybody's
    statuses: Sequence[str] = (Assignment.Status.ACCEPTED,)

    def of(self, batch: Batch) -> QuerySet[Assignment]:
        """The answers themselves."""
        rows = Assignment.objects.filter(batch=batch, status__in=self.statuses)
        return rows if self.worker_id is None else rows.filter(worker=self.worker_id)

    def paid(self, batch: Batch, rules: Collection[str]) -> defaultdict[int, int]:
        """Worker → what they got by these rules, in minor units."""
        rows = TopUp.objects.filter(batch=batch, rule__in=rules)
        if self.worker_id is not None:
            rows = rows.filter(worker=self.worker_id)
        sums = rows.values_list("worker_id").annotate(
            minor=Sum(F("reserve_minor") + F("guarantee_minor"))
        )
        return defaultdict(int, dict(sums))


EVERYBODY = Scope()
COUNTED = Scope(statuses=Assignment.COUNTED)


def job_dues(batch: Batch, wage: Wage, scope: Scope = EVERYBODY) -> list[Due]:
    """What the rule JOB still owes for the answers in ``scope``."""
    least = level(batch, wage)
    short = scope.of(batch).filter(reward_minor__lt=least).values_list("worker_id")
    owed = short.annotate(owed=Sum(least - F("reward_minor"))).order_by("worker_id")
    paid = scope.paid(batch, BY_FLOOR)
    figures = {
        "per_hour_minor": batch.floor_minor,
        "reference_seconds": reference_of(batch, wage),
        "least_minor": least,
    }
    return [
        Due(worker, TopUp.Rule.JOB.value, minor - paid[worker], figures)
        for worker, minor in owed
        if minor > paid[worker]
    ]


def worker_dues(
    batch: Batch, wage: Wage, scope: Scope = EVERYBODY, *, besides: Sequence[Due] = ()
) -> list[Due]:
    """What the rule WORKER still owes, where ``besides`` is paid at the same time."""
    paid = scope.paid(batch, BY_FLOOR)
    for due in besides:
        paid[due.worker_id] += due.amount_minor
    reference = reference_of(batch, wage)
    limit = int(batch.assignment_duration.total_seconds())
    works = list(_work(batch, scope))
    rates = of_workers(batch, [each.worker_id for each in works])
    found = []
    for work in works:
        payable = payable_total(work.done, reference, limit)
        already = sum(work.rewards) + paid[work.worker_id]
        figures = {
            "per_hour_minor": rates[work.worker_id],
            "reference_seconds": reference,
            "payable_seconds": payable,
            "answers": len(work.done),
            "paid_minor": already,
        }
        owed = worker_topup(rates[work.worker_id], payable, already)
        if owed:
            found.append(Due(work.worker_id, TopUp.Rule.WORKER.value, owed, figures))
    return found


def _work(batch: Batch, scope: Scope) -> Iterator[Work]:
    rows = scope.of(batch).order_by("worker", "pk")
    read = rows.values_list("worker_id", "worked_seconds", "coverage", "reward_minor")
    for worker, theirs in groupby(read.iterator(chunk_size=CHUNK), key=lambda row: row[0]):
        answers = list(theirs)
        yield Work(
            worker,
            [Worked(seconds or 0, coverage or 0.0) for _, seconds, coverage, _ in answers],
            [reward for _, _, _, reward in answers],
        )


def dues(batch: Batch, wage: Wage, scope: Scope = EVERYBODY) -> list[Due]:
    """What both rules still owe for the answers in ``scope``."""
    by_job = job_dues(batch, wage, scope)
    return [*by_job, *worker_dues(batch, wage, scope, besides=by_job)]
