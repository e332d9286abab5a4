from __future__ import annotations

import pytest
import stripe

from payments.play import world
from payments.play.errors import NotPossible
from payments.play.state import Rules
from payments.play.store import MemoryStore
from tests.payments.play.bank import (
    available,
    fund,
    new_bank,
    payment_of,
    pending,
    recipient,
    send,
    session_of,
)


def refund(bank, payment, amount_minor=None, **extra):
    amount = {} if amount_minor is None else {"amount": amount_minor}
    return bank.stripe.v1.refunds.create({"payment_intent": payment.id, **amount, **extra})


def charge_of(bank, payment):
    return bank.stripe.v1.charges.retrieve(payment.latest_charge)


def test_a_refund_goes_back_at_once_without_the_fee(bank):
    payment = fund(bank, 10_000)

    made = refund(bank, payment, 1_000, metadata={"refund": "3"})

    assert (made.status, made.charge, made.metadata["refund"]) == (
        "succeeded",
        payment.latest_charge,
        "3",
    )
    assert available(bank) == 8_680
    assert charge_of(bank, payment).amount_refunded == 1_000
    assert bank.happened == ["refund.created", "charge.refunded"]


def test_a_payment_is_refunded_in_parts_up_to_all_of_it(bank):
    fund(bank, 10_000)
    payment = fund(bank, 10_000)
    refund(bank, payment, 1_000)

    rest = refund(bank, payment)

    assert rest.amount == 9_000
    assert charge_of(bank, payment).refunded is True
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refund(bank, payment)
    assert refused.value.code == "charge_already_refunded"


def test_no_more_is_refunded_than_is_left(bank):
    payment = fund(bank, 10_000)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        refund(bank, payment, 10_001)

    assert refused.value.param == "amount"
    assert available(bank) == 9_680


def test_what_is_still_pending_is_refunded_from_there(bank):
    payment = payment_of(bank, 10_000)

    made = refund(bank, payment, 1_000)

    assert made.status == "succeeded"
    assert (available(bank), pending(bank)) == (0, 8_680)
    world.settle(bank.server)
    assert (available(bank), pending(bank)) == (8_680, 0)


def test_money_that_is_gone_makes_the_refund_wait(bank):
    payment = fund(bank, 10_000)
    send(bank, recipient(bank), 9_680)

    made = refund(bank, payment, 1_000)
    assert (made.status, made.balance_transaction, available(bank)) == ("pending", None, 0)
    with pytest.raises(NotPossible):
        world.settle_refund(bank.server, made.id)

    fund(bank, 10_000)
    world.settle_refund(bank.server, made.id)
    assert bank.stripe.v1.refunds.retrieve(made.id).status == "succeeded"
    assert available(bank) == 8_680


def test_a_refund_may_wait_for_the_bank():
    bank = new_bank(MemoryStore(), Rules(refunds_wait=True))
    payment = fund(bank, 10_000)

    made = refund(bank, payment, 1_000)
    assert (made.status, available(bank)) == ("pending", 8_680)

    world.settle_refund(bank.server, made.id)
    assert bank.stripe.v1.refunds.retrieve(made.id).status == "succeeded"
    assert available(bank) == 8_680
    assert bank.happened[-1] == "refund.updated"


@pytest.mark.parametrize("waits", [False, True])
def test_a_refund_may_come_back_and_be_made_again(waits):
    bank = new_bank(MemoryStore(), Rules(refunds_wait=waits))
    payment = fund(bank, 10_000)
    made = refund(bank, payment, 1_000)

    world.settle_refund(bank.server, made.id, ok=False)

    assert bank.stripe.v1.refunds.retrieve(made.id).status == "failed"
    assert available(bank) == 9_680
    assert charge_of(bank, payment).amount_refunded == 0
    assert bank.happened[-2:] == ["refund.updated", "refund.failed"]
    with pytest.raises(NotPossible):
        world.settle_refund(bank.server, made.id)
    assert refund(bank, payment, 10).amount == 10


def test_a_refund_that_waits_for_money_may_fail_without_having_taken_any(bank):
    payment = fund(bank, 10_000)
    send(bank, recipient(bank), 9_680)
    made = refund(bank, payment, 1_000)

    world.settle_refund(bank.server, made.id, ok=False)

    assert available(bank) == 0
    assert charge_of(bank, payment).amount_refunded == 0


def test_refunds_are_listed_by_payment(bank):
    first, second = fund(bank), fund(bank)
    made = [refund(bank, first, 1), refund(bank, second, 2), refund(bank, first, 3)]

    listed = bank.stripe.v1.refunds.list({"payment_intent": first.id}).data

    assert [it.id for it in listed] == [made[2].id, made[0].id]


def test_a_payment_that_never_arrived_is_not_refunded(bank):
    failed = world.fail_session(bank.server, session_of(bank))

    with pytest.raises(stripe.InvalidRequestError):
        bank.stripe.v1.refunds.create({"payment_intent": failed["payment_intent"]})


def test_a_refund_needs_to_know_of_what(bank):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        bank.stripe.v1.refunds.create({"amount": 5})

    assert (refused.value.code, refused.value.param) == ("parameter_missing", "payment_intent")
