"""Who takes part: one requester, and the accounts of the simulated crowd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from marketplace.simulation import accounts
from marketplace.simulation.crowd import SimulatedWorker
from workers import people
from workers.models import User, Worker

REQUESTER = "demo-requester"
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
    known = User.objects.filter(username=REQUESTER).first()
    requester = known or people.register(username=REQUESTER, requester=True, now=now)
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
