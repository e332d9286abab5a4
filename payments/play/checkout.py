"""Money in: a Checkout session is paid, fails or expires; its payment leaves a charge."""

from __future__ import annotations

from payments.play import balances
from payments.play.amounts import amount_of, currency_of
from payments.play.errors import NotPossible, Refusal, required
from payments.play.events import emit
from payments.play.state import PLATFORM, Call, State
from payments.play.store import Json

DAY_SECONDS = 86_400
DECLINED: Json = {
    "type": "card_error",
    "code": "payment_intent_payment_attempt_failed",
    "message": "The payment failed.",
}


def create(state: State, call: Call) -> Json:
    """``POST /v1/checkout/sessions`` in mode ``payment``; the payment begins when it is paid."""
    params = call.params
    if params.get("mode") != "payment":
        raise Refusal("Play money knows the mode payment only.", param="mode")
    currency, total = _total(params)
    session = state.draft(
        "checkout.session",
        amount_subtotal=total,
        amount_total=total,
        currency=currency,
        mode="payment",
        metadata=params.get("metadata", {}),
        expires_at=int(params.get("expires_at", state.now() + DAY_SECONDS)),
    )
    for field in ("cancel_url", "client_reference_id", "customer_email", "success_url"):
        session[field] = params.get(field)
    session["url"] = state.rules.checkout_url.format(name=session["id"])
    # Not a field of Stripe's: what the payment will carry once there is one.
    session["_payment"] = params.get("payment_intent_data", {})
    return shown(state.add(session, call.account))


def _total(params: Json) -> tuple[str, int]:
    """Return the currency of the lines, and what they come to in minor units."""
    lines = params.get("line_items") or []
    prices = [line.get("price_data", {}) for line in lines]
    currencies = {currency_of(price) for price in prices}
    if not currencies:
        raise required("line_items")
    if len(currencies) > 1:
        raise Refusal("All line items must have the same currency.", param="line_items")
    (currency,) = currencies
    total = sum(
        amount_of(price, currency, param="unit_amount") * int(line.get("quantity", 1))
        for price, line in zip(prices, lines, strict=True)
    )
    return currency, total


def shown(session: Json) -> Json:
    """Return a session without what is no field of Stripe's."""
    return {name: value for name, value in session.items() if not name.startswith("_")}


def retrieve(state: State, call: Call) -> Json:
    """``GET /v1/checkout/sessions/{id}``."""
    return shown(state.get("checkout.session", call.name, account=call.account))


def expire(state: State, call: Call) -> Json:
    """``POST /v1/checkout/sessions/{id}/expire``: it can no longer be paid."""
    session = state.get("checkout.session", call.name, account=call.account)
    if session["status"] != "open":
        raise Refusal(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of {session['status']}."
        )
    session.update(status="expired", url=None)
    emit(state, "checkout.session.expired", shown(state.save(session)))
    return shown(session)


def intent(state: State, call: Call) -> Json:
    """``GET /v1/payment_intents/{id}``."""
    return state.get("payment_intent", call.name, account=call.account)


def charge(state: State, call: Call) -> Json:
    """``GET /v1/charges/{id}``."""
    return state.get("charge", call.name, account=call.account)


def pay(state: State, name: str) -> Json:
    """Let the payment of a session arrive; one that has arrived stays as it is."""
    session = state.get("checkout.session", name)
    if session["payment_status"] == "paid":
        return shown(session)
    promised = session["status"] == "complete"
    payment = _promised(state, session) if promised else _begun(state, session)
    _succeed(state, payment)
    session["payment_status"] = "paid"
    happened = "async_payment_succeeded" if promised else "completed"
    emit(state, f"checkout.session.{happened}", shown(state.save(session)))
    return shown(session)


def promise(state: State, name: str) -> Json:
    """Complete a session with a way of paying that takes days: it is not paid yet."""
    session = state.get("checkout.session", name)
    payment = _begun(state, session)
    payment["status"] = "processing"
    emit(state, "payment_intent.processing", state.save(payment))
    emit(state, "checkout.session.completed", shown(state.save(session)))
    return shown(session)


def fail(state: State, name: str) -> Json:
    """Let a promised payment not arrive; an open session is promised first."""
    if state.get("checkout.session", name)["status"] == "open":
        promise(state, name)
    session = state.get("checkout.session", name)
    payment = _promised(state, session)
    payment.update(status="requires_payment_method", last_payment_error=DECLINED)
    emit(state, "payment_intent.payment_failed", state.save(payment))
    emit(state, "checkout.session.async_payment_failed", shown(session))
    return shown(session)


def _begun(state: State, session: Json) -> Json:
    """Complete an open session, and return its new payment."""
    if session["status"] != "open":
        raise NotPossible(f"the session is {session['status']}")
    carried = session.pop("_payment")
    payment = state.draft(
        "payment_intent",
        amount=session["amount_total"],
        currency=session["currency"],
        status="requires_payment_method",
        metadata=carried.get("metadata", {}),
        transfer_group=carried.get("transfer_group"),
        description=carried.get("description"),
    )
    emit(state, "payment_intent.created", state.add(payment))
    session.update(status="complete", url=None, payment_intent=payment["id"])
    return payment


def _promised(state: State, session: Json) -> Json:
    if session["status"] != "complete":
        raise NotPossible(f"the session is {session['status']}")
    payment = state.get("payment_intent", session["payment_intent"])
    if payment["status"] != "processing":
        raise NotPossible(f"the payment is {payment['status']}")
    return payment


def _succeed(state: State, payment: Json) -> None:
    """Charge the payment, and book it less Stripe's fee."""
    amount_minor = payment["amount"]
    made = state.draft(
        "charge",
        amount=amount_minor,
        amount_captured=amount_minor,
        currency=payment["currency"],
        payment_intent=payment["id"],
        metadata=payment["metadata"],
        transfer_group=payment["transfer_group"],
    )
    available_on = state.now() + int(state.rules.settles_after.total_seconds())
    made["balance_transaction"] = balances.book(
        state,
        PLATFORM,
        "charge",
        made,
        amount_minor,
        fee_minor=state.rules.fee(amount_minor),
        available_on=available_on,
    )
    payment.update(status="succeeded", amount_received=amount_minor, latest_charge=made["id"])
    emit(state, "charge.succeeded", state.add(made))
    emit(state, "payment_intent.succeeded", state.save(payment))
    if available_on <= state.now():
        emit(state, "balance.available", balances.balance(state, PLATFORM))
