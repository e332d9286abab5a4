"""Who takes part: one requester, and the accounts of the simulated crowd."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from marketplace.embedded import var_dir
from marketplace.management.commands import demo_logins
from marketplace.simulation import accounts
from marketplace.simulation.crowd import SimulatedWorker
from workers import people
from workers.models import User, Worker

REQUESTER = "demo-requester"
LOGIN = "requester"  # of manage.py demo_logins
# Longer than any demo runs; the tokens of a demo that was killed end with it.
LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True)
class Cast:
    """Everybody's account and token. Accounts are used again by the next run, tokens are not."""

    requester: User
    requester_token: str
    workers: dict[str, Worker]  # by name
    tokens: dict[str, str]  # by name
    tokens_name: str

    def leave(self, *, now: datetime) -> None:
        """Revoke the tokens."""
        accounts.withdraw(self.tokens_name, now=now)


def assemble(crowd: Sequence[SimulatedWorker], *, now: datetime) -> Cast:
    """Register whoever is missing, and give everybody a token for this run."""
    requester = _requester(now)
    workers = accounts.sign_up([worker.name for worker in crowd], now=now)
    name = f"demo of {now:%Y-%m-%d %H:%M:%S.%f}"
    users = [requester, *(worker.user for worker in workers.values())]
    requester_token, *tokens = accounts.issue(users, name=name, lifetime=LIFETIME, now=now)
    return Cast(
        requester=requester,
        requester_token=requester_token,
        workers=workers,
        tokens=dict(zip(workers, tokens, strict=True)),
        tokens_name=name,
    )


def _requester(now: datetime) -> User:
    """Return whom `make up` lets people log in as, so that they find the demo's batch.

    A database of one's own gets no such logins, hence a requester nobody can log in as.
    """
    if not os.environ.get("DATABASE_URL"):
        password = demo_logins.kept_passwords(var_dir() / "demo-logins.json")[LOGIN]
        return demo_logins.known_or_made(LOGIN, password, now)
    known = User.objects.filter(username=REQUESTER).first()
    return known or people.register(username=REQUESTER, requester=True, now=now)
