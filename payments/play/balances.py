"""Balances: what each account has, available and pending, and the transactions that made it so."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from payments.play.errors import Refusal
from payments.play.events import emit
from payments.play.lists import page
from payments.play.state import Call, State
from payments.play.store import Json, Query, Row

MANY = 1_000  # more currencies than there are, and transactions enough for one look


def available(state: State, account: str, currency: str) -> int:
    """Return what ``account`` can spend now, in minor units; negative if it owes."""
    row = state.store.get(_name(account, currency))
    return int(row.data["available"]) if row else 0


def need(state: State, account: str, currency: str, amount_minor: int) -> None:
    """Refuse unless ``account`` can spend ``amount_minor`` now."""
    if available(state, account, currency) < amount_minor:
        raise Refusal(
            "You have insufficient available funds in your Stripe account.",
            code="balance_insufficient",
        )


def book(
    state: State,
    account: str,
    happened: str,
    source: Json,
    amount_minor: int,
    *,
    fee_minor: int = 0,
    available_on: int | None = None,
    category: str | None = None,
) -> str:
    """Move ``amount_minor`` less the fee into the balance; return the transaction's id.

    ``happened`` is the transaction's ``type``. The money is pending until ``available_on``, if
    that is in the future.
    """
    now = state.now()
    pending = available_on is not None and available_on > now
    currency = source["currency"]
    net = amount_minor - fee_minor
    made = state.draft(
        "balance_transaction",
        amount=amount_minor,
        fee=fee_minor,
        net=net,
        currency=currency,
        type=happened,
        reporting_category=category or happened,
        source=source["id"],
        available_on=available_on if pending else now,
        status="pending" if pending else "available",
    )
    if fee_minor:
        made["fee_details"] = [_fee_detail(fee_minor, currency)]
    state.add(made, account)
    shift(state, account, currency, **{made["status"]: net})
    return str(made["id"])


def settle(state: State, account: str, *, by: int) -> int:
    """Make available what is pending until ``by``; return how many transactions that were.

    Only the oldest thousand are looked at.
    """
    pending = Query(
        account, "balance_transaction", matching={"status": "pending"}, oldest_first=True
    )
    due = [
        row.data for row in state.store.find(pending, limit=MANY) if row.data["available_on"] <= by
    ]
    changes: defaultdict[str, int] = defaultdict(int)
    for booked in due:
        changes[booked["currency"]] += booked["net"]
        state.save({**booked, "status": "available"})
    for currency, net in changes.items():
        shift(state, account, currency, available=net, pending=-net)
    if due:
        emit(state, "balance.available", balance(state, account), account)
    return len(due)


def balance(state: State, account: str) -> Json:
    """Return the balance as the API shows it."""
    rows = [row.data for row in state.store.find(Query(account, "balance"), limit=MANY)]
    rows = rows or [{"currency": "usd", "available": 0, "pending": 0}]
    shown: Json = {"object": "balance", "livemode": False}
    for pool in ("available", "pending"):
        shown[pool] = [_shown(row["currency"], row[pool]) for row in rows]
    return shown


def retrieve(state: State, call: Call) -> Json:
    """``GET /v1/balance``."""
    return balance(state, call.account)


def transactions(state: State, call: Call) -> Json:
    """``GET /v1/balance_transactions``; filters: type, currency, source, created."""
    url = "/v1/balance_transactions"
    filters = ["type", "currency", "source"]
    return page(state, call, "balance_transaction", url, filters=filters)


def transaction(state: State, call: Call) -> Json:
    """``GET /v1/balance_transactions/{id}``."""
    return state.get("balance_transaction", call.name, account=call.account)


def update_settings(state: State, call: Call) -> Json:
    """``POST /v1/balance_settings``: when an account is paid out; here it is never by itself."""
    name = f"balance_settings:{call.account}"
    asked = call.params.get("payments", {}).get("payouts", {}).get("schedule", {})
    settings = _settings(asked.get("interval", "manual"))
    if state.store.get(name):
        state.store.replace(name, settings)
    else:
        state.store.add(Row(name, call.account, "balance_settings", settings))
    return settings


def _settings(interval: str) -> Json:
    payouts = {
        "minimum_balance_by_currency": None,
        "schedule": {"interval": interval},
        "statement_descriptor": None,
        "status": "enabled",
    }
    timing = {"delay_days": 2}
    payments = {"debit_negative_balances": False, "payouts": payouts, "settlement_timing": timing}
    return {"object": "balance_settings", "payments": payments}


def _name(account: str, currency: str) -> str:
    return f"balance:{account}:{currency}"


def shift(state: State, account: str, currency: str, **changes: int) -> None:
    """Add to the pools ``available`` and ``pending`` of a balance."""
    name = _name(account, currency)
    row = state.store.get(name)
    if row is None:
        empty = {"currency": currency, "available": 0, "pending": 0}
        state.store.add(Row(name, account, "balance", {**empty, **changes}))
        return
    changed = {pool: row.data[pool] + change for pool, change in changes.items()}
    state.store.replace(name, {**row.data, **changed})


def _shown(currency: str, amount_minor: int) -> Json:
    return {"amount": amount_minor, "currency": currency, "source_types": {"card": amount_minor}}


def _fee_detail(fee_minor: int, currency: str) -> dict[str, Any]:
    return {
        "amount": fee_minor,
        "application": None,
        "currency": currency,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
