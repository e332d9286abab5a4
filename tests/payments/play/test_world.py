from __future__ import annotations

import pytest

from payments.play import world
from payments.play.errors import Refusal
from tests.payments.play.bank import DAY, available, fund, pay_out, payment_of, recipient, send

DEEDS = [
    world.pay_session,
    world.promise_session,
    world.fail_session,
    world.expire_session,
    world.onboard,
    world.settle_payout,
    world.settle_refund,
    world.open_dispute,
]


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_nothing_can_be_done_to_what_is_not_there(bank, deed):
    with pytest.raises(Refusal) as refused:
        deed(bank.server, "xx_none")

    assert refused.value.status == 404
    assert bank.happened == []


@pytest.mark.parametrize("deed", [it for it in DEEDS if it is not world.onboard])
def test_nor_to_what_is_of_another_kind(bank, deed):
    with pytest.raises(Refusal):
        deed(bank.server, recipient(bank))

    assert bank.happened == []


def test_a_dispute_that_is_not_there_is_not_decided(bank):
    with pytest.raises(Refusal):
        world.close_dispute(bank.server, "du_none", won=True)


def test_as_time_passes_payments_settle_and_payouts_arrive(bank):
    fund(bank, 10_000)
    first, second = recipient(bank), recipient(bank)
    for worker in (first, second):
        send(bank, worker, 500)
        pay_out(bank, worker, 400)
    payment_of(bank, 1_000)
    bank.forget()

    bank.clock.now += DAY
    assert world.let_time_pass(bank.server) == 0
    assert bank.happened == []

    bank.clock.now += DAY
    assert world.let_time_pass(bank.server) == 3
    assert bank.happened == ["balance.available", "payout.paid", "payout.paid"]
    assert available(bank) == 9_680 - 1_000 + 941
    assert world.let_time_pass(bank.server) == 0


def test_what_was_paid_called_back_or_came_back_does_not_arrive_again(bank):
    fund(bank, 10_000)
    worker = recipient(bank)
    send(bank, worker, 500)
    paid, canceled, failed = (pay_out(bank, worker, 5) for _ in range(3))
    world.settle_payout(bank.server, paid.id)
    bank.stripe.v1.payouts.cancel(canceled.id, options={"stripe_account": worker})
    world.settle_payout(bank.server, failed.id, ok=False)
    bank.clock.now += 3 * DAY

    assert world.let_time_pass(bank.server) == 0
