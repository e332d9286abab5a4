"""The smallest valid objects, made through the front door. Tests name only what they are about."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import transaction

from payments.deposits import deposit
from payments.models import WageFloor
from payments.money import Money
from tasks import answer, distribute, draft, persons, publish, settle
from tasks.hearings import rejections
from tasks.models import Assignment, Batch, Project, Rejection, Task
from tasks.rows import Row
from tasks.uploads import Upload
from workers import people
from workers.models import User, Worker

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WHY = "The picture shows the other animal: look at its ears."
CATS_OR_DOGS = [{"type": "choice", "name": "label", "options": ["cat", "dog"]}]

numbers = itertools.count(1)


def usd(cents: int) -> Money:
    return Money(cents, "USD")


def floor(
    per_hour_minor: int = 1200,
    currency: str = "USD",
    jurisdiction: str = "platform",
    **fields: Any,
) -> WageFloor:
    """A wage floor in force on every day of the tests, as if a release had brought it."""
    terms = {
        "valid_from": date(2020, 1, 1),
        "source": "test",
        "checked_on": NOON.date(),
        "proposed_at": NOON,
        "approved_at": NOON,
        **fields,
    }
    return WageFloor.objects.create(
        jurisdiction=jurisdiction, currency=currency, per_hour_minor=per_hour_minor, **terms
    )


def a_user(**roles: Any) -> User:
    return people.register(username=f"user{next(numbers)}", now=NOON, **roles)


def a_worker(**fields: Any) -> Worker:
    return a_user(worker=True, **fields).worker


def a_requester(funds: Money | None = None) -> User:
    """A requester; with ``funds`` in their wallet."""
    user = a_user(requester=True)
    if funds:
        deposit(owner_id=user.pk, amount=funds, reference=f"bank-{user.pk}", now=NOON)
    return user


def a_project(*, requester: User | None = None, interface: Any = None) -> Project:
    return draft.create_project(
        requester=requester or a_requester(),
        title="Cats or dogs",
        instructions="Say which animal you see.",
        interface=interface or CATS_OR_DOGS,
        now=NOON,
    )


def rows(count: int, **options: Any) -> list[Row]:
    return [
        Row(input=json.dumps({"image": f"{number}.png"}), external_id=str(number), **options)
        for number in range(count)
    ]


def gold_rows(count: int, label: str = "cat") -> list[Row]:
    return rows(count, gold=json.dumps({"label": label}))


def drafted_batch(
    *,
    tasks: int | Iterable[Row] = 1,
    gold: int = 0,
    reward: Money | None = None,
    fee_basis_points: int = 2000,
    project: Project | None = None,
    **policy: Any,
) -> Batch:
    """A draft filled with tasks; in the order of their numbers, to make tests readable."""
    batch = draft.create_batch(
        project=project or a_project(),
        reward=reward or usd(5),
        fee_basis_points=fee_basis_points,
        policy=draft.Policy(**{"overlap": 1, **policy}),
        now=NOON,
    )
    filling = rows(tasks) if isinstance(tasks, int) else list(tasks)
    add_tasks(batch, [*filling, *gold_rows(gold)])
    batch.refresh_from_db()
    return batch


def add_tasks(batch: Batch, filling: Iterable[Any], now: datetime = NOON) -> Upload:
    draws = itertools.count(next(numbers) * 1_000_000)
    return publish.add_tasks(batch=batch, rows=filling, draw=lambda bits: next(draws), now=now)


def published_batch(**fields: Any) -> Batch:
    """An open, exactly funded batch, made the way requesters make one."""
    batch = drafted_batch(**fields)
    requester = batch.project.requester
    needed = publish.quote(batch, now=NOON).missing
    if needed.minor:
        deposit(owner_id=requester.pk, amount=needed, reference=f"for-{batch.pk}", now=NOON)
    return publish.publish(batch=batch, actor=requester, now=NOON)


def never_gold() -> float:
    return 0.999


def always_gold() -> float:
    return 0.0


def claim(
    batch: Batch, worker: Worker | None = None, *, now: datetime = NOON, gold: bool = False
) -> Assignment:
    """One claimed assignment; fails the test when there is nothing to claim."""
    given = distribute.claim(
        batch_id=batch.pk,
        worker=worker or a_worker(),
        now=now,
        draw=always_gold if gold else never_gold,
    )
    assert given.assignments, "nothing to claim"
    return Assignment.objects.get(pk=given.assignments[0].id)


def may_claim(batch: Batch, worker: Worker, *, now: datetime = NOON, gold: bool = False) -> bool:
    """Whether the worker got a task."""
    draw = always_gold if gold else never_gold
    return bool(distribute.claim(batch_id=batch.pk, worker=worker, now=now, draw=draw).assignments)


def submitted(
    batch: Batch, label: str = "cat", *, worker: Worker | None = None, now: datetime = NOON
) -> Assignment:
    """One claimed and answered assignment."""
    assignment = claim(batch, worker, now=now)
    answer.submit(
        assignment_id=assignment.pk,
        worker=assignment.worker,
        answer={"label": label},
        now=now + MINUTE,
    )
    return assignment


def accepted(batch: Batch, label: str = "cat", **how: Any) -> Assignment:
    """One assignment whose answer was accepted, and not paid yet."""
    assignment = fresh(submitted(batch, label, **how))
    settle.accept(assignment=assignment, actor=batch.project.requester, now=NOON + HOUR)
    return assignment


def rejected(batch: Batch, label: str = "cat", **how: Any) -> Assignment:
    """One assignment whose answer was refused."""
    assignment = fresh(submitted(batch, label, **how))
    refuse(assignment=assignment, actor=batch.project.requester, now=NOON + HOUR)
    return assignment


def refuse(*, assignment: Assignment, actor: User, now: datetime, **said: str) -> Rejection:
    """Reject an answer; of what a requester says only what the test is about has to be named."""
    words = {"code": "wrong_or_empty", "reason": WHY, "instruction": "Say which animal you see."}
    return rejections.reject(assignment=assignment, actor=actor, now=now, **{**words, **said})


def link(kept: Worker, absorbed: Worker, *, now: datetime = NOON) -> None:
    """Make two accounts one person's, as ``manage.py link_people`` does."""
    to, away = User.objects.get(worker=kept).person, User.objects.get(worker=absorbed).person
    with transaction.atomic():
        people.link(kept=to, absorbed=away, now=now, actor=None)
        persons.move_assignments(kept_id=to.pk, absorbed_id=away.pk)


def fresh(row: Any) -> Any:
    """The row as it stands in the database now."""
    return type(row).objects.get(pk=row.pk)


def slots(batch: Batch) -> list[int]:
    """Open slots per task, in the order of their upload."""
    return list(
        Task.objects.filter(batch=batch).order_by("pk").values_list("remaining_overlap", flat=True)
    )


def seeded(seed: int = 0) -> random.Random:
    return random.Random(seed)
