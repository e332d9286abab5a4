"""Money from the platform to a recipient, and back."""

from __future__ import annotations

from payments.play import accounts, balances
from payments.play.amounts import amount_of, currency_of
from payments.play.errors import Refusal, missing, required
from payments.play.events import emit
from payments.play.lists import page
from payments.play.state import PLATFORM, Call, State
from payments.play.store import Json
from payments.play.templates import listed

REVERSALS_SHOWN = 10


def create(state: State, call: Call) -> Json:
    """``POST /v1/transfers``: available money of the platform goes to an account that can."""
    params = call.params
    if "source_transaction" in params:
        raise Refusal("Play money knows no source_transaction.", param="source_transaction")
    currency = currency_of(params)
    amount_minor = amount_of(params, currency)
    destination = _destination(state, params)
    balances.need(state, PLATFORM, currency, amount_minor)
    transfer = state.draft(
        "transfer",
        amount=amount_minor,
        currency=currency,
        destination=destination,
        description=params.get("description"),
        metadata=params.get("metadata", {}),
        transfer_group=params.get("transfer_group"),
    )
    transfer["reversals"] = listed(f"/v1/transfers/{transfer['id']}/reversals", [])
    transfer["balance_transaction"] = balances.book(
        state, PLATFORM, "transfer", transfer, -amount_minor
    )
    transfer["destination_payment"] = _arrive(state, transfer)
    emit(state, "transfer.created", state.add(transfer))
    return transfer


def _destination(state: State, params: Json) -> str:
    if "destination" not in params:
        raise required("destination")
    row = state.store.get(params["destination"])
    if row is None or row.kind != "v2.core.account":
        raise missing("destination", params["destination"], param="destination", status=400)
    if not accounts.can(row.data, "stripe_transfers"):
        raise Refusal(
            "Your destination account needs to have at least one of the following capabilities "
            "enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    return row.name


def _arrive(state: State, transfer: Json) -> str:
    """Book a transfer at its destination, where it is a payment; return that one's id."""
    payment = state.draft(
        "charge",
        amount=transfer["amount"],
        amount_captured=transfer["amount"],
        currency=transfer["currency"],
        metadata={},
        payment_intent=None,
        source_transfer=transfer["id"],
    )
    payment["id"] = f"py{payment['id'].removeprefix('ch')}"
    account = transfer["destination"]
    payment["balance_transaction"] = balances.book(
        state, account, "payment", payment, transfer["amount"], category="charge"
    )
    return str(state.add(payment, account)["id"])


def retrieve(state: State, call: Call) -> Json:
    """``GET /v1/transfers/{id}``."""
    return state.get("transfer", call.name)


def index(state: State, call: Call) -> Json:
    """``GET /v1/transfers``; filters: destination, transfer_group, created."""
    filters = ["destination", "transfer_group"]
    return page(state, call, "transfer", "/v1/transfers", filters=filters)


def reverse(state: State, call: Call) -> Json:
    """``POST /v1/transfers/{id}/reversals``: take back all that is left of it, or an amount."""
    transfer = state.get("transfer", call.name)
    amount_minor = _reversible(transfer, call.params)
    destination, currency = transfer["destination"], transfer["currency"]
    balances.need(state, destination, currency, amount_minor)
    reversal = state.draft(
        "transfer_reversal",
        amount=amount_minor,
        currency=currency,
        metadata=call.params.get("metadata", {}),
        transfer=transfer["id"],
    )
    reversal["balance_transaction"] = balances.book(
        state, PLATFORM, "transfer_refund", reversal, amount_minor, category="transfer_reversal"
    )
    balances.book(state, destination, "payment_refund", reversal, -amount_minor, category="refund")
    _note_reversal(state, transfer, state.add(reversal))
    return reversal


def _reversible(transfer: Json, params: Json) -> int:
    """Return how much to take back, in minor units."""
    left_minor = int(transfer["amount"] - transfer["amount_reversed"])
    if not left_minor:
        raise Refusal("The transfer has already been fully reversed.", code="transfer_reversed")
    if "amount" not in params:
        return left_minor
    amount_minor = amount_of(params, transfer["currency"])
    if amount_minor > left_minor:
        raise Refusal(
            f"Transfer reversal amount ({amount_minor}) is greater than unreversed amount on "
            f"transfer ({left_minor})",
            param="amount",
        )
    return amount_minor


def _note_reversal(state: State, transfer: Json, reversal: Json) -> None:
    transfer["amount_reversed"] += reversal["amount"]
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    shown = transfer["reversals"]
    reversals = [reversal, *shown["data"]]
    shown["has_more"] = shown["has_more"] or len(reversals) > REVERSALS_SHOWN
    shown["data"] = reversals[:REVERSALS_SHOWN]
    emit(state, "transfer.reversed", state.save(transfer))
