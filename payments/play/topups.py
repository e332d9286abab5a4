"""The operator's own money into the platform's balance."""

from __future__ import annotations

from payments.play import balances
from payments.play.amounts import amount_of, currency_of
from payments.play.events import emit
from payments.play.state import PLATFORM, Call, State
from payments.play.store import Json


def create(state: State, call: Call) -> Json:
    """``POST /v1/topups``; the money is there at once."""
    params = call.params
    currency = currency_of(params)
    topup = state.draft(
        "topup",
        amount=amount_of(params, currency),
        currency=currency,
        description=params.get("description"),
        metadata=params.get("metadata", {}),
        statement_descriptor=params.get("statement_descriptor"),
        transfer_group=params.get("transfer_group"),
    )
    topup["balance_transaction"] = balances.book(state, PLATFORM, "topup", topup, topup["amount"])
    emit(state, "topup.created", {**topup, "status": "pending"})
    emit(state, "topup.succeeded", state.add(topup))
    return topup
