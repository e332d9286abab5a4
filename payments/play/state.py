"""What every part of play money works on: the store, the clock and the rules of the bank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from payments.play.errors import missing
from payments.play.store import Json, Row, Store
from payments.play.templates import PREFIXES, filled

PLATFORM = "acct_platform"
CARD_BASIS_POINTS = 290
CARD_FIXED_MINOR = 30


def card_fee(amount_minor: int) -> int:
    """Return Stripe's fee on a card payment: 2.9 %, rounded half up, and 30 minor units."""
    share_minor = (2 * amount_minor * CARD_BASIS_POINTS + 10_000) // 20_000
    return min(amount_minor, share_minor + CARD_FIXED_MINOR)


def no_fee(amount_minor: int) -> int:
    """Return no fee at all, whatever is paid."""
    return 0 * amount_minor


@dataclass(frozen=True, slots=True)
class Rules:
    """How this bank behaves; the defaults are Stripe's for a card in the United States.

    ``settles_after`` is how long a payment stays pending; at zero it is available at once.
    ``arrives_after`` is how long a payout takes, if ``world.let_time_pass`` is called then.
    With ``refunds_wait`` a refund stays pending until ``world.settle_refund``. The urls are what
    a client is sent to, with ``{name}`` for the id of the session or account.
    """

    fee: Callable[[int], int] = card_fee
    dispute_fee_minor: int = 1500
    settles_after: timedelta = timedelta(days=2)
    arrives_after: timedelta = timedelta(days=2)
    refunds_wait: bool = False
    checkout_url: str = "https://checkout.play.invalid/pay/{name}"
    onboarding_url: str = "https://connect.play.invalid/setup/{name}"


@dataclass(frozen=True, slots=True)
class State:
    """Store, clock and rules; ``clock`` returns an aware datetime."""

    store: Store
    clock: Callable[[], datetime]
    rules: Rules

    def now(self) -> int:
        """Return the time in whole seconds of Unix."""
        return int(self.clock().timestamp())

    def draft(self, kind: str, **fields: Any) -> Json:
        """Return a new object of ``kind``, not yet added, with an id and a time."""
        made = filled(kind, fields)
        made["id"] = f"{PREFIXES[kind]}_play{self.store.next_number():08d}"
        made["object"] = kind
        made["created"] = iso(self.now()) if kind.startswith("v2.") else self.now()
        return made

    def add(self, made: Json, account: str = PLATFORM) -> Json:
        """Add an object to those of ``account``, and return it."""
        self.store.add(Row(made["id"], account, made["object"], made))
        return made

    def save(self, changed: Json) -> Json:
        """Keep what was changed of an object, and return it."""
        self.store.replace(changed["id"], changed)
        return changed

    def get(self, kind: str, name: str, *, account: str = PLATFORM, param: str = "id") -> Json:
        """Return an object of ``account``; refuse as Stripe does if there is none."""
        row = self.store.get(name)
        if row is None or (row.kind, row.account) != (kind, account):
            raise missing(kind, name, param=param)
        return row.data


@dataclass(frozen=True, slots=True)
class Call:
    """A request, read: whose account it is for, the ids in its path, and its parameters."""

    account: str
    names: tuple[str, ...] = ()
    params: Json = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.names[0]


def iso(seconds: int) -> str:
    """Write a Unix time as the second version of the API does: ``2026-11-22T12:00:00Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
