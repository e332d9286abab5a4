from __future__ import annotations

import pytest
import stripe

from payments.play import world
from payments.play.errors import NotPossible
from tests.payments.play.bank import available, fund, recipient, send


@pytest.fixture
def charge(bank) -> str:
    """A charge of 10000, of which 9680 is available."""
    return fund(bank, 10_000).latest_charge


def test_a_dispute_takes_the_charge_and_a_fee(bank, charge):
    opened = world.open_dispute(bank.server, charge)

    dispute = bank.stripe.v1.disputes.retrieve(opened["id"])
    assert (dispute.amount, dispute.charge, dispute.status) == (10_000, charge, "needs_response")
    (booked,) = dispute.balance_transactions
    assert (booked.amount, booked.fee, booked.net) == (-10_000, 1_500, -11_500)
    assert available(bank) == 9_680 - 11_500
    assert bank.stripe.v1.charges.retrieve(charge).disputed is True
    assert bank.happened == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def test_a_won_dispute_brings_the_money_back_without_the_fee(bank, charge):
    opened = world.open_dispute(bank.server, charge)
    bank.forget()

    world.close_dispute(bank.server, opened["id"], won=True)

    assert bank.stripe.v1.disputes.retrieve(opened["id"]).status == "won"
    assert available(bank) == 9_680 - 1_500
    assert bank.happened == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]


def test_a_lost_dispute_brings_nothing_back(bank, charge):
    opened = world.open_dispute(bank.server, charge)
    bank.forget()

    world.close_dispute(bank.server, opened["id"], won=False)

    assert bank.stripe.v1.disputes.retrieve(opened["id"]).status == "lost"
    assert available(bank) == 9_680 - 11_500
    assert bank.happened == ["charge.dispute.closed"]


def test_a_dispute_may_be_over_a_part(bank, charge):
    world.open_dispute(bank.server, charge, amount_minor=300)

    assert available(bank) == 9_680 - 300 - 1_500


def test_a_dispute_is_over_what_was_not_refunded(bank, charge):
    bank.stripe.v1.refunds.create({"charge": charge, "amount": 4_000})

    assert world.open_dispute(bank.server, charge)["amount"] == 6_000


def test_a_decided_dispute_stays_decided(bank, charge):
    opened = world.open_dispute(bank.server, charge)
    world.close_dispute(bank.server, opened["id"], won=False)

    with pytest.raises(NotPossible):
        world.close_dispute(bank.server, opened["id"], won=True)
    with pytest.raises(NotPossible):
        world.open_dispute(bank.server, charge)
    with pytest.raises(stripe.InvalidRequestError):
        bank.stripe.v1.disputes.update(opened["id"], {"metadata": {"a": "b"}})


def test_evidence_is_kept_and_goes_to_the_bank_once_submitted(bank, charge):
    opened = world.open_dispute(bank.server, charge)
    evidence = {"evidence": {"access_activity_log": "accepted work"}}

    draft = bank.stripe.v1.disputes.update(opened["id"], {**evidence, "submit": False})
    sent = bank.stripe.v1.disputes.update(opened["id"], evidence)

    assert (draft.status, draft.evidence_details.submission_count) == ("needs_response", 0)
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    assert sent.evidence.access_activity_log == "accepted work"
    assert bank.happened[-1] == "charge.dispute.updated"


def test_a_charge_is_not_refunded_while_it_is_disputed_or_after_it_is_lost(bank, charge):
    fund(bank, 50_000)
    opened = world.open_dispute(bank.server, charge)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        bank.stripe.v1.refunds.create({"charge": charge})
    assert refused.value.code == "charge_disputed"

    world.close_dispute(bank.server, opened["id"], won=True)
    assert bank.stripe.v1.refunds.create({"charge": charge}).status == "succeeded"


def test_a_platform_in_debt_sends_nothing(bank, charge):
    worker = recipient(bank)
    world.open_dispute(bank.server, charge)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(bank, worker, 1)
    assert refused.value.code == "balance_insufficient"

    bank.stripe.v1.topups.create({"amount": 2_000, "currency": "usd", "description": "cover"})
    send(bank, worker, 180)
    assert available(bank) == 0
