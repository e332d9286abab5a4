"""A bank of play money to test on: a clock that stands, a strict client, and short ways."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import stripe

from payments.play import events, world
from payments.play.server import PlayServer
from payments.play.state import Rules
from payments.play.store import Json, Store
from payments.play.transport import client
from tests.payments.play.contract import violations

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Bank:
    server: PlayServer
    stripe: stripe.StripeClient
    clock: Clock

    @property
    def happened(self) -> list[str]:
        """The types of all events that wait."""
        return [event["type"] for event in events.undelivered(self.server.state, limit=1000)]

    def forget(self) -> None:
        """Take all events that wait."""
        waiting = events.undelivered(self.server.state, limit=1000)
        events.delivered(self.server.state, [event["id"] for event in waiting])


def new_bank(store: Store, rules: Rules | None = None, *, retries: int = 2) -> Bank:
    clock = Clock()
    server = PlayServer(store, clock=clock, rules=rules, check=violations)
    return Bank(server, client(server, retries=retries), clock)


def session_of(bank: Bank, amount_minor: int = 10_000, currency: str = "usd", **extra) -> str:
    """Return the id of a new session over that amount."""
    price = {
        "currency": currency,
        "unit_amount": amount_minor,
        "product_data": {"name": "Batch funds"},
    }
    made = bank.stripe.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "success_url": "https://site.test/wallet",
            **extra,
        }
    )
    return made.id


def payment_of(bank: Bank, amount_minor: int = 10_000, currency: str = "usd"):
    """Return a payment that has arrived; it is still pending."""
    session = world.pay_session(bank.server, session_of(bank, amount_minor, currency))
    return bank.stripe.v1.payment_intents.retrieve(session["payment_intent"])


def fund(bank: Bank, amount_minor: int = 10_000, currency: str = "usd"):
    """Return a payment that has arrived and is available, and forget its events."""
    payment = payment_of(bank, amount_minor, currency)
    world.settle(bank.server)
    bank.forget()
    return payment


def recipient(bank: Bank, *, onboarded: bool = True) -> str:
    """Return the id of a new account, and forget its events."""
    made = bank.stripe.v2.core.accounts.create(
        {
            "dashboard": "express",
            "identity": {"country": "us", "entity_type": "individual"},
            "configuration": {
                "recipient": {
                    "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
                }
            },
            "defaults": {
                "responsibilities": {
                    "fees_collector": "application",
                    "losses_collector": "application",
                }
            },
        }
    )
    if onboarded:
        world.onboard(bank.server, made.id)
    bank.forget()
    return made.id


def send(bank: Bank, account: str, amount_minor: int, currency: str = "usd", **extra):
    return bank.stripe.v1.transfers.create(
        {"amount": amount_minor, "currency": currency, "destination": account, **extra}
    )


def pay_out(bank: Bank, account: str, amount_minor: int, currency: str = "usd"):
    return bank.stripe.v1.payouts.create(
        {"amount": amount_minor, "currency": currency}, {"stripe_account": account}
    )


def available(bank: Bank, account: str | None = None, currency: str = "usd") -> int:
    return _pool(bank, account, currency, "available")


def pending(bank: Bank, currency: str = "usd") -> int:
    return _pool(bank, None, currency, "pending")


def _pool(bank: Bank, account: str | None, currency: str, pool: str) -> int:
    options = {"stripe_account": account} if account else {}
    shown: Json = bank.stripe.v1.balance.retrieve(options=options).to_dict()
    return sum(part["amount"] for part in shown[pool] if part["currency"] == currency)
