from __future__ import annotations

import pytest
import stripe

from payments.play import world
from tests.payments.play.bank import available, fund, recipient, send


def test_a_transfer_moves_available_money_at_once(bank):
    fund(bank, 10_000)
    worker = recipient(bank)

    sent = send(bank, worker, 500, transfer_group="payout_1", metadata={"payout": "9"})

    assert (available(bank), available(bank, worker)) == (9_180, 500)
    assert bank.happened == ["transfer.created"]
    found = bank.stripe.v1.transfers.retrieve(sent.id)
    assert (found.amount, found.destination, found.metadata["payout"]) == (500, worker, "9")


def test_a_transfer_is_booked_on_both_sides(bank):
    fund(bank)
    worker = recipient(bank)

    sent = send(bank, worker, 500)

    listed = bank.stripe.v1.balance_transactions.list
    (ours,) = listed({"type": "transfer"}).data
    (theirs,) = listed({"type": "payment"}, {"stripe_account": worker}).data
    assert (ours.id, ours.net, ours.source) == (sent.balance_transaction, -500, sent.id)
    assert (theirs.net, theirs.source) == (500, sent.destination_payment)


def test_a_transfer_of_more_than_is_available_is_refused(bank):
    fund(bank, 10_000)
    worker = recipient(bank)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(bank, worker, 9_681)

    assert (refused.value.http_status, refused.value.code) == (400, "balance_insufficient")
    assert (available(bank), available(bank, worker)) == (9_680, 0)
    assert bank.happened == []


def test_money_of_another_currency_does_not_help(bank):
    fund(bank, 10_000, "eur")
    worker = recipient(bank)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(bank, worker, 1, "usd")

    assert refused.value.code == "balance_insufficient"


def test_an_account_must_be_onboarded_to_receive(bank):
    fund(bank)
    worker = recipient(bank, onboarded=False)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(bank, worker, 500)
    assert refused.value.code == "insufficient_capabilities_for_transfer"

    world.onboard(bank.server, worker)
    send(bank, worker, 500)
    assert available(bank, worker) == 500


def test_an_unknown_destination_is_missing(bank):
    fund(bank)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(bank, "acct_none", 500)

    assert (refused.value.code, refused.value.param) == ("resource_missing", "destination")


def test_transfers_are_listed_by_group_and_destination(bank):
    fund(bank)
    first, second = recipient(bank), recipient(bank)
    sent = [send(bank, first, 10, transfer_group="a"), send(bank, first, 20, transfer_group="b")]
    sent.append(send(bank, second, 30, transfer_group="a"))

    listed = bank.stripe.v1.transfers.list

    assert [it.id for it in listed().data] == [sent[2].id, sent[1].id, sent[0].id]
    assert [it.id for it in listed({"transfer_group": "a"}).data] == [sent[2].id, sent[0].id]
    assert [it.id for it in listed({"destination": first}).data] == [sent[1].id, sent[0].id]


def test_a_reversal_takes_back_a_part_and_then_the_rest(bank):
    fund(bank, 10_000)
    worker = recipient(bank)
    sent = send(bank, worker, 500)
    bank.forget()

    part = bank.stripe.v1.transfers.reversals.create(sent.id, {"amount": 200})
    rest = bank.stripe.v1.transfers.reversals.create(sent.id)

    assert (part.amount, rest.amount) == (200, 300)
    found = bank.stripe.v1.transfers.retrieve(sent.id)
    assert (found.amount_reversed, found.reversed) == (500, True)
    assert [it.id for it in found.reversals.data] == [rest.id, part.id]
    assert (available(bank), available(bank, worker)) == (9_680, 0)
    assert bank.happened == ["transfer.reversed", "transfer.reversed"]


@pytest.mark.parametrize(
    ("spent", "asked", "code"), [(0, 501, None), (1, 500, "balance_insufficient")]
)
def test_no_more_is_taken_back_than_was_sent_and_is_there(bank, spent, asked, code):
    fund(bank)
    worker = recipient(bank)
    sent = send(bank, worker, 500)
    if spent:
        bank.stripe.v1.payouts.create(
            {"amount": spent, "currency": "usd"}, {"stripe_account": worker}
        )

    with pytest.raises(stripe.InvalidRequestError) as refused:
        bank.stripe.v1.transfers.reversals.create(sent.id, {"amount": asked})

    assert refused.value.code == code
    assert available(bank, worker) == 500 - spent


def test_what_is_reversed_cannot_be_reversed_again(bank):
    fund(bank)
    sent = send(bank, recipient(bank), 500)
    bank.stripe.v1.transfers.reversals.create(sent.id)

    with pytest.raises(stripe.InvalidRequestError):
        bank.stripe.v1.transfers.reversals.create(sent.id)
