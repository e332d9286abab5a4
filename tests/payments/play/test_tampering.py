from __future__ import annotations

from tests.payments.play.bank import available, fund, recipient, send
from tests.payments.play.tampering import change_amount, duplicate_transfer, lose_events


def test_a_duplicate_transfer_is_another_with_the_same_terms(bank):
    fund(bank, 10_000)
    worker = recipient(bank)
    sent = send(bank, worker, 500, transfer_group="g", metadata={"payout": "1"})

    copy = duplicate_transfer(bank.server, sent.id)

    assert copy["id"] != sent.id
    assert (available(bank), available(bank, worker)) == (8_680, 1_000)
    listed = bank.stripe.v1.transfers.list({"transfer_group": "g"}).data
    assert [it.metadata["payout"] for it in listed] == ["1", "1"]


def test_a_changed_amount_changes_the_balance_too(bank):
    topup = bank.stripe.v1.topups.create({"amount": 700, "currency": "usd"})

    change_amount(bank.server, topup.balance_transaction, -1)

    booked = bank.stripe.v1.balance_transactions.retrieve(topup.balance_transaction)
    assert (booked.amount, booked.net, available(bank)) == (699, 699, 699)
    assert topup.amount == 700


def test_a_lost_event_is_listed_but_not_delivered(bank):
    bank.stripe.v1.topups.create({"amount": 700, "currency": "usd"})

    (lost,) = lose_events(bank.server, "topup.succeeded")

    assert bank.happened == ["topup.created"]
    assert bank.stripe.v1.events.list().data[0].id == lost["id"]
