"""What a simulated crowd needs the database for: accounts, tokens, and tasks' external ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from marketplace.api import keys
from marketplace.models import ApiKey
from tasks.models import TaskInput
from workers import people, terms
from workers.models import User, Worker


@transaction.atomic
def sign_up(names: Iterable[str], *, now: datetime) -> dict[str, Worker]:
    """Return a worker of each name, registering those who are new. Nobody can log in as them.

    A repeat registers nobody.
    """
    wanted = list(names)
    known = {
        worker.user.username: worker
        for worker in Worker.objects.filter(user__username__in=wanted).select_related("user")
    }
    for name in wanted:
        if name not in known:
            user = people.register(username=name, worker=True, now=now)
            known[name] = Worker.objects.select_related("user").get(user=user)
    return {name: known[name] for name in wanted}


def issue(users: Sequence[User], *, name: str, lifetime: timedelta, now: datetime) -> list[str]:
    """Make each user a token that ends by itself, and return the tokens in the users' order.

    Simulated people agree to whatever terms are in force.
    """
    for user in users:
        terms.agree_to_current(user=user, now=now)
    return [
        keys.make(user=user, name=name, now=now, expires_at=now + lifetime)[1] for user in users
    ]


def withdraw(name: str, *, now: datetime) -> int:
    """Revoke all tokens of that name that still work; return how many."""
    return ApiKey.objects.filter(name=name, revoked_at=None).update(revoked_at=now)


def external_ids(batch_id: int) -> dict[int, str]:
    """Return what the requester calls each task of a batch, by task; workers do not see it."""
    inputs = TaskInput.objects.filter(task__batch=batch_id)
    return dict(inputs.values_list("task_id", "external_id"))
