"""Asking a route: who asks, and what the request left behind, undone."""

from __future__ import annotations

import re
from time import thread_time

from django.db import transaction

from tasks import settle
from tests.factories import NOON, a_requester, a_user, published_batch, submitted, usd
from tests.marketplace.clients import JSON, api, problem_of
from tests.marketplace.estates import estate
from tests.marketplace.reading import (
    INTERFACE,
    SECONDS_MAX,
)
from tests.tasks.marketplace import reread

WORKERS = {
    "rejections/<refused>/appeal",
    "juries/<seat>/vote",
    "decisions/<decision>/appeal",
    "content",
    "batches/<rated>/rating",
    "posts",
    "posts/<post>/replies",
    "proposals",
    "proposals/<proposal>/vote",
    "assignments/<active>/beat",
    "assignments/<active>/submit",
    "assignments/<active>/skip",
    "payouts",
    "payout-account/link",
    "restrictions/<restriction>/appeal",
}


def a_world():
    """A requester and a worker who share their batches, with money; and their clients."""
    requester, user = a_requester(usd(10**6)), a_user(worker=True)
    worker = user.worker
    owned = estate(requester, worker, INTERFACE)
    paid = reread(submitted(published_batch(tasks=1, reward=usd(50)), worker=worker))
    settle.accept(assignment=paid, actor=paid.batch.project.requester, now=NOON)
    settle.pay_accepted(now=NOON)
    world = {
        "ids": {name: str(pk) for name, pk in owned.items()},
        "worker": worker.public_id,
        "requester": api(requester, errors_as_500=True),
        "working": api(user, errors_as_500=True),
    }
    for client in world["requester"], world["working"]:
        client.get("payouts")  # imports every view, and notes the key's use
    world["savepoint"] = transaction.savepoint()
    return world


def addressed(route, ids):
    return re.sub(r"<(\w+)>", lambda name: ids[name[1]], route)


class Asked:
    """One request and what it left behind, undone."""

    def __init__(self, world, endpoint, raw, kind=JSON, read=None):
        client = world["working" if endpoint.route in WORKERS else "requester"]
        path = addressed(endpoint.route, world["ids"])
        started = thread_time()
        headers = {"idempotency_key": endpoint.key} if endpoint.key else {}
        self.response = client.send(endpoint.method, path, raw, kind, **headers)
        self.seconds = thread_time() - started
        self.status = self.response.status_code
        self.stored = {}
        if self.status < 300:
            self.stored = (read or endpoint.read)()
            transaction.savepoint_rollback(world["savepoint"])

    def complaint(self):
        """What is wrong with the answer itself, or nothing."""
        if self.status >= 500:
            return f"{self.status}: {self.response.content[:200]!r}"
        if self.seconds > SECONDS_MAX:
            return f"took {self.seconds:.1f} s"
        if self.status >= 400:
            problem_of(self.response)
        return None
