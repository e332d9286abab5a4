"""A payer's bank takes a charge back, hears the platform, and decides."""

from __future__ import annotations

from payments.play import balances
from payments.play.errors import NotPossible, Refusal
from payments.play.events import emit
from payments.play.forms import is_true
from payments.play.state import PLATFORM, Call, State
from payments.play.store import Json, Query

OPEN = {"needs_response", "under_review"}
ANSWER_WITHIN_SECONDS = 9 * 86_400


def retrieve(state: State, call: Call) -> Json:
    """``GET /v1/disputes/{id}``."""
    return state.get("dispute", call.name)


def update(state: State, call: Call) -> Json:
    """``POST /v1/disputes/{id}``: give evidence, and submit it unless ``submit`` says no."""
    dispute = state.get("dispute", call.name)
    if dispute["status"] not in OPEN:
        raise Refusal("This dispute is already closed.")
    evidence = call.params.get("evidence", {})
    dispute["evidence"].update(evidence)
    dispute["metadata"].update(call.params.get("metadata", {}))
    details = dispute["evidence_details"]
    details["has_evidence"] = bool(dispute["evidence"])
    if evidence and is_true(call.params.get("submit", "true")):
        details["submission_count"] += 1
        dispute["status"] = "under_review"
    emit(state, "charge.dispute.updated", state.save(dispute))
    return dispute


def dispute(state: State, charge_name: str, amount_minor: int | None) -> Json:
    """Take a charge back, all that is not refunded of it or an amount, and a fee besides."""
    charge = state.get("charge", charge_name)
    if state.store.find(Query(PLATFORM, "dispute", matching={"charge": charge_name}), limit=1):
        raise NotPossible("the charge has been disputed before")
    left_minor = charge["amount"] - charge["amount_refunded"]
    made = state.draft(
        "dispute",
        amount=left_minor if amount_minor is None else amount_minor,
        charge=charge_name,
        currency=charge["currency"],
        metadata={},
        payment_intent=charge["payment_intent"],
    )
    made["evidence_details"]["due_by"] = state.now() + ANSWER_WITHIN_SECONDS
    emit(state, "charge.dispute.created", {**made, "balance_transactions": []})
    made["balance_transactions"] = [
        _booked(state, made, -made["amount"], state.rules.dispute_fee_minor)
    ]
    state.save({**charge, "disputed": True})
    emit(state, "charge.dispute.funds_withdrawn", state.add(made))
    return made


def close(state: State, name: str, *, won: bool) -> Json:
    """Let the bank decide; what is won comes back, the fee does not."""
    closed = state.get("dispute", name)
    if closed["status"] not in OPEN:
        raise NotPossible(f"the dispute is {closed['status']}")
    closed["status"] = "won" if won else "lost"
    if won:
        closed["balance_transactions"].append(_booked(state, closed, closed["amount"], 0))
    state.save(closed)
    if won:
        emit(state, "charge.dispute.funds_reinstated", closed)
    emit(state, "charge.dispute.closed", closed)
    return closed


def _booked(state: State, disputed: Json, amount_minor: int, fee_minor: int) -> Json:
    category = "dispute" if amount_minor < 0 else "dispute_reversal"
    name = balances.book(
        state,
        PLATFORM,
        "adjustment",
        disputed,
        amount_minor,
        fee_minor=fee_minor,
        category=category,
    )
    return state.get("balance_transaction", name)
