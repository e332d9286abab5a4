"""A bank to test against: play money with its faults and its world, and a clock that is moved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from payments import accounts, balances, fundings, ledger, operations, payout_accounts, webhooks
from payments.ledger import Posting
from payments.models import Account, ConnectedAccount, Funding, Transfer
from payments.money import Money
from payments.play import events, transport, world
from payments.play.server import PlayServer
from payments.play.state import PLATFORM, Rules
from payments.play.store import MemoryStore, Query
from tests import factories
from tests.factories import NOON
from workers.models import User

SECRET = "whsec_tests"


class Bank:
    """The far end: the server of play money, a client to it, and what happens in the world."""

    def __init__(self, *, rules: Rules | None = None, store=None, now: datetime = NOON) -> None:
        self.now = now
        self.rules = rules or Rules(settles_after=timedelta(0))
        self.server = PlayServer(store or MemoryStore(), clock=lambda: self.now, rules=self.rules)
        self.client = transport.client(self.server, retries=0)
        self.state = self.server.state

    def later(self, **time: float) -> datetime:
        self.now += timedelta(**time)
        return self.now

    def news(self) -> list[dict[str, Any]]:
        """The events nobody has been told of yet, oldest first."""
        found = events.undelivered(self.state, limit=10_000)
        events.delivered(self.state, [event["id"] for event in found])
        return found

    def tell(self, event: dict) -> None:
        """Deliver one event as a webhook, signed."""
        body, signature = events.signed(event, SECRET, now=self.now)
        webhooks.receive(body.encode(), signature, SECRET, now=self.now)

    def work(self) -> None:
        """What the jobs do once: make calls, take in the news, look into it."""
        operations.make_due(self.client, now=self.now)
        for event in self.news():
            self.tell(event)
        webhooks.look_into_due(self.client, now=self.now)

    def run(self, rounds: int = 6) -> None:
        """Let the jobs run until nothing is left to do, minutes apart."""
        for _ in range(rounds):
            self.work()
            self.later(minutes=6)


def funded(bank: Bank, minor: int, *, owner: User | None = None, currency: str = "USD") -> Funding:
    """A requester's deposit that was paid at the checkout, and is in their wallet."""
    owner = owner or factories.a_requester()
    funding = fundings.start(
        owner_id=owner.pk,
        amount=Money(minor, currency),
        return_url="https://example.org/back",
        now=bank.now,
    )
    bank.work()
    world.pay_session(bank.server, factories.fresh(funding).session_id)
    bank.run(3)
    return factories.fresh(funding)


def connected(bank: Bank, owner: User) -> ConnectedAccount:
    """A worker's account at the bank, ready to be paid to."""
    account = payout_accounts.open_account(owner_id=owner.pk, country="US", now=bank.now)
    bank.work()
    world.onboard(bank.server, factories.fresh(account).stripe_account_id)
    bank.run(2)
    return factories.fresh(account)


def earned(owner: User, minor: int, currency: str = "USD") -> None:
    """Give a worker earnings, out of a requester's wallet that was filled by hand."""
    wallet = accounts.wallet_of(factories.a_requester(Money(minor, currency)).pk, currency)
    posting = Posting(
        key=f"bonus:{wallet.pk}",
        kind=Transfer.Kind.BONUS,
        source_id=wallet.pk,
        target_id=accounts.earnings_of(owner.pk, currency).pk,
        amount=Money(minor, currency),
    )
    ledger.post(posting, now=NOON)


def books() -> dict[tuple[str, int | None, str], int]:
    """The balance of every account that is not empty, by purpose, owner and currency."""
    found = {
        (account.purpose, account.owner_id, account.currency): balances.balance_of(account).minor
        for account in Account.objects.all()
    }
    return {name: minor for name, minor in found.items() if minor}


def objects(bank: Bank, kind: str, account: str = PLATFORM) -> list[dict[str, Any]]:
    """All objects of a kind at the bank, oldest first."""
    rows = bank.state.store.find(Query(account, kind, oldest_first=True), limit=100_000)
    return [row.data for row in rows]
