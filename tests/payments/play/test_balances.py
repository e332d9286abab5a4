from __future__ import annotations

import pytest
import stripe

from payments.play import world
from payments.play.state import card_fee, no_fee
from tests.payments.play.bank import DAY, available, fund, payment_of, pending, recipient, send


def amounts(page):
    return [it.amount for it in page.data]


def test_an_empty_bank_has_nothing_of_one_currency(bank):
    shown = bank.stripe.v1.balance.retrieve()

    assert [(it.amount, it.currency) for it in shown.available + shown.pending] == [(0, "usd")] * 2


def test_settling_makes_all_pending_money_available(bank):
    payment_of(bank, 1_000, "usd")
    payment_of(bank, 2_000, "eur")
    bank.forget()

    assert world.settle(bank.server) == 2

    assert (available(bank), pending(bank)) == (941, 0)
    assert (available(bank, currency="eur"), pending(bank, "eur")) == (1_912, 0)
    assert bank.happened == ["balance.available"]
    booked = bank.stripe.v1.balance_transactions.list({"type": "charge"})
    assert {it.status for it in booked.data} == {"available"}


def test_settling_nothing_tells_nothing(bank):
    assert world.settle(bank.server) == 0

    assert bank.happened == []


def test_money_settles_when_it_is_due_and_no_sooner(bank):
    payment_of(bank, 1_000)
    bank.clock.now += DAY
    payment_of(bank, 2_000)

    assert world.settle_due(bank.server) == 0
    bank.clock.now += DAY
    assert world.settle_due(bank.server) == 1

    assert (available(bank), pending(bank)) == (941, 1_912)


def test_a_topup_is_there_at_once(bank):
    made = bank.stripe.v1.topups.create({"amount": 700, "currency": "usd"})

    assert made.status == "succeeded"
    assert available(bank) == 700
    assert bank.happened == ["topup.created", "topup.succeeded"]


def test_the_transactions_sum_to_the_balance(bank):
    payment = fund(bank, 10_000)
    payment_of(bank, 500)
    send(bank, recipient(bank), 40)
    bank.stripe.v1.refunds.create({"payment_intent": payment.id, "amount": 7})

    booked = list(bank.stripe.v1.balance_transactions.list({"limit": 1}).auto_paging_iter())

    assert [it.type for it in booked] == ["refund", "transfer", "charge", "charge"]
    assert sum(it.net for it in booked) == available(bank) + pending(bank)
    assert bank.stripe.v1.balance_transactions.retrieve(booked[0].id).amount == -7


def test_pages_go_both_ways_from_a_cursor(bank):
    for amount_minor in range(1, 6):
        bank.stripe.v1.topups.create({"amount": amount_minor, "currency": "usd"})
    listed = bank.stripe.v1.balance_transactions.list
    names = [it.id for it in listed().data]

    first = listed({"limit": 2})
    assert (amounts(first), first.has_more) == ([5, 4], True)
    older = listed({"limit": 3, "starting_after": names[1]})
    assert (amounts(older), older.has_more) == ([3, 2, 1], False)
    newer = listed({"limit": 2, "ending_before": names[3]})
    assert (amounts(newer), newer.has_more) == ([4, 3], True)


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 101},
        {"starting_after": "txn_none"},
        {"ending_before": "txn_none"},
        {"starting_after": "txn_a", "ending_before": "txn_b"},
    ],
)
def test_a_page_that_cannot_be_is_refused(bank, params):
    with pytest.raises(stripe.InvalidRequestError):
        bank.stripe.v1.balance_transactions.list(params)


def test_transactions_are_found_by_when_they_were_made(bank):
    noon = int(bank.clock.now.timestamp())
    for amount_minor in (1, 2, 3):
        bank.stripe.v1.topups.create({"amount": amount_minor, "currency": "usd"})
        bank.clock.now += DAY
    listed = bank.stripe.v1.balance_transactions.list

    assert amounts(listed({"created": {"gt": noon}})) == [3, 2]
    assert amounts(listed({"created": {"gte": noon, "lt": noon + 86_400}})) == [1]
    assert amounts(listed({"created": noon + 86_400})) == [2]


def test_transactions_are_found_by_currency_and_source(bank):
    first = bank.stripe.v1.topups.create({"amount": 1, "currency": "usd"})
    bank.stripe.v1.topups.create({"amount": 2, "currency": "jpy"})
    listed = bank.stripe.v1.balance_transactions.list

    assert amounts(listed({"currency": "jpy"})) == [2]
    assert amounts(listed({"source": first.id})) == [1]


@pytest.mark.parametrize(
    ("amount_minor", "fee_minor"), [(10_000, 320), (50, 31), (60, 32), (1, 1), (30, 30)]
)
def test_the_fee_is_rounded_half_up_and_never_more_than_the_payment(amount_minor, fee_minor):
    assert card_fee(amount_minor) == fee_minor
    assert no_fee(amount_minor) == 0
