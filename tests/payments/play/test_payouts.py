from __future__ import annotations

import pytest
import stripe

from payments.play import world
from payments.play.errors import NotPossible
from tests.payments.play.bank import available, fund, pay_out, recipient, send


@pytest.fixture
def worker(bank) -> str:
    """A worker with 500 in their account."""
    fund(bank)
    account = recipient(bank)
    send(bank, account, 500)
    bank.forget()
    return account


def retrieve(bank, payout, worker):
    return bank.stripe.v1.payouts.retrieve(payout, options={"stripe_account": worker})


def test_a_payout_leaves_the_account_and_arrives(bank, worker):
    payout = pay_out(bank, worker, 400)
    assert (payout.status, available(bank, worker)) == ("pending", 100)

    world.settle_payout(bank.server, payout.id)

    assert retrieve(bank, payout.id, worker).status == "paid"
    assert available(bank, worker) == 100
    assert bank.happened == ["payout.created", "payout.paid"]


def test_a_payout_is_told_for_the_account_it_left(bank, worker):
    pay_out(bank, worker, 400)

    (event,) = bank.stripe.v1.events.list(options={"stripe_account": worker}).data[:1]

    assert (event.type, event.account) == ("payout.created", worker)


@pytest.mark.parametrize("paid_before", [False, True])
def test_a_payout_may_come_back_even_after_it_was_paid(bank, worker, paid_before):
    payout = pay_out(bank, worker, 400)
    if paid_before:
        world.settle_payout(bank.server, payout.id)

    world.settle_payout(bank.server, payout.id, ok=False)

    failed = retrieve(bank, payout.id, worker)
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    assert failed.failure_balance_transaction
    assert available(bank, worker) == 500
    assert bank.happened[-1] == "payout.failed"


@pytest.mark.parametrize("ok", [True, False])
def test_what_has_failed_stays_so(bank, worker, ok):
    payout = pay_out(bank, worker, 400)
    world.settle_payout(bank.server, payout.id, ok=False)

    with pytest.raises(NotPossible):
        world.settle_payout(bank.server, payout.id, ok=ok)

    assert available(bank, worker) == 500


def test_a_pending_payout_can_be_called_back(bank, worker):
    payout = pay_out(bank, worker, 400)

    bank.stripe.v1.payouts.cancel(payout.id, options={"stripe_account": worker})

    assert retrieve(bank, payout.id, worker).status == "canceled"
    assert available(bank, worker) == 500
    assert bank.happened[-1] == "payout.canceled"


def test_a_paid_payout_cannot_be_called_back(bank, worker):
    payout = pay_out(bank, worker, 400)
    world.settle_payout(bank.server, payout.id)

    with pytest.raises(stripe.InvalidRequestError):
        bank.stripe.v1.payouts.cancel(payout.id, options={"stripe_account": worker})

    assert available(bank, worker) == 100


def test_no_more_leaves_than_is_there(bank, worker):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay_out(bank, worker, 501)

    assert refused.value.code == "balance_insufficient"
    assert available(bank, worker) == 500


def test_an_account_that_is_restricted_again_is_not_paid_out(bank, worker):
    world.onboard(bank.server, worker, ok=False)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay_out(bank, worker, 400)

    assert refused.value.code == "payouts_not_allowed"


def test_payouts_are_listed_for_their_account_only(bank, worker):
    first, second = pay_out(bank, worker, 1), pay_out(bank, worker, 2)
    world.settle_payout(bank.server, first.id)

    def listed(params, **options):
        return [it.id for it in bank.stripe.v1.payouts.list(params, options).data]

    assert listed({}, stripe_account=worker) == [second.id, first.id]
    assert listed({"status": "paid"}, stripe_account=worker) == [first.id]
    assert listed({}) == []


def test_another_account_does_not_see_the_payout(bank, worker):
    payout = pay_out(bank, worker, 1)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        retrieve(bank, payout.id, recipient(bank))

    assert refused.value.code == "resource_missing"


def test_an_account_nobody_has_is_not_served(bank):
    with pytest.raises(stripe.PermissionError) as refused:
        pay_out(bank, "acct_none", 1)

    assert refused.value.error.code == "account_invalid"


def test_the_platform_can_pay_itself_out(bank):
    fund(bank, 10_000)

    bank.stripe.v1.payouts.create({"amount": 680, "currency": "usd"})

    assert available(bank) == 9_000


def test_forints_leave_without_fillers(bank):
    fund(bank, 100_050, "huf")
    account = recipient(bank)
    send(bank, account, 250, "huf")

    with pytest.raises(stripe.InvalidRequestError):
        pay_out(bank, account, 250, "huf")
    pay_out(bank, account, 200, "huf")

    assert available(bank, account, "huf") == 50


def test_payouts_are_scheduled_by_hand(bank, worker):
    asked = {"payments": {"payouts": {"schedule": {"interval": "manual"}}}}

    for _ in range(2):
        settings = bank.stripe.v1.balance_settings.update(asked, {"stripe_account": worker})

    assert settings.payments.payouts.schedule.interval == "manual"
