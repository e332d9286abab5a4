"""What must not happen at Stripe, done by hand, so that a reconciliation can find it."""

from __future__ import annotations

from payments.play import balances, events
from payments.play.server import PlayServer
from payments.play.state import PLATFORM, Call
from payments.play.store import Json
from payments.play.transfers import create


def duplicate_transfer(server: PlayServer, name: str) -> Json:
    """Make a transfer again, as somebody at Stripe's dashboard might."""
    state = server.state
    with state.store.transaction():
        first = state.get("transfer", name)
        fields = ("amount", "currency", "destination", "transfer_group", "metadata")
        return create(state, Call(PLATFORM, params={field: first[field] for field in fields}))


def change_amount(server: PlayServer, name: str, by_minor: int) -> None:
    """Book a balance transaction with another amount than its source has."""
    state = server.state
    with state.store.transaction():
        row = state.store.get(name)
        assert row is not None
        booked = row.data
        booked["amount"] += by_minor
        booked["net"] += by_minor
        state.save(booked)
        balances.shift(state, row.account, booked["currency"], **{booked["status"]: by_minor})


def lose_events(server: PlayServer, happened: str) -> list[Json]:
    """Never deliver the events of one type that wait now; Stripe's list still has them."""
    waiting = events.undelivered(server.state, limit=1000)
    lost = [event for event in waiting if event["type"] == happened]
    events.delivered(server.state, [event["id"] for event in lost])
    return lost
