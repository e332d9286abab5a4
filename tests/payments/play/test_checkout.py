from __future__ import annotations

from datetime import timedelta

import pytest
import stripe

from payments.play import world
from payments.play.errors import NotPossible
from payments.play.state import Rules, no_fee
from payments.play.store import MemoryStore
from tests.payments.play.bank import available, new_bank, payment_of, pending, session_of


def test_a_session_says_what_is_to_be_paid_and_where(bank):
    name = session_of(bank, 2_500, client_reference_id="funding-7", metadata={"funding": "7"})

    session = bank.stripe.v1.checkout.sessions.retrieve(name)

    assert (session.amount_total, session.currency) == (2_500, "usd")
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert session.client_reference_id == "funding-7"
    assert session.metadata["funding"] == "7"
    assert session.url == f"https://checkout.play.invalid/pay/{name}"
    assert session.payment_intent is None


def test_a_paid_session_leaves_a_payment_with_a_charge_pending_less_the_fee(bank):
    name = session_of(
        bank, 10_000, payment_intent_data={"transfer_group": "g", "metadata": {"funding": "7"}}
    )

    world.pay_session(bank.server, name)

    session = bank.stripe.v1.checkout.sessions.retrieve(
        name, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
    )
    assert (session.status, session.payment_status) == ("complete", "paid")
    payment = session.payment_intent
    assert (payment.status, payment.amount_received) == ("succeeded", 10_000)
    assert (payment.transfer_group, payment.metadata["funding"]) == ("g", "7")
    booked = payment.latest_charge.balance_transaction
    assert (booked.amount, booked.fee, booked.net) == (10_000, 320, 9_680)
    assert booked.status == "pending"
    assert booked.available_on == booked.created + 2 * 86_400
    assert (available(bank), pending(bank)) == (0, 9_680)


def test_a_payment_is_told_from_the_charge_to_the_session(bank):
    payment_of(bank)

    assert bank.happened == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_paying_again_changes_nothing(bank):
    name = session_of(bank)
    world.pay_session(bank.server, name)
    bank.forget()

    world.pay_session(bank.server, name)

    assert pending(bank) == 9_680
    assert bank.happened == []


def test_a_promised_payment_completes_the_session_and_arrives_later(bank):
    name = session_of(bank)

    promised = world.promise_session(bank.server, name)
    assert (promised["status"], promised["payment_status"]) == ("complete", "unpaid")
    assert bank.happened[-1] == "checkout.session.completed"
    assert pending(bank) == 0

    paid = world.pay_session(bank.server, name)
    assert paid["payment_status"] == "paid"
    assert paid["payment_intent"] == promised["payment_intent"]
    assert bank.happened[-1] == "checkout.session.async_payment_succeeded"
    assert pending(bank) == 9_680


def test_a_promised_payment_may_fail(bank):
    name = session_of(bank)

    failed = world.fail_session(bank.server, name)

    assert (failed["status"], failed["payment_status"]) == ("complete", "unpaid")
    payment = bank.stripe.v1.payment_intents.retrieve(failed["payment_intent"])
    assert payment.status == "requires_payment_method"
    assert bank.happened[-2:] == [
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]
    with pytest.raises(NotPossible):
        world.pay_session(bank.server, name)
    assert pending(bank) == 0


def test_an_expired_session_cannot_be_paid(bank):
    name = session_of(bank)

    world.expire_session(bank.server, name)

    assert bank.happened == ["checkout.session.expired"]
    with pytest.raises(NotPossible):
        world.pay_session(bank.server, name)
    with pytest.raises(NotPossible):
        world.fail_session(bank.server, name)


def test_a_client_expires_an_open_session_only(bank):
    name = session_of(bank)

    assert bank.stripe.v1.checkout.sessions.expire(name).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        bank.stripe.v1.checkout.sessions.expire(name)


def test_money_without_coins_is_charged_in_whole_units(bank):
    payment_of(bank, 5_000, "jpy")

    assert pending(bank, "jpy") == 5_000 - 145 - 30


def test_without_a_delay_the_money_is_there_at_once():
    bank = new_bank(MemoryStore(), Rules(fee=no_fee, settles_after=timedelta(0)))

    payment_of(bank, 700)

    assert (available(bank), pending(bank)) == (700, 0)
    assert bank.happened[-2:] == ["balance.available", "checkout.session.completed"]


@pytest.mark.parametrize(
    ("amount_minor", "currency", "param"),
    [(0, "usd", "unit_amount"), (5, "xyz", "currency"), (101, "isk", "unit_amount")],
)
def test_an_amount_that_cannot_be_charged_is_refused(bank, amount_minor, currency, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        session_of(bank, amount_minor, currency)

    assert refused.value.param == param


def test_an_unknown_session_is_missing(bank):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bank.stripe.v1.checkout.sessions.retrieve("cs_test_none")

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
