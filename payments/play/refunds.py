"""Money back to who paid: from a charge, as much as is left of it."""

from __future__ import annotations

from payments.play import balances
from payments.play.amounts import amount_of
from payments.play.errors import NotPossible, Refusal, missing, required
from payments.play.events import emit
from payments.play.lists import page
from payments.play.state import PLATFORM, Call, State
from payments.play.store import Json, Query


def create(state: State, call: Call) -> Json:
    """``POST /v1/refunds`` of a payment or a charge: all that is left of it, or an amount.

    Money that is not there makes a pending refund, which takes it when it settles.
    """
    params = call.params
    charge = _charge(state, params)
    amount_minor = _refundable(state, charge, params)
    refund = state.draft(
        "refund",
        amount=amount_minor,
        charge=charge["id"],
        currency=charge["currency"],
        metadata=params.get("metadata", {}),
        payment_intent=charge["payment_intent"],
        reason=params.get("reason"),
    )
    _take(state, refund, charge)
    if state.rules.refunds_wait or not refund["balance_transaction"]:
        refund["status"] = "pending"
    emit(state, "refund.created", state.add(refund))
    _note_refund(state, charge, amount_minor)
    return refund


def _charge(state: State, params: Json) -> Json:
    if "charge" in params:
        return state.get("charge", params["charge"], param="charge")
    if "payment_intent" not in params:
        raise required("payment_intent")
    payment = state.get("payment_intent", params["payment_intent"], param="payment_intent")
    if payment["latest_charge"] is None:
        raise Refusal(f"This PaymentIntent ({payment['id']}) does not have a successful charge.")
    return state.get("charge", payment["latest_charge"])


def _refundable(state: State, charge: Json, params: Json) -> int:
    """Return how much to pay back, in minor units."""
    if _charged_back(state, charge):
        raise Refusal(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    left_minor = int(charge["amount"] - charge["amount_refunded"])
    if not left_minor:
        raise Refusal(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount_minor = amount_of(params, charge["currency"]) if "amount" in params else left_minor
    if amount_minor > left_minor:
        raise Refusal(
            f"Refund amount ({amount_minor}) is greater than unrefunded amount on charge "
            f"({left_minor})",
            param="amount",
        )
    return amount_minor


def _charged_back(state: State, charge: Json) -> bool:
    disputes = state.store.find(
        Query(PLATFORM, "dispute", matching={"charge": charge["id"]}), limit=1
    )
    return any(row.data["status"] != "won" for row in disputes)


def _take(state: State, refund: Json, charge: Json) -> None:
    """Take the money from where the charge's is: what is still pending goes back from there."""
    paid_in = state.get("balance_transaction", charge["balance_transaction"])
    pending = paid_in["status"] == "pending"
    enough = balances.available(state, PLATFORM, refund["currency"]) >= refund["amount"]
    if pending or enough:
        refund["balance_transaction"] = balances.book(
            state,
            PLATFORM,
            "refund",
            refund,
            -refund["amount"],
            available_on=paid_in["available_on"] if pending else None,
        )


def _note_refund(state: State, charge: Json, amount_minor: int) -> None:
    charge["amount_refunded"] += amount_minor
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    state.save(charge)
    if amount_minor > 0:
        emit(state, "charge.refunded", charge)


def retrieve(state: State, call: Call) -> Json:
    """``GET /v1/refunds/{id}``."""
    return state.get("refund", call.name)


def index(state: State, call: Call) -> Json:
    """``GET /v1/refunds``; filters: charge, payment_intent, created."""
    return page(state, call, "refund", "/v1/refunds", filters=["charge", "payment_intent"])


def settle(state: State, name: str, *, ok: bool) -> Json:
    """Let a pending refund arrive, or come back; it may also come back after it has arrived.

    What comes back can be refunded again.
    """
    row = state.store.get(name)
    if row is None or row.kind != "refund":
        raise missing("refund", name)
    refund = row.data
    if refund["status"] not in ({"pending"} if ok else {"pending", "succeeded"}):
        raise NotPossible(f"the refund is {refund['status']}")
    return _succeed(state, refund) if ok else _fail(state, refund)


def _succeed(state: State, refund: Json) -> Json:
    if not refund["balance_transaction"]:
        _take(state, refund, state.get("charge", refund["charge"]))
    if not refund["balance_transaction"]:
        raise NotPossible("the platform has not enough money for the refund")
    refund["status"] = "succeeded"
    emit(state, "refund.updated", state.save(refund))
    return refund


def _fail(state: State, refund: Json) -> Json:
    refund.update(status="failed", failure_reason="lost_or_stolen_card")
    if refund["balance_transaction"]:
        refund["failure_balance_transaction"] = balances.book(
            state, PLATFORM, "refund_failure", refund, refund["amount"]
        )
    emit(state, "refund.updated", state.save(refund))
    emit(state, "refund.failed", refund)
    _note_refund(state, state.get("charge", refund["charge"]), -refund["amount"])
    return refund
