"""What Stripe tells: kept once, looked into, and what happens where that fails."""

from __future__ import annotations

from datetime import timedelta

import pytest

from payments import (
    accounts,
    disputes,
    fundings,
    ledger,
    outbox,
    payouts,
    playing,
    provider,
    refunds,
    rounds,
    webhooks,
)
from payments.errors import RequesterFrozen
from payments.ledger import Posting
from payments.models import Dispute, Funding, Incident, Payout, StripeEvent, Transfer
from payments.play import world
from payments.play.state import Rules
from tests import factories
from tests.factories import fresh, usd
from tests.payments.stripe_world import Bank, books, connected, earned, funded, objects

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank():
    return Bank()


def told(bank, **fields) -> StripeEvent:
    event = {"id": "evt_1", "type": "checkout.session.completed", "livemode": False, **fields}
    webhooks.keep(event, source="webhook", now=bank.now)
    return StripeEvent.objects.get(pk="evt_1")


def test_an_event_of_a_thing_that_is_not_there_waits_longer_and_longer_and_is_told(bank):
    event = told(bank, data={"object": {"id": "cs_none"}})
    for _ in range(webhooks.TRIES_TOLD + 2):
        webhooks.look_into_due(bank.client, now=bank.now)
        bank.now = fresh(event).next_try_at

    assert fresh(event).processed_at is None
    assert "No such" in fresh(event).last_error
    assert Incident.objects.get().subject == "evt_1"
    assert fresh(event).next_try_at - bank.now <= webhooks.BACK_OFF_MAX


def test_an_event_of_the_other_mode_is_kept_and_not_looked_into(bank):
    event = told(bank, livemode=True, data={"object": {"id": "cs_none"}})

    assert webhooks.look_into(event.pk, bank.client, now=bank.now)
    assert fresh(event).processed_at == bank.now


def test_an_event_of_a_type_nobody_asked_for_is_only_kept(bank):
    event = told(bank, type="customer.created", data={"object": {"id": "cus_1"}})

    assert webhooks.look_into(event.pk, bank.client, now=bank.now)


def test_a_payment_with_a_way_that_takes_days_is_processing_and_then_paid_or_failed(bank):
    paid, failed = (started(bank) for _ in range(2))
    for funding in paid, failed:
        world.promise_session(bank.server, fresh(funding).session_id)
    bank.run(1)
    assert {fresh(paid).status, fresh(failed).status} == {"processing"}

    world.pay_session(bank.server, fresh(paid).session_id)
    world.fail_session(bank.server, fresh(failed).session_id)
    bank.run(1)

    assert (fresh(paid).status, fresh(failed).status) == ("paid", "failed")
    assert fresh(failed).failure
    assert books()["wallet", paid.owner_id, "USD"] == 1000
    assert ("wallet", failed.owner_id, "USD") not in books()


def started(bank) -> Funding:
    funding = fundings.start(
        owner_id=factories.a_requester().pk,
        amount=usd(1000),
        return_url="https://example.org",
        now=bank.now,
    )
    bank.work()
    return funding


def test_a_fee_that_is_known_later_is_booked_once():
    bank = Bank(rules=Rules(settles_after=timedelta(0), fee=lambda minor: 0))
    funding = funded(bank, 1000)
    for _ in range(2):
        fundings.note_fee(funding.pk, 59, now=bank.now)

    assert fresh(funding).fee_minor == 59
    assert books()["provider_fees", None, "USD"] == -59


def test_a_zero_decimal_and_an_odd_currency_are_asked_for_in_stripes_units(bank):
    for currency, units in [("JPY", 700), ("ISK", 70_000)]:
        funding = funded(bank, 700, currency=currency)
        assert (funding.status, funding.amount_minor) == ("paid", 700)
        assert objects(bank, "checkout.session")[-1]["amount_total"] == units
        assert books()["wallet", funding.owner_id, currency] == 700


def test_a_dispute_freezes_what_is_there_and_the_rest_is_owed_when_it_is_lost(bank):
    funding = funded(bank, 1000)
    refunds.withdraw(owner_id=funding.owner_id, amount=usd(100), now=bank.now)
    bank.run(1)
    spent(funding.owner, 600)
    dispute = world.open_dispute(bank.server, funding.charge_id)
    bank.run(1)

    assert Dispute.objects.get().frozen_minor == 300
    assert disputes.frozen_owners() == [funding.owner_id]
    with pytest.raises(RequesterFrozen):
        refunds.withdraw(owner_id=funding.owner_id, amount=usd(1), now=bank.now)
    world.close_dispute(bank.server, dispute["id"], won=False)
    bank.run(1)
    assert books()["receivable", funding.owner_id, "USD"] == -600
    assert fresh(funding).refundable_minor == 0


def spent(owner, minor) -> None:
    wallet = accounts.wallet_of(owner.pk, "USD").pk
    earnings = accounts.earnings_of(factories.a_worker().user_id, "USD").pk
    ledger.post(
        Posting("bonus:x", Transfer.Kind.BONUS, wallet, earnings, usd(minor)), now=factories.NOON
    )


def test_what_was_refunded_before_a_dispute_is_not_refundable_after_it_was_won(bank):
    funding = funded(bank, 1000)
    refunds.withdraw(owner_id=funding.owner_id, amount=usd(400), now=bank.now)
    bank.run(1)
    dispute = world.open_dispute(bank.server, funding.charge_id)
    bank.run(1)
    assert fresh(funding).refundable_minor == 0
    world.close_dispute(bank.server, dispute["id"], won=True)
    bank.run(1)

    assert fresh(funding).refundable_minor == 600


def test_a_payout_goes_on_at_once_when_the_worker_has_changed_their_bank(bank):
    funded(bank, 5000)
    owner = factories.a_worker().user
    earned(owner, 1000)
    account = connected(bank, owner)
    payout = paying(bank, owner)
    world.settle_payout(bank.server, fresh(payout).reference, ok=False)
    bank.run(1)
    assert fresh(payout).status == "returned"
    change = {"object": {"id": "ba_1"}}
    told(
        bank,
        type="account.external_account.updated",
        account=account.stripe_account_id,
        data=change,
    )
    bank.run(2)

    assert (fresh(payout).status, fresh(payout).tries) == ("paying", 2)


def paying(bank, owner) -> Payout:
    payout = payouts.request(owner_id=owner.pk, amount=usd(1000), now=bank.now)
    payouts.send_due(now=bank.now)
    bank.run(2)
    return payout


def test_banks_of_play_money_pay_at_once_and_the_rounds_need_no_client_when_idle(bank, monkeypatch):
    funded(bank, 5000)
    owner = factories.a_worker().user
    earned(owner, 1000)
    connected(bank, owner)
    payout = paying(bank, owner)
    with provider.standing_in(bank.server):
        assert playing.let_time_pass(now=bank.now) > 0
        rounds.listen(now=bank.now)
        assert fresh(payout).status == "paid"
        monkeypatch.setattr(provider, "client", None)  # would fail if it were made
        assert rounds.listen(now=bank.now) == rounds.make_calls(now=bank.now) == 0


def test_the_rounds_of_a_site_that_asked_for_nothing_make_no_client(monkeypatch):
    monkeypatch.setattr(provider, "client", None)
    now = factories.NOON

    assert rounds.hourly(now=now) == rounds.nightly(now=now) == 0


def test_only_so_many_runners_make_calls_at_once(bank, monkeypatch):
    """Or a long queue would keep all runners from everything else."""
    for subject in range(rounds.CALLERS_MAX + 1):
        outbox.plan(kind="toy", subject_id=subject, request={}, now=bank.now)
    names = outbox.due(now=bank.now)
    for name in names[:-1]:
        outbox._lease(name, bank.now)
    monkeypatch.setattr(provider, "client", None)

    assert rounds.make_calls(now=bank.now) == 0
    assert outbox.in_hand(now=bank.now) == rounds.CALLERS_MAX
    assert outbox.in_hand(now=bank.now + outbox.LEASE) == 0


def test_an_event_that_another_runner_has_is_left_to_it_for_a_minute(bank):
    event = told(bank, type="customer.created", data={"object": {"id": "cus_1"}})
    assert webhooks._in_hand(event.pk, bank.now)

    assert not webhooks._in_hand(event.pk, bank.now)
    assert webhooks.look_into_due(bank.client, now=bank.now) == 0
    assert webhooks.look_into_due(bank.client, now=bank.later(minutes=1)) == 1
