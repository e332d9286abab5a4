"""Money from an account to its owner's bank, which may send it back, even after days."""

from __future__ import annotations

from payments.play import accounts, balances
from payments.play.amounts import PAYOUT_MULTIPLES, amount_of, check_multiple, currency_of
from payments.play.errors import NotPossible, Refusal, missing
from payments.play.events import emit
from payments.play.lists import page
from payments.play.state import PLATFORM, Call, State
from payments.play.store import Json, Query, Row

WAITING = "waiting_payout"
FAILED: Json = {
    "status": "failed",
    "failure_code": "account_closed",
    "failure_message": "The bank account has been closed.",
}


def create(state: State, call: Call) -> Json:
    """``POST /v1/payouts``: available money of the caller's account leaves for the bank."""
    params = call.params
    currency = currency_of(params)
    amount_minor = amount_of(params, currency)
    check_multiple(amount_minor, currency, PAYOUT_MULTIPLES, "amount")
    _check_allowed(state, call.account)
    balances.need(state, call.account, currency, amount_minor)
    payout = state.draft(
        "payout",
        amount=amount_minor,
        arrival_date=state.now() + int(state.rules.arrives_after.total_seconds()),
        currency=currency,
        description=params.get("description"),
        metadata=params.get("metadata", {}),
        method=params.get("method", "standard"),
        statement_descriptor=params.get("statement_descriptor"),
    )
    payout["balance_transaction"] = balances.book(
        state, call.account, "payout", payout, -amount_minor
    )
    emit(state, "payout.created", state.add(payout, call.account), call.account)
    state.store.add(Row(f"waiting:{payout['id']}", PLATFORM, WAITING, {"payout": payout["id"]}))
    return payout


def _check_allowed(state: State, account: str) -> None:
    if account == PLATFORM:
        return
    if not accounts.can(accounts.get(state, account), "payouts"):
        raise Refusal("Payouts are not enabled on this account.", code="payouts_not_allowed")


def retrieve(state: State, call: Call) -> Json:
    """``GET /v1/payouts/{id}``."""
    return state.get("payout", call.name, account=call.account)


def index(state: State, call: Call) -> Json:
    """``GET /v1/payouts``; filters: status, destination, created."""
    return page(state, call, "payout", "/v1/payouts", filters=["status", "destination"])


def cancel(state: State, call: Call) -> Json:
    """``POST /v1/payouts/{id}/cancel``: only one the bank has not seen can be called back."""
    payout = state.get("payout", call.name, account=call.account)
    if payout["status"] != "pending":
        raise Refusal("Payouts can only be canceled while they are pending.")
    payout["status"] = "canceled"
    state.store.remove(f"waiting:{payout['id']}")
    payout["failure_balance_transaction"] = balances.book(
        state, call.account, "payout_cancel", payout, payout["amount"], category="payout_reversal"
    )
    emit(state, "payout.canceled", state.save(payout), call.account)
    return payout


def settle(state: State, name: str, *, ok: bool) -> Json:
    """Let a payout arrive, or come back; it may also come back after it has arrived."""
    row = state.store.get(name)
    if row is None or row.kind != "payout":
        raise missing("payout", name)
    payout, account = row.data, row.account
    legal = {"pending", "in_transit"} if ok else {"pending", "in_transit", "paid"}
    if payout["status"] not in legal:
        raise NotPossible(f"the payout is {payout['status']}")
    payout.update({"status": "paid"} if ok else FAILED)
    state.store.remove(f"waiting:{name}")
    if not ok:
        payout["failure_balance_transaction"] = balances.book(
            state, account, "payout_failure", payout, payout["amount"], category="payout_reversal"
        )
    emit(state, "payout.paid" if ok else "payout.failed", state.save(payout), account)
    return payout


def arrive(state: State, *, limit: int) -> int:
    """Let the payouts arrive whose day has come, of all accounts; return how many did."""
    tickets = state.store.find(Query(PLATFORM, WAITING, oldest_first=True), limit=limit)
    waiting = [state.store.get(ticket.data["payout"]) for ticket in tickets]
    due = [row.name for row in waiting if row and row.data["arrival_date"] <= state.now()]
    for name in due:
        settle(state, name, ok=True)
    return len(due)
